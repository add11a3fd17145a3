"""`gatehouse mail`: read the embedded stack's mailbox, where every mail lands that was sent."""

from pathlib import Path
from typing import Annotated

import typer

from approvals.addresses import canonical
from approvals.errors import say
from approvals.texts import inert
from config.settings import load
from starter.console import UsageError, print_json, print_table, print_text, runs
from starter.letters import StoredLetter, letters
from starter.options import AsJson

app = typer.Typer(
    help="The mailbox of `gatehouse up`: mails are kept there instead of being delivered.",
    no_args_is_help=True,
)


@app.command("list")
@runs
async def list_(
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Only mails to this address.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the mails, oldest first."""
    found = [one for one in letters(_maildir()) if to is None or _is_to(one, to)]
    if as_json:
        print_json([one.model_dump(mode="json", exclude={"text", "html"}) for one in found])
        return
    print_table(
        ("ID", "DATE", "TO", "SUBJECT"),
        [(one.id, say(one.date), one.to, one.subject) for one in found],
    )


@app.command()
@runs
async def show(
    mail: Annotated[str, typer.Argument(metavar="ID", help="A mail's id, from `mail list`.")],
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print one mail, what does not belong on a terminal as escapes; --json has it exactly."""
    found = next((one for one in letters(_maildir()) if one.id == mail), None)
    if found is None:
        raise UsageError("ID: there is no mail of that id. See: gatehouse mail list")
    if as_json:
        print_json(found)
    elif html:
        print_text(_safe(found.html))
    else:
        print_text(f"To: {inert(found.to)}")
        print_text(f"Date: {say(found.date)}")
        print_text(f"Subject: {inert(found.subject)}")
        print_text("")
        print_text(_safe(found.text))


def _maildir() -> Path:
    settings = load()
    maildir = settings.maildir or settings.home / "mail"  # where `up` leaves it when it stops
    if not maildir.is_dir():
        raise UsageError(
            f"There is no mailbox in {maildir}: start `gatehouse up`, or set GATEHOUSE_MAILDIR."
        )
    return maildir


def _is_to(letter: StoredLetter, wanted: str) -> bool:
    return canonical(wanted) in map(canonical, letter.to.split(", "))


def _safe(text: str) -> str:
    return "\n".join(map(inert, text.rstrip("\n").split("\n")))
