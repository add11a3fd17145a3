"""From settings to adapters to activities: what the worker, the tests and the benchmarks share."""

import os
import re

from activities.commit import CommitActivities
from activities.send_notices import MailActivities
from approvals.ports import Mailer, MailQueue
from config.settings import Settings
from customer_platform.account import PlatformAccount
from customer_platform.platform import HttpCustomerPlatform
from customer_platform.secret_references import SecretReferences
from identity.enrolment import KeyedCodes
from identity.files import ensure_secret
from identity.passkeys import RelyingParty
from identity.signing import Ed25519Signatures
from mail.links import Links
from mail.mailer import Security, SmtpMailer, SmtpServer
from mail.render import TemplateRenderer
from store.engine import Engines
from store.ledger import SqlLedger
from store.outbox import SqlOutbox


def codes_of(settings: Settings) -> KeyedCodes:
    """Read the keys of one-time codes, drawing them on the first start."""
    return KeyedCodes(
        ensure_secret(settings.keys / "code-proof.key"), ensure_secret(settings.keys / "outbox.key")
    )


def portals_of(settings: Settings) -> tuple[str, ...]:
    """Return the public keys of the portals, none without their file. Raises ValueError."""
    try:
        said = settings.portal_keys.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return ()
    if any(re.fullmatch(r"[A-Za-z0-9_-]{43}", one, re.ASCII) is None for one in said):
        raise ValueError(f"{settings.portal_keys} must hold one public key a line.")
    return tuple(said)


def door(settings: Settings, engines: Engines, queue: MailQueue) -> CommitActivities:
    """Wire the one door."""
    return CommitActivities(
        SqlLedger(engines),
        Ed25519Signatures(),
        codes_of(settings),
        queue,
        settings.policies(),
        portals_of(settings),
        () if settings.oidc_issuer is None else (settings.oidc_issuer,),
        RelyingParty.of(settings.portal_url),
    )


def platform(settings: Settings) -> HttpCustomerPlatform | None:
    """Wire the customer platform, if there is one. Raises ValueError for an unusable address."""
    if settings.platform_url is None:
        return None
    account = PlatformAccount(
        address=settings.platform_url,
        client_id=settings.platform_client_id,
        client_secret=settings.platform_client_secret,
        private_network=settings.private_network,
    )
    secrets = SecretReferences(settings.secrets, os.environ)
    return HttpCustomerPlatform(account, secrets)


def mailer(settings: Settings) -> SmtpMailer:
    """Wire the mail client. Raises ValueError where mail would cross a network in clear."""
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=Security(settings.smtp_security),
        sender=settings.mail_from,
        username=settings.smtp_username,
        password=settings.smtp_password,
    )
    return SmtpMailer(server, private_network=settings.private_network)


def post(settings: Settings, engines: Engines, mailer: Mailer) -> MailActivities:
    """Wire the mail jobs."""
    renderer = TemplateRenderer(Links(settings.portal_url), settings.mail_domain)
    return MailActivities(SqlOutbox(engines), mailer, renderer, codes_of(settings))
