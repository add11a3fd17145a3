"""What all routes share: the settings, the file, and the tokens' and imports' turn."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from examples.reference_platform import pbxs
from examples.reference_platform.database import Clock, Database, utc_now


@dataclass(frozen=True)
class Settings:
    """How this platform is run. Durations are seconds.

    *jwks* is the URL or file of the keys whose session assertions count, *issuer* who makes them.
    *tenants* are names of tenants that may be opened besides the customers created here.
    """

    file: Path
    client_secret: str = field(repr=False)
    client_id: str = "gatehouse"
    token_seconds: int = 300
    refresh_seconds: int = 86_400
    import_seconds: float = pbxs.IMPORT_SECONDS
    jwks: str | None = None
    issuer: str | None = None
    tenants: dict[UUID, str] = field(default_factory=dict)
    has_faults: bool = False
    clock: Clock = utc_now


class Platform:
    """One running platform."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.file, settings.clock)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Begin with the users whose import is due, so that everybody sees them."""
        with self.database.transaction() as db:
            pbxs.take_in(db, self.database.now(), self.settings.import_seconds)
            yield db


def platform_of(request: Request) -> Platform:
    """Return the platform that answers this request."""
    platform: Platform = request.app.state.platform
    return platform


CurrentPlatform = Annotated[Platform, Depends(platform_of)]
