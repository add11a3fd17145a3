"""The files of onboardings: each mistake names its line, field and rule, and never a secret."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from approvals.fields import problems
from approvals.onboarding.commands import Start
from approvals.onboarding.customer_file import CustomerFileError, read_customer, read_row, rows_of
from approvals.platform import PlatformRole
from starter.onboarding import EXAMPLE
from tests.approvals.test_directory_file import EMAIL_RECIPES, NAME_RECIPES, SLUG_RECIPES
from tests.bad_inputs import cases

BATCH = UUID("5f0e6c1a-9f6e-4b86-8f2a-3a7d0d8b9c11")
GOOD = """customer = "admiral-benbow"
name = "Admiral Benbow"
reference = "C-1881"

[pbx]
host = "pbx.example.com"
username = "import"
secret = "file:admiral-benbow"

[[admins]]
name = "Jim Hawkins"
email = "jim@example.com"
roles = ["customer.user.supervisorl1"]

[[users]]
name = "Livesey"
email = "livesey@example.com"
roles = ["customer.user.acd"]
"""
FORM: dict[str, Any] = {
    "batch": BATCH,
    "customer": "admiral-benbow",
    "name": "Admiral Benbow",
    "reference": "C-1881",
    "pbx": {"host": "pbx.example.com", "username": "import", "secret": "file:admiral-benbow"},
    "admins": [{"email": "jim@example.com", "name": "Jim"}],
}
SLUG = "It takes a-z, 0-9 and '-', 1 to 63 characters."
REFERENCE = (
    "The reference takes 1 to 64 letters A-Z, a-z, digits, blanks and . _ / -, and "
    "begins and ends with a letter or digit."
)
ZONE = "That is not a time zone. Write an IANA name such as Europe/Berlin."
LOCALE = "Write the language as in 'en', 'de' or 'pt-BR'."
HOST = "Write the PBX's host name or IP address, without a scheme or port."
USERNAME = "The user name takes 1 to 120 visible ASCII characters."
SECRET = "Do not write the secret here; say where the worker finds it: file:NAME or env:NAME."
DOMAIN = "There must be something after the @-sign."
SIGN = "An email address must have an @-sign."
ADMIN = "Leave user.admin out: everybody listed under admins gets it, and nobody else."
ROLE = (
    "That is not a role of the platform. Choose of: customer.user, customer.user.acd, "
    "customer.user.supervisorl1, customer.user.supervisorl2, "
    "customer.user.supervisorl3."
)
OWN = (
    "must name a secret of this customer's own: file:a, or a file whose name begins with 'a.',"
    " or env:A."
)
OWN_OF_BENBOW = (
    "must name a secret of this customer's own: file:admiral-benbow, or a file whose name begins"
    " with 'admiral-benbow.', or env:ADMIRAL_BENBOW."
)
TWICE = (
    "Listed more than once: jim@example.com. List everybody once; an admin's other "
    "roles stand beside their name."
)
PERSON = "Write each as NAME <ADDRESS> ROLE ..., with a semicolon between two."
TABLE = "Write it as a table: [pbx], and below it host, username and secret."
ADMINS = "Write each as a table [[admins]], with name, email, and perhaps roles."
USERS = "Write each as a table [[users]], with name, email and roles."
HEAD = "customer,name,reference,pbx_host,pbx_username,pbx_secret,admins,users"
PBX = "pbx.example.com,import,file:a"


def told(text: str) -> list[str]:
    """Return what is said of a TOML file."""
    with pytest.raises(CustomerFileError) as refused:
        read_customer(text, BATCH)
    return str(refused.value).split("\n")


def told_of(line: str) -> list[str]:
    """Return what is said of one line of a CSV file."""
    (row,) = rows_of(f"{HEAD}\n{line}\n")
    with pytest.raises(CustomerFileError) as refused:
        read_row(row, BATCH)
    return str(refused.value).split("\n")


def codes(**fields: object) -> set[str]:
    """Return the codes of what is wrong with a form."""
    try:
        Start.model_validate({**FORM, **fields})
    except ValidationError as broken:
        return {code for _, code, _ in problems(broken)}
    return set()


def test_a_file_becomes_a_form() -> None:
    form = read_customer(GOOD, BATCH, "netherfield")

    assert (form.batch, form.customer, form.organization) == (
        BATCH,
        "admiral-benbow",
        "netherfield",
    )
    assert form.admins[0].roles == (PlatformRole.SUPERVISOR_1,)
    assert (form.time_zone, form.locale, form.switch_on_for) == ("UTC", "en", None)


def test_the_example_becomes_a_form() -> None:
    assert read_customer(EXAMPLE.read_text(encoding="utf-8"), BATCH).customer == "admiral-benbow"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"admiral-benbow"', '"Bad Slug"', f"line 1: customer: {SLUG}"),
        ('"admiral-benbow"', "5", "line 1: customer: It must be text."),
        ('"admiral-benbow"', '"admin"', "line 1: customer: That name is reserved."),
        ('name = "Admiral Benbow"', 'name = ""', "line 2: name: Enter a name."),
        ('name = "Admiral Benbow"\n', "", "name: Enter a name."),
        ('reference = "C-1881"\n', "", "reference is missing."),
        ('"C-1881"', '"-1"', f"line 3: reference: {REFERENCE}"),
        ('"C-1881"', '"C"\ntime_zone = "Mars/Phobos"', f"line 4: time_zone: {ZONE}"),
        ('"C-1881"', '"C"\nlocale = "english"', f"line 4: locale: {LOCALE}"),
        ('"C-1881"', '"C"\ncolour = "red"', "line 4: 'colour' is not a field of this file."),
        ('"C-1881"', '"C"\nbatch = "x"', "line 4: 'batch' is not a field of this file."),
        ('"C-1881"', '"C"\nswitch_on_for = 7', "line 4: switch_on_for: It must be text."),
        ('"pbx.example.com"', '"https://pbx.example.com"', f"line 6: pbx.host: {HOST}"),
        ('"import"', '""', f"line 7: pbx.username: {USERNAME}"),
        ('"file:admiral-benbow"', '"hunter2"', f"line 8: pbx.secret: {SECRET}"),
        ('"file:admiral-benbow"', '"file:../../etc/passwd"', f"line 8: pbx.secret: {SECRET}"),
        ('secret = "file:admiral-benbow"\n', "", "line 5: pbx.secret is missing."),
        ('"file:admiral-benbow"', '"file:other"', f"line 8: pbx.secret {OWN_OF_BENBOW}"),
        ('"C-1881"', '"C"\n"my colour" = 1', "line 4: 'my colour' is not a field of this file."),
        ('"C-1881"', "\"C\"\n'my hue' = 1", "line 4: 'my hue' is not a field of this file."),
        ('"jim@example.com"', '"jim@"', f"line 12: admins 1.email: {DOMAIN}"),
        ('"customer.user.supervisorl1"', '"user.admin"', f"line 13: admins 1.roles 1: {ADMIN}"),
        ('"customer.user.acd"', '"boss"', f"line 18: users 1.roles 1: {ROLE}"),
        ('["customer.user.acd"]', "[]", "line 18: users 1.roles must have at least 1 entries."),
        ('"livesey@example.com"', '"JIM@example.com"', f"line 17: users 1.email: {TWICE}"),
    ],
)
def test_a_mistake_is_told_with_line_field_and_rule(old: str, new: str, said: str) -> None:
    assert old in GOOD

    assert told(GOOD.replace(old, new)) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('customer = "x\n', "line 1: This is not readable TOML: Illegal character '\\n'."),
        ("a = 1\na = 2\n", "line 2: This is not readable TOML: Cannot overwrite a value."),
        (
            "[pbx\n",
            "line 1: This is not readable TOML: Expected ']' at the end of a table declaration.",
        ),
        ("a = ", "line 1: This is not readable TOML: Invalid value."),
        ("a = " + "[" * 5_000, "This is not readable TOML: nested too deep."),
        (
            "a = " + "9" * 5_000,
            "This is not readable TOML: a number has too many digits.",
        ),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, said: str) -> None:
    assert told(text) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('pbx = "x"', f"pbx: {TABLE}"),
        ("[[pbx]]", f"pbx: {TABLE}"),
        ('admins = "x"', f"admins: {ADMINS}"),
        ("[admins]", f"admins: {ADMINS}"),
        ("users = 5", f"users: {USERS}"),
        ("admins = []", "admins must have at least 1 entries."),
    ],
)
def test_a_table_of_the_wrong_shape_is_told_how_to_write_it(text: str, said: str) -> None:
    assert f"line 1: {said}" in told(text)


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_lines() -> None:
    broken = GOOD.replace("C-1881", "-").replace("jim@", "")
    found = told(broken.replace("file:admiral-benbow", "hunter2"))

    assert [one.split(":")[0] for one in found] == ["line 3", "line 8", "line 12"]
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"Bad Slug,A,C-1,{PBX},Jim <jim@example.com>,", f"line 2: customer: {SLUG}"),
        (f"a,,C-1,{PBX},Jim <jim@example.com>,", "line 2: name: Enter a name."),
        (f"a,A,C-1,{PBX},,", "line 2: admins must have at least 1 entries."),
        (f"a,A,C-1,{PBX},jim@example.com,", f"line 2: admins 1: {PERSON}"),
        (f"a,A,C-1,{PBX},Jim <jim>,", f"line 2: admins 1.email: {SIGN}"),
        (
            f"a,A,C-1,{PBX},Jim <jim@example.com>,Jim <JIM@example.com> customer.user",
            f"line 2: users 1.email: {TWICE}",
        ),
        (
            f"a,A,C-1,{PBX},Jim <jim@example.com>,Ben <ben@example.com>",
            "line 2: users 1.roles must have at least 1 entries.",
        ),
        (
            "a,A,C-1,pbx.example.com,import,hunter2,Jim <jim@example.com>,",
            f"line 2: pbx_secret: {SECRET}",
        ),
        ("a,A", "line 2: The line has 2 fields, and line 1 has 8."),
        (
            "a,A,C-1,pbx.example.com,import,file:b,Jim <jim@example.com>,",
            f"line 2: pbx_secret {OWN}",
        ),
    ],
)
def test_a_mistake_in_a_line_is_told_with_its_column_and_rule(line: str, said: str) -> None:
    found = told_of(line)

    assert said in found
    assert "hunter2" not in "".join(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: This file is empty."),
        ("\n\n", "line 1: This file has no column 'customer', "),
        (
            HEAD.replace("admins,", "boss,"),
            "line 1: This file has no column 'admins', has an unknown column 'boss'.",
        ),
        (f"{HEAD},users", "line 1: This file names a column twice 'users'."),
        (f'{HEAD}\na,"b', "line 2: This is not readable CSV: "),
        (f'{HEAD}\na,b\nc,"d"e', "line 3: This is not readable CSV: "),
    ],
)
def test_a_csv_file_that_is_wrong_as_a_whole_says_so(text: str, said: str) -> None:
    with pytest.raises(CustomerFileError) as refused:
        rows_of(text)

    assert str(refused.value).startswith(said)


def test_lines_are_counted_as_an_editor_does_and_blank_ones_are_passed_over() -> None:
    text = f'{HEAD}\r\n\r\na,"A\r\nB",C-1,{PBX},Jim <jim@example.com>,\r\nb,B,C-2,{PBX},x,\r\n'

    first, second = rows_of(text)

    assert (first.line, second.line) == (3, 5)


@pytest.mark.parametrize("name", ["A", "B"], ids=["the same line", "another name"])
def test_a_customer_of_two_lines_is_refused_at_the_second(name: str) -> None:
    lines = [f"a,{one},C-1,{PBX},Jim <jim@example.com>," for one in ("A", name)]

    first, second = rows_of("\n".join((HEAD, *lines)))

    assert read_row(first, BATCH).name == "A"
    with pytest.raises(CustomerFileError) as refused:
        read_row(second, BATCH)
    assert str(refused.value) == "line 3: customer: Line 2 has this customer too."


def test_a_line_becomes_a_form() -> None:
    line = (
        f"a,A,C-1,{PBX},Jim <jim@example.com> customer.user.supervisorl1; Pew <pew@example.com>,"
        "Livesey <livesey@example.com> customer.user customer.user.acd"
    )
    (row,) = rows_of(f"{HEAD}\n{line}\n")

    form = read_row(row, BATCH)

    assert [one.email for one in form.people] == [
        "jim@example.com", "pew@example.com", "livesey@example.com",
    ]  # fmt: skip
    assert form.users[0].roles == (PlatformRole.SIGN_IN, PlatformRole.AGENT)


@pytest.mark.parametrize(
    ("expect", "value"), cases("tenants", SLUG_RECIPES, ("not_found", "tenant_conflict"))
)
def test_a_customers_slug_answers_each_row_as_expected(expect: str, value: object) -> None:
    assert codes(customer=value) == {expect}


@pytest.mark.parametrize(("expect", "value"), cases("names", NAME_RECIPES))
def test_a_customers_and_an_admins_name_answer_each_row_as_expected(
    expect: str, value: object
) -> None:
    wanted = set() if expect == "ACCEPT_INERT" else {expect}

    assert codes(name=value) == wanted
    assert codes(admins=[{"email": "jim@example.com", "name": value}]) == wanted


@pytest.mark.parametrize(
    ("expect", "value"), cases("emails", EMAIL_RECIPES, ("email_not_verified_identity",))
)
def test_an_admins_address_answers_each_row_as_expected(expect: str, value: object) -> None:
    wanted = set() if expect == "ACCEPT_NORMALISED" else {expect}

    assert codes(admins=[{"email": value, "name": "Jim"}]) == wanted


@pytest.mark.parametrize("most", [("admins", 20), ("users", 200)])
def test_there_is_a_most_of_people(most: tuple[str, int]) -> None:
    name, limit = most
    people = [
        {"email": f"{uuid4().hex}@example.com", "name": "Ann", "roles": ["customer.user"]}
        for _ in range(limit + 1)
    ]

    assert codes(**{name: people[:limit]}) == set()
    assert codes(**{name: people}) == {"field_invalid"}
