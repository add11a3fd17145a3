"""What an import leaves to the processes that hold it: sites' contacts, and onboarded customers."""

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from approvals.directory_difference import Difference, Line, difference, key_of
from approvals.directory_file import DirectoryFile
from approvals.people import (
    SITE_ROLES,
    Directory,
    OrganizationId,
    RoleAssignment,
    SiteId,
)
from approvals.site_access.privileges import Area, Level, covers, levels_of
from approvals.transition import Membership

Served = tuple[OrganizationId, OrganizationId]  # server and customer


def kept_difference(
    current: DirectoryFile,
    wanted: DirectoryFile,
    keeping: Collection[UUID],
    memberships: Sequence[Membership] = (),
) -> tuple[DirectoryFile, Difference]:
    """Return the file as it is to be taken over, and what that changes.

    *keeping* are the sites whose contacts a process holds, *memberships* the open ones there. Where
    the file says other contacts of these, the difference names them as ignored; but a site whose
    contacts can save none any more is *rescued*: it gets those of the file. A customer that the
    file does not name stays served, as it came by an onboarding. Raises DirectoryFileError as
    `difference` does.
    """
    rescued = tuple(_rescued(current, wanted, keeping, memberships))
    kept = frozenset(keeping) - frozenset(rescued)
    served = _served_beside(current, wanted)
    fitted = _fitted(current, wanted, kept, served)
    found = difference(current, fitted)
    said = difference(current, wanted)
    lost = {one for one in (*said.added, *said.removed) if one.kind == "role"}
    lost -= {*found.added, *found.removed}
    ordered = sorted(lost, key=lambda one: (one.key, one.fact))
    slugs: dict[UUID, str] = {one.id: one.slug for one in (*wanted.sites, *current.sites)}
    return fitted, found.model_copy(
        update={
            "left_alone": (*found.left_alone, *_serves_lines(current, wanted, served)),
            "ignored": tuple(map(_told, ordered)),
            "rescued": tuple(sorted(slugs[one] for one in rescued)),
        }
    )


def _fitted(
    current: DirectoryFile,
    wanted: DirectoryFile,
    keeping: Collection[UUID],
    served: Sequence[Served],
) -> DirectoryFile:
    """Return the file with what is stored and kept in the place of its own."""
    listed = {one.id for one in wanted.directory.people}
    stored = tuple(
        one for one in current.directory.roles if _is_kept(one, keeping) and one.person in listed
    )
    others = tuple(one for one in wanted.directory.roles if not _is_kept(one, keeping))
    roles = tuple(dict.fromkeys((*others, *stored)))
    serves = (*wanted.directory.serves, *served)
    return wanted.model_copy(
        update={"directory": wanted.directory.model_copy(update={"roles": roles, "serves": serves})}
    )


def _served_beside(current: DirectoryFile, wanted: DirectoryFile) -> tuple[Served, ...]:
    """Return who serves the customers that the file does not name."""
    named = {one.id for one in wanted.directory.organizations}
    return tuple(one for one in current.directory.serves if one[1] not in named)


def _serves_lines(
    current: DirectoryFile, wanted: DirectoryFile, served: Sequence[Served]
) -> Iterator[Line]:
    """Tell of the servers that the file names; others have a line of their own."""
    names = {one.id: key_of(one) for one in current.directory.organizations}
    listed = {one.id for one in wanted.directory.organizations}
    for server, customer in served:
        if server in listed:
            yield Line(kind="serves", key=names[server], fact=names[customer])


def _rescued(
    current: DirectoryFile,
    wanted: DirectoryFile,
    keeping: Collection[UUID],
    memberships: Sequence[Membership],
) -> Iterator[UUID]:
    """Find sites none of whose stored contacts could save contacts, while one of the file could."""
    after = wanted.directory
    people = {one.id: one for one in (*current.directory.people, *after.people)}
    homes = {one.id: one for one in (*current.directory.organizations, *after.organizations)}
    stored, said = _contacts(current, keeping), _contacts(wanted, keeping)
    for site in keeping:
        if site not in said:
            continue
        roles = (*stored.get(site, ()), *said[site])
        those = tuple({one.person: people[one.person] for one in roles}.values())
        directory = Directory(
            people=those,
            organizations=tuple(
                {one.organization: homes[one.organization] for one in those}.values()
            ),
        )
        own = tuple(one for one in memberships if one.site == site)
        before = directory.model_copy(update={"roles": stored.get(site, ())})
        instead = directory.model_copy(update={"roles": said[site]})
        if not _can_save(SiteId(site), before, own) and _can_save(SiteId(site), instead, own):
            yield site


def _contacts(
    file: DirectoryFile, keeping: Collection[UUID]
) -> dict[UUID, tuple[RoleAssignment, ...]]:
    found: dict[UUID, tuple[RoleAssignment, ...]] = {}
    for one in file.directory.roles:
        if one.scope is not None and _is_kept(one, keeping):
            found[one.scope] = (*found.get(one.scope, ()), one)
    return found


def _can_save(site: SiteId, directory: Directory, memberships: Sequence[Membership]) -> bool:
    for one in directory.roles:
        held = levels_of(one.person, site, directory, memberships)
        if held is not None and covers(held[Area.CONTACT_UPDATES], Level.UPDATE):
            return True
    return False


def _is_kept(held: RoleAssignment, keeping: Collection[UUID]) -> bool:
    return held.role in SITE_ROLES and held.scope in keeping


def _told(line: Line) -> Line:
    return line.model_copy(update={"fact": f"{line.fact}: that site keeps its own contacts"})
