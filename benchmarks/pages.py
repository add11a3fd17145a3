"""The portal's list of incoming requests, with 10,000 of them: its time, and its statements a page.

The application answers in this process, as its server would call it.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
from sqlalchemy import URL, event, insert

from benchmarks.decisions import quantile
from benchmarks.memory import open_rows
from benchmarks.people import CUSTOMERS, Case, People
from benchmarks.report import Report, Target
from config.settings import Settings
from identity.signing import SigningKey
from portal import cookies
from portal.app import create_app
from portal.auth import Held
from portal.parts import Parts, parts_of
from store import tables as t
from store.engine import Engines, connect
from store.portal_sessions import PortalSessions
from store.schema import upgrade

REQUESTS, FEW, LOOKS, PIECE = 10_000, 100, 400, 2_000
LIST = "/requests/incoming"
ORIGIN = "http://127.0.0.1:8090"
OLDER = re.compile(r'<a rel="next" href="([^"]+)"')
SAME = Target(0, is_count=True)


async def measure(folder: Path, report: Report) -> None:
    """Look through the list of a tenant's admin: with few requests, then with all of them."""
    engines = connect(URL.create("sqlite+aiosqlite", database=str(folder / "pages.db")))
    settings = Settings(home=folder, portal_url=ORIGIN, portal_requests_per_minute=10**9)
    try:
        await upgrade(engines)
        people = People()
        async with engines.write.begin() as connection:
            await people.write(connection)
        parts = parts_of(settings, engines)
        async with await _browser(parts, people) as browser:
            await _send(engines, people, 0, FEW)
            few, _ = await _looked(browser, engines, LOOKS // 10)
            await _send(engines, people, FEW, REQUESTS)
            many, times = await _looked(browser, engines, LOOKS)
    finally:
        await engines.close()
    report.section(f"The page of incoming requests, {REQUESTS:,} of them, {LOOKS} looks")
    report.figure("portal.incoming.queries", max(many))
    report.figure("portal.incoming.more_queries_than_with_few", max(many) - max(few), SAME)
    report.figure("portal.incoming.p50_ms", quantile(times, 50))
    report.figure("portal.incoming.p99_ms", quantile(times, 99))


async def _send(engines: Engines, people: People, first: int, end: int) -> None:
    """Write requests to one tenant, each sent a second after the one before it."""
    begin = datetime.now(UTC) - timedelta(seconds=REQUESTS)
    cases = [(number, people.case(number * CUSTOMERS)) for number in range(first, end)]
    for start in range(0, len(cases), PIECE):
        rows = [_row(case, begin, number) for number, case in cases[start : start + PIECE]]
        async with engines.write.begin() as connection:
            await connection.execute(insert(t.process), rows)


def _row(case: Case, begin: datetime, number: int) -> dict[str, object]:
    (row,) = open_rows([case], begin + timedelta(seconds=number))
    return row


async def _browser(parts: Parts, people: People) -> httpx2.AsyncClient:
    """Return a browser in which the tenant's admin is signed in."""
    admin = people.case(0).admin
    key, sign_in, token = SigningKey.fresh(), uuid4(), cookies.fresh_token()
    now = datetime.now(UTC)
    row = {
        "id": sign_in,
        "person_id": admin.id,
        "public_key": key.public,
        "channel": "portal",
        "client": "benchmark",
        "enrolled_at": now,
        "expires_at": now + timedelta(hours=8),
    }
    async with parts.engines.write.begin() as connection:
        await connection.execute(insert(t.key), row)
    sealed = Held(key, "admin@bench.example").sealed(parts)
    await PortalSessions(parts.engines).begin(
        cookies.hashed(token), sign_in, sealed, person=admin.id
    )
    browser = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=create_app(parts)), base_url=ORIGIN
    )
    browser.cookies.set(cookies.name_of(parts, cookies.SIGN_IN), token, domain="127.0.0.1")
    return browser


async def _looked(
    browser: httpx2.AsyncClient, engines: Engines, looks: int
) -> tuple[list[int], list[float]]:
    """Follow the list page by page; return statements and milliseconds of each look."""
    counts, times, asked = [], [], [0]

    @event.listens_for(engines.read.sync_engine, "before_cursor_execute")
    def count(_c: Any, _k: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        asked[0] += statement != "BEGIN"

    path = LIST
    for _ in range(looks):
        asked[0], begin = 0, time.perf_counter()
        answer = await browser.get(path)
        times.append((time.perf_counter() - begin) * 1000)
        counts.append(asked[0])
        assert answer.status_code == 200, answer.text
        older = OLDER.search(answer.text)
        path = LIST if older is None else older[1].replace("&amp;", "&")
    event.remove(engines.read.sync_engine, "before_cursor_execute", count)
    return counts, times
