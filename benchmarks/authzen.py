"""The gate over HTTP, beside a bare FastAPI route that returns a constant: answers a second.

Both are served by uvicorn with the portal's settings, in a process each, and asked in turn.
"""

import asyncio
import json
import random
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn
from fastapi import FastAPI

from benchmarks import children, gate
from benchmarks.people import person_row, tenant_row
from benchmarks.report import Report, Target
from starter.temporal_server import free_port
from store.gate_clients import GateClients, fresh_token

AT_ONCE, ROUNDS, SECONDS, WARM = 16, 5, 2.0, 0.5
QUESTIONS = 500
PATH = "/access/v1/evaluation"
RATIO = Target(1 / 3, is_floor=True)
ANSWER = {"decision": True, "context": {"reason": "granted"}}


async def measure(folder: Path, report: Report) -> None:
    """Serve both from an empty folder, or one that the gate was measured in; ask them in turn."""
    engines = await gate.filled(folder)
    token = fresh_token()
    await GateClients(engines).make("benchmark", token)
    await engines.close()
    ours, bare = free_port(), free_port()
    environment = {
        "GATEHOUSE_HOME": str(folder),
        "GATEHOUSE_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'gate.db'}",
        "GATEHOUSE_PORTAL_PORT": str(ours),
        "GATEHOUSE_GATE_REQUESTS_PER_MINUTE": "10000000",
    }
    async with (
        children.running("-m", "portal", environment=environment, log=folder / "portal.log"),
        children.running(
            "-m", "benchmarks", "bare-route", str(bare), environment={}, log=folder / "bare.log"
        ),
    ):
        await children.listening(ours)
        await children.listening(bare)
        rates = await _contest(ours, bare, _requests(token))
    found, compared = median(rates["gate"]), median(rates["bare"])
    report.section(f"The gate over HTTP, {AT_ONCE} at once, {ROUNDS} rounds of {SECONDS:g} s")
    report.figure("authzen.per_second", found)
    report.figure("authzen.bare_per_second", compared)
    report.figure("authzen.ratio", found / compared, RATIO)


async def _contest(ours: int, bare: int, requests: list[bytes]) -> Mapping[str, list[float]]:
    rates: dict[str, list[float]] = {"gate": [], "bare": []}
    ports = {"gate": ours, "bare": bare}
    for port in ports.values():
        await _rate(port, requests, WARM)
    for _ in range(ROUNDS):
        for name, port in ports.items():
            rates[name].append(await _rate(port, requests, SECONDS))
    return rates


async def _rate(port: int, requests: list[bytes], seconds: float) -> float:
    """Return how many answers came in a second."""
    end = time.perf_counter() + seconds
    began = time.perf_counter()
    counts = await asyncio.gather(
        *(_ask(port, requests[number:] + requests[:number], end) for number in range(AT_ONCE))
    )
    return sum(counts) / (time.perf_counter() - began)


async def _ask(port: int, requests: list[bytes], end: float) -> int:
    """Ask one question after the other over one connection; return how many were answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < end:
        writer.write(requests[count % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await reader.readexactly(int(length))
        assert body.startswith(b'{"decision":true'), body
        count += 1
    writer.close()
    return count


def _requests(token: str) -> list[bytes]:
    """Return questions about people and tenants by their names, all of which are granted."""
    chance = random.Random(7)  # noqa: S311  # the same questions every time
    pairs = [gate.granted_pair(chance) for _ in range(QUESTIONS)]
    return [_request(token, *pair) for pair in pairs]


def _request(token: str, person: int, tenant: int) -> bytes:
    partner = f"partner-{person % gate.PARTNERS}"
    email = person_row(f"manager.{person}", partner)["email"]
    question = {
        "subject": {"type": "person", "id": email},
        "action": {"name": "support"},
        "resource": {"type": "tenant", "id": tenant_row(tenant)["slug"]},
    }
    body = json.dumps(question).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def serve_bare(port: int) -> None:
    """Serve the bare route until the process is ended."""
    app = FastAPI(openapi_url=None)

    @app.post(PATH)
    async def answer() -> dict[str, Any]:
        return ANSWER

    uvicorn.run(
        app, host="127.0.0.1", port=port, http="h11", ws="none", lifespan="off",
        log_config=None, access_log=False,
    )  # fmt: skip
