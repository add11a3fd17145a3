"""What entries owe to each other: a slug that exists, a kind that fits, one of each."""

from typing import Any

import pytest

from approvals.directory_file import parse, read
from approvals.directory_forms import DirectoryFileError
from tests.approvals.small_directory import (
    SMALL,
    ZONES,
    document,
    holding,
    person,
    problems,
    tenant,
)

PARTNER = "tm_admin needs the slug of a partner or vendor organization as its scope"


def only(found: dict[str, Any]) -> str:
    """Return the one thing that is wrong with a document."""
    (problem,) = problems(found)
    return str(problem)


@pytest.mark.parametrize(
    ("role", "organization", "scope"),
    [
        ("tm_admin", "classics", "classics"),
        ("tm_admin", "netherfield", "netherfield"),
        ("legacy_impersonator", "classics", "classics"),
        ("partner_admin", "classics", "classics"),
        ("support_agent", "netherfield", "netherfield"),
        ("onboarding_operator", "netherfield", "netherfield"),
        ("trust_admin", "fence", "fence"),
        ("tenant_admin", "fence", "fence-1"),
        ("security_contact", "fence", "fence-1"),
        ("primary_contact", "fence", "works"),
        ("secondary_contact", "fence", "works"),
        ("operator", "netherfield", None),
    ],
)
def test_a_role_is_held_for_its_own_kind_of_scope(
    role: str, organization: str, scope: str | None
) -> None:
    held = {"role": role} if scope is None else {"role": role, "scope": scope}

    found = parse(holding(held, organization=organization), ZONES).directory

    assert found.roles[-1].role == role
    assert (found.roles[-1].scope is None) is (scope is None)


@pytest.mark.parametrize(
    ("role", "organization", "scope", "sentence"),
    [
        ("tm_admin", "classics", None, f"{PARTNER}."),
        ("tm_admin", "classics", "fence", f"{PARTNER}; 'fence' is a customer."),
        ("tm_admin", "classics", "works", f"{PARTNER}; 'works' is a site."),
        ("tm_admin", "classics", "nobody", f"{PARTNER}; there is no 'nobody' in this file."),
        (
            "partner_admin",
            "netherfield",
            "netherfield",
            (
                "partner_admin needs the slug of a partner organization as its scope;"
                " 'netherfield' is a vendor."
            ),
        ),
        (
            "support_agent",
            "classics",
            "classics",
            (
                "support_agent needs the slug of a vendor organization as its scope;"
                " 'classics' is a partner."
            ),
        ),
        (
            "trust_admin",
            "classics",
            "classics",
            (
                "trust_admin needs the slug of a customer organization as its scope;"
                " 'classics' is a partner."
            ),
        ),
        (
            "tenant_admin",
            "fence",
            "fence",
            "tenant_admin needs the slug of a tenant as its scope; 'fence' is an organization.",
        ),
        (
            "security_contact",
            "fence",
            None,
            "security_contact needs the slug of a tenant as its scope.",
        ),
        (
            "primary_contact",
            "fence",
            "fence-1",
            "primary_contact needs the slug of a site as its scope; 'fence-1' is a tenant.",
        ),
        (
            "operator",
            "netherfield",
            "netherfield",
            "operator is held for the whole installation; leave scope out.",
        ),
        (
            "tm_admin",
            "netherfield",
            "classics",
            "tm_admin is held for one's own organization, which is 'netherfield'.",
        ),
    ],
)
def test_a_scope_that_does_not_fit_its_role_is_refused(
    role: str, organization: str, scope: str | None, sentence: str
) -> None:
    held = {"role": role} if scope is None else {"role": role, "scope": scope}

    found = only(holding(held, organization=organization))

    assert found == f"person 4 (eve@example.com): roles 1.scope: {sentence}"


def test_a_role_is_named_once() -> None:
    twice = {"role": "tm_admin", "scope": "classics"}

    found = only(holding(twice, twice))

    assert found == "person 4 (eve@example.com): roles 2: tm_admin is named twice."


def test_a_site_has_one_primary_contact() -> None:
    first = person(roles=[{"role": "primary_contact", "scope": "works"}])
    second = {**first, "email": "ada@example.com"}

    found = only(document(person=[first, second]))

    assert found == (
        "person 5 (ada@example.com): roles 1: A site has one primary contact;"
        " person 4 (eve@example.com) is it already."
    )


def test_an_address_is_written_once_however_it_is_spelled() -> None:
    found = only(document(person=[person(email="ANN@EXAMPLE.com")]))

    assert found == (
        "person 4 (ANN@EXAMPLE.com): email: person 1 (ann@example.com) has this address"
        " (letters compare without case) too."
    )


def test_an_id_is_written_once_in_the_whole_file() -> None:
    wanted = "6f1f3f5e-0000-4000-8000-000000000001"

    found = only(document(tenant=[tenant(id=wanted)], person=[person(id=wanted)]))

    assert found.startswith("person 4 (eve@example.com): id: tenant 2 (fence-2) has this id too;")


def test_an_id_that_was_made_of_an_address_is_not_given_to_another_entry() -> None:
    ann = parse(document(), ZONES).directory.people[0]
    moved = SMALL.replace('email = "ann@', f'id = "{ann.id}"\nemail = "ann.lee@')
    newcomer = '\n[[person]]\nemail = "ann@example.com"\nname = "A"\norganization = "classics"\n'

    with pytest.raises(DirectoryFileError, match=r"person 4 .* has this id too"):
        read(moved + newcomer, ZONES)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("00000000-0000-0000-0000-000000000000", "That id is reserved."),
        ("5", "Write the id as text of 8-4-4-4-12 digits 0-9 and a-f (UUID)."),
        (5, "Write the id as text of 8-4-4-4-12 digits 0-9 and a-f (UUID)."),
        (
            "6F1F3F5E-0000-4000-8000-000000000001",
            "Write the id as text of 8-4-4-4-12 digits 0-9 and a-f (UUID).",
        ),
    ],
)
def test_an_id_is_a_uuid_in_its_one_form(value: object, sentence: str) -> None:
    found = only(document(person=[person(id=value)]))

    assert found == f"person 4 (eve@example.com): id: {sentence}"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "europe/london", "", "+02:00", "\x1b[2J"])
def test_a_time_zone_that_nobody_knows_is_refused(zone: str) -> None:
    found = problems(document(person=[person(time_zone=zone)], tenant=[tenant(time_zone=zone)]))

    assert [(one.field, one.code) for one in found] == [("time_zone", "zone_unknown")] * 2
    assert found[0].sentence.endswith("Write an IANA name such as Europe/Berlin.")
    assert "\x1b" not in str(found[0])


@pytest.mark.parametrize("locale", ["EN", "e", "english", "de_DE", "de-de", "", 5, "en\n"])
def test_a_language_that_cannot_be_read_is_refused(locale: object) -> None:
    found = only(document(person=[person(locale=locale)]))

    assert found == (
        "person 4 (eve@example.com): locale: Write the language as in 'en', 'de' or 'pt-BR'."
    )


@pytest.mark.parametrize("locale", ["en", "de", "pt-BR", "zh-Hant-TW", "gsw"])
def test_a_language_tag_is_taken(locale: str) -> None:
    found = parse(document(person=[person(locale=locale)]), ZONES).directory

    assert found.people[-1].locale == locale


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"kind": "partner", "serves": ["nobody"]}, "There is no organization 'nobody'"),
        ({"kind": "partner", "serves": ["more"]}, "organization; 'more' is a partner."),
        ({"kind": "partner", "serves": ["fence", "fence"]}, "'fence' is named twice."),
        ({"kind": "customer", "serves": ["fence"]}, "A customer serves nobody;"),
    ],
)
def test_only_partners_and_vendors_serve_and_only_customers_are_served(
    entry: dict[str, Any], sentence: str
) -> None:
    more = {"slug": "more", "name": "More", **entry}

    found = only(document(organization=[more]))

    assert sentence in found


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("tenant", "A tenant belongs to a customer organization; 'classics' is a partner."),
        ("site", "A site belongs to a customer organization; 'classics' is a partner."),
        ("group", "A group belongs to a vendor organization; 'classics' is a partner."),
    ],
)
def test_what_belongs_to_the_wrong_kind_of_organization_is_refused(
    kind: str, sentence: str
) -> None:
    entry = {"slug": "more", "name": "More", "organization": "classics"}

    found = only(document(**{kind: [entry]}))

    assert found.endswith(f"(more): organization: {sentence}")


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        (["nobody@example.net"], "members 1: There is no person nobody@example.net in this file."),
        (["ann@example.com"], "members 1: ann@example.com is not of the group's organization."),
        (["jane@example.net", "Jane@example.net"], "members 2: jane@example.net is named twice."),
        (["jane"], "members 1: An email address must have an @-sign."),
        ("jane@example.net", "members must be a list."),
    ],
)
def test_a_group_has_people_of_its_own_organization_once(members: object, sentence: str) -> None:
    more = {"slug": "more", "name": "More", "organization": "netherfield", "members": members}

    found = only(document(group=[more]))

    assert found == f"group 2 (more): {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[people]]", "the file: 'people' is not a table of this file. Use organization, tenant"),
        ("version = 1", "the file: 'version' is not a table of this file."),
        ("[tenant]", "the file: tenant: Write [[tenant]] with two brackets, once for each tenant."),
        ("person = [5]", "person 1: The form must be an object with named fields."),
        ("[[tenant]", "the file: Not TOML: "),
        ("slug = 1\nslug = 2", "the file: Not TOML: Cannot overwrite a value (at "),
        ("a = " + "[" * 5_000, "the file: Not TOML: nested too deep."),
        ("a = " + "9" * 5_000, "the file: Not TOML: "),
        ("a = '\x1b[31m'", "the file: Not TOML: "),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(DirectoryFileError) as refusal:
        read(text, ZONES)

    assert str(refusal.value).startswith(sentence)
    assert "\x1b" not in str(refusal.value)


def test_a_field_that_is_not_one_is_named() -> None:
    found = only(document(person=[person(is_operator=True)]))

    assert found.endswith("is_operator: 'is_operator' is not a field of this form.")
