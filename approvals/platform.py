"""What onboarding needs from the customer platform: what is asked of it, what it answers, its no.

Every call may be repeated: a repeated call finds what exists and changes nothing twice.
"""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from approvals.records import Record


class PlatformRole(StrEnum):
    """What a user of the platform may do, in the platform's own names."""

    ADMIN = "user.admin"  # manages the customer's other users
    SIGN_IN = "customer.user"  # signs in to the customer's portal
    AGENT = "customer.user.acd"  # has their agent events tracked
    SUPERVISOR_1 = "customer.user.supervisorl1"
    SUPERVISOR_2 = "customer.user.supervisorl2"
    SUPERVISOR_3 = "customer.user.supervisorl3"


ADMIN_ROLES = (PlatformRole.ADMIN, PlatformRole.SIGN_IN)
# Without one of these nobody sees workspaces, admins included.
SUPERVISOR_ROLES = (
    PlatformRole.SUPERVISOR_1,
    PlatformRole.SUPERVISOR_2,
    PlatformRole.SUPERVISOR_3,
)


class PbxConnection(Record):
    """How the platform reaches a customer's telephone system.

    *secret* is a reference, `file:NAME` or `env:NAME`, which only the adapter resolves.
    """

    host: str
    username: str
    secret: str


class NewCustomer(Record):
    """A customer to create. *reference* names it in other systems; *key* makes it count once."""

    key: UUID
    name: str
    description: str
    reference: str
    pbx: PbxConnection


class PlatformCustomer(Record):
    """A customer as the platform knows it. *id* is the platform's own."""

    id: UUID
    name: str
    reference: str


class ImportStatus(StrEnum):
    """How far the platform's import of a PBX's users is."""

    IMPORTING = "importing"
    IMPORTED = "imported"
    FAILED = "failed"


class ImportState(Record):
    """The progress of an import, in users. *reason* says for people why it failed.

    *skipped* users belong to other customers already, by their addresses.
    """

    status: ImportStatus
    imported: int
    skipped: int = 0
    total: int
    reason: str | None = None


class NewUser(Record):
    """Somebody who shall be a user of the platform."""

    email: str
    name: str


class PlatformUser(Record):
    """A user of one customer. One that *is_imported* came with the PBX, without any role."""

    id: UUID
    customer: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    is_imported: bool

    def has(self, *roles: PlatformRole) -> bool:
        """Whether the user holds all of *roles*."""
        return set(roles) <= set(self.roles)


class PlatformAway(Exception):
    """No answer, or none that settles anything: ask again later. The call may have counted.

    *sentence* is for people, and holds nothing secret.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class PlatformRefused(Exception):
    """A final no: asking again changes nothing until a person does something.

    *code* is stable, *sentence* for people; neither holds anything secret.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class CustomerPlatform(Protocol):
    """The platform on which customers are onboarded.

    Every method raises PlatformAway or PlatformRefused.
    """

    async def create_customer(self, customer: NewCustomer) -> PlatformCustomer:
        """Create the customer, or return the one that *key* created before; its import begins.

        Refused: `reference_taken`, `key_reused`, `customer_deleted`, `secret_missing`, ...
        """

    async def find_customer(self, reference: str, key: UUID) -> PlatformCustomer | None:
        """Return the customer that *key* created under *reference*, if there is one."""

    async def import_state(self, customer: UUID) -> ImportState:
        """Return how far the import of the customer's PBX is."""

    async def connect_pbx(self, customer: UUID, pbx: PbxConnection) -> ImportState:
        """Begin a failed import again, with these details; any other import is left alone."""

    async def ensure_admin(self, customer: UUID, user: NewUser) -> PlatformUser:
        """Make sure that the user exists and holds both roles of an admin.

        Refused: `other_customer`, naming the address, when it belongs to another customer's user.
        """

    async def ensure_user(
        self, customer: UUID, user: NewUser, roles: tuple[PlatformRole, ...]
    ) -> PlatformUser:
        """Make sure that the user exists and holds *roles* beside those it has.

        Refused: `other_customer` as above, and `admin_first` while the customer has no admin.
        """

    async def find_user(self, customer: UUID, email: str) -> PlatformUser | None:
        """Return the customer's user with this address, letters without case."""

    async def remove_roles(
        self, customer: UUID, email: str, roles: tuple[PlatformRole, ...]
    ) -> None:
        """Take *roles* from a user, who keeps the others; nothing to do if there is none."""

    async def delete_user(self, customer: UUID, email: str) -> None:
        """Delete a user; nothing to do if there is none."""

    async def delete_customer(self, customer: UUID) -> None:
        """Delete a customer with its users; nothing to do if it is gone."""
