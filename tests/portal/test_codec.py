"""Temporal's screen and the text of payloads: for operators who are signed in, from its address."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.contrib.pydantic import pydantic_data_converter

from approvals.delivery import Start
from config.payloads import EncryptedPayloads, KeyRing
from config.settings import Settings
from portal.authzen import strict_json
from starter import payload_keys
from tests.factories import MARY, TOM
from tests.installation import Installation
from tests.portal.site import PATIENCE, Browser, Site
from workflows.options import LIMIT

SCREEN = "http://127.0.0.1:8233"
FROM_SCREEN = {"origin": SCREEN, "x-namespace": "default", "sec-fetch-site": "same-site"}
SAID = b'"She left early."'
PROBLEM = "application/problem+json"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The portal's settings in a stack with Temporal's screen and a key for payloads."""
    payload_keys.ensure(settings.payload_keys)
    return settings.model_copy(update={"temporal_ui_url": SCREEN})


PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=SAID)


async def sealed(keys: Path, plain: Payload = PLAIN) -> dict[str, Any]:
    encoded = await EncryptedPayloads(KeyRing(keys)).encode([plain])
    said: dict[str, Any] = MessageToDict(Payloads(payloads=encoded))
    return said


async def test_an_operator_sees_the_text_on_temporals_screen(
    still: Site, settings: Settings
) -> None:
    browser = await still.signed_in(MARY)
    question = await sealed(settings.payload_keys)

    answer = await browser.client.post("/codec/decode", json=question, headers=FROM_SCREEN)

    assert answer.status_code == 200
    assert b"She left early." not in json.dumps(question).encode()
    assert [_payload(one) for one in answer.json()["payloads"]] == [PLAIN]
    assert answer.headers["access-control-allow-origin"] == SCREEN
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_what_no_key_opens_stays_as_it_is(still: Site) -> None:
    browser = await still.signed_in(MARY)
    foreign = {"payloads": [{"metadata": {"encoding": "YmluYXJ5L2VuY3J5cHRlZA=="}, "data": "AAAA"}]}

    answer = await browser.client.post("/codec/decode", json=foreign, headers=FROM_SCREEN)

    assert answer.json() == foreign


async def test_nobody_else_gets_the_text(still: Site, settings: Settings) -> None:
    question = await sealed(settings.payload_keys)
    browsers: list[Browser] = [still.browser(), await still.signed_in(TOM)]

    answers = [
        await one.client.post("/codec/decode", json=question, headers=FROM_SCREEN)
        for one in browsers
    ]

    assert [one.status_code for one in answers] == [401, 404]
    assert all(SAID not in one.content for one in answers)
    assert answers[0].headers["www-authenticate"] == "Cookie"
    assert [one.json()["detail"] for one in answers] == [
        "Sign in at the portal in this browser first.",
        "There is nothing here, or you may not see it.",
    ]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_no_other_site_may_ask(still: Site, settings: Settings, origin: str | None) -> None:
    browser = await still.signed_in(MARY)
    headers = {} if origin is None else {"origin": origin}

    asked = await browser.client.options("/codec/decode", headers=headers)
    answer = await browser.client.post(
        "/codec/decode", json=await sealed(settings.payload_keys), headers=headers
    )

    assert (asked.status_code, answer.status_code) == (404, 404)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["content-type"] == PROBLEM


async def test_a_browser_is_told_that_the_screen_may_ask(still: Site) -> None:
    answer = await still.browser().client.options("/codec/decode", headers=FROM_SCREEN)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == SCREEN
    assert "content-type" in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"payloads": 1}', "application/json", 400),
        (b'{"payloads": []}', "text/plain", 415),
        (b" " * 200_001, "application/json", 413),
    ],
    ids=["cut", "no UTF-8", "another shape", "another kind", "too large"],
)
async def test_what_is_no_question_is_refused(
    still: Site, body: bytes, kind: str, status: int
) -> None:
    browser = await still.signed_in(MARY)
    headers = {**FROM_SCREEN, "content-type": kind}

    answer = await browser.client.post("/codec/decode", content=body, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["access-control-allow-origin"] == SCREEN  # so that it can say what it is
    assert (answer.json()["type"], answer.json()["status"]) == ("about:blank", status)


async def test_a_question_that_never_ends_is_given_up(
    still: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_json, "SECONDS", 0.05)
    browser = await still.signed_in(MARY)
    headers = {**FROM_SCREEN, "content-type": "application/json"}

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(PATIENCE)

    answer = await browser.client.post("/codec/decode", content=slow(), headers=headers)

    assert answer.status_code == 408
    assert answer.json()["detail"] == "The body did not arrive in time."


async def test_the_longest_message_of_a_history_can_be_decoded(
    still: Site, settings: Settings
) -> None:
    browser = await still.signed_in(MARY)
    start = Start(process=uuid4(), submission=b'"' * LIMIT)
    [plain] = pydantic_data_converter.payload_converter.to_payloads([start])
    question = await sealed(settings.payload_keys, plain)

    answer = await browser.client.post("/codec/decode", json=question, headers=FROM_SCREEN)

    assert answer.status_code == 200
    assert [_payload(one) for one in answer.json()["payloads"]] == [plain]


async def test_without_a_screen_there_is_no_such_page(
    installation: Installation, settings: Settings
) -> None:
    site = Site(installation, settings.model_copy(update={"temporal_ui_url": None}), None)

    answer = await site.browser().client.post("/codec/decode", json={}, headers=FROM_SCREEN)

    assert answer.status_code == 404
    await site.close()


def _payload(said: dict[str, Any]) -> Payload:
    return ParseDict(said, Payload())
