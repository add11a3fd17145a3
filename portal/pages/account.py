"""My account: how I am known here, and where I am signed in."""

from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import NotFoundError
from approvals.sign_in.commands import RevokeKey, fingerprint
from approvals.sign_in.record import KIND
from portal.auth import Posted
from portal.desk import AtDesk
from portal.families import Family, Pages, Process
from portal.render import page
from portal.tidying import tidying
from starter.times import now

pages = Pages()
WHY = "Ended by its person, in the portal."


@pages.page("/account")
async def account(request: Request, at: AtDesk) -> Response:
    """Show the person's facts and their live sign-ins, this browser's first."""
    moment = now()
    keys = [
        one
        for one in await at.inbox.keys(at.viewer.person.id)
        if one.revoked_at is None and moment < one.expires_at
    ]
    keys.sort(key=lambda one: (one.id != at.viewer.sign_in, -one.enrolled_at.timestamp()))
    return page(
        request,
        "account/account.html",
        sign_ins=[(one, fingerprint(one.public_key)) for one in keys],
        passkeys=await at.parts.passkeys.of(at.viewer.person.id),
    )


@pages.act("/account/sign-ins/{process}/end", on="/account")
async def end(request: Request, at: AtDesk, fields: Posted, process: UUID = Process) -> Response:
    """End one sign-in of the viewer's: its key signs nothing from now on."""
    mine = {one.id for one in await at.inbox.keys(at.viewer.person.id)}
    if process not in mine:
        raise NotFoundError
    desk = at.of_form(fields)
    gatehouse = await desk.gatehouse()
    await gatehouse.send(KIND, desk.signed(process, RevokeKey(reason=WHY)))
    with tidying("the browser of a revoked key"):
        await at.parts.sessions.end_key(at.viewer.person.id, process)
    return RedirectResponse("/account?done=ended", 303)


FAMILY = Family(pages)
