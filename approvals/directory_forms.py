"""The strict forms of the directory file's tables, and where in the file something is wrong."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID, uuid5

from pydantic import BeforeValidator, Field, ValidationError

from approvals.addresses import Address, canonical
from approvals.errors import FieldError
from approvals.fields import PART_LIMIT, problems
from approvals.people import OrganizationKind, Role
from approvals.records import Form, Record
from approvals.slugs import Slug
from approvals.texts import DisplayName, inert

# Ids that the file does not write are made below this one: the same entry has the same id for ever.
NAMESPACE = UUID("5f0c4f5c-6d0e-4d5e-9c3b-2a7f1d8e6b41")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
# Field rules are written for a request's form; here their field has another name.
_SENTENCES = {
    "name_empty": "Enter a name.",
    "tenant_not_text": "The slug must be text.",
    "tenant_malformed": "Slugs use a-z, 0-9 and '-', 1 to 63 characters.",
}


def entry_id(value: object) -> UUID:
    """Return an id written as 8-4-4-4-12 lower-case hexadecimal digits, but not the zero id.

    Raises FieldError with id_malformed or id_reserved.
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise FieldError(
            "id_malformed", "Write the id as text of 8-4-4-4-12 digits 0-9 and a-f (UUID)."
        )
    if (found := UUID(value)).int == 0:  # as a person the clock, as a scope the installation
        raise FieldError("id_reserved", "That id is reserved.")
    return found


def locale(value: object) -> str:
    """Return a language tag: language, and perhaps script and region. Raises FieldError."""
    if not isinstance(value, str) or not _LOCALE.fullmatch(value):
        raise FieldError("locale_malformed", "Write the language as in 'en', 'de' or 'pt-BR'.")
    return value


def role(value: object) -> Role:
    """Return the role of exactly that name. Raises FieldError: role_not_text, role_unknown."""
    if not isinstance(value, str):
        raise FieldError("role_not_text", "The role must be text.")
    if value not in set(Role):
        raise FieldError(
            "role_unknown",
            f"'{_clipped(value)}' is not a role of the directory."
            f" Choose one of: {', '.join(Role)}.",
        )
    return Role(value)


EntryId = Annotated[UUID, BeforeValidator(entry_id)]
Locale = Annotated[str, BeforeValidator(locale)]


class EntryForm(Form, ABC):
    """What every entry has: a name, and an id if the file fixes one."""

    id: EntryId | None = None
    name: DisplayName

    @property
    @abstractmethod
    def key(self) -> str:
        """What names the entry among its kind: a slug, or an address in its canonical form."""


class SluggedForm(EntryForm):
    """An entry that is known by a slug."""

    slug: Slug

    @property
    def key(self) -> str:
        return self.slug


class ListedKind(StrEnum):
    """The kinds that a file may name; guests come by themselves."""

    PARTNER = OrganizationKind.PARTNER.value
    VENDOR = OrganizationKind.VENDOR.value
    CUSTOMER = OrganizationKind.CUSTOMER.value


class OrganizationForm(SluggedForm):
    """One [[organization]]; *serves* names customers."""

    kind: Annotated[ListedKind, Field(strict=False)]
    time_zone: str | None = None
    active: bool = True
    serves: list[Slug] = []


class TenantForm(SluggedForm):
    """One [[tenant]]; its time zone is its organization's, unless it says otherwise."""

    organization: Slug
    time_zone: str | None = None
    locale: Locale = "en"
    on: bool = True
    locked: bool = False


class SiteForm(SluggedForm):
    """One [[site]]."""

    organization: Slug


class GroupForm(SluggedForm):
    """One [[group]] of a vendor's people, by their addresses."""

    organization: Slug
    members: list[Address] = []


class RoleForm(Form):
    """One role and the slug for which it is held."""

    role: Annotated[Role, BeforeValidator(role)]
    scope: Slug | None = None


class PersonForm(EntryForm):
    """One [[person]]; the time zone is their organization's, unless it says otherwise."""

    email: Address
    organization: Slug
    time_zone: str | None = None
    locale: Locale = "en"
    active: bool = True
    roles: list[RoleForm] = []

    @property
    def key(self) -> str:
        return canonical(self.email)


F = TypeVar("F", bound=EntryForm)
F_co = TypeVar("F_co", bound=EntryForm, covariant=True)
FORMS: dict[str, type[EntryForm]] = {
    "organization": OrganizationForm,
    "tenant": TenantForm,
    "site": SiteForm,
    "group": GroupForm,
    "person": PersonForm,
}


class Problem(Record):
    """One broken rule: *where* names the entry, *field* the field (or is empty)."""

    where: str
    field: str
    code: str
    sentence: str

    def __str__(self) -> str:
        if not self.field or self.sentence.startswith(self.field):
            return f"{self.where}: {self.sentence}"
        return f"{self.where}: {self.field}: {self.sentence}"


class DirectoryFileError(ValueError):
    """The directory file breaks rules; *problems* has all of them, the text one a line."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.problems = tuple(found)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class Entry(Generic[F_co]):
    """One well-formed table of the file; *where* says which one, for people."""

    kind: str
    where: str
    form: F_co

    @property
    def id(self) -> UUID:
        """The id that the file writes, else the one that belongs to kind and key."""
        return self.form.id or uuid5(NAMESPACE, f"{self.kind}/{self.form.key}")

    def problem(self, field: str, code: str, sentence: str) -> Problem:
        """Return a broken rule of this entry."""
        return Problem(where=self.where, field=field, code=code, sentence=sentence)


class Tables:
    """The well-formed entries of a file in its order, and all that is wrong with the others.

    *text* is the file's, if line numbers are wanted.
    """

    def __init__(self, document: Mapping[str, Any], text: str = "") -> None:
        self.problems = list(_strangers(document))
        self._unread: set[tuple[str, str]] = set()
        self._document, self._text = document, text
        self.organizations = self._entries("organization", OrganizationForm)
        self.tenants = self._entries("tenant", TenantForm)
        self.sites = self._entries("site", SiteForm)
        self.groups = self._entries("group", GroupForm)
        self.people = self._entries("person", PersonForm)

    def is_unread(self, kind: str, key: str) -> bool:
        """Whether an entry of that name is there, but too broken to judge what refers to it."""
        return (kind, key) in self._unread

    def _entries(self, kind: str, form: type[F]) -> tuple[Entry[F], ...]:
        raw = self._document.get(kind, [])
        if not isinstance(raw, list):
            sentence = f"Write [[{kind}]] with two brackets, once for each {kind}."
            self.problems.append(_of_file(kind, "table_malformed", sentence))
            return ()
        lines = _lines(kind, self._text, len(raw))
        numbered = enumerate(zip(raw, lines, strict=True), start=1)
        found = (self._entry(kind, form, f"{kind} {n}", *one) for n, one in numbered)
        return tuple(one for one in found if one is not None)

    def _entry(
        self, kind: str, form: type[F], name: str, raw: object, line: int | None
    ) -> Entry[F] | None:
        key = _raw_key(raw)
        aside = ", ".join(filter(None, (_clipped(key), f"line {line}" if line else "")))
        where = f"{name} ({aside})" if aside else name
        try:
            return Entry(kind, where, form.model_validate(raw))
        except ValidationError as broken:
            self.problems += (_said(where, *one) for one in problems(broken))
            self._unread.add((kind, canonical(key) if kind == "person" else key))
            return None


def _strangers(document: Mapping[str, Any]) -> Iterable[Problem]:
    for name in document:
        if name not in FORMS:
            sentence = f"'{_clipped(name)}' is not a table of this file. Use {', '.join(FORMS)}."
            yield _of_file("", "unknown_field", sentence)


def _of_file(field: str, code: str, sentence: str) -> Problem:
    return Problem(where="the file", field=field, code=code, sentence=sentence)


def _said(where: str, path: str, code: str, sentence: str) -> Problem:
    """Turn positions that count from 0 (``roles.0.role``) into words that count from 1."""
    field = re.sub(r"\.(\d+)", lambda found: f" {int(found[1]) + 1}", path)
    sentence = _SENTENCES.get(code, sentence)
    if path and sentence.startswith(path):
        sentence = field + sentence.removeprefix(path)
    return Problem(where=where, field=field, code=code, sentence=sentence)


def _raw_key(raw: object) -> str:
    key = (raw.get("slug") or raw.get("email")) if isinstance(raw, dict) else None
    return key if isinstance(key, str) else ""


def _lines(kind: str, text: str, count: int) -> Iterable[int | None]:
    """Return the line of each entry's header, or None for all where the count does not fit.

    The TOML parser keeps no positions, so the n-th ``[[kind]]`` of the text is looked for; it is
    missed by entries written as a list, and misled by a header inside a text of several lines.
    """
    header = re.compile(rf"\s*\[\[\s*{kind}\s*\]\]")
    found = [at for at, line in enumerate(text.split("\n"), start=1) if header.match(line)]
    return found if len(found) == count else [None] * count


def _clipped(text: str) -> str:
    shown = inert(text[: PART_LIMIT + 1])
    return shown if len(shown) <= PART_LIMIT else f"{shown[:PART_LIMIT]}..."
