"""The first chapter: the directory says who exists, and people sign in."""

import asyncio

from starter.story.cast import EMAILS, OPERATOR
from starter.story.stage import Stage
from starter.story.telling import require, tell

TITLE = "Who exists is written down, and people sign in by mailed codes"
OTHERS = ("caroline", "charlotte", "charles", "jane", "christopher", "becky", "tom")


async def play(stage: Stage) -> str:
    """Import the example directory; sign in everybody whom it names and the story needs."""
    tell(
        "A file says which companies and people there are, and who holds which role: Classics, a"
        " partner; Netherfield Systems, a vendor; and two of their customers."
    )
    example = await stage.runs(OPERATOR, "directory", "example")
    (stage.folder / "directory.toml").write_text(example, encoding="utf-8")
    await stage.shows_end(OPERATOR, "directory", "import", "directory.toml", lines=2)
    tell("Nobody has a password. A mailed code proves that a new key on this machine is yours.")
    await asyncio.gather(
        stage.signs_in("elizabeth", is_shown=True),
        *(stage.signs_in(one) for one in OTHERS),
    )
    who = await stage.shows("elizabeth", "whoami")
    require(EMAILS["elizabeth"] in who, "Elizabeth is signed in")
    *names, last = (one.capitalize() for one in OTHERS)
    tell(f"{', '.join(names)} and {last} sign in the same way.")
    return f"The directory was imported, and {1 + len(OTHERS)} people signed in by mailed codes."
