"""The ways in which only a pairing says no."""

from collections.abc import Iterable
from datetime import datetime

from approvals.errors import ApprovalError, say
from approvals.texts import inert

SHOWN = 64  # characters of a role's name that are repeated to whoever sent it


class LinkInvalidError(ApprovalError):
    """The link is malformed, unknown, another's, or its reader lacks the permission: same words."""

    code = "link_invalid"

    def __init__(self) -> None:
        super().__init__("This link is not valid. Ask for a new one.")


class LinkExpiredError(ApprovalError):
    """The link's seven days are over."""

    code = "link_expired"

    def __init__(self, ended: datetime) -> None:
        super().__init__(
            f"This link ended on {say(ended)}. Ask the support organization for a new one."
        )


class LinkUsedError(ApprovalError):
    """The link was used before."""

    code = "link_used"

    def __init__(self, at: datetime) -> None:
        super().__init__(
            f"This link was used on {say(at)}."
            " If that was not you or a colleague, tell your security contact."
        )


class PairedAlreadyError(ApprovalError):
    """The group has an open pairing, or offer, with this tenant."""

    code = "already_paired"

    def __init__(self) -> None:
        super().__init__(
            "This group has a pairing with this tenant already, or an offer of one."
            " Nothing was changed."
        )


class RoleUnknownError(ApprovalError):
    """A role that there is not, byte for byte."""

    code = "role_unknown"

    def __init__(self, role: str, known: Iterable[str]) -> None:
        super().__init__(
            f"'{_shown(role)}' is not a role that can be used here."
            f" Choose one of: {', '.join(known)}."
        )


class RoleNotRequestableError(ApprovalError):
    """A role of Gatehouse's own, which no pairing gives."""

    code = "role_not_requestable"

    def __init__(self, role: str) -> None:
        super().__init__(f"'{_shown(role)}' is a role of people here; no pairing gives it.")


class MissingPermissionsError(ApprovalError):
    """The roles together hold less than the vendor's minimum permissions."""

    code = "permissions_missing"

    def __init__(self, missing: Iterable[str]) -> None:
        super().__init__(
            f"These roles together lack {', '.join(missing)}, without which this group cannot"
            " work. Add a role that holds it, or define one. Nothing was changed."
        )


def _shown(role: str) -> str:
    text = inert(role[:SHOWN])
    return text if len(role) <= SHOWN else f"{text}..."
