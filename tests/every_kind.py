"""One installation in which every kind of process lives: led through the door, and mailed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, select

from activities.onboarding import OnboardingActivities
from activities.send_notices import MailActivities
from approvals.commands import Command
from approvals.contacts.record import process_id_of as contacts_of
from approvals.contacts.record import shown_digest as contacts_shown
from approvals.customer_access.commands import BeginSession as BeginPlatformSession
from approvals.customer_access.commands import Disable, Enable
from approvals.customer_access.record import process_id_of as switch_of
from approvals.delivery import Outcome, Start
from approvals.facts import Needed
from approvals.onboarding.commands import Abandon
from approvals.onboarding.record import process_id_of as onboarding_of
from approvals.pairing.commands import Accept, AddClone, AssignRoles, Decline
from approvals.pairing.commands import BeginSession as BeginPairedSession
from approvals.pairing.record import Pairing
from approvals.pairing.record import process_id_of as pairing_of
from approvals.pairing.record import shown_digest as pairing_shown
from approvals.people import Directory, Person, Tenant
from approvals.policy import Policies, Policy
from approvals.ports import NoticesOf
from approvals.sessions import BeginSession, Mode
from approvals.sign_in.commands import Begin, Prove
from approvals.site_access.commands import Ask
from approvals.site_access.record import process_id_of as access_of
from approvals.tenant_access.commands import Deny, Finish, Grant, Revoke, Withdraw
from approvals.tenant_access.record import process_id_of as request_of
from identity.enrolment import proof_of, proof_of_link
from identity.signing import SigningKey, fresh_nonce
from mail.links import Links
from mail.mailer import SmtpMailer
from mail.render import TemplateRenderer
from mail.smtp_server import Security, SmtpServer
from starter.mailbox import Mailbox
from store import tables as t
from store.directory import part_of
from store.engine import Engines
from store.ledger import SqlLedger
from store.outbox import SqlOutbox
from tests import onboardings, pairings, sites, switching
from tests.factories import (
    ART_GALLERY,
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    CLASSICS,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HUNDRED_ACRE,
    JANE,
    LYDIA,
    MINUTE,
    TOM,
    TOM_SAWYER,
    make_submit,
)
from tests.installation import CODES, CarriedClock, Installation, key_id, write_directory
from tests.pairings import CHARLES
from tests.platform_in_memory import InMemoryPlatform
from tests.stored_life import StoredLife, raw

PARTS = (pairings.PAIRED_DIRECTORY, switching.SWITCHING, sites.SITES, onboardings.VENDORS)
DIRECTORY = Directory(
    organizations=PARTS[0].organizations,
    tenants=PARTS[0].tenants,
    groups=PARTS[0].groups,
    people=tuple({one.id: one for part in PARTS for one in part.people}.values()),
    roles=tuple(dict.fromkeys(one for part in PARTS for one in part.roles)),
    serves=tuple(dict.fromkeys(one for part in PARTS for one in part.serves)),
)
SIGNED_IN = (ELIZABETH, CAROLINE, CHARLOTTE, TOM, BECKY, CHRISTOPHER, JANE, CHARLES, LYDIA)
POLICIES = Policies(
    default=Policy(decision_window=5 * MINUTE, shortest_access=timedelta(seconds=1))
)
SENDER = "gatehouse@gatehouse.example"


def renderer() -> TemplateRenderer:
    """Return what writes the mails of these installations."""
    return TemplateRenderer(Links(None), "gatehouse.example")


class EveryKind(StoredLife):
    """Leads processes of every kind to many of their states, on a clock that it moves itself."""

    def __init__(self, engines: Engines, clock: CarriedClock) -> None:
        installation = Installation(engines)
        installation.keys = {one.id: SigningKey.fresh() for one in SIGNED_IN}
        clock.fixed = datetime.now(UTC) - timedelta(hours=2)
        super().__init__(installation, clock, POLICIES)
        self.named: dict[str, UUID] = {}
        self.platform = InMemoryPlatform(imported=(onboardings.JIM, onboardings.LIVESEY))

    async def lives(self) -> "EveryKind":
        """Let everything happen."""
        await self.signs_in()
        await self.asks_for_tenants()
        await self.pairs()
        await self.switches()
        await self.keeps_a_site()
        await self.onboards()
        return self

    async def signs_in(self) -> None:
        """Fill the directory, and enrol the key of everybody who acts, by the mailed code."""
        async with self.engines.write.begin() as connection:
            await write_directory(connection, DIRECTORY)
            site = sites.SITE
            row = {"id": site.id, "slug": site.slug, "name": site.name}
            await connection.execute(
                insert(t.site).values(**row, organization_id=site.organization)
            )
        for person in SIGNED_IN:
            await self._enrols(person)

    async def _enrols(self, person: Person) -> None:
        process, key = key_id(person), self.installation.keys[person.id]
        begin = Begin(email=person.email, public_key=key.public, client="laptop")
        await self._says_for_key(process, key, begin)
        sealed = [one["sealed"] for one in await self.outbox() if one["process_id"] == process]
        proof = proof_of(process, key.public, CODES.opened(sealed[0]))
        await self._says_for_key(process, key, Prove(proof=proof))

    async def _says_for_key(self, process: UUID, key: SigningKey, command: Command) -> None:
        said = key.signed(
            process,
            command,
            actor=None,
            key_id=process,
            issued_at=self.now,
            nonce=fresh_nonce(),
        )
        _taken(await self.hears(said, process=process))

    async def does(self, person: Person, process: UUID, command: Command) -> Outcome:
        """Let somebody do what must be taken."""
        self.process = process
        outcome = await self.says(person, command)
        _taken(outcome)
        self.waits(timedelta(seconds=1))
        return outcome

    async def requested(self, name: str, tenant: Tenant = TOM_SAWYER) -> UUID:
        """Send a request, and remember it by a name."""
        batch = uuid4()
        self.named[name] = request_of(batch, tenant.slug)
        await self.does(ELIZABETH, self.named[name], make_submit(tenant, batch=batch))
        return self.named[name]

    async def asks_for_tenants(self) -> None:
        """Bring one request to each of its states."""
        lapsing = await self.requested("lapsed")
        for name, by, command in (
            ("denied", TOM, Deny(reason="Not today.")),
            ("withdrawn", ELIZABETH, Withdraw()),
        ):
            await self.does(by, await self.requested(name), command)
        for name, tenant, lasting in (
            ("granted", TOM_SAWYER, 30 * DAY),
            ("expired", TOM_SAWYER, 2 * MINUTE),
            ("revoked", TOM_SAWYER, DAY),
            ("finished", TOM_SAWYER, DAY),
            ("endless", HUNDRED_ACRE, None),
        ):
            process = await self.requested(name, tenant)
            end = Grant(no_end=True) if lasting is None else Grant(ends_at=self.now + lasting)
            await self.does(CHRISTOPHER if lasting is None else TOM, process, end)
        await self.does(CAROLINE, self.named["granted"], BeginSession(mode=Mode.SUPPORT))
        await self.does(TOM, self.named["revoked"], Revoke(reason="Enough."))
        await self.does(ELIZABETH, self.named["finished"], Finish(for_all=True))
        self.process = self.named["granted"]
        await self.says(LYDIA, Deny(reason="Me too."))  # refused, and recorded
        await self.hears(b"nonsense", process=uuid4())
        self.waits(6 * MINUTE)
        for process in (lapsing, self.named["expired"]):
            await self.hears(None, process=process)
        await self.requested("pending")

    async def pairs(self) -> None:
        """Pair one tenant with a support group; another one declines."""
        for name, tenant in (("paired", TOM_SAWYER), ("declined", HUNDRED_ACRE)):
            batch = uuid4()
            self.named[name] = pairing_of(batch, tenant.slug)
            offer = pairings.make_offer(batch=batch, tenant=tenant.slug)
            await self.does(CHARLES, self.named[name], offer)
        token = next(
            CODES.opened(one["sealed"])
            for one in await self.outbox()
            if one["process_id"] == self.named["paired"] and one["sealed"]
        )
        proof = proof_of_link(self.named["paired"], token)
        await self.does(TOM, self.named["paired"], Accept(proof=proof))
        await self.does(TOM, self.named["paired"], AssignRoles(roles=("support",)))
        await self.does(CHARLES, self.named["paired"], AddClone())
        visit = BeginPairedSession(mode=Mode.SUPPORT, as_clone=True)
        await self.does(CHARLES, self.named["paired"], visit)
        no = Decline(reason="We help ourselves.")
        await self.does(CHRISTOPHER, self.named["declined"], no)

    async def switches(self) -> None:
        """Switch one customer on, have it accept and sign in; switch another one on and off."""
        on, off = switch_of(CLASSICS.id, FENCE_PAINTING.id), switch_of(CLASSICS.id, ART_GALLERY.id)
        self.named |= {"on": on, "off": off}
        await self.does(JANE, on, switching.ON)
        await self.does(TOM, on, switching.accepting())
        await self.does(TOM, on, BeginPlatformSession())
        await self.does(JANE, off, Enable(customer=ART_GALLERY.slug))
        await self.does(JANE, off, Disable())

    async def keeps_a_site(self) -> None:
        """Save a site's contacts, add a member, and let somebody ask."""
        site = sites.SITE.id
        self.named |= {"contacts": contacts_of(site), "asked": access_of(site, LYDIA.id)}
        self.named["member"] = access_of(site, sites.SID.id)
        async with self.engines.read.connect() as connection:
            held = await part_of(connection, Needed(scopes=(site,)), hold=False)
        save = sites.make_save(BECKY, sites.HUCK)
        shown = contacts_shown(None, site, held)
        await self.does(BECKY, self.named["contacts"], save.model_copy(update={"shown": shown}))
        await self.does(BECKY, self.named["member"], sites.make_add(sites.SID))
        await self.does(LYDIA, self.named["asked"], Ask(site=sites.SITE.slug))

    async def onboards(self) -> None:
        """Begin with one customer and give it up; onboard another one."""
        for name, slug in (("abandoned", "spyglass"), ("ready", onboardings.SLUG)):
            batch = uuid4()
            self.named[name] = onboarding_of(batch, slug)
            start = onboardings.make_start(batch=batch, customer=slug, reference=f"C-{slug}")
            await self.does(CHARLES, self.named[name], start)
            if name == "abandoned":
                await self.steps(3)
                await self.does(CHARLES, self.process, Abandon(reason="They went elsewhere."))
            await self.steps(40)

    async def steps(self, most: int) -> None:
        """Take steps of the present onboarding until it demands none."""
        step = OnboardingActivities(SqlLedger(self.engines), self.platform, self.mail).step
        for _ in range(most):
            if (await step(raw(Start(process=self.process)))).status in ("ready", "abandoned"):
                break

    async def signed(self, person: Person, command: Command, **more: Any) -> bytes:
        if command.needs_shown and command.shown is None:
            state = await self.installation.inbox.state(self.process)
            if isinstance(state, Pairing):
                command = command.model_copy(update={"shown": pairing_shown(state)})
        return await super().signed(person, command, **more)

    async def mailed(self, maildir: Path) -> None:
        """Send all that waits to a real mail server, which keeps it in a Maildir."""
        async with Mailbox(maildir) as mailbox:
            server = SmtpServer(
                host="127.0.0.1", port=mailbox.port, security=Security.NONE, sender=SENDER
            )
            mailer = SmtpMailer(server)
            post = MailActivities(SqlOutbox(self.engines), mailer, renderer(), CODES)
            for notices in await self._waiting():
                await post.send_notices(raw(notices))
            await mailer.close()

    async def _waiting(self) -> Sequence[NoticesOf]:
        query = select(t.outbox.c.process_id, t.outbox.c.version).distinct()
        async with self.engines.read.connect() as connection:
            found = (await connection.execute(query)).all()
        return [NoticesOf(process=one.process_id, version=one.version) for one in found]


def _taken(outcome: Outcome) -> None:
    assert outcome.refusal is None, outcome.refusal
