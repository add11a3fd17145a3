"""The bytes of a letter: fixed headers, a text and an HTML part, and the proof that no header grew.

The headers are written by hand, because Python's e-mail package turns some encoded words into new
headers when it folds them, and at a twentieth of its cost.
"""

import binascii
import re
from datetime import datetime
from email.header import Header
from email.parser import HeaderParser
from email.utils import format_datetime, parseaddr

from approvals.ports import Letter

# Quoted-printable writes every "=" as "=3D", so no text can contain this.
BOUNDARY = "=_gatehouse_="
WHOLE = "=_gatehouse_whole_="  # around the two texts and an invitation
ALTERNATIVE = f'multipart/alternative; boundary="{BOUNDARY}"'
MIXED = f'multipart/mixed; boundary="{WHOLE}"'
SUBJECT_LIMIT = 150

_ADDRESS = re.compile(r'[^\s@<>()\[\],:;"\\]{1,64}@[^\s@<>()\[\],:;"\\]{1,253}')


class UnsafeHeaderError(ValueError):
    """A header would not come out of the mail as it was meant to go in: our own mistake."""


def is_plain_address(address: str) -> bool:
    """Whether this is one bare address of at most 254 characters, safe in a header and command."""
    return (
        len(address) <= 254
        and address.isprintable()
        and _ADDRESS.fullmatch(address) is not None
        and ".." not in address
        and not any(part.startswith(".") or part.endswith(".") for part in address.split("@"))
    )


def envelope_address(sender: str) -> str:
    """Return the bare address of ``address`` or ``Name <address>``. Raises ValueError otherwise."""
    _, address = parseaddr(sender)
    if sender not in (address, f"<{address}>") and not sender.endswith(f" <{address}>"):
        address = ""
    if not (sender.isascii() and sender.isprintable() and is_plain_address(address)):
        raise ValueError(
            "GATEHOUSE_MAIL_FROM must be one e-mail address in plain ASCII,"
            " alone or as 'Name <address>'."
        )
    return address


def built(letter: Letter, sender: str, at: datetime) -> bytes:
    """Return the letter as bytes with CRLF line ends, its headers parsed back and compared.

    Raises UnsafeHeaderError when a header is not one line or comes back different.
    """
    headers = _headers(letter, sender, at)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    _require_same(head, headers)
    parts = (("plain", letter.text), ("html", letter.html))
    texts = b"".join(_part(subtype, text) for subtype, text in parts)
    body = texts + f"--{BOUNDARY}--\r\n".encode()
    if letter.calendar is None:
        return head.encode() + body
    return head.encode() + _with_calendar(body, letter.calendar)


def _headers(letter: Letter, sender: str, at: datetime) -> list[tuple[str, str]]:
    headers = [
        ("From", sender),
        ("To", letter.to),
        ("Subject", _subject(letter.subject)),
        ("Date", format_datetime(at)),
        ("Message-ID", letter.message_id),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", ALTERNATIVE if letter.calendar is None else MIXED),
    ]
    if letter.may_be_duplicate:
        headers.append(("X-Gatehouse-Duplicate", "possible"))
    return headers


def _subject(subject: str) -> str:
    if not subject.strip() or len(subject) > SUBJECT_LIMIT or "=?" in subject:
        raise UnsafeHeaderError("A subject must be one short line of a template.")
    if subject.isascii() or not subject.isprintable():
        return subject
    return Header(subject, "utf-8", maxlinelen=75).encode().replace("\n", "")


def _require_same(head: str, headers: list[tuple[str, str]]) -> None:
    if not all(value.isprintable() for _, value in headers):
        raise UnsafeHeaderError("A header holds a line break or control character.")
    if HeaderParser().parsestr(head).items() != headers:
        raise UnsafeHeaderError("The headers of a mail differ from those that were meant.")


def _with_calendar(texts: bytes, calendar: str) -> bytes:
    """Put the texts and an attached invitation into one whole."""
    encoded = binascii.b2a_base64(calendar.encode(), newline=False).decode()
    lines = "".join(f"{encoded[at : at + 76]}\r\n" for at in range(0, len(encoded), 76))
    method = "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in calendar else "REQUEST"
    return (
        f"--{WHOLE}\r\nContent-Type: {ALTERNATIVE}\r\n\r\n".encode()
        + texts
        + f"--{WHOLE}\r\n"
        f"Content-Type: text/calendar; charset=utf-8; method={method}; name=review.ics\r\n"
        "Content-Disposition: attachment; filename=review.ics\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{lines}--{WHOLE}--\r\n".encode()
    )


def _part(subtype: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    encoded = binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
    head = (
        f"--{BOUNDARY}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + encoded + b"\r\n"
