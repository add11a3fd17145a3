"""The second chapter: a vendor onboards a new customer on the customer platform."""

from starter.story.stage import Stage
from starter.story.telling import require, show_mail, tell

TITLE = "Netherfield onboards a new customer"


async def play(stage: Stage) -> str:
    """Onboard the example's customer, with every step shown while it happens."""
    tell(
        "Charles Bingley onboards the inn Admiral Benbow: a file names it, its telephone system,"
        " and who shall be its admin. Gatehouse takes each step on the customer platform; a crash"
        " in between would lose nothing. At the end the customer, its tenant and its people stand"
        " in the directory."
    )
    form = await stage.runs("charles", "onboarding", "example")
    (stage.folder / "customer.toml").write_text(form, encoding="utf-8")
    await stage.shows("charles", "onboarding", "start", "customer.toml", "--wait")
    (onboarding,) = await stage.asks("charles", "onboarding", "list")
    require(onboarding["status"] == "ready", "the onboarding is ready")
    require(all(one["is_done"] for one in onboarding["users"]), "everybody has their roles")
    show_mail(await stage.mail("jim", "Admiral Benbow"))
    return (
        f"Charles onboarded Admiral Benbow on the platform with {len(onboarding['users'])} named"
        " users, and it entered the directory."
    )
