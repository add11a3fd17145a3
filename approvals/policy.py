"""The limits of policy.toml: one default, and what a tenant or an organization sets apart."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from approvals.errors import FieldError
from approvals.fields import problems
from approvals.instants import Duration
from approvals.permissions import MINIMUM, PermissionList
from approvals.records import Form, Record
from approvals.slugs import Slug

DAY = timedelta(days=1)
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PAGE = re.compile(r"https?://[!-~]{1,500}")


class Policy(Record):
    """The limits of one request, copied into its row when it is submitted.

    Quotas count requests; None switches one off. Asking one site for access, and mailing links to
    pair one group with one tenant, is always limited.
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
    site_asks_per_hour: int = 5
    pairing_links_per_hour: int = 6

    @property
    def has_quota(self) -> bool:
        """Whether this policy counts requests."""
        quotas = (
            self.per_hour_and_person,
            self.per_hour_and_pair,
            self.pending_per_pair_and_person,
        )
        return any(one is not None for one in quotas)


class OnboardingLimits(Record):
    """How long an onboarding waits for the platform, and how often it looks after an import."""

    patience: timedelta = DAY
    look_every: timedelta = timedelta(seconds=5)


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
    site_asks_per_hour: int | None = Field(default=None, ge=1)
    pairing_links_per_hour: int | None = Field(default=None, ge=1)

    def over(self, policy: Policy) -> Policy:
        said = self.model_dump(exclude_none=True)
        return policy.model_copy(update=said)


class _Shown(Form):
    """What an organization may set for the requests that it sends."""

    show_people: bool = False


class Terms(Record):
    """The terms of use that a customer accepts: which version holds now, and where it stands."""

    version: str = "1"
    page: str | None = None


def _terms_version(value: str) -> str:
    if not _VERSION.fullmatch(value):
        raise FieldError("terms_version", "It takes 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'.")
    return value


def _terms_page(value: str) -> str:
    if not _PAGE.fullmatch(value):
        raise FieldError(
            "terms_page", "It must be an address that begins with http:// or https://."
        )
    return value


class _Terms(Form):
    """The table of policy.toml that names the terms of use."""

    version: Annotated[str, AfterValidator(_terms_version)]
    page: Annotated[str, AfterValidator(_terms_page)] | None = None


class _Vendor(Form):
    """What a vendor's support group cannot work without."""

    minimum_permissions: PermissionList


class _Onboarding(Form):
    """The table of policy.toml for onboardings."""

    patience: Duration | None = None
    look_every: Duration | None = None


class _Document(Form):
    """policy.toml as a whole."""

    default: _Limits = _Limits()
    tenant: dict[Slug, _Limits] = {}
    organization: dict[Slug, _Shown] = {}
    vendor: dict[Slug, _Vendor] = {}
    terms: _Terms | None = None
    onboarding: _Onboarding = _Onboarding()


class PolicyError(ValueError):
    """policy.toml breaks a rule; the text names the key and the rule."""


class Policies(Record):
    """Every policy of the installation. Slugs that are not listed have the default."""

    default: Policy = Policy()
    tenants: dict[str, Policy] = {}
    showing: frozenset[str] = frozenset()
    minimums: dict[str, tuple[str, ...]] = {}
    terms: Terms = Terms()
    onboarding: OnboardingLimits = OnboardingLimits()

    @property
    def has_quotas(self) -> bool:
        """Whether any request is counted at all."""
        return any(one.has_quota for one in (self.default, *self.tenants.values()))

    def minimum_of(self, vendor: str) -> tuple[str, ...]:
        """Return the permissions below which a vendor's support group cannot work."""
        return self.minimums.get(vendor, MINIMUM)

    def at(self, tenant: str) -> Policy:
        """Return the policy of one tenant, whoever asks it."""
        return self.tenants.get(tenant, self.default)

    def of(self, organization: str, tenant: str) -> Policy:
        """Return the effective policy for a request from one organization to one tenant."""
        policy = self.at(tenant)
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
        minimums={slug: one.minimum_permissions for slug, one in said.vendor.items()},
        showing=frozenset(slug for slug, one in said.organization.items() if one.show_people),
        terms=Terms() if said.terms is None else Terms(**said.terms.model_dump()),
        onboarding=OnboardingLimits(**said.onboarding.model_dump(exclude_none=True)),
    )
    for slug, policy in (("default", default), *result.tenants.items()):
        if policy.shortest_access > policy.longest_access:
            raise PolicyError(f"{slug}: shortest_access is longer than longest_access.")
    return result
