"""Who looks at a page: found by the cookie's hash, judged against the directory as of now."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from approvals.authority import RECENT
from approvals.errors import PasskeyNeededError, SignInAgedError
from approvals.facts import Needed
from approvals.people import Directory, Organization, Person, Role
from identity.signing import SigningKey
from portal import cookies, forms, keeping
from portal.forms import Fields, FormError, Place
from portal.languages import Speech, speech_of
from portal.parts import Parts
from portal.tidying import tidying
from starter.times import now
from store.inbox import Inbox
from store.portal_sessions import TOUCHED, PortalSession

SEALED_FOR = "gatehouse.portal.session.v1"
AGED = (SignInAgedError, PasskeyNeededError)  # the door wants to know again who it is
UNTYPED = {"form", "saw"}  # what a form says by itself
LIVE = "x-live"  # the header of the portal's own script: looking again by itself is no use


class SignInNeededError(Exception):
    """Nobody is signed in at this browser. *goal* is the page to come back to, if it was one.

    *is_kept* says that what was typed there waits for its person.
    """

    def __init__(self, goal: str | None, *, is_kept: bool = False) -> None:
        super().__init__()
        self.goal, self.is_kept = goal, is_kept


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
    viewer = await _viewer(request)
    if viewer is not None:
        await _touched(request, viewer.session)
    return viewer


async def idle(request: Request) -> Viewer | None:
    """Return who was signed in at this browser until they were idle for too long, or None.

    That lets nobody in: it is for keeping what they typed until they have signed in again.
    """
    return await _viewer(request, even_idle=True)


async def _viewer(request: Request, *, even_idle: bool = False) -> Viewer | None:
    parts: Parts = request.app.state.parts
    token = cookies.read(request, parts, cookies.SIGN_IN)
    if token is None:
        return None
    session = await parts.sessions.found(cookies.hashed(token), even_idle=even_idle)
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
    return Viewer(
        person=person,
        organization=organization,
        directory=directory,
        session=session,
        key=opened.key,
        speech=speech_of(person.locale, person.time_zone),
    )


async def _touched(request: Request, session: PortalSession) -> None:
    if _is_by_itself(request) or now() - session.seen_at < TOUCHED:
        return
    parts: Parts = request.app.state.parts
    with tidying("when a browser was used"):  # reading goes on where nothing can be written
        await parts.sessions.touch(session)


def _is_by_itself(request: Request) -> bool:
    """Whether a page asks without its person: that is no use of it, and nowhere to come back to."""
    return request.headers.get(LIVE) is not None or request.url.path.startswith("/live/")


async def signed_in(request: Request) -> Viewer:
    """Return who is signed in. Raises SignInNeededError."""
    viewer = await found(request)
    if viewer is None:
        raise await _sign_in_needed(request)
    request.state.viewer = viewer
    return viewer


async def _sign_in_needed(request: Request) -> SignInNeededError:
    """Remember a page that was asked for, and the form of somebody who was idle for too long."""
    if request.method in ("GET", "HEAD"):
        return SignInNeededError(None if _is_by_itself(request) else request.url.path)
    place: Place | None = request.app.state.places.get(request.scope["route"].path)
    viewer = None if place is None else await idle(request)
    if place is None or viewer is None:
        return SignInNeededError(None)
    try:
        fields = await _own(request, viewer.session.token_hash)
    except FormError:
        return SignInNeededError(None)
    page = place.page.format(**{name: quote(one) for name, one in request.path_params.items()})
    typed = {name: said for name, said in fields.typed.items() if name not in place.out}
    typed["form"] = [place.form.format(**request.path_params)]
    needed = SignInNeededError(page)
    with tidying("what was typed before the sign-in"):
        await keeping.keep(request.app.state.parts, viewer.session, page, typed)
        needed.is_kept = bool(typed.keys() - UNTYPED)
    return needed


SignedIn = Annotated[Viewer, Depends(signed_in)]


async def _own(request: Request, who: str) -> Fields:
    """Return a form from a page that was shown to *who*, the hash of a sign-in or guest."""
    fields = await forms.fields_of(request)
    route = request.scope["route"].path
    forms.require_own(request, request.app.state.parts, fields, who, route)
    return fields


async def _posted(request: Request, viewer: SignedIn) -> Fields:
    return await _own(request, viewer.session.token_hash)


async def _posted_by_guest(request: Request) -> Fields:
    guest = cookies.read(request, request.app.state.parts, cookies.GUEST)
    who = cookies.fresh_token() if guest is None else guest  # no mark fits whoever has none
    return await _own(request, cookies.hashed(who))


Posted = Annotated[Fields, Depends(_posted)]  # the form of a signed-in person
PostedByGuest = Annotated[Fields, Depends(_posted_by_guest)]  # of somebody who signs in
