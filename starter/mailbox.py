"""The embedded stack's mail server, which keeps whatever it is given in a Maildir."""

import asyncio
import itertools
import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"
SIZE_LIMIT = 1_048_576  # bytes of one mail
_FOLDERS = ("tmp", "new", "cur")
logging.getLogger("mail.log").setLevel(logging.WARNING)  # at INFO aiosmtpd names who gets mail


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
