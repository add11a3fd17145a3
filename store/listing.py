"""Lists of processes that come in pages, newest first: a page begins after a process."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select

from store import tables as t


def newest_first(
    query: Select[Any], statuses: Sequence[str], limit: int, after: UUID | None
) -> Select[Any]:
    """Order a query of processes, and cut it: *limit* rows after the process *after*.

    The order is that of their beginning, which never changes; an id that is no process's has
    nothing after it.
    """
    at, process = t.process.c.begun_at, t.process.c.id
    if statuses:
        query = query.where(t.process.c.status.in_(statuses))
    if after is not None:
        last = select(at).where(process == after).correlate(None).scalar_subquery()
        query = query.where(or_(at < last, and_(at == last, process > after)))
    return query.order_by(at.desc(), process).limit(limit)
