"""Onboardings: the list, one with its steps and progress, and what its operators do with it."""

from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.onboarding.commands import Abandon, Retry
from approvals.onboarding.record import Onboarding, Status
from approvals.people import Directory, Role
from portal import pulses
from portal.acts import Act, Sheet, kept, opened, route
from portal.desk import AtDesk, PortalDesk
from portal.families import Entry, Family, Pages, Process
from portal.languages import N_
from portal.lists import PAGE, Wanted, cut, last
from portal.render import page
from starter.onboardings import OnboardingDesk

pages = Pages()
TOLD = {
    "start": N_("The onboarding has begun. Its steps appear here while they happen."),
    "retry": N_("It goes on, from the step that failed."),
    "abandon": N_("What was made on the platform is taken back, in the opposite order."),
}
ACTS = {"retry": Act(Retry), "abandon": Act(Abandon, texts=("reason",))}
STEPS = {
    "create_customer": N_("Create the customer on the platform"),
    "import": N_("Import the users of the PBX"),
    "ensure_admins": N_("Make the admins"),
    "add_roles": N_("Give the other roles"),
    "enter_directory": N_("Enter the directory"),
    "undo_users": N_("Take back users and roles"),
    "undo_customer": N_("Delete the customer from the platform"),
}
PROGRESS = {
    "done": N_("done"),
    "now": N_("going on"),
    "parked": N_("parked"),
    "open": N_("still to do"),
}
OPERATORS = (Role.ONBOARDING_OPERATOR, Role.OPERATOR)


@pages.page("/onboardings")
async def listed(request: Request, at: AtDesk, status: str = "", after: str = "") -> Response:
    """List the onboardings that the viewer started or looks after."""
    wanted = Wanted(Status, status, after)
    views, end = cut(await OnboardingDesk(at).listed(wanted.statuses, PAGE + 1, last(after)))
    return page(
        request,
        "onboardings/list.html",
        views=views,
        **wanted.shown(None if end is None else end.id),
        steps=STEPS,
        may_start=at.viewer.has(*OPERATORS),
        live="onboardings",
    )


@pages.page("/onboardings/{process}")
async def show(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show one onboarding with its steps."""
    return await onboarding_page(request, at, process, **kept(request, at))


async def _sheet(request: Request, at: PortalDesk, process: UUID) -> Sheet:
    await OnboardingDesk(at).viewed(process)
    show = partial(onboarding_page, request, at, process)
    return Sheet(f"/onboardings/{process}", show, OnboardingDesk)


route(pages, "onboardings", ACTS, _sheet)


async def onboarding_page(
    request: Request, at: PortalDesk, process: UUID, *, status: int = 200, **facts: Any
) -> Response:
    """Render one onboarding. *facts* are what a form that was not taken adds."""
    desk = OnboardingDesk(at)
    _, view = await desk.viewed(process)
    state, directory = await desk.seen(process)
    shown = {
        **opened(request, at, TOLD),
        "view": view,
        "steps": STEPS,
        "progress": PROGRESS,
        "timeline": await desk.timeline(process),
        "acts": _acts(state, at, directory),
        "live": f"onboarding/{process}",
    }
    return page(request, "onboardings/one.html", status=status, **{**shown, **facts})


def _acts(state: Onboarding, at: PortalDesk, directory: Directory) -> frozenset[str]:
    """Return what may be offered to the viewer; the door judges it again, with all its rules."""
    me = at.viewer.person.id
    is_deputy = me == state.operator and directory.holds(me, Role.OPERATOR, None)
    if not (is_deputy or directory.holds(me, Role.ONBOARDING_OPERATOR, state.vendor)):
        return frozenset()
    found = {"retry"} if state.status is Status.PARKED else set()
    if state.status in (Status.RUNNING, Status.PARKED) and not state.is_abandoning:
        found |= {"abandon"}
    return frozenset(found)


async def _pulse_of_list(at: PortalDesk, _key: str) -> str:
    found = await OnboardingDesk(at).listed([], PAGE)
    return " ".join(
        f"{one.id}.{[step.progress for step in one.steps]}{one.status}" for one in found
    )


FAMILY = Family(
    pages,
    entries=(
        Entry("/onboardings", N_("Onboardings"), lambda one: one.has(Role.ONBOARDING_OPERATOR)),
    ),
    pulses={"onboarding": pulses.of_process(OnboardingDesk), "onboardings": _pulse_of_list},
)
