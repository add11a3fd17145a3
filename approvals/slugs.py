"""The field rule for a tenant's id as people write it: a slug."""

import re
from typing import Annotated

from pydantic import BeforeValidator

from approvals.errors import FieldError

RESERVED = frozenset(("admin", "api", "www", "system", "temporal-system", "null", "root", "static"))
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def slug(value: object) -> str:
    """Return a tenant's slug, 1 to 63 characters a-z, 0-9 and '-', exactly as typed.

    Raises FieldError with tenant_not_text, tenant_malformed or tenant_reserved.
    """
    if not isinstance(value, str):
        raise FieldError("tenant_not_text", "The tenant must be text.")
    if not _SLUG.fullmatch(value):
        raise FieldError("tenant_malformed", "Tenant ids use a-z, 0-9 and '-', 1 to 63 characters.")
    if value in RESERVED:
        raise FieldError("tenant_reserved", "That name is reserved.")
    return value


Slug = Annotated[str, BeforeValidator(slug)]
