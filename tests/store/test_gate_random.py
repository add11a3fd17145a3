"""Statement and rule agree: on random rows the gate answers what plain Python makes of them."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from approvals.access import Decision, Passage, Standing, Via, decide
from approvals.people import Directory, Person, Role, Tenant
from store import access_tables as a
from store import tables as t
from store.gate import SqlGate
from tests.factories import (
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HUNDRED_ACRE,
    LYDIA,
    MARY,
    MERYTON,
    MS,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    make_id,
)
from tests.pairings import CHARLES
from tests.store.entries import Entries
from tests.stored_life import StoredLife

PEOPLE = (CAROLINE, CHARLOTTE, LYDIA, MARY, WICKHAM, CHARLES)
TENANTS = (TOM_SAWYER, HUNDRED_ACRE)
GROUPS = {make_id("care"): NETHERFIELD, make_id("night"): CLASSICS}
ACTIONS = ("support", "configure", "logs.view", "disruptive-change")
PERMISSIONS = ("employees.view", "configuration.view", "logs.view", "tests.run")
CHANGES = (str(make_id("change")), str(make_id("other change")))
ENDS = (START - DAY, START, START + MS, START + DAY, START + 2 * DAY)
MOMENTS = (START - MS, START, START + DAY - MS, START + DAY, START + 3 * DAY)
WORLDS, QUESTIONS = 6, 120


class World:
    """Random rows, kept in lists beside the database."""

    def __init__(self, entries: Entries, chance: random.Random) -> None:
        self.entries, self.chance = entries, chance
        self.members: set[tuple[UUID, UUID]] = set()
        self.grants: list[dict[str, Any]] = []
        self.passes: list[dict[str, Any]] = []
        self.clones: list[dict[str, Any]] = []
        self.sessions: list[dict[str, Any]] = []
        self.status: dict[UUID, str] = {}
        self.off: set[UUID] = set()
        self.legacy: set[UUID] = set()
        self.unserved: set[tuple[UUID, UUID]] = set()

    async def fill(self) -> None:
        """Write it all."""
        await self.entries.known(Directory(people=(CHARLES,)))
        for group, owner in GROUPS.items():
            members = [one for one in PEOPLE if self.chance.random() < 0.6]
            await self.entries.group(*members, group=group, owner=owner)
            self.members |= {(group, one.id) for one in members}
        for _ in range(self.chance.randrange(10, 24)):
            await self._grant()
        for _ in range(self.chance.randrange(4, 10)):
            await self._pairing()
        for process in list(self.status):
            await self._visit(process)
        await self._switches()

    async def _grant(self) -> None:
        status = self.chance.choice(("granted", "granted", "granted", "revoked", "pending"))
        process = await self.entries.process("tenant_access", status)
        self.status[process] = status
        end = self.chance.choice((None, *ENDS))
        row = {
            "process_id": process,
            "person_id": self.chance.choice(PEOPLE).id,
            "tenant_id": self.chance.choice(TENANTS).id,
            "requested_by": ELIZABETH.id,
            "granted_by": TOM.id,
            "ends_at": end,
            "no_end": end is None,
            "closed_at": self.chance.choice((None, None, None, START)),
        }
        await self.entries.add(t.access_grant, row)
        self.grants.append(row)

    async def _pairing(self) -> None:
        status = self.chance.choice(("active", "active", "active", "suspended", "paired"))
        process = await self.entries.process("pairing", status)
        self.status[process] = status
        tenant = self.chance.choice(TENANTS)
        for _ in range(self.chance.choice((1, 1, 2))):
            row = {
                "id": uuid4(),
                "process_id": process,
                "tenant_id": tenant.id,
                "team_id": self.chance.choice(tuple(GROUPS)),
                "person_id": self.chance.choice((None, None, *(one.id for one in PEOPLE))),
                "permissions": self.chance.sample(PERMISSIONS, self.chance.randrange(4)),
                "consents": self.chance.sample(CHANGES, self.chance.randrange(3)),
                "closed_at": self.chance.choice((None, None, None, START)),
            }
            await self.entries.add(a.pairing_pass, row)
            self.passes.append(row)
        clone = {
            "id": uuid4(),
            "process_id": process,
            "tenant_id": tenant.id,
            "person_id": self.chance.choice(PEOPLE).id,
            "added_at": START,
            "removed_at": self.chance.choice((None, None, START)),
        }
        await self.entries.add(a.clone, clone)
        self.clones.append(clone)

    async def _visit(self, process: UUID) -> None:
        row = {
            "id": uuid4(),
            "process_id": process,
            "person_id": self.chance.choice(PEOPLE).id,
            "mode": self.chance.choice(("support", "configure")),
            "clone_id": self.chance.choice((None, None, *(one["id"] for one in self.clones))),
            "begun_at": START,
            "ended_at": self.chance.choice((None, None, START)),
        }
        await self.entries.add(t.session, row)
        self.sessions.append(row)

    async def _switches(self) -> None:
        for table, one, column, value in (
            (t.person, LYDIA.id, "is_active", False),
            (t.organization, MERYTON.id, "is_active", False),
            (t.organization, NETHERFIELD.id, "is_active", False),
            (t.organization, FENCE_PAINTING.id, "is_active", False),
            (t.tenant, HUNDRED_ACRE.id, "is_locked", True),
        ):
            if self.chance.random() < 0.08:
                await self.entries.set(table, one, **{column: value})
                self.off.add(one)
        for owner in GROUPS.values():
            if self.chance.random() < 0.2:
                await self.entries.serves_no_more(owner, FENCE_PAINTING)
                self.unserved.add((owner.id, TOM_SAWYER.id))
        for person in PEOPLE:
            if self.chance.random() < 0.3:
                await self.entries.role(person, Role.LEGACY_IMPERSONATOR, person.organization)
                self.legacy.add(person.id)

    def standing(self, asked: UUID, tenant: Tenant, action: str) -> Standing | None:
        """Return the facts about a person or clone, by plain loops over the lists."""
        clone = next(
            (
                one
                for one in self.clones
                if (one["id"], one["tenant_id"], one["removed_at"]) == (asked, tenant.id, None)
            ),
            None,
        )
        who = clone["person_id"] if clone else asked
        person = next((one for one in PEOPLE if one.id == who), None)
        if person is None:
            return None
        return Standing(
            is_person_live=not {person.id, person.organization} & self.off,
            is_tenant_on=tenant.organization not in self.off,
            is_tenant_locked=tenant.id in self.off,
            is_legacy=asked in self.legacy,
            was_ever_granted=any(one["tenant_id"] == tenant.id for one in self.grants),
            passages=(
                *self._granted(asked, tenant, action),
                *self._paired(
                    person, tenant, action, asked, clone["process_id"] if clone else None
                ),
            ),
        )

    def _granted(self, asked: UUID, tenant: Tenant, action: str) -> list[Passage]:
        return [
            Passage(
                process=one["process_id"],
                ends_at=one["ends_at"],
                no_end=one["no_end"],
                has_session=self._in_session(one["process_id"], asked, action, asked),
            )
            for one in self.grants
            if (one["person_id"], one["tenant_id"], one["closed_at"]) == (asked, tenant.id, None)
            and self.status[one["process_id"]] == "granted"
        ]

    def _paired(
        self, person: Person, tenant: Tenant, action: str, asked: UUID, only: UUID | None
    ) -> list[Passage]:
        return [
            Passage(
                process=one["process_id"],
                ends_at=None,
                no_end=True,
                has_session=self._in_session(one["process_id"], person.id, action, asked),
                permissions=tuple(one["permissions"]),
                consents=tuple(one["consents"]),
            )
            for one in self.passes
            if (one["tenant_id"], one["closed_at"]) == (tenant.id, None)
            and self.status[one["process_id"]] == "active"
            and (one["team_id"], person.id) in self.members
            and GROUPS[one["team_id"]].id == person.organization
            and (person.organization, tenant.id) not in self.unserved
            and one["person_id"] in (None, person.id)
            and only in (None, one["process_id"])
        ]

    def _in_session(self, process: UUID, person: UUID, action: str, asked: UUID) -> bool:
        return any(
            (one["process_id"], one["person_id"], one["ended_at"]) == (process, person, None)
            and (one["clone_id"] or one["person_id"]) == asked
            and action in (one["mode"], "logs.view", "disruptive-change")
            for one in self.sessions
        )


def same(found: Decision, expected: Decision) -> bool:
    """Whether two answers agree; of ways in that last equally long either may be named."""
    return (found.is_open, found.reason, found.until) == (
        expected.is_open,
        expected.reason,
        expected.until,
    )


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_the_gate_answers_what_the_rule_makes_of_the_rows(
    life: StoredLife, seed: int
) -> None:
    chance = random.Random(seed)
    world = World(Entries(life.engines), chance)
    await world.fill()
    gate = SqlGate(life.engines)
    subjects = [*(one.id for one in PEOPLE), *(one["id"] for one in world.clones), uuid4()]

    opened = 0
    for _ in range(QUESTIONS):
        who, tenant, action = (
            chance.choice(subjects),
            chance.choice(TENANTS),
            chance.choice(ACTIONS),
        )
        via, change = chance.choice(list(Via)), chance.choice((None, *CHANGES))
        now: datetime = chance.choice(MOMENTS)
        life.clock.fixed = now

        found = await gate.check(who, tenant.id, action, via, change)

        expected = decide(world.standing(who, tenant, action), via, now, action, change)
        assert same(found, expected), (who, tenant.slug, action, via, change, now)
        opened += found.is_open
        if found.is_open and found.until is not None:
            life.clock.fixed = found.until
            after = await gate.check(who, tenant.id, action, via, change)
            assert after.process != found.process or not after.is_open

    assert 0 < opened < QUESTIONS, opened


@pytest.mark.parametrize("seed", range(WORLDS))
async def test_once_open_nothing_opens_later_by_itself(life: StoredLife, seed: int) -> None:
    chance = random.Random(1000 + seed)
    world = World(Entries(life.engines), chance)
    await world.fill()
    gate = SqlGate(life.engines)

    for person in PEOPLE:
        for action in ACTIONS:
            answers = []
            for moment in sorted({*MOMENTS, *ENDS, START + timedelta(days=4000)}):
                life.clock.fixed = moment
                found = await gate.check(person.id, TOM_SAWYER.id, action, Via.REQUEST, CHANGES[0])
                answers.append(found.is_open)

            assert answers == sorted(answers, reverse=True), (person.name, action)
