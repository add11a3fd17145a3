"""What people ask of somebody's access to a site."""

from approvals.addresses import Address
from approvals.commands import Command
from approvals.directory_forms import Locale
from approvals.site_access.privileges import Given
from approvals.slugs import Slug
from approvals.texts import DisplayName, Message, Reason


class Ask(Command):
    """Ask a site's contacts for access, for oneself."""

    kind = "ask"
    site: Slug
    message: Message | None = None


class Grant(Command):
    """Let the person who asks in, with these privileges."""

    kind = "grant"
    needs_shown = True
    privileges: Given
    message: Message | None = None


class Deny(Command):
    """Refuse, with a reason."""

    kind = "deny"
    needs_shown = True
    reason: Reason


class Withdraw(Command):
    """Take the request back."""

    kind = "withdraw"


class Add(Command):
    """Let somebody in who need not have asked; *name* and *locale* count for an unknown one."""

    kind = "add"
    needs_recent = True
    site: Slug
    email: Address
    name: DisplayName
    locale: Locale = "en"
    privileges: Given


class ChangePrivileges(Command):
    """Replace all privileges of a member at once."""

    kind = "change_privileges"
    needs_shown = True
    privileges: Given


class Remove(Command):
    """End a membership."""

    kind = "remove"
    needs_shown = True
    message: Message | None = None
