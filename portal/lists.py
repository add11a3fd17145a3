"""Long lists come in pages: where one begins is the last row of the page before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from approvals.errors import NotFoundError
from approvals.tenant_access.record import TenantAccess
from portal.families import process_id
from store.inbox import Place

PAGE = 25  # rows of one page
Row = TypeVar("Row")
WRITTEN = "%Y%m%dT%H%M%S.%f"


@dataclass(frozen=True)
class Wanted:
    """What an address asks of a list: one status or all, and after which place.

    What is no status of *kinds* asks for all.
    """

    kinds: type[StrEnum]
    status: str
    after: str

    @property
    def statuses(self) -> list[str]:
        """The one status that is asked for, if any."""
        return [self.status] if self.status in list(self.kinds) else []

    def shown(self, following: object) -> dict[str, Any]:
        """Return what the filter and the links of a page show; *following* begins the next."""
        return {
            "statuses": list(self.kinds),
            "status_chosen": "".join(self.statuses),
            "following": following,
            "is_first": not self.after,
        }


class Listed(NamedTuple):
    """One page of a list, and the place at which the next one begins, if there is one."""

    rows: Sequence[TenantAccess]
    following: str | None


def listed(found: Sequence[TenantAccess]) -> Listed:
    """Make a page of what was read: *found* holds one row more than a page where there is more."""
    rows, more = found[:PAGE], found[PAGE:]
    return Listed(rows, _written(rows[-1]) if more else None)


def place(said: str) -> Place | None:
    """Read where a page of a list begins. Raises NotFoundError for what `listed` never wrote."""
    if not said:
        return None
    moment, _, process = said.partition("~")
    try:
        at = datetime.strptime(moment, WRITTEN).replace(tzinfo=UTC)
    except ValueError:
        raise NotFoundError from None
    return at, process_id(process)


def cut(found: Sequence[Row]) -> tuple[Sequence[Row], Row | None]:
    """Return the rows of one page and, if there are more, the last of them."""
    rows = found[:PAGE]
    return rows, rows[-1] if len(found) > PAGE else None


def last(said: str) -> UUID | None:
    """Read after which process a page of a list begins. Raises NotFoundError for no id."""
    return process_id(said) if said else None


def _written(one: TenantAccess) -> str:
    return f"{one.submitted_at.astimezone(UTC):{WRITTEN}}~{one.process_id}"
