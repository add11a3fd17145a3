"""What people ask of a pairing."""

from functools import partial
from typing import Annotated
from uuid import UUID

from approvals import sessions
from approvals.commands import Command, Digest
from approvals.pairing.fields import ChangeText, OwnRoleName, RoleList
from approvals.people import PersonId
from approvals.permissions import PermissionList
from approvals.slugs import Slug
from approvals.texts import Message, Required
from approvals.texts import reason as checked_reason


def _why(act: str) -> Required:
    return Required(partial(checked_reason, why=act))


class Offer(Command):
    """Offer one tenant a pairing with a support group. *organization* is named by operators."""

    kind = "offer"
    needs_recent = True
    batch: UUID
    tenant: Slug
    group: Slug
    message: Message | None = None
    organization: Slug | None = None


class Reissue(Command):
    """Mail a new link, which voids the older one; a lapsed offer is open again."""

    kind = "reissue"
    needs_recent = True


class Withdraw(Command):
    """Take the offer back."""

    kind = "withdraw"


class Accept(Command):
    """Take the offer, by the *proof* of its link's token."""

    kind = "accept"
    needs_shown = True
    proof: Digest


class Decline(Command):
    """Refuse the offer, with a reason."""

    kind = "decline"
    needs_shown = True
    reason: Annotated[str, _why("declining this offer")]


class AssignRoles(Command):
    """Give roles to the vendor's group, or to one of its people."""

    kind = "assign_roles"
    needs_shown = True
    roles: RoleList
    person: PersonId | None = None


class RemoveRoles(Command):
    """Take roles from the group, or from one of its people."""

    kind = "remove_roles"
    roles: RoleList
    person: PersonId | None = None


class DefineRole(Command):
    """Define a role of the customer's own, or define it anew."""

    kind = "define_role"
    needs_recent = True
    name: OwnRoleName
    permissions: PermissionList


class DropRole(Command):
    """Forget a role of the customer's own that nobody has."""

    kind = "drop_role"
    name: OwnRoleName


class AskRoles(Command):
    """Ask the customer for roles, with a reason."""

    kind = "ask_roles"
    roles: RoleList
    person: PersonId | None = None
    reason: Annotated[str, _why("asking for these roles")]


class DeclineRoles(Command):
    """Refuse the roles that were asked for, with a reason."""

    kind = "decline_roles"
    needs_shown = True
    ask: UUID
    reason: Annotated[str, _why("declining these roles")]


class Suspend(Command):
    """Let nobody in until further notice; nothing is lost."""

    kind = "suspend"
    message: Message | None = None


class Resume(Command):
    """Let the group in again."""

    kind = "resume"
    needs_recent = True


class Revoke(Command):
    """End the pairing for good, at once."""

    kind = "revoke"
    needs_shown = True
    reason: Annotated[str, _why("revoking this pairing")]


class AddClone(Command):
    """Add oneself to the customer's people as a cloned user."""

    kind = "add_clone"


class RemoveClone(Command):
    """Remove a cloned user."""

    kind = "remove_clone"
    clone: UUID


class AskConsent(Command):
    """Ask the customer to consent to one disruptive change."""

    kind = "ask_consent"
    what: ChangeText


class GiveConsent(Command):
    """Consent to one disruptive change."""

    kind = "consent"
    needs_shown = True
    consent: UUID


class RefuseConsent(Command):
    """Refuse a disruptive change, with a reason; a consent that was given is taken back by it."""

    kind = "refuse"
    needs_shown = True
    consent: UUID
    reason: Annotated[str, _why("refusing this change")]


class RecordChange(Command):
    """Tell the customer of a change that was made; with a *consent* it was disruptive."""

    kind = "record_change"
    what: ChangeText
    is_disruptive: bool = False
    consent: UUID | None = None


class RecordRevert(Command):
    """Tell the customer that a change was undone."""

    kind = "record_revert"
    change: UUID
    note: Message | None = None


class BeginSession(sessions.BeginSession):
    """Open the tenant in one mode, as oneself or as one's clone."""

    as_clone: bool = False


class EndSession(sessions.EndSession):
    """Close a session of one's own."""
