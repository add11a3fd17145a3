"""`gatehouse directory`: what an operator types, sees and gets as exit codes."""

import json
from pathlib import Path

import pytest

from starter.directory import EXAMPLE, app
from tests.starter.terminal import run

PERSON = '\n[[person]]\nemail = "eve@example.com"\nname = "Eve"\norganization = "classics"\n'


@pytest.fixture
def imported(gatehouse_home: Path) -> Path:
    """The folder of an installation that holds the example directory."""
    assert run(app, "import", str(EXAMPLE)).code == 0
    return gatehouse_home


def a_file(folder: Path, text: str) -> str:
    """Write a directory file and return its path."""
    file = folder / "directory.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_an_import_tells_what_it_added(gatehouse_home: Path) -> None:
    end = run(app, "import", str(EXAMPLE))

    assert end.code == 0
    assert "elizabeth.bennet@classics.example.com" in end.out
    assert end.err == (
        "41 added, 0 changed, 0 removed; 0 not in the file, left alone. The directory was changed."
    )


def test_a_second_import_changes_nothing(imported: Path) -> None:
    end = run(app, "import", str(EXAMPLE))

    assert (end.code, end.out) == (0, "")
    assert end.err.endswith("left alone. Nothing was changed.")


def test_a_dry_run_shows_the_difference_and_keeps_the_directory(imported: Path) -> None:
    before = run(app, "list", "--json").out
    file = a_file(imported, EXAMPLE.read_text(encoding="utf-8") + PERSON)

    end = run(app, "import", file, "--dry-run", "--json")

    said = json.loads(end.out)
    assert end.code == 0
    assert said["written"] is False
    assert said["added"] == [{"kind": "person", "key": "eve@example.com", "fact": "Eve"}]
    assert run(app, "list", "--json").out == before


def test_json_tells_what_was_written(imported: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace('"Kanga"', '"Kanga Roo"')

    said = json.loads(run(app, "import", a_file(imported, text), "--json").out)

    assert said["written"] is True
    assert [one["fact"] for one in said["changed"]] == ["name: Kanga -> Kanga Roo"]


def test_a_file_is_taken_from_standard_input(gatehouse_home: Path) -> None:
    end = run(app, "import", "-", typed=EXAMPLE.read_bytes())

    assert end.code == 0
    assert "41 added" in end.err


def test_everybody_who_is_not_in_the_file_is_named(imported: Path) -> None:
    file = a_file(imported, '[[organization]]\nslug = "new"\nname = "New"\nkind = "customer"\n')

    end = run(app, "import", file)

    assert end.code == 0
    assert "left alone  person        kanga@hundred-acre-wood.example.net" in end.out


def test_every_problem_is_a_line_of_its_own_and_nothing_is_written(gatehouse_home: Path) -> None:
    file = a_file(gatehouse_home, "[[tenant]]\nslug = 'a b'\nname = ''\norganization = 'c'\n")

    end = run(app, "import", file)

    assert (end.code, end.out) == (2, "")
    assert end.err == (
        f"{file}: tenant 1 (a b, line 1): name: Enter a name."
        f" {file}: tenant 1 (a b, line 1): slug: Slugs use a-z, 0-9 and '-', 1 to 63 characters."
        " Nothing was changed."
    )
    assert json.loads(run(app, "list", "tenants", "--json").out) == []


def test_a_slug_that_a_stored_entry_has_is_a_problem_of_the_file(imported: Path) -> None:
    text = (
        '[[organization]]\nid = "6f1f3f5e-0000-4000-8000-000000000001"\nslug = "classics"\n'
        'name = "Other"\nkind = "partner"\n'
    )

    end = run(app, "import", a_file(imported, text))

    assert (end.code, end.out) == (2, "")
    assert "organization 1 (classics): slug: The stored organization" in end.err


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("nowhere.toml", None, "cannot be read: No such file or directory."),
        (".", None, "cannot be read: Is a directory."),
        ("latin.toml", "name = 'é'".encode("latin-1"), "is not UTF-8 text."),
        ("huge.toml", b"#" * 16_000_001, "is larger than 16,000,000 bytes."),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    gatehouse_home: Path, name: str, content: bytes | None, sentence: str
) -> None:
    file = gatehouse_home / name
    if content is not None:
        file.write_bytes(content)

    end = run(app, "import", str(file))

    assert (end.code, end.out) == (2, "")
    assert end.err == f"FILE: {file} {sentence}"


def test_a_file_with_a_byte_order_mark_is_read(gatehouse_home: Path) -> None:
    file = gatehouse_home / "marked.toml"
    file.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.read_bytes().replace(b"\n", b"\r\n"))

    assert run(app, "import", str(file)).code == 0


def test_a_list_shows_slugs_and_addresses(imported: Path) -> None:
    end = run(app, "list", "roles")

    assert end.code == 0
    assert "elizabeth.bennet@classics.example.com" in end.out
    assert "tm_admin" in end.out


def test_a_list_as_json_has_the_fields_of_the_file_and_the_ids(imported: Path) -> None:
    listed = json.loads(run(app, "list", "organizations", "--json").out)

    classics = next(one for one in listed if one["slug"] == "classics")
    assert len(classics.pop("id")) == 36
    assert classics == {
        "slug": "classics",
        "name": "Classics, Inc.",
        "kind": "partner",
        "time_zone": "Europe/London",
        "active": True,
        "serves": ["hundred-acre-wood", "tom-sawyer"],
    }


def test_without_a_word_all_is_listed(imported: Path) -> None:
    listed = json.loads(run(app, "list", "--json").out)

    assert {part: len(rows) for part, rows in listed.items()} == {
        "organizations": 4,
        "tenants": 2,
        "sites": 1,
        "groups": 1,
        "people": 12,
        "roles": 15,
    }


def test_an_empty_directory_has_empty_lists(gatehouse_home: Path) -> None:
    end = run(app, "list", "people")

    assert (end.code, end.out, end.err) == (0, "", "Nothing is listed.")


def test_what_cannot_be_listed_is_a_usage_error(gatehouse_home: Path) -> None:
    end = run(app, "list", "passwords")

    assert (end.code, end.out) == (2, "")
    assert "passwords" in end.err


def test_the_example_is_printed_or_pointed_at(gatehouse_home: Path) -> None:
    assert run(app, "example").out == EXAMPLE.read_text(encoding="utf-8")
    assert run(app, "example", "--path").out == f"{EXAMPLE}\n"


def test_a_name_cannot_write_to_the_terminal(gatehouse_home: Path) -> None:
    text = '[[organization]]\nslug = "a"\nname = "[red]x[/red]"\nkind = "customer"\n'
    run(app, "import", a_file(gatehouse_home, text))

    assert "[red]x[/red]" in run(app, "list", "organizations").out


def test_a_database_without_tables_is_unreachable(gatehouse_home: Path) -> None:
    (gatehouse_home / "gatehouse.db").write_bytes(b"")

    end = run(app, "import", str(EXAMPLE))

    assert (end.code, end.out) == (3, "")
    assert end.err.endswith("Nothing was changed.")
