"""Many open processes of every kind in one installation, each written through the one door."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from activities.onboarding import OnboardingActivities
from approvals.commands import Command
from approvals.contacts import record as contacts
from approvals.customer_access.commands import Enable
from approvals.customer_access.record import process_id_of as switch_of
from approvals.delivery import Start
from approvals.facts import Needed
from approvals.onboarding.commands import Abandon
from approvals.onboarding.record import process_id_of as onboarding_of
from approvals.pairing.commands import Withdraw as TakeOfferBack
from approvals.pairing.record import process_id_of as pairing_of
from approvals.people import OrganizationKind, Person, Role, Site, SiteId
from approvals.sign_in.commands import Begin, Prove
from approvals.sign_in.record import ATTEMPTS
from approvals.site_access.commands import Ask
from approvals.site_access.commands import Withdraw as TakeAskingBack
from approvals.site_access.record import process_id_of as access_of
from approvals.tenant_access.commands import Withdraw as TakeRequestBack
from approvals.tenant_access.record import process_id_of as request_of
from identity.signing import SigningKey, fresh_nonce
from store.directory import part_of
from store.engine import Engines
from store.ledger import SqlLedger
from tests.factories import (
    BATCH,
    BECKY,
    CLASSICS,
    ELIZABETH,
    FENCE_PAINTING,
    JANE,
    LYDIA,
    NETHERFIELD,
    TOM,
    make_id,
    make_organization,
    make_submit,
    make_tenant,
    role,
    with_roles,
)
from tests.installation import Installation, NoMailQueue, commit
from tests.onboardings import make_start
from tests.pairings import CHARLES, PAIRED_DIRECTORY, make_offer
from tests.platform_in_memory import InMemoryPlatform
from tests.sites import HUCK, make_save
from tests.stored_life import raw

ACTING = (ELIZABETH, JANE, LYDIA, TOM, BECKY, CHARLES)
OFFERS, FORMS = make_id("offers"), make_id("forms")  # batches of their own


class Message(NamedTuple):
    """What is said to a process: its kind, its id, and the signed command."""

    kind: str
    process: UUID
    said: bytes


class Crowd:
    """An installation with so many customers and sites, and a process of each kind for each."""

    def __init__(self, engines: Engines, count: int) -> None:
        self.installation = Installation(engines)
        self.installation.keys = {one.id: SigningKey.fresh() for one in ACTING}
        self.door = self.installation.door()
        self._drawn = [SigningKey.fresh() for _ in range(count)]
        self.customers = [
            make_organization(f"customer-{one}", f"Customer {one}", OrganizationKind.CUSTOMER)
            for one in range(count)
        ]
        self.tenants = [make_tenant(one) for one in self.customers]
        self.sites = [
            Site(
                id=SiteId(make_id(f"site-{one}")),
                slug=f"site-{one}",
                name=f"Site {one}",
                organization=FENCE_PAINTING.id,
            )
            for one in range(count)
        ]

    async def fill(self) -> None:
        """Write the directory: Tom for every tenant, Becky and Huck for every site."""
        known = PAIRED_DIRECTORY
        wider = known.model_copy(
            update={
                "organizations": (*known.organizations, *self.customers),
                "tenants": (*known.tenants, *self.tenants),
                "sites": tuple(self.sites),
                "people": (*known.people, HUCK),
                "serves": (
                    *known.serves,
                    *((CLASSICS.id, one.id) for one in self.customers),
                    *((NETHERFIELD.id, one.id) for one in self.customers),
                ),
            }
        )
        await self.installation.fill(
            with_roles(
                wider,
                role(JANE, Role.PARTNER_ADMIN, CLASSICS.id),
                role(CHARLES, Role.ONBOARDING_OPERATOR, NETHERFIELD.id),
                *(role(TOM, Role.TENANT_ADMIN, one.id) for one in self.tenants),
                *(role(TOM, Role.TRUST_ADMIN, one.id) for one in self.customers),
                *(role(BECKY, Role.PRIMARY_CONTACT, one.id) for one in self.sites),
                *(role(HUCK, Role.SECONDARY_CONTACT, one.id) for one in self.sites),
            )
        )

    async def opened(self, numbers: range) -> dict[UUID, str]:
        """Open a process of each kind for these customers and sites; return their kinds."""
        kinds = {}
        for number in numbers:
            for one in (*self._of_customer(number), *(await self._of_site(number))):
                await self._takes(one)
                kinds[one.process] = one.kind
        return kinds

    async def closed(self, numbers: range) -> set[UUID]:
        """Close what of these can be closed: the requests, offers, onboardings and sign-ins."""
        steps = OnboardingActivities(
            SqlLedger(self.installation.engines), InMemoryPlatform(), NoMailQueue()
        )
        processes = set()
        for number in numbers:
            wrong = [self._by_nobody(number, Prove(proof="0" * 64)) for _ in range(ATTEMPTS)]
            for one in (*self.closing(number), *wrong):
                await self._takes(one)
                processes.add(one.process)
            await steps.step(raw(Start(process=onboarding_of(FORMS, f"inn-{number}"))))
        return processes

    async def _takes(self, message: Message) -> None:
        outcome = await commit(self.door, message.process, message.said)
        refusal = outcome.refusal
        assert refusal is None or refusal.code == "wrong_code", refusal

    def closing(self, number: int) -> Iterator[Message]:
        """Yield what closes those processes of one customer and site that a person can close."""
        slug, site = self.tenants[number].slug, self.sites[number]
        request, pairing = request_of(BATCH, slug), pairing_of(OFFERS, slug)
        yield self._by(ELIZABETH, "tenant_access", request, TakeRequestBack())
        yield self._by(CHARLES, "pairing", pairing, TakeOfferBack())
        yield self._by(LYDIA, "site_access", access_of(site.id, LYDIA.id), TakeAskingBack())
        yield self._by(CHARLES, "onboarding", onboarding_of(FORMS, f"inn-{number}"), Abandon())

    def _of_customer(self, number: int) -> Iterator[Message]:
        customer, tenant = self.customers[number], self.tenants[number]
        slug, new = tenant.slug, f"inn-{number}"
        request, pairing = request_of(BATCH, slug), pairing_of(OFFERS, slug)
        yield self._by(ELIZABETH, "tenant_access", request, make_submit(tenant))
        yield self._by(CHARLES, "pairing", pairing, make_offer(tenant=slug, batch=OFFERS))
        switch = switch_of(CLASSICS.id, customer.id)
        yield self._by(JANE, "customer_access", switch, Enable(customer=customer.slug))
        start = make_start(batch=FORMS, customer=new, reference=f"C-{number}")
        yield self._by(CHARLES, "onboarding", onboarding_of(FORMS, new), start)
        email, public_key = f"somebody.{number}@elsewhere.example", self._drawn[number].public
        yield self._by_nobody(number, Begin(email=email, public_key=public_key, client="laptop"))

    async def _of_site(self, number: int) -> list[Message]:
        site = self.sites[number]
        async with self.installation.engines.read.connect() as connection:
            held = await part_of(connection, Needed(scopes=(site.id,)), hold=False)
        shown = contacts.shown_digest(None, site.id, held)
        save = make_save(BECKY, HUCK).model_copy(update={"site": site.slug, "shown": shown})
        asks = access_of(site.id, LYDIA.id)
        return [
            self._by(BECKY, "contacts", contacts.process_id_of(site.id), save),
            self._by(LYDIA, "site_access", asks, Ask(site=site.slug)),
        ]

    def _by(self, person: Person, kind: str, process: UUID, command: Command) -> Message:
        return Message(kind, process, self.installation.signed(person, process, command))

    def _by_nobody(self, number: int, command: Command) -> Message:
        process, key = make_id(f"sign-in {number}"), self._drawn[number]
        said = key.signed(
            process,
            command,
            actor=None,
            key_id=process,
            issued_at=datetime.now(UTC),
            nonce=fresh_nonce(),
        )
        return Message("sign_in", process, said)
