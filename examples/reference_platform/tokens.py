"""OAuth 2 for the API's clients (RFC 6749, 6750): short access tokens, refresh tokens used once."""

import hashlib
import secrets
import sqlite3
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse
from fastapi.security import (
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
)

from examples.reference_platform.platform import CurrentPlatform, Platform
from examples.reference_platform.problems import Problem

routes = APIRouter(tags=["OAuth 2"])
_basic = HTTPBasic(auto_error=False)
_bearer = HTTPBearer(auto_error=False)


@routes.post("/oauth/token", summary="Get or refresh an access token")
async def token(
    platform: CurrentPlatform,
    grant_type: Annotated[str, Form()],
    basic: Annotated[HTTPBasicCredentials | None, Depends(_basic)],
    client_id: Annotated[str, Form()] = "",
    client_secret: Annotated[str, Form()] = "",
    refresh_token: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Grants: client_credentials and refresh_token; the client names itself by Basic or form."""
    name, secret = (basic.username, basic.password) if basic else (client_id, client_secret)
    if not _is_client(platform, name, secret):
        return _refusal("invalid_client", 401)
    with platform.database.transaction() as db:
        db.execute("DELETE FROM token WHERE expires_at <= ?", (platform.database.now(),))
        match grant_type:
            case "client_credentials":
                return _issued(db, platform)
            case "refresh_token" if _used_up(db, refresh_token):
                return _issued(db, platform)
            case "refresh_token":
                return _refusal("invalid_grant")
            case _:
                return _refusal("unsupported_grant_type")


async def require_client(
    request: Request,
    platform: CurrentPlatform,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """Refuse whoever has no access token that counts now."""
    if bearer is None:
        raise _unauthorised("token_missing", "Send an access token.", "Bearer")
    with platform.database.transaction() as db:
        row = db.execute(
            "SELECT expires_at FROM token WHERE digest = ? AND kind = 'access'",
            (_digest(bearer.credentials),),
        ).fetchone()
    if row is None or row["expires_at"] <= platform.database.now():
        raise _unauthorised(
            "token_expired",
            "The access token has expired or is unknown.",
            'Bearer error="invalid_token"',
        )


def expire_all(platform: Platform) -> None:
    """End every token, as after a restart of an authorization server."""
    with platform.database.transaction() as db:
        db.execute("DELETE FROM token")


def _is_client(platform: Platform, name: str, secret: str) -> bool:
    wanted = platform.settings
    same_name = secrets.compare_digest(name.encode(), wanted.client_id.encode())
    same_secret = secrets.compare_digest(secret.encode(), wanted.client_secret.encode())
    return same_name and same_secret


def _issued(db: sqlite3.Connection, platform: Platform) -> JSONResponse:
    access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    now, settings = platform.database.now(), platform.settings
    db.executemany(
        "INSERT INTO token (digest, kind, expires_at) VALUES (?, ?, ?)",
        [
            (_digest(access), "access", now + settings.token_seconds),
            (_digest(refresh), "refresh", now + settings.refresh_seconds),
        ],
    )
    body = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": settings.token_seconds,
        "refresh_token": refresh,
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _used_up(db: sqlite3.Connection, refresh_token: str) -> bool:
    """Take a refresh token out of use; whether it counted until now."""
    deleted = db.execute(
        "DELETE FROM token WHERE digest = ? AND kind = 'refresh'", (_digest(refresh_token),)
    )
    return deleted.rowcount == 1


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _refusal(error: str, status: int = 400) -> JSONResponse:
    """Return an error of RFC 6749, section 5.2, which has a form of its own."""
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="reference platform"'
    return JSONResponse({"error": error}, status, headers=headers)


def _unauthorised(code: str, detail: str, challenge: str) -> Problem:
    return Problem(401, code, detail, headers={"WWW-Authenticate": challenge})
