"""How an onboarding looks to its operators: its steps, each with its progress, and its people."""

from datetime import datetime
from uuid import UUID

from approvals.onboarding.record import Account, Onboarding, Step
from approvals.onboarding.warnings import warnings_of
from approvals.people import Directory
from approvals.records import Record

FORWARD = (
    Step.CREATE_CUSTOMER,
    Step.IMPORT,
    Step.ENSURE_ADMINS,
    Step.ADD_ROLES,
    Step.ENTER_DIRECTORY,
)
BACKWARD = (Step.UNDO_USERS, Step.UNDO_CUSTOMER)


class StepView(Record):
    """One step. *progress* is ``done``, ``now``, ``parked`` or ``open``; *detail* says how far."""

    step: Step
    progress: str
    detail: str = ""


class UserView(Record):
    """One named user, the roles that they get, and whether they have them."""

    email: str
    name: str
    is_admin: bool
    roles: tuple[str, ...]
    is_done: bool


class OnboardingView(Record):
    """One onboarding. *platform_id* is the platform's own tenant id; *parks_at* ends patience."""

    id: UUID
    status: str
    customer: str
    name: str
    reference: str
    vendor: str
    operator: str
    switch_on_for: str | None
    platform_id: UUID | None
    steps: tuple[StepView, ...]
    users: tuple[UserView, ...]
    trouble: str | None
    trouble_since: datetime | None
    parks_at: datetime | None
    reason: str | None
    warnings: tuple[str, ...]
    started_at: datetime
    closed_at: datetime | None


def onboarding_view(state: Onboarding, directory: Directory) -> OnboardingView:
    """Return all of an onboarding; authority.may_see has judged who may look at it."""
    vendor, partner = directory.organization(state.vendor), directory.organization(state.partner)
    return OnboardingView(
        id=state.process_id,
        status=state.status,
        customer=state.slug,
        name=state.name,
        reference=state.reference,
        vendor=vendor.name if vendor else "",
        operator=directory.name_of(state.operator),
        switch_on_for=partner.name if partner else None,
        platform_id=state.customer,
        steps=steps_of(state),
        users=_users(state),
        trouble=state.trouble,
        trouble_since=state.trouble_since,
        parks_at=state.due,
        reason=state.reason,
        warnings=warnings_of(state),
        started_at=state.started_at,
        closed_at=state.closed_at,
    )


def steps_of(state: Onboarding) -> tuple[StepView, ...]:
    """Return the steps of the way that the onboarding is on, in order: forward or back."""
    way = BACKWARD if state.is_abandoning else FORWARD
    at = len(way) if state.step is None else way.index(state.step)
    now = "parked" if state.status == "parked" else "now"
    return tuple(
        StepView(
            step=one,
            progress="done" if place < at else now if place == at else "open",
            detail=_detail(state, one),
        )
        for place, one in enumerate(way)
    )


def _detail(state: Onboarding, step: Step) -> str:
    match step:
        case Step.IMPORT if state.imported is not None and state.imported.reason is None:
            return f"{state.imported.imported} of {state.imported.total} users"
        case Step.ENSURE_ADMINS:
            return _counted([one for one in state.accounts if one.is_admin])
        case Step.ADD_ROLES:
            return _counted([one for one in state.accounts if not one.is_admin])
        case Step.UNDO_USERS:
            left = sum(one.is_to_be_undone for one in state.accounts)
            return f"{left} left" if left else ""
        case _:
            return ""


def _counted(accounts: list[Account]) -> str:
    return f"{sum(one.is_done for one in accounts)} of {len(accounts)}" if accounts else "nobody"


def _users(state: Onboarding) -> tuple[UserView, ...]:
    """Return everybody once, with all the roles that they get."""
    found: dict[str, UserView] = {}
    for one in state.accounts:
        known = found.get(one.email)
        found[one.email] = UserView(
            email=one.email,
            name=one.name,
            is_admin=one.is_admin or (known is not None and known.is_admin),
            roles=(*(known.roles if known else ()), *one.roles),
            is_done=one.is_done and (known is None or known.is_done),
        )
    return tuple(found.values())
