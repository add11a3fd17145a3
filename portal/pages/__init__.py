"""One module a family of pages; FAMILIES is what the portal serves, in the navigation's order."""

from portal.families import Family
from portal.pages import (
    account,
    decisions,
    home,
    machine,
    mailbox,
    new_request,
    requests,
    sign_in,
)

FAMILIES: tuple[Family, ...] = (
    home.FAMILY,
    new_request.FAMILY,  # before the requests: "new" is no number of one
    requests.FAMILY,
    decisions.FAMILY,
    account.FAMILY,
    sign_in.FAMILY,
    machine.FAMILY,
    mailbox.FAMILY,
)
