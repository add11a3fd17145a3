"""What the onboarding commands do: judge, send, and show an onboarding while it goes on."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from approvals.facts import Kin, Needed
from approvals.instants import say_instant
from approvals.onboarding.commands import Start
from approvals.onboarding.record import Onboarding, Step, process_id_of
from approvals.onboarding.rules import RULES
from approvals.onboarding.views import OnboardingView, StepView, onboarding_view
from approvals.texts import inert
from starter.console import aside, print_facts, print_table, status
from starter.desk import Desk
from starter.process_desk import ProcessDesk
from starter.showing import PAUSE

WORDS = {
    Step.CREATE_CUSTOMER: "Create the customer on the platform",
    Step.IMPORT: "Import the users of the PBX",
    Step.ENSURE_ADMINS: "Make the admins",
    Step.ADD_ROLES: "Give the other roles",
    Step.ENTER_DIRECTORY: "Enter the directory",
    Step.UNDO_USERS: "Take back users and roles",
    Step.UNDO_CUSTOMER: "Delete the customer from the platform",
}
MARKS = {"done": "✓", "now": "→", "parked": "!", "open": "·"}


class OnboardingDesk(ProcessDesk):
    """The onboarding commands of one person at a desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    async def viewed(self, process: UUID) -> tuple[Onboarding, OnboardingView]:
        """Return an onboarding that the viewer may see. Raises NotFoundError."""
        state, directory = await self.seen(process)
        return state, onboarding_view(state, directory)

    async def listed(
        self, statuses: Sequence[str], limit: int, after: UUID | None = None
    ) -> list[OnboardingView]:
        """Return the onboardings that the viewer has a part in, newest first."""
        found = await self.desk.onboardings.listed(self.viewer, statuses, limit, after)
        views = []
        for state in found:
            directory = await self.directory(self.kind.needed(state, None))
            views.append(onboarding_view(state, directory))
        return views

    async def drafted(self, start: Start) -> OnboardingView:
        """Return what a form would begin. Raises the refusal of the door."""
        process = process_id_of(start.batch, start.customer)
        after = (await self.judged(process, start)).after
        assert isinstance(after, Onboarding)  # noqa: S101
        return onboarding_view(after, await self.directory(self.kind.needed(after, None)))

    async def kin(self, needed: Needed) -> Kin:
        """Return which onboarding of the same slug is not over."""
        return Kin(open=await self.desk.onboardings.open_of(needed.subject or ""))

    async def start(self, start: Start, *, wait: bool) -> UUID:
        """Send a form and return the process's id. Raises the refusal or UnreachableError."""
        process = process_id_of(start.batch, start.customer)
        await self.give(process, start, wait=wait)
        return process


async def followed(onboardings: OnboardingDesk, process: UUID) -> OnboardingView:
    """Show the steps while they happen, until it is over or parked; return how it stands then."""
    zone = await onboardings.zone()
    with _display(zone) as display:
        while True:
            _, view = await onboardings.viewed(process)
            display.show(view)
            if view.closed_at is not None or view.status == "parked":
                return view
            await asyncio.sleep(PAUSE)


class _Lines:
    """Writes each change of a step on a line of its own, where nobody sits at a terminal."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._seen: set[tuple[str, ...]] = set()

    def show(self, view: OnboardingView) -> None:
        """Write what is new."""
        for one in view.steps:
            mark = (one.step, one.progress, one.detail)
            if one.progress != "open" and mark not in self._seen:
                self._seen.add(mark)
                status(step_text(one))
        if view.trouble is not None and (view.trouble,) not in self._seen:
            self._seen.add((view.trouble,))
            status(trouble_text(view, self._zone))


class _Screen:
    """Draws the steps in place."""

    def __init__(self, live: Live, zone: ZoneInfo) -> None:
        self._live, self._zone = live, zone

    def show(self, view: OnboardingView) -> None:
        """Draw how it stands."""
        grid = Table.grid()
        for one in view.steps:
            grid.add_row(escape(inert(step_text(one))))
        if view.trouble is not None:
            grid.add_row(escape(inert(trouble_text(view, self._zone))))
        self._live.update(grid, refresh=True)


@contextmanager
def _display(zone: ZoneInfo) -> Iterator[_Lines | _Screen]:
    if not aside.is_terminal:
        yield _Lines(zone)
        return
    with Live(console=aside, auto_refresh=False) as live:
        yield _Screen(live, zone)


def step_text(one: StepView) -> str:
    """Return one step as a line: its mark, its words, and how far it is."""
    detail = f" ({one.detail})" if one.detail else ""
    return f"{MARKS[one.progress]} {WORDS[one.step]}{detail}"


def trouble_text(view: OnboardingView, zone: ZoneInfo) -> str:
    """Say what keeps an onboarding waiting, and until when it will."""
    until = "" if view.parks_at is None else f" It parks at {say_instant(view.parks_at, zone)}."
    return f"  {view.trouble} Trying again.{until}"


def print_list(views: Sequence[OnboardingView], zone: ZoneInfo) -> None:
    """Print a list of onboardings."""
    print_table(
        ["ID", "STATUS", "CUSTOMER", "STEP", "STARTED"],
        [
            [
                str(one.id),
                one.status,
                f"{one.name} ({one.customer})",
                next((step_text(s) for s in one.steps if s.progress in ("now", "parked")), ""),
                say_instant(one.started_at, zone),
            ]
            for one in views
        ],
    )


def print_draft(view: OnboardingView) -> None:
    """Print what a form would begin."""
    rows = [
        ("Customer", f"{view.name} ({view.customer})"),
        ("Reference", view.reference),
        ("Vendor", view.vendor),
        ("To switch it on", view.switch_on_for and f"the admins of {view.switch_on_for} are asked"),
    ]
    print_facts(rows)
    print_table(
        None, [[f"{number}. {WORDS[one.step]}"] for number, one in enumerate(view.steps, 1)]
    )
    _print_users(view)


def print_view(view: OnboardingView, zone: ZoneInfo) -> None:
    """Print one onboarding in full."""
    since = view.trouble_since
    trouble = f"{view.trouble} (since {say_instant(since, zone)})" if since is not None else None
    rows = [
        ("Onboarding", str(view.id)),
        ("Status", view.status),
        ("Why", view.reason),
        ("Customer", f"{view.name} ({view.customer})"),
        ("Reference", view.reference),
        ("Platform's id", None if view.platform_id is None else str(view.platform_id)),
        ("Vendor", view.vendor),
        ("To switch it on", view.switch_on_for and f"the admins of {view.switch_on_for} are asked"),
        ("Started", f"{say_instant(view.started_at, zone)}, by {view.operator}"),
        ("Ended", None if view.closed_at is None else say_instant(view.closed_at, zone)),
        ("Trouble", trouble),
        ("Parks", None if view.parks_at is None else say_instant(view.parks_at, zone)),
    ]
    print_facts(rows)
    print_table(None, [[step_text(one)] for one in view.steps])
    _print_users(view)
    for warning in view.warnings:
        status(f"Note: {warning}")


def _print_users(view: OnboardingView) -> None:
    print_table(
        ["USER", "NAME", "ROLES", "DONE"],
        [
            [one.email, one.name, ", ".join(one.roles), "yes" if one.is_done else "no"]
            for one in view.users
        ],
    )
