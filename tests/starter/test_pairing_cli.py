"""`gatehouse pairing` against a real stack: a support group's whole life with a customer."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from starter.letters import letters
from tests.starter import running
from tests.starter.running import EMAILS, FENCE, GALLERY, Ended, Running

TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")
TOM_AT, CHRISTOPHER_AT = EMAILS["tom"], EMAILS["christopher"]
AGENTS = {
    "jane": "jane.bennet@netherfield.example.com",
    "charles": "charles.bingley@netherfield.example.com",
}
NOBODYS = (1, "", "There is nothing here, or you may not see it.\n")


@pytest.fixture(scope="module", autouse=True)
def agents() -> Iterator[None]:
    """The vendor's support agents have a name at the terminal here."""
    with pytest.MonkeyPatch.context() as patch:
        for name, email in AGENTS.items():
            patch.setitem(running.EMAILS, name, email)
        yield


class Desk:
    """The terminals of both sides, for one pairing at a time."""

    def __init__(self, stack: Running) -> None:
        self.stack = stack
        self.pairing = ""
        self.customer, self.mail_of = "tom", TOM_AT

    def __call__(self, person: str, *words: str, typed: str = "") -> Ended:
        return self.stack.run(person, "pairing", *words, typed=typed)

    def done(self, person: str, *words: str, typed: str = "") -> Ended:
        """Run a command that must succeed."""
        ended = self(person, *words, typed=typed)
        assert ended.code == 0, ended.err
        return ended

    def offer(self, tenant: str = FENCE) -> str:
        """Let Charles offer a pairing; return the token that the mail brings."""
        sent = self.done(
            "charles", "offer", tenant, "--group", "customer-care", "--message", "Calls drop.",
            "--json",
        )  # fmt: skip
        self.pairing = sent.json["id"]
        return self.token()

    def token(self) -> str:
        """Wait for a mail with a link of this pairing; return the newest one's token."""

        def look() -> str | None:
            texts = [
                one.text for one in letters(self.stack.home / "mail") if self.mail_of in one.to
            ]
            found = [TOKEN.findall(text) for text in texts if self.pairing in text]
            tokens = [tokens[0] for tokens in found if tokens]
            return tokens[-1] if tokens else None

        return running.eventually(look, "a mail brings the link")

    def active(self, tenant: str = FENCE) -> str:
        """Offer, accept and give the group a role; return the pairing's id."""
        token = self.offer(tenant)
        self.done(self.customer, "open", self.pairing, "--yes", typed=f"{token}\n")
        self.done(self.customer, "roles", "assign", self.pairing, "support")
        return self.pairing

    def shown(self, person: str) -> Any:
        """Return the pairing as *person* sees it."""
        return self.done(person, "show", self.pairing, "--json").json


@pytest.fixture
def desk(stack: Running) -> Iterator[Desk]:
    """Both sides; whatever pairing is left open is ended after the test."""
    at = Desk(stack)
    yield at
    if at.pairing and at.shown("charles")["closed_at"] is None:
        at(at.customer, "revoke", at.pairing, "--reason", "The test is over.")


def test_an_offer_is_looked_at_accepted_once_and_used_as_its_roles_allow(desk: Desk) -> None:
    token = desk.offer()
    looked = desk("tom", "open", desk.pairing, "--dry-run", typed=f"{token}\n")
    assert "Nothing was changed. With this command it would be paired." in looked.err
    assert "Netherfield Systems asks to pair its group Customer Care" in looked.err
    wrong = desk("tom", "open", desk.pairing, "--yes", typed=f"apl_{'A' * 43}\n")
    assert wrong == (1, "", wrong.err)
    assert wrong.err.endswith("This link is not valid. Ask for a new one.\n")

    accepted = desk.done("tom", "open", desk.pairing, "--yes", "--json", typed=f"{token}\n")
    again = desk("tom", "open", desk.pairing, "--yes", typed=f"{token}\n")

    assert accepted.json["status"] == "paired"
    assert again.code == 1
    assert "This link was used on" in again.err
    refused = desk.stack.run("jane", "session", "begin", FENCE, "--yes")
    assert refused == NOBODYS
    desk.done("tom", "roles", "assign", desk.pairing, "support")
    begun = desk.stack.run("jane", "session", "begin", FENCE, "--yes", "--json")
    claims = jwt.decode(begun.json["assertion"], options={"verify_signature": False})
    assert "employees.view" in claims["permissions"]
    assert claims["sub"] == f"{claims['aud']}:administrator"
    listed = desk.stack.run("jane", "session", "list")
    assert FENCE in listed.out
    ended = desk.stack.run("jane", "session", "end", begun.json["session"])
    assert (ended.code, ended.err) == (0, "The session is closed.\n")


def test_a_token_is_taken_from_a_file_and_never_from_an_argument(
    desk: Desk, tmp_path: Path
) -> None:
    token = desk.offer()
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)

    told = desk("tom", "open", desk.pairing, token, "--yes")
    opened = desk.done("tom", "open", desk.pairing, "--token-file", str(file), "--yes")

    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Secrets are not taken as arguments.")
    assert token not in told.err
    assert "Done: the pairing is paired." in opened.err


def test_a_reissued_link_voids_the_older_and_a_stranger_learns_nothing(desk: Desk) -> None:
    old = desk.offer()
    desk.done("jane", "reissue", desk.pairing)
    new = running.eventually(
        lambda: token if (token := desk.token()) != old else None, "a new link comes"
    )

    voided = desk("tom", "open", desk.pairing, "--yes", typed=f"{old}\n")
    foreign = desk("christopher", "open", desk.pairing, "--yes", typed=f"{new}\n")
    unseen = desk("caroline", "show", desk.pairing)

    assert voided.err.endswith("This link is not valid. Ask for a new one.\n")
    assert (foreign.code, foreign.err) == NOBODYS[::2]
    assert unseen == NOBODYS
    assert desk.shown("tom")["status"] == "offered"


def test_an_offer_is_declined_with_a_reason_that_the_vendor_reads(desk: Desk) -> None:
    desk.offer()
    bare = desk("tom", "open", desk.pairing, "--decline", "--yes")
    declined = desk.done(
        "tom", "open", desk.pairing, "--decline", "--reason", "We help ourselves.", "--yes"
    )

    assert bare.code == 2
    assert "Done: the pairing is declined." in declined.err
    letter = desk.stack.mail(AGENTS["charles"], "A pairing was declined")
    assert "We help ourselves." in letter.text


def test_roles_are_defined_asked_for_assigned_and_marked_as_not_billed(desk: Desk) -> None:
    desk.active()
    asked = desk.done("charles", "ask-roles", desk.pairing, "admin", "--reason", "To listen.")
    ask = asked.out.strip()
    assert "To listen." in desk.done("tom", "roles", "list", desk.pairing).out
    desk.done("tom", "roles", "decline", desk.pairing, ask, "--reason", "No recordings.")
    desk.done("tom", "roles", "define", desk.pairing, "reader", "reports.view", "logs.view")
    desk.done("tom", "roles", "assign", desk.pairing, "reader", "--person", AGENTS["jane"])

    roles = desk.done("tom", "roles", "list", desk.pairing, "--json").json

    assert [one["roles"] for one in roles["assigned"]] == [["support"], ["reader"]]
    assert not any(one["billable"] for one in (*roles["roles"], *roles["assigned"]))
    assert roles["asked"] == []
    below = desk("tom", "roles", "assign", desk.pairing, "Support")
    assert below.code == 1
    assert "'Support' is not a role that can be used here." in below.err
    left = desk.done("tom", "roles", "remove", desk.pairing, "support")
    assert "Done: the pairing is paired." in left.err
    lacking = desk("tom", "roles", "assign", desk.pairing, "reader")
    assert "These roles together lack configuration.view, employees.view" in lacking.err


def test_a_cloned_user_shows_among_the_customers_people_and_goes_with_the_pairing(
    desk: Desk,
) -> None:
    desk.active()
    clone = desk.done("charles", "clone", "add", desk.pairing).out.strip()
    people = desk.stack.run("", "directory", "list", "people", "--json").json
    (found,) = [one for one in people if one["clone"]]
    assert found == {
        "id": clone,
        "email": AGENTS["charles"],
        "name": "Charles Bingley",
        "organization": "tom-sawyer",
        "locale": "en",
        "time_zone": "Europe/London",
        "active": True,
        "clone": True,
        "billable": False,
    }
    begun = desk.stack.run("charles", "session", "begin", FENCE, "--as-clone", "--yes", "--json")
    claims = jwt.decode(begun.json["assertion"], options={"verify_signature": False})
    assert claims["sub"] == f"{claims['aud']}:clone:{clone}"
    assert desk("jane", "clone", "remove", desk.pairing, clone).code == 1
    assert desk.shown("tom")["clones"][0]["email"] == AGENTS["charles"]

    desk.done("tom", "revoke", desk.pairing, "--reason", "The case is solved.")

    people = desk.stack.run("", "directory", "list", "people", "--json").json
    assert not any(one["clone"] for one in people)
    session = begun.json["session"]
    assert desk.stack.run("charles", "session", "assertion", session) == NOBODYS


def test_consents_and_changes_are_asked_answered_recorded_and_told(desk: Desk) -> None:
    desk.active()
    asked = desk.done("charles", "consent", "ask", desk.pairing, "--what", "Restart the queue.")
    consent = asked.out.strip()
    told = desk.done("tom", "consent", "grant", desk.pairing, consent)
    assert 'The change: "Restart the queue."' in told.err
    made = desk.done(
        "charles", "change", "record", desk.pairing, "--what", "Restarted it.",
        "--consent", consent,
    )  # fmt: skip
    desk.done("charles", "change", "revert", desk.pairing, made.out.strip())
    desk.done("charles", "change", "record", desk.pairing, "--what", "Again.", "--disruptive")

    changes = desk.done("tom", "change", "list", desk.pairing, "--json").json

    assert [(one["what"], one["is_breach"]) for one in changes] == [
        ("Restarted it.", False),
        ("Again.", True),
    ]
    assert changes[0]["reverted_by"] == "Charles Bingley"
    for address in (TOM_AT, AGENTS["jane"]):
        letter = desk.stack.mail(address, "A change was made without consent")
        assert "Again." in letter.text
    assert "BREACH" in desk.done("tom", "show", desk.pairing).out


def test_the_switch_lets_nobody_in_until_it_is_resumed(desk: Desk) -> None:
    desk.active()

    desk.done("tom", "suspend", desk.pairing, "--message", "Audit week.")
    shut = desk.stack.run("jane", "session", "begin", FENCE, "--yes")
    desk.done("tom", "resume", desk.pairing)
    dry = desk.stack.run("jane", "session", "begin", FENCE, "--dry-run", "--json")

    assert shut == NOBODYS
    assert dry.json == {"dry_run": True, "tenant": FENCE, "mode": "support"}
    lines = desk.shown("tom")["timeline"]
    assert [one["event"] for one in lines if "mail" not in one["event"]] == [
        "offered", "accepted", "roles_assigned", "suspended", "resumed",
    ]  # fmt: skip


def test_each_side_lists_its_own_and_a_decision_may_be_signed_elsewhere(desk: Desk) -> None:
    desk.customer, desk.mail_of = "christopher", CHRISTOPHER_AT
    desk.active(GALLERY)

    listed = {
        person: desk.done(person, "list", "--status", "active", "--json").json
        for person in ("charles", "christopher", "caroline")
    }
    signed = desk.done(
        "christopher", "revoke", desk.pairing, "--reason", "Done.", "--sign-only", "--json"
    )

    assert desk.pairing in [one["id"] for one in listed["charles"]]
    assert [one["tenant"] for one in listed["christopher"]] == [GALLERY]
    assert listed["caroline"] == []
    assert signed.json["payload"]["command"]["kind"] == "revoke"
    assert f"pairing/{desk.pairing}" in signed.json["command"]
    assert json.dumps(signed.json).count("apl_") == 0
    assert desk.shown("christopher")["status"] == "active"
