"""The last chapter: everything stands in the audit, and nothing in it was changed."""

from starter.story.cast import GALLERY, OPERATOR
from starter.story.stage import Stage
from starter.story.telling import require, tell

TITLE = "Everything is on record, and the record verifies"


async def play(stage: Stage) -> str:
    """Show one chain of the audit, and verify all of them."""
    tell("Every step above, refusals included, is an entry in a chain of hashes. One of them:")
    sent = await stage.asks("elizabeth", "request", "list", "--side", "outgoing")
    (denied,) = [one["id"] for one in sent["outgoing"] if one["tenant"] == GALLERY]
    await stage.shows(OPERATOR, "audit", "show", denied)
    events = [one["event"] for one in await stage.asks(OPERATOR, "audit", "show", denied)]
    expected = ["submitted", "denied", "refused.already_decided"]
    require(events == expected, "the refused decision is on record too")
    tell(
        "Verifying reads all chains, compares them with what is stored, and checks what must hold."
    )
    said = await stage.shows(OPERATOR, "audit", "verify")
    require("breaches: 0" in said, "the audit verifies")
    return "The audit of all of it verified."
