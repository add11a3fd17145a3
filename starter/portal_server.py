"""The portal as a part of the embedded stack: a process of its own, and where it is found."""

import asyncio
import base64
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from identity.files import ensure_secret
from starter.children import Starting, stopped
from starter.temporal_server import StackError

HOST, PORT, BACKLOG = "127.0.0.1", 8090, 512
START_SECONDS, STOP_SECONDS = 30.0, 15.0
PORTAL_KEY, PORTAL_PUBLIC_KEY, MAILBOX_KEY = "portal.key", "portal.pub", "mailbox.key"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class PortalServer:
    """The portal on loopback; it reads run.json for everything else."""

    name = "The portal"

    def __init__(self, folder: Path) -> None:
        self.log = folder / "portal.log"
        self.port = PORT
        self._keys = folder / "keys"
        self.process: Process | None = None
        self._socket: socket.socket | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take its port, or a free one where somebody else has it, while the block lasts.

        Taken once and handed to each process: a port that was only looked up may be gone by then,
        and while the portal starts again whoever calls waits instead of being turned away.
        """
        with _listening(self.port) as self._socket:
            self.port = self._socket.getsockname()[1]
            yield

    @property
    def address(self) -> str:
        """Where people find it."""
        return f"http://{HOST}:{self.port}"

    @property
    def mailbox(self) -> str:
        """Where the stack's mail is read; whoever has this address may."""
        return f"{self.address}/mailbox/open/{mailbox_key(self._keys)}"

    @property
    def settings(self) -> dict[str, str | int]:
        """What run.json says of it."""
        return {"portal_url": self.address, "portal_port": self.port}

    async def start(self, starting: Starting) -> None:
        """Start it while it is ``listening``, and wait until it answers. Raises StackError."""
        assert self._socket is not None  # noqa: S101
        taken = self._socket.fileno()
        command = [sys.executable, "-m", "portal", f"--listen-fd={taken}"]
        self.process = await starting(self.log, command, pass_fds=(taken,))
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self.process.returncode is None:
                    if await _answers(self.port):
                        return
                    await asyncio.sleep(0.05)
        raise StackError(f"The portal does not start; see {self.log}.")

    async def stop(self) -> None:
        """Let it finish what it answers, and end it."""
        if self.process is not None:
            await stopped(self.process, STOP_SECONDS)


def mailbox_key(keys: Path) -> str:
    """Return what opens the embedded mailbox in a browser: its prefix, then 43 characters."""
    secret = ensure_secret(keys / MAILBOX_KEY)
    return "apm_" + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def _listening(wanted: int) -> socket.socket:
    """Listen on *wanted* of loopback or, where somebody else does, on a free port."""
    try:
        return socket.create_server((HOST, wanted), backlog=BACKLOG)
    except OSError:
        return socket.create_server((HOST, 0), backlog=BACKLOG)


async def _answers(port: int) -> bool:
    """Ask whether it is alive, and wait a second for its answer."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(ALIVE)
        async with asyncio.timeout(1):
            return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except OSError:  # a TimeoutError is one too
        return False
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
