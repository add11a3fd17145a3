"""Passkeys in a sign-in: using one, adding one, taking one away."""

from datetime import datetime
from uuid import UUID

from approvals import passkeys
from approvals.authority import PORTAL
from approvals.commands import Command
from approvals.errors import NotFoundError, PasskeyRefusedError
from approvals.facts import Facts
from approvals.passkeys import MOST, Passkey
from approvals.people import PersonId, Role
from approvals.sign_in.commands import AddPasskey, Prove, RemovePasskey
from approvals.sign_in.record import SignIn, SignInFacts
from approvals.transition import Notice, Transition


def asked_for(state: SignIn, command: Command | None) -> UUID | None:
    """Return the id of the passkey that a command is about."""
    match command:
        case Prove():
            return state.passkey
        case AddPasskey(credential=credential):
            return passkeys.id_of(credential)
        case RemovePasskey(passkey=passkey):
            return passkey
        case _:
            return None


def is_of(passkey: Passkey | None, person: PersonId | None) -> bool:
    """Whether it is this person's, and not removed."""
    return passkey is not None and passkey.removed_at is None and passkey.person == person


def used(facts: SignInFacts, person: PersonId | None, now: datetime) -> Passkey | None:
    """Return the passkey with its new count, if what it signed holds and it is the person's."""
    if facts.passkey is None or facts.counted is None or not is_of(facts.passkey, person):
        return None
    return facts.passkey.model_copy(update={"sign_count": facts.counted, "used_at": now})


def not_accepted() -> PasskeyRefusedError:
    """Return the refusal of what a passkey has signed; it says nothing of the reason."""
    return PasskeyRefusedError("That passkey was not accepted. Try again.")


def added(state: SignIn, command: AddPasskey, facts: Facts, now: datetime) -> Transition:
    """Add a passkey of whoever is signed in, and tell them and their security contacts."""
    if state.person is None or state.channel != PORTAL:
        raise PasskeyRefusedError("Passkeys are added in the portal.")
    if facts.passkey is not None:
        raise PasskeyRefusedError("That passkey was added before. Nothing was changed.")
    if len(facts.passkeys) >= MOST:
        raise PasskeyRefusedError(f"You have {MOST} passkeys, which is the most. Remove one first.")
    passkey = Passkey(
        id=passkeys.id_of(command.credential),
        person=state.person,
        credential=command.credential,
        public_key=command.public_key,
        sign_count=command.sign_count,
        name=command.name,
        added_at=now,
    )
    changes = {"version": state.version + 1, "passkeys": (*state.passkeys, passkey)}
    return _told(state.model_copy(update=changes), "passkey_added", passkey, facts)


def removed(state: SignIn, facts: Facts, now: datetime) -> Transition:
    """Take a passkey away: its sign-ins sign nothing any more.

    One's own in the portal alone: a code from the mailbox must not undo what protects from it.
    """
    passkey = facts.passkey
    if passkey is None or passkey.removed_at is not None or state.person is None:
        raise NotFoundError
    is_own = passkey.person == state.person
    if not is_own and not facts.directory.holds(state.person, Role.OPERATOR, None):
        raise NotFoundError
    if is_own and state.channel != PORTAL:
        raise PasskeyRefusedError("You remove a passkey of your own in the portal, or ask another"
                                  " operator. Nothing was changed.")  # fmt: skip
    after = state.model_copy(update={"version": state.version + 1})
    gone = passkey.model_copy(update={"removed_at": now})
    return _told(after, "passkey_removed", gone, facts)


def _told(after: SignIn, event: str, passkey: Passkey, facts: Facts) -> Transition:
    tenants, owner = facts.directory.tenants, facts.directory.person(passkey.person)
    scopes = [one.id for one in tenants if owner and one.organization == owner.organization]
    notice = Notice(
        kind=event,
        people=(passkey.person,),
        holders=tuple((Role.SECURITY_CONTACT, one) for one in scopes),
        facts={"client": after.client, "passkey": passkey.name},
        about=passkey.person,
    )
    return Transition(
        after=after,
        event=event,
        actor=after.person,
        reason=passkey.name,
        notices=(notice,),
        receipt=str(passkey.id),
        passkeys=(passkey,),
        signs_out=(passkey.person,),
    )
