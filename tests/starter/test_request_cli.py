"""`gatehouse request create|list|show|watch`: asking, and what each side sees of it."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.starter.running import CAROLINE, CHARLOTTE, EMAILS, FENCE, GALLERY, Running, eventually


def test_one_request_with_two_associations_becomes_one_request_a_tenant(stack: Running) -> None:
    sent = stack.run(
        "elizabeth", "request", "create", "--name", "SupportAccess",
        "--associate", f"{CAROLINE}={FENCE}", "--associate", f"{CHARLOTTE}={FENCE},{GALLERY}",
        "--json",
    )  # fmt: skip

    assert sent.code == 0
    assert {one["tenant"]: one["outcome"] for one in sent.json} == {FENCE: "sent", GALLERY: "sent"}
    people = {
        one["tenant"]: stack.shown("elizabeth", one["request"])["people"] for one in sent.json
    }
    assert people == {
        FENCE: ["Caroline Bingley", "Charlotte Lucas"],
        GALLERY: ["Charlotte Lucas"],
    }


def test_the_sender_is_told_who_decides_who_gets_in_and_what_is_shown(stack: Running) -> None:
    sent = stack.run(
        "elizabeth", "request", "create", "--name", "Told", "--associate", f"{CAROLINE}={FENCE}"
    )

    assert (
        "Tom Sawyer Fence Painting Co.: asks Tom Sawyer to let in Caroline Bingley"
        " (not shown to them); they have 14 days to decide." in sent.err
    )
    assert "Told" not in sent.out
    assert "sent" in sent.out


def test_the_sender_is_told_when_a_policy_shows_the_people(stack: Running) -> None:
    policy = stack.home.parent / "showing.toml"
    policy.write_text("[organization.classics]\nshow_people = true\n", encoding="utf-8")

    would = stack.run(
        "elizabeth", "request", "create", "--name", "Shown", "--associate", f"{CAROLINE}={FENCE}",
        "--dry-run", GATEHOUSE_POLICY_FILE=str(policy),
    )  # fmt: skip

    assert "let in Caroline Bingley (shown to them)" in would.err
    assert "would be sent" in would.out
    assert "Nothing was changed." in would.err


def test_a_dry_run_asks_the_quotas_too(stack: Running, tmp_path: Path) -> None:
    for _ in range(2):
        stack.ask()
    policy = tmp_path / "policy.toml"
    policy.write_text("[default]\nper_hour_and_person = 2\n", encoding="utf-8")

    would = stack.run(
        "elizabeth", "request", "create", "--name", "More", "--associate", f"{CAROLINE}={FENCE}",
        "--dry-run", GATEHOUSE_POLICY_FILE=str(policy),
    )  # fmt: skip

    assert (would.code, would.out) == (1, "")
    assert would.err == "The limit is 2 requests an hour by one person. Try again later.\n"


def test_both_sides_list_it_and_the_recipient_sees_neither_name_nor_people(stack: Running) -> None:
    request = stack.ask("--message", "Please.")

    sent = stack.run("elizabeth", "request", "list", "--json", "--side", "outgoing").json
    got = stack.run("tom", "request", "list", "--json").json
    table = stack.run("tom", "request", "list")

    (outgoing,) = [one for one in sent["outgoing"] if one["id"] == request]
    assert (outgoing["name"], outgoing["people"]) == ("SupportAccess", ["Caroline Bingley"])
    (incoming,) = [one for one in got["incoming"] if one["id"] == request]
    assert (incoming["name"], incoming["people"]) == (None, None)
    assert got["outgoing"] == []
    assert request in table.out
    for hidden in ("SupportAccess", "Caroline", "Charlotte", "Elizabeth"):
        assert hidden not in table.out + table.err + json.dumps(incoming)


def test_the_recipient_sees_who_asks_the_message_and_the_clock_but_not_for_whom(
    stack: Running,
) -> None:
    request = stack.ask("--message", "Please let us in.", people=f"{CAROLINE},{CHARLOTTE}")
    stack.mail(EMAILS["tom"], request[:8])

    shown = stack.run("tom", "request", "show", request)
    as_json = stack.run("tom", "request", "show", request, "--json")

    for seen in ("Classics, Inc.", "Please let us in.", "Decide by", "America/Chicago"):
        assert seen in shown.out
    assert "Gets in     not shown" in shown.out
    assert "submitted                somebody of Classics, Inc." in shown.out
    for hidden in ("SupportAccess", "Caroline", "Charlotte", "Elizabeth"):
        assert hidden not in shown.out + shown.err + as_json.out


def test_the_timeline_holds_the_mails_and_names_people_to_their_own_side(stack: Running) -> None:
    request = stack.granted(people=f"{CAROLINE},{CHARLOTTE}")
    for person in ("elizabeth", "caroline", "charlotte"):
        stack.mail(EMAILS[person], request[:8])

    def settled(person: str) -> list[tuple[str, str, str]]:
        lines = stack.shown(person, request)["timeline"]
        return [(one["event"], one["who"], one["text"]) for one in lines]

    assert ("mail.sent", "Tom Sawyer", "request received") in settled("elizabeth")
    told = {who for event, who, text in settled("elizabeth") if text == "request granted"}
    assert told == {"Elizabeth Bennet", "Caroline Bingley", "Charlotte Lucas"}
    to_tom = [line for line in settled("tom") if line[2] == "request granted"]
    assert {who for _, who, _ in to_tom} == {"somebody of Classics, Inc."}


def test_text_of_people_is_shown_as_it_is_and_acts_on_no_terminal(stack: Running) -> None:
    request = stack.ask("--message", "[bold]<b>$(id)\n[/] second line")

    shown = stack.run("tom", "request", "show", request)

    assert r"[bold]<b>$(id)\n[/] second line" in shown.out


def test_a_list_can_be_narrowed_by_side_status_and_number(stack: Running) -> None:
    pending, granted = stack.ask(), stack.granted()

    found = stack.run(
        "tom", "request", "list", "--side", "incoming", "--status", "granted", "--json"
    ).json
    one = stack.run("tom", "request", "list", "--limit", "1", "--json").json

    assert set(found) == {"incoming"}
    listed = [view["id"] for view in found["incoming"]]
    assert granted in listed
    assert pending not in listed
    assert len(one["incoming"]) == 1


def test_a_request_that_concerns_others_is_not_there(stack: Running) -> None:
    request = stack.ask()

    for person in ("christopher", "lydia", "charlotte"):
        seen = stack.run(person, "request", "show", request)
        decided = stack.run(person, "request", "deny", request, "--reason", "No.")
        unknown = stack.run(person, "request", "show", str(uuid4()))
        assert seen == decided == unknown
        assert seen == (1, "", "There is nothing here, or you may not see it.\n")


def test_watch_tells_the_life_as_it_happens_and_ends_with_the_request(stack: Running) -> None:
    request = stack.granted("--for", "3s")

    watched = stack.watched("elizabeth", request)

    assert watched.code == 0
    events = [line.split()[3] for line in watched.out.splitlines()]
    assert events.index("submitted") < events.index("granted") < events.index("expired")
    assert "Tom Sawyer Fence Painting Co.: expired" in watched.err
    assert stack.shown("elizabeth", request)["status"] == "expired"


def test_a_repeated_batch_sends_only_what_is_missing(stack: Running) -> None:
    batch = str(uuid4())
    first = stack.ask("--batch", batch)

    again = stack.run(
        "elizabeth", "request", "create", "--name", "SupportAccess", "--batch", batch,
        "--associate", f"{CAROLINE}={FENCE},{GALLERY}", "--json",
    )  # fmt: skip

    outcomes = {one["tenant"]: one["outcome"] for one in again.json}
    assert again.code == 0
    assert outcomes == {FENCE: "already there", GALLERY: "sent"}
    assert first == again.json[0]["request"]
    assert stack.events(first) == ["submitted"]


def test_an_operator_asks_for_an_organization_by_name(stack: Running) -> None:
    words = ("request", "create", "--name", "Helped", "--associate", f"{CAROLINE}={FENCE}")

    refused = stack.run("mary", *words)
    sent = stack.run("mary", *words, "--organization", "classics", "--json")

    assert refused.code == 1
    assert "You may not send a request: that needs the role tm_admin" in refused.err
    assert sent.code == 0
    view = stack.shown("elizabeth", sent.json[0]["request"])
    assert view["organization"] == "Classics, Inc."
    assert view["timeline"][0]["who"] == "Mary Bennet"


@pytest.mark.parametrize("person", ["elizabeth", "tom"])
def test_who_is_no_operator_cannot_ask_for_others(stack: Running, person: str) -> None:
    ended = stack.run(
        person, "request", "create", "--name", "Helped", "--organization", "netherfield",
        "--associate", f"{CAROLINE}={FENCE}",
    )  # fmt: skip

    assert ended == (1, "", "There is nothing here, or you may not see it.\n")


def test_without_waiting_the_request_is_there_in_the_end(stack: Running) -> None:
    request = stack.ask("--no-wait")

    seen = eventually(lambda: stack.look("tom", request), "the request is there")
    assert seen["status"] == "pending"
