"""A proof that somebody made up: whatever its JSON says, the answer is sentences."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from approvals.audit import GENESIS, AuditEntry
from approvals.canonical import canonical
from approvals.checkpoints import Head, leaves_of, stated
from approvals.commands import Command, unsigned
from approvals.merkle import inclusion
from approvals.proof import Coverage, KeyFacts, Place, ProofPack, SignedCommand, judged
from approvals.sign_in.commands import Prove
from approvals.tenant_access.commands import Grant
from approvals.transition import EnrolledKey
from identity.signing import Ed25519Signatures, SigningKey, fresh_nonce
from tests.factories import PROCESS, START, TOM, make_id

KEY, CHECKPOINTS = SigningKey.fresh(), SigningKey.fresh()
SIGN_IN = make_id("sign-in")
SIGNATURES = Ed25519Signatures()
TRUSTED = frozenset([CHECKPOINTS.public])


def _said(process: Any, command: Command, event: str) -> tuple[SignedCommand, AuditEntry]:
    actor = None if process == SIGN_IN else TOM.id
    nonce = fresh_nonce()
    body = canonical(
        unsigned(process, command, actor=actor, issued_at=START, key=SIGN_IN, nonce=nonce)
    )
    said = SignedCommand(body=body.decode(), signature=KEY.signature(body))
    entry = AuditEntry(
        process=process, seq=1, version=1, at=START, actor=TOM.id, channel="cli", key=SIGN_IN,
        nonce=nonce, command=said.digest, event=event, reason=None, state=GENESIS,
        previous=GENESIS,
    )  # fmt: skip
    return said, entry.sealed()


def made() -> ProofPack:
    """Return the proof of one grant, by a key that one sign-in enrolled."""
    granted, entry = _said(PROCESS, Grant(no_end=True, shown=GENESIS), "granted")
    proved, enrolled = _said(SIGN_IN, Prove(proof=GENESIS), "enrolled")
    key = EnrolledKey(
        id=SIGN_IN, person=TOM.id, public_key=KEY.public, channel="cli", client="laptop",
        enrolled_at=START, expires_at=START + timedelta(hours=12),
    )  # fmt: skip
    heads = {one.process: (1, one.hash) for one in (entry, enrolled)}
    statement = stated(None, heads, [], CHECKPOINTS.public, START)
    places = {
        one: Place(
            head=Head(process=one, seq=seq, hash=said),
            proof=inclusion(leaves_of(heads), sorted(heads).index(one)),
        )
        for one, (seq, said) in heads.items()
    }
    signature = CHECKPOINTS.signature(statement.body)
    covered = Coverage(statement=statement, signature=signature, **dict(places[PROCESS]))
    return ProofPack(
        process=PROCESS, made_at=START, entries=(entry,), commands=(granted,),
        keys=(KeyFacts(key=key, enrolment=(enrolled,), commands=(proved,), place=places[SIGN_IN]),),
        checkpoint=covered,
    )  # fmt: skip


GOOD = made().model_dump_json()
Path = tuple[str | int, ...]


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Yield the way to everything in a document."""
    if here:
        yield here
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(one, (*here, name))


def put(document: Any, path: Path, value: Any) -> None:
    """Set one value of a document."""
    *steps, last = path
    for step in steps:
        document = document[step]
    document[last] = value


def resealed(pack: Any) -> None:
    """Let the entry name the command as it is now, so that it is looked at."""
    entry = AuditEntry.model_validate(pack["entries"][0])
    digest = SignedCommand.model_validate(pack["commands"][0]).digest
    sealed = entry.model_copy(update={"command": digest}).sealed()
    pack["entries"][0] = sealed.model_dump(mode="json")


def sentences(text: str) -> tuple[str, ...] | None:
    """Judge a proof's text; None for what has not its form."""
    try:
        pack = ProofPack.model_validate_json(text)
    except ValidationError:
        return None
    return judged(pack, SIGNATURES, TRUSTED).breaches


ODD = (
    "", "0", "\x00", "\x1b[2J", "A" * 43, "0" * 64, "2026-01-01T00:00:00",
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    str(PROCESS), "[" * 2000, 0, -1, 2**63, 10**400, 1e308, True, None,
)  # fmt: skip
ANYTHING = st.sampled_from(ODD) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PATHS = sorted(paths(json.loads(GOOD)), key=str)
BODY = json.loads(made().commands[0].body)
IN_BODY = sorted(paths(BODY), key=str)


def test_a_good_proof_holds() -> None:
    assert sentences(GOOD) == ()


@given(path=st.sampled_from(PATHS), value=ANYTHING)
def test_whatever_stands_in_a_proof_it_is_read_or_judged(path: Path, value: Any) -> None:
    pack = json.loads(GOOD)
    put(pack, path, value)

    found = sentences(json.dumps(pack))

    assert found is None or all(one.endswith(".") for one in found)


@given(path=st.sampled_from(IN_BODY), value=ANYTHING, is_removed=st.booleans())
def test_whatever_a_command_says_it_is_judged(path: Path, value: Any, is_removed: bool) -> None:
    body = json.loads(json.dumps(BODY))
    put(body, path, value)
    if is_removed:
        body.pop(path[0])
    pack = json.loads(GOOD)
    pack["commands"][0]["body"] = json.dumps(body)
    resealed(pack)

    found = sentences(json.dumps(pack))

    assert found


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", '"x"', "{}", "[" * 100_000, '{"command":' * 50_000,
        '{"command":{"args":{}}}', '{"command":[],"process_id":1,"issued_at":"x"}',
    ],
)  # fmt: skip
def test_a_command_of_another_shape_cannot_be_read(body: str) -> None:
    pack = json.loads(GOOD)
    for commands in (pack["commands"], pack["keys"][0]["commands"]):
        commands[0]["body"] = body
    resealed(pack)

    found = sentences(json.dumps(pack))

    assert found is not None
    assert any(one.endswith("its command cannot be read.") for one in found)
    assert f"key {SIGN_IN}: the proof of its mailed code is missing." in found


@pytest.mark.parametrize("issued_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_command_of_the_first_or_last_day_is_not_fresh(issued_at: str) -> None:
    pack = json.loads(GOOD)
    pack["commands"][0]["body"] = json.dumps({**BODY, "issued_at": issued_at})
    resealed(pack)

    found = sentences(json.dumps(pack))

    assert found is not None
    assert any("not fresh when it was taken" in one for one in found)


@pytest.mark.parametrize(
    "path",
    [("entries", 0, "at"), ("keys", 0, "key", "expires_at"), ("checkpoint", "statement", "at")],
)
def test_an_instant_without_an_offset_is_no_proof(path: Path) -> None:
    pack = json.loads(GOOD)
    put(pack, path, "2026-01-01T00:00:00")

    assert sentences(json.dumps(pack)) is None


def test_a_proof_without_a_checkpoint_shows_nothing() -> None:
    pack = json.loads(GOOD)
    pack["checkpoint"] = None

    found = sentences(json.dumps(pack))

    assert found is not None
    assert found[0].startswith("the proof holds no checkpoint: nothing shows that any of it")
