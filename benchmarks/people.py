"""The directory of the measured installation: partners that ask, customers that decide, and keys.

Several of each, so that no figure rests on one row that everybody shares.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from approvals.commands import Command
from approvals.people import OrganizationKind, PersonId, Role
from approvals.tenant_access.commands import Submit
from approvals.tenant_access.record import process_id_of
from identity.signing import SigningKey, fresh_nonce
from store import tables as t

PARTNERS = 4
CUSTOMERS = 20
GROUP = "customer-care"  # of the one vendor, which serves every customer
MAILS_OF_A_LIFE = 5  # one to the admin; after the decision and after the end, two each


@dataclass(frozen=True)
class Signatory:
    """Somebody who gives commands."""

    id: PersonId
    key_id: UUID
    key: SigningKey

    def signed(self, process: UUID, command: Command) -> bytes:
        """Sign a command for a process, now."""
        return self.key.signed(
            process,
            command,
            actor=self.id,
            key_id=self.key_id,
            issued_at=datetime.now(UTC),
            nonce=fresh_nonce(),
        )


@dataclass(frozen=True)
class Case:
    """One request to come: who asks for whom, where, and who will decide."""

    process: UUID
    batch: UUID
    organization_id: UUID
    tenant_id: UUID
    slug: str
    requester: Signatory
    named: PersonId
    admin: Signatory
    admin_name: str

    @property
    def submission(self) -> Submit:
        """The command that sends it."""
        return Submit(
            batch=self.batch,
            name="SupportAccess",
            message="Our account managers help you with the new fence.",
            tenant=self.slug,
            people=(self.named,),
        )


class People:
    """Every person of the installation, with the key that each enrolled."""

    def __init__(self) -> None:
        self._requesters = [_signatory(f"lead.{number}") for number in range(PARTNERS)]
        self._admins = [_signatory(f"admin.{number}") for number in range(CUSTOMERS)]
        self.agent = _signatory("agent")

    def case(self, number: int) -> Case:
        """Return the request of that number; the same number always means the same request."""
        customer = number % CUSTOMERS
        partner = customer % PARTNERS
        batch, slug = make_id(f"batch.{number}"), f"customer-{customer}"
        return Case(
            process=process_id_of(batch, slug),
            batch=batch,
            organization_id=make_id(f"partner-{partner}"),
            tenant_id=make_id(f"tenant.{customer}"),
            slug=slug,
            requester=self._requesters[partner],
            named=PersonId(make_id(f"manager.{partner}")),
            admin=self._admins[customer],
            admin_name=f"admin.{customer}",
        )

    async def write(self, connection: AsyncConnection) -> None:
        """Write directory and keys into an empty database."""
        now = datetime.now(UTC)
        await connection.execute(insert(t.organization), list(_organizations()))
        await connection.execute(insert(t.serves), list(_serving()))
        await connection.execute(insert(t.tenant), list(_tenants()))
        await connection.execute(insert(t.person), list(_persons()))
        await connection.execute(insert(t.role_assignment), list(_roles()))
        await connection.execute(insert(t.site), list(_sites()))
        await connection.execute(insert(t.team), [_group()])
        member = {"team_id": make_id(GROUP), "person_id": self.agent.id}
        await connection.execute(insert(t.team_member), [member])
        keys = [_key(one, now) for one in (*self._requesters, *self._admins, self.agent)]
        await connection.execute(insert(t.key), keys)


def make_id(name: str) -> UUID:
    """Return the id that this name has in every run."""
    return uuid5(NAMESPACE_DNS, f"{name}.bench.example")


def organization_row(slug: str, kind: OrganizationKind) -> dict[str, Any]:
    """Return the row of an active organization, whose id is made of its slug."""
    return {
        "id": make_id(slug),
        "slug": slug,
        "name": slug.replace("-", " ").title(),
        "kind": kind.value,
        "time_zone": "UTC",
        "is_active": True,
    }


def tenant_row(number: int) -> dict[str, Any]:
    """Return the row of a customer's tenant, which is on."""
    slug = f"customer-{number}"
    return {
        "id": make_id(f"tenant.{number}"),
        "slug": slug,
        "name": slug.replace("-", " ").title(),
        "organization_id": make_id(slug),
        "time_zone": "UTC",
        "locale": "en",
        "is_on": True,
        "is_locked": False,
    }


def person_row(name: str, organization: str) -> dict[str, Any]:
    """Return the row of an active person, whose id and address are made of the name."""
    email = email_of(name, organization)
    return {
        "id": make_id(name),
        "email": email,
        "email_key": email,
        "name": name.replace(".", " ").title(),
        "organization_id": make_id(organization),
        "locale": "en",
        "time_zone": "UTC",
        "is_active": True,
    }


def email_of(name: str, organization: str) -> str:
    """Return the address of a person."""
    return f"{name}@{organization}.example"


def site_of(customer: str) -> tuple[UUID, str]:
    """Return id and slug of a customer's one site."""
    return make_id(f"site.{customer}"), f"site-of-{customer}"


def _signatory(name: str) -> Signatory:
    return Signatory(PersonId(make_id(name)), make_id(f"key.{name}"), SigningKey.fresh())


def _organizations() -> Iterator[dict[str, Any]]:
    for number in range(PARTNERS):
        yield organization_row(f"partner-{number}", OrganizationKind.PARTNER)
    for number in range(CUSTOMERS):
        yield organization_row(f"customer-{number}", OrganizationKind.CUSTOMER)
    yield organization_row("vendor", OrganizationKind.VENDOR)


def _serving() -> Iterator[dict[str, Any]]:
    for number in range(CUSTOMERS):
        partner, customer = f"partner-{number % PARTNERS}", f"customer-{number}"
        yield {"server_id": make_id(partner), "customer_id": make_id(customer)}
        yield {"server_id": make_id("vendor"), "customer_id": make_id(customer)}


def _tenants() -> Iterator[dict[str, Any]]:
    return (tenant_row(number) for number in range(CUSTOMERS))


def _sites() -> Iterator[dict[str, Any]]:
    for number in range(CUSTOMERS):
        customer = f"customer-{number}"
        site, slug = site_of(customer)
        yield {"id": site, "slug": slug, "name": slug, "organization_id": make_id(customer)}


def _persons() -> Iterator[dict[str, Any]]:
    for number in range(PARTNERS):
        yield person_row(f"lead.{number}", f"partner-{number}")
        yield person_row(f"manager.{number}", f"partner-{number}")
    for number in range(CUSTOMERS):
        yield person_row(f"admin.{number}", f"customer-{number}")
    yield person_row("agent", "vendor")


def _roles() -> Iterator[dict[str, Any]]:
    for number in range(PARTNERS):
        yield _role(f"lead.{number}", Role.TM_ADMIN, f"partner-{number}")
        yield _role(f"lead.{number}", Role.PARTNER_ADMIN, f"partner-{number}")
    for number in range(CUSTOMERS):
        yield _role(f"admin.{number}", Role.TENANT_ADMIN, f"tenant.{number}")
        yield _role(f"admin.{number}", Role.TRUST_ADMIN, f"customer-{number}")
        yield _role(f"admin.{number}", Role.PRIMARY_CONTACT, f"site.customer-{number}")
    yield _role("agent", Role.SUPPORT_AGENT, "vendor")
    yield _role("agent", Role.ONBOARDING_OPERATOR, "vendor")


def _group() -> dict[str, Any]:
    vendor = make_id("vendor")
    return {"id": make_id(GROUP), "slug": GROUP, "name": "Customer Care", "organization_id": vendor}


def _role(person: str, role: Role, scope: str) -> dict[str, Any]:
    return {"person_id": make_id(person), "role": role.value, "scope_id": make_id(scope)}


def _key(one: Signatory, now: datetime) -> dict[str, Any]:
    return {
        "id": one.key_id,
        "person_id": one.id,
        "public_key": one.key.public,
        "channel": "cli",
        "client": "benchmark",
        "enrolled_at": now - timedelta(hours=1),
        "expires_at": now + timedelta(hours=11),
    }
