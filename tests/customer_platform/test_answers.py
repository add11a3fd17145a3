"""Strange answers, slow ones and hostile ones: each means one of two things, and leaks nothing."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from approvals.platform import PlatformAway, PlatformRefused
from customer_platform.platform import HttpCustomerPlatform
from tests.customer_platform.customers import JIM, PBX_SECRET, adapter_to, make_customer
from tests.customer_platform.running import CLIENT_SECRET, RunningPlatform, serving

Answers = Callable[[Request], Awaitable[Response]]
TOKEN = {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "refresh_token": "r"}


def always(answer: Response) -> Answers:
    """Answer the same to everything."""

    async def answered(_request: Request) -> Response:
        return answer

    return answered


def strange(answer: Answers, token: Answers | None = None) -> Starlette:
    """Return a platform that gives tokens and answers everything else as it likes."""
    return Starlette(
        routes=[
            Route("/oauth/token", token or always(JSONResponse(TOKEN)), methods=["POST"]),
            Route("/{rest:path}", answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )


async def trouble_with(app: Starlette, seconds: float = 1.0) -> PlatformAway | PlatformRefused:
    """Create a customer on such a platform and return what is raised."""
    with serving(app) as address:
        adapter = adapter_to(address, seconds=seconds)
        with pytest.raises((PlatformAway, PlatformRefused)) as trouble:
            await adapter.create_customer(make_customer())
        await adapter.close()
    assert isinstance(trouble.value, PlatformAway | PlatformRefused)
    assert trouble.value.__cause__ is None
    return trouble.value


@pytest.mark.parametrize("status", [401, 408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_asked_again(status: int) -> None:
    trouble = await trouble_with(strange(always(PlainTextResponse("no", status))))

    assert isinstance(trouble, PlatformAway)
    assert f"HTTP {status}" in trouble.sentence


@pytest.mark.parametrize("status", [302, 400, 403, 404, 405, 410, 413, 415, 422])
async def test_what_does_not_pass_is_final(status: int) -> None:
    trouble = await trouble_with(strange(always(PlainTextResponse("no", status))))

    assert isinstance(trouble, PlatformRefused)
    assert trouble.code == "refused"
    assert trouble.sentence == f"The customer platform says: HTTP {status}."


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>Please sign in</html>", b"[]", b'{"id": "here"}', b'{"id": null}', b"\xff\xfe"],
)
async def test_an_answer_that_nobody_can_read_settles_nothing(body: bytes) -> None:
    trouble = await trouble_with(strange(always(Response(body, 201))))

    assert isinstance(trouble, PlatformAway)
    assert "cannot read" in trouble.sentence


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (JSONResponse({"error": "invalid_client"}, 401), PlatformRefused),
        (JSONResponse({"error": "unauthorized_client"}, 400), PlatformRefused),
        (JSONResponse({"error": "slow_down"}, 429), PlatformAway),
        (PlainTextResponse("Too many", 429), PlatformAway),
        (PlainTextResponse("Bad gateway", 502), PlatformAway),
        (PlainTextResponse("<html>", 200), PlatformAway),
        (JSONResponse({}), PlatformAway),
        (JSONResponse([]), PlatformAway),
        (JSONResponse({**TOKEN, "access_token": None}), PlatformAway),
        (JSONResponse({**TOKEN, "token_type": "mac"}), PlatformAway),
        (JSONResponse({**TOKEN, "expires_in": "soon"}), PlatformAway),
    ],
)
async def test_a_token_endpoint_may_be_strange_too(answer: Response, kind: type[Exception]) -> None:
    trouble = await trouble_with(strange(always(PlainTextResponse("?")), always(answer)))

    assert type(trouble) is kind


async def test_an_endless_answer_is_cut_off() -> None:
    async def drops() -> object:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    async def answered(_request: Request) -> Response:
        return StreamingResponse(drops())  # type: ignore[arg-type]

    trouble = await trouble_with(strange(answered), seconds=0.2)

    assert isinstance(trouble, PlatformAway)
    assert "too long" in trouble.sentence


async def test_what_the_platform_says_is_told_without_secrets_and_in_one_short_line() -> None:
    async def echoed(request: Request) -> Response:
        body = (await request.body()).decode()
        detail = f"Bad\r\n\x1b[31m {CLIENT_SECRET} {body} {'x' * 1000}"
        return JSONResponse({"code": "bad\n", "detail": detail}, 422)

    trouble = await trouble_with(strange(echoed))

    assert isinstance(trouble, PlatformRefused)
    assert trouble.code == "bad\\n"
    assert trouble.sentence.startswith(r"The customer platform says: Bad\r\n\x1b[31m ***")
    assert len(trouble.sentence) < 350
    assert PBX_SECRET not in trouble.sentence
    assert CLIENT_SECRET not in trouble.sentence


async def test_no_secret_and_no_address_is_logged_or_in_a_traceback(
    platform: RunningPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    adapter = adapter_to(platform.address)
    customer = (await adapter.create_customer(make_customer())).id
    await adapter.ensure_admin(customer, JIM)
    platform.fault("close_after", "GET /customers", times=1)
    platform.fault("close_after", "POST /customers")

    with pytest.raises(PlatformAway) as away:
        await adapter.create_customer(make_customer())
    with pytest.raises(PlatformRefused) as refused:
        await adapter.import_state(uuid4())
    await adapter.close()

    ours = "".join(record.getMessage() for record in caplog.records)
    told = "".join(traceback.format_exception(away.value))
    told += "".join(traceback.format_exception(refused.value)) + repr(adapter) + ours
    for hidden in (CLIENT_SECRET, PBX_SECRET, "jim.hawkins", "Bearer ", "Basic "):
        assert hidden not in told


async def test_a_user_is_found_by_address_whatever_its_case(
    adapter: HttpCustomerPlatform, platform: RunningPlatform
) -> None:
    customer = (await adapter.create_customer(make_customer())).id

    jim = await adapter.find_user(customer, JIM.email.upper())

    assert jim is not None
    assert (jim.email, jim.customer, jim.roles, jim.is_imported) == (JIM.email, customer, (), True)
    assert platform.users(customer)[JIM.email] == []
