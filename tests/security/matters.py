"""What can be decided on: a tenant's access, a person's access to a site, and a pairing.

Each matter knows how one of its processes begins, who decides, and what a decision says on each
of the ways by which it can come. A test that takes ``matter`` runs on all of them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from approvals.commands import Command
from approvals.pairing import commands as pairing
from approvals.pairing.record import process_id_of as pairing_of
from approvals.pairing.record import shown_digest as shown_of_pairing
from approvals.people import Person, Role
from approvals.site_access import commands as site_access
from approvals.site_access.record import process_id_of as access_of
from approvals.site_access.record import shown_digest as shown_of_access
from approvals.tenant_access import commands as tenant_access
from approvals.tenant_access.record import shown_digest as shown_of_request
from identity.enrolment import proof_of_link
from store import tables as t
from store.access_tables import membership, pairing_pass
from tests.factories import (
    BECKY,
    CAROLINE,
    DIRECTORY,
    ELIZABETH,
    FENCE_PAINTING,
    MARY,
    TOM,
    TOM_SAWYER,
    make_id,
    make_person,
    make_submit,
)
from tests.factories import role as role_of
from tests.faults.plan import FULL
from tests.pairings import CARE, CHARLES, LOUISA, PAIRED_DIRECTORY, make_offer
from tests.portal.pairings import link_of
from tests.portal.site import Browser, Site
from tests.security.matter import Matter
from tests.sites import HUCK, SITE, SITES, levels, make_add

NUMBERS = tuple(range(100 if FULL else 12))
GUESTS = tuple(make_person(f"Guest {one}", FENCE_PAINTING) for one in NUMBERS)
TEAMS = tuple(
    CARE.model_copy(update={"id": make_id(f"team.{one}"), "slug": f"team-{one}"}) for one in NUMBERS
)


class OfTenants(Matter):
    """Requests of Classics, Inc. to Tom Sawyer's tenant."""

    kind, folder, open = "tenant_access", "requests", "pending"
    ends = {"grant": "granted", "deny": "denied"}
    events = ends
    deciders = (TOM, BECKY)
    directory = DIRECTORY
    fixed = {"batch", "organization", "tenant", "requester", "people", "name", "message", "policy"}

    async def begun(self) -> UUID:
        return await self.site.asked(batch=uuid4())

    async def of_their_own(self) -> list[tuple[Person, UUID]]:
        people = (ELIZABETH, CAROLINE, MARY)
        await self._given(*(role_of(one, Role.TENANT_ADMIN, TOM_SAWYER.id) for one in people))
        hers = await self.site.asked(MARY, batch=uuid4(), organization="classics")
        return [(ELIZABETH, await self.begun()), (CAROLINE, await self.begun()), (MARY, hers)]

    def asked_for(self, process: UUID) -> set[Any]:
        return {(one, TOM_SAWYER.id, True) for one in make_submit().people}

    async def let_in(self, process: UUID) -> set[Any]:
        soon = datetime.now(UTC) + timedelta(days=366)
        return {
            (one.person_id, one.tenant_id, one.ends_at is not None and one.ends_at < soon)
            for one in await self._rows(t.access_grant, process)
        }

    def command(self, decision: str, process: UUID) -> Command:
        if decision == "deny":
            return tenant_access.Deny(reason="No.")
        return tenant_access.Grant(ends_at=datetime.now(UTC) + timedelta(days=1))

    def fields(self, decision: str) -> Mapping[str, str]:
        return {"end": "7d"} if decision == "grant" else super().fields(decision)

    def shown_in(self, state: Any) -> str:
        return shown_of_request(state)


class OfSites(Matter):
    """What guests ask of a site, whose primary contact is Becky; Huck may manage access there."""

    kind, folder, open = "site_access", "sites", "asked"
    ends = {"grant": "member", "deny": "denied"}
    events = {"grant": "granted", "deny": "denied"}
    deciders = (BECKY, HUCK)
    fixed = {"site", "organization", "person", "message", "policy"}
    directory = SITES.model_copy(update={"people": (*SITES.people, *GUESTS)})

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._guests = iter(GUESTS)

    async def furnished(self) -> None:
        await super().furnished()
        given = levels(manage_access="update", purchase="view")
        process = access_of(SITE.id, HUCK.id)
        await self._submits(BECKY, process, make_add(HUCK, privileges=given), SITE.id)

    async def begun(self) -> UUID:
        return await self._asked(next(self._guests))

    async def of_their_own(self) -> list[tuple[Person, UUID]]:
        guest = next(self._guests)
        process = await self._asked(guest)
        await self._given(role_of(guest, Role.PRIMARY_CONTACT, SITE.id))
        return [(guest, process)]

    def asked_for(self, process: UUID) -> set[Any]:
        guest = next(one for one in GUESTS if access_of(SITE.id, one.id) == process)
        return {(guest.id, SITE.id, frozenset(levels(purchase="view").items()))}

    async def let_in(self, process: UUID) -> set[Any]:
        return {
            (one.person_id, one.site_id, frozenset(dict(one.privileges).items()))
            for one in await self._rows(membership, process)
        }

    def command(self, decision: str, process: UUID) -> Command:
        if decision == "deny":
            return site_access.Deny(reason="No.")
        return site_access.Grant(privileges=levels(purchase="view"))

    def fields(self, decision: str) -> Mapping[str, str]:
        return {"level_purchase": "view"} if decision == "grant" else super().fields(decision)

    def shown_in(self, state: Any) -> str:
        return shown_of_access(state)

    async def _asked(self, guest: Person) -> UUID:
        process = access_of(SITE.id, guest.id)
        await self._submits(guest, process, site_access.Ask(site=SITE.slug), SITE.id)
        return process


class OfPairings(Matter):
    """Offers of Netherfield's teams to Tom Sawyer: each team has one pairing with a tenant."""

    kind, folder, open = "pairing", "pairings", "offered"
    ends = {"accept": "paired", "decline": "declined"}
    events = {"accept": "accepted", "decline": "declined"}
    late = {"accept": "link_expired"}
    fixed = {
        "batch", "vendor", "group", "customer", "tenant", "requester", "message", "minimum",
        "offered_at", "due_at", "assignments", "own_roles",
    }  # fmt: skip
    deciders = (TOM, BECKY)
    directory = PAIRED_DIRECTORY.model_copy(update={"groups": TEAMS})

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._teams = iter(TEAMS)
        self._tokens: dict[UUID, str] = {}

    async def begun(self) -> UUID:
        batch, mails = uuid4(), len(self.site.letters)
        process = pairing_of(batch, TOM_SAWYER.slug)
        offer = make_offer(batch=batch, group=next(self._teams).slug)
        await self._submits(CHARLES, process, offer, TOM_SAWYER.id)
        self._tokens[process] = await link_of(self.site, before=mails)
        return process

    async def of_their_own(self) -> list[tuple[Person, UUID]]:
        people = (CHARLES, LOUISA)
        await self._given(*(role_of(one, Role.TRUST_ADMIN, FENCE_PAINTING.id) for one in people))
        return [(one, await self.begun()) for one in people]

    def asked_for(self, process: UUID) -> set[Any]:
        return set()  # until somebody gives roles

    async def let_in(self, process: UUID) -> set[Any]:
        return {
            (one.team_id, one.tenant_id, one.person_id, tuple(one.permissions))
            for one in await self._rows(pairing_pass, process)
        }

    def command(self, decision: str, process: UUID) -> Command:
        if decision == "decline":
            return pairing.Decline(reason="No.")
        if decision == "assign_roles":
            return pairing.AssignRoles(roles=("support",))
        return pairing.Accept(proof=proof_of_link(process, self._tokens[process]))

    def shown_in(self, state: Any) -> str:
        return shown_of_pairing(state)

    async def sent_as_form(
        self, browser: Browser, process: UUID, decision: str, /, **more: str
    ) -> int:
        await browser.get(f"/pairings/{process}/{self._tokens[process]}")  # the mailed link
        return await super().sent_as_form(browser, process, decision, **more)


MATTERS = (OfTenants, OfSites, OfPairings)
on_every_matter = pytest.mark.parametrize(
    "matter", MATTERS, indirect=True, ids=[one.kind for one in MATTERS]
)
