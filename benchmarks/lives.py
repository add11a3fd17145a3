"""The lives whose cost is counted, one a kind of process. A life of another kind is added below."""

import re
from datetime import timedelta
from uuid import UUID

from approvals.commands import Command
from approvals.contacts import record as contacts_record
from approvals.contacts.commands import (
    ContactForm,
    MoveReview,
    SaveContacts,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.record import Contacts
from approvals.customer_access import record as customer_record
from approvals.customer_access.commands import AcceptTerms, Disable, Enable
from approvals.onboarding import record as onboarding_record
from approvals.onboarding.commands import NamedAdmin, NamedUser, PbxDetails, Start
from approvals.pairing import record as pairing_record
from approvals.pairing.commands import Accept, AssignRoles, BeginSession, Offer, Revoke
from approvals.pairing.record import Pairing
from approvals.people import Directory, OrganizationId, SiteId
from approvals.platform import PlatformRole
from approvals.sessions import Mode
from approvals.site_access import record as site_record
from approvals.site_access.commands import Ask, ChangePrivileges, Grant, Remove
from approvals.site_access.privileges import LEAST, Area, Level
from approvals.site_access.record import SiteAccess
from approvals.tenant_access import record as request_record
from benchmarks.counts import Life
from benchmarks.installation import Installation
from benchmarks.people import GROUP, Signatory, email_of, make_id, site_of
from identity.enrolment import proof_of_link
from starter.letters import letters

LASTS = timedelta(seconds=2)
TOKEN = re.compile(r"apl_[A-Za-z0-9_-]{43}")
NEWCOMER = "admiral-benbow"  # whose PBX the reference platform knows


async def request(made: Installation) -> UUID:
    """Send a request and grant it for a moment; it expires by itself."""
    case = made.next_case()
    await made.submit(case)
    await made.grant(case, await made.shown(case), LASTS)
    return case.process


async def pairing(made: Installation) -> UUID:
    """Offer a pairing, accept it by the mailed link, assign a role, begin a session, revoke it."""
    case, agent = made.next_case(), made.people.agent
    batch = make_id("pairing.batch")
    process = pairing_record.process_id_of(batch, case.slug)
    kind = pairing_record.KIND
    offer = Offer(batch=batch, tenant=case.slug, group=GROUP)
    await made.gatehouse.submit(kind, agent.signed(process, offer), case.tenant_id)
    await made.mails_are_out()
    proof = proof_of_link(process, _token(made, process))
    for by, command in (
        (case.admin, Accept(proof=proof)),
        (case.admin, AssignRoles(roles=("support",))),
        (agent, BeginSession(mode=Mode.SUPPORT)),
        (case.admin, Revoke(reason="The case is solved.")),
    ):
        await _give(made, kind, process, command, by)
    return process


async def site_access(made: Installation) -> UUID:
    """Ask a site, be granted one level, then another, and be removed."""
    case = made.next_case()
    site, slug = site_of(case.slug)
    kind = site_record.KIND
    process = site_record.process_id_of(SiteId(site), case.requester.id)
    said = case.requester.signed(process, Ask(site=slug, message="I order the paint."))
    await made.gatehouse.submit(kind, said, None)
    for command in (
        Grant(privileges={**LEAST, Area.PURCHASE: Level.VIEW}),
        ChangePrivileges(privileges={**LEAST, Area.PURCHASE: Level.UPDATE}),
        Remove(message="The fence is painted."),
    ):
        await _give(made, kind, process, command, case.admin)
    return process


async def contacts(made: Installation) -> UUID:
    """Save a site's contacts, move the next review, turn reviews off and on again."""
    case = made.next_case()
    site, slug = site_of(case.slug)
    process = contacts_record.process_id_of(SiteId(site))
    kind = contacts_record.KIND
    on = SwitchReviewOn(site=slug)
    await made.gatehouse.submit(kind, case.admin.signed(process, on), None)
    begun = await made.inbox.state(process)
    assert isinstance(begun, Contacts)
    assert begun.next_review_at is not None
    primary = ContactForm(person=email_of(case.admin_name, case.slug))
    for command in (
        SaveContacts(site=slug, primary=primary),
        MoveReview(to=begun.next_review_at + timedelta(minutes=1)),
        SwitchReviewOff(),
        on,
    ):
        await _give(made, kind, process, command, case.admin)
    return process


async def customer_access(made: Installation) -> UUID:
    """Switch a customer on, accept the terms, switch off and on again."""
    case = made.next_case()
    partner = OrganizationId(case.organization_id)
    customer = OrganizationId(make_id(case.slug))
    process = customer_record.process_id_of(partner, customer)
    kind = customer_record.KIND
    enable = Enable(customer=case.slug)
    shown = customer_record.shown_digest(partner, customer, "1")
    await made.gatehouse.submit(kind, case.requester.signed(process, enable), customer)
    for by, command in (
        (case.admin, AcceptTerms(shown=shown)),
        (case.requester, Disable()),
        (case.requester, enable),
    ):
        await made.gatehouse.send(kind, by.signed(process, command))
    return process


async def onboarding(made: Installation) -> UUID:
    """Onboard a customer with one admin and one user on the reference platform."""
    batch = make_id("onboarding.batch")
    process = onboarding_record.process_id_of(batch, NEWCOMER)
    start = Start(
        batch=batch,
        customer=NEWCOMER,
        name="Admiral Benbow",
        reference="C-1881",
        time_zone="Europe/London",
        pbx=PbxDetails(
            host=f"pbx.{NEWCOMER}.example.com", username="import", secret=f"file:{NEWCOMER}"
        ),
        admins=(NamedAdmin(email=f"jim.hawkins@{NEWCOMER}.example.com", name="Jim Hawkins"),),
        users=(
            NamedUser(
                email=f"doctor.livesey@{NEWCOMER}.example.com",
                name="Doctor Livesey",
                roles=(PlatformRole.AGENT,),
            ),
        ),
    )
    said = made.people.agent.signed(process, start)
    await made.gatehouse.submit(onboarding_record.KIND, said, None)
    return process


async def _give(
    made: Installation, kind: str, process: UUID, command: Command, by: Signatory
) -> None:
    """Give a command on what stands now."""
    if command.needs_shown:
        command = command.model_copy(update={"shown": await _shown(made, process)})
    await made.gatehouse.send(kind, by.signed(process, command))


async def _shown(made: Installation, process: UUID) -> str:
    state = await made.inbox.state(process)
    match state:
        case Pairing():
            return pairing_record.shown_digest(state)
        case SiteAccess():
            return site_record.shown_digest(state)
        case Contacts():
            return contacts_record.shown_digest(state, state.site, Directory())
        case _:
            raise TypeError(f"A {type(state).__name__} shows nothing.")


def _token(made: Installation, process: UUID) -> str:
    texts = [one.text for one in letters(made.home / "mail") if str(process) in one.text]
    return next(str(token) for text in texts for token in TOKEN.findall(text))


LIVES = (
    Life(
        kind=request_record.KIND,
        title="One request, granted and expired, no reminder due",
        lead=request,
        ends="expired",
        tasks=3,
        events=22,
    ),
    Life(
        kind=pairing_record.KIND,
        title="One pairing: offered, accepted, given a role, visited, revoked",
        lead=pairing,
        ends="revoked",
        tasks=5,
        events=34,
    ),
    Life(
        kind=site_record.KIND,
        title="One site access: asked, granted, changed, removed",
        lead=site_access,
        ends="removed",
        tasks=4,
        events=28,
    ),
    Life(
        kind=contacts_record.KIND,
        title="One site's contacts: saved, the review moved, off and on again",
        lead=contacts,
        ends="kept",
        is_over=False,
        tasks=5,
        events=37,
    ),
    Life(
        kind=customer_record.KIND,
        title="One customer access: switched on, accepted, switched off and on again",
        lead=customer_access,
        ends="accepted",
        is_over=False,
        tasks=4,
        events=25,
    ),
    Life(
        kind=onboarding_record.KIND,
        title="One onboarding: a customer, an admin, a user",
        lead=onboarding,
        ends="ready",
        tasks=8,
        events=50,
    ),
)
