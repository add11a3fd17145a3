"""The gate: access is computed at the moment of the question, by one indexed query."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text
from sqlalchemy.engine import URL

from approvals.access import Decision, Reason, Via
from approvals.people import Person, Role
from approvals.sessions import BeginSession, EndSession, Mode
from approvals.tenant_access.commands import ChangeEnd, Finish, Grant, Revoke
from approvals.tenant_access.record import process_id_of
from store import tables as t
from store.engine import HostClock, connect
from store.gate import SqlGate
from tests.factories import (
    ART_GALLERY,
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HUNDRED_ACRE,
    LYDIA,
    MERYTON,
    MS,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    make_submit,
)
from tests.store.faults import Counted, Fault
from tests.stored_life import END, StoredLife

Event = Callable[[StoredLife], Awaitable[object]]


def asks(
    life: StoredLife, person: Person = CAROLINE, via: Via = Via.REQUEST, action: str = "support"
) -> Awaitable[Decision]:
    """Ask the gate whether somebody may enter Tom Sawyer's tenant now."""
    return SqlGate(life.engines).check(person.id, TOM_SAWYER.id, action, via)


async def answer(life: StoredLife, person: Person = CAROLINE, via: Via = Via.REQUEST) -> str:
    """Return the reason of the gate's answer; a plain word for yes, in brackets for no."""
    found = await asks(life, person, via)
    return found.reason.value if found.is_open else f"({found.reason.value})"


async def nothing(life: StoredLife) -> None:
    """Let nothing happen."""


def at(moment: timedelta) -> Event:
    """Let the clock stand so long after START."""

    async def happens(life: StoredLife) -> None:
        life.clock.fixed = START + moment

    return happens


def says(person: Person, command: object) -> Event:
    """Let somebody give a command."""

    async def happens(life: StoredLife) -> None:
        outcome = await life.says(person, command)  # type: ignore[arg-type]
        assert outcome.refusal is None

    return happens


def changed(table: str, one: UUID, **values: object) -> Event:
    """Let the directory's owner change one row."""

    async def happens(life: StoredLife) -> None:
        await life.set(table, one, **values)

    return happens


END_DAY = END - START
SCENES: list[tuple[str, Event, Person, str]] = [
    ("granted", nothing, CAROLINE, "granted"),
    ("granted to a second person", nothing, CHARLOTTE, "granted"),
    ("another colleague", nothing, LYDIA, "(no_grant)"),
    ("the requester", nothing, ELIZABETH, "(no_grant)"),
    ("the tenant's own admin", nothing, TOM, "(no_grant)"),
    ("just before the end", at(END_DAY - MS), CAROLINE, "granted"),
    ("at the end", at(END_DAY), CAROLINE, "(no_grant)"),
    ("after the end", at(END_DAY + MS), CAROLINE, "(no_grant)"),
    ("no end", says(TOM, ChangeEnd(no_end=True)), CAROLINE, "granted"),
    ("revoked", says(TOM, Revoke(reason="Enough.")), CAROLINE, "(no_grant)"),
    ("finished by this person", says(CAROLINE, Finish()), CAROLINE, "(no_grant)"),
    ("finished by another person", says(CAROLINE, Finish()), CHARLOTTE, "granted"),
    ("finished for all", says(ELIZABETH, Finish(for_all=True)), CHARLOTTE, "(no_grant)"),
    (
        "person inactive",
        changed("person", CAROLINE.id, is_active=False),
        CAROLINE,
        "(person_inactive)",
    ),
    (
        "their organization inactive",
        changed("organization", CLASSICS.id, is_active=False),
        CAROLINE,
        "(person_inactive)",
    ),
    (
        "the customer inactive",
        changed("organization", FENCE_PAINTING.id, is_active=False),
        CAROLINE,
        "(tenant_off)",
    ),
    ("tenant off", changed("tenant", TOM_SAWYER.id, is_on=False), CAROLINE, "(tenant_off)"),
    (
        "tenant locked",
        changed("tenant", TOM_SAWYER.id, is_locked=True),
        CAROLINE,
        "(tenant_locked)",
    ),
    (
        "another customer inactive",
        changed("organization", ART_GALLERY.id, is_active=False),
        CAROLINE,
        "granted",
    ),
]


@pytest.mark.parametrize(
    ("event", "who", "expected"), [one[1:] for one in SCENES], ids=[one[0] for one in SCENES]
)
async def test_the_gate_opens_for_who_was_let_in_and_only_while_all_of_it_holds(
    life: StoredLife, event: Event, who: Person, expected: str
) -> None:
    await life.granted()

    await event(life)

    assert await answer(life, who) == expected


async def test_a_yes_names_the_process_and_until_when(life: StoredLife) -> None:
    await life.granted()

    decision = await asks(life)

    assert decision == Decision(
        is_open=True, reason=Reason.GRANTED, process=life.process, until=END
    )


async def test_a_request_that_nobody_granted_opens_nothing(life: StoredLife) -> None:
    await life.submitted()

    assert await answer(life) == "(no_grant)"


async def test_unknown_ids_are_refused(life: StoredLife) -> None:
    await life.granted()
    gate = SqlGate(life.engines)

    unknown = [
        await gate.check(uuid4(), TOM_SAWYER.id),
        await gate.check(CAROLINE.id, uuid4()),
        await gate.check(TOM_SAWYER.id, CAROLINE.id),
    ]

    assert {(one.is_open, one.reason) for one in unknown} == {(False, Reason.UNKNOWN)}


@pytest.mark.parametrize("first", ["shorter", "longer", "no end"])
async def test_overlapping_grants_never_cut_each_other(life: StoredLife, first: str) -> None:
    ends: dict[str, dict[str, object]] = {
        "shorter": {"ends_at": START + DAY},
        "longer": {"ends_at": END},
        "no end": {"no_end": True},
    }
    batch = uuid4()
    second = StoredLife(
        life.installation, life.clock, process=process_id_of(batch, TOM_SAWYER.slug)
    )
    await second.says(ELIZABETH, make_submit(batch=batch))
    await life.granted(**ends[first])
    await second.says(TOM, Grant(ends_at=START + 2 * DAY))

    decision = await asks(life)
    later = []
    for late in (DAY, 2 * DAY, END_DAY):
        life.clock.fixed = START + late
        later.append((await asks(life)).is_open)

    expected = {
        "shorter": (START + 2 * DAY, [True, False, False]),
        "longer": (END, [True, True, False]),
        "no end": (None, [True, True, True]),
    }
    assert (decision.until, later) == expected[first]


async def test_one_revocation_leaves_the_other_grant_open(life: StoredLife) -> None:
    batch = uuid4()
    second = StoredLife(
        life.installation, life.clock, process=process_id_of(batch, TOM_SAWYER.slug)
    )
    await life.granted()
    await second.says(ELIZABETH, make_submit(batch=batch))
    await second.says(TOM, Grant(ends_at=START + 2 * DAY))
    await life.says(TOM, Revoke(reason="Enough."))

    decision = await asks(life)

    assert (decision.is_open, decision.process) == (True, second.process)


async def test_a_grant_for_one_tenant_opens_no_other(life: StoredLife) -> None:
    await life.granted()

    decision = await SqlGate(life.engines).check(CAROLINE.id, HUNDRED_ACRE.id)

    assert (decision.is_open, decision.reason) == (False, Reason.NO_GRANT)


async def test_a_session_is_asked_for_in_its_own_mode_and_by_its_own_person(
    life: StoredLife,
) -> None:
    await life.granted()
    begun = await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))

    open_ones = {
        (who.name, mode): (await asks(life, who, Via.SESSION, mode)).reason
        for who in (CAROLINE, CHARLOTTE)
        for mode in ("support", "configure")
    }
    await life.says(CAROLINE, EndSession(session=UUID(begun.receipt)))
    ended = await asks(life, CAROLINE, Via.SESSION)

    assert open_ones == {
        ("Caroline Bingley", "support"): Reason.GRANTED,
        ("Caroline Bingley", "configure"): Reason.NO_SESSION,
        ("Charlotte Lucas", "support"): Reason.NO_SESSION,
        ("Charlotte Lucas", "configure"): Reason.NO_SESSION,
    }
    assert ended.reason is Reason.NO_SESSION


@pytest.mark.parametrize(
    "event", [at(END_DAY), says(TOM, Revoke(reason="Enough."))], ids=["end", "revoked"]
)
async def test_an_open_session_ends_with_its_access(life: StoredLife, event: Event) -> None:
    await life.granted()
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))

    await event(life)

    assert await answer(life, CAROLINE, Via.SESSION) == "(no_grant)"


async def test_the_legacy_channel_closes_with_the_tenants_first_grant(life: StoredLife) -> None:
    await _may_impersonate(life, LYDIA, CAROLINE)
    await life.submitted()
    before = [await answer(life, one, Via.LEGACY) for one in (LYDIA, CAROLINE, CHARLOTTE)]
    await life.says(TOM, Grant(ends_at=END))
    after = [await answer(life, one, Via.LEGACY) for one in (LYDIA, CAROLINE, CHARLOTTE)]
    await life.says(TOM, Revoke(reason="Enough."))
    ended = [await answer(life, one, Via.LEGACY) for one in (LYDIA, CAROLINE, CHARLOTTE)]

    assert before == ["legacy_permission", "legacy_permission", "(no_grant)"]
    assert after == ["(legacy_closed)", "granted", "granted"]
    assert ended == ["(legacy_closed)"] * 3


async def test_the_legacy_channel_of_another_tenant_stays_as_it_was(life: StoredLife) -> None:
    await _may_impersonate(life, LYDIA)
    await life.granted()

    decision = await SqlGate(life.engines).check(LYDIA.id, HUNDRED_ACRE.id, via=Via.LEGACY)

    assert (decision.is_open, decision.reason) == (True, Reason.LEGACY_PERMISSION)


async def test_the_legacy_channel_opens_no_tenant_that_the_organization_does_not_serve(
    life: StoredLife,
) -> None:
    await _may_impersonate(life, WICKHAM)
    before = await answer(life, WICKHAM, Via.LEGACY)
    async with life.engines.write.begin() as connection:
        row = {"server_id": MERYTON.id, "customer_id": TOM_SAWYER.organization}
        await connection.execute(insert(t.serves), row)

    after = await answer(life, WICKHAM, Via.LEGACY)

    assert (before, after) == ("(no_grant)", "legacy_permission")


async def test_the_legacy_permission_opens_no_other_channel(life: StoredLife) -> None:
    await _may_impersonate(life, LYDIA)

    assert await answer(life, LYDIA, Via.REQUEST) == "(no_grant)"
    assert await answer(life, LYDIA, Via.SESSION) == "(no_grant)"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (changed("person", LYDIA.id, is_active=False), "(person_inactive)"),
        (changed("tenant", TOM_SAWYER.id, is_on=False), "(tenant_off)"),
        (changed("tenant", TOM_SAWYER.id, is_locked=True), "(tenant_locked)"),
    ],
    ids=["person inactive", "tenant off", "tenant locked"],
)
async def test_the_legacy_channel_is_shut_by_the_same_switches(
    life: StoredLife, event: Event, expected: str
) -> None:
    await _may_impersonate(life, LYDIA)

    await event(life)

    assert await answer(life, LYDIA, Via.LEGACY) == expected


async def _may_impersonate(life: StoredLife, *people: Person) -> None:
    rows = [
        {"person_id": one.id, "role": Role.LEGACY_IMPERSONATOR.value, "scope_id": one.organization}
        for one in people
    ]
    async with life.engines.write.begin() as connection:
        await connection.execute(insert(t.role_assignment), rows)


async def test_each_check_is_one_query(life: StoredLife) -> None:
    await life.granted()
    await life.says(CAROLINE, BeginSession(mode=Mode.SUPPORT))

    for via in Via:
        with Counted(life.engines) as counted:
            await asks(life, CAROLINE, via)

        assert len(counted.queries) == 1, via


async def test_the_query_has_an_index_for_every_table(life: StoredLife, database: str) -> None:
    with Counted(life.engines) as counted:
        await asks(life)
    ((query, parameters),) = counted.queries

    async with life.engines.read.connect() as connection:
        if database == "sqlite":
            explain = "EXPLAIN QUERY PLAN"
        else:
            explain = "EXPLAIN"
            await connection.execute(text("SET enable_seqscan = off"))  # these tables are tiny
        found = await connection.exec_driver_sql(f"{explain} {query}", parameters)
        plan = [str(row[-1]) for row in found]

    assert plan
    assert [line for line in plan if "SCAN" in line.split() or "Seq Scan" in line] == []


async def test_a_database_that_cannot_be_read_means_no(life: StoredLife) -> None:
    await life.granted()

    with Fault(life.engines, "SELECT"):
        decision = await asks(life)

    assert decision == Decision(is_open=False, reason=Reason.UNREADABLE)


async def test_a_database_that_is_not_there_means_no(database_url: URL, database: str) -> None:
    away = database_url.set(database=f"{database_url.database}-away")
    engines = connect(away, HostClock())

    decision = await SqlGate(engines).check(CAROLINE.id, TOM_SAWYER.id)
    await engines.close()

    assert decision == Decision(is_open=False, reason=Reason.UNREADABLE)
