"""Sites that keep their own contacts: what a directory file says of those is not taken over."""

from collections.abc import Collection
from uuid import UUID

from approvals.directory_difference import Difference, Line, difference
from approvals.directory_file import DirectoryFile
from approvals.people import SITE_ROLES, RoleAssignment


def kept_difference(
    current: DirectoryFile, wanted: DirectoryFile, keeping: Collection[UUID]
) -> tuple[DirectoryFile, Difference]:
    """Return the file as it is to be taken over, and what that changes.

    *keeping* are the sites whose contacts a process holds. Where the file says other contacts of
    these, the difference names them as ignored. Raises DirectoryFileError as `difference` does.
    """
    fitted = _fitted(current, wanted, keeping)
    found = difference(current, fitted)
    said = difference(current, wanted)
    lost = {one for one in (*said.added, *said.removed) if one.kind == "role"}
    lost -= {*found.added, *found.removed}
    ordered = sorted(lost, key=lambda one: (one.key, one.fact))
    return fitted, found.model_copy(update={"ignored": tuple(map(_told, ordered))})


def _fitted(
    current: DirectoryFile, wanted: DirectoryFile, keeping: Collection[UUID]
) -> DirectoryFile:
    """Return the file with the stored contacts of these sites in the place of its own."""
    listed = {one.id for one in wanted.directory.people}
    stored = tuple(
        one for one in current.directory.roles if _is_kept(one, keeping) and one.person in listed
    )
    others = tuple(one for one in wanted.directory.roles if not _is_kept(one, keeping))
    roles = tuple(dict.fromkeys((*others, *stored)))
    return wanted.model_copy(
        update={"directory": wanted.directory.model_copy(update={"roles": roles})}
    )


def _is_kept(held: RoleAssignment, keeping: Collection[UUID]) -> bool:
    return held.role in SITE_ROLES and held.scope in keeping


def _told(line: Line) -> Line:
    return line.model_copy(update={"fact": f"{line.fact}: that site keeps its own contacts"})
