"""The fifth chapter: staff ask two tenants for access, which is decided, used, and ends."""

from starter.letters import StoredLetter
from starter.story.cast import BENBOW, EMAILS, GALLERY, OPERATOR
from starter.story.stage import Stage
from starter.story.telling import require, show_mail, tell

TITLE = "Staff ask for access to tenants: granted, denied, used, and ended on time"
MESSAGE = "Caroline and Charlotte look after your account and need to see your settings."
REASON = "We are closed for the winter."


async def play(stage: Stage) -> str:
    """Follow one batch of requests from its submission to the end of what was granted."""
    requests = await _asked(stage)
    await _decided(stage, requests)
    await _used(stage)
    await _ended(stage, requests[BENBOW])
    return (
        "Elizabeth asked two tenants for her colleagues: Jim granted, Christopher denied. Caroline"
        " got in, Lydia did not, and the access ended on time by itself."
    )


async def _asked(stage: Stage) -> dict[str, str]:
    tell(
        "Elizabeth asks for two of her colleagues. Each tenant gets a request of its own, and is"
        " not told their names unless its policy says so."
    )
    await stage.shows(
        "elizabeth", "request", "create", "--name", "SupportAccess", "--message", MESSAGE,
        "--associate", f"{EMAILS['caroline']}={BENBOW}",
        "--associate", f"{EMAILS['charlotte']}={BENBOW},{GALLERY}",
    )  # fmt: skip
    sent = await stage.asks("elizabeth", "request", "list")
    requests = {one["tenant"]: one["id"] for one in sent["outgoing"]}
    require(set(requests) == {BENBOW, GALLERY}, "two requests were sent")
    letter = await stage.mail("jim", MESSAGE[:40])
    show_mail(letter)
    require("Caroline Bingley" not in _beyond_message(letter), "the people stay concealed")
    await stage.mail("christopher", MESSAGE[:40])
    return requests


async def _decided(stage: Stage, requests: dict[str, str]) -> None:
    tell("Jim grants with an end date, Christopher Robin of the gallery denies with a reason.")
    words = "--for", "60s", "--message", "Mind the wet floor."
    await stage.shows("jim", "request", "grant", requests[BENBOW], *words)
    await stage.shows("christopher", "request", "deny", requests[GALLERY], "--reason", REASON)
    tell("The first decision counts; whoever comes later is told who was first.")
    await stage.shows("christopher", "request", "grant", requests[GALLERY], "--for", "60s", ends=1)


async def _used(stage: Stage) -> None:
    tell("Caroline opens the tenant: a signed token for at most five minutes. Charlotte looks.")
    words = "session", "begin", BENBOW, "--mode", "support", "--yes"
    token = await stage.shows("caroline", *words)
    require(token.count(".") >= 2, "the session's assertion is a signed token")
    listed = await stage.shows("charlotte", "tenant", "list")
    require(all(one in listed for one in ("granted", "denied")), "Charlotte's list has both")
    tell("The gate answers for every person at every moment. Nobody named Lydia.")
    await _check(stage, "caroline", ends=0)
    await _check(stage, "lydia", ends=1)


async def _ended(stage: Stage, request: str) -> None:
    tell(
        "Jim moves the end date. From that instant on the gate says no; nobody has to do anything."
    )
    await stage.shows("jim", "request", "change-end", request, "--for", "3s")
    await stage.shows("elizabeth", "request", "watch", request)
    view = await stage.asks("elizabeth", "request", "show", request)
    require(view["status"] == "expired", "the access expired")
    await _check(stage, "caroline", ends=1)
    await stage.mail("caroline", "ended")


async def _check(stage: Stage, person: str, *, ends: int) -> None:
    await stage.shows(OPERATOR, "access", "check", EMAILS[person], BENBOW, ends=ends)


def _beyond_message(letter: StoredLetter) -> str:
    return letter.text.replace("Caroline and Charlotte", "")
