"""A mail server that says exactly what a test tells it to say, at each step of a conversation."""

import asyncio
import socket
import ssl
import struct
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Self


class Act(Enum):
    """What a server may do instead of answering."""

    HANG = auto()
    CLOSE = auto()
    RESET = auto()


Reply = bytes | Act
Late = tuple[float, bytes]  # seconds, and what is said then


@dataclass
class Script:
    """The reply to each step, without its line end. *content* acts in the middle of a mail."""

    greeting: Reply | Late = b"220 mail.example"
    ehlo: Reply = b"250-mail.example\r\n250 8BITMIME"
    starttls: Reply = b"220 go on"
    auth: Reply = b"235 welcome"
    mail: Reply = b"250 sender ok"
    rcpt: Reply = b"250 recipient ok"
    data: Reply = b"354 go on"
    content: Act | None = None
    dot: Reply | Late = b"250 queued"
    quit: Reply = b"221 bye"
    closes_after: str = ""
    tls: ssl.SSLContext | None = None
    tls_at_once: bool = False


@dataclass
class ScriptedServer:
    """Plays *script* on every connection, and keeps the commands and mails that it heard."""

    script: Script
    heard: list[bytes] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    has_mail: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    port: int = 0

    async def __aenter__(self) -> Self:
        tls = self.script.tls if self.script.tls_at_once else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.hang_up()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """Close every connection, and go on listening."""
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._say(writer, self.script.greeting)
            while command := (await reader.readline()).strip():
                self.heard.append(command)
                await self._answer(command, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(
        self, command: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        verb = command.split()[0].lower().decode("latin-1")
        # Anything that is no command is a password.
        reply: Reply = getattr(self.script, verb, b"235 welcome")
        await self._say(writer, reply)
        if verb == self.script.closes_after:
            raise ConnectionError
        if verb == "starttls" and isinstance(reply, bytes) and reply.startswith(b"220 go on"):
            assert self.script.tls is not None
            await writer.start_tls(self.script.tls)
        if verb == "data" and isinstance(reply, bytes) and reply.startswith(b"354"):
            await self._take(reader, writer)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.script.content is not None:
            await reader.readline()
            await self._say(writer, self.script.content)
        self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
        self.has_mail.set()
        await self._say(writer, self.script.dot)

    async def _say(self, writer: asyncio.StreamWriter, reply: Reply | Late) -> None:
        match reply:
            case Act.HANG:
                await asyncio.Event().wait()
            case Act.CLOSE:
                raise ConnectionError
            case Act.RESET:
                at_once = struct.pack("ii", 1, 0)  # a reset instead of an orderly end
                peer = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                raise ConnectionError
            case (float(seconds), bytes(words)):
                await asyncio.sleep(seconds)
                writer.write(words + b"\r\n")
            case bytes(words):
                writer.write(words + b"\r\n")
        await writer.drain()
