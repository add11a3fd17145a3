"""One connection to a mail server, led step by step, so that we always know which step was last.

aiosmtplib raises the same errors before and after the final dot; only the stage tells them apart.
"""

import asyncio
import re
import socket
import ssl
from enum import StrEnum
from typing import Any, cast

import aiosmtplib

from mail.smtp_server import Security as Security
from mail.smtp_server import SmtpServer

STUFFED = re.compile(rb"^\.", re.MULTILINE)
# One whole reply and nothing behind it.
ONE_REPLY = re.compile(rb"(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n")


class Stage(StrEnum):
    """The steps of a conversation, in order. Nothing is ambiguous before the last one."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    AFTER_DOT = "after the final dot"


class MissingError(Exception):
    """The server does not offer what this letter or our settings need; trying again is no use."""


class Conversation:
    """One connection, at first not open. *stage* is the step under way, or the last one.

    *open* and *deliver* raise aiosmtplib's errors, OSError or MissingError.
    """

    def __init__(self, server: SmtpServer, tls: ssl.SSLContext | None, step_seconds: float) -> None:
        self.stage = Stage.CONNECT
        self._server = server
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            local_hostname=server.helo_name,
            use_tls=server.security is Security.TLS,
            start_tls=False,  # led by hand below, and never left to what the server offers
            tls_context=tls,
            timeout=step_seconds,
        )

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as we have heard."""
        return self._client.is_connected

    @property
    def is_stale(self) -> bool:
        """Whether a failed letter on a kept connection deserves a new one: nothing was accepted."""
        return self.stage is Stage.MAIL or (self.stage is not Stage.AFTER_DOT and not self.is_open)

    async def open(self) -> None:
        """Connect, encrypt as configured, and sign in if there is a name to sign in with."""
        async with asyncio.timeout(self._client.timeout):
            connection = await _dialled(self._server.host, self._server.port)
        self.stage = Stage.GREETING
        await self._client.connect(sock=connection)
        self.stage = Stage.EHLO
        await self._client.ehlo()
        if self._server.security is Security.STARTTLS:
            self.stage = Stage.STARTTLS
            await self._encrypt()
            self.stage = Stage.EHLO
            await self._client.ehlo()
        if self._server.username is not None:
            self.stage = Stage.AUTH
            await self._sign_in(self._server.username, self._server.opened_password)

    async def deliver(self, recipient: str, mail: bytes) -> str:
        """Hand over one mail to one recipient; return the text of the reply that accepted it."""
        self.stage = Stage.MAIL
        options: tuple[bytes, ...] = ()
        if not recipient.isascii():
            if not self._offers("smtputf8"):
                raise MissingError("The mail server offers no SMTPUTF8, which this address needs.")
            options = (b"SMTPUTF8", b"BODY=8BITMIME")
        await self._say(
            (250, 251), b"MAIL", f"FROM:<{self._server.envelope_sender}>".encode(), *options
        )
        self.stage = Stage.RCPT
        await self._say((250, 251, 252), b"RCPT", f"TO:<{recipient}>".encode())
        self.stage = Stage.DATA
        await self._say((354,), b"DATA")
        return _accepted(await self._content(mail), (250, 251))

    async def quit(self, seconds: float) -> None:
        """Take leave and close. What the server says to that is of no interest."""
        try:
            await self._client.quit(timeout=seconds)
        except (aiosmtplib.SMTPException, OSError):
            pass
        finally:
            self.hang_up()

    def hang_up(self) -> None:
        """Take leave if the server can hear it, and close without waiting for anything."""
        protocol, transport = self._client.protocol, self._writer
        if protocol is not None and transport is not None and self.is_open:
            if self.stage is Stage.DATA or transport.get_write_buffer_size():
                transport.abort()
            else:
                protocol.write(b"QUIT\r\n")
        self._client.close()

    @property
    def _writer(self) -> asyncio.WriteTransport | None:
        return cast(asyncio.WriteTransport | None, self._client.transport)

    async def _say(self, wanted: tuple[int, ...], *words: bytes) -> None:
        _accepted(await self._client.execute_command(*words), wanted)

    def _offers(self, extension: str) -> bool:
        if not self.is_open:  # aiosmtplib forgets what was offered when a connection goes
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return self._client.supports_extension(extension)

    async def _encrypt(self) -> None:
        if not self._offers("starttls"):
            raise MissingError("The mail server offers no STARTTLS.")
        transport = cast(asyncio.Transport, self._client.transport)
        tap = _Tap(cast(asyncio.Protocol, transport.get_protocol()))
        transport.set_protocol(tap)
        await self._client.starttls()
        if ONE_REPLY.fullmatch(tap.heard) is None:
            raise aiosmtplib.SMTPException("Somebody added to the server's reply to STARTTLS.")

    async def _sign_in(self, username: str, password: str) -> None:
        offered = self._client.server_auth_methods if self._offers("auth") else ()
        if "plain" in offered:
            await self._client.auth_plain(username, password)
        elif "login" in offered:
            await self._client.auth_login(username, password)
        else:
            raise MissingError("The mail server offers neither AUTH PLAIN nor AUTH LOGIN.")

    async def _content(self, mail: bytes) -> aiosmtplib.SMTPResponse:
        protocol, transport = self._client.protocol, self._writer
        if protocol is None or transport is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(STUFFED.sub(b"..", mail))
        # The dot follows only when the kernel has taken the rest, and a loss was given the chance
        # to show: until then the server cannot have accepted anything.
        await asyncio.sleep(0)
        while transport.get_write_buffer_size() and self.is_open:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.005)
        protocol.write(b".\r\n")
        self.stage = Stage.AFTER_DOT
        return await protocol.read_response()


class _Tap(asyncio.Protocol):
    """Passes on to aiosmtplib what is heard in clear, and keeps it.

    aiosmtplib throws away what follows the reply to STARTTLS in clear; we want to know of it.
    """

    def __init__(self, listener: asyncio.Protocol) -> None:
        self.heard = b""
        self._listener = listener

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self._listener.data_received(data)

    def eof_received(self) -> bool | None:
        return self._listener.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._listener.connection_lost(exc)

    def pause_writing(self) -> None:
        self._listener.pause_writing()

    def resume_writing(self) -> None:
        self._listener.resume_writing()


def _accepted(response: aiosmtplib.SMTPResponse, wanted: tuple[int, ...]) -> str:
    if response.code not in wanted:
        raise aiosmtplib.SMTPResponseException(response.code, response.message)
    return f"{response.code} {response.message}"


async def _dialled(host: str, port: int) -> socket.socket:
    """Return a connected socket to the first address of *host* that answers."""
    loop = asyncio.get_running_loop()
    fault = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        try:
            connection = socket.socket(family, kind, protocol)
            return await _connected(connection, address)
        except OSError as error:
            fault = error
    raise fault


async def _connected(connection: socket.socket, address: tuple[Any, ...]) -> socket.socket:
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection
