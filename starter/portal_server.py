"""The portal as a part of the embedded stack: a process of its own, and where it is found."""

import asyncio
import base64
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

from identity.files import ensure_secret
from starter.children import Starting, stopped
from starter.temporal_server import StackError, free_port

HOST, PORT = "127.0.0.1", 8090
START_SECONDS, STOP_SECONDS = 30.0, 15.0
PORTAL_KEY, PORTAL_PUBLIC_KEY, MAILBOX_KEY = "portal.key", "portal.pub", "mailbox.key"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class PortalServer:
    """The portal on loopback; it reads run.json for everything else."""

    name = "The portal"

    def __init__(self, folder: Path) -> None:
        self.log = folder / "portal.log"
        self.port = free_port(PORT)
        self._keys = folder / "keys"
        self.process: Process | None = None

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
        """Start it and wait until it answers. Raises StackError."""
        self.process = await starting(self.log, [sys.executable, "-m", "portal"])
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


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        writer.write(ALIVE)
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
