"""The fourth chapter: support is paired by a mailed link, and may do what its roles allow."""

import re

from starter.story.cast import BENBOW, EMAILS, OPERATOR
from starter.story.stage import Stage
from starter.story.telling import require, show_mail, tell

TITLE = "Support is paired by a mailed link that works once, for seven days"
TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")
NUMBER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MESSAGE = "We look after your telephones."


async def play(stage: Stage) -> str:
    """Offer, accept by link, assign a role, get in, and be shut out by the customer's switch."""
    tell("Jane Bennet of Netherfield's Customer Care offers to look after the new customer.")
    said = await stage.shows(
        "jane", "pairing", "offer", BENBOW, "--group", "customer-care", "--message", MESSAGE
    )
    pairing = "".join(NUMBER.findall(said))
    letter = await stage.mail("jim", MESSAGE)
    found = TOKEN.search(letter.text)
    require(found is not None, "the mail holds the link")
    token = "" if found is None else found.group()
    shown = letter.text.replace(token, f"{token[:8]}...")
    show_mail(letter.model_copy(update={"text": shown}), lines=20)
    tell("Jim opens the link. That lets nobody in yet: he also says by roles what support may do.")
    await stage.shows("jim", "pairing", "open", pairing, "--yes", token=token)
    await _check(stage, ends=1)
    await stage.shows("jim", "pairing", "roles", "assign", pairing, "support")
    await _check(stage, ends=0)
    begun = await stage.shows("jane", "session", "begin", BENBOW, "--mode", "support", "--yes")
    require(begun.count(".") >= 2, "Jane's session has a signed assertion")
    tell("The link worked once. And Jim keeps the switch: suspended, nobody of support gets in.")
    await stage.shows("jim", "pairing", "open", pairing, "--yes", ends=1, token=token)
    await stage.shows("jim", "pairing", "suspend", pairing)
    await _check(stage, ends=1)
    said = await stage.shows("jim", "pairing", "resume", pairing)
    require("the pairing is active" in said, "the pairing is active again")
    return "Jim paired Customer Care by its link, gave it a role, suspended it and let it in again."


async def _check(stage: Stage, *, ends: int) -> None:
    await stage.shows(OPERATOR, "access", "check", EMAILS["jane"], BENBOW, ends=ends)
