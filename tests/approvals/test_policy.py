"""policy.toml: what an installation, a tenant and an organization may set, and what is refused."""

import tomllib
from datetime import timedelta

import pytest

from approvals.policy import Policies, Policy, PolicyError, policies
from tests.factories import DAY, HOUR, MINUTE

EXAMPLE = """
[default]
decision_window = "7d"
shortest_access = "10m"
longest_access = "30d"
allow_no_end = false
per_hour_and_person = 10

[tenant.tom-sawyer]
longest_access = "365d"
allow_no_end = true

[tenant.hundred-acre]
show_people = true
reminders = false

[organization.classics]
show_people = true
"""


def read(text: str) -> Policies:
    """Return the policies of one TOML text."""
    return policies(tomllib.loads(text))


def test_an_empty_file_has_the_limits_that_ship() -> None:
    found = read("").of("classics", "tom-sawyer")

    assert found == Policy(
        decision_window=14 * DAY,
        shortest_access=5 * MINUTE,
        longest_access=365 * DAY,
        allow_no_end=True,
        show_people=False,
        reminders=True,
        per_hour_and_person=None,
        per_hour_and_pair=None,
        pending_per_pair_and_person=None,
        site_asks_per_hour=5,
        pairing_links_per_hour=6,
    )


def test_a_slug_that_is_not_listed_has_the_default() -> None:
    found = read(EXAMPLE).of("meryton", "nowhere")

    assert (found.decision_window, found.shortest_access) == (7 * DAY, 10 * MINUTE)
    assert (found.longest_access, found.allow_no_end) == (30 * DAY, False)
    assert found.per_hour_and_person == 10


def test_a_tenant_changes_only_what_it_says() -> None:
    found = read(EXAMPLE).of("meryton", "tom-sawyer")

    assert (found.longest_access, found.allow_no_end) == (365 * DAY, True)
    assert (found.decision_window, found.shortest_access) == (7 * DAY, 10 * MINUTE)


@pytest.mark.parametrize(
    ("organization", "tenant", "is_shown"),
    [
        pytest.param("meryton", "tom-sawyer", False, id="neither side shows people"),
        pytest.param("classics", "tom-sawyer", True, id="the organization shows its people"),
        pytest.param("meryton", "hundred-acre", True, id="the tenant insists on seeing them"),
        pytest.param("classics", "hundred-acre", True, id="both do"),
    ],
)
def test_people_are_shown_if_either_side_says_so(
    organization: str, tenant: str, is_shown: bool
) -> None:
    found = read(EXAMPLE).of(organization, tenant)

    assert found.show_people is is_shown


def test_a_tenant_may_switch_off_what_the_default_switches_on() -> None:
    text = "[default]\nshow_people = true\n[tenant.tom-sawyer]\nshow_people = false\n"

    found = read(text)

    assert not found.of("meryton", "tom-sawyer").show_people
    assert found.of("meryton", "hundred-acre").show_people


@pytest.mark.parametrize(
    ("said", "length"),
    [("2s", timedelta(seconds=2)), ("90m", 90 * MINUTE), ("36h", 36 * HOUR), ("2w", 14 * DAY)],
)
def test_durations_are_text_with_a_unit(said: str, length: timedelta) -> None:
    found = read(f'[default]\ndecision_window = "{said}"')

    assert found.default.decision_window == length


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[default]\ndecision_window = 14", "default.decision_window"),
        ('[default]\ndecision_window = "0d"', "default.decision_window"),
        ('[default]\ndecision_window = "-1d"', "default.decision_window"),
        ('[default]\ndecision_window = "1 month"', "default.decision_window"),
        ('[default]\nallow_no_end = "yes"', "default.allow_no_end"),
        ("[default]\nallow_no_end = 1", "default.allow_no_end"),
        ("[default]\nper_hour_and_person = 0", "default.per_hour_and_person"),
        ("[default]\npairing_links_per_hour = 0", "default.pairing_links_per_hour"),
        ("[default]\nper_hour_and_person = 1.5", "default.per_hour_and_person"),
        ("[default]\ncolour = 1", "default.colour"),
        ("[tenant.tom-sawyer]\nends_at = 1", "tenant.tom-sawyer.ends_at"),
        ("[organization.classics]\nlongest_access = '1d'", "organization.classics.longest_access"),
        ("[tenants.tom-sawyer]\nshow_people = true", "tenants"),
        ("default = 3", "default"),
    ],
)
def test_a_broken_rule_is_named_with_its_key(text: str, key: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        read(text)

    assert str(refusal.value).startswith(f"{key}: ")


@pytest.mark.parametrize("table", ["default", "tenant.tom-sawyer", "tenant.default"])
def test_the_shortest_access_is_no_longer_than_the_longest(table: str) -> None:
    text = f'[{table}]\nshortest_access = "2d"\nlongest_access = "1d"\n'

    with pytest.raises(PolicyError) as refusal:
        read(text)

    name = table.removeprefix("tenant.")
    assert str(refusal.value) == f"{name}: shortest_access is longer than longest_access."


def test_a_tenant_called_default_does_not_hide_the_default_table() -> None:
    text = (
        '[default]\nshortest_access = "2d"\nlongest_access = "1d"\n'
        '[tenant.default]\nlongest_access = "9d"\n'
    )

    with pytest.raises(PolicyError):
        read(text)
