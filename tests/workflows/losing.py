"""What becomes of Temporal's server and its file: killed, lost."""

from pathlib import Path

from starter.temporal_server import TemporalServer


async def kill(server: TemporalServer) -> None:
    """End the server without a warning."""
    assert server.process is not None
    server.process.kill()
    await server.process.wait()


def lose(folder: Path) -> None:
    """Delete the server's database file and what lies beside it."""
    for file in folder.glob("temporal.db*"):
        file.unlink()
