"""`gatehouse tenant list` and `gatehouse session`: the way in, and the token that opens it."""

import json
from typing import Any

import jwt
import pytest

from tests.starter.running import (
    CAROLINE,
    CHARLOTTE,
    EMAILS,
    FENCE,
    GALLERY,
    Running,
)

BOTH = f"{CAROLINE},{CHARLOTTE}"
BEGIN = ("session", "begin", FENCE, "--yes")


def claims(stack: Running, token: str) -> dict[str, Any]:
    """Verify a token with the published key set, as a target application does."""
    keys = jwt.PyJWKSet.from_json((stack.home / "jwks.json").read_text(encoding="utf-8"))
    unverified = jwt.decode(token, options={"verify_signature": False})
    key = keys[jwt.get_unverified_header(token)["kid"]]
    found: dict[str, Any] = jwt.decode(token, key, ["EdDSA"], audience=unverified["aud"])
    return found


def test_a_session_yields_a_token_that_the_published_keys_verify(stack: Running) -> None:
    stack.granted()

    begun = stack.run("caroline", *BEGIN, "--mode", "configure", "--json")

    assert begun.code == 0
    said = claims(stack, begun.json["assertion"])
    person = stack.run("caroline", "whoami", "--json").json["person"]
    assert said["sub"] == f"{said['aud']}:administrator"
    assert said["act"] == {"sub": person}
    assert (said["mode"], said["sid"]) == ("configure", begun.json["session"])
    assert 0 < said["exp"] - said["iat"] <= 300


def test_the_token_alone_goes_to_stdout(stack: Running) -> None:
    stack.granted("--for", "1h", "--message", "Mind the paint.")

    begun = stack.run("caroline", *BEGIN)

    assert claims(stack, begun.out.strip())["mode"] == "support"
    assert begun.out.count("\n") == 1
    assert "You are about to open Tom Sawyer Fence Painting Co. in mode support." in begun.err


def test_a_token_never_outlives_the_access(stack: Running) -> None:
    request = stack.ask(people=EMAILS["lydia"])
    stack.run("tom", "request", "grant", request, "--for", "1m")

    begun = stack.run("lydia", *BEGIN, "--json")

    said = claims(stack, begun.json["assertion"])
    assert said["exp"] - said["iat"] <= 60


def test_an_open_session_is_listed_renewed_and_closed(stack: Running) -> None:
    stack.granted(people=CHARLOTTE)
    session = stack.run("charlotte", *BEGIN, "--json").json["session"]

    listed = stack.run("charlotte", "session", "list", "--json").json
    table = stack.run("charlotte", "session", "list")
    renewed = stack.run("charlotte", "session", "assertion", session, "--json").json
    ended = stack.run("charlotte", "session", "end", session)

    assert session in [one["id"] for one in listed]
    assert session in table.out
    assert claims(stack, renewed["assertion"])["sid"] == session
    assert (ended.code, ended.err) == (0, "The session is closed.\n")
    for words in (("assertion", session), ("end", session)):
        gone = stack.run("charlotte", "session", *words)
        assert gone == (1, "", "There is nothing here, or you may not see it.\n")


def test_after_a_revoke_there_is_no_assertion_and_no_session(stack: Running) -> None:
    request = stack.ask(tenant=GALLERY, people=CAROLINE)
    stack.run("christopher", "request", "grant", request, "--for", "1h")
    begun = stack.run("caroline", "session", "begin", GALLERY, "--yes", "--json")
    session = begun.json["session"]

    stack.run("christopher", "request", "revoke", request, "--reason", "Enough.")

    renewed = stack.run("caroline", "session", "assertion", session)
    assert renewed == (1, "", "There is nothing here, or you may not see it.\n")
    listed = stack.run("caroline", "session", "list", "--json").json
    assert session not in [one["id"] for one in listed]


def test_somebody_elses_session_is_not_there(stack: Running) -> None:
    stack.granted(people=BOTH)
    session = stack.run("caroline", *BEGIN, "--json").json["session"]

    for words in (("assertion", session), ("end", session)):
        seen = stack.run("charlotte", "session", *words)
        assert seen == (1, "", "There is nothing here, or you may not see it.\n")


def test_nobody_opens_a_tenant_without_a_grant(stack: Running) -> None:
    for person in ("elizabeth", "tom", "mary"):
        refused = stack.run(person, *BEGIN)
        assert refused == (1, "", "There is nothing here, or you may not see it.\n")


def test_where_two_requests_are_open_the_one_that_is_not_finished_counts(stack: Running) -> None:
    long = stack.granted("--for", "2d", people=BOTH)
    stack.run("caroline", "request", "finish", long)
    stack.granted("--for", "30m")

    begun = stack.run("caroline", *BEGIN, "--json")

    assert begun.code == 0
    assert claims(stack, begun.json["assertion"])["act"]["sub"]


def test_a_dry_run_opens_nothing(stack: Running) -> None:
    stack.granted()
    before = stack.run("caroline", "session", "list", "--json").json

    would = stack.run("caroline", "session", "begin", FENCE, "--dry-run", "--json")

    assert would.json == {"dry_run": True, "tenant": FENCE, "mode": "support"}
    assert "Nothing was changed." in would.err
    assert stack.run("caroline", "session", "list", "--json").json == before


def test_a_dry_run_closes_nothing(stack: Running) -> None:
    stack.granted()
    session = stack.run("caroline", *BEGIN, "--json").json["session"]

    would = stack.run("caroline", "session", "end", session, "--dry-run")

    assert would == (0, "", "Nothing was changed. The session would end.\n")
    assert stack.run("caroline", "session", "assertion", session).code == 0


def test_my_tenants_are_listed_with_answer_and_way_in(stack: Running) -> None:
    granted = stack.ask(people=EMAILS["lydia"])
    denied = stack.ask(people=EMAILS["lydia"], tenant=GALLERY)
    stack.run("tom", "request", "grant", granted, "--for", "1h", "--message", "Welcome.")
    stack.run("christopher", "request", "deny", denied, "--reason", "Closed for the winter.")

    table = stack.run("lydia", "tenant", "list")
    found = stack.run("lydia", "tenant", "list", "--json").json

    assert "Welcome." in table.out
    assert "gatehouse session begin tom-sawyer" in table.out
    assert "gatehouse session begin hundred-acre-wood" not in table.out
    answers = {one["id"]: (one["status"], one["answer"]) for one in found}
    assert answers[granted] == ("granted", "Welcome.")
    assert answers[denied] == ("denied", "Closed for the winter.")


@pytest.mark.parametrize("wanted", [("denied",), ("granted", "pending")])
def test_my_tenants_can_be_narrowed_by_status(stack: Running, wanted: tuple[str, ...]) -> None:
    stack.run("tom", "request", "deny", stack.ask(people=EMAILS["lydia"]), "--reason", "No.")
    stack.granted(people=EMAILS["lydia"])
    options = [word for one in wanted for word in ("--status", one)]

    found = stack.run("lydia", "tenant", "list", "--json", *options).json

    statuses = {one["status"] for one in found}
    assert statuses
    assert statuses <= set(wanted)


def test_who_was_named_for_nothing_has_an_empty_list(stack: Running) -> None:
    found = stack.run("mary", "tenant", "list", "--json")

    assert json.loads(found.out) == []


def test_a_session_id_is_an_id(stack: Running) -> None:
    begun = stack.run("caroline", "session", "end", "the-one-from-before")

    assert (begun.code, begun.out) == (2, "")
    assert "Invalid value for 'SESSION': it must be an id, such as" in begun.err


def test_the_session_list_names_the_tenant_to_people(stack: Running) -> None:
    stack.granted()
    session = stack.run("caroline", *BEGIN, "--json").json["session"]

    listed = stack.run("caroline", "session", "list")

    (line,) = [one for one in listed.out.splitlines() if session in one]
    assert line.split()[:3] == [session, FENCE, "support"]
