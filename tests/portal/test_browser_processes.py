"""The other processes as people lead them in a real browser: every form by its main story."""

import re

import pytest
from playwright.async_api import Page, expect

from approvals.people import Directory
from mail.mailer import SmtpMailer
from mail.smtp_server import Security, SmtpServer
from starter.mailbox import Mailbox
from starter.portal_server import mailbox_key
from store.trail import Trail
from tests.factories import BECKY, JANE, MARY, TOM
from tests.installation import write_directory
from tests.pairings import CARE, CHARLES, GEORGIANA, PAIRED_DIRECTORY
from tests.portal.pairings import active
from tests.portal.pairings import stored as stored_pairing
from tests.portal.test_browser_requests import FENCE, form, press, told
from tests.portal.test_customers import stored as stored_switch
from tests.portal.test_sites import kept, path_of
from tests.portal.test_sites import stored as stored_access
from tests.portal.windows import Windows
from tests.sites import HUCK, JOE, MUFF, SID, SITE, SITES
from tests.switching import SWITCHING

LIVE = 15_000  # milliseconds until a page that is open must have shown the news


async def with_people(windows: Windows, directory: Directory) -> None:
    """Add to the example directory who has a part in this process."""
    async with windows.site.installation.engines.write.begin() as connection:
        await write_directory(connection, directory)


async def goes_to(page: Page, entry: str) -> None:
    """Follow an entry of the menu."""
    await page.get_by_role("navigation", name="Main").get_by_role("link", name=entry).click()


async def test_a_pairing_is_offered_accepted_by_the_mailed_link_and_given_a_role(
    windows: Windows,
) -> None:
    await with_people(windows, PAIRED_DIRECTORY)
    charles, tom = await windows.of(CHARLES), await windows.of(TOM)
    await charles.goto("/")
    await goes_to(charles, "Pairings")
    await charles.get_by_role("link", name="Offer a pairing").click()
    await charles.get_by_label("With which tenant?").select_option(label=FENCE)
    await charles.get_by_label("Your group").select_option(label=CARE.name)
    await charles.get_by_label("Message").fill("We look at why the queue drops calls.")
    await press(charles, "Offer the pairing")
    await told(charles, "The pairing is offered.")

    await tom.goto(await windows.site.link_for(TOM, "pairings"))
    await told(tom, "We look at why the queue drops calls.")
    await press(tom, "Accept the pairing")
    await told(tom, "You are paired.")
    await tom.get_by_text("Assign roles", exact=True).click()
    roles = form(tom, "assign_roles")
    await roles.get_by_label("For whom?").select_option(label="the whole group")
    await roles.get_by_role("checkbox", name=re.compile("^support")).check()
    await press(tom, "Assign the roles")
    await told(tom, "The roles are assigned.")

    path = tom.url.removeprefix(windows.origin).partition("?")[0]
    state = await stored_pairing(windows.site, path)
    assert (state.status, state.decided_by, state.roles_of(None)) == (
        "active",
        TOM.id,
        ("support",),
    )
    await expect(charles.locator(".standing .badge")).to_have_text("Active", timeout=LIVE)


async def test_a_pairing_lets_its_group_in_while_the_customer_likes_it(windows: Windows) -> None:
    await with_people(windows, PAIRED_DIRECTORY)
    path, _ = await active(windows.site, "support")
    georgiana, tom = await windows.of(GEORGIANA), await windows.of(TOM)
    await georgiana.goto(path)
    await georgiana.get_by_label("Support").check()
    await press(georgiana, "Open session")
    await told(georgiana, "The session is open.")
    await tom.goto(path)
    await tom.get_by_text("Suspend", exact=True).click()
    await form(tom, "suspend").get_by_label("Message").fill("We move house.")
    await press(tom, "Suspend the pairing")
    await told(tom, "The pairing is suspended: nobody of the group gets in.")
    await expect(georgiana.locator("#changed")).to_be_visible(timeout=LIVE)
    assert (await stored_pairing(windows.site, path)).sessions == ()

    await press(tom, "Resume the pairing")
    await told(tom, "The pairing is open again.")
    await tom.get_by_text("Revoke for good", exact=True).click()
    await form(tom, "revoke").get_by_label("Reason").fill("The queue works again.")
    await press(tom, "Revoke the pairing")

    await told(tom, "The pairing is revoked, for good.")
    state = await stored_pairing(windows.site, path)
    assert (state.status, state.closed_by) == ("revoked", TOM.id)
    await georgiana.goto(path)
    await told(georgiana, "The queue works again.")
    await expect(georgiana.get_by_role("button", name="Open session")).to_have_count(0)


async def test_a_disruptive_change_waits_for_consent_and_is_recorded_with_it(
    windows: Windows,
) -> None:
    await with_people(windows, PAIRED_DIRECTORY)
    path, _ = await active(windows.site, "support")
    charles, tom = await windows.of(CHARLES), await windows.of(TOM)
    await charles.goto(path)
    await charles.get_by_role("group").get_by_text("Ask for consent", exact=True).first.click()
    await charles.get_by_label("What would you change").fill("Restart the fence queue.")
    await press(charles, "Ask for consent")
    await told(charles, "The customer is asked for consent.")

    await tom.goto(path)
    await press(tom, "Consent")
    await told(tom, "You consented to this one change.")
    await charles.reload()
    await charles.get_by_text("Record a change", exact=True).click()
    change = form(charles, "record_change")
    await change.get_by_label("What did you change?").fill("Restarted it.")
    await change.get_by_label("It disrupted").check()
    await change.get_by_label("It rests on").select_option(label="Restart the fence queue.")
    await press(charles, "Record the change")

    await told(charles, "The change is recorded.")
    await told(charles, "disruptive, with consent")
    (one,) = (await stored_pairing(windows.site, path)).changes
    assert (one.what, one.is_disruptive, one.is_breach) == ("Restarted it.", True, False)


@pytest.fixture
async def works(windows: Windows) -> Windows:
    """Windows at a portal with a site: Becky is its primary contact, Huck and Joe help her."""
    await with_people(windows, SITES)
    return windows


async def asks(page: Page, message: str) -> None:
    """Ask for access to the site, as anybody does who knows its short name."""
    await page.goto("/")
    await goes_to(page, "Sites")
    await page.get_by_label("Short name of the site").fill(SITE.slug)
    await page.get_by_label("Message").fill(message)
    await press(page, "Ask for access")
    await told(page, "Your request is sent.")


async def test_a_contact_denies_one_who_asks_and_lets_another_in_with_levels(
    works: Windows,
) -> None:
    muff, sid, becky = await works.of(MUFF), await works.of(SID), await works.of(BECKY)
    await asks(muff, "I look after the cemetery.")
    await asks(sid, "I count the brushes.")

    await becky.goto("/sites")
    await becky.get_by_role("link", name=f"{MUFF.name} asks for").click()
    await form(becky, "deny").get_by_label("Reason").fill("The fence needs no more hands.")
    await press(becky, "Deny")
    await told(becky, "The request is denied.")
    await becky.get_by_role("link", name=SITE.name, exact=True).click()
    await becky.get_by_role("link", name=SID.name).click()
    levels = form(becky, "grant")
    await levels.get_by_label("Reporting").select_option(label="update")
    await levels.get_by_label("Account documents").select_option(label="view")
    await levels.get_by_label("Message").fill("Welcome.")
    await press(becky, "Grant access")
    await told(becky, "Access is granted.")

    await muff.goto(path_of(MUFF))
    await told(muff, "The fence needs no more hands.")
    await expect(muff.locator(".standing .badge")).to_have_text("Denied")
    await sid.goto(path_of(SID))
    await told(sid, "Reporting: update")
    denied, member = await stored_access(works.site, MUFF), await stored_access(works.site, SID)
    held = {area: level for area, level in member.privileges if level != "none"}
    assert (denied.status, denied.answer) == ("denied", "The fence needs no more hands.")
    assert (member.status, member.decided_by) == ("member", BECKY.id)
    assert (held["reporting"], held["documents"]) == ("update", "view")
    assert "purchase" not in held


async def test_a_contact_adds_a_user_who_never_asked(works: Windows) -> None:
    becky = await works.of(BECKY)
    await becky.goto("/sites")
    await becky.get_by_role("link", name="Users").click()

    form_of_add = form(becky, "add")
    await form_of_add.get_by_label("E-mail address").fill(SID.email)
    await form_of_add.get_by_label("Purchase and download").select_option(label="view")
    await press(becky, "Add the user")

    await told(becky, "The user is added, and gets a welcome mail.")
    assert (await stored_access(works.site, SID)).status == "member"
    assert await works.site.link_for(SID, "sites") == works.origin + path_of(SID)


async def test_the_contacts_of_a_site_are_saved_and_the_next_review_is_planned(
    works: Windows,
) -> None:
    becky = await works.of(BECKY)
    await becky.goto("/sites")
    await becky.get_by_role("link", name="Contacts and review").click()
    await told(becky, "none yet: they begin with the first save")

    first = becky.get_by_role("group", name="Secondary contact 1")
    second = becky.get_by_role("group", name="Secondary contact 2")
    await first.get_by_label("Signs in as").fill(SID.email)
    await first.get_by_label("Mail to another address").fill("brushes@fence.example.com")
    await second.get_by_label("Signs in as").fill(JOE.email)
    await press(becky, "Save all contacts")

    await told(becky, "The contacts are saved.")
    facts = becky.get_by_role("complementary")
    await expect(facts).to_contain_text("brushes@fence.example.com")
    await expect(facts).not_to_contain_text(HUCK.name)
    await expect(facts).not_to_contain_text("none yet")
    state = await kept(works.site)
    assert [one.person for one in state.everybody] == [BECKY.id, SID.id, JOE.id]
    assert state.secondaries[0].email == "brushes@fence.example.com"
    assert state.next_review_at is not None


async def test_a_customer_is_switched_on_and_one_of_its_people_accepts_the_terms(
    windows: Windows,
) -> None:
    await with_people(windows, SWITCHING)
    jane, tom = await windows.of(JANE), await windows.of(TOM)
    await jane.goto("/")
    await goes_to(jane, "Customers")
    await press(jane, f"Switch on {FENCE}")
    await told(jane, "The customer is switched on.")
    await expect(jane.locator(".standing .badge")).to_have_text("Waiting")

    await tom.goto("/")
    await goes_to(tom, "Platform access")
    await tom.get_by_role("link", name="Read the terms").click()
    await press(tom, f"Accept for {FENCE}")
    await told(tom, "The terms are accepted, for everybody of your organization.")
    await press(tom, "Sign in to the platform")
    await told(tom, "You are signed in to the platform")

    await expect(jane.locator(".standing .badge")).to_have_text("Accepted", timeout=LIVE)
    state = await stored_switch(windows.site)
    assert state.status == "accepted"
    assert state.accepted is not None
    assert state.accepted.person == TOM.id
    assert [one.person for one in state.sessions] == [TOM.id]


async def test_an_operator_finds_the_record_of_a_process_and_reads_it(windows: Windows) -> None:
    request = await windows.site.asked()
    tom, mary = await windows.of(TOM), await windows.of(MARY)
    await tom.goto(f"/requests/{request}")
    await form(tom, "deny").get_by_label("Reason").fill("We paint ourselves.")
    await press(tom, "Deny")
    number = await tom.locator("code.long").inner_text()

    await mary.goto("/")
    await goes_to(mary, "Audit")
    await mary.get_by_label("Number of the process").fill(number)
    await press(mary, "Show its record")

    await told(mary, "The chain holds")
    row = mary.get_by_role("row").filter(has_text="We paint ourselves.")
    await expect(row).to_contain_text("Denied")
    await expect(row).to_contain_text(TOM.name)
    entries = await Trail(windows.site.installation.engines).entries(request)
    await expect(mary.get_by_role("row")).to_have_count(1 + len(entries))
    await expect(row.locator("code")).to_have_attribute("title", entries[-1].hash)
    assert [one.event for one in entries] == ["submitted", "denied"]


async def test_the_mailbox_of_this_machine_leads_from_a_mail_to_its_page(
    windows: Windows,
) -> None:
    request = await windows.site.asked()
    await windows.site.link_for(TOM, "requests")
    settings, tom = windows.site.settings, await windows.of(TOM)
    assert settings.maildir is not None
    async with Mailbox(settings.maildir) as mailbox:
        server = SmtpServer(
            host="127.0.0.1", port=mailbox.port, security=Security.NONE,
            sender="gatehouse@gatehouse.example",
        )  # fmt: skip
        mailer = SmtpMailer(server)
        for letter in windows.site.letters:
            await mailer.send(letter)
        await mailer.close()

    await tom.goto(f"/mailbox/open/{mailbox_key(settings.keys)}")
    await expect(tom).to_have_url(f"{windows.origin}/mailbox")
    await tom.get_by_role("link", name=TOM.email).click()
    await told(tom, f"Only those to {TOM.email}.")
    await tom.get_by_role("link", name="A request for access is waiting for you").click()
    await expect(tom.locator(".letter")).to_contain_text("Caroline and Charlotte help you")
    await tom.get_by_role("link", name="Follow the link").first.click()

    await expect(tom).to_have_url(f"{windows.origin}/requests/{request}")
    await form(tom, "grant").get_by_label("For 7 days").check()
    await press(tom, "Grant access")
    await told(tom, "Access is granted.")
    assert (await windows.site.installation.request(request)).status == "granted"
