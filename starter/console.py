"""How the CLI speaks: data to stdout, the rest to stderr, and one exit code a kind of end."""

import asyncio
import functools
import inspect
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from approvals.errors import ApprovalError, FieldError
from approvals.texts import inert
from config.settings import ConfigurationError
from starter.client import UnreachableError
from starter.temporal_server import StackError
from store.engine import SchemaError

DONE, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130
T = TypeVar("T")
IDS = ("ID", "KEY", "REQUEST", "SESSION", "PAIRING")  # heads of columns that hold ids
WIDE = 200  # columns of a pipe, which has no width


class _Data(Console):
    def on_broken_pipe(self) -> None:
        raise  # called while the error is handled; the entry point knows its exit code


def data() -> Console:
    """Return what writes to stdout: as wide as the terminal, or wide where there is none."""
    is_told = sys.stdout.isatty() or "COLUMNS" in os.environ
    return _Data(highlight=False, width=None if is_told else WIDE)


aside = Console(stderr=True, highlight=False, soft_wrap=True)


class UsageError(FieldError):
    """An argument, option or file is wrong: exit 2."""

    def __init__(self, sentence: str) -> None:
        super().__init__("usage", sentence)


class OutputError(Exception):
    """Nothing more can be written to stdout, as on a full disk."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(
            f"The output could not be written: {cause.strerror}. What the command did stays done."
        )


def status(text: str) -> None:
    """Tell the person something that is not data."""
    aside.print(escape(inert(text)))


def print_json(value: object) -> None:
    """Write one JSON document to stdout. Records may stand in it as they are."""
    print_text(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def print_table(columns: Sequence[str] | None, rows: Sequence[Sequence[str | None]]) -> None:
    """Write a table to stdout; every cell is escaped, for people's text stands in it.

    Without *columns* it has no head. An id is never broken over lines, for it must be copied whole.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=columns is not None)
    heads = columns or [""] * max((len(row) for row in rows), default=0)
    for number, head in enumerate(heads):
        is_label = columns is None and number == 0
        table.add_column(head, no_wrap=is_label or head in IDS, overflow="fold")
    for row in rows:
        table.add_row(*(escape(inert(cell or "")) for cell in row))
    with _writing():
        data().print(table)


def print_facts(facts: Sequence[tuple[str, str | None]]) -> None:
    """Write what is known of one thing to stdout: name and value on a line, if there is a value."""
    print_table(None, [[name, value] for name, value in facts if value])


def print_text(text: str) -> None:
    """Write plain text to stdout, as it is."""
    with _writing():
        sys.stdout.write(text + "\n")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has seen enough; the entry point ends quietly
        raise
    except OSError as full:
        raise OutputError(full) from full


def command_group(about: str) -> typer.Typer:
    """Return an empty group of commands, which can also be run on its own."""
    return typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help=about
    )


def runs(command: Callable[..., Awaitable[Any]]) -> Callable[..., None]:
    """Turn a coroutine into a command: run it, and end with the exit code of what happened.

    Its parameter *how*, a dataclass, stands for options: one for each field, after all others.
    """
    parameters = inspect.signature(command).parameters
    how = parameters["how"].annotation if "how" in parameters else None

    @functools.wraps(command)
    def run(**typed: Any) -> None:
        async def body() -> None:
            if how is not None:
                typed["how"] = how(**{one.name: typed.pop(one.name) for one in fields(how)})
            await command(**typed)

        code, sentence = _ended(lambda: asyncio.run(body()))
        if sentence:
            status(sentence)
        if code:
            raise typer.Exit(code)

    if how is not None:  # Typer makes an option of each parameter that it finds here
        options = [
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=one.type
            )
            for one in fields(how)
        ]
        own = [one for name, one in parameters.items() if name != "how"]
        run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    return run


def _ended(work: Callable[[], None]) -> tuple[int, str]:
    """Run *work* and return the exit code and the sentence for its end. One table for the CLI."""
    try:
        work()
        with _writing():
            sys.stdout.flush()
    except ApprovalError as refusal:
        return REFUSED, str(refusal)
    except (FieldError, ConfigurationError, SchemaError) as wrong:
        return USAGE, str(wrong)
    except (UnreachableError, StackError, OutputError) as away:
        return UNREACHABLE, str(away)
    except RPCError as away:
        return UNREACHABLE, f"Cannot reach Temporal: {away.status.name}. Nothing was changed."
    except SQLAlchemyError:
        return UNREACHABLE, "Cannot read the database. Nothing was changed."
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED, "Interrupted."
    except BrokenPipeError:
        raise
    except OSError as away:  # what asyncpg raises where no server listens
        return UNREACHABLE, f"Cannot reach the database: {away.strerror}. Nothing was changed."
    return DONE, ""


def is_at_terminal() -> bool:
    """Whether a person sits at standard input."""
    return sys.stdin.isatty()


def prompted(ask: Callable[[], T]) -> T:
    """Let a person answer, and Ctrl-C end the command: asyncio alone would wait for the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return ask()
    finally:
        signal.signal(signal.SIGINT, before)


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask before a change; --yes answers. Without a terminal and --yes the answer is no."""
    if yes:
        return True
    if not is_at_terminal():
        raise UsageError("This asks for confirmation: run it in a terminal, or give --yes.")

    def ask() -> str:
        sys.stderr.write(f"{inert(question)} [y/N]: ")
        sys.stderr.flush()
        return sys.stdin.readline()

    return prompted(ask).strip().lower() in ("y", "yes")
