"""The third chapter: the partner switches the new customer on, and its admin accepts the terms."""

from starter.story.cast import BENBOW, EMAILS, OPERATOR, PARTNER
from starter.story.stage import Stage
from starter.story.telling import require, show_mail, tell

TITLE = "Classics switches the customer on, and its admin accepts the terms"


async def play(stage: Stage) -> str:
    """Turn the switch, sign the new admin in, and follow the status to accepted."""
    tell("The onboarding asked Elizabeth Bennet of Classics to let the new customer's people in.")
    await stage.mail("elizabeth", "Admiral Benbow")
    said = await stage.shows("elizabeth", "customer", "enable", BENBOW)
    require("Admiral Benbow is pending" in said, "the customer is pending at first")
    tell("Its admin, Jim Hawkins, is told so by mail. He signs in for the first time.")
    show_mail(await stage.mail("jim", "terms of use"), lines=9)
    await stage.signs_in("jim", is_shown=True)
    tell("Until somebody there accepts the terms, nobody of the customer gets to the platform.")
    await _check(stage, ends=1)
    await stage.shows("jim", "customer", "accept", PARTNER, "--yes")
    await _check(stage, ends=0)
    await stage.shows("jim", "customer", "sign-in", PARTNER)
    await stage.shows("elizabeth", "customer", "list")
    view = await stage.asks("elizabeth", "customer", "show", BENBOW)
    require(view["status"] == "accepted", "the customer has accepted")
    return "Elizabeth switched it on; Jim Hawkins signed in, accepted the terms, and got in."


async def _check(stage: Stage, *, ends: int) -> None:
    place = f"platform:{PARTNER}"
    await stage.shows(OPERATOR, "access", "check", EMAILS["jim"], place, ends=ends)
