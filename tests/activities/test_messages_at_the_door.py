"""What arrives at the one door in whatever shape: judged by its canonical form, never a fault."""

import json

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from approvals.tenant_access.commands import Grant
from tests.factories import TOM
from tests.store.rows import rows_of
from tests.stored_life import END, StoredLife, code_of, raw

GRANT = Grant(ends_at=END)


async def test_a_message_that_has_no_canonical_form_is_refused(life: StoredLife) -> None:
    await life.submitted()
    said = (await life.signed(TOM, Grant(message="Hello", ends_at=END))).decode()
    broken = {
        "duplicate key": said.replace('"actor"', '"nonce":"AAAAAAAAAAAAAAAAAAAAAA","actor"', 1),
        "float": said.replace('"Hello"', "1.0"),
        "2^53": said.replace('"Hello"', str(2**53)),
        "lone surrogate": said.replace('"Hello"', '"\\ud800"'),
        "no JSON": said[:-1],
        "not UTF-8": "",
        "a list": f"[{said}]",
        "too large": said.replace('"Hello"', f'"{"x" * 64_000}"'),
    }

    codes = {
        name: code_of(await life.hears(one.encode() or b"\xff\xfe")) for name, one in broken.items()
    }

    assert codes == dict.fromkeys(broken, "invalid_decision")
    assert (await life.request()).version == 1


async def test_the_order_of_keys_and_blanks_between_them_do_not_matter(life: StoredLife) -> None:
    await life.submitted()
    body = json.loads(await life.signed(TOM, GRANT))
    shuffled = json.dumps(dict(reversed(body.items())), indent=2).encode()

    outcome = await life.hears(shuffled)

    assert (code_of(outcome), outcome.status) == (None, "granted")


async def test_what_only_the_clock_may_do_is_no_command(life: StoredLife) -> None:
    await life.submitted()
    body = json.loads(await life.signed(TOM, GRANT))
    messages = [
        life.resigned(TOM, {**body, "command": {"kind": kind, "shown": None, "args": {}}})
        for kind in ("tick", "expire", "close", "remind", "lapse")
    ]

    codes = [code_of(await life.hears(one)) for one in messages]

    assert codes == ["invalid_decision"] * 5
    assert (await life.request()).version == 1


async def test_bytes_that_are_no_delivery_fail_once_and_for_good(life: StoredLife) -> None:
    for given in (
        raw(None),
        raw("grant"),
        raw({"process": "x"}),
        raw([1]),
        RawValue(Payload(data=b"\xff")),
    ):
        with pytest.raises(ApplicationError) as caught:
            await life.door.commit(given)

        assert caught.value.type == "invalid_input"
        assert caught.value.non_retryable


async def test_a_signal_is_recorded_as_one_and_may_say_approve(life: StoredLife) -> None:
    await life.submitted()
    body = json.loads(await life.signed(TOM, GRANT))
    body["command"]["kind"] = "approve"

    outcome = await life.hears(life.resigned(TOM, body), by_signal=True)

    assert outcome.status == "granted"
    assert [one["channel"] for one in await rows_of(life.engines, "audit")] == ["cli", "signal"]
