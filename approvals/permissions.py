"""The one vocabulary of permissions: what a pairing may allow, and what the customer's side may do.

Roles are names for sets of permissions. Neither roles nor clones of a pairing are billed.
"""

from typing import Annotated

from pydantic import BeforeValidator

from approvals.errors import FieldError
from approvals.people import Role
from approvals.texts import inert

# What a support group may do in a tenant, as far as the customer's roles allow it.
PERMISSIONS: dict[str, str] = {
    "configuration.view": "See business units, queues, flows and settings.",
    "configuration.update": "Change business units, queues, flows and settings.",
    "employees.view": "See employees and their skills, and what the tenant shows them.",
    "employees.update": "Change employees and their skills.",
    "interactions.view": "See calls and messages, without what was said.",
    "logs.view": "Read technical logs.",
    "recordings.play": "Listen to recordings.",
    "reports.view": "See reports and live figures.",
    "tests.run": "Run tests that reproduce a problem.",
}
_VIEWS = tuple(one for one in PERMISSIONS if one.endswith(".view"))
# Without one of these nobody changes anything, whatever the customer consented to.
CHANGING = (*(one for one in PERMISSIONS if one.endswith(".update")), "tests.run")
# The roles that every customer has; it may define more of its own in a pairing.
ROLES: dict[str, tuple[str, ...]] = {
    "viewer": _VIEWS,
    "support": (*_VIEWS, "tests.run"),
    "configurator": (*_VIEWS, "configuration.update", "tests.run"),
    "admin": tuple(PERMISSIONS),
}
# Below these a support group cannot work, unless policy.toml says otherwise for its vendor.
MINIMUM = ("configuration.view", "employees.view", "logs.view")
# What the gate asks for: the mode of a session, or a permission by its own name.
ACTIONS = {"configure": "configuration.view", "support": "employees.view"}
DISRUPTIVE_CHANGE = "disruptive-change"  # the gate's action that needs a consent for that change

CUSTOMER_SIDE: dict[Role, tuple[str, ...]] = {
    Role.TRUST_ADMIN: (
        "pairing.view",
        "pairing.authorize",
        "pairing.assign",
        "pairing.revoke",
        "role.view",
        "consent.decide",
    )
}


def permission_for(action: str) -> str:
    """Return the permission that an action of the gate needs: a mode's, or the action itself."""
    return ACTIONS.get(action, action)


def roles_with(permission: str) -> tuple[Role, ...]:
    """Return the roles of the customer's organization that hold a permission of its side."""
    return tuple(role for role, held in CUSTOMER_SIDE.items() if permission in held)


def permission_list(value: object) -> tuple[str, ...]:
    """Return permissions of the vocabulary, each once, at least one.

    Raises FieldError with permission_not_text, permission_list_size or permission_unknown.
    """
    listed = texts_of(value)
    if listed is None:
        raise FieldError("permission_not_text", "Permissions must be a list of names.")
    if not listed or len(set(listed)) != len(listed):
        raise FieldError("permission_list_size", "Name at least one permission, each once.")
    strange = next((one for one in listed if one not in PERMISSIONS), None)
    if strange is not None:
        raise FieldError(
            "permission_unknown",
            f"'{inert(strange[:64])}' is not a permission. Choose of: {', '.join(PERMISSIONS)}.",
        )
    return listed


def texts_of(value: object) -> tuple[str, ...] | None:
    """Return a list of texts as a tuple, or None for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(value)


PermissionList = Annotated[tuple[str, ...], BeforeValidator(permission_list)]
