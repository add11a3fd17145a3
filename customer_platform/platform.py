"""The port CustomerPlatform over the platform's HTTP API."""

from typing import Literal
from uuid import UUID

import httpx2
from pydantic import Field, SecretStr, TypeAdapter

from approvals.platform import (
    ADMIN_ROLES,
    CustomerPlatform,
    ImportState,
    NewCustomer,
    NewUser,
    PbxConnection,
    PlatformAway,
    PlatformCustomer,
    PlatformRefused,
    PlatformRole,
    PlatformUser,
)
from approvals.records import Record
from customer_platform.account import PlatformAccount
from customer_platform.api import SECONDS, PlatformApi, Refusal, read
from customer_platform.secret_references import Secrets


class _Customer(PlatformCustomer):
    request_key: str | None = None


class _User(Record):
    id: UUID
    customer: UUID
    email: str
    name: str
    roles: tuple[str, ...]
    source: Literal["pbx", "api"]

    def shown(self) -> PlatformUser:
        is_imported = self.source == "pbx"
        return PlatformUser(**self.model_dump(exclude={"source"}), is_imported=is_imported)


class _Import(ImportState):
    imported: int = Field(ge=0)
    total: int = Field(ge=0)


_CUSTOMER, _CUSTOMERS = TypeAdapter(_Customer), TypeAdapter(list[_Customer])
_NOWHERE = "customer_not_found"
_USER, _USERS = TypeAdapter(_User), TypeAdapter(list[_User])
_IMPORT = TypeAdapter(_Import)


class HttpCustomerPlatform(CustomerPlatform):
    """Asks one platform. *secrets* resolves the references to our own and the PBXs' secrets.

    *seconds* limits each step of a call. Raises ValueError for an unusable account.
    """

    def __init__(
        self, account: PlatformAccount, secrets: Secrets, seconds: float = SECONDS
    ) -> None:
        self._api = PlatformApi(account, secrets, seconds)
        self._account, self._secrets = account, secrets

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def create_customer(self, customer: NewCustomer) -> PlatformCustomer:
        details, secret = self._pbx(customer.pbx)
        body = {
            "name": customer.name,
            "description": customer.description,
            "reference": customer.reference,
            "pbx": details,
        }
        headers = {"Idempotency-Key": str(customer.key)}
        try:
            answer = await self._api.call(
                "POST", "/customers", body=body, headers=headers, hidden=secret
            )
        except PlatformAway:  # it may have counted, and only the answer was lost
            if (found := await self.find_customer(customer.reference, customer.key)) is None:
                raise
            return found
        return _plain(read(answer, _CUSTOMER))

    async def find_customer(self, reference: str, key: UUID) -> PlatformCustomer | None:
        answer = await self._api.call("GET", "/customers", params={"reference": reference})
        found: list[_Customer] = read(answer, _CUSTOMERS)
        # The same reference under another key is somebody else's customer.
        own = [one for one in found if one.request_key == str(key)]
        return _plain(own[0]) if own else None

    async def import_state(self, customer: UUID) -> ImportState:
        answer = await self._api.call("GET", f"/customers/{customer}/pbx")
        return ImportState(**read(answer, _IMPORT).model_dump())

    async def connect_pbx(self, customer: UUID, pbx: PbxConnection) -> ImportState:
        details, secret = self._pbx(pbx)
        answer = await self._api.call(
            "PUT", f"/customers/{customer}/pbx", body=details, hidden=secret
        )
        return ImportState(**read(answer, _IMPORT).model_dump())

    async def ensure_admin(self, customer: UUID, user: NewUser) -> PlatformUser:
        return await self.ensure_user(customer, user, ADMIN_ROLES)

    async def ensure_user(
        self, customer: UUID, user: NewUser, roles: tuple[PlatformRole, ...]
    ) -> PlatformUser:
        body = {"email": user.email, "name": user.name, "roles": list(roles)}
        try:
            answer = await self._api.call("POST", f"/customers/{customer}/users", body=body)
        except Refusal as refusal:
            if refusal.code != "user_exists":
                raise
            if refusal.facts.get("belongs_to") == "another_customer":
                raise PlatformRefused(
                    "other_customer",
                    f"{user.email} belongs to a user of another customer on the platform.",
                ) from None
            return await self._patched(customer, user.email, roles)
        return _user(answer)

    async def find_user(self, customer: UUID, email: str) -> PlatformUser | None:
        answer = await self._api.call(
            "GET", f"/customers/{customer}/users", params={"email": email}
        )
        found: list[_User] = read(answer, _USERS)
        own = [one for one in found if one.email.casefold() == email.casefold()]
        return own[0].shown() if own else None

    async def remove_roles(
        self, customer: UUID, email: str, roles: tuple[PlatformRole, ...]
    ) -> None:
        if (found := await self._left(customer, email)) is not None:
            await self._changed(customer, found.id, remove_roles=roles)

    async def delete_user(self, customer: UUID, email: str) -> None:
        if (found := await self._left(customer, email)) is not None:
            await self._deleted(f"/customers/{customer}/users/{found.id}")

    async def delete_customer(self, customer: UUID) -> None:
        await self._deleted(f"/customers/{customer}")

    def _pbx(self, pbx: PbxConnection) -> tuple[dict[str, str], SecretStr]:
        if pbx.secret == self._account.client_secret:
            raise PlatformRefused(
                "secret_missing", "The PBX may not be given the platform's own secret."
            )
        secret = self._secrets.resolved(pbx.secret)
        opened = {"secret": secret.get_secret_value()}
        return {"host": pbx.host, "username": pbx.username, **opened}, secret

    async def _patched(
        self, customer: UUID, email: str, roles: tuple[PlatformRole, ...]
    ) -> PlatformUser:
        """Add roles to a user of whom the platform has just said that it exists."""
        if (found := await self.find_user(customer, email)) is None:
            raise _changed_meanwhile()
        return await self._changed(customer, found.id, add_roles=roles)

    async def _changed(
        self, customer: UUID, user: UUID, **changes: tuple[PlatformRole, ...]
    ) -> PlatformUser:
        body = {name: list(roles) for name, roles in changes.items()}
        try:
            answer = await self._api.call("PATCH", f"/customers/{customer}/users/{user}", body=body)
        except Refusal as refusal:
            if refusal.code == "user_not_found":  # a moment ago it was there
                raise _changed_meanwhile() from None
            raise
        return _user(answer)

    async def _left(self, customer: UUID, email: str) -> PlatformUser | None:
        """Return a user that is still there, of a customer that may be gone."""
        try:
            return await self.find_user(customer, email)
        except Refusal as refusal:
            if refusal.code == _NOWHERE:
                return None
            raise

    async def _deleted(self, path: str) -> None:
        try:
            await self._api.call("DELETE", path)
        except Refusal as refusal:
            if refusal.code not in (_NOWHERE, "user_not_found"):
                raise


def _changed_meanwhile() -> PlatformAway:
    return PlatformAway("The customer platform changed this user meanwhile.")


def _plain(found: _Customer) -> PlatformCustomer:
    return PlatformCustomer(**found.model_dump(exclude={"request_key"}))


def _user(answer: httpx2.Response) -> PlatformUser:
    found: _User = read(answer, _USER)
    return found.shown()
