"""Mails point below the configured address, or nowhere."""

from uuid import UUID

import pytest

from mail.links import Links

PROCESS = UUID("0f5c2a7e-5b1d-4c57-8a36-6f2b1c9d8e70")


@pytest.mark.parametrize(
    ("portal", "page"),
    [
        ("https://gatehouse.example.com", f"https://gatehouse.example.com/requests/{PROCESS}"),
        ("https://gatehouse.example.com/", f"https://gatehouse.example.com/requests/{PROCESS}"),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:8080/requests/{PROCESS}"),
        ("http://[::1]:8080", f"http://[::1]:8080/requests/{PROCESS}"),
        ("https://example.com/access", f"https://example.com/access/requests/{PROCESS}"),
    ],
)
def test_a_request_page_lies_below_the_configured_address(portal: str, page: str) -> None:
    assert Links(portal).request(PROCESS) == page


def test_without_a_portal_there_is_no_page() -> None:
    assert Links(None).request(PROCESS) is None


@pytest.mark.parametrize(
    "portal",
    [
        "",
        "gatehouse.example.com",
        "//gatehouse.example.com",
        "ftp://gatehouse.example.com",
        "javascript:alert(1)",
        "https://ann:secret@gatehouse.example.com",
        "https://gatehouse.example.com?next=x",
        "https://gatehouse.example.com#x",
        "https://gatehouse.example.com/a b",
        "https://gatehouse.example.com\n",
        'https://gatehouse.example.com/"onclick=',
    ],
)
def test_an_address_that_is_no_base_is_refused_by_the_name_of_its_setting(portal: str) -> None:
    with pytest.raises(ValueError, match="GATEHOUSE_PORTAL_URL"):
        Links(portal)
