"""What people ask of a customer's access to the platform."""

from approvals.commands import Command
from approvals.slugs import Slug


class Enable(Command):
    """Switch a customer on. *partner* is named by operators, who may begin it for a partner."""

    kind = "enable"
    needs_recent = True
    customer: Slug
    partner: Slug | None = None


class Disable(Command):
    """Switch a customer off: its people cannot sign in to the platform, and open visits end."""

    kind = "disable"
    needs_recent = True


class AcceptTerms(Command):
    """Accept the terms that were shown, for the customer."""

    kind = "accept_terms"
    needs_shown = True


class BeginSession(Command):
    """Sign in to the platform. It replaces an earlier visit of the same person."""

    kind = "begin_session"
