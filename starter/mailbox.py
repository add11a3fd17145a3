"""The embedded stack's mail server, which keeps whatever it is given in a Maildir."""

import asyncio
import itertools
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from approvals.records import Record

HOST = "127.0.0.1"
SIZE_LIMIT = 1_048_576  # bytes of one mail
_FOLDERS = ("tmp", "new", "cur")
logging.getLogger("mail.log").setLevel(logging.WARNING)  # at INFO aiosmtpd names who gets mail


class StoredLetter(Record):
    """A mail as it was kept. *id* grows with time; *to* is whom it was delivered to."""

    id: str
    to: str
    subject: str
    date: datetime
    text: str
    html: str
    message_id: str


class Mailbox:
    """An SMTP server on 127.0.0.1, in the running event loop. Port 0 picks a free *port*."""

    def __init__(self, maildir: Path, port: int = 0) -> None:
        self.port = port
        self._maildir = maildir
        self._numbers = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._sessions: set[_Session] = set()

    async def start(self) -> None:
        """Make the folders and listen. Raises OSError if the port is taken."""
        self._maildir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in _FOLDERS:
            (self._maildir / folder).mkdir(mode=0o700, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and close what is open; a mail that was not answered is not kept."""
        if self._server is None:
            return
        self._server.close()
        await asyncio.gather(*(session.abort() for session in self._sessions))
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail, once for all its recipients; the name is aiosmtpd's."""
        try:
            self._store(envelope)
        except OSError as fault:
            return f"452 4.3.1 The mailbox cannot be written: {fault.strerror}"
        return "250 2.0.0 kept"

    def _session(self) -> "_Session":
        return _Session(self, self._sessions)

    def _store(self, envelope: Envelope) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}-{next(self._numbers):06}"
        head = "".join(f"Delivered-To: {one}\r\n" for one in envelope.rcpt_tos)
        unfinished = self._maildir / "tmp" / name
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(file, "wb") as stream:
            stream.write(head.encode("utf-8", "surrogateescape"))
            stream.write(envelope.original_content or b"")
        unfinished.rename(self._maildir / "new" / name)  # readers see whole mails only


class _Session(SMTP):
    """One client's connection, known to the mailbox while it lasts."""

    def __init__(self, mailbox: Mailbox, sessions: "set[_Session]") -> None:
        super().__init__(
            mailbox,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Gatehouse mailbox",
            loop=asyncio.get_running_loop(),
        )
        self._sessions = sessions
        self._is_gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._sessions.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._sessions.discard(self)
        self._is_gone.set()

    async def abort(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
            await self._is_gone.wait()


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
