"""Where a sign-in leads: to the page that was asked for, to terms that wait, or to my tenants."""

from fastapi import Request

from portal import cookies
from portal.auth import Viewer
from portal.parts import Parts
from portal.tidying import tidying
from store.waiting import Waiting

HOME = "/"


async def landing(request: Request, parts: Parts, token: str, before: Viewer | None) -> str:
    """Return the path for the browser of *token*, which has just signed in.

    Admins of a customer whose terms nobody has accepted are led there, once: not when they
    asked for a page, nor when they only confirmed that it is still them (*before*).
    """
    goal = cookies.goal(request, parts) or HOME
    if goal != HOME or before is not None:  # whoever opens the portal asks for HOME
        return goal
    terms = None
    with tidying("the way to terms that wait"):
        session = await parts.sessions.found(cookies.hashed(token))
        if session is not None and session.person is not None:
            terms = await Waiting(parts.engines).terms(session.person)
    return HOME if terms is None else f"/customers/{terms}/terms"
