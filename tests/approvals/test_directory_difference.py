"""What an import would change: told line by line, and nothing where nothing changes."""

import pytest

from approvals.directory_difference import Difference, Line, difference
from approvals.directory_file import DirectoryFile, read
from approvals.directory_forms import DirectoryFileError
from tests.approvals.small_directory import SMALL, ZONES, small

BEFORE = small()
ANN = BEFORE.directory.people[0]
MORE = '\n[[person]]\nemail = "eve@example.com"\nname = "Eve"\norganization = "classics"\n'


def after(old: str, new: str) -> Difference:
    """Return the difference that one replacement in SMALL makes."""
    assert old in SMALL
    return difference(BEFORE, read(SMALL.replace(old, new), ZONES))


def lines(found: tuple[Line, ...]) -> list[str]:
    """Return lines as text."""
    return [f"{one.kind} {one.key}: {one.fact}" for one in found]


def test_the_same_file_changes_nothing() -> None:
    found = difference(BEFORE, BEFORE)

    assert found == Difference()
    assert found.is_empty


def test_a_first_import_adds_everything() -> None:
    found = difference(DirectoryFile(), BEFORE)

    assert lines(found.added) == [
        "organization classics: Classics, Inc.",
        "organization fence: Tom Sawyer Fence Painting Co.",
        "organization netherfield: Netherfield Systems",
        "tenant fence-1: Fences",
        "site works: Works",
        "group care: Customer Care",
        "person ann@example.com: Ann",
        "person Tom@example.org: Tom",
        "person jane@example.net: Jane",
        "serves classics: fence",
        "member care: jane@example.net",
        "role ann@example.com: tm_admin for classics",
    ]
    assert found.summary() == "12 added, 0 changed, 0 removed; 0 not in the file, left alone"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('name = "Ann"', 'name = "Ann Lee"', "person ann@example.com: name: Ann -> Ann Lee"),
        (
            '"ann@example.com"',
            '"Ann@example.com"',
            "person Ann@example.com: email: ann@example.com -> Ann@example.com",
        ),
        (
            'slug = "fence-1"\n',
            'slug = "fence-1"\nlocked = true\n',
            "tenant fence-1: locked: no -> yes",
        ),
        (
            'name = "Tom"\norganization = "fence"',
            'name = "Tom"\norganization = "netherfield"',
            "person Tom@example.org: organization: fence -> netherfield",
        ),
    ],
)
def test_a_changed_fact_is_told_with_what_it_was(old: str, new: str, line: str) -> None:
    found = after(old, new)

    assert lines(found.changed) == [line]
    assert (found.added, found.removed) == ((), ())


def test_an_address_changes_under_a_written_id() -> None:
    found = after('email = "ann@', f'id = "{ANN.id}"\nemail = "ann.lee@')

    assert lines(found.changed) == [
        "person ann.lee@example.com: email: ann@example.com -> ann.lee@example.com"
    ]
    assert found.left_alone == ()


def test_an_address_that_changes_without_an_id_is_somebody_else() -> None:
    found = after('email = "ann@', 'email = "ann.lee@')

    assert "person ann.lee@example.com: Ann" in lines(found.added)
    assert lines(found.left_alone) == ["person ann@example.com: Ann"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            'roles = [{ role = "tm_admin", scope = "classics" }]',
            "",
            "role ann@example.com: tm_admin for classics",
        ),
        ('serves = ["fence"]', "", "serves classics: fence"),
        ('members = ["JANE@example.net"]', "", "member care: jane@example.net"),
    ],
)
def test_what_the_file_no_longer_says_of_a_listed_entry_is_removed(
    old: str, new: str, line: str
) -> None:
    found = after(old, new)

    assert lines(found.removed) == [line]
    assert (found.added, found.changed, found.left_alone) == ((), (), ())


def test_whom_the_file_does_not_name_stays_with_every_role() -> None:
    whole = read(SMALL + MORE + 'roles = [{ role = "tm_admin", scope = "classics" }]', ZONES)

    found = difference(whole, BEFORE)

    assert lines(found.left_alone) == ["person eve@example.com: Eve"]
    assert found.is_empty


def test_an_operator_is_one_of_the_installation() -> None:
    found = difference(BEFORE, read(SMALL + MORE + 'roles = [{ role = "operator" }]', ZONES))

    assert lines(found.added)[-1] == "role eve@example.com: operator for the installation"


def test_an_address_that_a_stored_person_keeps_is_refused() -> None:
    other = "6f1f3f5e-0000-4000-8000-000000000001"
    wanted = read(SMALL.replace('email = "ann@', f'id = "{other}"\nemail = "ANN@'), ZONES)

    with pytest.raises(DirectoryFileError) as refusal:
        difference(BEFORE, wanted)

    assert str(refusal.value) == (
        f"person 1 (ANN@example.com): email: The stored person {ANN.id} has this email."
        f' If it is the same person, write id = "{ANN.id}".'
    )


def test_two_entries_may_swap_their_slugs() -> None:
    first, _, third = BEFORE.directory.organizations
    swapped = BEFORE.directory.model_copy(
        update={
            "organizations": (
                first.model_copy(update={"slug": third.slug}),
                *BEFORE.directory.organizations[1:2],
                third.model_copy(update={"slug": first.slug}),
            )
        }
    )

    found = difference(BEFORE, BEFORE.model_copy(update={"directory": swapped}))

    assert lines(found.changed) == [
        "organization netherfield: slug: classics -> netherfield",
        "organization classics: slug: netherfield -> classics",
    ]
