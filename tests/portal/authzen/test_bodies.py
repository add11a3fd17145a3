"""What bodies may be: one JSON object that every reader reads alike, and not too much of it."""

import json
from collections.abc import AsyncIterator

import pytest

from portal.authzen.problems import ProblemError
from portal.authzen.strict_json import DEEPEST, parsed
from tests.portal.authzen.asking import Program, question

GOOD = json.dumps(question()).encode()


def nested(levels: int) -> bytes:
    """Return an object of so many levels."""
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{bad", "It is not valid JSON."),
        (b"", "It is not valid JSON."),
        (b"null", "The body must be a JSON object."),
        (b"[]", "The body must be a JSON object."),
        (b'"canary"', "The body must be a JSON object."),
        (b'{"a": 1, "a": 2}', "An object has the same name twice."),
        (b'{"a": [{"b": 1, "b": 1}]}', "An object has the same name twice."),
        (b'{"a": 1, "\\u0061": 2}', "An object has the same name twice."),
        (b'{"a": NaN}', "A number is not finite."),
        (b'{"a": -Infinity}', "A number is not finite."),
        (b'{"a": 1e999}', "A number is not finite."),
        (b'{"a": ' + b"9" * 5000 + b"}", "It is not valid JSON."),
        (b'{"a": "\\ud800"}', "A text is not valid Unicode."),
        (b'{"\\udfff": 1}', "A text is not valid Unicode."),
        (b'{"a": "\xff"}', "It is not valid JSON."),
        (b"\xef\xbb\xbf{}", "It is not valid JSON."),
        (b'{"a": 1} {"a": 2}', "It is not valid JSON."),
        (b"{'a': 1}", "It is not valid JSON."),
        (b'{"a": 1,}', "It is not valid JSON."),
        (nested(DEEPEST + 1), "The body is nested deeper than 16 levels."),
        (b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "It is not valid JSON."),
    ],
)
def test_a_body_that_is_not_one_plain_object_is_refused(body: bytes, sentence: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        parsed(body)

    assert refusal.value.status == 400
    assert refusal.value.detail.endswith(sentence)


@pytest.mark.parametrize(
    "body", [b"{}", b' {"a": null}\n', b'{"a": "\\ud83d\\ude00"}', nested(DEEPEST), GOOD]
)
def test_a_plain_object_is_read(body: bytes) -> None:
    assert parsed(body) == json.loads(body)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{bad", {}, 400),
        (b"", {}, 400),
        (GOOD, {"content_type": "text/plain"}, 400),
        (GOOD, {"content_type": "application/x-www-form-urlencoded"}, 400),
        (GOOD, {"content_type": "application/json; charset=utf-8"}, 200),
        (GOOD, {"content_encoding": "gzip"}, 415),
        (GOOD, {"content_length": "x"}, 400),
        (GOOD, {"content_length": "1" * 400}, 413),
        (b'{"a": "' + b"x" * 64_000 + b'"}', {}, 413),
        (GOOD[:-1] + b"," + b" " * 63_000 + b'"a": 1}', {}, 200),
    ],
)
async def test_a_body_is_taken_within_its_limits(
    program: Program, content: bytes, headers: dict[str, str], status: int
) -> None:
    found = await program.post("evaluation", content=content, **headers)

    assert found.status_code == status, found.text


async def test_a_body_in_pieces_ends_at_the_limit(program: Program) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 8_000

    found = await program.client.post(
        "/access/v1/evaluation",
        content=pieces(),
        headers={
            "authorization": f"Bearer {program.token}", "content-type": "application/json",
        },
    )  # fmt: skip

    assert found.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/access/v1/evaluation", 405),
        ("TRACE", "/access/v1/evaluation", 405),
        ("POST", "/.well-known/authzen-configuration", 405),
        ("POST", "/access/v1/", 404),
        ("POST", "/access/v1/evaluation/", 404),
        ("POST", "/access/v1/nothing", 404),
        ("GET", "/access/v1", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/access/v1/docs", 404),
    ],
)
async def test_other_addresses_and_methods_are_answered_as_such(
    program: Program, method: str, path: str, status: int
) -> None:
    found = await program.client.request(method, path)

    assert found.status_code == status
    if status == 405:
        assert found.headers["allow"] == ("GET" if "well-known" in path else "POST")
