"""What people ask of an onboarding."""

from collections import Counter
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from approvals.addresses import Address, canonical
from approvals.commands import Command
from approvals.directory_forms import Locale
from approvals.errors import FieldError
from approvals.onboarding.fields import (
    Host,
    Reference,
    SecretReference,
    TimeZone,
    Username,
    UserRole,
    require_own_secret,
)
from approvals.records import Form
from approvals.slugs import Slug
from approvals.texts import DisplayName, Message

MOST_ADMINS, MOST_USERS = 20, 200


def _listed(value: object) -> object:
    """Let a list of a TOML file stand for a tuple, as a list of JSON does."""
    return tuple(value) if isinstance(value, list) else value


Roles = Annotated[tuple[UserRole, ...], BeforeValidator(_listed)]


class PbxDetails(Form):
    """How the platform reaches the customer's PBX. *secret* names one, `file:NAME` or `env:NAME`.

    The secret itself is known to the worker alone.
    """

    host: Host
    username: Username
    secret: SecretReference


class NamedAdmin(Form):
    """Somebody who shall manage the customer's portal; *roles* come beside those of an admin."""

    email: Address
    name: DisplayName
    roles: Roles = ()


class NamedUser(Form):
    """Somebody who shall have roles on the platform, imported from the PBX or not."""

    email: Address
    name: DisplayName
    roles: Annotated[Roles, Field(min_length=1)]


class Start(Command):
    """Onboard a customer. *organization* is the vendor, named by operators only.

    *switch_on_for* is a partner who shall serve the customer, and is asked to switch it on.
    """

    kind = "start"
    needs_recent = True
    batch: UUID
    customer: Slug
    name: DisplayName
    description: Message | None = None
    reference: Reference
    time_zone: TimeZone = "UTC"
    locale: Locale = "en"
    pbx: PbxDetails
    admins: Annotated[
        tuple[NamedAdmin, ...],
        BeforeValidator(_listed),
        Field(min_length=1, max_length=MOST_ADMINS),
    ]
    users: Annotated[
        tuple[NamedUser, ...], BeforeValidator(_listed), Field(max_length=MOST_USERS)
    ] = ()
    switch_on_for: Slug | None = None
    organization: Slug | None = None

    @property
    def people(self) -> tuple[NamedAdmin | NamedUser, ...]:
        """Everybody whom it names, admins first."""
        return (*self.admins, *self.users)

    @model_validator(mode="after")
    def _the_secret_is_its_own(self) -> "Start":
        require_own_secret(self.customer, self.pbx.secret)
        return self

    @model_validator(mode="after")
    def _everybody_is_listed_once(self) -> "Start":
        listed = Counter(canonical(one.email) for one in self.people)
        if twice := [one for one, count in listed.items() if count > 1]:
            raise FieldError(
                "listed_twice",
                f"Listed more than once: {', '.join(twice)}."
                " List everybody once; an admin's other roles stand beside their name.",
            )
        return self


class Retry(Command):
    """Go on with a parked onboarding, from the step that failed."""

    kind = "retry"
    needs_recent = True


class Abandon(Command):
    """Take back all that the onboarding made, in the opposite order."""

    kind = "abandon"
    needs_recent = True
    reason: Message | None = None
