"""What a process can be, and what is mailed about it, has words on the pages."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from approvals.customer_access.record import Status as OfCustomers
from approvals.onboarding.record import Status as OfOnboarding
from approvals.pairing.record import Status as OfPairings
from approvals.site_access.record import Status as OfSites
from approvals.tenant_access.record import Status as OfRequests
from portal.languages import LANGUAGES, Speech, speech_of
from portal.vocabulary import MAILS, STATUSES
from tests.mail.notices import KINDS

# Sign-ins have no timeline.
WITHOUT_A_PAGE = {
    "sign_in_code", "newcomer_code", "key_enrolled", "passkey_added", "passkey_removed",
}  # fmt: skip
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "statuses",
    [OfRequests, OfPairings, OfSites, OfCustomers, OfOnboarding],
    ids=lambda one: one.__module__.split(".")[1],
)
def test_every_status_has_a_word(statuses: type[StrEnum]) -> None:
    assert [one for one in statuses if one not in STATUSES] == []


def test_every_mail_of_a_process_has_words() -> None:
    mailed = {one.replace("_", " ") for one in KINDS if one not in WITHOUT_A_PAGE}

    assert mailed - set(MAILS) == set()


@pytest.mark.parametrize(
    ("away", "said"),
    [
        (timedelta(seconds=50), "in 50 seconds"),
        (timedelta(minutes=90), "in 90 minutes"),
        (timedelta(hours=30), "in 30 hours"),
        (timedelta(days=13, hours=5), "in 13 days"),
        (timedelta(days=89), "in 89 days"),
        (timedelta(days=-400), "13 months ago"),
    ],
    ids=str,
)
def test_how_far_away_an_instant_is_is_said_in_the_unit_that_tells_most(
    away: timedelta, said: str
) -> None:
    assert speech_of("en", "UTC").relative(NOW + away, NOW) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_instant_is_written_in_the_readers_zone(language: str) -> None:
    speech: Speech = speech_of(language, "America/Chicago")

    assert "3" in speech.absolute(NOW)  # 9:00 UTC
    assert "2026" in speech.absolute(NOW)
    assert speech.zoned(NOW).startswith(speech.absolute(NOW))
    assert len(speech.zoned(NOW)) > len(speech.absolute(NOW))
