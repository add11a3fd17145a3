"""Pairings on their pages: the mailed link, roles, consents, changes, and the way in."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import update

from approvals.people import Person
from portal import cookies, forms
from store import tables as t
from tests.factories import BECKY, CHRISTOPHER, ELIZABETH, LYDIA, TOM, TOM_SAWYER
from tests.pairings import CARE, CHARLES, GEORGIANA, LOUISA, MESSAGE
from tests.portal.pairings import (
    accepted,
    active,
    by_link,
    done_by,
    link_of,
    offered,
    stored,
    with_vendor,
)
from tests.portal.site import OUR_OWN, Browser, Page, Site


@pytest.fixture
async def paired(site: Site) -> Site:
    """The portal with the vendor's people, their group, and the customers' trust admins."""
    return await with_vendor(site)


async def test_an_offer_is_sent_once_and_listed_by_both_sides(paired: Site) -> None:
    path = await offered(paired)
    charles, tom = await paired.signed_in(CHARLES), await paired.signed_in(TOM)

    for browser in (charles, tom):
        listed = await browser.get("/pairings")
        shown = await browser.get(path)
        assert "Customer Care of Netherfield Systems, with" in listed.text
        assert MESSAGE in shown.text
        assert "Offered" in shown.text
        assert "Mail sent" in shown.text or "Mail" in shown.text


async def test_a_double_click_offers_once(paired: Site) -> None:
    browser = await paired.signed_in(CHARLES)
    page = await browser.get("/pairings/new")
    filled = {"tenant": TOM_SAWYER.slug, "group": CARE.slug}

    first = await browser.send(page, "/pairings/new", **filled)
    second = await browser.send(page, "/pairings/new", **filled)

    assert first.goal == second.goal
    again = await browser.get("/pairings/new")
    other = await browser.send(again, "/pairings/new", message="Once more.", **filled)
    assert other.status == 409
    assert "has a pairing with this tenant already" in other.text
    assert other.form("/pairings/new")["message"] == "Once more."


async def test_an_offer_that_breaks_rules_names_the_fields(paired: Site) -> None:
    browser = await paired.signed_in(CHARLES)
    page = await browser.get("/pairings/new")

    wrong = await browser.send(
        page, "/pairings/new", tenant="", group=CARE.slug, message="a" * 2001
    )

    assert wrong.status == 422
    assert "The message is 2001 characters" in wrong.text
    assert 'id="offer-tenant-wrong"' in wrong.html
    assert wrong.form("/pairings/new")["message"] == "a" * 2001


@pytest.mark.parametrize("person", [LYDIA, GEORGIANA], ids=lambda one: one.name)
async def test_only_agents_offer(paired: Site, person: Person) -> None:
    browser = await paired.signed_in(person)

    assert (await browser.get("/pairings/new")).status == 403


@pytest.mark.parametrize("person", [LYDIA, ELIZABETH, CHRISTOPHER], ids=lambda one: one.name)
async def test_who_has_no_part_in_a_pairing_finds_nothing(paired: Site, person: Person) -> None:
    path = await offered(paired)
    browser = await paired.signed_in(person)
    token = await link_of(paired)

    page, opened = await browser.get(path), await by_link(browser, path, token)

    assert (page.status, opened.status) == (404, 404)
    assert "This link is not valid" in opened.text
    assert "Customer Care" not in opened.text


async def test_opening_a_link_uses_nothing_up(paired: Site) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    tom = await paired.signed_in(TOM)

    pages = [await by_link(tom, path, token) for _ in range(3)]

    assert [one.status for one in pages] == [200] * 3
    assert "Looking at it uses nothing up." in pages[-1].text
    assert "configuration.view" in pages[-1].text
    assert (await stored(paired, path)).version == 1
    assert (await tom.send(pages[0], f"{path}/accept")).status == 303
    assert (await stored(paired, path)).status == "paired"


async def test_a_link_leads_over_the_sign_in(paired: Site) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    stranger = paired.browser()

    page = await stranger.get(f"{path}/{token}")
    then = await stranger.follow(page)

    assert (page.goal, then.goal) == (f"{path}/link", "/sign-in")
    assert token not in str(page.headers) + str(then.headers)


async def test_the_token_of_a_link_stands_on_no_page_and_in_no_address(paired: Site) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    tom = await paired.signed_in(TOM)

    answer = await tom.get(f"{path}/{token}")
    page = await tom.follow(answer)

    assert answer.goal == f"{path}/link"
    assert token not in answer.html + str(answer.headers) + page.html
    assert page.has_form(f"{path}/accept")


async def test_the_cookie_of_a_link_lives_15_minutes_from_the_last_step_on_its_way(
    paired: Site,
) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    guest, tom = paired.browser(), await paired.signed_in(TOM, ago=timedelta(hours=1))

    came = await guest.get(f"{path}/{token}")
    code_mailed = await guest.send(
        await guest.follow(await guest.follow(came)), "/sign-in", email=TOM.email
    )
    page = await by_link(tom, path, token)
    aged = await tom.send(page, f"{path}/accept")

    assert aged.goal == "/sign-in/again"
    assert [life_of_link(one) for one in (came, code_mailed, page, aged)] == [900] * 4


def life_of_link(page: Page) -> int | None:
    """Return the seconds for which an answer lets its browser keep the token of a link."""
    for header in page.headers.get_list("set-cookie"):
        name, *attributes = header.split("; ")
        if name.partition("=")[0].endswith("-offer"):
            return int(dict(one.partition("=")[::2] for one in attributes)["Max-Age"])
    return None


async def test_a_link_counts_for_its_own_pairing_alone(paired: Site) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    tom = await paired.signed_in(TOM)
    foreign = f"/pairings/{uuid4()}"

    await tom.get(f"{foreign}/{token}")
    page = await tom.get(f"{path}/link")

    assert page.status == 404
    assert "This link is not valid" in page.text


async def test_wrong_links_are_tried_ten_times_a_minute_and_no_more(paired: Site) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    tom = await paired.signed_in(TOM)
    wrong = token[:-3] + ("AAA" if not token.endswith("AAA") else "BBB")

    tries = [
        (await tom.send(await by_link(tom, path, wrong), f"{path}/accept")).status
        for _ in range(11)
    ]

    assert tries == [404] * 10 + [429]


async def test_a_wrong_token_is_refused_and_consumes_nothing(paired: Site) -> None:
    path = await offered(paired)
    token = await link_of(paired)
    tom = await paired.signed_in(TOM)
    wrong = token[:-3] + ("AAA" if not token.endswith("AAA") else "BBB")
    page = await by_link(tom, path, wrong)

    refused = await tom.send(page, f"{path}/accept")
    malformed = await tom.get(f"{path}/{token}x")
    right = await tom.send(await by_link(tom, path, token), f"{path}/accept")

    assert refused.status == 404
    assert "This link is not valid. Ask for a new one." in refused.text
    assert malformed.status == 404
    assert right.status == 303


async def test_a_link_works_once(paired: Site) -> None:
    path, tom = await accepted(paired)
    token = await link_of(paired)

    again = await by_link(tom, path, token)

    assert "This offer is not open any more." in again.text
    assert not again.has_form(f"{path}/accept")


async def test_a_new_link_voids_the_older_one(paired: Site) -> None:
    path = await offered(paired)
    older = await link_of(paired)
    tom, charles = await paired.signed_in(TOM), await paired.signed_in(CHARLES)
    seen = len(paired.letters)

    again = await done_by(charles, path, "reissue")
    newer = await link_of(paired, before=seen)
    refused = await tom.send(await by_link(tom, path, older), f"{path}/accept")
    taken = await tom.send(await by_link(tom, path, newer), f"{path}/accept")

    assert "A new link is mailed." in (await charles.follow(again)).text
    assert older != newer
    assert (refused.status, taken.status) == (404, 303)


async def test_declining_needs_a_reason_and_keeps_what_was_typed(paired: Site) -> None:
    path = await offered(paired)
    tom = await paired.signed_in(TOM)

    without = await done_by(tom, path, "decline", reason=" ")
    declined = await tom.send(without, f"{path}/decline", reason="<i>Not</i> this year.")

    assert without.status == 422
    assert "Give a reason for declining this offer." in without.text
    assert 'id="decline-reason-wrong"' in without.html
    after = await tom.follow(declined)
    assert "The offer is declined." in after.text
    assert "&lt;i&gt;Not&lt;/i&gt; this year." in after.html


async def test_an_old_sign_in_is_confirmed_first_and_what_was_typed_is_kept(paired: Site) -> None:
    path = await offered(paired)
    tom = await paired.signed_in(TOM, ago=timedelta(minutes=20))

    asked = await done_by(tom, path, "decline", reason="Not this year.")

    assert asked.goal == "/sign-in/again"
    page = await tom.get(path)
    assert page.form(f"{path}/decline")["reason"] == "Not this year."
    assert "What you typed was kept" in page.text
    assert (await stored(paired, path)).status == "offered"


async def test_roles_are_assigned_as_far_as_they_reach_the_minimum(paired: Site) -> None:
    path, tom = await accepted(paired)
    own = await done_by(tom, path, "define_role", name="listener", permissions=["recordings.play"])

    short = await done_by(tom, path, "assign_roles", roles=["listener"])
    none = await done_by(tom, path, "assign_roles", roles=[])
    both = await done_by(tom, path, "assign_roles", roles=["listener", "viewer"])

    assert own.status == 303
    assert short.status == 422
    assert "These roles together lack configuration.view" in short.text
    assert re.search(r'value="listener" checked', short.html)
    assert none.status == 422
    assert "Name 1 to 10 roles" in none.text
    after = await tom.follow(both)
    assert "recordings.play" in after.text
    assert "not billable" in after.text
    assert (await stored(paired, path)).status == "active"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("Not a role!", "A role's name uses a-z"), ("admin", "There is a role of that name")],
)
async def test_a_role_of_ones_own_has_a_name_of_its_own(
    paired: Site, name: str, sentence: str
) -> None:
    path, tom = await accepted(paired)

    wrong = await done_by(tom, path, "define_role", name=name, permissions=["logs.view"])

    assert wrong.status == 422
    assert sentence in wrong.text
    assert wrong.form(f"{path}/define_role")["name"] == name


async def test_roles_that_are_asked_for_are_declined_with_a_reason(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)
    asked = await done_by(
        charles, path, "ask_roles", roles=["admin"], person=str(LOUISA.id), reason="The queue."
    )
    assert asked.status == 303, asked.text
    ask = (await stored(paired, path)).asks[0].id
    page = await tom.get(path)
    form = f"{path}/decline_roles/{ask}"

    without = await tom.send(page, form, reason="")
    declined = await tom.send(page, form, reason="Support is enough.")

    assert "The queue." in page.text
    assert "Louisa Hurst" in page.text
    assert (without.status, declined.status) == (422, 303)
    assert (await stored(paired, path)).asks == ()


async def test_suspending_lets_nobody_in_until_it_is_resumed(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)

    await done_by(tom, path, "suspend", message="We move house.")
    shut = await charles.get(path)
    await done_by(tom, path, "resume")
    open_again = await charles.get(path)

    assert "We move house." in shut.text
    assert not shut.has_form(f"{path}/begin_session")
    assert open_again.has_form(f"{path}/begin_session")


async def test_a_session_shows_its_way_in_and_ends(paired: Site) -> None:
    path, _ = await active(paired)
    georgiana, louisa = await paired.signed_in(GEORGIANA), await paired.signed_in(LOUISA)

    begun = await done_by(georgiana, path, "begin_session", mode="support")
    page = await georgiana.follow(begun)

    assert "The session is open." in page.text
    assert page.form("https://target.example/land")["assertion"].count(".") == 2
    assert "form-action 'self' https://target.example" in page.headers["content-security-policy"]
    assert (await louisa.get(begun.goal)).status == 404
    session = begun.goal.rpartition("/")[2]
    ended = await georgiana.send(page, f"{path}/end_session/{session}")
    assert "The session is closed." in (await georgiana.follow(ended)).text
    assert (await georgiana.get(begun.goal)).status == 404


async def test_a_cloned_user_enters_as_such_and_is_removed_by_the_customer(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)

    await done_by(charles, path, "add_clone")
    begun = await done_by(charles, path, "begin_session", mode="support", as_clone="yes")
    inside = await charles.follow(begun)
    clone = (await stored(paired, path)).clones[0].id
    removed = await done_by(tom, path, f"remove_clone/{clone}")

    assert "your cloned user" in inside.text
    assert removed.status == 303
    after = await stored(paired, path)
    assert (after.clones, after.sessions) == ((), ())


async def test_a_consent_covers_its_change_and_a_change_without_one_is_a_breach(
    paired: Site,
) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)
    await done_by(charles, path, "ask_consent", what="Restart the queue.")
    consent = (await stored(paired, path)).consents[0].id
    given = await done_by(tom, path, f"consent/{consent}")
    assert given.status == 303, given.text

    await done_by(charles, path, "record_change", what="Restarted it.", consent=str(consent))
    await done_by(charles, path, "record_change", what="Cut a line.", is_disruptive="yes")

    covered, breach = (await stored(paired, path)).changes
    assert (covered.is_breach, breach.is_breach) == (False, True)
    page = await tom.get(path)
    assert "breach: disruptive, without consent" in page.text
    undone = await done_by(charles, path, f"record_revert/{breach.id}", note="It is back.")
    assert undone.status == 303
    assert "It is back." in (await tom.get(path)).text


async def test_a_consent_is_refused_with_a_reason(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)
    await done_by(charles, path, "ask_consent", what="Restart the queue.")
    consent = (await stored(paired, path)).consents[0].id

    without = await done_by(tom, path, f"refuse/{consent}", reason="")
    refused = await tom.send(without, f"{path}/refuse/{consent}", reason="At night only.")

    assert (without.status, refused.status) == (422, 303)
    assert "At night only." in (await charles.get(path)).text


async def test_a_decision_on_what_has_changed_gives_the_difference(paired: Site) -> None:
    path, tom = await active(paired)
    becky = await paired.signed_in(BECKY)
    seen = await becky.get(path)
    await done_by(tom, path, "assign_roles", roles=["admin"])

    stale = await becky.send(seen, f"{path}/revoke", reason="Not needed any more.")

    assert stale.status == 409
    assert "What changed while you looked" in stale.text
    assert "Customer Care: support, admin" in stale.text
    assert stale.form(f"{path}/revoke")["reason"] == "Not needed any more."
    again = await becky.send(stale, f"{path}/revoke", reason="Not needed any more.")
    assert again.status == 303
    assert (await stored(paired, path)).status == "revoked"


async def test_an_agent_finds_no_form_of_the_customers_and_is_refused_one(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)
    page = await charles.get(path)
    of_tom = (await tom.get(path)).form(f"{path}/revoke")

    stolen = await charles.client.post(f"{path}/revoke", data=of_tom, headers=OUR_OWN)

    assert not page.has_form(f"{path}/revoke")
    assert page.has_form(f"{path}/ask_consent")
    assert stolen.status_code == 403
    assert (await stored(paired, path)).status == "active"


async def test_a_command_beyond_ones_role_is_refused_with_the_rules_sentence(
    paired: Site,
) -> None:
    path, tom = await active(paired)
    page = await tom.get(path)
    mark = page.form(f"{path}/revoke")
    charles = await paired.signed_in(CHARLES)
    await charles.get(path)
    token_hash = _hash_of(paired, charles)
    own = forms.mark(paired.parts, token_hash, "/pairings/{process}/revoke")

    refused = await charles.client.post(
        f"{path}/revoke",
        data={**mark, "csrf": own, "reason": "We are done."},
        headers=OUR_OWN,
    )

    assert refused.status_code == 403
    assert "You may not revoke this pairing" in refused.text


def _hash_of(site: Site, browser: Browser) -> str:
    name = cookies.name_of(site.parts, cookies.SIGN_IN)
    return cookies.hashed(str(browser.client.cookies.get(name)))


async def test_a_strange_id_in_a_form_is_no_form_of_ours(paired: Site) -> None:
    path, tom = await active(paired)
    charles = await paired.signed_in(CHARLES)
    await done_by(charles, path, "ask_consent", what="Restart the queue.")
    consent = (await stored(paired, path)).consents[0].id
    page = await tom.get(path)
    fields = page.form(f"{path}/consent/{consent}")

    answer = await tom.client.post(f"{path}/consent/nothing", data=fields, headers=OUR_OWN)

    assert answer.status_code == 400


async def test_a_page_in_german_says_it_in_german(paired: Site) -> None:
    async with paired.installation.engines.write.begin() as connection:
        await connection.execute(
            update(t.person).where(t.person.c.id == TOM.id).values(locale="de")
        )
    path, tom = await accepted(paired)

    page = await tom.get(path)
    short = await done_by(tom, path, "assign_roles", roles=["nothing-there"])

    assert page.headers["content-language"] == "de"
    for words in ("Kopplungen", "Gekoppelt, ohne Rollen", "Rollen zuweisen", "nicht abgerechnet"):
        assert words in page.text
    assert "Eine solche Rolle gibt es hier nicht." in short.text
    assert "'nothing-there' is not a role" in short.text  # the facts, which only the rule knows
