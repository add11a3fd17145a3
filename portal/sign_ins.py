"""Signing in at a browser: the same process as at a terminal, with a key that the portal holds."""

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID, uuid4

from approvals.commands import Command
from approvals.errors import ApprovalError, FieldError, KeyRefusedError
from approvals.passkeys import Assertion
from approvals.sign_in.commands import Begin, NewcomerForm, Prove, SignOut, vouched
from approvals.sign_in.commands import identified as vouch_for
from approvals.sign_in.record import KIND, SignIn
from identity.enrolment import DIGITS, proof_of
from identity.signing import SigningKey, fresh_nonce
from portal import cookies
from portal.auth import Held, Viewer, held
from portal.parts import Parts
from portal.tidying import tidying
from starter.client import Gatehouse, UnreachableError, after_sending
from starter.times import now
from store.inbox import Inbox
from store.portal_sessions import PortalSession

log = logging.getLogger(__name__)
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
SYSTEMS = ("Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux")
NAMES = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS"}


class Used(NamedTuple):
    """A passkey that has signed for a sign-in and its fresh key, and its owner's address."""

    sign_in: UUID
    key: SigningKey
    passkey: UUID
    email: str
    assertion: Assertion


async def begun(
    parts: Parts, email: str, user_agent: str, newcomer: NewcomerForm | None = None
) -> str:
    """Have a code mailed for a fresh key; return the token of the browser that awaits it.

    With *newcomer* also for an address that nobody has, if there is the site they come for.
    Raises RateLimitedError or UnreachableError, the same for known and unknown addresses.
    """
    key, sign_in, token = SigningKey.fresh(), uuid4(), cookies.fresh_token()
    begin = Begin(
        email=email,
        public_key=key.public,
        client=client_name(user_agent),
        voucher=parts.keys.service.signature(vouched(sign_in, key.public)),
        newcomer=newcomer,
    )
    async with _gatehouse(parts) as gatehouse:
        await gatehouse.submit(KIND, _signed(key, sign_in, begin), None)
        await parts.sessions.begin(cookies.hashed(token), sign_in, Held(key, email).sealed(parts))
    return token


async def proved(parts: Parts, waiting: PortalSession, code: str, before: Viewer | None) -> str:
    """Prove the mailed code; return the token of the browser that is signed in now.

    *before* is who was signed in here, idle or not: what was kept comes along, their key ends.
    Raises FieldError for what is no code, WrongCodeError and its kin, or UnreachableError.
    """
    opened = held(parts, waiting)
    if opened is None:
        raise KeyRefusedError
    proof = Prove(proof=proof_of(waiting.sign_in, opened.key.public, digits(code)))
    async with _gatehouse(parts) as gatehouse:
        await gatehouse.send(KIND, _signed(opened.key, waiting.sign_in, proof))
        return await _signed_in(parts, waiting.sign_in, waiting.sealed, before)


async def identified(
    parts: Parts, email: str, issuer: str, user_agent: str, before: Viewer | None
) -> str:
    """Sign in whom an issuer has identified; return the token of the browser that is signed in.

    The worker must believe the same issuer. Raises NotFoundError for an address that nobody has,
    InvalidDecisionError where the worker does not, or UnreachableError.
    """
    key, sign_in = SigningKey.fresh(), uuid4()
    begin = Begin(
        email=email,
        public_key=key.public,
        client=client_name(user_agent),
        issuer=issuer,
        voucher=parts.keys.service.signature(vouch_for(sign_in, key.public, issuer, email)),
    )
    # Nothing is mailed, so nothing is known but the key.
    proof = Prove(proof=proof_of(sign_in, key.public, ""))
    async with _gatehouse(parts) as gatehouse:
        await gatehouse.submit(KIND, _signed(key, sign_in, begin), None)
        await gatehouse.send(KIND, _signed(key, sign_in, proof))
        return await _signed_in(parts, sign_in, Held(key, email).sealed(parts), before)


async def by_passkey(parts: Parts, used: Used, user_agent: str, before: Viewer | None) -> str:
    """Sign in whose passkey has signed; return the token of the browser that is signed in.

    The door checks itself what was signed. Raises PasskeyRefusedError, NotFoundError for who is
    disabled meanwhile, or UnreachableError.
    """
    key, sign_in = used.key, used.sign_in
    begin = Begin(
        email=used.email,
        public_key=key.public,
        client=client_name(user_agent),
        passkey=used.passkey,
        voucher=parts.keys.service.signature(vouched(sign_in, key.public)),
    )
    # Nothing is mailed, so nothing is known but the key.
    proof = Prove(proof=proof_of(sign_in, key.public, ""), assertion=used.assertion)
    async with _gatehouse(parts) as gatehouse:
        await gatehouse.submit(KIND, _signed(key, sign_in, begin), None)
        await gatehouse.send(KIND, _signed(key, sign_in, proof))
        return await _signed_in(parts, sign_in, Held(key, used.email).sealed(parts), before)


async def _signed_in(parts: Parts, sign_in: UUID, sealed: str, before: Viewer | None) -> str:
    state = await Inbox(parts.engines).state(sign_in)
    if not isinstance(state, SignIn) or state.person is None:
        raise KeyRefusedError
    is_same = before is not None and before.person.id == state.person
    token = cookies.fresh_token()
    await parts.sessions.begin(
        cookies.hashed(token),
        sign_in,
        sealed,
        person=state.person,
        kept=before.session.kept if before is not None and is_same else None,
    )
    if before is not None:
        with tidying("the sign-in before"):
            await ended(parts, before)
    return token


async def ended(parts: Parts, viewer: Viewer) -> None:
    """Sign a browser out: forget it, and end its key; what cannot be reached ends by itself."""
    await parts.sessions.end(viewer.session.token_hash)
    said = viewer.key.signed(
        viewer.sign_in,
        SignOut(),
        actor=viewer.person.id,
        key_id=viewer.sign_in,
        issued_at=now(),
        nonce=fresh_nonce(),
    )
    try:
        async with _gatehouse(parts) as gatehouse:
            await gatehouse.send(KIND, said)
    except (ApprovalError, UnreachableError) as trouble:  # nobody holds the key any more
        log.warning("a key lives on unused: %s", type(trouble).__name__)


def digits(said: str) -> str:
    """Return the digits of a code, however they are spaced. Raises FieldError."""
    code = "".join(said.split())
    if re.fullmatch(rf"[0-9]{{{DIGITS}}}", code) is None:
        raise FieldError("code_malformed", "The code is 8 digits, for example 1234 5678.")
    return code


def client_name(user_agent: str) -> str:
    """Return what the mails call this browser: "Firefox on Linux (portal)"."""
    browser = next((one for one in BROWSERS if f"{one}/" in user_agent), "A browser")
    system = next((one for one in SYSTEMS if one in user_agent), "a computer")
    return f"{NAMES.get(browser, browser)} on {NAMES.get(system, system)} (portal)"


@asynccontextmanager
async def _gatehouse(parts: Parts) -> AsyncIterator[Gatehouse]:
    recorded, client = Inbox(parts.engines).outcome, await parts.client()
    with after_sending():
        yield Gatehouse(client, recorded, parts.settings.answer_seconds)


def _signed(key: SigningKey, sign_in: UUID, command: Command) -> bytes:
    return key.signed(
        sign_in, command, actor=None, key_id=sign_in, issued_at=now(), nonce=fresh_nonce()
    )
