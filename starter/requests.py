"""What the request commands do: look up, check as the door will, sign, send, and show."""

from collections.abc import Sequence
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from approvals.addresses import address
from approvals.audit import AuditEntry
from approvals.commands import parsed
from approvals.errors import AlreadySubmittedError, NotFoundError
from approvals.facts import Needed
from approvals.people import Directory, Person
from approvals.policy import Policy
from approvals.records import Record
from approvals.slugs import slug
from approvals.tenant_access import authority
from approvals.tenant_access.commands import Submit
from approvals.tenant_access.record import TenantAccess, process_id_of, split
from approvals.tenant_access.rules import RULES
from approvals.tenant_access.views import RequestView, name_shown, request_view, timeline
from approvals.timeline import Line, Mail
from starter import screens
from starter.client import UnreachableError
from starter.console import UsageError
from starter.desk import Desk
from starter.process_desk import ProcessDesk
from starter.times import now

MOST_PEOPLE = 100  # of one request, as its form has it
Association = tuple[list[str], list[str]]  # addresses, tenants' slugs


class Draft(Record):
    """One request that would be sent: to whom it goes, who would get in, under which limits."""

    process: UUID
    command: Submit
    tenant_name: str
    tenant_id: UUID
    deciders: tuple[str, ...]
    people: tuple[str, ...]
    policy: Policy


class RequestDesk(ProcessDesk):
    """The request commands of one person at a desk."""

    noun = "request"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    async def viewed(self, process: UUID) -> tuple[TenantAccess, RequestView]:
        """Return a request as the viewer may see it. Raises NotFoundError."""
        state, directory = await self.seen(process)
        return state, request_view(state, self.viewer, directory)

    async def views(self, states: Sequence[TenantAccess]) -> list[RequestView]:
        """Return requests as the viewer may see them."""
        parts = [self.kind.needed(one, None) for one in states]
        directory = await self.directory(
            Needed(
                people=tuple(one for part in parts for one in part.people),
                tenants=tuple(one for part in parts for one in part.tenants),
                organizations=tuple(one for part in parts for one in part.organizations),
            )
        )
        return [request_view(one, self.viewer, directory) for one in states]

    async def zone_of(self, state: TenantAccess) -> ZoneInfo:
        """Return the tenant's time zone, in which its ends are said."""
        tenant = (await self.directory(Needed(tenants=(state.tenant,)))).tenant(state.tenant)
        return ZoneInfo(tenant.time_zone if tenant else "UTC")

    def name_of(self, person: UUID, state: TenantAccess, directory: Directory) -> str:
        """Return how a refusal calls somebody: by no name that is not shown to the viewer."""
        return name_shown(state, person, self.viewer, directory)

    def lines(
        self,
        state: TenantAccess,
        entries: Sequence[AuditEntry],
        mails: Sequence[Mail],
        directory: Directory,
    ) -> tuple[Line, ...]:
        """Return a timeline without names that are not shown to the viewer."""
        return timeline(state, entries, mails, self.viewer, directory)

    def stands(self, view: RequestView, zone: ZoneInfo) -> str:
        """Say how a request stands, and until when."""
        until = screens.clock(view, zone)
        return f"{view.tenant_name}: {view.status}" + (f", {until}" if until else "")

    async def drafts(
        self,
        name: str,
        message: str | None,
        associations: Sequence[Association],
        batch: UUID,
        organization: str | None,
    ) -> list[Draft]:
        """Turn one request with associations into one draft a tenant, judged as the door will.

        Raises FieldError for what is mistyped, ApprovalError for what would be refused.
        """
        people = await self._people([one for addresses, _ in associations for one in addresses])
        pairs = [([people[one].id for one in a], [slug(one) for one in t]) for a, t in associations]
        drafts = []
        for tenant, persons in split(pairs).items():
            if len(persons) > MOST_PEOPLE:
                raise UsageError(f"One request names at most {MOST_PEOPLE} people.")
            command = Submit(
                batch=batch,
                name=name,
                message=message,
                tenant=tenant,
                people=persons,
                organization=organization,
            )
            drafts.append(await self._draft(process_id_of(batch, tenant), command))
        return drafts

    async def submit(self, draft: Draft, *, wait: bool) -> None:
        """Send one draft. Raises the refusal or UnreachableError."""
        if await self._is_sent(draft):  # a workflow that runs already never hears a submission
            raise AlreadySubmittedError
        try:
            await self.give(draft.process, draft.command, group=draft.tenant_id, wait=wait)
        except UnreachableError:
            if await self._is_sent(draft):
                raise AlreadySubmittedError from None
            raise

    async def _is_sent(self, draft: Draft) -> bool:
        try:
            await self.seen(draft.process)
        except NotFoundError:
            return False
        return True

    async def _draft(self, process: UUID, command: Submit) -> Draft:
        directory = await self.directory(
            Needed(
                people=tuple(command.people),
                slugs=(command.tenant,),
                organization_slugs=() if command.organization is None else (command.organization,),
            )
        )
        organization, tenant = authority.require_submission(
            process, command, self.viewer, directory
        )
        policy = self.desk.settings.policies().of(organization.slug, tenant.slug)
        if await self.desk.inbox.state(process) is None:  # a repeated batch counts no more
            said = parsed(self.desk.signed(process, command), self.kind.commands)
            authority.require_quota(policy, await self.desk.inbox.counts(said, now()))
        admins = authority.deciders(tenant.id, directory)
        return Draft(
            process=process,
            command=command,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            deciders=tuple(directory.name_of(one) for one in admins),
            people=tuple(directory.name_of(one) for one in command.people),
            policy=policy,
        )

    async def _people(self, addresses: Sequence[str]) -> dict[str, Person]:
        emails = {one: address(one) for one in addresses}
        directory = await self.directory(Needed(emails=tuple(emails.values())))
        found = {one: directory.person_of(email) for one, email in emails.items()}
        unknown = [one for one, person in found.items() if person is None]
        if unknown:
            raise UsageError(f"Nobody here has the address {unknown[0]}.")
        return {one: person for one, person in found.items() if person is not None}


def association(text: str) -> Association:
    """Read ``a@x.example,b@x.example=tenant-one,tenant-two``. Raises UsageError."""
    people, separator, tenants = text.partition("=")
    pair = (_listed(people), _listed(tenants))
    if not separator or not all(pair):
        raise UsageError(
            "--associate takes ADDRESS[,ADDRESS...]=TENANT[,TENANT...],"
            " for example caroline.bingley@classics.example.com=tom-sawyer."
        )
    return pair


def batch_of(content: bytes, actor: UUID) -> UUID:
    """Return the batch of a file and its sender: sending the same file again doubles nothing."""
    return uuid5(actor, content.hex())


def _listed(text: str) -> list[str]:
    return [one for part in text.split(",") if (one := part.strip())]
