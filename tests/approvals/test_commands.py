"""The signed message: what parses into a command, what does not, and which bytes are signed."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals import canonical
from approvals.commands import ALSO, Command, Tick, unsigned
from approvals.errors import InvalidDecisionError
from approvals.passkeys import LARGEST_COUNT
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.sign_in.commands import (
    AddPasskey,
    Begin,
    Prove,
    RemovePasskey,
    RevokeKey,
    SignOut,
    fingerprint,
)
from approvals.tenant_access.commands import (
    ChangeEnd,
    Deny,
    Finish,
    Grant,
    Revoke,
    Submit,
    Withdraw,
)
from tests.factories import (
    BATCH,
    CAROLINE,
    ELIZABETH,
    FORMS,
    NAME,
    PROCESS,
    PUBLIC_KEY,
    SIGNATURE,
    START,
    TOM,
    make_id,
    parsed,
)

KEY = make_id("key")
NONCE = "C" * 22
SHOWN = "a" * 64
GRANT: dict[str, Any] = {
    "process_id": str(PROCESS),
    "command": {"kind": "grant", "shown": SHOWN, "args": {"no_end": True}},
    "actor": str(TOM.id),
    "issued_at": "2026-03-02T09:00:00Z",
    "key_id": str(KEY),
    "nonce": NONCE,
    "signature": SIGNATURE,
}


def message(**changes: Any) -> bytes:
    """Return the bytes of a good grant with other envelope fields; ... takes a field away."""
    said = {**GRANT, **changes}
    return json.dumps({key: said[key] for key in said if said[key] is not ...}).encode()


def command(kind: str, shown: str | None = None, /, **args: Any) -> bytes:
    """Return the bytes of a message with this command."""
    return message(command={"kind": kind, "shown": shown, "args": args})


def refused(said: bytes) -> dict[str, str]:
    """Return field and sentence of all that is wrong with a message."""
    with pytest.raises(InvalidDecisionError) as refusal:
        parsed(said)
    return dict(refusal.value.fields)


def test_a_message_becomes_a_command_with_its_envelope() -> None:
    signed = parsed(message())

    assert signed.command == Grant(no_end=True, shown=SHOWN)
    assert (signed.process, signed.actor, signed.key) == (PROCESS, TOM.id, KEY)
    assert (signed.issued_at, signed.nonce, signed.signature) == (START, NONCE, SIGNATURE)


def test_the_way_of_arrival_comes_from_the_door_not_from_the_message() -> None:
    assert not parsed(message()).by_signal
    assert parsed(message(), by_signal=True).by_signal
    assert "by_signal" in refused(message(by_signal=False))


def test_the_six_signed_fields_are_all_but_the_signature() -> None:
    signed = parsed(message())

    body = {key: value for key, value in GRANT.items() if key != "signature"}
    assert signed.body == canonical.canonical(body)
    assert signed.digest == hashlib.sha256(signed.body).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"process_id": str(UUID(int=1))},
        {"command": {"kind": "grant", "shown": "b" * 64, "args": {"no_end": True}}},
        {"actor": str(ELIZABETH.id)},
        {"issued_at": "2026-03-02T09:00:00.000001Z"},
        {"key_id": str(UUID(int=2))},
        {"nonce": "D" * 22},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_signed_field_changes_the_signed_bytes(change: dict[str, Any]) -> None:
    assert parsed(message(**change)).digest != parsed(message()).digest


def test_the_signature_is_not_part_of_what_it_signs() -> None:
    assert parsed(message(signature="D" * 86)).digest == parsed(message()).digest


@pytest.mark.parametrize("field", list(GRANT))
def test_a_missing_envelope_field_is_named(field: str) -> None:
    assert field in refused(message(**{field: ...}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("process_id", "everything"),
        ("process_id", 7),
        ("actor", "Tom"),
        ("issued_at", "2026-03-02T09:00:00"),
        ("issued_at", 1_760_000_000),
        ("key_id", None),
        ("nonce", "C" * 21),
        ("nonce", "C" * 22 + "\n"),
        ("nonce", "C" * 21 + "="),
        ("nonce", "C" * 21 + "é"),
        ("signature", "B" * 85),
        ("signature", ""),
        ("command", "grant"),
        ("command", []),
    ],
)
def test_an_envelope_field_of_the_wrong_form_is_named(field: str, value: object) -> None:
    assert field in refused(message(**{field: value}))


def test_every_wrong_field_is_listed_at_once() -> None:
    found = refused(message(nonce="?", signature="?", colour="red"))

    assert set(found) == {"nonce", "signature", "colour"}
    assert found["colour"] == "'colour' is not a field of this form."


@pytest.mark.parametrize("field", ["colour", "people", "tenant", "by_operator", "now"])
def test_an_unknown_field_of_a_command_is_named(field: str) -> None:
    found = refused(command("grant", SHOWN, no_end=True, **{field: True}))

    assert found[field] == f"'{field}' is not a field of this form."


@pytest.mark.parametrize(
    "kind",
    ["tick", "expire", "close", "remind", "lapse", "Grant", "GRANT", "grant ", "", "__class__"],
)
def test_what_is_no_command_parses_into_nothing(kind: str) -> None:
    assert refused(command(kind, SHOWN)) == {"command.kind": "That is not a command."}


def test_the_clocks_tick_is_no_command_of_any_message() -> None:
    assert not issubclass(Tick, Command)
    assert Tick.kind not in FORMS


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("grant", {"no_end": True}),
        ("approve", {"no_end": True}),
        ("deny", {"reason": "No."}),
        ("change_end", {"no_end": True}),
        ("revoke", {"reason": "No."}),
    ],
)
def test_a_decision_without_what_was_shown_is_refused(kind: str, args: dict[str, Any]) -> None:
    found = refused(command(kind, None, **args))

    assert found == {"command.shown": "Say what you saw: shown is missing."}


@pytest.mark.parametrize("shown", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", 7])
def test_what_was_shown_is_a_digest(shown: object) -> None:
    said = message(command={"kind": "grant", "shown": shown, "args": {"no_end": True}})

    assert "command.shown" in refused(said)


@pytest.mark.parametrize("kind", ["grant", "withdraw"])
def test_what_was_shown_does_not_hide_among_the_arguments(kind: str) -> None:
    found = refused(command(kind, SHOWN, shown=SHOWN))

    assert found == {"command.args.shown": "'shown' is not a field of this form."}


def test_approve_means_grant() -> None:
    signed = parsed(command("approve", SHOWN, no_end=True))

    assert signed.command == Grant(no_end=True, shown=SHOWN)
    assert set(ALSO.values()) <= set(FORMS)


def test_approve_is_signed_as_it_was_written() -> None:
    signed = parsed(command("approve", SHOWN, no_end=True))

    assert b'"kind":"approve"' in signed.body


@pytest.mark.parametrize("kind", ["withdraw", "finish", "sign_out"])
def test_arguments_may_be_left_out_where_none_are_needed(kind: str) -> None:
    signed = parsed(message(command={"kind": kind}))

    assert signed.command == FORMS[kind]()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("deny", "denying this request"),
        ("revoke", "revoking this access"),
        ("revoke_key", "revoking this key"),
    ],
)
def test_a_missing_reason_is_asked_for_by_what_it_explains(kind: str, why: str) -> None:
    assert refused(command(kind, SHOWN)) == {"reason": f"Give a reason for {why}."}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        (command("deny", SHOWN), "reason"),
        (command("deny", SHOWN, reason=" \n"), "reason"),
        (command("revoke", SHOWN, reason=None), "reason"),
        (command("grant", SHOWN, ends_at="2026-04-01"), "ends_at"),
        (command("grant", SHOWN, ends_at=1_760_000_000), "ends_at"),
        (command("grant", SHOWN, no_end="yes"), "no_end"),
        (command("grant", SHOWN, no_end=1), "no_end"),
        (command("finish", for_all="all"), "for_all"),
        (command("begin_session", mode="root"), "mode"),
        (command("begin_session"), "mode"),
        (command("end_session", session="all"), "session"),
        (command("prove", proof="12345678"), "proof"),
        (command("begin", email="a@b", public_key=PUBLIC_KEY, client="laptop"), "email"),
        (command("begin", email=ELIZABETH.email, public_key="A", client="laptop"), "public_key"),
    ],
)
def test_an_argument_of_the_wrong_form_is_named(said: bytes, field: str) -> None:
    assert field in refused(said)


def submission(**changes: Any) -> bytes:
    """Return the bytes of a good submission with other arguments."""
    args = {"batch": str(BATCH), "name": NAME, "tenant": "tom-sawyer", "people": [str(CAROLINE.id)]}
    return command("submit", None, **{**args, **changes})


def test_a_submission_without_a_message_has_none() -> None:
    said = parsed(submission()).command

    assert isinstance(said, Submit)
    assert (said.message, said.organization) == (None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"people": []}, "people"),
        ({"people": [str(CAROLINE.id)] * 101}, "people"),
        ({"people": "all"}, "people"),
        ({"people": ["Caroline"]}, "people.0"),
        ({"name": "Support Access"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"tenant": "Tom Sawyer"}, "tenant"),
        ({"message": "x" * 2_001}, "message"),
        ({"batch": "first"}, "batch"),
        ({"organization": "Classics, Inc."}, "organization"),
        ({"ends_at": "2026-04-01T00:00:00Z"}, "ends_at"),
    ],
)
def test_a_submission_of_the_wrong_form_is_named(changes: dict[str, Any], field: str) -> None:
    assert field in refused(submission(**changes))


def test_a_key_is_compared_by_sixteen_digits_in_fours() -> None:
    digits = hashlib.sha256(bytes(32)).hexdigest()

    found = fingerprint("A" * 43)

    assert found == f"{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:16]}"


DECADES = timedelta(days=10_000)
INSTANTS = st.timedeltas(-DECADES, DECADES).map(lambda age: START + age)
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)
COMPOSED = partial(unicodedata.normalize, "NFC")
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join).map(COMPOSED)
REASONS = TEXTS.filter(lambda text: len(text) <= 500)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.text("abcXYZ019", min_size=1, max_size=64)
ENCODED = st.text("abcXYZ019-_", min_size=1, max_size=1_364)
ENDS = st.one_of(st.none(), INSTANTS)
COMMANDS: dict[type[Command], st.SearchStrategy[Command]] = {
    Submit: st.builds(
        Submit,
        batch=st.uuids(),
        name=NAMES,
        message=st.none() | REASONS,
        tenant=st.sampled_from(["tom-sawyer", "hundred-acre", "a", "0-0"]),
        people=st.lists(st.uuids(), min_size=1, max_size=4).map(tuple),
        organization=st.none() | st.just("classics"),
    ),
    Grant: st.builds(
        Grant, shown=DIGESTS, message=st.none() | REASONS, ends_at=ENDS, no_end=st.booleans()
    ),
    Deny: st.builds(Deny, shown=DIGESTS, reason=REASONS),
    Withdraw: st.just(Withdraw()),
    ChangeEnd: st.builds(ChangeEnd, shown=DIGESTS, ends_at=ENDS, no_end=st.booleans()),
    Revoke: st.builds(Revoke, shown=DIGESTS, reason=REASONS),
    Finish: st.builds(Finish, for_all=st.booleans()),
    BeginSession: st.builds(BeginSession, mode=st.sampled_from(Mode)),
    EndSession: st.builds(EndSession, session=st.uuids()),
    Begin: st.builds(
        Begin, email=st.just(ELIZABETH.email), public_key=st.just(PUBLIC_KEY), client=NAMES
    ),
    Prove: st.builds(Prove, proof=DIGESTS),
    SignOut: st.just(SignOut()),
    RevokeKey: st.builds(RevokeKey, reason=REASONS),
    AddPasskey: st.builds(
        AddPasskey,
        credential=ENCODED,
        public_key=ENCODED,
        sign_count=st.integers(0, LARGEST_COUNT),
        name=NAMES,
    ),
    RemovePasskey: st.builds(RemovePasskey, passkey=st.uuids()),
}


SAID_BY_ANYBODY: dict[str, Any] = {
    "said": st.one_of(*COMMANDS.values()),
    "process": st.uuids(),
    "actor": st.none() | st.uuids(),
    "at": INSTANTS,
    "shuffle": st.randoms(use_true_random=False),
}


@settings(max_examples=400, deadline=None)
@given(**SAID_BY_ANYBODY)
def test_client_and_server_sign_the_same_bytes(
    said: Command, process: UUID, actor: UUID | None, at: datetime, shuffle: Any
) -> None:
    meant, read = written_and_read(said, process, actor, at, shuffle)

    assert read == meant


def written_and_read(
    said: Command, process: UUID, actor: UUID | None, at: datetime, shuffle: Any
) -> tuple[Sequence[object], Sequence[object]]:
    """Return what a client means and signs, and what the door reads, whatever the order of keys."""
    body = unsigned(process, said, actor=actor, issued_at=at, key=KEY, nonce=NONCE)
    message = [*body.items(), ("signature", SIGNATURE)]
    shuffle.shuffle(message)
    signed = parsed(json.dumps(dict(message), indent=1).encode())
    meant = (canonical.canonical(body), said, type(said), process, actor, at)
    command = signed.command
    read = (signed.body, command, type(command), signed.process, signed.actor, signed.issued_at)
    return meant, read


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=4,
)
FIELDS = st.sampled_from(
    ["kind", "shown", "args", "people", "ends_at", "message", "tenant", "batch", "email", "mode"]
)


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(list(FORMS)),
    envelope=st.dictionaries(st.sampled_from(list(GRANT)), JUNK, max_size=2),
    body=st.dictionaries(FIELDS, JUNK, max_size=2),
    args=st.dictionaries(FIELDS, JUNK, max_size=2),
)
def test_whatever_is_sent_is_read_or_refused(
    kind: str, envelope: dict[str, Any], body: dict[str, Any], args: dict[str, Any]
) -> None:
    said = {"kind": kind, "shown": SHOWN, "args": args, **body}

    try:
        signed = parsed(message(**{"command": said, **envelope}))
    except InvalidDecisionError:
        return

    assert type(signed.command) in FORMS.values()


def test_every_kind_of_command_is_among_the_generated_ones() -> None:
    assert set(COMMANDS) == set(FORMS.values())


def test_the_last_readable_end_is_signed_and_read_alike() -> None:
    said = Grant(ends_at=datetime.max.replace(tzinfo=UTC), shown=SHOWN)
    body = unsigned(PROCESS, said, actor=TOM.id, issued_at=START, key=KEY, nonce=NONCE)

    signed = parsed(canonical.canonical({**body, "signature": SIGNATURE}))

    assert signed.command == said


def test_an_end_with_another_offset_is_the_same_instant() -> None:
    said = command("grant", SHOWN, ends_at="2026-04-01T11:00:00+02:00")

    grant = parsed(said).command

    assert isinstance(grant, Grant)
    assert grant.ends_at == START + timedelta(days=30)
    assert grant.ends_at is not None
    assert grant.ends_at.tzinfo is UTC
