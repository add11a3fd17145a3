"""The reference platform as a part of the embedded stack: a customer platform to onboard on."""

import asyncio
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

from examples.reference_platform.pbxs import PBXS
from identity.files import write_secret
from starter.children import Starting, stopped
from starter.temporal_server import StackError, free_port

ACCOUNT = "reference-platform"  # the file that holds our account's secret
HOST, START_SECONDS, STOP_SECONDS = "127.0.0.1", 20.0, 5.0


class ReferencePlatform:
    """One reference platform with its own database, below *folder*. It survives a stop.

    The worker finds our account's secret, and those of the platform's PBXs, in *secrets*.
    """

    name = "The reference platform"

    def __init__(self, folder: Path, secrets: Path) -> None:
        self.log = folder / "platform.log"
        self.port = free_port()
        self._folder, self._secrets = folder, secrets
        self.process: Process | None = None

    @property
    def address(self) -> str:
        """Where the platform listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """What the worker must know of it."""
        return {"platform_url": self.address, "platform_client_secret": f"file:{ACCOUNT}"}

    async def start(self, starting: Starting) -> None:
        """Start it and wait until it answers. Raises StackError."""
        self._secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, secret in pbx_secrets().items():
            write_secret(self._secrets / name, secret.encode())
        command = [
            sys.executable, "-m", "examples.reference_platform",
            "--port", str(self.port),
            "--file", str(self._folder / "platform.db"),
            "--client-secret-file", str(self._secrets / ACCOUNT),
        ]  # fmt: skip
        self.process = await starting(self.log, command)
        with suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self.process.returncode is None:
                    if await _answers(self.port):
                        return
                    await asyncio.sleep(0.05)
        raise StackError(f"The reference platform does not start; see {self.log}.")

    async def stop(self) -> None:
        """Stop it; what it knows is in its file."""
        if self.process is not None:
            await stopped(self.process, STOP_SECONDS)


def pbx_secrets() -> dict[str, str]:
    """Return the secrets of the platform's example PBXs by the names that references use.

    The one of pbx.admiral-benbow.example.com is `file:admiral-benbow`.
    """
    return {host.split(".")[1]: pbx.secret for host, pbx in PBXS.items()}


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
