"""The record of one process for the operators of the installation: each entry, and the verdict."""

from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from approvals.errors import NotFoundError
from approvals.facts import Needed
from approvals.people import PersonId, Role
from portal.auth import Viewer
from portal.desk import AtDesk
from portal.families import Entry, Family, Pages, Process, process_id
from portal.languages import N_
from portal.render import page
from starter.process_desk import name_shown

pages = Pages()


@pages.page("/audit")
async def ask(request: Request, at: AtDesk, process: str = "") -> Response:
    """Ask for the number of a process, and lead to its record."""
    _require_operator(at.viewer)
    if not process.strip():
        return page(request, "audit/ask.html", number="")
    try:
        wanted = process_id(process.strip().lower())
    except NotFoundError:
        said = at.viewer.speech.say(N_("That is not the number of a process."))
        wrong = {"process": said}
        return page(request, "audit/ask.html", status=422, number=process, wrong=wrong)
    return RedirectResponse(f"/audit/{wanted}", 303)


@pages.page("/audit/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show every entry of a process's chain, refusals included, and whether the chain holds."""
    _require_operator(at.viewer)
    entries = await at.trail.entries(process)
    if not entries:
        raise NotFoundError
    actors = tuple({PersonId(one.actor) for one in entries if one.actor is not None})
    directory = await at.inbox.directory(Needed(people=actors))
    return page(
        request,
        "audit/one.html",
        process=process,
        record=[(one, name_shown(one.actor, directory)) for one in entries],
        breaches=await at.trail.breaches_of(process),
    )


def _require_operator(viewer: Viewer) -> None:
    """Refuse everybody else as if there were nothing: who is mentioned here is not for them."""
    if not viewer.directory.holds(viewer.person.id, Role.OPERATOR, None):
        raise NotFoundError


FAMILY = Family(
    pages,
    entries=(Entry("/audit", N_("Audit"), lambda one: one.has(Role.OPERATOR)),),
)
