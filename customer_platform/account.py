"""Our account on the customer platform, and the refusal of one that would be used in clear."""

import httpx2

from approvals.hosts import is_loopback
from approvals.records import Record


class PlatformAccount(Record):
    """Where the platform is and who we are there. *client_secret* is a reference, no secret."""

    address: str
    client_id: str
    client_secret: str
    private_network: bool = False

    @property
    def is_here(self) -> bool:
        """Whether the platform can only be on this machine."""
        return is_loopback(httpx2.URL(self.address).host)


def require_usable(account: PlatformAccount) -> None:
    """Raise ValueError with a sentence for the operator, if the platform cannot be asked so."""
    try:
        address = httpx2.URL(account.address)
    except httpx2.InvalidURL:
        address = httpx2.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("The platform's address must look like https://platform.example.com.")
    if address.userinfo or address.query or address.fragment:
        raise ValueError("The platform's address must hold no user, query or fragment.")
    is_private = account.private_network or is_loopback(address.host)
    if address.scheme == "http" and not is_private:
        raise ValueError(
            f"The platform's address is http, but {address.host} is not this machine:"
            " use https, or declare the network private."
        )
