"""An approver grants more than was asked, or too late: by every way, what the row says counts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from approvals.canonical import canonical
from store import tables as t
from tests.factories import (
    CHRISTOPHER,
    HUNDRED_ACRE,
    LYDIA,
    MS,
    TOM,
    TOM_SAWYER,
    make_submit,
)
from tests.installation import CarriedClock
from tests.portal.site import Site
from tests.security.ways import (
    DECISIONS,
    WAYS,
    carried,
    command_of,
    heard,
    posted,
    sent_as_form,
)
from tests.workflows.stage import on_both_databases

ASKED = make_submit().people
LATER = datetime.now(UTC) + timedelta(days=90_000)
WIDER: dict[str, dict[str, Any]] = {  # what a message says besides, and what a form says
    "people": {"people": [str(LYDIA.id)]},
    "a person": {"person": str(LYDIA.id)},
    "tenant": {"tenant": HUNDRED_ACRE.slug},
    "tenant's id": {"tenant_id": str(HUNDRED_ACRE.id)},
    "roles": {"roles": ["operator"]},
    "status": {"status": "granted", "granted_by": str(CHRISTOPHER.id)},
    "policy": {"policy": {"longest_access": "36500d"}},
    "end": {"ends_at": LATER.isoformat()},
    "both ends": {"no_end": True},
}
OF_FORM = {"end": {"end": "90000d"}, "both ends": {"no_end": "true"}}


def widened(site: Site, process: UUID, shown: str, more: dict[str, Any]) -> bytes:
    """Sign a grant that says more than a grant may."""
    said = site.installation.signed(TOM, process, command_of("grant", shown))
    body = json.loads(said)
    del body["signature"]
    body["command"]["args"] |= more
    return canonical(
        {**body, "signature": site.installation.keys[TOM.id].signature(canonical(body))}
    )


async def let_in(site: Site) -> set[tuple[UUID, UUID, bool]]:
    """Return who was let in where, and whether within a year."""
    soon = datetime.now(UTC) + timedelta(days=366)
    async with site.installation.engines.read.connect() as connection:
        rows = (await connection.execute(select(t.access_grant))).all()
    return {
        (one.person_id, one.tenant_id, one.ends_at is not None and one.ends_at < soon)
        for one in rows
    }


@on_both_databases
@pytest.mark.parametrize("way", WAYS)
async def test_an_approver_grants_what_was_asked_and_nothing_else(site: Site, way: str) -> None:
    tom = await site.signed_in(TOM)

    for what, more in WIDER.items():
        process = await site.asked(batch=uuid4())
        shown = await site.installation.shown(process)
        if way == "form":
            fields = {"end": "7d", **OF_FORM.get(what, _flat(more))}
            await posted(site, tom, f"/requests/{process}/grant", shown=shown, **fields)
        else:
            await carried(site, process, widened(site, process, shown, more), way)
            assert (await heard(site, process, 1))[1].startswith("refused."), what
        state = await site.installation.request(process)
        assert (state.tenant, state.people) == (TOM_SAWYER.id, ASKED), what
        assert (state.decided_by, state.no_end) in ((None, False), (TOM.id, False)), what

    # A form passes by what it does not know, and grants what was asked.
    as_asked = {(one, TOM_SAWYER.id, True) for one in ASKED}
    assert await let_in(site) == (as_asked if way == "form" else set())


def _flat(more: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(one) if isinstance(one, dict) else one for name, one in more.items()}


@on_both_databases
@pytest.mark.parametrize("way", WAYS)
async def test_a_decision_counts_until_the_window_ends_and_not_at_its_end(
    site: Site, clock: CarriedClock, way: str
) -> None:
    tom = await site.signed_in(TOM)

    for decision in DECISIONS:
        for offset in (-MS, 0 * MS, MS):
            clock.fixed = None
            process = await site.asked(batch=uuid4())
            due_at = datetime.now(UTC)
            await closes(site, process, due_at)
            shown = await site.installation.shown(process)
            clock.fixed = due_at + offset
            if way == "form":
                answer = await sent_as_form(site, tom, process, decision)
                assert answer == (303 if offset < 0 * MS else 409)
            else:
                said = site.installation.signed(TOM, process, command_of(decision, shown))
                await carried(site, process, said, way)
            told = await heard(site, process, 1)

            done = {"grant": "granted", "deny": "denied"}[decision]
            assert told[1] == (done if offset < 0 * MS else "refused.too_late")
            status = (await site.installation.request(process)).status
            assert status in ([done] if offset < 0 * MS else ["pending", "lapsed"])


async def closes(site: Site, process: UUID, due_at: datetime) -> None:
    """Let a request's window end at that instant."""
    state = (await site.installation.request(process)).model_copy(update={"due_at": due_at})
    mine = t.process.c.id == process
    async with site.installation.engines.write.begin() as connection:
        await connection.execute(
            update(t.process).where(mine).values(state=state.model_dump_json())
        )
