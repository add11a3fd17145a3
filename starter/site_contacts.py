"""What the contacts commands do: find the site that is meant, read what is typed, and show it."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from approvals import toml_files
from approvals.addresses import address
from approvals.contacts.commands import ContactForm
from approvals.contacts.record import Contacts, process_id_of
from approvals.contacts.rules import RULES
from approvals.contacts.views import ContactsView, ContactView, contacts_view
from approvals.errors import FieldError, NotFoundError, SubmissionError
from approvals.facts import Needed
from approvals.fields import problems
from approvals.instants import local_end, say_instant
from approvals.people import Directory, Site
from approvals.records import Form
from approvals.site_access.privileges import levels_of
from approvals.slugs import slug
from approvals.toml_files import Lines, Problem, TomlError, in_words
from approvals.transition import Membership
from starter.console import UsageError, print_facts
from starter.desk import Desk
from starter.process_desk import ProcessDesk
from starter.times import said
from starter.typed import checked, mistaken, own_id, text_of

DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _File(Form):
    """A file of contacts: one [primary], and a [[secondary]] for each other."""

    primary: ContactForm
    secondary: list[ContactForm] = []


class Found:
    """A site, its contacts' process and all that is known of them."""

    def __init__(
        self,
        site: Site,
        state: Contacts | None,
        directory: Directory,
        memberships: tuple[Membership, ...],
    ) -> None:
        self.site, self.state, self.directory = site, state, directory
        self.memberships = memberships

    @property
    def process(self) -> UUID:
        """The one process of the site's contacts."""
        return process_id_of(self.site.id)

    @property
    def zone(self) -> ZoneInfo:
        """The clock of the reviews: that of the site's organization."""
        home = self.directory.organization(self.site.organization)
        known = self.state.rhythm.zone if self.state else (home.time_zone if home else "UTC")
        return ZoneInfo(known)


class ContactsDesk(ProcessDesk):
    """The contacts commands of one person at a desk."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, RULES)

    async def found(self, named: str) -> Found:
        """Return what a site's slug or its contacts' id means, to one of the site's people.

        Raises NotFoundError for everybody else.
        """
        needed = await self._needed(named)
        memberships = await self.desk.sites.memberships(needed)
        people = tuple(one.person for one in memberships)
        directory = await self.directory(
            needed.model_copy(update={"people": (*needed.people, *people)})
        )
        site = next(iter(directory.sites), None)
        if site is None or levels_of(self.viewer, site.id, directory, memberships) is None:
            raise NotFoundError
        state = await self.desk.inbox.state(process_id_of(site.id))
        known = state if isinstance(state, Contacts) else None
        if known is not None:  # with the names of everybody in it
            directory = await self.directory(self.kind.needed(known, None))
        return Found(site, known, directory, memberships)

    async def of_site(self, named: str) -> tuple[Found, ContactsView]:
        """Return the contacts of a site as the viewer sees them."""
        found = await self.found(named)
        return found, contacts_view(found.state, found.site, self.viewer, found.directory)

    async def viewed(self, process: UUID) -> tuple[Contacts | None, ContactsView]:
        """Return the contacts that were saved for a site as the viewer sees them."""
        found, view = await self.of_site(str(process))
        return found.state, view

    def word(self, _status: str) -> str:
        """Return what every command on contacts makes of them."""
        return "saved"

    def done(self, _view: ContactsView) -> str:
        """Say how contacts stand after a command."""
        return "it is saved."

    async def _needed(self, named: str) -> Needed:
        process = own_id(named)
        if process is None:
            return Needed(site_slugs=(checked("SITE", slug, named),), with_memberships=True)
        state = await self.desk.inbox.state(process)
        if not isinstance(state, Contacts):
            raise NotFoundError
        return Needed(sites=(state.site,), with_memberships=True)


def require_kept(found: Found) -> None:
    """Refuse what needs reviews where there are none yet."""
    if found.state is None:
        raise SubmissionError(
            f"{found.site.name} has no reviews yet: save its contacts, or switch reviews on."
        )


def contact(option: str, text: str) -> ContactForm:
    """Read ``ADDRESS`` or ``ADDRESS=CONTACT-ADDRESS``. Raises UsageError that names the option."""
    person, separator, email = text.partition("=")
    return ContactForm(
        person=checked(option, address, person),
        email=checked(option, address, email) if separator else None,
    )


def from_file(file: Path) -> tuple[ContactForm, tuple[ContactForm, ...]]:
    """Read a TOML file of contacts. Raises typer.Exit, having told every mistake with its line."""
    text = text_of("--file", file)
    try:
        form = _File.model_validate(toml_files.read(text))
    except TomlError as broken:
        sentence = f"This is not readable TOML: {broken.what}."
        raise mistaken(file, [Problem(line=broken.line, field="", sentence=sentence)]) from None
    except ValidationError as wrong:
        raise mistaken(file, _mistakes(wrong, Lines(text))) from None
    return form.primary, tuple(form.secondary)


def _mistakes(wrong: ValidationError, lines: Lines) -> Iterator[Problem]:
    for error, (path, code, rule) in zip(wrong.errors(), problems(wrong), strict=True):
        field = "" if code == "unknown_field" else in_words(path)  # that rule names it
        sentence = rule.replace("of this form", "of this file")
        if path and sentence.startswith(path):
            sentence = field + sentence.removeprefix(path)
        yield Problem(line=lines.of(error["loc"]), field=field, sentence=sentence)


def review_at(text: str, zone: ZoneInfo) -> datetime:
    """Read when a review is to be: a date (nine o'clock), a local time, or one with an offset.

    Raises UsageError.
    """
    try:
        return local_end(f"{text}T09:00" if DATE.fullmatch(text) else text, zone)
    except FieldError as wrong:
        raise UsageError(f"--to: {wrong}") from None


def print_contacts(view: ContactsView, zone: ZoneInfo) -> None:
    """Print the contacts of a site and its reviews."""
    rows = [
        ("Site", f"{view.site_name} ({view.site})"),
        ("Contacts", None if view.id is None else str(view.id)),
        ("Primary contact", "nobody" if view.primary is None else _said(view.primary)),
        *(("Secondary contact", _said(one)) for one in view.secondaries),
        ("Saved", _by(view.saved_by, view.saved_at, zone)),
        ("Next review", _next(view, zone)),
        ("To confirm", ", ".join(view.to_confirm)),
        ("Confirmed", _by(view.confirmed_by, view.confirmed_at, zone)),
        ("Notifications to", view.notification_address or "your own address"),
    ]
    print_facts(rows)


def secondaries_of(typed: Sequence[str]) -> tuple[ContactForm, ...]:
    """Read the secondary contacts of the options."""
    return tuple(contact("--secondary", one) for one in typed)


def _next(view: ContactsView, zone: ZoneInfo) -> str:
    if view.saved_at is None and view.next_review_at is None and view.confirmed_at is None:
        return "none yet: they begin with the first save, or with `contacts review on`"
    return "switched off" if view.next_review_at is None else said(view.next_review_at, zone)


def _said(one: ContactView) -> str:
    aside = "" if one.email == one.sign_in else f" (signs in as {one.sign_in})"
    return f"{one.name}, {one.email}{aside}"


def _by(person: str | None, at: datetime | None, zone: ZoneInfo) -> str | None:
    return None if person is None or at is None else f"by {person}, {say_instant(at, zone)}"
