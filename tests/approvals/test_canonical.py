"""Canonical JSON: one form for one meaning, and a clear no to what has none."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.canonical import DEPTH, LIMIT, canonical, digest, flat, parsed
from approvals.errors import InvalidDecisionError

LARGEST = 2**53 - 1

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
ASCII = st.text(st.characters(max_codepoint=127), max_size=8)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


def nested(depth: int) -> bytes:
    """Return an object that holds so many lists in each other."""
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b'{"a":1,"a":1}', id="duplicate key"),
        pytest.param(b'{"b":{"a":1,"a":2}}', id="duplicate key inside"),
        pytest.param(b'{"b":[{"a":1,"a":2}]}', id="duplicate key in a list"),
        pytest.param(b'{"a":1,"\\u0061":1}', id="duplicate key, written differently"),
        pytest.param(b'{"a":1.0}', id="float"),
        pytest.param(b'{"a":1e2}', id="exponent"),
        pytest.param(b'{"a":1E400}', id="infinite exponent"),
        pytest.param(b'{"a":NaN}', id="not a number"),
        pytest.param(b'{"a":-Infinity}', id="infinity"),
        pytest.param(b'{"a":9007199254740992}', id="2^53"),
        pytest.param(b'{"a":-9007199254740992}', id="-2^53"),
        pytest.param(b'{"a":' + b"9" * 5_000 + b"}", id="5,000 digits"),
        pytest.param(b'{"a":"\\ud800"}', id="lone high surrogate"),
        pytest.param(b'{"a":"\\udc00x"}', id="lone low surrogate"),
        pytest.param(b'{"\\ud800":1}', id="lone surrogate in a key"),
        pytest.param(nested(DEPTH + 1), id="one too deep"),
        pytest.param(nested(15_000), id="far too deep"),
        pytest.param(b'{"a":' + b"[" * 50_000, id="far too deep and unfinished"),
        pytest.param(b'{"a":"' + b"x" * LIMIT + b'"}', id="too large"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"a"', id="text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="unfinished"),
        pytest.param(b"{} {}", id="two objects"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b"\xed\xa0\x80", id="surrogate in UTF-8"),
        pytest.param(b"\x00", id="NUL"),
    ],
)
def test_what_has_no_single_form_is_refused(said: bytes) -> None:
    with pytest.raises(InvalidDecisionError) as refusal:
        parsed(said)

    assert [field for field, _ in refusal.value.fields] == ["json"]


@pytest.mark.parametrize("said", [b'{"secret":1.5}', b'{"secret":"\\ud800"}', b'{"secret"'])
def test_a_refusal_does_not_repeat_the_input(said: bytes) -> None:
    with pytest.raises(InvalidDecisionError) as refusal:
        parsed(said)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (b'{"a":9007199254740991}', {"a": LARGEST}),
        (b' {"a" : [true, null, -0]} ', {"a": [True, None, 0]}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b"{}", {}),
    ],
)
def test_what_has_one_form_is_read(said: bytes, value: dict[str, Any]) -> None:
    assert parsed(said) == value


def test_the_deepest_message_is_read() -> None:
    assert canonical(parsed(nested(DEPTH))) == nested(DEPTH)


def test_the_largest_message_is_read() -> None:
    said = b'{"a":"' + b"x" * (LIMIT - 8) + b'"}'

    assert len(said) == LIMIT
    assert canonical(parsed(said)) == said


@pytest.mark.parametrize("value", [1.5, 2**53, "\ud800", float("nan"), float("inf")])
def test_nothing_is_written_that_would_not_be_read(value: object) -> None:
    with pytest.raises(InvalidDecisionError):
        canonical({"a": value})


def test_keys_are_sorted_by_utf_16_units_not_by_code_points() -> None:
    written = canonical({"\ufb33": 1, "\U0001f600": 2, "a": 3})

    assert written.decode() == '{"a":3,"\U0001f600":2,"\ufb33":1}'


@settings(max_examples=200, deadline=None)
@given(value=OBJECTS, shuffle=st.randoms(use_true_random=False))
def test_shuffled_keys_give_equal_bytes(value: dict[str, Any], shuffle: Any) -> None:
    keys = list(value)
    shuffle.shuffle(keys)

    shuffled = {key: value[key] for key in keys}

    assert canonical(shuffled) == canonical(value)
    assert canonical(parsed(json.dumps(shuffled).encode())) == canonical(value)
    assert digest(shuffled) == digest(value)


@settings(max_examples=200, deadline=None)
@given(value=OBJECTS)
def test_writing_and_reading_again_loses_nothing(value: dict[str, Any]) -> None:
    written = canonical(value)

    assert parsed(written) == value
    assert canonical(parsed(written)) == written


@settings(max_examples=200, deadline=None)
@given(said=st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(said: bytes) -> None:
    try:
        value = parsed(said)
    except InvalidDecisionError:
        return

    assert canonical(value)


@given(st.dictionaries(ASCII, st.none() | st.integers(-LARGEST, LARGEST) | st.text(), max_size=9))
def test_flat_objects_are_written_faster_and_not_otherwise(
    value: dict[str, str | int | None],
) -> None:
    assert flat(value) == canonical(value)


def test_a_flat_object_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(InvalidDecisionError):
        flat({"reason": "\ud800"})
