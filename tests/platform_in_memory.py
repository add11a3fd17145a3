"""The port CustomerPlatform in memory: it keeps the platform's own rules, and fails on demand."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid5

from approvals.platform import (
    ADMIN_ROLES,
    CustomerPlatform,
    ImportState,
    ImportStatus,
    NewCustomer,
    NewUser,
    PbxConnection,
    PlatformAway,
    PlatformCustomer,
    PlatformRefused,
    PlatformRole,
    PlatformUser,
)

IMPORTED = ImportState(status=ImportStatus.IMPORTED, imported=2, total=2)
T = TypeVar("T")
Trouble = PlatformAway | PlatformRefused


class InMemoryPlatform(CustomerPlatform):
    """One platform. *imported* are the users that a customer's PBX brings, *elsewhere* others'.

    *before* and *after* are asked at each call what goes wrong: before it counts, or after.
    """

    def __init__(self, imported: tuple[str, ...] = (), elsewhere: tuple[str, ...] = ()) -> None:
        self.customers: dict[UUID, NewCustomer] = {}
        self.users: dict[tuple[UUID, str], tuple[str, ...]] = {}
        self.keys: set[UUID] = set()
        self.imports = [IMPORTED]  # one a look; the last one stays
        self.imported, self.elsewhere = imported, elsewhere
        self.before: Callable[[str], Trouble | None] = lambda _: None
        self.after: Callable[[str], Trouble | None] = lambda _: None
        self.calls: list[str] = []

    async def create_customer(self, customer: NewCustomer) -> PlatformCustomer:
        self._begin("create_customer")
        one = uuid5(customer.key, "platform")
        if customer.key in self.keys and one not in self.customers:
            raise PlatformRefused("customer_deleted", "It was deleted.")
        if one not in self.customers:
            self.keys.add(customer.key)
            self.customers[one] = customer
            self.users |= dict.fromkeys(((one, email) for email in self.imported), ())
        return self._end("create_customer", self._shown(one))

    async def find_customer(self, reference: str, key: UUID) -> PlatformCustomer | None:
        self._begin("find_customer")
        one = uuid5(key, "platform")
        return self._end("find_customer", self._shown(one) if one in self.customers else None)

    async def import_state(self, customer: UUID) -> ImportState:
        self._begin("import_state")
        state = self.imports.pop(0) if len(self.imports) > 1 else self.imports[0]
        return self._end("import_state", state)

    async def connect_pbx(self, customer: UUID, pbx: PbxConnection) -> ImportState:
        self._begin("connect_pbx")
        return self._end("connect_pbx", self.imports[0])

    async def ensure_admin(self, customer: UUID, user: NewUser) -> PlatformUser:
        return self._ensured("ensure_admin", customer, user, ADMIN_ROLES)

    async def ensure_user(
        self, customer: UUID, user: NewUser, roles: tuple[PlatformRole, ...]
    ) -> PlatformUser:
        return self._ensured("ensure_user", customer, user, roles)

    async def find_user(self, customer: UUID, email: str) -> PlatformUser | None:
        self._begin("find_user")
        found = self._user(customer, email) if (customer, email) in self.users else None
        return self._end("find_user", found)

    async def remove_roles(
        self, customer: UUID, email: str, roles: tuple[PlatformRole, ...]
    ) -> None:
        self._begin("remove_roles")
        if (customer, email) in self.users:
            kept = tuple(one for one in self.users[customer, email] if one not in roles)
            self.users[customer, email] = kept
        self._end("remove_roles", None)

    async def delete_user(self, customer: UUID, email: str) -> None:
        self._begin("delete_user")
        self.users.pop((customer, email), None)
        self._end("delete_user", None)

    async def delete_customer(self, customer: UUID) -> None:
        self._begin("delete_customer")
        self.customers.pop(customer, None)
        self.users = {one: roles for one, roles in self.users.items() if one[0] != customer}
        self._end("delete_customer", None)

    def has_admin(self, customer: UUID) -> bool:
        """Whether somebody holds both roles of an admin."""
        held = [roles for (one, _), roles in self.users.items() if one == customer]
        return any(set(ADMIN_ROLES) <= set(roles) for roles in held)

    def _ensured(
        self, call: str, customer: UUID, user: NewUser, roles: tuple[PlatformRole, ...]
    ) -> PlatformUser:
        self._begin(call)
        if user.email in self.elsewhere:
            raise PlatformRefused("other_customer", f"{user.email} is another customer's.")
        if not (set(roles) <= set(ADMIN_ROLES) or self.has_admin(customer)):
            raise PlatformRefused("admin_first", "First name an admin.")
        held = self.users.get((customer, user.email), ())
        self.users[customer, user.email] = tuple(dict.fromkeys((*held, *roles)))
        return self._end(call, self._user(customer, user.email))

    def _begin(self, call: str) -> None:
        self.calls.append(call)
        if (trouble := self.before(call)) is not None:
            raise trouble

    def _end(self, call: str, answer: T) -> T:
        if (trouble := self.after(call)) is not None:
            raise trouble
        return answer

    def _shown(self, one: UUID) -> PlatformCustomer:
        customer = self.customers[one]
        return PlatformCustomer(id=one, name=customer.name, reference=customer.reference)

    def _user(self, customer: UUID, email: str) -> PlatformUser:
        return PlatformUser(
            id=uuid5(customer, email),
            customer=customer,
            email=email,
            name=email,
            roles=self.users[customer, email],
            is_imported=email in self.imported,
        )
