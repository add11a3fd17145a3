"""Runs the platform: python -m examples.reference_platform --port 0 --file platform.db."""

import argparse
import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from examples.reference_platform.app import create_app
from examples.reference_platform.platform import Settings
from examples.reference_platform.server import HOST, listening, server_of


def main(arguments: list[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM. The first line on stdout is the platform's address."""
    given = _parser().parse_args(arguments)
    try:
        settings = _settings(given)
        own = listening(given.port)
    except (OSError, ValueError) as trouble:
        sys.stderr.write(f"The reference platform cannot start: {trouble}\n")
        return 2
    sys.stdout.write(f"http://{HOST}:{own.getsockname()[1]}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        server_of(create_app(settings)).run(sockets=[own])
    return 0


def client_secret(file: Path) -> str:
    """Return the API client's secret from *file*, drawing it first if there is none yet.

    Raises ValueError when others can read it or it is empty.
    """
    with suppress(FileExistsError):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(secrets.token_urlsafe(32))
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError(f"{file} is open to others. Run: chmod 600 {file}")
    secret = file.read_text(encoding="utf-8").strip()
    if not secret:
        raise ValueError(f"{file} is empty. Remove it, and a new secret is drawn.")
    return secret


def _settings(given: argparse.Namespace) -> Settings:
    given.file.parent.mkdir(parents=True, exist_ok=True)
    secret_file = given.client_secret_file or given.file.with_suffix(".client-secret")
    return Settings(
        file=given.file,
        client_id=given.client_id,
        client_secret=client_secret(secret_file),
        token_seconds=given.token_seconds,
        import_seconds=given.import_seconds,
        jwks=given.jwks,
        issuer=given.issuer,
        tenants=dict(given.tenant),
        has_faults=given.faults,
    )


def _tenant(text: str) -> tuple[UUID, str]:
    one, _, name = text.partition("=")
    return UUID(one), name or one


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.reference_platform",
        description="A customer platform for demonstrations. It listens on this machine only.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 picks a free port (the default)")
    add("--file", type=Path, default=Path("platform.db"), help="the platform's SQLite file")
    add("--client-id", default="gatehouse", help="the API client's name")
    add("--client-secret-file", type=Path, help="made if missing; default: beside --file")
    add("--token-seconds", type=int, default=300, help="how long an access token lasts")
    add("--import-seconds", type=float, default=3.0, help="how long a PBX import takes")
    add("--jwks", help="URL or file of the keys that sign session assertions")
    add("--issuer", help="who makes the session assertions")
    add(
        "--tenant",
        type=_tenant,
        action="append",
        default=[],
        metavar="UUID=NAME",
        help="a tenant that sessions may open, besides the customers created here; repeatable",
    )
    add("--faults", action="store_true", help="offer /faults, which lets calls go wrong")
    return parser


if __name__ == "__main__":
    sys.exit(main())
