"""Where a session lands: business units to configure, employees to support."""

import hashlib
import secrets
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Cookie, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from examples.reference_platform.assertions import BadAssertion, PublishedKeys, Visit, verified
from examples.reference_platform.platform import CurrentPlatform, Platform

COOKIE = "reference-platform-visit"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
}
routes = APIRouter(tags=["Landing pages"])
templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)


@routes.post("/land", summary="Open a tenant with a session assertion", response_class=Response)
async def enter(
    request: Request, platform: CurrentPlatform, assertion: Annotated[str, Form(max_length=4096)]
) -> Response:
    """Check the assertion, remember the visit in a cookie, and show the page of its mode."""
    keys: PublishedKeys | None = request.app.state.keys
    issuer = platform.settings.issuer
    try:
        if keys is None or issuer is None:
            raise BadAssertion("This platform accepts no sessions: it was given no keys.")
        now = datetime.fromtimestamp(platform.database.now(), UTC)
        visit = await verified(assertion, keys, issuer, now)
        with platform.transaction() as db:
            if _tenant_name(db, platform, visit.tenant) is None:
                raise BadAssertion("This session is for another platform's tenant.")
            cookie = _remembered(db, visit, platform.database.now())
    except BadAssertion as reason:
        return page("refused.html", 401, reason=str(reason))
    answer = RedirectResponse(f"/land?mode={visit.mode}", 303, headers=HEADERS)
    answer.set_cookie(COOKIE, cookie, path="/land", httponly=True, samesite="lax")
    return answer


@routes.get("/land", summary="The page of an open visit", response_class=HTMLResponse)
async def show(
    platform: CurrentPlatform,
    mode: Annotated[str, Query(pattern="^(configure|support)$")],
    visit: Annotated[str, Cookie(alias=COOKIE)] = "",
) -> Response:
    """Show who acts as whom, until when, and the business units or employees."""
    with platform.transaction() as db:
        row = db.execute("SELECT * FROM visit WHERE digest = ?", (_digest(visit),)).fetchone()
        name = row and _tenant_name(db, platform, UUID(row["tenant"]))
        if not name or row["ends_at"] <= platform.database.now():
            return page("refused.html", 401, reason="This session has ended.")
        if row["mode"] != mode:
            reason = f"This session is for {row['mode']}, not for {mode}."
            return page("refused.html", 401, reason=reason)
        people = db.execute(
            "SELECT name, email, unit FROM user WHERE customer = ? ORDER BY name",
            (row["tenant"],),
        ).fetchall()
    units = sorted({one["unit"] for one in people if one["unit"]})
    until = datetime.fromtimestamp(row["ends_at"], UTC)
    facts = {"tenant": name, "person": row["person"], "until": until, "mode": mode}
    return page("landing.html", 200, **facts, units=units, people=people)


def _tenant_name(db: sqlite3.Connection, platform: Platform, tenant: UUID) -> str | None:
    row = db.execute(
        "SELECT name FROM customer WHERE id = ? AND deleted_at IS NULL", (str(tenant),)
    ).fetchone()
    return row["name"] if row else platform.settings.tenants.get(tenant)


def _remembered(db: sqlite3.Connection, visit: Visit, now: float) -> str:
    cookie = secrets.token_urlsafe(32)
    db.execute("DELETE FROM visit WHERE ends_at <= ?", (now,))
    db.execute(
        "INSERT INTO visit (digest, tenant, person, mode, ends_at) VALUES (?, ?, ?, ?, ?)",
        (
            _digest(cookie),
            str(visit.tenant),
            visit.person,
            visit.mode,
            visit.ends_at.timestamp(),
        ),
    )
    return cookie


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def page(template: str, status: int, **facts: Any) -> HTMLResponse:
    """Render one of the platform's pages."""
    html = templates.get_template(template).render(**facts)
    return HTMLResponse(html, status, headers=HEADERS)
