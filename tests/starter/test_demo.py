"""`gatehouse demo`: one story of all five processes, on a real stack of its own."""

import json
import re
import signal
import subprocess
from pathlib import Path

from starter.story.cast import BENBOW, EMAILS, GALLERY, SITE
from tests.played import PATIENCE, Played
from tests.starter.running import Place, eventually, runs

NOTHING = subprocess.DEVNULL
TITLES = re.compile(r"^=== (?:\d\. )?(.*)$", re.MULTILINE)
SECRETS = re.compile(r"apl_[A-Za-z0-9_-]{43}|eyJ[A-Za-z0-9_-]{60}")
SIGNED_IN = set(EMAILS) - {"lydia"}  # whom nobody named, and who never comes


def test_the_story_is_told_to_its_end_and_summed_up(played: Played) -> None:
    titles = TITLES.findall(played.said)
    summary = played.said.rpartition("=== What happened")[2]

    assert played.code == 0, played.said
    assert (len(titles), titles[-1]) == (8, "What happened")
    assert re.findall(r"^  (\d)\. ", summary, re.MULTILINE) == list("1234567")
    assert "Every step was as expected, in " in summary
    assert "Traceback" not in played.said


def test_no_secret_is_shown_but_the_codes_that_somebody_types(played: Played) -> None:
    typed = re.findall(r"^  \((\w+) types (\d{4} \d{4})\)$", played.said, re.MULTILINE)

    assert [person for person, _ in typed] == ["elizabeth", "jim"]
    assert SECRETS.findall(played.said) == []


def test_chapter_1_imports_the_directory_and_signs_people_in(played: Played) -> None:
    people = {one["email"] for one in played.ask("", "directory", "list", "people")}
    profiles = played.config / "gatehouse" / "profiles"

    assert set(EMAILS.values()) <= people
    assert {one.name for one in profiles.iterdir()} == SIGNED_IN
    assert played.ask("elizabeth", "whoami")["email"] == EMAILS["elizabeth"]
    assert "41 added" in played.chapter(1)


def test_chapter_2_onboards_the_customer_step_by_step(played: Played) -> None:
    (onboarding,) = played.ask("charles", "onboarding", "list")

    assert (onboarding["customer"], onboarding["status"]) == (BENBOW, "ready")
    assert {one["progress"] for one in onboarding["steps"]} == {"done"}
    assert all(one["is_done"] for one in onboarding["users"])
    for step in ("Create the customer", "Import the users", "Make the admins", "Enter the dir"):
        assert f"✓ {step}" in played.chapter(2)


def test_chapter_3_switches_the_customer_on_and_its_admin_accepts(played: Played) -> None:
    view = played.ask("elizabeth", "customer", "show", BENBOW)
    events = played.events(view["id"])

    assert (view["switch"], view["status"]) == ("on", "accepted")
    assert view["accepted_by"] == "Jim Hawkins"
    assert events == ["enabled", "accepted", "session_begun"]
    assert "Only as far as the terms of use" in played.chapter(3)


def test_chapter_4_pairs_support_by_a_link_that_works_once(played: Played) -> None:
    (pairing,) = played.ask("jane", "pairing", "list")

    assert pairing["status"] == "active"
    assert played.events(pairing["id"]) == [
        "offered", "accepted", "roles_assigned", "session_begun", "refused.link_used", "suspended",
        "resumed",
    ]  # fmt: skip
    assert "This link was used on" in played.chapter(4)


def test_chapter_5_grants_denies_uses_and_ends_access(played: Played) -> None:
    sent = played.ask("elizabeth", "request", "list", "--side", "outgoing")["outgoing"]
    found = {one["tenant"]: one for one in sent}
    chapter = played.chapter(5)

    assert (found[BENBOW]["status"], found[GALLERY]["status"]) == ("expired", "denied")
    assert found[GALLERY]["answer"] == "We are closed for the winter."
    assert played.events(found[BENBOW]["id"]) == [
        "submitted", "granted", "session_begun", "end_changed", "expired",
    ]  # fmt: skip
    assert "This request was already denied by Christopher Robin" in chapter
    assert (chapter.count("\n  yes\n"), chapter.count("\n  no\n")) == (1, 2)


def test_chapter_6_denies_one_and_lets_another_into_the_site(played: Played) -> None:
    statuses = "--status", "denied", "--status", "member"
    seen = played.ask("becky", "site", "requests", SITE, *statuses)
    found = {one["email"]: one for one in seen}
    denied, member = found[EMAILS["sid"]], found[EMAILS["tom"]]

    assert (denied["status"], member["status"]) == ("denied", "member")
    assert denied["answer"] == "Sid, you only want to tell on Tom."
    assert denied["answer"] in played.chapter(6).partition("Mail to")[2]
    levels = {area: level for area, level in member["privileges"].items() if level != "none"}
    assert (levels["reporting"], levels["entitlements"]) == ("view", "update")


def test_chapter_7_verifies_the_record(played: Played) -> None:
    chapter = played.chapter(7)

    assert re.search(r"chains: \d\d, entries: \d\d, breaches: 0", chapter)
    assert "breaches\n" not in chapter
    assert "already_de" in chapter


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    place = Place(tmp_path, TMPDIR=str(tmp_path))
    log = tmp_path / "said"
    with log.open("w") as said:
        process = place.started("", "demo", stdin=NOTHING, stdout=said, stderr=said)
        eventually(lambda: "=== 1." in log.read_text(encoding="utf-8"), "the story begins")
        (folder,) = tmp_path.glob("gatehouse-demo-*")
        state = json.loads((folder / "state" / "run.json").read_text(encoding="utf-8"))
        children = _children(process.pid)

        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)

    assert (code, children != []) == (130, True)
    assert "temporal_address" in state
    eventually(lambda: not any(map(runs, children)), "its processes end")
    assert list(tmp_path.glob("gatehouse-demo-*")) == []


def _children(process: int) -> list[int]:
    """Return all processes below one."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()[1:]]
    found = [process]
    for parent in found:
        found += [one for one, above in pairs if above == parent]
    return found[1:]
