"""Who looks at a page: found by the cookie's hash, judged against the directory as of now."""

import base64
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from approvals.authority import RECENT
from approvals.errors import PasskeyNeededError, SignInAgedError
from approvals.facts import Needed
from approvals.people import Directory, Organization, Person, Role
from identity.signing import SigningKey
from portal import cookies, forms
from portal.forms import Fields, FormError
from portal.languages import Speech, speech_of
from portal.parts import Parts
from starter.times import now
from store.inbox import Inbox
from store.portal_sessions import TOUCHED, PortalSession

log = logging.getLogger(__name__)
SEALED_FOR = "gatehouse.portal.session.v1"
AGED = (SignInAgedError, PasskeyNeededError)  # the door wants to know again who it is
LIVE = "x-live"  # the header of the portal's own script: looking again by itself is no use


class SignInNeededError(Exception):
    """Nobody is signed in at this browser. *goal* is the page to come back to, if it was one."""

    def __init__(self, goal: str | None) -> None:
        super().__init__()
        self.goal = goal


class SignInAgainError(Exception):
    """A decision needs a sign-in that is not old; what was typed is kept meanwhile."""

    def __init__(self, goal: str) -> None:
        super().__init__()
        self.goal = goal


@dataclass(frozen=True)
class Held:
    """What is sealed in a browser's row: its key, and for whose address it was made."""

    key: SigningKey
    email: str

    def sealed(self, parts: Parts) -> str:
        """Return it as the row keeps it."""
        said = {"key": base64.b64encode(self.key.raw).decode(), "email": self.email}
        return parts.keys.sealer.sealed(json.dumps(said), SEALED_FOR)


def held(parts: Parts, session: PortalSession) -> Held | None:
    """Open what a row keeps; None where the portal's key is another one now."""
    text = parts.keys.sealer.opened(session.sealed, SEALED_FOR)
    if text is None:
        return None
    said = json.loads(text)
    return Held(SigningKey.of(base64.b64decode(said["key"])), said["email"])


@dataclass(frozen=True)
class Viewer:
    """The signed-in person of this browser, as the directory has them now."""

    person: Person
    organization: Organization
    directory: Directory
    session: PortalSession
    key: SigningKey
    speech: Speech

    @property
    def sign_in(self) -> UUID:
        """The id of the sign-in, and of its key."""
        return self.session.sign_in

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.speech.zone_name)

    def has(self, *roles: Role) -> bool:
        """Whether they hold one of these roles, wherever."""
        return any(
            one.role in roles and one.person == self.person.id for one in self.directory.roles
        )

    def is_recent(self, moment: datetime) -> bool:
        """Whether they may decide without showing anew who they are; the door judges it again."""
        since, is_by_passkey = self.session.authenticated_at, self.session.passkey is not None
        if self.session.has_passkeys and not is_by_passkey:
            return False
        return since is not None and moment - since < RECENT


async def found(request: Request) -> Viewer | None:
    """Return who is signed in at this browser, or None."""
    parts: Parts = request.app.state.parts
    token = cookies.read(request, parts, cookies.SIGN_IN)
    session = None if token is None else await parts.sessions.found(cookies.hashed(token))
    if session is None or session.person is None:
        return None
    opened = held(parts, session)
    directory = await Inbox(parts.engines).directory(Needed(people=(session.person,)))
    person = directory.person(session.person)
    if opened is None or person is None or not directory.is_live(person.id):
        return None
    organization = directory.organization(person.organization)
    if organization is None:
        return None
    await _touched(request, parts, session)
    return Viewer(
        person=person,
        organization=organization,
        directory=directory,
        session=session,
        key=opened.key,
        speech=speech_of(person.locale, person.time_zone),
    )


async def _touched(request: Request, parts: Parts, session: PortalSession) -> None:
    is_by_itself = request.headers.get(LIVE) is not None or request.url.path.startswith("/live/")
    if is_by_itself or now() - session.seen_at < TOUCHED:
        return
    try:
        await parts.sessions.touch(session)
    except (SQLAlchemyError, OSError) as trouble:  # reading goes on where nothing can be written
        log.warning("a sign-in cannot be touched: %s", type(trouble).__name__)


async def signed_in(request: Request) -> Viewer:
    """Return who is signed in. Raises SignInNeededError."""
    viewer = await found(request)
    if viewer is None:
        is_page = request.method in ("GET", "HEAD")
        raise SignInNeededError(request.url.path if is_page else None)
    request.state.viewer = viewer
    return viewer


SignedIn = Annotated[Viewer, Depends(signed_in)]


async def _posted(request: Request, viewer: SignedIn) -> Fields:
    parts: Parts = request.app.state.parts
    fields = await forms.fields_of(request)
    route = request.scope["route"].path
    forms.require_own(request, parts, fields, viewer.session.token_hash, route)
    return fields


async def _posted_by_guest(request: Request) -> Fields:
    parts: Parts = request.app.state.parts
    fields = await forms.fields_of(request)
    guest = cookies.read(request, parts, cookies.GUEST)
    if guest is None:
        raise FormError(403)
    route = request.scope["route"].path
    forms.require_own(request, parts, fields, cookies.hashed(guest), route)
    return fields


Posted = Annotated[Fields, Depends(_posted)]  # the form of a signed-in person
PostedByGuest = Annotated[Fields, Depends(_posted_by_guest)]  # of somebody who signs in
