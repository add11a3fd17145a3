"""The customers that the adapter's tests onboard, and our account on their platform."""

from typing import Any
from uuid import uuid4

from approvals.platform import NewCustomer, NewUser, PbxConnection
from customer_platform.account import PlatformAccount
from customer_platform.platform import HttpCustomerPlatform
from customer_platform.secret_references import VARIABLE_PREFIX, SecretReferences
from tests.customer_platform.running import CLIENT_SECRET

PBX_SECRET = "pieces-of-eight"
ENVIRONMENT = {
    f"{VARIABLE_PREFIX}PLATFORM": CLIENT_SECRET,
    f"{VARIABLE_PREFIX}ADMIRAL_BENBOW": PBX_SECRET,
    **{f"{VARIABLE_PREFIX}INN_{number:02}": PBX_SECRET for number in range(100)},
    f"{VARIABLE_PREFIX}EMPTY_HOUSE": "elementary",
}
JIM = NewUser(email="jim.hawkins@admiral-benbow.example.com", name="Jim Hawkins")
PEW = NewUser(email="blind.pew@example.com", name="Blind Pew")
BENBOW = PbxConnection(
    host="pbx.admiral-benbow.example.com", username="import", secret="env:ADMIRAL_BENBOW"
)
EMPTY_HOUSE = PbxConnection(
    host="pbx.empty-house.example.com", username="import", secret="env:EMPTY_HOUSE"
)


def make_customer(reference: str = "C-1", pbx: PbxConnection = BENBOW) -> NewCustomer:
    """Return a customer with a key of its own."""
    return NewCustomer(
        key=uuid4(), name="Admiral Benbow", description="An inn", reference=reference, pbx=pbx
    )


def adapter_to(
    address: str, environment: dict[str, str] | None = None, seconds: float = 5.0, **account: Any
) -> HttpCustomerPlatform:
    """Return an adapter with our account; the caller closes it."""
    given = {"client_id": "gatehouse", "client_secret": "env:PLATFORM", **account}
    secrets = SecretReferences(None, ENVIRONMENT if environment is None else environment)
    return HttpCustomerPlatform(PlatformAccount(address=address, **given), secrets, seconds)
