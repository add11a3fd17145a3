"""The limits of policy.toml: one default, and what a tenant or an organization sets apart."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import Field, ValidationError

from approvals.fields import problems
from approvals.instants import Duration
from approvals.records import Form, Record

DAY = timedelta(days=1)


class Policy(Record):
    """The limits of one request, copied into its row when it is submitted.

    Quotas count requests; None switches one off.
    """

    decision_window: timedelta = 14 * DAY
    shortest_access: timedelta = timedelta(minutes=5)
    longest_access: timedelta = 365 * DAY
    allow_no_end: bool = True
    show_people: bool = False
    reminders: bool = True
    per_hour_and_person: int | None = None
    per_hour_and_pair: int | None = None
    pending_per_pair_and_person: int | None = None

    @property
    def has_quota(self) -> bool:
        """Whether this policy counts requests."""
        quotas = (
            self.per_hour_and_person,
            self.per_hour_and_pair,
            self.pending_per_pair_and_person,
        )
        return any(one is not None for one in quotas)


class _Limits(Form):
    """One table of policy.toml; what is not said comes from ``[default]``."""

    decision_window: Duration | None = None
    shortest_access: Duration | None = None
    longest_access: Duration | None = None
    allow_no_end: bool | None = None
    show_people: bool | None = None
    reminders: bool | None = None
    per_hour_and_person: int | None = Field(default=None, ge=1)
    per_hour_and_pair: int | None = Field(default=None, ge=1)
    pending_per_pair_and_person: int | None = Field(default=None, ge=1)

    def over(self, policy: Policy) -> Policy:
        said = self.model_dump(exclude_none=True)
        return policy.model_copy(update=said)


class _Shown(Form):
    """What an organization may set for the requests that it sends."""

    show_people: bool = False


class _Document(Form):
    """policy.toml as a whole."""

    default: _Limits = _Limits()
    tenant: dict[str, _Limits] = {}
    organization: dict[str, _Shown] = {}


class PolicyError(ValueError):
    """policy.toml breaks a rule; the text names the key and the rule."""


class Policies(Record):
    """Every policy of the installation. Slugs that are not listed have the default."""

    default: Policy = Policy()
    tenants: dict[str, Policy] = {}
    showing: frozenset[str] = frozenset()

    @property
    def has_quotas(self) -> bool:
        """Whether any request is counted at all."""
        return any(one.has_quota for one in (self.default, *self.tenants.values()))

    def of(self, organization: str, tenant: str) -> Policy:
        """Return the effective policy for a request from one organization to one tenant."""
        policy = self.tenants.get(tenant, self.default)
        if organization in self.showing:
            return policy.model_copy(update={"show_people": True})
        return policy


def policies(document: Mapping[str, Any]) -> Policies:
    """Read the parsed TOML document. Raises PolicyError that names the key and the rule."""
    try:
        said = _Document.model_validate(document)
    except ValidationError as broken:
        lines = "; ".join(f"{path}: {sentence}" for path, _, sentence in problems(broken))
        raise PolicyError(lines) from None
    default = said.default.over(Policy())
    result = Policies(
        default=default,
        tenants={slug: limits.over(default) for slug, limits in said.tenant.items()},
        showing=frozenset(slug for slug, one in said.organization.items() if one.show_people),
    )
    for slug, policy in (("default", default), *result.tenants.items()):
        if policy.shortest_access > policy.longest_access:
            raise PolicyError(f"{slug}: shortest_access is longer than longest_access.")
    return result
