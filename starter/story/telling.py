"""How the story speaks: headings, sentences, commands, and what came back."""

import re
import shlex
import textwrap
from collections.abc import Sequence

from rich.text import Text

from approvals.errors import ApprovalError
from starter.console import data, print_text
from starter.letters import StoredLetter

WIDTH = 96  # columns of a sentence or command; what comes back is as wide as the terminal
INDENT = 2


class StoryError(ApprovalError):
    """A step of the story did not end as it should."""

    code = "demo_failed"


def heading(title: str) -> None:
    """Begin a chapter."""
    print_text("")
    data().print(Text(f"=== {title}", style="bold"), soft_wrap=True)


def tell(text: str) -> None:
    """Say in words what is going on."""
    print_text("\n" + textwrap.fill(text, WIDTH))


def say_in_sum(number: int, sentence: str) -> None:
    """Say what a chapter came to."""
    print_text(
        textwrap.fill(sentence, WIDTH, initial_indent=f"  {number}. ", subsequent_indent="     ")
    )


def show_command(person: str, words: Sequence[str]) -> None:
    """Show what somebody types at a terminal, over several lines as a shell takes it."""
    lines = [f"{person}$ gatehouse"]
    for part in _parts(words):
        if len(lines[-1]) + len(part) > WIDTH - 3:
            lines[-1] += " \\"
            lines.append(f"{' ' * len(person)}   ")
        lines[-1] += f" {part}"
    print_text("")
    data().print(Text("\n".join(lines), style="bold"), soft_wrap=True)


def show_typed(person: str, what: str) -> None:
    """Show that somebody answers a command that asks for something."""
    data().print(Text(f"{' ' * INDENT}({person} types {what})", style="bold"), soft_wrap=True)


def show_line(line: str) -> None:
    """Show one line of what a command wrote, of a long token only where it begins."""
    short = re.sub(r"\S{200,}", lambda token: f"{token.group()[:40]}...", line)
    print_text(f"{' ' * INDENT}{short}".rstrip())


def show_mail(letter: StoredLetter, lines: int = 12) -> None:
    """Show a mail: to whom, its subject, and the beginning of its text."""
    text = re.sub(r"\n{3,}", "\n\n", letter.text.strip()).splitlines()
    print_text(f"\n  Mail to {letter.to}: {letter.subject}")
    for line in text[:lines]:
        print_text(f"  | {line}".rstrip())
    if len(text) > lines:
        print_text("  | ...")


def require(holds: bool, what: str) -> None:
    """Go on if it is so that *what*. Raises StoryError."""
    if not holds:
        raise StoryError(f"The demo failed: it is not so that {what}.")


def _parts(words: Sequence[str]) -> list[str]:
    """Quote the words, each option together with its value."""
    parts: list[str] = []
    for word in words:
        if parts and parts[-1].startswith("-") and " " not in parts[-1] and word[0] != "-":
            parts[-1] += f" {shlex.quote(word)}"
        else:
            parts.append(shlex.quote(word))
    return parts
