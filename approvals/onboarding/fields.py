"""The field rules of an onboarding: reference, time zone, PBX details, and users' roles."""

import re
from ipaddress import ip_address
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from approvals.errors import FieldError
from approvals.platform import PlatformRole

ROLES = tuple(one for one in PlatformRole if one is not PlatformRole.ADMIN)
_REFERENCE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 ._/-]{0,62}[A-Za-z0-9])?")
_HOST = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+")
_USERNAME = re.compile(r"[!-~]([ -~]{0,118}[!-~])?")
_SECRET = re.compile(r"file:[A-Za-z0-9][A-Za-z0-9._-]{0,63}|env:[A-Z][A-Z0-9_]{0,63}")


def reference(value: object) -> str:
    """Return what names the customer in other systems: 1 to 64 characters, exactly as typed."""
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise FieldError(
            "reference_malformed",
            "The reference takes 1 to 64 letters A-Z, a-z, digits, blanks and . _ / -, and begins"
            " and ends with a letter or digit.",
        )
    return value


def time_zone(value: object) -> str:
    """Return a time zone's IANA name. Raises FieldError with zone_unknown."""
    try:
        if isinstance(value, str) and value.isascii() and len(value) <= 64:
            return ZoneInfo(value).key
    except (KeyError, ValueError, OSError):  # unknown, malformed, or a folder of names
        pass
    raise FieldError(
        "zone_unknown", "That is not a time zone. Write an IANA name such as Europe/Berlin."
    )


def host(value: object) -> str:
    """Return a PBX's host name or IP address, without a port."""
    if isinstance(value, str) and (_HOST.fullmatch(value) or _is_address(value)):
        return value
    raise FieldError(
        "host_malformed", "Write the PBX's host name or IP address, without a scheme or port."
    )


def username(value: object) -> str:
    """Return the name under which the platform signs in to a PBX: 1 to 120 visible characters."""
    if not isinstance(value, str) or not _USERNAME.fullmatch(value):
        raise FieldError(
            "username_malformed", "The user name takes 1 to 120 visible ASCII characters."
        )
    return value


def secret_reference(value: object) -> str:
    """Return the name of a secret, never the secret itself."""
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        raise FieldError(
            "secret_reference",
            "Do not write the secret here; say where the worker finds it: file:NAME or env:NAME.",
        )
    return value


def require_own_secret(customer: str, named: str) -> None:
    """Refuse a secret of another customer's: its name must be the slug, for a file perhaps more.

    A slug has neither a dot nor a capital, so no customer's names begin with another's.
    """
    variable = f"env:{customer.upper().replace('-', '_')}"
    if named in (variable, f"file:{customer}") or named.startswith(f"file:{customer}."):
        return
    raise FieldError(
        "secret_of_another",
        f"pbx.secret must name a secret of this customer's own: file:{customer}, or a file whose"
        f" name begins with '{customer}.', or {variable}.",
    )


def role(value: object) -> PlatformRole:
    """Return a role that may be asked for a user; who shall be admin is listed as one."""
    if isinstance(value, str) and value == PlatformRole.ADMIN:
        raise FieldError(
            "role_of_admins",
            "Leave user.admin out: everybody listed under admins gets it, and nobody else.",
        )
    if not isinstance(value, str) or value not in ROLES:
        raise FieldError(
            "role_unknown", f"That is not a role of the platform. Choose of: {', '.join(ROLES)}."
        )
    return PlatformRole(value)


Reference = Annotated[str, BeforeValidator(reference)]
TimeZone = Annotated[str, BeforeValidator(time_zone)]
Host = Annotated[str, BeforeValidator(host)]
Username = Annotated[str, BeforeValidator(username)]
SecretReference = Annotated[str, BeforeValidator(secret_reference)]
UserRole = Annotated[PlatformRole, BeforeValidator(role)]


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False
