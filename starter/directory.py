"""`gatehouse directory`: import who exists from a TOML file, and list it."""

import sys
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from approvals.directory_difference import Difference, Listed, key_of
from approvals.directory_file import DirectoryFile, read
from approvals.directory_forms import DirectoryFileError
from approvals.people import RoleAssignment
from starter.console import USAGE, UsageError, print_json, print_table, print_text, runs, status
from starter.desk import desk
from starter.options import AsJson, DryRun
from store.pairings import ListedClone
from store.registrar import Registrar

EXAMPLE = Path(__file__).parent / "examples" / "classics.toml"
SIZE_LIMIT = 16_000_000  # bytes; a directory of 50,000 people has about ten million

app = typer.Typer(
    help="Who exists: organizations, tenants, sites, groups, people and their roles.",
    no_args_is_help=True,
)
Row = Mapping[str, object]


class What(StrEnum):
    """What can be listed."""

    ORGANIZATIONS = "organizations"
    TENANTS = "tenants"
    SITES = "sites"
    GROUPS = "groups"
    PEOPLE = "people"
    ROLES = "roles"


@app.command("import")
@runs
async def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A TOML file, or - for standard input.")
    ],
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Import a directory file.

    All of FILE is taken over, or nothing if anything in it is wrong. Importing it again changes
    nothing. Roles that FILE does not give to a person whom it lists are taken away; people,
    tenants and organizations that it does not list stay as they are, and so do the contacts of a
    site that keeps them itself. `gatehouse directory example` prints a file to start from.
    """
    with _problems_told(file):
        wanted = read(_text(file), zoneinfo.available_timezones())
        async with desk() as means:
            registrar = Registrar(means.engines)
            found = await (registrar.compare(wanted) if dry_run else registrar.write(wanted))
    _print_difference(found, as_json=as_json, was_written=not (dry_run or found.is_empty))


@app.command("list")
@runs
async def list_(
    what: Annotated[What | None, typer.Argument(help="Which part; without it, all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the directory as it is stored."""
    async with desk() as means:
        listed = _listed(await Registrar(means.engines).read(), await means.pairings.clones())
    if as_json:
        print_json(listed if what is None else listed[what])
        return
    for part in What if what is None else (what,):
        if what is None:
            print_text(f"{part.capitalize()}:")
        _print_rows(listed[part])


@app.command()
@runs
async def example(
    path: Annotated[bool, typer.Option("--path", help="Print the file's path instead.")] = False,
) -> None:
    """Print the example directory file.

    One partner with its account managers, two customers, a vendor with a support group, a site.
    """
    file = example_file()
    print_text(str(file) if path else file.read_text(encoding="utf-8").rstrip("\n"))


def example_file() -> Path:
    """Return the example directory file that ships with Gatehouse."""
    return EXAMPLE


@contextmanager
def _problems_told(file: Path) -> Iterator[None]:
    """Write every problem of the file on a line of its own, and end with exit 2."""
    try:
        yield
    except DirectoryFileError as broken:
        for problem in broken.problems:
            status(f"{file}: {problem}")
        status("Nothing was changed.")
        raise typer.Exit(USAGE) from None


def _text(file: Path) -> str:
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        else:
            with file.open("rb") as stream:
                data = stream.read(SIZE_LIMIT + 1)
        text = data.decode("utf-8-sig")
    except OSError as trouble:
        raise UsageError(f"FILE: {file} cannot be read: {trouble.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"FILE: {file} is not UTF-8 text.") from None
    if len(data) > SIZE_LIMIT:
        raise UsageError(f"FILE: {file} is larger than {SIZE_LIMIT:,} bytes.")
    return text


def _print_difference(found: Difference, *, as_json: bool, was_written: bool) -> None:
    if as_json:
        print_json({"written": was_written, **found.model_dump(mode="json")})
    else:
        parts = {
            "added": found.added,
            "changed": found.changed,
            "removed": found.removed,
            "left alone": found.left_alone,
            "ignored": found.ignored,
        }
        rows = [
            (word, one.kind, one.key, one.fact) for word, lines in parts.items() for one in lines
        ]
        if rows:
            print_table(("", "WHAT", "WHICH", "FACT"), rows)
    for one in found.ignored:
        status(f"Ignored for {one.key}: {one.fact}.")
    status(f"{found.summary()}.")
    status("The directory was changed." if was_written else "Nothing was changed.")


def _listed(file: DirectoryFile, clones: Sequence[ListedClone]) -> dict[What, list[Row]]:
    """Return each part as rows of facts named as in the file; slugs and addresses stand for ids.

    Cloned users stand among the people of their customer, marked, and not to be billed.
    """
    directory = file.directory
    entries: tuple[Listed, ...] = (
        *directory.organizations,
        *directory.tenants,
        *file.sites,
        *directory.people,
    )
    names: dict[UUID, str] = {one.id: key_of(one) for one in entries}
    serves: dict[UUID, list[str]] = {one.id: [] for one in directory.organizations}
    for server, customer in directory.serves:
        serves[server].append(names[customer])
    return {
        What.ORGANIZATIONS: [
            {**_row(one, names), "serves": sorted(serves[one.id])}
            for one in directory.organizations
        ],
        What.TENANTS: [_row(one, names) for one in directory.tenants],
        What.SITES: [_row(one, names) for one in file.sites],
        What.GROUPS: [_row(one, names) for one in file.groups],
        What.PEOPLE: [
            *({**_row(one, names), "clone": False, "billable": True} for one in directory.people),
            *(_clone(one) for one in clones),
        ],
        What.ROLES: sorted((_role(one, names) for one in directory.roles), key=_in_order),
    }


def _row(entry: Listed, names: Mapping[UUID, str]) -> Row:
    facts = entry.model_dump(exclude={"id"}).items()
    said = {name.removeprefix("is_"): _named(value, names) for name, value in facts}
    return {"id": str(entry.id), **said}


def _clone(one: ListedClone) -> Row:
    facts = one.model_dump(mode="json", exclude={"vendor", "tenant"})
    return {**facts, "clone": True, "billable": False}


def _role(held: RoleAssignment, names: Mapping[UUID, str]) -> Row:
    return {name: _named(value, names) for name, value in held.model_dump().items()}


def _named(value: object, names: Mapping[UUID, str]) -> object:
    if isinstance(value, tuple):
        return sorted(names[one] for one in value)
    return names.get(value, "") if isinstance(value, UUID) else value


def _in_order(role: Row) -> tuple[str, ...]:
    return tuple(str(role[name] or "") for name in ("person", "role", "scope"))


def _print_rows(rows: Sequence[Row]) -> None:
    if not rows:
        status("Nothing is listed.")
        return
    columns = [name for name in rows[0] if name != "id"]
    heads = [name.replace("_", " ").upper() for name in columns]
    print_table(heads, [[_cell(row[name]) for name in columns] for row in rows])


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case None:
            return ""
        case _:
            return str(value)
