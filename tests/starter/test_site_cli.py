"""Sites and their contacts from the command line: the shapes that commands of all kinds share."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from approvals.site_access.privileges import Area
from tests.starter.running import EMAILS, Place, Running, eventually

SITE = "st-petersburg"
LEVELS = ("-p", "reporting=view")


@pytest.fixture
def asked(stack: Running) -> Iterator[str]:
    """Tom asks for access; the request's id. Whatever he has after the test is taken back."""
    asked = stack.run("tom", "site", "ask", SITE, "--json")
    assert (asked.code, asked.json["status"]) == (0, "asked"), asked.err
    yield asked.json["id"]
    if stack.run("tom", "site", "show", SITE, "--json").json["status"] == "asked":
        stack.run("tom", "site", "withdraw", SITE)
    else:
        stack.run("becky", "site", "remove", SITE, EMAILS["tom"])


def seen(stack: Running, request: str) -> dict[str, object]:
    """Return an access as the site's contact sees it."""
    found: dict[str, object] = stack.run("becky", "site", "show", request, "--json").json
    return found


def test_a_dry_run_says_what_would_be_and_changes_nothing(stack: Running, asked: str) -> None:
    would = stack.run("becky", "site", "grant", asked, *LEVELS, "--dry-run", "--json")

    assert would.json == {"dry_run": True, "status": "member"}
    assert "Nothing was changed. With this command it would be member." in would.err
    assert seen(stack, asked)["status"] == "asked"


def test_what_is_not_waited_for_is_carried_out_and_told_to_who_watches(
    stack: Running, asked: str
) -> None:
    left = stack.run("becky", "site", "grant", asked, *LEVELS, "--no-wait", "--json")
    watched = stack.run("becky", "site", "watch", asked, "--until", "member")
    events = [line.split()[3] for line in watched.out.splitlines()]

    assert left.json == {"id": asked, "waited": False}
    assert watched.code == 0
    assert [one for one in events if not one.startswith("mail.")][-2:] == ["asked", "granted"]
    assert {"mail.pending", "mail.sending"}.isdisjoint(events)
    assert watched.err.endswith("Tom Sawyer at Fence works St. Petersburg: member\n")


def test_who_asks_does_not_learn_from_the_mails_who_the_contacts_are(
    stack: Running, asked: str
) -> None:
    words = ("site", "show", asked, "--json")
    stack.mail(EMAILS["becky"], "Tom Sawyer")

    own, theirs = (
        {line["who"] for line in lines if line["event"].startswith("mail.")}
        for lines in (stack.run(one, *words).json["timeline"] for one in ("tom", "becky"))
    )

    assert "Becky Thatcher" in theirs
    assert own <= {"Tom Sawyer"}


def test_a_signed_grant_and_a_dry_run_exclude_each_other(stack: Running, asked: str) -> None:
    words = ("site", "grant", asked, *LEVELS)

    signed = stack.run("becky", *words, "--sign-only", "--json")
    both = stack.run("becky", *words, "--sign-only", "--dry-run")

    assert signed.json["payload"]["process_id"] == asked
    assert "--name approve --input" in signed.json["command"]
    assert both == (2, "", "Give --dry-run or --sign-only, not both.\n")


def test_contacts_are_judged_saved_and_shown_with_their_reviews(stack: Running) -> None:
    words = ("contacts", "save", SITE, "--primary", EMAILS["becky"])

    would = stack.run("becky", *words, "--dry-run")
    saved = stack.run("becky", *words)
    found = stack.run("becky", "contacts", "show", SITE, "--json").json
    left = stack.run("becky", "contacts", "review", "off", SITE, "--no-wait", "--json")
    eventually(
        lambda: "switched off" in stack.run("becky", "contacts", "show", SITE).out or None,
        "what is left with Temporal switches the reviews off",
    )
    on = stack.run("becky", "contacts", "review", "on", SITE, "--json")

    assert "Nothing was changed. With this command it would be saved." in would.err
    assert "Becky Thatcher" in saved.out
    assert saved.err.endswith("Done: it is saved.\n")
    assert found["timeline"][0]["who"] == "Becky Thatcher"
    assert left.json == {"id": found["id"], "waited": False}
    assert (on.json["waited"], UUID(on.json["id"])) == (True, UUID(found["id"]))


def test_the_areas_and_their_levels_are_told_as_json(tmp_path: Path) -> None:
    areas = Place(tmp_path).run("", "site", "areas", "--json").json

    assert len(areas) == len(Area)
    assert areas["purchase"] == ["none", "view", "update"]
