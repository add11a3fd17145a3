"""The gate in process: one indexed query, on SQLite with 100,000 open grants."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import URL, event, insert

from approvals.people import OrganizationId, OrganizationKind, PersonId, TenantId
from approvals.policy import Policy
from approvals.tenant_access.record import KIND, Status, TenantAccess
from benchmarks.decisions import quantile
from benchmarks.people import make_id, organization_row, person_row, tenant_row
from benchmarks.report import Report, Target
from store import tables as t
from store.engine import Engines, connect
from store.gate import SqlGate
from store.schema import upgrade

PARTNERS, PEOPLE, TENANTS, EACH = 10, 1000, 500, 100  # EACH: tenants that one person may enter
CHECKS, STRANGERS = 5000, 0.25  # the share of checks by people without a grant
PIECE = 5000  # rows of one insert
NOW = datetime.now(UTC)
QUERIES, P99 = Target(1, is_count=True), Target(2.0)


async def measure(folder: Path, report: Report) -> None:
    """Fill a database, ask the gate in random order, and look at the query it makes."""
    engines = await filled(folder)
    try:
        asked, times = await _ask(engines)
        scans = await _scans(engines, asked[-1])
    finally:
        await engines.close()

    report.section(f"The gate, {PEOPLE * EACH:,} open grants in SQLite, {CHECKS:,} checks")
    report.figure("gate.queries", len(asked) / CHECKS, QUERIES)
    report.figure("gate.table_scans", len(scans), Target(0, is_count=True))
    report.figure("gate.p50_ms", quantile(times, 50))
    report.figure("gate.p99_ms", quantile(times, 99), P99)
    report.say("The query's plan: " + ("all by index." if not scans else "; ".join(scans)))


async def filled(folder: Path) -> Engines:
    """Open the database of open grants in a folder; fill it, if it is not there yet."""
    file = folder / "gate.db"
    is_there = file.exists()
    engines = connect(URL.create("sqlite+aiosqlite", database=str(file)))
    if not is_there:
        await upgrade(engines)
        await _fill(engines)
    return engines


def granted_pair(chance: random.Random) -> tuple[int, int]:
    """Draw a person and a tenant that they may enter, by their numbers."""
    person = chance.randrange(PEOPLE)
    return person, (person + chance.randrange(EACH)) % TENANTS


async def _ask(engines: Engines) -> tuple[list[tuple[str, Any]], list[float]]:
    """Return every statement that the checks made, and the milliseconds of each check."""
    asked: list[tuple[str, Any]] = []
    gate, chance = SqlGate(engines), random.Random(7)  # noqa: S311  # the same order every time
    cases = [_case(chance) for _ in range(CHECKS)]
    for person, tenant, _ in cases[:100]:  # connections, compiled statement, SQLite's page cache
        await gate.check(person, tenant)

    def remember(_c: Any, _k: Any, statement: str, given: Any, _x: Any, _many: bool) -> None:
        if statement != "BEGIN":
            asked.append((statement, given))

    for engine in engines.readers:
        event.listen(engine, "before_cursor_execute", remember)
    times = []
    for person, tenant, is_granted in cases:
        begin = time.perf_counter()
        decision = await gate.check(person, tenant)
        times.append((time.perf_counter() - begin) * 1000)
        assert decision.is_open == is_granted, decision
    for engine in engines.readers:
        event.remove(engine, "before_cursor_execute", remember)
    return asked, times


def _case(chance: random.Random) -> tuple[UUID, UUID, bool]:
    person = chance.randrange(PEOPLE)
    is_granted = chance.random() >= STRANGERS
    tenant = chance.choice([one for one in range(TENANTS) if _may(person, one) == is_granted])
    return make_id(f"manager.{person}"), make_id(f"tenant.{tenant}"), is_granted


def _may(person: int, tenant: int) -> bool:
    return (tenant - person) % TENANTS < EACH


async def _scans(engines: Engines, asked: tuple[str, Any]) -> list[str]:
    """Return the steps of the query's plan that read a whole table."""
    statement, given = asked
    async with engines.read.connect() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        steps: list[str] = [row.detail for row in plan]
    return [one for one in steps if one.startswith("SCAN") and "CONSTANT" not in one]


async def _fill(engines: Engines) -> None:
    async with engines.write.begin() as connection:
        for table, rows in (
            (t.organization, _organizations()),
            (t.tenant, (tenant_row(number) for number in range(TENANTS))),
            (t.person, _persons()),
            (t.process, _processes()),
            (t.access_grant, _grants()),
        ):
            for piece in _pieces(rows):
                await connection.execute(insert(table), piece)


def _pieces(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    piece: list[dict[str, Any]] = []
    for row in rows:
        piece.append(row)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _organizations() -> Iterator[dict[str, Any]]:
    for number in range(PARTNERS):
        yield organization_row(f"partner-{number}", OrganizationKind.PARTNER)
    for number in range(TENANTS):
        yield organization_row(f"customer-{number}", OrganizationKind.CUSTOMER)


def _persons() -> Iterator[dict[str, Any]]:
    for number in range(PEOPLE):
        yield person_row(f"manager.{number}", f"partner-{number % PARTNERS}")


def _pairs() -> Iterator[tuple[int, int]]:
    for person in range(PEOPLE):
        for number in range(EACH):
            yield person, (person + number) % TENANTS


def _processes() -> Iterator[dict[str, Any]]:
    text = _state().model_dump_json()  # the gate reads none of it, but it fills the pages
    for person, tenant in _pairs():
        yield {
            "id": make_id(f"request.{person}.{tenant}"),
            "kind": KIND,
            "version": 2,
            "status": "granted",
            "state": text,
            "is_closed": False,
            "due": NOW + timedelta(days=23),
            "tenant_id": make_id(f"tenant.{tenant}"),
            "organization_id": make_id(f"partner-{person % PARTNERS}"),
            "requester_id": make_id("lead"),
            "batch": make_id(f"batch.{person}"),
            "begun_at": NOW,
        }


def _grants() -> Iterator[dict[str, Any]]:
    for person, tenant in _pairs():
        yield {
            "process_id": make_id(f"request.{person}.{tenant}"),
            "person_id": make_id(f"manager.{person}"),
            "tenant_id": make_id(f"tenant.{tenant}"),
            "requested_by": make_id("lead"),
            "granted_by": make_id("admin"),
            "ends_at": NOW + timedelta(days=30),
            "no_end": False,
        }


def _state() -> TenantAccess:
    return TenantAccess(
        process_id=make_id("request"),
        version=2,
        status=Status.GRANTED,
        batch=make_id("batch"),
        name="SupportAccess",
        message="Our account managers help you with the new fence.",
        organization=OrganizationId(make_id("partner-0")),
        tenant=TenantId(make_id("tenant.0")),
        requester=PersonId(make_id("lead")),
        people=(PersonId(make_id("manager.0")),),
        policy=Policy(),
        submitted_at=NOW,
        due_at=NOW + timedelta(days=14),
        clock_from=NOW,
        decided_by=PersonId(make_id("admin")),
        decided_at=NOW,
        ends_at=NOW + timedelta(days=30),
    )
