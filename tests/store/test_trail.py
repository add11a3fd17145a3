"""The record: what is done to it behind the door's back is refused, or found."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from approvals.audit import INSTALLATION, AuditEntry
from approvals.sessions import BeginSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Revoke
from store import tables as t
from store.engine import Engines
from store.trail import Trail
from tests.factories import CAROLINE, ELIZABETH, LYDIA, PROCESS, TOM, TOM_SAWYER
from tests.store.rows import rows_of
from tests.stored_life import END, StoredLife, kept

HERE = t.audit.c.process_id == PROCESS


@pytest.fixture
def changes_the_schema() -> bool:
    """Attackers drop the triggers."""
    return True


@pytest.fixture
async def recorded(life: StoredLife) -> StoredLife:
    """A request with five entries: four changes and a refusal between them."""
    await life.granted()
    await life.says(LYDIA, Revoke(reason="No."))
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))
    await life.says(TOM, ChangeEnd(no_end=True))
    await kept(life.engines)
    return life


async def without_triggers(engines: Engines) -> None:
    """Do what an attacker with the owner's rights does first."""
    names = ["audit_no_update", "audit_no_delete"] if engines.is_sqlite else ["audit_frozen"]
    where = "" if engines.is_sqlite else " ON audit"
    async with engines.write.begin() as connection:
        for name in names:
            await connection.execute(text(f"DROP TRIGGER {name}{where}"))


async def changes(life: StoredLife, *statements: Any) -> None:
    """Execute statements in one transaction."""
    async with life.engines.write.begin() as connection:
        for one in statements:
            await connection.execute(one)


async def entry(life: StoredLife, seq: int) -> AuditEntry:
    """Return one entry."""
    return (await life.trail.entries(PROCESS))[seq - 1]


async def flip(life: StoredLife) -> None:
    """Change one letter of a reason... or here: who decided."""
    await changes(life, update(t.audit).where(HERE, t.audit.c.seq == 2).values(actor_id=LYDIA.id))


async def delete_middle(life: StoredLife) -> None:
    """Take one entry out of the middle."""
    await changes(life, delete(t.audit).where(HERE, t.audit.c.seq == 3))


async def swap(life: StoredLife) -> None:
    """Let two entries change places."""
    steps = [(2, 99), (3, 2), (99, 3)]
    await changes(
        life,
        *(update(t.audit).where(HERE, t.audit.c.seq == a).values(seq=b) for a, b in steps),
    )


async def cut_tail(life: StoredLife) -> None:
    """Cut the last change off."""
    await changes(life, delete(t.audit).where(HERE, t.audit.c.seq == 5))


async def rewrite(life: StoredLife) -> None:
    """Replace one entry by another with a good hash of its own."""
    forged = (await entry(life, 2)).model_copy(update={"actor": LYDIA.id}).sealed()
    await changes(
        life,
        update(t.audit)
        .where(HERE, t.audit.c.seq == 2)
        .values(actor_id=forged.actor, hash=forged.hash),
    )


async def rewrite_to_the_end_with_another_row(life: StoredLife) -> None:
    """Lengthen the access in the row, whose digest the last entry holds."""
    state = (await life.request()).model_copy(update={"ends_at": END + timedelta(days=9)})
    await changes(
        life,
        update(t.process).where(t.process.c.id == PROCESS).values(state=state.model_dump_json()),
    )


async def remove_whole(life: StoredLife) -> None:
    """Remove all of the chain."""
    await changes(life, delete(t.audit).where(HERE))


async def restore_an_old_row(life: StoredLife) -> None:
    """Put the row back to where it stood."""
    await changes(life, update(t.process).where(t.process.c.id == PROCESS).values(version=2))


Attack = Callable[[StoredLife], Awaitable[None]]
ATTACKS: list[Attack] = [
    flip,
    delete_middle,
    swap,
    cut_tail,
    rewrite,
    rewrite_to_the_end_with_another_row,
    remove_whole,
    restore_an_old_row,
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_on_the_record_is_found(recorded: StoredLife, attack: Attack) -> None:
    await without_triggers(recorded.engines)

    await attack(recorded)

    found = {process: breaches async for process, _, breaches in recorded.trail.all_breaches()}
    assert found[PROCESS]
    assert await recorded.trail.breaches_of(PROCESS)


async def test_an_attack_on_one_chain_blames_no_other(recorded: StoredLife) -> None:
    await recorded.hears(b"nonsense", process=uuid4())
    await without_triggers(recorded.engines)
    await flip(recorded)

    found = [(process, bool(said)) async for process, _, said in recorded.trail.all_breaches()]

    assert sorted(found, key=str) == sorted([(PROCESS, True), (INSTALLATION, False)], key=str)


async def test_a_good_record_verifies_while_it_is_being_written(recorded: StoredLife) -> None:
    found = []
    async for _, count, breaches in recorded.trail.all_breaches():
        await recorded.says(TOM, Revoke(reason="Enough."))
        found.append((count, breaches))

    assert found == [(5, ())]
    assert await Trail(recorded.engines).breaches_of(PROCESS) == ()


async def test_the_database_refuses_to_change_the_record(recorded: StoredLife) -> None:
    before = await rows_of(recorded.engines, "audit")

    for statement in (
        update(t.audit).values(reason="Never."),
        update(t.audit).where(t.audit.c.seq == 5).values(actor_id=None),
        delete(t.audit),
        delete(t.audit).where(t.audit.c.seq == 5),
    ):
        with pytest.raises(DBAPIError, match="the audit is only ever added to"):
            await changes(recorded, statement)

    assert await rows_of(recorded.engines, "audit") == before


@pytest.mark.parametrize("database", ["postgresql"])  # SQLite has no such statement
async def test_the_database_refuses_to_empty_the_record(recorded: StoredLife) -> None:
    with pytest.raises(DBAPIError, match="the audit is only ever added to"):
        await changes(recorded, text("TRUNCATE audit"))


async def test_the_database_refuses_a_grant_that_breaks_a_rule(life: StoredLife) -> None:
    await life.submitted()
    grant = {
        "process_id": PROCESS,
        "person_id": CAROLINE.id,
        "tenant_id": TOM_SAWYER.id,
        "requested_by": ELIZABETH.id,
        "granted_by": TOM.id,
        "ends_at": END,
        "no_end": False,
    }
    broken: list[tuple[dict[str, Any], str]] = [
        ({"granted_by": ELIZABETH.id}, "not_by_requester"),
        ({"granted_by": CAROLINE.id}, "not_by_named_person"),
        ({"ends_at": None}, "end_or_no_end"),
        ({"no_end": True}, "end_or_no_end"),
    ]

    for row, rule in broken:
        with pytest.raises(IntegrityError, match=rule):
            await changes(life, insert(t.access_grant).values({**grant, **row}))

    await changes(life, insert(t.access_grant).values(grant))


async def test_the_database_refuses_a_second_entry_for_one_version(recorded: StoredLife) -> None:
    (last,) = [one for one in await rows_of(recorded.engines, "audit") if one["seq"] == 5]

    with pytest.raises(IntegrityError):
        await changes(recorded, insert(t.audit).values({**last, "seq": 6}))
