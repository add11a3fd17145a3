"""The mails that the embedded stack's mail server has kept, as people read them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path

from approvals.records import Record


class StoredLetter(Record):
    """A mail as it was kept. *id* grows with time; *to* is whom it was delivered to."""

    id: str
    to: str
    subject: str
    date: datetime
    text: str
    html: str
    message_id: str


def letters(maildir: Path) -> list[StoredLetter]:
    """Return the mails of a Maildir, newest last; none if there is no such folder.

    Others may deliver, read, move and delete mails meanwhile.
    """
    found = ((path.name.partition(":")[0], path) for path in _files(maildir))
    by_id = dict(sorted(found, key=lambda pair: pair[0]))
    read = (_read(maildir, one, path) for one, path in by_id.items())
    return [letter for letter in read if letter is not None]


def _files(maildir: Path) -> Iterator[Path]:
    for folder in ("new", "cur"):  # in the direction in which readers move them
        try:
            yield from (maildir / folder).iterdir()
        except FileNotFoundError:
            continue


def _read(maildir: Path, one: str, path: Path) -> StoredLetter | None:
    for candidate in (path, *(maildir / "cur").glob(f"{one}:*")):
        try:
            raw = candidate.read_bytes()
            arrived = datetime.fromtimestamp(candidate.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue
        return _parsed(one, raw, arrived)
    return None


def _parsed(one: str, raw: bytes, arrived: datetime) -> StoredLetter:
    mail = BytesParser().parsebytes(raw)
    parts = {part.get_content_type(): part for part in reversed(list(mail.walk()))}
    return StoredLetter(
        id=one,
        to=", ".join(_header(mail, "Delivered-To")),
        subject=_decoded("".join(_header(mail, "Subject")[:1])),
        date=_date("".join(_header(mail, "Date")[:1]), arrived),
        text=_text(parts.get("text/plain")),
        html=_text(parts.get("text/html")),
        message_id="".join(_header(mail, "Message-ID")[:1]),
    )


def _header(mail: "Message[str, str]", wanted: str) -> list[str]:
    raw = [value for name, value in mail.raw_items() if name.lower() == wanted.lower()]
    return [value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for value in raw]


def _text(part: "Message[str, str] | None") -> str:
    content = part.get_payload(decode=True) if part is not None else b""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    return text.replace("\r\n", "\n")


def _decoded(subject: str) -> str:
    try:
        return str(make_header(decode_header(subject)))
    except (HeaderParseError, LookupError, ValueError):
        return subject


def _date(said: str, arrived: datetime) -> datetime:
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return arrived
    return date if date.tzinfo else date.replace(tzinfo=UTC)
