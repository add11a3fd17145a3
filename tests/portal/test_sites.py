"""Sites on their pages: asking, deciding, adding, the matrix, contacts and the monthly review."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from approvals.contacts.record import Contacts
from approvals.contacts.record import process_id_of as contacts_of
from approvals.people import Person
from approvals.site_access.record import SiteAccess, process_id_of
from tests.factories import BECKY, CHRISTOPHER, LYDIA
from tests.installation import CarriedClock, commit, write_directory
from tests.portal.site import OUR_OWN, Browser, Page, Site
from tests.sites import HUCK, JOE, MUFF, SID, SITE, SITES

USERS, CONTACTS = f"/sites/{SITE.slug}/users", f"/sites/{SITE.slug}/contacts"
LEAST = dict.fromkeys(
    (
        "level_purchase",
        "level_reporting",
        "level_entitlements",
        "level_allocations",
        "level_manage_access",
        "level_contact_updates",
        "level_documents",
    ),
    "none",
)


@pytest.fixture
async def works(site: Site) -> Site:
    """The portal with a site: Becky is its primary contact, Huck and Joe are secondary ones."""
    async with site.installation.engines.write.begin() as connection:
        await write_directory(connection, SITES)
    return site


def path_of(person: Person) -> str:
    """Return the page of somebody's access."""
    return f"/sites/{process_id_of(SITE.id, person.id)}"


async def asked(site: Site, person: Person = SID) -> Browser:
    """Let somebody ask for access on the page; return their browser."""
    browser = await site.signed_in(person)
    page = await browser.get("/sites")
    done = await browser.send(page, "/sites/ask", site=SITE.slug, message="I count the brushes.")
    assert done.status == 303, done.text
    return browser


async def done_by(browser: Browser, path: str, form: str, **fields: object) -> Page:
    """Fill one form of a page as it is now."""
    return await browser.send(await browser.get(path), form, **fields)  # type: ignore[arg-type]


async def added(site: Site, person: Person = SID, **levels: str) -> Browser:
    """Let Becky add somebody; return her browser."""
    becky = await site.signed_in(BECKY)
    given = {**LEAST, "level_purchase": "view", **levels}
    done = await done_by(becky, USERS, f"/sites/{SITE.slug}/add", email=person.email, **given)
    assert done.status == 303, done.text
    return becky


async def stored(site: Site, person: Person = SID) -> SiteAccess:
    """Return somebody's stored access."""
    state = await site.installation.inbox.state(process_id_of(SITE.id, person.id))
    assert isinstance(state, SiteAccess)
    return state


async def kept(site: Site) -> Contacts:
    """Return the stored contacts."""
    state = await site.installation.inbox.state(contacts_of(SITE.id))
    assert isinstance(state, Contacts)
    return state


async def test_asking_leads_to_ones_request_which_the_contacts_find(works: Site) -> None:
    sid = await asked(works)
    becky = await works.signed_in(BECKY)

    mine, listed = await sid.get(path_of(SID)), await becky.get("/sites")

    assert "I count the brushes." in mine.text
    assert mine.has_form(f"{path_of(SID)}/withdraw")
    assert "Sid Sawyer asks for Fence works St. Petersburg" in listed.text
    assert (await becky.get(path_of(SID))).has_form(f"{path_of(SID)}/grant")


@pytest.mark.parametrize("named", ["no-such-site", "No Site!", ""])
async def test_a_site_that_is_not_there_is_named_beside_its_field(works: Site, named: str) -> None:
    sid = await works.signed_in(SID)

    wrong = await done_by(sid, "/sites", "/sites/ask", site=named, message="Please.")

    assert wrong.status == 422
    assert 'id="ask-site-wrong"' in wrong.html
    assert wrong.form("/sites/ask") | {"site": named, "message": "Please."} == wrong.form(
        "/sites/ask"
    )


async def test_a_grant_gives_the_chosen_privileges(works: Site) -> None:
    sid = await asked(works)
    becky = await works.signed_in(BECKY)
    form = f"{path_of(SID)}/grant"
    given = {**LEAST, "level_reporting": "update", "message": "Welcome."}

    done = await done_by(becky, path_of(SID), form, **given)

    assert "Access is granted." in (await becky.follow(done)).text
    mine = await sid.get(path_of(SID))
    assert "Reporting: update" in mine.text
    assert "Welcome." in mine.text


async def test_a_grant_of_nothing_names_the_rule_and_keeps_what_was_typed(works: Site) -> None:
    await asked(works)
    becky = await works.signed_in(BECKY)
    form = f"{path_of(SID)}/grant"

    wrong = await done_by(becky, path_of(SID), form, **LEAST, message="Welcome.")

    assert wrong.status == 422
    assert "Give at least one privilege." in wrong.text
    assert 'id="grant-privileges-wrong"' in wrong.html
    assert wrong.form(form)["message"] == "Welcome."


async def test_a_denial_needs_a_reason_and_one_may_ask_again(works: Site) -> None:
    sid = await asked(works)
    becky = await works.signed_in(BECKY)
    form = f"{path_of(SID)}/deny"

    without = await done_by(becky, path_of(SID), form, reason="")
    denied = await becky.send(without, form, reason="Ask Huck for the <key>.")
    mine = await sid.get(path_of(SID))
    again = await sid.send(mine, "/sites/ask", message="Huck has none.")

    assert (without.status, denied.status, again.status) == (422, 303, 303)
    assert "Give a reason" in without.text
    assert "Ask Huck for the &lt;key&gt;." in mine.html
    assert (await stored(works)).status == "asked"


async def test_a_request_is_withdrawn_by_who_asked(works: Site) -> None:
    sid = await asked(works)

    done = await done_by(sid, path_of(SID), f"{path_of(SID)}/withdraw")

    assert "Your request is withdrawn." in (await sid.follow(done)).text
    assert (await stored(works)).status == "withdrawn"


async def test_a_user_is_added_without_asking(works: Site) -> None:
    becky = await works.signed_in(BECKY)
    form = f"/sites/{SITE.slug}/add"
    given = {**LEAST, "level_purchase": "update", "email": "amy@fence.example", "name": "Amy L."}

    done = await done_by(becky, USERS, form, **given, locale="de")

    after = await becky.follow(done)
    assert "The user is added" in after.text
    assert "Purchase and download: update" in after.text
    matrix = await becky.get(USERS)
    assert "Amy L." in matrix.text
    assert "never" in matrix.text


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"email": "nobody"}, "email", "The address"),
        ({"email": "amy@fence.example", "name": ""}, "name", "Enter a name."),
        ({"email": SID.email, **LEAST, "level_purchase": "none"}, "privileges", "at least one"),
    ],
    ids=lambda one: str(one)[:30],
)
async def test_a_user_who_breaks_a_rule_is_not_added(
    works: Site, typed: dict[str, str], field: str, sentence: str
) -> None:
    becky = await works.signed_in(BECKY)
    form = f"/sites/{SITE.slug}/add"

    wrong = await done_by(
        becky, USERS, form, **{**LEAST, "level_purchase": "view", "name": "Amy", **typed}
    )

    assert wrong.status == 422
    assert f'id="add-{field}-wrong"' in wrong.html
    assert wrong.form(form)["email"] == typed["email"]


async def test_privileges_are_changed_all_at_once(works: Site) -> None:
    becky = await added(works)
    form = f"{path_of(SID)}/change_privileges"

    done = await done_by(becky, path_of(SID), form, **{**LEAST, "level_documents": "view"})

    assert "The privileges are changed." in (await becky.follow(done)).text
    held = dict((await stored(works)).privileges)
    assert (held["documents"], held["purchase"]) == ("view", "none")


async def test_what_is_for_contacts_is_refused_with_the_rules_sentence(works: Site) -> None:
    becky = await added(works)
    form = f"{path_of(SID)}/change_privileges"
    page = await becky.get(path_of(SID))

    refused = await becky.send(page, form, **{**LEAST, "level_manage_access": "update"})

    assert "level_manage_access" not in page.html
    assert refused.status == 422
    assert "manage access is for contacts of the site only" in refused.text


async def test_a_change_of_what_has_changed_gives_the_difference(works: Site) -> None:
    becky = await added(works)
    form = f"{path_of(SID)}/remove"
    seen = await becky.get(path_of(SID))
    change = f"{path_of(SID)}/change_privileges"
    await done_by(becky, path_of(SID), change, **{**LEAST, "level_documents": "view"})

    stale = await becky.send(seen, form, message="Thank you.")

    assert stale.status == 409
    assert "What changed while you looked" in stale.text
    assert stale.form(form)["message"] == "Thank you."


async def test_an_access_ends_with_a_message(works: Site) -> None:
    becky = await added(works)

    done = await done_by(becky, path_of(SID), f"{path_of(SID)}/remove", message="Thank you.")

    assert "The access has ended." in (await becky.follow(done)).text
    assert (await stored(works)).status == "removed"


async def test_strangers_find_nothing_of_a_site(works: Site) -> None:
    await asked(works)
    for person in (CHRISTOPHER, LYDIA, MUFF):
        browser = await works.signed_in(person)
        paths = (path_of(SID), USERS, CONTACTS, f"/contacts/{contacts_of(SITE.id)}")
        assert [(await browser.get(one)).status for one in paths] == [404] * 4


async def test_a_member_sees_no_users_and_decides_nothing(works: Site) -> None:
    becky = await added(works, SID)
    await asked(works, MUFF)
    sid = await works.signed_in(SID)
    of_becky = (await becky.get(USERS)).form(f"/sites/{SITE.slug}/add")

    stolen = await sid.client.post(f"/sites/{SITE.slug}/add", data=of_becky, headers=OUR_OWN)

    assert (await sid.get(USERS)).status == 403
    assert (await sid.get(path_of(MUFF))).status == 404
    assert stolen.status_code == 403


async def test_a_secondary_contact_who_only_views_decides_nothing(works: Site) -> None:
    await asked(works)
    huck = await works.signed_in(HUCK)

    page, matrix = await huck.get(path_of(SID)), await huck.get(USERS)

    assert not page.has_form(f"{path_of(SID)}/grant")
    assert "Becky Thatcher" in matrix.text
    assert not matrix.has_form(f"/sites/{SITE.slug}/add")


async def test_contacts_are_saved_all_at_once(works: Site) -> None:
    becky = await works.signed_in(BECKY)
    form = f"{CONTACTS}/save_contacts"
    page = await becky.get(CONTACTS)
    mail = "fence@st-petersburg.example"

    done = await becky.send(
        page,
        form,
        primary_person=BECKY.email,
        primary_email=mail,
        secondary_person=[HUCK.email, "", SID.email, ""],
        secondary_email=["", "", "", ""],
    )

    assert "The contacts are saved." in (await becky.follow(done)).text
    state = await kept(works)
    assert [one.person for one in state.everybody] == [BECKY.id, HUCK.id, SID.id]
    assert state.primary.email == mail
    joe = await works.signed_in(JOE)
    assert (await joe.get(CONTACTS)).status == 404


async def test_one_wrong_contact_saves_none_and_keeps_what_was_typed(works: Site) -> None:
    becky = await works.signed_in(BECKY)
    form = f"{CONTACTS}/save_contacts"
    typed = [HUCK.email, "nobody at all", JOE.email]

    malformed = await done_by(
        becky, CONTACTS, form, secondary_person=typed, secondary_email=[""] * 3
    )
    strange = await becky.send(
        malformed, form, secondary_person=[HUCK.email, "who@fence.example"], secondary_email=[""]
    )

    assert malformed.status == 422
    assert 'id="secondaries.1-person-wrong"' in malformed.html
    assert malformed.form(form)["secondary_person"][:3] == typed
    assert strange.status == 422
    assert "who@fence.example: nobody here has this address" in strange.text
    assert await works.installation.inbox.state(contacts_of(SITE.id)) is None


async def test_who_may_not_update_contacts_is_offered_no_form(works: Site) -> None:
    huck = await works.signed_in(HUCK)

    page = await huck.get(CONTACTS)

    assert page.status == 200
    assert not page.has_form(f"{CONTACTS}/save_contacts")
    assert not page.has_form(f"{CONTACTS}/switch_review_on")


async def test_the_review_is_moved_switched_off_and_on(works: Site) -> None:
    becky = await works.signed_in(BECKY)
    await done_by(becky, CONTACTS, f"{CONTACTS}/switch_review_on")
    before = (await kept(works)).next_review_at
    assert before is not None
    day = (before + timedelta(days=1)).date()

    without = await done_by(becky, CONTACTS, f"{CONTACTS}/move_review", day="")
    past = await done_by(becky, CONTACTS, f"{CONTACTS}/move_review", day="2020-01-01")
    moved = await done_by(becky, CONTACTS, f"{CONTACTS}/move_review", day=day.isoformat())
    off = await done_by(becky, CONTACTS, f"{CONTACTS}/switch_review_off")

    assert without.status == 422
    assert "Choose the day of the review." in without.text
    assert (past.status, moved.status, off.status) == (422, 303, 303)
    assert "That is in the past" in past.text
    assert past.form(f"{CONTACTS}/move_review")["day"] == "2020-01-01"
    assert (await kept(works)).next_review_at is None


async def test_a_due_review_shows_the_users_and_is_confirmed(
    works: Site, clock: CarriedClock
) -> None:
    becky = await added(works)
    await done_by(becky, CONTACTS, f"{CONTACTS}/switch_review_on")
    clock.fixed = datetime.now(UTC) + timedelta(days=35)
    await commit(works.installation.door(), contacts_of(SITE.id), None, clock.fixed)
    clock.fixed = None

    page = await becky.get(f"/contacts/{contacts_of(SITE.id)}")
    done = await becky.send(page, f"{CONTACTS}/confirm_review")

    assert "Sid Sawyer" in page.text
    assert "Review of" in page.text
    assert "The review is confirmed." in (await becky.follow(done)).text
    assert (await kept(works)).confirmed_by == BECKY.id


async def test_everybody_sets_where_their_own_notifications_go(works: Site) -> None:
    await added(works)
    sid = await works.signed_in(SID)
    form = f"{CONTACTS}/set_notification_address"

    wrong = await done_by(sid, CONTACTS, form, email="nowhere")
    done = await sid.send(wrong, form, email="sid@home.example.com")

    assert wrong.status == 422
    assert wrong.form(form)["email"] == "nowhere"
    assert "Your notifications go there from now on." in (await sid.follow(done)).text
    assert dict((await kept(works)).notification_addresses) == {SID.id: "sid@home.example.com"}


async def test_a_decision_needs_a_fresh_sign_in_and_keeps_what_was_typed(works: Site) -> None:
    await asked(works)
    becky = await works.signed_in(BECKY, ago=timedelta(minutes=20))
    form = f"{path_of(SID)}/deny"

    gone = await done_by(becky, path_of(SID), form, reason="Not now.")

    assert gone.goal == "/sign-in/again"
    assert (await becky.get(path_of(SID))).form(form)["reason"] == "Not now."
    assert (await stored(works)).status == "asked"


async def test_an_unknown_number_is_no_access(works: Site) -> None:
    becky = await works.signed_in(BECKY)

    assert (await becky.get(f"/sites/{UUID(int=5)}")).status == 404


async def test_adding_a_user_needs_a_fresh_sign_in_and_keeps_what_was_typed(works: Site) -> None:
    becky = await works.signed_in(BECKY, ago=timedelta(minutes=20))
    form = f"/sites/{SITE.slug}/add"
    given = {**LEAST, "level_purchase": "view", "email": SID.email}

    asked_again = await done_by(becky, USERS, form, **given)

    assert asked_again.goal == "/sign-in/again"
    kept_page = await becky.get(USERS)
    assert kept_page.form(form)["email"] == SID.email
    assert "What you typed was kept" in kept_page.text
    assert await works.installation.inbox.state(process_id_of(SITE.id, SID.id)) is None


async def test_who_asks_is_not_added_by_somebody_who_has_not_seen_the_request(works: Site) -> None:
    await asked(works)
    becky = await works.signed_in(BECKY)
    given = {**LEAST, "level_purchase": "view", "email": SID.email}

    refused = await done_by(becky, USERS, f"/sites/{SITE.slug}/add", **given)

    assert refused.status == 409
    assert "They ask for access" in refused.text
    assert (await stored(works, SID)).status == "asked"


async def test_who_asks_does_not_learn_who_the_contacts_are(works: Site) -> None:
    sid = await asked(works)
    becky = await works.signed_in(BECKY)

    mine, theirs = await sid.get(path_of(SID)), await becky.get(path_of(SID))

    assert BECKY.name not in mine.text
    assert BECKY.name in theirs.text


async def test_a_contact_without_manage_access_sees_nobody_elses_access(works: Site) -> None:
    await added(works, HUCK, level_manage_access="none")
    await asked(works)
    huck = await works.signed_in(HUCK)

    listed, one = await huck.get("/sites"), await huck.get(path_of(SID))

    assert one.status == 404
    assert "Sid Sawyer" not in listed.text
