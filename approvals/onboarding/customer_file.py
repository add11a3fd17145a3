"""Reads the files that people write for onboardings: one customer as TOML, or many as CSV.

Everything that is wrong is told at once, each with its line, field and rule; never the input, for
a secret may have been written where its name belongs.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import ValidationError

from approvals.addresses import canonical
from approvals.fields import problems
from approvals.onboarding.commands import Start
from approvals.texts import inert
from approvals.toml_files import Lines, Place, Problem, TomlError, in_words, read

TEXTS = ("customer", "name", "description", "reference", "time_zone", "locale", "switch_on_for")
PBX = ("host", "username", "secret")
COLUMNS = (*TEXTS, *(f"pbx_{one}" for one in PBX), "admins", "users")
NEEDED = ("customer", "name", "reference", "pbx_host", "pbx_username", "pbx_secret", "admins")
SHOWN = 32  # characters of a column's name that nobody knows
COUNTS = ("too_short", "too_long")
_PERSON = re.compile(r"\s*([^<>]*?)\s*<([^<>]*)>\s*(.*?)\s*", re.DOTALL)
# Field rules are written for other forms; here their field has another name.
_SENTENCES = {
    "name_empty": "Enter a name.",
    "tenant_not_text": "It must be text.",
    "tenant_malformed": "It takes a-z, 0-9 and '-', 1 to 63 characters.",
}
_SHAPES = {
    "pbx": "Write it as a table: [pbx], and below it host, username and secret.",
    "admins": "Write each as a table [[admins]], with name, email, and perhaps roles.",
    "users": "Write each as a table [[users]], with name, email and roles.",
}


class CustomerFileError(ValueError):
    """A file, or one line of it, breaks rules; *problems* has all of them, the text one a line."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.problems = tuple(found)
        super().__init__("\n".join(map(str, self.problems)))


class Row(NamedTuple):
    """One customer of a CSV file: the form's fields, or what is wrong with the line."""

    line: int
    customer: str
    fields: Mapping[str, Any] | None
    problems: tuple[Problem, ...] = ()


def read_customer(text: str, batch: UUID, organization: str | None = None) -> Start:
    """Read one customer.toml. Raises CustomerFileError."""
    try:
        document = read(text)
    except TomlError as broken:
        sentence = f"This is not readable TOML: {broken.what}."
        raise CustomerFileError([Problem(line=broken.line, field="", sentence=sentence)]) from None
    lines = Lines(text)
    aside = {name for name in ("batch", "organization", "shown") if name in document}
    unknown = [
        Problem(line=lines.of((name,)), field="", sentence=f"'{name}' is not a field of this file.")
        for name in sorted(aside)
    ]
    kept = {name: value for name, value in document.items() if name not in aside}
    return _checked(kept, batch, organization, lines.of, unknown)


def read_row(row: Row, batch: UUID, organization: str | None = None) -> Start:
    """Read one line of a CSV file. Raises CustomerFileError."""
    if row.fields is None:
        raise CustomerFileError(row.problems)
    try:
        return _checked(row.fields, batch, organization, lambda _: row.line, row.problems)
    except CustomerFileError as broken:
        raise CustomerFileError(map(_by_column, broken.problems)) from None


def rows_of(text: str) -> list[Row]:
    """Split a CSV file into its customers; blank lines are passed over.

    A customer whom a line further up has already is what is wrong with the later one.
    Raises CustomerFileError for what is wrong with the file as a whole: no line of it counts then.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    found: list[Row] = []
    lines: dict[str, int] = {}
    before = 0
    try:
        for values in reader:
            line, before = before + 1, reader.line_num
            trimmed = [one.strip() for one in values]
            if header is None:
                header = _header(trimmed)
            elif any(trimmed):
                row = _row(line, trimmed, header)
                first = lines.setdefault(row.customer, line) if row.customer else line
                found.append(row if first == line else _repeated(row, first))
    except csv.Error as broken:
        sentence = f"This is not readable CSV: {inert(str(broken))}."
        raise CustomerFileError([Problem(line=before + 1, field="", sentence=sentence)]) from None
    if header is None:
        raise CustomerFileError([Problem(line=1, field="", sentence=_columns("is empty"))])
    return found


def _checked(
    fields: Mapping[str, Any],
    batch: UUID,
    organization: str | None,
    line_of: Callable[[Place], int | None],
    before: Iterable[Problem] = (),
) -> Start:
    found = list(before)
    said = {} if organization is None else {"organization": organization}
    try:
        start = Start.model_validate({**fields, "batch": batch, **said})
    except ValidationError as broken:
        for error, (path, code, rule) in zip(broken.errors(), problems(broken), strict=True):
            place, field = error["loc"], in_words(path)
            if code == "secret_of_another":
                place, field = ("pbx", "secret"), "pbx.secret"
            elif code == "listed_twice":
                place = _second_listing(fields)
                field = in_words(".".join(map(str, place)))
            elif code == "unknown_field":  # the rule names it
                field = ""
            sentence = _sentence(path, code, rule, is_count=error["type"] in COUNTS)
            found.append(Problem(line=line_of(place), field=field, sentence=sentence))
    if found:
        raise CustomerFileError(sorted(found, key=lambda one: one.line or 0))
    return start


def _sentence(path: str, code: str, rule: str, *, is_count: bool) -> str:
    """Say a form's rule in the words of a file."""
    if code == "unknown_field":
        return rule.replace("of this form", "of this file")
    if code == "field_invalid" and path in _SHAPES and not is_count:
        return _SHAPES[path]
    told = _SENTENCES.get(code, rule)
    return in_words(path) + told.removeprefix(path) if path and told.startswith(path) else told


def _second_listing(fields: Mapping[str, Any]) -> Place:
    """Return the place of the first address that stands further up already."""
    seen: set[str] = set()
    for name in ("admins", "users"):
        for position, one in enumerate(fields.get(name, ())):
            address = canonical(one["email"])
            if address in seen:
                return (name, position, "email")
            seen.add(address)
    return ()


def _by_column(problem: Problem) -> Problem:
    """Name the field as a CSV file does."""
    field = problem.field.replace("pbx.", "pbx_")
    sentence = problem.sentence
    if problem.field and sentence.startswith(problem.field):
        sentence = field + sentence.removeprefix(problem.field)
    return problem.model_copy(update={"field": field, "sentence": sentence})


def _header(values: list[str]) -> list[str]:
    wrong = {
        "has no column": [one for one in NEEDED if one not in values],
        "has an unknown column": [one for one in values if one not in COLUMNS],
        "names a column twice": [one for one, count in Counter(values).items() if count > 1],
    }
    found = [f"{what} '{inert(one)[:SHOWN]}'" for what, columns in wrong.items() for one in columns]
    if found:
        raise CustomerFileError([Problem(line=1, field="", sentence=_columns(", ".join(found)))])
    return values


def _columns(what: str) -> str:
    return (
        f"This file {what}. Line 1 names the columns {', '.join(NEEDED)}, and perhaps"
        f" {', '.join(one for one in COLUMNS if one not in NEEDED)}."
    )


def _row(line: int, values: list[str], header: list[str]) -> Row:
    if len(values) != len(header):
        sentence = f"The line has {len(values)} fields, and line 1 has {len(header)}."
        return Row(line, "", None, (Problem(line=line, field="", sentence=sentence),))
    said = dict(zip(header, values, strict=True))
    found: list[Problem] = []
    fields: dict[str, Any] = {one: said[one] for one in TEXTS if said.get(one)}
    fields["pbx"] = {one: said[f"pbx_{one}"] for one in PBX}
    for name in ("admins", "users"):
        fields[name] = list(_people(name, said.get(name, ""), line, found))
    return Row(line, said["customer"], fields, tuple(found))


def _repeated(row: Row, first: int) -> Row:
    sentence = f"Line {first} has this customer too."
    problem = Problem(line=row.line, field="customer", sentence=sentence)
    return row._replace(problems=(*row.problems, problem))


def _people(column: str, text: str, line: int, found: list[Problem]) -> Iterator[Mapping[str, Any]]:
    """Read ``Jim Hawkins <jim@example.com> ROLE ROLE; Ben Gunn <ben@example.com>``."""
    for number, one in enumerate((part for part in text.split(";") if part.strip()), start=1):
        person = _PERSON.fullmatch(one)
        if person is None:
            sentence = "Write each as NAME <ADDRESS> ROLE ..., with a semicolon between two."
            found.append(Problem(line=line, field=f"{column} {number}", sentence=sentence))
            continue
        yield {"name": person[1], "email": person[2], "roles": person[3].split()}
