"""Rows that the gate reads, as the ledger writes them: passes, clones, memberships, visits."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Table, delete, insert, text, update

from approvals.people import Directory, Organization, Person, Role, Tenant
from store import access_tables as a
from store import tables as t
from store.engine import Engines
from tests.factories import (
    ART_GALLERY,
    ELIZABETH,
    FENCE_PAINTING,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    make_id,
)
from tests.installation import write_directory
from tests.store.faults import Counted

GROUP, SITE = make_id("customer-care"), make_id("works")
ONE_PROCESS = {"version": 1, "state": "{}", "is_closed": False, "begun_at": START}


class Entries:
    """Writes rows straight into the tables."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines

    async def add(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows."""
        async with self.engines.write.begin() as connection:
            await connection.execute(insert(table), [dict(row) for row in rows])

    async def set(self, table: Table, one: UUID, **values: Any) -> None:
        """Change the row of that id."""
        async with self.engines.write.begin() as connection:
            await connection.execute(update(table).where(table.c.id == one).values(values))

    async def known(self, directory: Directory) -> None:
        """Write what is not there yet of a directory."""
        async with self.engines.write.begin() as connection:
            await write_directory(connection, directory)

    async def group(
        self, *members: Person, group: UUID = GROUP, owner: Organization = NETHERFIELD
    ) -> None:
        """Add a support group with these people; its organization serves both customers."""
        served = ((owner.id, FENCE_PAINTING.id), (owner.id, ART_GALLERY.id))
        await self.known(Directory(serves=served))
        row = {"id": group, "slug": str(group), "name": "Care", "organization_id": owner.id}
        await self.add(t.team, row)
        for one in members:
            await self.add(t.team_member, {"team_id": group, "person_id": one.id})

    async def leaves(self, person: Person, group: UUID = GROUP) -> None:
        """Take somebody out of the group."""
        member = t.team_member.c
        async with self.engines.write.begin() as connection:
            these = delete(t.team_member).where(member.person_id == person.id)
            await connection.execute(these.where(member.team_id == group))

    async def serves_no_more(self, owner: Organization, customer: Organization) -> None:
        """Let an organization serve a customer no more."""
        serves = t.serves.c
        async with self.engines.write.begin() as connection:
            these = delete(t.serves).where(serves.server_id == owner.id)
            await connection.execute(these.where(serves.customer_id == customer.id))

    async def process(self, kind: str, status: str, **columns: Any) -> UUID:
        """Add a process in some status."""
        process = uuid4()
        row = {"id": process, "kind": kind, "status": status, **ONE_PROCESS, **columns}
        await self.add(t.process, row)
        return process

    async def pairing(
        self,
        *permissions: str,
        status: str = "active",
        tenant: Tenant = TOM_SAWYER,
        group: UUID = GROUP,
        **columns: Any,
    ) -> UUID:
        """Add a pairing and its pass."""
        process = await self.process("pairing", status, tenant_id=tenant.id)
        row = {
            "id": uuid4(), "process_id": process, "tenant_id": tenant.id, "team_id": group,
            "permissions": list(permissions), "consents": [],
        }  # fmt: skip
        await self.add(a.pairing_pass, {**row, **columns})
        return process

    async def grant(self, person: Person, tenant: Tenant = TOM_SAWYER) -> UUID:
        """Let somebody in by a request, without an end."""
        process = await self.process("tenant_access", "granted", tenant_id=tenant.id)
        row = {
            "process_id": process, "person_id": person.id, "tenant_id": tenant.id,
            "requested_by": ELIZABETH.id, "granted_by": TOM.id, "no_end": True,
        }  # fmt: skip
        await self.add(t.access_grant, row)
        return process

    async def clone(self, process: UUID, agent: Person, tenant: Tenant = TOM_SAWYER) -> UUID:
        """Add a cloned user of an agent; return its id."""
        clone = uuid4()
        row = {
            "id": clone, "process_id": process, "tenant_id": tenant.id, "person_id": agent.id,
            "added_at": START,
        }  # fmt: skip
        await self.add(a.clone, row)
        return clone

    async def session(self, process: UUID, person: Person, mode: str, **columns: Any) -> UUID:
        """Add an open visit."""
        session = uuid4()
        row = {
            "id": session, "process_id": process, "person_id": person.id, "mode": mode,
            "begun_at": START,
        }  # fmt: skip
        await self.add(t.session, {**row, **columns})
        return session

    async def site(self, owner: Organization = FENCE_PAINTING, site: UUID = SITE) -> None:
        """Add a site."""
        row = {"id": site, "slug": str(site), "name": "Works", "organization_id": owner.id}
        await self.add(t.site, row)

    async def membership(
        self, person: Person, status: str = "member", site: UUID = SITE, **privileges: str
    ) -> UUID:
        """Add somebody's membership of the site."""
        process = await self.process("site_access", status, site_id=site)
        row = {
            "process_id": process, "site_id": site, "person_id": person.id,
            "privileges": privileges, "since": START,
        }  # fmt: skip
        await self.add(a.membership, row)
        return process

    async def role(self, person: Person, role: Role, scope: UUID) -> None:
        """Give somebody a role."""
        row = {"person_id": person.id, "role": role.value, "scope_id": scope}
        await self.add(t.role_assignment, row)


async def scans_of(engines: Engines, counted: Counted) -> list[str]:
    """Return the steps of the one counted statement's plan that read a whole table."""
    ((query, parameters),) = counted.queries
    async with engines.read.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if not engines.is_sqlite:
            explain = "EXPLAIN"
            await connection.execute(text("SET enable_seqscan = off"))  # these tables are tiny
        found = await connection.exec_driver_sql(f"{explain} {query}", parameters)
        plan = [str(row[-1]) for row in found]
    assert plan
    return [
        line
        for line in plan
        if ("SCAN" in line.split() and "CONSTANT" not in line) or "Seq Scan" in line
    ]
