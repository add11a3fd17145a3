"""What people ask of a tenant access request."""

from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import Field

from approvals.commands import Command
from approvals.instants import Instant
from approvals.people import PersonId
from approvals.slugs import Slug
from approvals.texts import Message, Reason, RequestName, Required
from approvals.texts import reason as checked_reason


class Submit(Command):
    """Ask one tenant's admins to let people in. *organization* is named by operators only."""

    kind = "submit"
    batch: UUID
    name: RequestName
    message: Message | None = None
    tenant: Slug
    people: tuple[PersonId, ...] = Field(min_length=1, max_length=100)
    organization: Slug | None = None


class Grant(Command):
    """Let the people in until *ends_at*, or without an end."""

    kind = "grant"
    needs_shown = True
    message: Message | None = None
    ends_at: Instant | None = None
    no_end: bool = False


class Deny(Command):
    """Refuse, with a reason."""

    kind = "deny"
    needs_shown = True
    reason: Reason


class Withdraw(Command):
    """Take the request back."""

    kind = "withdraw"


class ChangeEnd(Command):
    """Move, set or remove the end date."""

    kind = "change_end"
    needs_shown = True
    ends_at: Instant | None = None
    no_end: bool = False


class Revoke(Command):
    """End granted access at once."""

    kind = "revoke"
    needs_shown = True
    reason: Annotated[str, Required(partial(checked_reason, why="revoking this access"))]


class Finish(Command):
    """Be done before the end: for oneself, or (TM admin) for all."""

    kind = "finish"
    for_all: bool = False
