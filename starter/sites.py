"""What the site commands do: find what is meant, judge who sees it, and show it."""

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.addresses import address
from approvals.audit import AuditEntry
from approvals.errors import FieldError, NotAuthorisedError, NotFoundError
from approvals.facts import Needed
from approvals.instants import say_instant
from approvals.newcomers import person_id_of
from approvals.people import Directory, Person, PersonId, Site, SiteId
from approvals.site_access.privileges import (
    LEAST,
    LEVELS,
    Area,
    Level,
    Privileges,
    covers,
    levels_of,
    privileges,
)
from approvals.site_access.record import SiteAccess, process_id_of
from approvals.site_access.rules import RULES
from approvals.site_access.views import (
    AccessView,
    SiteView,
    UserView,
    access_view,
    held,
    is_stranger,
    part_of,
    users,
)
from approvals.slugs import slug
from approvals.timeline import Line, Mail
from approvals.transition import Membership
from starter.console import UsageError, print_facts, print_table
from starter.desk import Desk
from starter.process_desk import ProcessDesk
from starter.times import said
from starter.typed import checked, own_id

SHORT = {"none": "-", "view": "view", "update": "update"}


class SiteDesk(ProcessDesk):
    """The site commands of one person at a desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    async def place(
        self, named: str, *people: PersonId
    ) -> tuple[Site, Directory, tuple[Membership, ...]]:
        """Return a site, its contacts and members. Raises NotFoundError for an unknown slug."""
        wanted = checked("SITE", slug, named)
        needed = Needed(site_slugs=(wanted,), with_memberships=True)
        memberships = await self.desk.sites.memberships(needed)
        everybody = (*people, *(one.person for one in memberships))
        directory = await self.directory(needed.model_copy(update={"people": everybody}))
        site = directory.site_of(wanted)
        if site is None:
            raise NotFoundError
        return site, directory, memberships

    async def managed(self, named: str) -> tuple[Site, Directory, tuple[Membership, ...]]:
        """Return a site whose users the viewer may see. Raises as the rules do."""
        site, directory, memberships = await self.place(named)
        own = levels_of(self.viewer, site.id, directory, memberships)
        if own is None:
            raise NotFoundError
        if not covers(own[Area.MANAGE_ACCESS], Level.VIEW):
            raise NotAuthorisedError("see the users of this site", "contact of the site")
        return site, directory, memberships

    async def meant(self, named: str) -> UUID:
        """Return the process of an id as it is printed, or the viewer's own of a site's slug."""
        if (found := own_id(named)) is not None:
            return found
        site, _, _ = await self.place(named)
        return process_id_of(site.id, self.viewer)

    async def of_user(self, named: str, email: str) -> UUID:
        """Return the process of a site and the person of an address. Raises NotFoundError."""
        wanted = checked("ADDRESS", address, email)
        site, _, _ = await self.managed(named)
        person = (await self.directory(Needed(emails=(wanted,)))).person_of(wanted)
        if person is None:
            raise NotFoundError
        return process_id_of(site.id, person.id)

    async def newcomer(self, named: str, email: str) -> tuple[Site, UUID, Person | None]:
        """Return a site, the process of somebody who may not be known yet, and who it is."""
        wanted = checked("ADDRESS", address, email)
        site, _, _ = await self.place(named)
        person = (await self.directory(Needed(emails=(wanted,)))).person_of(wanted)
        made = person_id_of(wanted) if person is None else person.id
        return site, process_id_of(site.id, made), person

    async def seen(self, process: UUID) -> tuple[SiteAccess, Directory]:
        """Return one access: one's own, or as a contact who may see who has access to the site."""
        state, directory = await super().seen(process)
        if state.person != self.viewer:
            own = levels_of(self.viewer, state.site, directory, await self._members(state))
            if own is None or not covers(own[Area.MANAGE_ACCESS], Level.VIEW):
                raise NotFoundError
        return state, directory

    def lines(
        self,
        state: SiteAccess,
        entries: Sequence[AuditEntry],
        mails: Sequence[Mail],
        directory: Directory,
    ) -> tuple[Line, ...]:
        """Return a timeline; whoever asks does not learn from its mails who the contacts are."""
        if is_stranger(self.viewer, state):
            mails = [one for one in mails if one.to == self.viewer]
        return super().lines(state, entries, mails, directory)

    def done(self, view: AccessView) -> str:
        """Say how an access stands after a command, and which request it is."""
        return f"{view.person} at {view.site_name} is {view.status}. Request {view.id}"

    def stands(self, view: AccessView, _zone: ZoneInfo) -> str:
        """Say how an access stands, to whoever watches it."""
        return f"{view.person} at {view.site_name}: {view.status}"

    async def overseen(self) -> list[SiteId]:
        """Return the sites where the viewer, as a contact, may see who has or asks for access."""
        ids = await self.desk.sites.of_contact(self.viewer)
        needed = Needed(sites=tuple(ids), with_memberships=True)
        members = await self.desk.sites.memberships(needed)
        directory = await self.directory(needed)
        own = {one: levels_of(self.viewer, one, directory, members) or LEAST for one in ids}
        return [one for one in ids if covers(own[one][Area.MANAGE_ACCESS], Level.VIEW)]

    async def viewed(self, process: UUID) -> tuple[SiteAccess, AccessView]:
        """Return somebody's access to a site as the viewer may see it. Raises NotFoundError."""
        state, directory = await self.seen(process)
        return state, access_view(state, self.viewer, directory, await self._members(state))

    async def views(self, states: Sequence[SiteAccess]) -> list[AccessView]:
        """Return several, all of which the viewer may see."""
        parts = [self.kind.needed(one, None) for one in states]
        needed = Needed(
            people=tuple(one for part in parts for one in part.people),
            sites=tuple(dict.fromkeys(one.site for one in states)),
            with_memberships=True,
        )
        memberships = await self.desk.sites.memberships(needed)
        directory = await self.directory(needed)
        return [access_view(one, self.viewer, directory, memberships) for one in states]

    async def listed(self, limit: int | None = None, after: str | None = None) -> list[SiteView]:
        """Return the sites that the viewer has a part in, by slug, those after the slug *after*."""
        own = {one.site: one for one in await self.desk.sites.own(self.viewer)}
        sites = await self.desk.sites.of_viewer(self.viewer, limit, after)
        needed = Needed(sites=tuple(sites), with_memberships=True)
        memberships = await self.desk.sites.memberships(needed)
        directory = await self.directory(needed)
        found = []
        for wanted in sites:
            site, state = directory.site(wanted), own.get(wanted)
            if site is None:
                continue
            found.append(
                SiteView(
                    site=site.slug,
                    name=site.name,
                    part=part_of(self.viewer, site.id, directory),
                    privileges=held(self.viewer, site.id, directory, memberships),
                    status=None if state is None else state.status.value,
                    access=None if state is None else state.process_id,
                )
            )
        return found

    async def users(self, named: str) -> tuple[UserView, ...]:
        """Return the matrix of a site's users. Raises as the rules do."""
        site, directory, memberships = await self.managed(named)
        people = [one.id for one in directory.people]
        return users(site.id, directory, memberships, await self.desk.sites.last_uses(people))

    async def _members(self, state: SiteAccess) -> tuple[Membership, ...]:
        needed = Needed(sites=(state.site,), with_memberships=True)
        return await self.desk.sites.memberships(needed)


def given(typed: Sequence[str], before: Privileges | None = None) -> dict[Area, Level]:
    """Read ``AREA=LEVEL`` words; areas that are not named stay as they were *before*.

    Raises UsageError that names the option.
    """
    words: dict[str, str] = {}
    for one in typed:
        area, separator, level = one.partition("=")
        if not separator or area in words:
            wrong = f"{area} is named twice" if area in words else "write AREA=LEVEL"
            raise UsageError(f"--privilege: {wrong}, for example --privilege purchase=view.")
        words[area] = level
    if not words:
        raise UsageError("Give at least one --privilege AREA=LEVEL; see `gatehouse site areas`.")
    kept = {} if before is None else {area.value: level.value for area, level in before.items()}
    try:
        return privileges({**kept, **words})
    except FieldError as wrong_word:
        raise UsageError(f"--privilege: {wrong_word}") from None


def print_sites(views: Sequence[SiteView]) -> None:
    """Print the sites that somebody has a part in."""
    print_table(
        ["SITE", "NAME", "YOUR PART", "STATUS", "REQUEST", "PRIVILEGES"],
        [
            [
                one.site,
                one.name,
                one.part if one.privileges else "none",
                one.status,
                None if one.access is None else str(one.access),
                words(one.privileges),
            ]
            for one in views
        ],
    )


def print_requests(views: Sequence[AccessView], zone: ZoneInfo) -> None:
    """Print who asked for access, or has it."""
    print_table(
        ["REQUEST", "STATUS", "SITE", "PERSON", "ADDRESS", "DECIDE BY"],
        [
            [
                str(one.id),
                one.status,
                one.site,
                one.person,
                one.email,
                said(one.due_at, zone) if one.due_at and one.status == "asked" else "",
            ]
            for one in views
        ],
    )


def print_access(view: AccessView, zone: ZoneInfo) -> None:
    """Print one access in full."""
    is_waiting = view.status == "asked"
    rows = [
        ("Request", str(view.id)),
        ("Status", view.status),
        ("Site", f"{view.site_name} ({view.site})"),
        ("Person", f"{view.person}, {view.email}"),
        ("Message", view.message),
        ("Privileges", words(view.privileges)),
        ("May decide", ", ".join(view.deciders) or None if is_waiting else None),
        ("Decide by", said(view.due_at, zone) if is_waiting and view.due_at else None),
        ("Member since", None if view.since is None else say_instant(view.since, zone)),
        ("Decided by", view.decided_by),
        ("Answer", view.answer),
    ]
    print_facts(rows)


def print_users(views: Sequence[UserView], zone: ZoneInfo) -> None:
    """Print the matrix: a line for each user, a column for each area."""
    areas = list(Area)
    print_table(
        ["NAME", "ADDRESS", "PART", *(one.upper().replace("_", " ") for one in areas), "LAST USE"],
        [
            [
                one.name,
                one.email,
                one.part,
                *(SHORT[one.privileges.get(area, "none")] for area in areas),
                "never" if one.last_use is None else say_instant(one.last_use, zone),
            ]
            for one in views
        ],
    )


def print_areas() -> None:
    """Print every area with its levels."""
    print_table(["AREA", "LEVELS"], [[area, ", ".join(levels)] for area, levels in LEVELS.items()])


def words(held_levels: dict[str, str]) -> str:
    """Return privileges on one line, without what is none."""
    return ", ".join(f"{area}={level}" for area, level in held_levels.items() if level != "none")
