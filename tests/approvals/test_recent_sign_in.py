"""What opens or widens access needs a fresh sign-in in a portal; what narrows it never waits."""

from datetime import timedelta

import pytest

from approvals.authority import PORTAL, require_key
from approvals.commands import Command
from approvals.contacts.commands import SaveContacts
from approvals.customer_access import commands as customer
from approvals.errors import SignInAgedError
from approvals.onboarding import commands as onboarding
from approvals.pairing import commands as pairing
from approvals.site_access import commands as site
from tests.factories import DIRECTORY, ELIZABETH, START, make_key, make_signed

WIDENING = (
    site.Add, site.Grant, site.ChangePrivileges, SaveContacts,
    customer.Enable, customer.Disable, customer.AcceptTerms,
    onboarding.Start, onboarding.Retry, onboarding.Abandon,
    pairing.Offer, pairing.Reissue, pairing.Accept, pairing.Resume, pairing.DefineRole,
    pairing.AssignRoles, pairing.GiveConsent,
)  # fmt: skip
FREE = (
    site.Ask, site.Withdraw, pairing.Withdraw, pairing.Suspend, pairing.RemoveRoles,
    pairing.DropRole, pairing.RemoveClone,
)  # fmt: skip


def says(command: type[Command], channel: str, ago: timedelta) -> object:
    """Return whose command the door takes it for, given a key of that age."""
    key = make_key(ELIZABETH, START, channel=channel, enrolled_at=START - ago)
    signed = make_signed(command.model_construct(), ELIZABETH)
    return require_key(signed, key, DIRECTORY, START)


@pytest.mark.parametrize("command", WIDENING)
def test_what_opens_access_needs_a_fresh_sign_in_in_the_portal(command: type[Command]) -> None:
    assert says(command, PORTAL, timedelta(minutes=14)) == ELIZABETH.id
    with pytest.raises(SignInAgedError):
        says(command, PORTAL, timedelta(minutes=15))


@pytest.mark.parametrize("command", WIDENING)
def test_a_key_at_a_terminal_decides_as_long_as_it_lives(command: type[Command]) -> None:
    assert says(command, "cli", timedelta(hours=11)) == ELIZABETH.id


@pytest.mark.parametrize("command", FREE)
def test_what_narrows_access_never_waits_for_a_sign_in(command: type[Command]) -> None:
    assert says(command, PORTAL, timedelta(hours=11)) == ELIZABETH.id
