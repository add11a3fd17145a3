"""Field rules of a pairing's forms: lists of roles, a role's name, a change."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from approvals.errors import FieldError
from approvals.people import Role
from approvals.permissions import ROLES, texts_of
from approvals.texts import Required, message

MOST_ROLES = 10
_ROLE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
ENGINE_ROLES = frozenset(one.value for one in Role)


def role_list(value: object) -> tuple[str, ...]:
    """Return 1 to 10 role names, each once, exactly as sent; whether there are such roles is said
    by the pairing.

    Raises FieldError with role_not_text or role_list_size.
    """
    listed = texts_of(value)
    if listed is None:
        raise FieldError("role_not_text", "Roles must be a list of role names.")
    if not 1 <= len(listed) <= MOST_ROLES or len(set(listed)) != len(listed):
        raise FieldError("role_list_size", f"Name 1 to {MOST_ROLES} roles, each once.")
    return listed


def own_role_name(value: object) -> str:
    """Return the name of a role that the customer defines: 1 to 63 characters a-z, 0-9 and '-'.

    Raises FieldError with role_not_text, role_malformed or role_reserved.
    """
    if not isinstance(value, str):
        raise FieldError("role_not_text", "A role's name must be text.")
    if not _ROLE_NAME.fullmatch(value):
        raise FieldError("role_malformed", "A role's name uses a-z, 0-9 and '-', 1 to 63 of them.")
    if value in ROLES or value in ENGINE_ROLES:
        raise FieldError("role_reserved", "There is a role of that name; choose another one.")
    return value


def change_text(value: object) -> str:
    """Return the description of a change: a message that must be there.

    Raises FieldError with the codes of messages, and change_required.
    """
    text = message(value)
    if text is None:
        raise FieldError("change_required", "Say what the change is.")
    return text


RoleList = Annotated[tuple[str, ...], BeforeValidator(role_list)]
OwnRoleName = Annotated[str, BeforeValidator(own_role_name)]
ChangeText = Annotated[str, Required(change_text)]
