"""The lives of site access, contacts and reviews whose histories are kept."""

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from temporalio.client import WorkflowHandle

from activities import names
from approvals.commands import Command
from approvals.contacts import record as contacts
from approvals.contacts.commands import (
    ConfirmReview,
    MoveReview,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.record import Contacts
from approvals.errors import ApprovalError
from approvals.people import Directory, Person, Role, Site, SiteId
from approvals.site_access import record as access
from approvals.site_access.commands import (
    Ask,
    ChangePrivileges,
    Deny,
    Grant,
    Remove,
    Withdraw,
)
from approvals.site_access.record import SiteAccess
from tests.factories import BECKY, DAY, FENCE_PAINTING, LYDIA, TOM, role
from tests.installation import write_directory
from tests.sites import levels, make_add, make_save
from tests.workflows.stage import Stage

if TYPE_CHECKING:
    from tests.replay.lives import Theatre

Handle = WorkflowHandle[object, object]
MONTH = timedelta(days=31)


class Yard:
    """A site of its own on a stage: Becky is its primary contact, Tom the secondary one."""

    def __init__(self, at: "Theatre", *, is_skipping: bool = False) -> None:
        self.at = at
        self.stage = Stage(at.stage.installation, at.skipper.client) if is_skipping else at.stage
        one = uuid4()
        self.site = Site(
            id=SiteId(one), slug=f"yard-{one}", name="Yard", organization=FENCE_PAINTING.id
        )
        self.directory = Directory(
            sites=(self.site,),
            people=(BECKY, TOM),
            roles=(
                role(BECKY, Role.PRIMARY_CONTACT, self.site.id),
                role(TOM, Role.SECONDARY_CONTACT, self.site.id),
            ),
        )

    async def built(self) -> "Yard":
        """Write the site and its contacts into the directory."""
        async with self.stage.installation.engines.write.begin() as connection:
            await write_directory(connection, self.directory)
        return self

    def access(self, person: Person) -> UUID:
        """Return the process of somebody's access."""
        return access.process_id_of(self.site.id, person.id)

    @property
    def contacts(self) -> UUID:
        """The process of the contacts."""
        return contacts.process_id_of(self.site.id)

    def handle(self, kind: str, process: UUID) -> Handle:
        """Return the handle of whatever run is the latest."""
        return self.stage.client.get_workflow_handle(names.workflow_id(kind, process))

    async def asks(self, person: Person = LYDIA) -> UUID:
        """Let somebody ask for access, for the first time or again."""
        process = self.access(person)
        ask = Ask(site=self.site.slug, message="I order the paint.")
        await self.opens(access.KIND, process, ask, person)
        return process

    async def opens(self, kind: str, process: UUID, command: Command, by: Person) -> None:
        """Give a command that starts a workflow."""
        said = self.stage.installation.signed(by, process, await self._seen(process, command))
        await self.stage.gatehouse.submit(kind, said, None)

    async def gives(self, process: UUID, command: Command, by: Person = BECKY) -> None:
        """Give a command to a process that runs, on what the person sees."""
        state = await self.stage.installation.inbox.state(process)
        assert state is not None
        now = await self.at.skipper.get_current_time(self.handle(state.kind, process))
        seen = await self._seen(process, command)
        said = self.stage.installation.signed(by, process, seen, at=now)
        await self.stage.gatehouse.send(state.kind, said)

    async def _seen(self, process: UUID, command: Command) -> Command:
        state = await self.stage.installation.inbox.state(process)
        if not command.needs_shown and (state is None or command.kind != "add"):
            return command
        if isinstance(state, SiteAccess):
            return command.model_copy(update={"shown": access.shown_digest(state)})
        assert state is None or isinstance(state, Contacts)
        shown = contacts.shown_digest(state, self.site.id, self.directory)
        return command.model_copy(update={"shown": shown})

    async def over(self, process: UUID) -> Handle:
        """Wait for the end of the run of somebody's access."""
        handle = self.handle(access.KIND, process)
        await handle.result()
        return handle


async def denied(at: "Theatre") -> Handle:
    yard = await Yard(at).built()
    process = await yard.asks()
    await yard.gives(process, Deny(reason="We order it."))
    return await yard.over(process)


async def withdrawn(at: "Theatre") -> Handle:
    yard = await Yard(at).built()
    process = await yard.asks()
    await yard.gives(process, Withdraw(), LYDIA)
    return await yard.over(process)


async def lapsed(at: "Theatre") -> Handle:
    yard = await Yard(at, is_skipping=True).built()
    return await yard.over(await yard.asks())


async def removed(at: "Theatre") -> Handle:
    yard = await Yard(at).built()
    process = await yard.asks()
    with suppress(ApprovalError):
        await yard.gives(process, Grant(privileges=levels(purchase="view")), TOM)
    await yard.gives(process, Grant(privileges=levels(purchase="view"), message="Welcome."))
    await yard.gives(process, ChangePrivileges(privileges=levels(purchase="update")))
    await yard.gives(process, Remove(message="The fence is painted."))
    return await yard.over(process)


async def added(at: "Theatre") -> Handle:
    """Add somebody who did not ask; a member waits without a timer, and is never over by itself."""
    yard = await Yard(at).built()
    process = yard.access(LYDIA)
    await yard.opens(access.KIND, process, make_add(LYDIA, site=yard.site.slug), BECKY)
    await yard.gives(process, ChangePrivileges(privileges=levels(reporting="view")))
    return yard.handle(access.KIND, process)


async def added_while_asking(at: "Theatre") -> Handle:
    yard = await Yard(at).built()
    process = await yard.asks()
    await yard.gives(process, make_add(LYDIA, site=yard.site.slug))
    await yard.gives(process, Remove())
    return await yard.over(process)


async def asked_again(at: "Theatre") -> Handle:
    """Ask anew after a denial: the run that begins from a row which was closed."""
    yard = await Yard(at).built()
    process = await yard.asks()
    await yard.gives(process, Deny(reason="Not yet."))
    await yard.over(process)
    await yard.asks()
    await yard.gives(process, Withdraw(), LYDIA)
    return await yard.over(process)


async def refused(at: "Theatre") -> Handle:
    """Let the primary contact ask for what they hold: there is no row, and the run ends."""
    yard = await Yard(at).built()
    with suppress(ApprovalError):
        await yard.asks(BECKY)
    return await yard.over(yard.access(BECKY))


async def saved(at: "Theatre") -> Handle:
    """Save contacts, move the review, choose an address, turn reviews off and on."""
    yard = await Yard(at).built()
    save = make_save(BECKY, TOM).model_copy(update={"site": yard.site.slug})
    await yard.opens(contacts.KIND, yard.contacts, save, BECKY)
    state = await yard.stage.installation.inbox.state(yard.contacts)
    assert isinstance(state, Contacts)
    assert state.next_review_at is not None
    later = state.next_review_at + timedelta(minutes=1)
    fresh = make_save(TOM).model_copy(update={"site": yard.site.slug})
    for command in (
        MoveReview(to=later),
        SetNotificationAddress(site=yard.site.slug, email="upgrades@fence-painting.example"),
        SwitchReviewOff(),
        SwitchReviewOff(),
        SwitchReviewOn(site=yard.site.slug),
        fresh,
    ):
        with suppress(ApprovalError):
            await yard.gives(yard.contacts, command)
    return yard.handle(contacts.KIND, yard.contacts)


async def review_confirmed(at: "Theatre") -> Handle:
    yard = await reviewed(at)
    await at.skipper.fast_forward(yard.handle(contacts.KIND, yard.contacts), MONTH)
    await yard.gives(yard.contacts, ConfirmReview())
    return yard.handle(contacts.KIND, yard.contacts)


async def review_escalated(at: "Theatre") -> Handle:
    """Leave three reviews unanswered, then confirm them all."""
    yard = await reviewed(at)
    for _ in range(3):
        await at.skipper.fast_forward(yard.handle(contacts.KIND, yard.contacts), MONTH + DAY)
    await yard.gives(yard.contacts, ConfirmReview())
    return yard.handle(contacts.KIND, yard.contacts)


async def reviewed(at: "Theatre") -> Yard:
    """Begin with the contacts of the directory and with their reviews."""
    yard = await Yard(at).built()
    on = SwitchReviewOn(site=yard.site.slug)
    await yard.opens(contacts.KIND, yard.contacts, on, BECKY)
    return yard


async def one_round(at: "Theatre") -> Handle:
    """Wake the reviews that are due, as the Schedule does each hour."""
    handle: Handle = await at.stage.client.start_workflow(
        names.REVIEWS, id=f"{names.REVIEWS}/{uuid4()}", task_queue=names.PROCESSES
    )
    await handle.result()
    return handle


ACCESS = (
    denied,
    withdrawn,
    lapsed,
    removed,
    added,
    added_while_asking,
    asked_again,
    refused,
)
CONTACTS = (saved, review_confirmed, review_escalated)
REVIEWS = (one_round,)
