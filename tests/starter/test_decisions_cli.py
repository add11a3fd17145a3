"""`gatehouse request grant|deny|withdraw|change-end|revoke|finish`, and who hears what of it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.starter.running import CAROLINE, CHARLOTTE, EMAILS, FENCE, Running, eventually

BOTH = f"{CAROLINE},{CHARLOTTE}"
SOON = datetime.now(UTC) + timedelta(days=20)


def test_a_grant_until_a_date_lasts_to_its_end_in_the_tenants_zone(stack: Running) -> None:
    request = stack.ask()

    granted = stack.run("tom", "request", "grant", request, "--until", f"{SOON:%Y-%m-%d}")

    next_day = SOON + timedelta(days=1)
    said = f"{next_day:%Y-%m-%d} 00:00 C[SD]T \\(America/Chicago\\), in \\d+ days"
    assert granted.code == 0
    assert re.search(said, granted.err)
    assert "Done: the request is granted." in granted.err
    ends_at = stack.shown("tom", request)["ends_at"]
    assert re.fullmatch(f"{next_day:%Y-%m-%d}T0[56]:00:00Z", ends_at)


def test_a_grant_for_a_span_counts_from_now(stack: Running) -> None:
    request = stack.ask()

    granted = stack.run(
        "tom", "request", "approve", request, "--for", "36h", "--message", "Mind the paint.",
        "--json",
    )  # fmt: skip

    left = datetime.fromisoformat(granted.json["ends_at"]) - datetime.now(UTC)
    assert timedelta(hours=35, minutes=55) < left <= timedelta(hours=36)
    assert granted.json["status"] == "granted"
    assert granted.json["decided_by"] == "Tom Sawyer"
    assert granted.json["answer"] == "Mind the paint."
    assert "Mind the paint." in stack.mail(EMAILS["elizabeth"], request[:8]).text


def test_a_grant_without_an_end_says_so(stack: Running) -> None:
    request = stack.ask()

    granted = stack.run("tom", "request", "grant", request, "--no-end", "--json")

    assert (granted.json["ends_at"], granted.json["no_end"]) == (None, True)
    assert "Tom Sawyer Fence Painting Co.: no end." in granted.err


def test_a_denial_carries_its_reason_to_the_askers(stack: Running) -> None:
    request = stack.ask()

    denied = stack.run("tom", "request", "deny", request, "--reason", "Not this month.")

    assert denied.code == 0
    view = stack.shown("caroline", request)
    assert (view["status"], view["answer"]) == ("denied", "Not this month.")
    letter = stack.mail(EMAILS["elizabeth"], "Not this month.")
    assert request[:8] in letter.subject


def test_a_reason_can_come_from_a_file(stack: Running) -> None:
    request = stack.ask()
    file = stack.home.parent / "reason.txt"
    file.write_text("We paint until May.\r\nThen gladly.\n", encoding="utf-8")

    denied = stack.run("tom", "request", "deny", request, "--reason-file", str(file), "--json")

    assert denied.json["answer"] == "We paint until May.\nThen gladly."


@pytest.mark.parametrize("words", [("deny",), ("revoke",), ("deny", "--reason", " \t ")])
def test_without_a_reason_nothing_is_denied_or_revoked(
    stack: Running, words: tuple[str, ...]
) -> None:
    request = stack.granted() if words[0] == "revoke" else stack.ask()
    before = stack.shown("tom", request)

    ended = stack.run("tom", "request", words[0], request, *words[1:])

    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("--reason: Give a reason for ")
    assert stack.shown("tom", request)["status"] == before["status"]


def test_a_second_decision_is_refused_with_who_was_first_and_when(stack: Running) -> None:
    request = stack.granted()

    second = stack.run("tom", "request", "deny", request, "--reason", "On second thoughts.")
    would = stack.run("tom", "request", "deny", request, "--reason", "No.", "--dry-run")

    sentence = (
        r"This request was already granted by Tom Sawyer on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\."
        r" Nothing was changed\.\n$"
    )
    for ended in (second, would):
        assert (ended.code, ended.out) == (1, "")
        assert re.search(sentence, ended.err)
    assert stack.events(request) == ["submitted", "granted", "refused.already_decided"]


def test_whom_a_request_would_let_in_cannot_decide_on_it(stack: Running) -> None:
    request = stack.ask()

    for person in ("elizabeth", "caroline"):
        ended = stack.run(person, "request", "grant", request, "--for", "1h")
        assert (ended.code, ended.out) == (1, "")
        assert "You may not decide this request: that needs the role tenant_admin" in ended.err
    assert stack.shown("tom", request)["status"] == "pending"


def test_the_end_is_moved_and_removed(stack: Running) -> None:
    request = stack.granted()

    moved = stack.run("tom", "request", "change-end", request, "--for", "2d", "--json")
    removed = stack.run("tom", "request", "change-end", request, "--no-end", "--json")

    left = datetime.fromisoformat(moved.json["ends_at"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)
    assert (removed.json["ends_at"], removed.json["no_end"]) == (None, True)
    assert stack.events(request)[-2:] == ["end_changed", "end_changed"]


def test_access_that_is_shortened_expires_by_itself(stack: Running) -> None:
    request = stack.granted()

    moved = stack.run("tom", "request", "change-end", request, "--for", "2s")  # the shortest

    assert moved.code == 0
    assert stack.watched("caroline", request).code == 0
    checked = stack.run("", "access", "check", CAROLINE, FENCE, "--json")
    assert checked.json["process"] != request
    assert stack.shown("caroline", request)["status"] == "expired"


def test_a_revoked_access_is_over_at_once(stack: Running) -> None:
    request = stack.granted()

    revoked = stack.run("tom", "request", "revoke", request, "--reason", "Enough.", "--json")

    assert (revoked.json["status"], revoked.json["answer"]) == ("revoked", "Enough.")
    assert "Done: the request is revoked." in revoked.err


def test_a_request_is_withdrawn_by_its_own_side_alone(stack: Running) -> None:
    request = stack.ask()

    refused = stack.run("tom", "request", "withdraw", request)
    done = stack.run("elizabeth", "request", "withdraw", request)
    late = stack.run("tom", "request", "grant", request, "--for", "1h")

    assert refused.code == 1
    assert "that needs the role tm_admin of the requesting organization" in refused.err
    assert (done.code, done.out) == (0, "")
    assert late.code == 1
    assert "This request was already withdrawn" in late.err


def test_one_of_two_gives_access_back_and_the_other_keeps_it(stack: Running) -> None:
    request = stack.granted(people=BOTH)

    finished = stack.run("caroline", "request", "finish", request)

    assert "Done: the request is granted." in finished.err
    opened = {
        one: stack.run(one, "session", "begin", FENCE, "--dry-run").code
        for one in ("caroline", "charlotte")
    }
    assert opened["charlotte"] == 0
    again = stack.run("caroline", "request", "finish", request)
    assert (again.code, again.out) == (1, "")
    assert "You cannot use this access now: this is finished for you." in again.err


def test_a_tm_admin_finishes_for_all_and_a_named_person_does_not(stack: Running) -> None:
    request = stack.granted(people=BOTH)

    refused = stack.run("charlotte", "request", "finish", request, "--for-all")
    done = stack.run("elizabeth", "request", "finish", request, "--for-all", "--json")

    assert refused.code == 1
    assert done.json["status"] == "finished"


def test_the_recipient_never_learns_who_gave_the_access_back(stack: Running) -> None:
    request = stack.granted()
    stack.run("caroline", "request", "finish", request)

    would = stack.run("tom", "request", "revoke", request, "--reason", "No.", "--dry-run")
    seen = stack.run("tom", "request", "show", request)

    assert would.code == 1
    assert "This request was already finished by somebody of Classics, Inc." in would.err
    assert "Caroline" not in would.err + seen.out


@pytest.mark.parametrize(
    ("person", "words", "status"),
    [
        ("tom", ("grant", "--for", "1h"), "granted"),
        ("tom", ("deny", "--reason", "No."), "denied"),
        ("elizabeth", ("withdraw",), "withdrawn"),
        ("tom", ("change-end", "--for", "2h"), "granted"),
        ("tom", ("revoke", "--reason", "No."), "revoked"),
        ("caroline", ("finish",), "finished"),
        ("elizabeth", ("finish", "--for-all"), "finished"),
    ],
)
def test_a_dry_run_says_what_would_be_and_changes_nothing(
    stack: Running, person: str, words: tuple[str, ...], status: str
) -> None:
    is_open = words[0] in ("grant", "deny", "withdraw")
    request = stack.ask() if is_open else stack.granted()
    before = stack.events(request)

    would = stack.run(person, "request", words[0], request, *words[1:], "--dry-run", "--json")

    assert would.code == 0
    assert (would.json["dry_run"], would.json["status"]) == (True, status)
    assert f"Nothing was changed. With this command it would be {status}." in would.err
    assert stack.events(request) == before


def test_without_waiting_the_outcome_stands_on_the_timeline(stack: Running) -> None:
    request = stack.ask()

    left = stack.run("tom", "request", "grant", request, "--for", "1h", "--no-wait", "--json")

    assert left.code == 0
    assert left.json == {"id": request, "waited": False}
    assert "Left with Temporal; its outcome will stand on the timeline." in left.err
    eventually(lambda: "granted" in stack.events(request), "the signal is carried out")


@pytest.mark.parametrize(
    "end",
    [(), ("--until", "2099-01-01", "--for", "1h"), ("--for", "1h", "--no-end")],
)
@pytest.mark.parametrize("command", ["grant", "change-end"])
def test_exactly_one_end_must_be_chosen(stack: Running, command: str, end: tuple[str, ...]) -> None:
    request = stack.ask() if command == "grant" else stack.granted()

    ended = stack.run("tom", "request", command, request, *end)

    sentence = "Choose when access ends: give one of --until, --for and --no-end.\n"
    assert ended == (2, "", sentence)


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (("--until", "2020-01-01"), "The end date is in the past (now: "),
        (("--for", "1s"), "Access must last at least 2 seconds."),
        (("--for", "400d"), "Access may last at most 365 days; the latest end is "),
    ],
)
def test_an_end_outside_the_policy_is_refused(
    stack: Running, end: tuple[str, str], sentence: str
) -> None:
    request = stack.ask()

    ended = stack.run("tom", "request", "grant", request, *end)

    assert (ended.code, ended.out) == (1, "")
    assert sentence in ended.err
    assert stack.shown("tom", request)["status"] == "pending"
