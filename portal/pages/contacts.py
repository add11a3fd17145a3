"""The contacts of a site, saved all at once, and their monthly review."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from approvals.commands import Command
from approvals.contacts import commands as say
from approvals.contacts.views import ContactsView
from approvals.instants import local_end, wire_text
from approvals.people import Role
from approvals.site_access.privileges import Area, Level, covers, levels_of
from portal.acts import Build, Reading, Sheet, kept, opened, take
from portal.auth import Posted
from portal.desk import AtDesk, PortalDesk
from portal.families import Family, Handler, Pages, Process, slug_of
from portal.languages import N_, Speech
from portal.pages.site_users import matrix
from portal.render import page
from portal.vocabulary import AREAS
from starter.site_contacts import ContactsDesk, Found
from starter.sites import SiteDesk

pages = Pages()
PAGE = "/sites/{site}/contacts"
TOLD = {
    "save_contacts": N_("The contacts are saved. Everybody concerned gets a mail."),
    "confirm_review": N_("The review is confirmed."),
    "move_review": N_("The review is moved. You get an invitation for the new day."),
    "switch_review_on": N_("The reviews are switched on."),
    "switch_review_off": N_("The reviews are switched off; nobody is reminded any more."),
    "set_notification_address": N_("Your notifications go there from now on."),
}
SPARE = 2  # empty rows for further contacts


@pages.page(PAGE)
async def show(request: Request, at: AtDesk, site: str) -> Response:
    """Show a site's contacts, its review, and what the viewer may do with them."""
    return await contacts_page(request, at, site, **kept(request, at))


@pages.page("/contacts/{process}")
async def show_mailed(request: Request, at: AtDesk, process: UUID = Process) -> Response:
    """Show the contacts to which a mail points: the page of their site."""
    found = await ContactsDesk(at).found(str(process))
    return await contacts_page(request, at, found.site.slug)


async def contacts_page(
    request: Request, at: PortalDesk, named: str, *, status: int = 200, **facts: Any
) -> Response:
    """Render a site's contacts. *facts* are what a form that was not taken adds."""
    desk, speech = ContactsDesk(at), at.viewer.speech
    found, view = await _viewed(desk, named)
    acts = _acts(found, view, desk)
    sees_lines = found.state is not None and desk.kind.may_see(
        found.state, desk.viewer, found.directory
    )
    typed = facts.get("typed") or {}
    shown = {
        **opened(request, at, TOLD),
        "view": view,
        "zone": found.zone.key,
        "acts": acts,
        "facts": seen_of(view, speech),
        "rows": _rows(view, typed),
        "people": await _people(desk, found, acts),
        "users": await matrix(SiteDesk(at), found.site, found.memberships, speech)
        if "see_users" in acts
        else [],
        "areas": [speech.say(one) for one in AREAS.values()],
        "timeline": await desk.timeline(found.process) if sees_lines else (),
        "review_day": _day(view, found),
        "live": None,
    }
    return page(request, "sites/contacts.html", status=status, **{**shown, **facts})


def _acts(found: Found, view: ContactsView, desk: ContactsDesk) -> frozenset[str]:
    """Return what may be offered to the viewer; the door judges it again, with all its rules."""
    own = levels_of(desk.viewer, found.site.id, found.directory, found.memberships) or {}
    acts = {"set_notification_address"}
    if covers(own.get(Area.MANAGE_ACCESS), Level.VIEW):
        acts |= {"see_users"}
    if covers(own.get(Area.CONTACT_UPDATES), Level.UPDATE):
        acts |= {"save_contacts"} | ({"confirm_review"} if view.to_confirm else set())
    if found.directory.holds(desk.viewer, Role.PRIMARY_CONTACT, found.site.id):
        is_on = view.next_review_at is not None
        acts |= {"switch_review_off", "move_review"} if is_on else {"switch_review_on"}
    return frozenset(acts)


def _save(found: Found) -> Build:
    def build(read: Reading) -> Command | None:
        fields = read.fields
        others = [
            _contact(person, email)
            for person, email in _pairs(
                fields.many("secondary_person"), fields.many("secondary_email")
            )
        ]
        first = _contact(fields.one("primary_person"), fields.one("primary_email"))
        return read.command(
            say.SaveContacts,
            {"site": found.site.slug, "primary": first, "secondaries": others},
        )

    return build


def _move(found: Found) -> Build:
    def build(read: Reading) -> Command | None:
        day = read.fields.one("day").strip()
        if not day:
            read.note("day", "review_day_missing", "Choose the day of the review.")
            return None
        to = read.checked("day", lambda text: local_end(f"{text}T09:00", found.zone), day)
        return None if to is None else read.command(say.MoveReview, {"to": wire_text(to)})

    return build


def _switch_on(found: Found) -> Build:
    return lambda read: read.command(say.SwitchReviewOn, {"site": found.site.slug})


def _notify(found: Found) -> Build:
    return lambda read: read.command(
        say.SetNotificationAddress,
        {"site": found.site.slug, "email": read.fields.one("email").strip() or None},
    )


ACTS: Mapping[str, Callable[[Found], Build]] = {
    "save_contacts": _save,
    "confirm_review": lambda _found: lambda read: read.command(say.ConfirmReview, {}),
    "move_review": _move,
    "switch_review_on": _switch_on,
    "switch_review_off": lambda _found: lambda read: read.command(say.SwitchReviewOff, {}),
    "set_notification_address": _notify,
}


def _handler(name: str) -> Handler:
    async def one(request: Request, at: AtDesk, fields: Posted, site: str) -> Response:
        found, _ = await _viewed(ContactsDesk(at), site)
        show, seen = partial(contacts_page, request, at, site), partial(_seen_now, at, site)
        sheet = Sheet(f"/sites/{site}/contacts", show, ContactsDesk, seen, found.site.id)
        return await take(at, fields, sheet, name, found.process, ACTS[name](found))

    return one


for act in ACTS:
    pages.act(f"{PAGE}/{act}", on=PAGE)(_handler(act))


async def _viewed(desk: ContactsDesk, named: str) -> tuple[Found, ContactsView]:
    return await desk.of_site(slug_of(named))


def _contact(person: str, email: str) -> dict[str, str | None]:
    return {"person": person.strip(), "email": email.strip() or None}


def _pairs(people: list[str], emails: list[str]) -> list[tuple[str, str]]:
    """Return the rows of the form that were filled, as person and mail address."""
    width = max(len(people), len(emails))
    padded = zip(
        [*people, *[""] * (width - len(people))],
        [*emails, *[""] * (width - len(emails))],
        strict=True,
    )
    return [(person, email) for person, email in padded if person.strip() or email.strip()]


def _rows(view: ContactsView, typed: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    """Return the secondary contacts as typed, or as they are, and empty rows for more."""
    if (typed.get("form") or [""])[0] == "save_contacts":
        found = _pairs(typed.get("secondary_person", []), typed.get("secondary_email", []))
    else:
        found = [
            (one.sign_in, "" if one.email == one.sign_in else one.email) for one in view.secondaries
        ]
    spare = min(SPARE, say.MOST_SECONDARIES - len(found))
    return [*found, *[("", "")] * max(spare, 0)]


async def _people(desk: ContactsDesk, found: Found, acts: frozenset[str]) -> list[tuple[str, str]]:
    """Return whom the form suggests: the site's users, by address and name."""
    if "save_contacts" not in acts:
        return []
    users = await SiteDesk(desk.desk).users(found.site.slug)
    return [(one.email, one.name) for one in users]


def _day(view: ContactsView, found: Found) -> str:
    if view.next_review_at is None:
        return ""
    return f"{view.next_review_at.astimezone(found.zone):%Y-%m-%d}"


def seen_of(view: ContactsView, speech: Speech) -> dict[str, str]:
    """Return the facts on which a save or a confirmation rests, each on one line."""
    facts = {
        N_("Primary contact"): "" if view.primary is None else view.primary.email,
        N_("Secondary contacts"): ", ".join(one.email for one in view.secondaries),
        N_("To confirm"): ", ".join(view.to_confirm),
    }
    return {speech.say(label): text for label, text in facts.items()}


async def _seen_now(at: PortalDesk, named: str) -> dict[str, str]:
    _, view = await _viewed(ContactsDesk(at), named)
    return seen_of(view, at.viewer.speech)


FAMILY = Family(pages)
