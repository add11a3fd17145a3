"""Real child processes of a test, none of which outlives it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import URL
from temporalio.client import Client

from starter.temporal_server import temporal_binary

ROOT = Path(__file__).parents[2]


def environment(home: Path, database: URL, client: Client, smtp_port: int) -> dict[str, str]:
    """Return the environment of a worker of this database and namespace, and of no other."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "GATEHOUSE_HOME": str(home),
        "GATEHOUSE_KEYS_DIR": str(home / "keys"),
        "GATEHOUSE_DATABASE_URL": database.render_as_string(hide_password=False),
        "GATEHOUSE_SMTP_HOST": "127.0.0.1",
        "GATEHOUSE_SMTP_PORT": str(smtp_port),
        "GATEHOUSE_SMTP_SECURITY": "none",
        "TEMPORAL_ADDRESS": client.service_client.config.target_host,
        "TEMPORAL_NAMESPACE": client.namespace,
    }


async def signalled(client: Client, workflow: str, name: str, text: str) -> None:
    """Send a signal with the plain `temporal` program, as anybody may."""
    arguments = ["workflow", "signal", "--workflow-id", workflow, "--name", name, "--input", text]
    where = ["--address", client.service_client.config.target_host, "--namespace", client.namespace]
    program = await asyncio.create_subprocess_exec(
        temporal_binary(), *arguments, *where, stdout=asyncio.subprocess.DEVNULL
    )
    assert await program.wait() == 0


@asynccontextmanager
async def running(
    script: str, variables: dict[str, str], log: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a script of the repository while the block lasts; stop it as an orchestrator would.

    What it writes is added to *log*, if there is one.
    """
    with (log or Path(os.devnull)).open("ab") as told:
        program = await asyncio.create_subprocess_exec(
            sys.executable, script, env=variables, cwd=ROOT, stderr=told, stdout=told
        )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(program.wait(), 20)
            except TimeoutError:
                program.kill()
        await program.wait()
