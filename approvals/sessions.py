"""Visits to a tenant: the commands that open and close them, and the modes in which they land."""

from enum import StrEnum
from uuid import UUID

from approvals.commands import Command


class Mode(StrEnum):
    """Where a session lands: ``configure`` on business units, ``support`` on employees."""

    CONFIGURE = "configure"
    SUPPORT = "support"


class BeginSession(Command):
    """Open the tenant in one mode."""

    kind = "begin_session"
    mode: Mode


class EndSession(Command):
    """Close a session of one's own."""

    kind = "end_session"
    session: UUID
