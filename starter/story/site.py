"""The sixth chapter: a site's contact denies one person and lets another in."""

import asyncio

from starter.story.cast import EMAILS, OPERATOR, SITE
from starter.story.stage import Stage
from starter.story.telling import require, show_mail, tell

TITLE = "A site's contact decides who of its people gets in"
REASON = "Sid, you only want to tell on Tom."


async def play(stage: Stage) -> str:
    """Let two people ask, one of them unknown; deny one with a reason, and grant the other."""
    tell(
        "Becky Thatcher is the primary contact of the fence works, a site of Tom Sawyer's company."
        " Tom asks her for access. So does Sid, whom nobody has added yet: a mailed code proves his"
        " address first."
    )
    await asyncio.gather(
        stage.shows("tom", "site", "ask", SITE, "--message", "I count the brushes."),
        stage.signs_in("sid", "--new", "--name", "Sid Sawyer", "--site", SITE),
    )
    await stage.shows("sid", "site", "ask", SITE, "--message", "I want to watch.")
    await stage.mail("becky", "Sid Sawyer")
    await stage.shows("becky", "site", "requests", SITE)
    waiting = await stage.asks("becky", "site", "requests", SITE)
    ids = {one["email"]: one["id"] for one in waiting}
    await stage.shows("becky", "site", "deny", ids[EMAILS["sid"]], "--reason", REASON)
    levels = "-p", "reporting=view", "-p", "entitlements=update"
    await stage.shows("becky", "site", "grant", ids[EMAILS["tom"]], *levels)
    show_mail(await stage.mail("sid", REASON))
    await _check(stage, "tom", ends=0)
    await _check(stage, "sid", ends=1)
    users = {one["email"]: one for one in await stage.asks("becky", "site", "users", SITE)}
    require(EMAILS["sid"] not in users, "Sid is no user of the site")
    require(users[EMAILS["tom"]]["privileges"]["reporting"] == "view", "Tom may see reports")
    return "Becky denied Sid with a reason and let Tom in with two privileges."


async def _check(stage: Stage, person: str, *, ends: int) -> None:
    words = "access", "check", EMAILS[person], f"site:{SITE}", "--area", "reporting"
    await stage.shows(OPERATOR, *words, ends=ends)
