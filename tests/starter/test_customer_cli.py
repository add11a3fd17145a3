"""`gatehouse customer`: a partner's switches, as both sides see and turn them."""

import json
import shlex
import subprocess
import sys
from uuid import uuid4

import pytest

from starter.temporal_server import temporal_binary
from tests.starter.running import EMAILS, FENCE, GALLERY, ROOT, Ended, Running, eventually

NOTHING_HERE = "There is nothing here, or you may not see it."


def listed(stack: Running, customer: str = FENCE, person: str = "elizabeth") -> tuple[str, str]:
    """Return switch and status of one customer in somebody's list."""
    found = stack.run(person, "customer", "list", "--json").json
    (line,) = [one for one in found if one["customer"] == customer]
    return line["switch"], line["status"]


def shown(stack: Running, person: str = "elizabeth", name: str = FENCE) -> dict[str, object]:
    """Return one switch as somebody sees it."""
    found: dict[str, object] = stack.run(person, "customer", "show", name, "--json").json
    return found


def turned(stack: Running, to: str, customer: str = FENCE) -> None:
    """Let Elizabeth turn the switch, unless it stands so."""
    if listed(stack, customer)[0] != ("on" if to == "enable" else "off"):
        done = stack.run("elizabeth", "customer", to, customer)
        assert done.code == 0, done.err


def accepted(stack: Running) -> None:
    """Bring Tom's company to where its people may sign in."""
    turned(stack, "enable")
    if listed(stack)[1] == "pending":
        done = stack.run("tom", "customer", "accept", "classics", "--yes")
        assert done.code == 0, done.err


def gate(stack: Running, person: str = "tom", *words: str) -> Ended:
    """Ask the gate about the platform."""
    return stack.run("", "access", "check", EMAILS[person], "platform:classics", *words)


def test_a_customer_from_never_to_accepted_off_and_on_again(stack: Running) -> None:
    told = [listed(stack, GALLERY)]
    shut = gate(stack, "christopher")
    on = stack.run("elizabeth", "customer", "enable", GALLERY)
    told.append(listed(stack, GALLERY))
    mail = stack.mail(EMAILS["christopher"], "Access to the platform was switched on")
    terms = gate(stack, "christopher", "--action", "accept_terms")
    too_early = stack.run("christopher", "customer", "sign-in", "classics")
    yes = stack.run("christopher", "customer", "accept", "classics", "--yes", "--json")
    told.append(listed(stack, GALLERY))
    stack.mail(EMAILS["elizabeth"], "The terms of use were accepted")
    off = stack.run("elizabeth", "customer", "disable", GALLERY)
    told.append(listed(stack, GALLERY))
    for person in ("christopher", "elizabeth"):
        stack.mail(EMAILS[person], "Access to the platform was switched off")
    again = stack.run("elizabeth", "customer", "enable", GALLERY)
    told.append(listed(stack, GALLERY))

    assert told == [
        ("never", "never"),
        ("on", "pending"),
        ("on", "accepted"),
        ("off", "disabled"),
        ("on", "accepted"),
    ]
    assert [one.code for one in (on, too_early, off, again)] == [0, 1, 0, 0]
    assert "Done: Hundred Acre Wood Art Gallery is pending" in on.err
    assert "pending until somebody of the customer accepts the terms" in too_early.err
    assert (shut.code, shut.out, terms.code, terms.out) == (1, "no\n", 0, "yes\n")
    assert (yes.json["status"], yes.json["accepted_terms"]) == ("accepted", "1")
    assert yes.json["accepted_by"] == "Christopher Robin"
    assert yes.json["id"] in mail.text
    assert [one.code for one in (gate(stack, "christopher"), gate(stack, "elizabeth"))] == [0, 1]


def test_a_repeated_turn_is_refused_and_says_how_it_stands(stack: Running) -> None:
    accepted(stack)
    before = shown(stack)

    on = stack.run("elizabeth", "customer", "enable", FENCE)
    again = stack.run("tom", "customer", "accept", "classics", "--yes")

    assert (on.code, on.out, again.code, again.out) == (1, "", 1, "")
    assert "was already switched on by Elizabeth Bennet on" in on.err
    assert "It is accepted: the customer's people can sign in. Nothing was changed." in on.err
    assert "was already given (version 1) by Tom Sawyer on" in again.err
    assert {**shown(stack), "timeline": None} == {**before, "timeline": None}


def test_the_list_is_a_table_of_every_customer_with_switch_and_status(stack: Running) -> None:
    table = stack.run("elizabeth", "customer", "list")

    head, *lines = table.out.splitlines()
    assert head.split() == ["PARTNER", "CUSTOMER", "SWITCH", "STATUS", "SINCE"]
    assert len(lines) == 2
    for one in (f"({FENCE})", f"({GALLERY})"):
        assert one in table.out


def test_each_side_has_its_own_list_and_others_have_none(stack: Running) -> None:
    accepted(stack)

    lists = {
        one: stack.run(one, "customer", "list", "--json").json for one in ("tom", "lydia", "mary")
    }
    named = stack.run("mary", "customer", "list", "--partner", "classics", "--json").json
    foreign = stack.run("tom", "customer", "list", "--partner", "classics")

    assert [(one["partner"], one["customer"]) for one in lists["tom"]] == [("classics", FENCE)]
    assert (lists["lydia"], lists["mary"]) == ([], [])
    assert {one["customer"] for one in named} == {FENCE, GALLERY}
    assert (foreign.code, foreign.out) == (1, "")
    assert NOTHING_HERE in foreign.err


def test_a_switch_is_shown_by_the_other_sides_name_or_by_its_id(stack: Running) -> None:
    accepted(stack)

    mine = shown(stack)
    theirs = [shown(stack, "tom", one) for one in ("classics", str(mine["id"]))]
    text = stack.run("tom", "customer", "show", "classics")
    strangers = [
        stack.run(one, "customer", "show", str(mine["id"])) for one in ("lydia", "christopher")
    ]

    assert {one["id"] for one in theirs} == {mine["id"]}
    assert (mine["switch"], mine["accepted_by"]) == ("on", "Tom Sawyer")
    assert "Terms accepted  version 1, by Tom Sawyer, " in text.out
    assert "enabled                  Elizabeth Bennet" in text.out
    assert strangers == [Ended(1, "", f"{NOTHING_HERE}\n")] * 2


def test_only_the_partners_admin_turns_the_switch(stack: Running) -> None:
    accepted(stack)

    ends = {
        one: stack.run(one, "customer", "disable", "classics" if one == "tom" else FENCE, *more)
        for one, more in (("tom", ()), ("lydia", ()), ("mary", ("--partner", "classics")))
    }

    needs = "You may not switch a customer's access: that needs the role partner_admin"
    assert {one.code for one in ends.values()} == {1}
    assert needs in ends["tom"].err
    assert needs in ends["mary"].err
    assert NOTHING_HERE in ends["lydia"].err
    assert listed(stack) == ("on", "accepted")


def test_a_customer_that_nobody_serves_is_not_there(stack: Running) -> None:
    ends = [stack.run("elizabeth", "customer", "enable", one) for one in ("nobody", "netherfield")]

    assert [(one.code, one.out) for one in ends] == [(1, ""), (1, "")]
    assert all(NOTHING_HERE in one.err for one in ends)


def test_a_visit_begins_is_replaced_and_ends_with_the_switch(stack: Running) -> None:
    accepted(stack)

    first = stack.run("tom", "customer", "sign-in", "classics", "--json").json["visit"]
    second = stack.run("tom", "customer", "sign-in", "classics", "--json").json["visit"]
    inside = gate(stack, "tom", "--via", "session")
    turned(stack, "disable")
    outside = [gate(stack, "tom", "--via", "session"), gate(stack, "tom")]
    turned(stack, "enable")
    after = gate(stack, "tom", "--via", "session")

    assert first != second
    assert inside.code == 0
    assert ", until " in inside.err
    assert [one.code for one in outside] == [1, 1]
    assert "The partner has switched this customer off." in outside[0].err
    assert "There is access, but no open session." in after.err


def test_a_visit_is_ended_once_by_its_person(stack: Running) -> None:
    accepted(stack)
    begun = stack.run("tom", "customer", "sign-in", "classics")
    visit = shown(stack, "tom", "classics")["visit"]

    ended = stack.run("tom", "customer", "sign-out", "classics")
    again = stack.run("tom", "customer", "sign-out", "classics")

    assert begun.out == f"{visit}\n"
    assert (ended.code, again.code) == (0, 1)
    assert shown(stack, "tom", "classics")["visit"] is None


def test_visits_stand_on_nobody_elses_timeline(stack: Running) -> None:
    accepted(stack)
    stack.run("tom", "customer", "sign-in", "classics")

    events = {
        one: [line["event"] for line in shown(stack, one, name)["timeline"]]  # type: ignore[attr-defined]
        for one, name in (("tom", "classics"), ("elizabeth", FENCE))
    }

    assert "session_begun" in events["tom"]
    assert "session_begun" not in events["elizabeth"]


def test_a_dry_run_says_what_would_be_and_changes_nothing(stack: Running) -> None:
    accepted(stack)
    before = shown(stack)

    off = stack.run("elizabeth", "customer", "disable", FENCE, "--dry-run", "--json")
    on = stack.run("elizabeth", "customer", "enable", FENCE, "--dry-run")

    assert off.json == {"dry_run": True, "status": "disabled"}
    assert "Nothing was changed. With this command it would be disabled." in off.err
    assert on.code == 1
    assert "already switched on" in on.err
    assert shown(stack) == before


def test_a_signed_command_is_sent_as_a_signal_by_the_plain_client(stack: Running) -> None:
    accepted(stack)
    address = json.loads((stack.home / "run.json").read_text(encoding="utf-8"))["temporal_address"]
    signed = stack.run("elizabeth", "customer", "disable", FENCE, "--sign-only", "--json").json

    program, *words = shlex.split(signed["command"])
    line = [temporal_binary(), *words, "--address", address]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    eventually(lambda: listed(stack)[0] == "off" or None, "the signal switches it off")
    left = stack.run("elizabeth", "customer", "enable", FENCE, "--no-wait", "--json")
    eventually(lambda: listed(stack)[0] == "on" or None, "so does what is left with Temporal")

    assert (program, words[-4:-1]) == ("temporal", ["--name", "disable", "--input"])
    assert (left.code, "Left with Temporal" in left.err) == (0, True)
    assert left.json == {"id": shown(stack)["id"], "waited": False}


def test_terms_that_were_not_read_are_not_accepted(stack: Running) -> None:
    accepted(stack)

    words = ("customer", "accept", "classics", "--yes", "--terms", "0", "--dry-run")
    older = stack.run("tom", *words)
    policy = stack.home.parent / "terms.toml"
    text = '[terms]\nversion = "2"\npage = "https://terms.example.com/2"\n'
    policy.write_text(text, encoding="utf-8")
    newer = stack.run(
        "tom", "customer", "accept", "classics", "--sign-only", GATEHOUSE_POLICY_FILE=str(policy)
    )

    assert "The terms of use for Tom Sawyer Fence Painting Co., version 0." in older.err
    assert older.code == 1  # accepted before: that is what it says first
    assert "version 2." in newer.err
    assert "Read them at https://terms.example.com/2" in newer.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("customer enable", "Missing argument 'CUSTOMER'."),
        ("customer enable Tom", "The name: Tenant ids use a-z, 0-9 and '-'"),
        ("customer enable ''", "The name: Tenant ids use a-z, 0-9 and '-'"),
        (f"customer enable {FENCE} --partner 'a b'", "--partner: Tenant ids use"),
        (f"customer enable {FENCE} --dry-run --sign-only", "Give --dry-run or --sign-only"),
        ("customer watch x --until gone", "Invalid value for '--until'"),
        ("customer accept classics", "This asks for confirmation: run it in a terminal"),
        ("customer list --partner A", "--partner: Tenant ids use"),
        ("customer enble x", "No such command 'enble'."),
    ],
)
def test_a_wrong_use_is_named_in_one_line(stack: Running, words: str, sentence: str) -> None:
    accepted(stack)

    ended = stack.run("tom" if "accept" in words else "elizabeth", *shlex.split(words))

    assert (ended.code, ended.out) == (2, ""), ended.err
    assert sum(sentence in line for line in ended.err.splitlines()) == 1, ended.err


def test_without_temporal_nothing_was_changed_and_lists_go_on(stack: Running) -> None:
    accepted(stack)

    away = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
    off = stack.run("elizabeth", "customer", "disable", FENCE, **away)
    seen = stack.run("elizabeth", "customer", "list", **away)

    assert (off.code, off.out) == (3, "")
    assert "Nothing was changed." in off.err
    assert (seen.code, listed(stack)) == (0, ("on", "accepted"))


def test_an_unknown_id_is_not_there(stack: Running) -> None:
    for words in (("show", str(uuid4())), ("disable", str(uuid4())), ("watch", str(uuid4()))):
        ended = stack.run("elizabeth", "customer", *words)

        assert ended == Ended(1, "", f"{NOTHING_HERE}\n")


def test_watch_ends_where_it_is_told_to(stack: Running) -> None:
    accepted(stack)

    watched = stack.run("elizabeth", "customer", "watch", FENCE, "--until", "accepted")

    assert watched.code == 0
    assert "enabled                  Elizabeth Bennet" in watched.out
    assert "Tom Sawyer Fence Painting Co.: accepted" in watched.err


def test_the_script_runs_by_itself_too(stack: Running) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "starter.customer_access", "--help"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
    )

    assert process.returncode == 0
    assert "Let a customer's people sign in to the platform, or not." in process.stdout
