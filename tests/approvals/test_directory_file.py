"""The directory file: what it says becomes the directory, and each broken rule is told in place."""

from pathlib import Path

import pytest

from approvals.directory_file import DirectoryFile, parse, read
from approvals.directory_forms import DirectoryFileError
from approvals.people import OrganizationKind, Role
from approvals.slugs import RESERVED
from tests.approvals.small_directory import (
    SMALL,
    ZONES,
    document,
    holding,
    person,
    problems,
    small,
    tenant,
)
from tests.bad_inputs import cases

EXAMPLE = Path(__file__).parents[2] / "starter" / "examples" / "classics.toml"
SLUG_RECIPES = {
    "'a'*64": "a" * 64,
    "'a'*62+'-'": "a" * 62 + "-",
    "'a'*1_048_576": "a" * 1_048_576,
}
EMAIL_RECIPES = {
    "'a@'+'b'*64+'.com'": "a@" + "b" * 64 + ".com",
    "'a@'+'b.'*126+'com'": "a@" + "b." * 126 + "com",
    "'a'*64+'@example.com'": "a" * 64 + "@example.com",
    "'a'*65+'@example.com'": "a" * 65 + "@example.com",
    "'a'*1_048_576+'@example.com'": "a" * 1_048_576 + "@example.com",
}
NAME_RECIPES = {
    "field missing": None,
    "'a'*120": "a" * 120,
    "'a'*121": "a" * 121,
    "'a'*1_048_576": "a" * 1_048_576,
    "' '*121": " " * 121,
    "'\\x00'*121": "\x00" * 121,
    "'\\u7533'*120": "\u7533" * 120,
    "'\\ud800'*121": "\ud800" * 121,
    "'\\U0001F468\\u200D\\U0001F469'*60": "\U0001f468\u200d\U0001f469" * 60,
}
# Rules of requests and decisions; a person may have no role, or many.
ROLES_ELSEWHERE = ("role_list_size", "role_not_requestable", "role_not_approvable")


def test_the_example_is_the_story_of_classics() -> None:
    found = read(EXAMPLE.read_text(encoding="utf-8"), ZONES).directory

    admins = {found.name_of(one.person) for one in found.roles if one.role is Role.TENANT_ADMIN}
    partner = found.organization_of("classics")
    assert partner is not None
    assert partner.name == "Classics, Inc."
    assert [one.slug for one in found.tenants] == ["tom-sawyer", "hundred-acre-wood"]
    assert admins == {"Tom Sawyer", "Christopher Robin"}
    assert len([one for one in found.serves if one[0] == partner.id]) == 2
    assert {one.name for one in found.people if one.organization == partner.id} == {
        "Elizabeth Bennet",
        "Caroline Bingley",
        "Charlotte Lucas",
        "Lydia Bennet",
    }


def test_slugs_and_addresses_become_ids() -> None:
    found = small()
    directory = found.directory

    fence, tom = directory.organization_of("fence"), directory.person_of("tom@example.org")
    jane = directory.person_of("jane@example.net")
    assert fence is not None
    assert tom is not None
    assert jane is not None
    assert fence.kind is OrganizationKind.CUSTOMER
    assert tom.organization == fence.id
    assert [one.organization for one in directory.tenants] == [fence.id]
    assert [one.organization for one in found.sites] == [fence.id]
    assert [one.members for one in found.groups] == [(jane.id,)]


def test_reading_a_file_twice_gives_the_same_ids() -> None:
    assert small() == small()


def test_an_id_is_made_of_kind_and_key_and_not_of_the_names() -> None:
    other = small()

    renamed = read(SMALL.replace('name = "Ann"', 'name = "Ann Lee"'), ZONES)

    assert [one.id for one in renamed.directory.people] == [
        one.id for one in other.directory.people
    ]


def test_two_spellings_of_an_address_are_one_person() -> None:
    louder = read(SMALL.replace("ann@example.com", "ANN@example.com"), ZONES).directory

    assert louder.people[0].id == small().directory.people[0].id
    assert louder.people[0].email == "ANN@example.com"


def test_a_tenant_and_its_organization_may_share_a_slug() -> None:
    found = parse(document(tenant=[tenant(slug="fence")]), ZONES).directory

    assert found.tenants[1].id != found.tenants[1].organization


def test_a_written_id_is_taken() -> None:
    wanted = "6f1f3f5e-0000-4000-8000-000000000001"

    found = parse(document(person=[person(id=wanted)]), ZONES).directory

    assert str(found.people[-1].id) == wanted


def test_a_time_zone_that_is_not_written_is_the_organizations() -> None:
    found = parse(document(person=[person(time_zone="UTC")]), ZONES).directory

    zones = {one.name: one.time_zone for one in found.people}
    assert zones == {"Ann": "Europe/London", "Tom": "UTC", "Jane": "UTC", "Eve": "UTC"}


def test_whoever_is_not_said_to_be_off_is_on() -> None:
    off = tenant(on=False, locked=True)

    found = parse(document(tenant=[off], person=[person(active=False)]), ZONES).directory

    assert [(one.is_on, one.is_locked) for one in found.tenants] == [(True, False), (False, True)]
    assert [one.is_active for one in found.people] == [True, True, True, False]


def test_an_empty_file_says_nothing() -> None:
    assert read("", ZONES) == DirectoryFile()


@pytest.mark.parametrize(
    ("expect", "value"),
    cases("tenants", SLUG_RECIPES, ("not_found", "tenant_conflict")),
)
@pytest.mark.parametrize("kind", ["organization", "tenant", "site", "group"])
def test_a_slug_answers_each_row_as_expected(kind: str, expect: str, value: object) -> None:
    entry = {"slug": value, "name": "A", "organization": "fence"}

    found = problems(document(**{kind: [entry]}))

    assert ("slug", expect) in {(one.field, one.code) for one in found}


@pytest.mark.parametrize(
    ("expect", "value"), cases("emails", EMAIL_RECIPES, ("email_not_verified_identity",))
)
def test_an_address_answers_each_row_as_expected(expect: str, value: object) -> None:
    said = document(person=[person(email=value)])

    if expect == "ACCEPT_NORMALISED":
        assert parse(said, ZONES).directory.person_of(str(value)) or not str(value).isascii()
        return

    assert [(one.field, one.code) for one in problems(said)] == [("email", expect)]


@pytest.mark.parametrize(("expect", "value"), cases("names", NAME_RECIPES))
def test_a_name_answers_each_row_as_expected(expect: str, value: object) -> None:
    said = document(person=[person(name=value)])

    if expect == "ACCEPT_INERT":
        assert parse(said, ZONES).directory.people[-1].name == value
        return

    assert [(one.field, one.code) for one in problems(said)] == [("name", expect)]


@pytest.mark.parametrize(
    ("expect", "value"), cases("roles", {"'a'*64": "a" * 64, "1000 roles": None}, ROLES_ELSEWHERE)
)
def test_a_role_answers_each_row_as_expected(expect: str, value: object) -> None:
    said = value if expect == "unknown_field" else {"role": value, "scope": "classics"}
    assert isinstance(said, dict)

    found = problems(holding(said))

    assert expect in {one.code for one in found}


def test_an_unknown_role_is_answered_with_those_that_there_are() -> None:
    found = problems(holding({"role": "admin", "scope": "classics"}))

    assert str(found[0]) == (
        "person 4 (eve@example.com): roles 1.role: 'admin' is not a role of the directory."
        " Choose one of: tm_admin, legacy_impersonator, tenant_admin, partner_admin,"
        " support_agent, trust_admin, primary_contact, secondary_contact, onboarding_operator,"
        " operator, security_contact."
    )


@pytest.mark.parametrize("slug", sorted(RESERVED))
def test_nothing_bears_a_name_that_we_use_ourselves(slug: str) -> None:
    found = problems(document(tenant=[tenant(slug=slug)]))

    assert [str(one) for one in found] == [f"tenant 2 ({slug}): slug: That name is reserved."]


def test_all_that_is_wrong_is_told_at_once_by_entry_line_and_field() -> None:
    text = SMALL + (
        '\n[[tenant]]\nslug = "fence-1"\nname = "Again"\norganization = "fences"\n'
        '\n[[person]]\nemail = "eve"\nname = ""\norganization = "fence"\nactive = "no"\n'
    )

    with pytest.raises(DirectoryFileError) as refusal:
        read(text, ZONES)

    assert str(refusal.value).splitlines() == [
        "person 4 (eve, line 56): name: Enter a name.",
        "person 4 (eve, line 56): email: An email address must have an @-sign.",
        "person 4 (eve, line 56): active must be true or false.",
        "tenant 2 (fence-1, line 51): slug: tenant 1 (fence-1, line 19) has this slug too.",
        (
            "tenant 2 (fence-1, line 51): organization:"
            " There is no organization 'fences' in this file."
        ),
    ]


def test_entries_without_headers_of_their_own_have_no_line() -> None:
    text = 'tenant = [{ slug = "a b", name = "A", organization = "a" }]'

    with pytest.raises(DirectoryFileError) as refusal:
        read(text, ZONES)

    assert str(refusal.value) == (
        "tenant 1 (a b): slug: Slugs use a-z, 0-9 and '-', 1 to 63 characters."
    )


def test_what_refers_to_a_broken_entry_is_not_blamed() -> None:
    text = SMALL.replace('kind = "customer"', 'kind = "shop"')

    with pytest.raises(DirectoryFileError) as refusal:
        read(text, ZONES)

    assert str(refusal.value) == (
        "organization 2 (fence, line 9): kind must be 'partner', 'vendor' or 'customer'."
    )


def test_a_hostile_key_is_shown_inert_and_cut() -> None:
    found = problems(document(tenant=[tenant(slug="\x1b[31m" + "a" * 1000)]))

    assert found[0].where == f"tenant 2 (\\x1b[31m{'a' * 56}...)"
