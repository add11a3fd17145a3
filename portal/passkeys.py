"""What a browser's passkey is asked to sign, between its page and its answer."""

import base64
import json
import logging
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from fastapi import Request, Response

from approvals import passkeys
from approvals.errors import PasskeyRefusedError
from approvals.facts import Needed
from approvals.people import PersonId
from identity.passkeys import PasskeyAnswerError, RelyingParty, asserted
from identity.signing import SigningKey
from portal import cookies
from portal.languages import N_
from portal.parts import Parts
from portal.sign_ins import Used
from store.inbox import Inbox

log = logging.getLogger(__name__)
TO_SIGN_IN, TO_ADD = "gatehouse.portal.passkey.v1", "gatehouse.portal.passkey.new.v1"
NOT_ACCEPTED = N_("That passkey was not accepted. Try again.")
NO_SCRIPT = N_("This browser did not use a passkey: that needs JavaScript.")


@dataclass(frozen=True)
class Sought:
    """A sign-in that awaits a passkey: its fresh key, and whose passkey alone will do."""

    sign_in: UUID
    key: SigningKey
    person: PersonId | None

    @property
    def challenge(self) -> bytes:
        """What the passkey is to sign."""
        return passkeys.challenge(self.sign_in, self.key.public)


@dataclass(frozen=True)
class Making:
    """A passkey that a person is about to add."""

    challenge: bytes
    person: PersonId


def relying_party(parts: Parts) -> RelyingParty:
    """Return this portal as browsers know it; the pages of passkeys are served with one only."""
    if parts.relying_party is None:
        raise PasskeyRefusedError("This portal's address allows no passkeys.")
    return parts.relying_party


async def seek(parts: Parts, answer: Response, person: PersonId | None) -> None:
    """Begin to ask a browser for a passkey: of *person*, or of whoever signs in."""
    said = {
        "sign_in": str(uuid4()),
        "key": base64.b64encode(SigningKey.fresh().raw).decode(),
        "person": None if person is None else str(person),
    }
    await _kept(parts, answer, json.dumps(said), TO_SIGN_IN)


async def make(parts: Parts, answer: Response, person: PersonId) -> None:
    """Begin to ask a browser for a new passkey of *person*."""
    said = {"challenge": secrets.token_hex(32), "person": str(person)}
    await _kept(parts, answer, json.dumps(said), TO_ADD)


async def sought(request: Request, parts: Parts, *, take: bool = False) -> Sought | None:
    """Return the sign-in that this browser's passkey is asked for; with *take* for the last time.

    None where none is, where five minutes are over, or where it was taken before.
    """
    text = await _found(request, parts, TO_SIGN_IN, take=take)
    if text is None:
        return None
    said = json.loads(text)
    person = said["person"]
    return Sought(
        UUID(said["sign_in"]),
        SigningKey.of(base64.b64decode(said["key"])),
        None if person is None else PersonId(UUID(person)),
    )


async def making(request: Request, parts: Parts, *, take: bool = False) -> Making | None:
    """Return what this browser is asked for that adds a passkey, as `sought` does."""
    text = await _found(request, parts, TO_ADD, take=take)
    said = None if text is None else json.loads(text)
    return said and Making(bytes.fromhex(said["challenge"]), PersonId(UUID(said["person"])))


async def used(parts: Parts, asked: Sought, answer: str) -> Used:
    """Check what a browser's passkey signed, so that the door is not asked for nothing.

    Raises PasskeyRefusedError, which tells nobody why.
    """
    try:
        assertion, owner = asserted(answer)
        passkey = await parts.passkeys.one(passkeys.id_of(assertion.credential))
        if passkey is None:
            raise PasskeyAnswerError("nobody has it")
        if owner not in (None, passkey.person) or asked.person not in (None, passkey.person):
            raise PasskeyAnswerError("it is somebody else's")
        if relying_party(parts).counted(passkey, asked.challenge, assertion) is None:
            raise PasskeyAnswerError("what it signed does not hold")
        directory = await Inbox(parts.engines).directory(Needed(people=(passkey.person,)))
        person = directory.person(passkey.person)
        if person is None or not directory.is_live(passkey.person):
            raise PasskeyAnswerError("its owner is not active")
    except PasskeyAnswerError as wrong:
        log.warning("a passkey was not accepted: %s", wrong)
        raise PasskeyRefusedError(NOT_ACCEPTED) from None
    return Used(asked.sign_in, asked.key, passkey.id, person.email, assertion)


async def _kept(parts: Parts, answer: Response, text: str, purpose: str) -> None:
    token = cookies.fresh_token()
    await parts.challenges.begin(cookies.hashed(token), parts.keys.sealer.sealed(text, purpose))
    cookies.put(answer, parts, cookies.PASSKEY, token)


async def _found(request: Request, parts: Parts, purpose: str, *, take: bool) -> str | None:
    token = cookies.read(request, parts, cookies.PASSKEY)
    if token is None:
        return None
    ask = parts.challenges.taken if take else parts.challenges.found
    sealed = await ask(cookies.hashed(token))
    return None if sealed is None else parts.keys.sealer.opened(sealed, purpose)
