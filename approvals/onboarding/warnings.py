"""What is allowed and yet seldom meant: it will surprise a customer's people on the platform."""

from approvals.onboarding.record import Onboarding
from approvals.platform import SUPERVISOR_ROLES, PlatformRole


def without_workspaces(state: Onboarding) -> tuple[str, ...]:
    """Return the addresses of admins without a supervisor role: they see no workspaces."""
    admins = {one.email for one in state.accounts if one.is_admin}
    return tuple(
        email for email, held in _roles(state).items() if email in admins and not _supervises(held)
    )


def without_sign_in(state: Onboarding) -> tuple[str, ...]:
    """Return the addresses of supervisors who cannot sign in, so that their role is of no use."""
    return tuple(
        email
        for email, held in _roles(state).items()
        if _supervises(held) and PlatformRole.SIGN_IN not in held
    )


def warnings_of(state: Onboarding) -> tuple[str, ...]:
    """Return one sentence for each person who is concerned."""
    return (
        *(
            f"{one} is an admin without a supervisor role, and so sees no workspaces."
            for one in without_workspaces(state)
        ),
        *(
            f"{one} has a supervisor role without {PlatformRole.SIGN_IN}, and so cannot sign in"
            " to use it."
            for one in without_sign_in(state)
        ),
    )


def _roles(state: Onboarding) -> dict[str, set[PlatformRole]]:
    """Return everybody's roles: an admin with other roles too is listed twice."""
    found: dict[str, set[PlatformRole]] = {}
    for one in state.accounts:
        found.setdefault(one.email, set()).update(one.roles)
    return found


def _supervises(held: set[PlatformRole]) -> bool:
    return not held.isdisjoint(SUPERVISOR_ROLES)
