"""Reads the TOML that people write, in one place, and finds the line of what is wrong in it."""

import re
import tomllib
from typing import Any

from approvals.records import Record
from approvals.texts import inert

Place = tuple[str | int, ...]  # names and list positions (from 0), as pydantic tells them
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")
_NAME = r"""(?:"([^"\\]+)"|'([^']+)'|([A-Za-z0-9_-]+))"""
_TABLE = re.compile(rf"\s*\[(\[?)\s*{_NAME}\s*\]\]?")
_KEY = re.compile(rf"\s*{_NAME}\s*[.=]")


class TomlError(ValueError):
    """A text is no TOML. *line* counts from 1, as far as it is known; *what* says no place."""

    def __init__(self, said: str, line: int | None = None) -> None:
        super().__init__(inert(said))
        self.line = line
        self.what = inert(_AT_LINE.sub("", said).strip())


class Problem(Record):
    """One broken rule: *line* counts from 1, *field* is empty for the file as a whole."""

    line: int | None
    field: str
    sentence: str

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        field = "" if not self.field or self.sentence.startswith(self.field) else f"{self.field}: "
        return f"{where}{field}{self.sentence}"


def read(text: str) -> dict[str, Any]:
    """Return the document of a TOML text. Raises TomlError, whatever the text is."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        found = _AT_LINE.search(str(broken))
        last = text.count("\n") + 1
        raise TomlError(str(broken), int(found[1]) if found and found[1] else last) from None
    except RecursionError:
        raise TomlError("nested too deep") from None
    except ValueError:  # of Python's own: it reads no number of any length
        raise TomlError("a number has too many digits") from None


def in_words(path: str) -> str:
    """Turn positions that count from 0 (``admins.0.email``) into words that count from 1."""
    return re.sub(r"\.(\d+)", lambda found: f" {int(found[1]) + 1}", path)


class Lines:
    """Where the keys of a TOML text stand, as far as its lines tell.

    The parser keeps no positions, so the headers and keys of the text are looked for.
    """

    def __init__(self, text: str) -> None:
        self._found: dict[Place, int] = {}
        table: Place = ()
        counts: dict[str, int] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            if header := _TABLE.match(line):
                name = _name(header, 2)
                table = (name,)
                if header[1]:
                    table = (name, counts.setdefault(name, 0))
                    counts[name] += 1
                self._found.setdefault((name,), number)
                self._found.setdefault(table, number)
            elif key := _KEY.match(line):
                self._found.setdefault((*table, _name(key, 1)), number)

    def of(self, place: Place) -> int | None:
        """Return the line of a field, or of the nearest that it stands in."""
        for length in range(len(place), 0, -1):
            if (line := self._found.get(tuple(place[:length]))) is not None:
                return line
        return None


def _name(found: re.Match[str], first: int) -> str:
    return next(one for one in found.groups()[first - 1 :] if one is not None)
