"""Signing in at a terminal: a mailed code enrols a key that stays on this machine."""

import getpass
import platform
import sys
from typing import Annotated
from uuid import UUID, uuid4

import typer

from approvals.addresses import address
from approvals.commands import Command
from approvals.directory_forms import locale as checked_locale
from approvals.errors import KeyRefusedError, RateLimitedError, WrongCodeError
from approvals.sign_in.commands import (
    Begin,
    NewcomerForm,
    Prove,
    RevokeKey,
    SignOut,
    fingerprint,
)
from approvals.sign_in.record import KIND, SignIn
from approvals.sign_in.rules import RULES
from approvals.slugs import slug
from approvals.texts import display_name
from identity.enrolment import DIGITS, proof_of
from identity.signing import SigningKey, fresh_nonce
from starter import profiles
from starter.console import (
    UsageError,
    is_at_terminal,
    print_json,
    print_table,
    print_text,
    prompted,
    runs,
    status,
)
from starter.desk import Desk, desk
from starter.options import AsJson, DryRun
from starter.process_desk import CommandDesk
from starter.profiles import Profile
from starter.times import now, said_utc
from starter.typed import checked, id_of, reason_from

keys = typer.Typer(no_args_is_help=True, help="The keys that may sign for you.")


@runs
async def login(
    email: Annotated[
        str, typer.Argument(metavar="EMAIL", help="Your address, as the directory knows it.")
    ],
    new: Annotated[
        bool, typer.Option("--new", help="You are new here: needs --name and --site.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your name (with --new).")
    ] = None,
    site: Annotated[
        str | None, typer.Option(metavar="SITE", help="The site that you come for (with --new).")
    ] = None,
    locale: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="Your language (with --new).")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Sign in: a code comes by mail, and proves that the key made here is yours for 12 hours.

    Whom nobody has added yet gets a code with --new, and then may ask a site for access.
    """
    wanted = checked("EMAIL", address, email)
    newcomer = _newcomer(new, name, site, locale)
    profile_name = profiles.chosen(None)
    code = f"{'A' if new else f'If {wanted} is known here, a'} code of {DIGITS} digits"
    if dry_run:
        status(f"{code} would be mailed to {wanted}.")
        status(f"The key that it proves would be kept as profile {profile_name}, for 12 hours.")
        status("Nothing was changed.")
        return
    key, sign_in = SigningKey.fresh(), uuid4()
    async with desk() as at:
        gatehouse = await at.gatehouse()
        begin = Begin(email=wanted, public_key=key.public, client=_client(), newcomer=newcomer)
        await gatehouse.submit(KIND, _signed(key, sign_in, begin), None)
        status(f"{code} is on its way to {wanted if new else 'it'}.")
        status(f"The mail must show this key: {fingerprint(key.public)}")
        if at.settings.maildir is not None:
            status(f"Read it in another terminal: gatehouse mail list --to {wanted}")
        await _prove(at, key, sign_in)
        profile = await _profile(at, profile_name, sign_in, wanted)
        profiles.saved(profile, key)
    until = said_utc(profile.expires_at)
    status(f"Signed in as {wanted} until {until} (profile {profile_name}).")
    if newcomer is not None:
        status(f"Now ask for access: gatehouse site ask {newcomer.site} --message TEXT")


@runs
async def logout(dry_run: DryRun = False) -> None:
    """Sign out: the key of this terminal ends at once."""
    async with desk() as at:
        profile = at.profile
        if dry_run:
            status(f"Nothing was changed. The key of {profile.email} would end.")
            return
        gatehouse = await at.gatehouse()
        try:
            await gatehouse.send(KIND, at.signed(profile.key_id, SignOut()))
        except KeyRefusedError:
            status("The key of this terminal had ended already.")
    profiles.forget(profile.name)
    status(f"Signed out (profile {profile.name}).")


@runs
async def whoami(as_json: AsJson = False) -> None:
    """Show who is signed in at this terminal, and until when."""
    profile = profiles.current(None)
    if as_json:
        print_json(profile)
    else:
        print_text(f"{profile.email} (profile {profile.name}) until {said_utc(profile.expires_at)}")


@keys.command("list")
@runs
async def list_keys(as_json: AsJson = False) -> None:
    """List your keys: where each was enrolled, until when it signs, whether it was revoked."""
    async with desk() as at:
        found = await at.inbox.keys(at.profile.person)  # type: ignore[arg-type]
    if as_json:
        print_json([one.model_dump(mode="json", exclude={"public_key"}) for one in found])
        return
    print_table(
        ["KEY", "CLIENT", "ENROLLED", "SIGNS UNTIL", "STATUS"],
        [
            [
                str(one.id),
                one.client,
                said_utc(one.enrolled_at),
                said_utc(one.expires_at),
                _standing(one.revoked_at is not None, one.expires_at <= now()),
            ]
            for one in found
        ],
    )


@keys.command("revoke")
@runs
async def revoke_key(
    key: Annotated[
        UUID,
        typer.Argument(
            metavar="KEY", parser=id_of, help="The key's id, from `gatehouse keys list`."
        ),
    ],
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; it stands in the audit.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """End a key of yours at once: what it signs from now on is refused. Operators end any key."""
    command = RevokeKey(reason=reason_from(reason, None, "revoking this key"))
    async with desk() as at:
        if dry_run:
            await CommandDesk(at, RULES).judged(key, command)
            status(f"Nothing was changed. Key {key} would be revoked.")
            return
        gatehouse = await at.gatehouse()
        await gatehouse.send(KIND, at.signed(key, command))
    status(f"Key {key} is revoked.")


def _newcomer(
    new: bool, name: str | None, site: str | None, locale: str | None
) -> NewcomerForm | None:
    """Return who somebody says they are. Raises UsageError."""
    if not new:
        if any(one is not None for one in (name, site, locale)):
            raise UsageError("--name, --site and --locale go with --new.")
        return None
    if name is None or site is None:
        raise UsageError("--new needs --name NAME and --site SITE.")
    return NewcomerForm(
        name=checked("--name", display_name, name),
        site=checked("--site", slug, site),
        locale=checked("--locale", checked_locale, locale or "en"),
    )


async def _prove(at: Desk, key: SigningKey, sign_in: UUID) -> None:
    """Ask for the code and prove it; a person at a terminal may mistype it."""
    gatehouse = await at.gatehouse()
    while said := _answered():
        try:
            proof = Prove(proof=proof_of(sign_in, key.public, _code(said)))
            await gatehouse.send(KIND, _signed(key, sign_in, proof))
        except (WrongCodeError, RateLimitedError, UsageError) as wrong:
            if not is_at_terminal() or "new code" in str(wrong):
                raise
            status(str(wrong))
        else:
            return
    raise UsageError("No code was given, so nobody is signed in. Run: gatehouse login EMAIL")


async def _profile(at: Desk, name: str, sign_in: UUID, email: str) -> Profile:
    state = await at.inbox.state(sign_in)
    if not isinstance(state, SignIn) or state.person is None:
        raise UsageError("The sign-in is not in the database that this terminal reads.")
    return Profile(
        name=name, key_id=sign_in, person=state.person, email=email, expires_at=state.ends_at
    )


def _signed(key: SigningKey, sign_in: UUID, command: Command) -> bytes:
    return key.signed(
        sign_in, command, actor=None, key_id=sign_in, issued_at=now(), nonce=fresh_nonce()
    )


def _answered() -> str:
    """Ask for the code: hidden at a terminal, else one line of standard input; "" at its end."""
    if not is_at_terminal():
        return sys.stdin.readline()
    try:
        return prompted(lambda: getpass.getpass("Code from the mail: ")) or "\n"
    except EOFError:
        return ""


def _code(said: str) -> str:
    """Return the digits of a code, however they are spaced. Raises UsageError."""
    code = "".join(said.split())
    if not (len(code) == DIGITS and code.isascii() and code.isdigit()):
        raise UsageError(f"The code is {DIGITS} digits, for example 1234 5678.")
    return code


def _client() -> str:
    return f"gatehouse CLI on {platform.node() or 'a computer'}"[:120]


def _standing(is_revoked: bool, is_over: bool) -> str:
    if is_revoked:
        return "revoked"
    return "expired" if is_over else "signs"
