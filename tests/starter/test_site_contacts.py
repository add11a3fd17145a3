"""How the contacts of a site are shown: reviews that never began are not switched off."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from approvals.contacts.commands import SetNotificationAddress, SwitchReviewOff
from approvals.contacts.record import Contacts
from approvals.contacts.views import contacts_view
from starter.site_contacts import print_contacts
from tests.factories import BECKY, START
from tests.sites import SITE, SiteLife, make_save

NONE_YET = "none yet: they begin with the first save, or with `contacts review on`"


def shown(capsys: pytest.CaptureFixture[str], life: SiteLife, state: Contacts | None) -> str:
    """Return what Becky sees of her site's contacts."""
    print_contacts(contacts_view(state, SITE, BECKY.id, life.directory), ZoneInfo("UTC"))
    return " ".join(capsys.readouterr().out.split())


def test_before_anybody_saves_reviews_are_said_to_begin_with_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    life = SiteLife()

    before = shown(capsys, life, None)
    address = SetNotificationAddress(site=SITE.slug, email="upgrades@example.com")
    life.on_contacts(address, BECKY, START)

    assert NONE_YET in before
    assert NONE_YET in shown(capsys, life, life.contacts)


def test_reviews_that_somebody_switched_off_are_said_to_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    life = SiteLife()
    life.on_contacts(make_save(BECKY), BECKY, START)
    planned = shown(capsys, life, life.contacts)

    life.on_contacts(SwitchReviewOff(), BECKY, START + timedelta(days=1))

    assert "2026-04-02" in planned
    assert "switched off" in shown(capsys, life, life.contacts)
