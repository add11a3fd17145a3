"""How the help lists commands: by what they are for, each with its first sentence in full."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup

SECTIONS: dict[str, tuple[str, ...]] = {
    "Begin here": ("demo", "up", "login", "logout", "whoami"),
    "The life of access": (
        "onboarding", "customer", "pairing", "request", "tenant", "session", "site", "contacts",
    ),
    "Who may": ("access", "directory", "keys", "client"),
}  # fmt: skip
REST = "Run it, and look after it"


class Listing(TyperGroup):
    """A group whose help tells what each command does, not only how the sentence begins."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write every command that is not hidden, over several lines where needed."""
        for title, names in self.sections(ctx):
            found = [(name, self.commands[name]) for name in names]
            rows = [(name, _sentence(one)) for name, one in found if not one.hidden]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def sections(self, ctx: Any) -> Iterator[tuple[str, list[str]]]:
        """Yield titles and the names below them; here all are below one."""
        yield "Commands", self.list_commands(ctx)


class FrontPage(Listing):
    """The program itself: its commands in the order in which somebody new needs them."""

    def sections(self, ctx: Any) -> Iterator[tuple[str, list[str]]]:
        """Yield the sections, and at last what stands in none of them."""
        left = self.list_commands(ctx)
        for title, names in SECTIONS.items():
            yield title, [one for one in names if one in left]
        listed = {one for names in SECTIONS.values() for one in names}
        yield REST, [one for one in left if one not in listed]


def in_full(app: typer.Typer) -> None:
    """Let all groups below *app* list their commands so."""
    for one in app.registered_groups:
        one.cls = Listing
        if one.typer_instance is not None:
            in_full(one.typer_instance)


def _sentence(command: Any) -> str:
    """Return the first sentence of a command's help."""
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    first, end, _ = paragraph.partition(". ")
    return f"{first}." if end else str(paragraph)
