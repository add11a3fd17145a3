"""What the request commands do: look up, check as the door will, sign, send, and show."""

import json
import shlex
from collections.abc import Sequence
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from activities import names
from approvals.addresses import address
from approvals.commands import Command
from approvals.errors import AlreadySubmittedError, ApprovalError, NotFoundError, restored
from approvals.facts import Needed
from approvals.people import Directory, Person, PersonId
from approvals.policy import Policy
from approvals.records import Record
from approvals.rules import needed
from approvals.slugs import slug
from approvals.tenant_access import authority, life
from approvals.tenant_access.commands import Submit
from approvals.tenant_access.record import KIND, TenantAccess, process_id_of, split
from approvals.tenant_access.views import RequestView, name_shown, request_view, timeline
from approvals.timeline import Line
from starter.client import UnreachableError
from starter.console import UsageError, print_json, print_text, status
from starter.desk import Desk
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


class RequestDesk:
    """The request commands of one person at a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.viewer = PersonId(desk.profile.person)

    async def viewed(self, process: UUID) -> tuple[TenantAccess, RequestView, Directory]:
        """Return a request as the viewer may see it. Raises NotFoundError."""
        state = await self._desk.inbox.state(process)
        if not isinstance(state, TenantAccess):
            raise NotFoundError
        directory = await self._directory(state)
        if not authority.may_see(state, self.viewer, directory):
            raise NotFoundError
        return state, request_view(state, self.viewer, directory), directory

    async def views(self, states: Sequence[TenantAccess]) -> list[RequestView]:
        """Return requests as the viewer may see them."""
        directory = await self._directory(*states)
        return [request_view(one, self.viewer, directory) for one in states]

    async def timeline(self, process: UUID) -> tuple[TenantAccess, tuple[Line, ...]]:
        """Return a request and what happened to it, as the viewer may see it."""
        state, _, _ = await self.viewed(process)
        entries = await self._desk.trail.entries(process)
        mails = await self._desk.inbox.mails(process)
        acted = {PersonId(one.actor) for one in entries if one.actor is not None}
        directory = await self._directory(
            state, others=(*acted, *(one.to for one in mails if one.to))
        )
        return state, timeline(state, entries, mails, self.viewer, directory)

    async def zone_of(self, state: TenantAccess) -> ZoneInfo:
        """Return the tenant's time zone, in which its ends are said."""
        directory = await self._directory(state)
        tenant = directory.tenant(state.tenant)
        return ZoneInfo(tenant.time_zone if tenant else "UTC")

    async def own_zone(self) -> ZoneInfo:
        """Return the viewer's time zone."""
        directory = await self._desk.inbox.directory(Needed(people=(self.viewer,)))
        person = directory.person(self.viewer)
        return ZoneInfo(person.time_zone if person else "UTC")

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

    async def judged(self, state: TenantAccess, command: Command) -> TenantAccess:
        """Return what a command would make of the request now. Raises the refusal of the door."""
        directory = await self._directory(state)
        try:
            authority.require_role(state, command, self.viewer, directory)
            after = life.apply(state, command, self.viewer, now()).after
        except ApprovalError as refusal:
            sentence = refusal.sentence(lambda one: name_shown(state, one, self.viewer, directory))
            raise restored(refusal.code, sentence) from None
        return TenantAccess.model_validate(after)

    async def submit(self, draft: Draft, *, wait: bool) -> None:
        """Send one draft. Raises the refusal or UnreachableError."""
        if await self._is_sent(draft):  # a workflow that runs already never hears a submission
            raise AlreadySubmittedError
        said = self._desk.signed(draft.process, draft.command)
        gatehouse = await self._desk.gatehouse()
        try:
            await gatehouse.submit(KIND, said, draft.tenant_id, wait=wait)
        except UnreachableError:
            if await self._is_sent(draft):
                raise AlreadySubmittedError from None
            raise

    async def _is_sent(self, draft: Draft) -> bool:
        state = await self._desk.inbox.state(draft.process)
        if not isinstance(state, TenantAccess):
            return False
        return authority.may_see(state, self.viewer, await self._directory(state))

    async def give(self, process: UUID, command: Command, *, wait: bool) -> str:
        """Sign and send one command on a request; return the receipt ("" without waiting)."""
        said = self._desk.signed(process, command)
        gatehouse = await self._desk.gatehouse()
        if wait:
            return await gatehouse.send(KIND, said)
        await gatehouse.signal(KIND, said)
        return ""

    def print_signed(self, process: UUID, command: Command, name: str, *, as_json: bool) -> None:
        """Print the signed command and the plain Temporal line that sends it as a signal."""
        said = self._desk.signed(process, command).decode()
        address = self._desk.settings.temporal_address  # what TEMPORAL_ADDRESS says it reads itself
        where = [] if address is None else ["--address", address]
        line = shlex.join(
            [
                "temporal", "workflow", "signal", *where,
                "--workflow-id", names.workflow_id(KIND, process), "--name", name, "--input", said,
            ]
        )  # fmt: skip
        if as_json:
            print_json({"payload": json.loads(said), "command": line})
        else:
            print_text(said)
            print_text(line)
        status("Valid for five minutes, once. Its outcome will stand on the request's timeline.")

    async def _draft(self, process: UUID, command: Submit) -> Draft:
        directory = await self._desk.inbox.directory(
            Needed(
                people=(self.viewer, *command.people),
                slugs=(command.tenant,),
                organization_slugs=() if command.organization is None else (command.organization,),
            )
        )
        organization, tenant = authority.require_submission(
            process, command, self.viewer, directory
        )
        admins = authority.deciders(tenant.id, directory)
        return Draft(
            process=process,
            command=command,
            tenant_name=tenant.name,
            tenant_id=tenant.id,
            deciders=tuple(directory.name_of(one) for one in admins),
            people=tuple(directory.name_of(one) for one in command.people),
            policy=self._desk.settings.policies().of(organization.slug, tenant.slug),
        )

    async def _people(self, addresses: Sequence[str]) -> dict[str, Person]:
        emails = {one: address(one) for one in addresses}
        directory = await self._desk.inbox.directory(Needed(emails=tuple(emails.values())))
        found = {one: directory.person_of(email) for one, email in emails.items()}
        unknown = [one for one, person in found.items() if person is None]
        if unknown:
            raise UsageError(f"Nobody here has the address {unknown[0]}.")
        return {one: person for one, person in found.items() if person is not None}

    async def _directory(self, *states: TenantAccess, others: Sequence[PersonId] = ()) -> Directory:
        parts = [needed(one, None) for one in states]
        return await self._desk.inbox.directory(
            Needed(
                people=(self.viewer, *others, *(one for part in parts for one in part.people)),
                tenants=tuple(one for part in parts for one in part.tenants),
                organizations=tuple(one for part in parts for one in part.organizations),
            )
        )


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
