"""What people ask of the contacts of a site."""

from typing import Annotated

from pydantic import Field

from approvals.addresses import Address
from approvals.commands import Command
from approvals.instants import Instant
from approvals.records import Form
from approvals.slugs import Slug

MOST_SECONDARIES = 20


class ContactForm(Form):
    """One contact: who it is, by sign-in address, and where mail to the contact goes instead."""

    person: Address
    email: Address | None = None


class SaveContacts(Command):
    """Replace the primary and all secondary contacts at once."""

    kind = "save_contacts"
    needs_shown = True
    site: Slug
    primary: ContactForm
    secondaries: Annotated[tuple[ContactForm, ...], Field(max_length=MOST_SECONDARIES)] = ()


class ConfirmReview(Command):
    """Say that contacts and users were looked at, and are right."""

    kind = "confirm_review"
    needs_shown = True


class MoveReview(Command):
    """Have the next review, and so those after it, on another day."""

    kind = "move_review"
    to: Instant


class SwitchReviewOff(Command):
    """Have no reviews any more."""

    kind = "switch_review_off"


class SwitchReviewOn(Command):
    """Have reviews every month again, or begin with them."""

    kind = "switch_review_on"
    site: Slug


class SetNotificationAddress(Command):
    """Choose where one's own notifications of product upgrades go; None is one's own address."""

    kind = "set_notification_address"
    site: Slug
    email: Address | None = None
