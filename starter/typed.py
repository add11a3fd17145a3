"""Reads what people type in options: texts and files, checked by the rules before sending."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import typer

from approvals.errors import FieldError
from approvals.texts import message, reason
from starter.console import USAGE, UsageError, status

T = TypeVar("T")
LARGEST = 64_000  # bytes of a text file that are read


def id_of(text: str) -> UUID:
    """Read an id as it is printed. Raises typer.BadParameter."""
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(
            "it must be an id, such as 8dcf07ca-69b4-5c22-b60a-2e0f4e3b7a51."
        ) from None


def own_id(text: str) -> UUID | None:
    """Return an id in its one written form, or None: 32 digits may also be a slug."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def checked(option: str, rule: Callable[[object], T], value: object) -> T:
    """Apply a field's rule to an option. Raises UsageError that names the option."""
    try:
        return rule(value)
    except FieldError as wrong:
        raise UsageError(f"{option}: {wrong}") from None


def message_from(text: str | None, file: Path | None) -> str | None:
    """Return the message of --message or --message-file, or None."""
    return checked("--message", message, text_from("--message", text, file))


def reason_from(text: str | None, file: Path | None, why: str) -> str:
    """Return the reason of --reason or --reason-file; *why* completes "Give a reason for ..."."""
    said = text_from("--reason", text, file)
    return checked("--reason", lambda value: reason(value, why), said)


def text_from(option: str, text: str | None, file: Path | None) -> str | None:
    """Return the text of an option or of its twin that names a file. Raises UsageError."""
    if text is not None and file is not None:
        raise UsageError(f"Give {option} or {option}-file, not both.")
    return text if file is None else text_of(f"{option}-file", file)


def text_of(option: str, file: Path, largest: int = LARGEST) -> str:
    """Return the text of a file of at most *largest* bytes, in UTF-8. Raises UsageError."""
    try:
        with file.open("rb") as stream:
            data = stream.read(largest + 1)
    except OSError as trouble:
        raise UsageError(f"{option}: {file}: {trouble.strerror}.") from None
    if len(data) > largest:
        raise UsageError(f"{option}: {file} is larger than {largest:,} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {file} is not UTF-8 text.") from None


def mistaken(file: Path, problems: Iterable[object]) -> typer.Exit:
    """Tell what is wrong in a file, one a line; return the end of the command."""
    for problem in problems:
        status(f"{file}: {problem}")
    status("Nothing was changed.")
    return typer.Exit(USAGE)
