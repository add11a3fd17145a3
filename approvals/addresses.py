"""The field rule for e-mail addresses, and the two forms in which they are compared and shown."""

import re
import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import BeforeValidator

from approvals.errors import FieldError
from approvals.texts import inert

ADDRESS_LIMIT = 254  # RFC 5321, path without its angle brackets
_LOCAL_PART = re.compile(r"[A-Za-z0-9._+-]{1,64}")
_UNSEEN = ("Cc", "Cf", "Zl", "Zp")


def address(value: object) -> str:
    """Return a plain ASCII address: local part as typed, domain in lower case and IDNA.

    Asks no name server. Raises FieldError with the codes of e-mails.
    """
    if not isinstance(value, str):
        raise FieldError("email_not_text", "The address must be text.")
    if any(unicodedata.category(char) in _UNSEEN for char in value):
        raise FieldError(
            "email_control_char", "The address contains a line break or control character."
        )
    local_part, domain = _parts(value)
    if not _LOCAL_PART.fullmatch(local_part):
        raise FieldError(
            "email_local_part",
            "The part before the @ must be plain letters, digits and . _ + - (at most 64).",
        )
    return f"{local_part}@{domain}"


def canonical(address: str) -> str:
    """Return the one form in which two addresses are compared: letters without case."""
    return address.casefold()


def masked(address: str) -> str:
    """Return an address that tells its owner which one it is, and others little: `a***@x.org`."""
    local_part, at, domain = address.rpartition("@")
    return f"{local_part[:1]}***{at}{domain if at else ''}"


Address = Annotated[str, BeforeValidator(address)]


def _parts(text: str) -> tuple[str, str]:
    """Split a valid address into its local part and its domain in ASCII."""
    if len(text) > ADDRESS_LIMIT:  # before the checker, whose work grows with the text
        raise FieldError(
            "email_invalid",
            f"The address is {len(text)} characters; the limit is {ADDRESS_LIMIT}.",
        )
    try:
        text.encode()
        checked = validate_email(
            text,
            check_deliverability=False,
            allow_smtputf8=True,  # our own rule on the local part has its own sentence
            allow_display_name=False,
            allow_domain_literal=False,
            allow_empty_local=False,
            allow_quoted_local=False,
            globally_deliverable=True,
            strict=False,
            test_environment=False,
        )
    except UnicodeEncodeError:
        raise FieldError("email_invalid", "The address is not valid Unicode text.") from None
    except EmailNotValidError as refusal:
        # The checker has one class for all it refuses; its wording alone tells this case apart.
        if "special-use or reserved" in str(refusal):
            raise FieldError(
                "email_reserved_domain", "That domain cannot receive e-mail."
            ) from None
        raise FieldError("email_invalid", inert(str(refusal))) from None
    return checked.local_part, checked.ascii_domain
