"""A decision that gives more than was asked, or comes too late: the row says what counts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from approvals.canonical import canonical
from approvals.people import Person
from store import tables as t
from tests.factories import CHRISTOPHER, HUNDRED_ACRE, LYDIA, MS
from tests.installation import CarriedClock
from tests.pairings import FITZWILLIAM
from tests.portal.site import Site
from tests.security.matter import Matter
from tests.security.matters import OfPairings, OfSites, on_every_matter
from tests.security.ways import WAYS, carried, events, heard
from tests.sites import HUCK, levels
from tests.workflows.stage import on_both_databases

LATER = (datetime.now(UTC) + timedelta(days=90_000)).isoformat()
REFUSED = {f"refused.{one}" for one in ("invalid_decision", "end_date", "submission_refused")}
NOTHING = "nothing more"
FOR_ALL: dict[str, dict[str, Any]] = {
    NOTHING: {},
    "a person": {"person": str(LYDIA.id)},
    "a tenant": {"tenant": HUNDRED_ACRE.slug},
    "a tenant's id": {"tenant_id": str(HUNDRED_ACRE.id)},
    "roles": {"roles": ["operator"]},
    "a decider": {"decided_by": str(CHRISTOPHER.id)},
    "a policy": {"policy": {"longest_access": "36500d", "decision_window": "36500d"}},
}
# What a message says besides; a form says the same, unless it has a way of its own.
WIDER: dict[str, dict[str, dict[str, Any]]] = {
    "tenant_access": {
        **FOR_ALL,
        "people": {"people": [str(LYDIA.id)]},
        "a status": {"status": "granted", "granted_by": str(CHRISTOPHER.id)},
        "an end": {"ends_at": LATER},
        "both ends": {"no_end": True},
    },
    "site_access": {
        **FOR_ALL,
        "a site": {"site": "elsewhere"},
        "a status": {"status": "member", "since": "2020-01-01T00:00:00Z"},
        "a level": {"privileges": {"purchase": "own"}},
        "an area": {"privileges": {**levels(purchase="view"), "operator": "update"}},
        "what is for contacts": {"privileges": levels(manage_access="update")},
    },
    "pairing": {
        **FOR_ALL,
        "a group": {"group": "everybody"},
        "a status": {"status": "active", "assignments": [{"roles": ["support"]}]},
        "an end": {"due_at": LATER},
        "a minimum": {"minimum": []},
    },
}  # fmt: skip
OF_FORM = {
    ("tenant_access", "an end"): {"end": "90000d"},
    ("tenant_access", "both ends"): {"no_end": "true"},
    ("site_access", "a level"): {"level_purchase": "own"},
    ("site_access", "an area"): {"level_operator": "update"},
    ("site_access", "what is for contacts"): {"level_manage_access": "update"},
}


async def said_more(
    matter: Matter, who: Person, process: UUID, decision: str, **more: Any
) -> bytes:
    """Sign a decision that says more, or something else, than it may."""
    body = json.loads(await matter.signed(who, process, decision))
    del body["signature"]
    body["command"]["args"] |= more
    key = matter.site.installation.keys[who.id]
    return canonical({**body, "signature": key.signature(canonical(body))})


@on_both_databases
@on_every_matter
@pytest.mark.parametrize("way", WAYS)
async def test_an_approver_grants_what_was_asked_and_nothing_else(
    site: Site, matter: Matter, way: str
) -> None:
    who, decision = matter.deciders[0], next(iter(matter.ends))
    browser, counted = await site.signed_in(who), 0

    for what, more in WIDER[matter.kind].items():
        process = await matter.begun()
        asked = (await matter.state(process)).model_dump(include=matter.fixed)
        if way == "form":
            fields = OF_FORM.get((matter.kind, what), _flat(more))
            await matter.sent_as_form(browser, process, decision, **fields)
        else:
            said = await said_more(matter, who, process, decision, **more)
            await carried(site, process, said, way, matter.kind)
            told = (await heard(site, process, 1))[1]
            assert told in ({matter.events[decision]} if what is NOTHING else REFUSED), what
        state = await matter.state(process)
        assert state.model_dump(include=matter.fixed) == asked, what
        is_done = state.status == matter.ends[decision]
        assert is_done or (state.status, state.version) == (matter.open, 1), what
        assert await matter.let_in(process) == (matter.asked_for(process) if is_done else set())
        counted += is_done

    # A form passes by what it does not know, and lets in whom it should.
    assert counted > 1 if way == "form" else counted == 1


def _flat(more: dict[str, Any]) -> dict[str, Any]:
    return {name: json.dumps(one) if isinstance(one, dict) else one for name, one in more.items()}


@on_both_databases
@pytest.mark.parametrize("matter", [OfSites], indirect=True)
@pytest.mark.parametrize("way", WAYS)
async def test_a_contact_gives_no_level_above_their_own(
    site: Site, matter: Matter, way: str
) -> None:
    process = await matter.begun()
    above = levels(purchase="update", reporting="view")

    if way == "form":
        browser = await site.signed_in(HUCK)
        given = {"level_purchase": "update", "level_reporting": "view"}
        assert await matter.sent_as_form(browser, process, "grant", **given) == 422
    else:
        said = await said_more(matter, HUCK, process, "grant", privileges=above)
        await carried(site, process, said, way, matter.kind)

    assert (await heard(site, process, 1))[1:] == ["refused.submission_refused"]
    assert (await matter.state(process)).status == matter.open
    assert await matter.let_in(process) == set()


@on_both_databases
@pytest.mark.parametrize("matter", [OfPairings], indirect=True)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "more",
    [
        {"roles": ["operator"]},
        {"roles": ["support", "trust_admin"]},
        {"roles": ["support"], "person": str(FITZWILLIAM.id)},
        {"roles": ["support"], "person": str(LYDIA.id)},
    ],
    ids=["a role of ours", "one of ours besides", "who is not of the group", "who is of no part"],
)
async def test_a_pairing_gives_its_group_roles_of_its_own_alone(
    site: Site, matter: Matter, way: str, more: dict[str, Any]
) -> None:
    process, tom = await matter.begun(), matter.deciders[0]
    browser = await site.signed_in(tom)
    assert await matter.sent_as_form(browser, process, "accept") == 303
    before = await events(site, process)

    if way == "form":
        status = await matter.sent_as_form(browser, process, "assign_roles", **more)
        assert status in (404, 409, 422)
    else:
        said = await said_more(matter, tom, process, "assign_roles", **more)
        await carried(site, process, said, way, matter.kind)
        (told,) = (await heard(site, process, len(before)))[len(before) :]
        assert told.startswith("refused.")
        assert told != "refused.key_refused"

    assert (await matter.state(process)).status == "paired"
    assert await matter.let_in(process) == set()
    assert await matter.sent_as_form(browser, process, "assign_roles", roles="support") == 303
    assert len(await matter.let_in(process)) == 1  # or it was refused for another reason


@on_both_databases
@on_every_matter
@pytest.mark.parametrize("way", WAYS)
async def test_a_decision_counts_until_the_window_ends_and_not_at_its_end(
    site: Site, matter: Matter, clock: CarriedClock, way: str
) -> None:
    who = matter.deciders[0]
    browser = await site.signed_in(who)

    for decision, done in matter.ends.items():
        for offset in (-MS, 0 * MS, MS):
            clock.fixed = None
            process = await matter.begun()
            due_at = datetime.now(UTC)
            await closes(matter, process, due_at)
            said = await matter.signed(who, process, decision)
            clock.fixed = due_at + offset
            if way == "form":
                answer = await matter.sent_as_form(browser, process, decision)
                assert answer == (303 if offset < 0 * MS else 409)
            else:
                await carried(site, process, said, way, matter.kind)
            told = await heard(site, process, 1)

            late = f"refused.{matter.late.get(decision, 'too_late')}"
            assert told[1] == (matter.events[decision] if offset < 0 * MS else late)
            status = (await matter.state(process)).status
            assert status in ([done] if offset < 0 * MS else [matter.open, "lapsed"])


async def closes(matter: Matter, process: UUID, due_at: datetime) -> None:
    """Let a window end at that instant."""
    state = (await matter.state(process)).model_copy(update={"due_at": due_at})
    mine = t.process.c.id == process
    async with matter.site.installation.engines.write.begin() as connection:
        await connection.execute(
            update(t.process).where(mine).values(state=state.model_dump_json())
        )
