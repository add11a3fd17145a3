"""An account that would send secrets in clear is refused before anything is sent."""

import pytest

from customer_platform.account import PlatformAccount, require_usable


def account(address: str, **more: bool) -> PlatformAccount:
    """Return our account at this address."""
    return PlatformAccount(address=address, client_id="us", client_secret="env:PLATFORM", **more)


@pytest.mark.parametrize(
    "address",
    [
        "https://platform.example.com",
        "https://platform.example.com:8443/api/v1/",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://localhost:8000",
    ],
)
def test_an_address_that_is_encrypted_or_of_this_machine_is_usable(address: str) -> None:
    found = account(address)

    require_usable(found)

    assert found.address.startswith("https://") or found.is_here


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://platform.example.com", "use https, or declare the network private"),
        ("http://localhost.example.com", "use https"),
        ("http://127.0.0.1.example.com", "use https"),
        ("ftp://platform.example.com", "must look like https"),
        ("platform.example.com", "must look like https"),
        ("https://", "must look like https"),
        ("https://platform.example.com:port", "must look like https"),
        ("https://me:word@platform.example.com", "must hold no user"),
        ("https://platform.example.com/?tenant=1", "must hold no user, query"),
        ("", "must look like https"),
    ],
)
def test_another_address_is_refused_with_the_reason(address: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refusal:
        require_usable(account(address))

    assert "word" not in str(refusal.value)


def test_a_network_may_be_declared_private() -> None:
    with pytest.raises(ValueError, match="declare the network private"):
        require_usable(account("http://platform:8000"))

    require_usable(account("http://platform:8000", private_network=True))  # raises nothing


@pytest.mark.parametrize(
    ("address", "is_here"),
    [("http://127.0.0.1:1", True), ("https://localhost", True), ("https://x.example.com", False)],
)
def test_this_machine_is_known_by_its_names(address: str, is_here: bool) -> None:
    assert account(address).is_here is is_here
