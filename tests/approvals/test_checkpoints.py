"""Files of checkpoints: a good one tells all heads, and whatever is done to one is found."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from approvals.checkpoints import Checkpoint, Head, Heads, Published, descent, stated
from identity.signing import Ed25519Signatures, SigningKey
from tests.factories import START, make_id

OURS, OTHER = SigningKey.fresh(), SigningKey.fresh()
A, B = make_id("a"), make_id("b")
STEPS: tuple[Heads, ...] = (
    {A: (1, "a" * 64)},
    {A: (3, "b" * 64), B: (1, "c" * 64)},
    {B: (2, "d" * 64)},
)
Lines = list[str]


def blank() -> Published:
    """Return the judge of a file, who knows our key."""
    return Published(Ed25519Signatures(), frozenset([OURS.public]))


def written(steps: tuple[Heads, ...] = STEPS, key: SigningKey = OURS) -> Lines:
    """Return the lines of a file whose checkpoints saw these changes."""
    seen = blank()
    heads: Heads = {}
    lines: Lines = []
    for minute, changes in enumerate(steps):
        heads |= changes
        changed = [Head(process=one, seq=seq, hash=found)
                   for one, (seq, found) in sorted(changes.items())]  # fmt: skip
        at = START + timedelta(minutes=minute)
        statement = stated(seen.last, heads, changed, key.public, at)
        signature = key.signature(statement.body)
        made = Checkpoint(statement=statement, heads=tuple(changed), signature=signature)
        seen.add([made.line])
        lines.append(made.line)
    return lines


def judged(lines: Lines) -> list[str]:
    """Return what is wrong with a file."""
    found = blank()
    found.add(lines)
    return found.breaches + found.root_breaches()


def edited(line: str, edit: Callable[[dict[str, Any]], object]) -> str:
    """Return a line after a change of its JSON."""
    document = json.loads(line)
    edit(document)
    return json.dumps(document)


def test_a_good_file_tells_all_heads_of_each_moment() -> None:
    found = blank()
    found.add(written())

    assert found.breaches + found.root_breaches() == []
    assert found.heads == {A: (3, "b" * 64), B: (2, "d" * 64)}
    assert found.wanted[A] == {1: ("a" * 64, 1), 3: ("b" * 64, 2)}


def test_an_empty_file_is_good_and_says_nothing() -> None:
    assert judged([]) == []


ATTACKS: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "no JSON": (lambda all_: [*all_[:1], "x", *all_[1:]], "its line cannot be read"),
    "line left out": (lambda all_: [all_[0], all_[2]], "lines are missing or out of order"),
    "first line left out": (lambda all_: all_[1:], "lines are missing or out of order"),
    "lines swapped": (lambda all_: [all_[0], all_[2], all_[1]], "does not follow"),
    "line twice": (lambda all_: [*all_, all_[2]], "lines are missing or out of order"),
    "time changed": (
        lambda all_: [*all_[:2], edited(all_[2], lambda d: d["statement"].update(
            at="2026-03-02T10:00:00Z"))],
        "the signature does not hold",
    ),
    "head changed": (
        lambda all_: [*all_[:2], edited(all_[2], lambda d: d["heads"][0].update(seq=1))],
        "the heads that it lists were changed",
    ),
    "head left out": (
        lambda all_: [*all_[:2], edited(all_[2], lambda d: d["heads"].clear())],
        "the heads that it lists were changed",
    ),
    "signature changed": (
        lambda all_: [*all_[:2], edited(all_[2], lambda d: d.update(signature="A" * 86))],
        "the signature does not hold",
    ),
    "signature without form": (
        lambda all_: [*all_[:2], edited(all_[2], lambda d: d.update(signature="?"))],
        "the signature does not hold",
    ),
    "another key": (lambda _: written(key=OTHER), "a key that is not ours"),
    "another start": (
        lambda all_: [written(({B: (9, "e" * 64)},))[0], *all_[1:]],
        "it does not follow the checkpoint before it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_the_file_is_found(attack: str) -> None:
    change, sentence = ATTACKS[attack]

    breaches = judged(change(written()))

    assert any(sentence in one for one in breaches), breaches


def test_a_root_that_heads_do_not_give_is_found() -> None:
    heads: Heads = {A: (1, "a" * 64)}
    listed = [Head(process=A, seq=1, hash="a" * 64)]
    wrong = stated(None, {**heads, B: (1, "b" * 64)}, listed, OURS.public, START)
    line = Checkpoint(
        statement=wrong, heads=tuple(listed), signature=OURS.signature(wrong.body)
    ).line

    assert judged([line]) == ["checkpoint 1: its heads do not give its root."]


@pytest.mark.parametrize(
    ("hashes", "sentence"),
    [
        ({1: "x", 2: "y"}, None),
        ({1: "x", 2: "y", 3: "z"}, None),
        ({1: "x"}, "ends before entry 2, which checkpoint 7 saw"),
        ({1: "x", 2: "other"}, "entry 2 is not the one that checkpoint 7 saw"),
        ({}, "checkpoint 5 saw its chain, and it is gone"),
    ],
)
def test_a_chain_must_descend_from_what_was_published(
    hashes: dict[int, str], sentence: str | None
) -> None:
    process = UUID(int=7)

    found = descent(process, hashes, {1: ("x", 5), 2: ("y", 7)})

    if sentence is None:
        assert found == ()
    else:
        assert len(found) == 1
        assert sentence in found[0]
