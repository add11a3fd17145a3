"""Requests on their pages: who sees what, and what decisions and second decisions lead to."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from approvals.tenant_access.commands import ChangeEnd, Grant
from tests.factories import (
    BECKY,
    CAROLINE,
    CHARLOTTE,
    CHRISTOPHER,
    ELIZABETH,
    LYDIA,
    MESSAGE,
    NAME,
    TOM,
    make_id,
)
from tests.portal.site import OUR_OWN, Page, Site
from tests.store.rows import digest_of

QUARTER = timedelta(minutes=15)


def grant_of(request: UUID) -> str:
    """Return where the form goes that grants a request."""
    return f"/requests/{request}/grant"


async def test_an_admin_sees_who_asks_and_neither_the_people_nor_the_name(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)

    page = await tom.get(f"/requests/{request}")

    assert page.status == 200
    for shown in ("Classics, Inc. asks for Tom Sawyer", MESSAGE, "not shown", "Becky Thatcher"):
        assert shown in page.text
    for concealed in (CAROLINE.name, CHARLOTTE.name, ELIZABETH.name, CAROLINE.email, NAME):
        assert concealed not in page.html


async def test_who_asked_sees_the_people_and_the_name(site: Site) -> None:
    request = await site.asked()
    elizabeth = await site.signed_in(ELIZABETH)

    page = await elizabeth.get(f"/requests/{request}")

    assert {CAROLINE.name, CHARLOTTE.name, NAME} <= {
        one for one in (CAROLINE.name, CHARLOTTE.name, NAME) if one in page.text
    }
    assert page.has_form(f"/requests/{request}/withdraw")
    assert not page.has_form(grant_of(request))


@pytest.mark.parametrize("person", [LYDIA, CHRISTOPHER], ids=lambda one: one.name)
async def test_who_has_no_part_in_it_finds_nothing(site: Site, person: type[TOM]) -> None:  # type: ignore[valid-type]
    request = await site.asked()
    browser = await site.signed_in(person)  # type: ignore[arg-type]

    page = await browser.get(f"/requests/{request}")
    other = await browser.get(f"/requests/{uuid4()}")

    assert (page.status, other.status) == (404, 404)
    assert "There is nothing here, or you may not see it." in page.text


@pytest.mark.parametrize("spelling", [str.upper, lambda one: one.replace("-", ""), "{{{}}}".format])
async def test_an_id_that_is_not_written_as_ids_are_is_not_there(
    site: Site, spelling: "type[str]"
) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)

    page = await tom.get(f"/requests/{spelling(str(request))}")

    assert page.status == 404


async def test_a_grant_is_confirmed_and_stands_on_the_timeline(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")

    granted = await tom.send(page, grant_of(request), end="7d", message="Welcome.")

    after = await tom.follow(granted)
    assert "Access is granted." in after.text
    assert "Tom Sawyer granted it. It ends in 7 days" in after.text
    assert "Welcome." in after.text
    state = await site.installation.request(request)
    assert state.ends_at is not None
    assert timedelta(days=6.9) < state.ends_at - datetime.now(UTC) < timedelta(days=7)


async def test_a_day_means_its_end_in_the_tenants_zone(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")
    day = (datetime.now(UTC) + timedelta(days=30)).date()

    await tom.send(page, grant_of(request), end="date", date=day.isoformat())

    state = await site.installation.request(request)
    assert state.ends_at == datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Choose when the access ends."),
        ({"end": "soon"}, "Choose when the access ends."),
        ({"end": "date"}, "Choose the day on which the access ends."),
        ({"end": "date", "date": "31.12.2030"}, "That is not a date we can read."),
        ({"end": "date", "date": "2020-01-01"}, "The end date is in the past"),
        ({"end": "date", "date": "2099-01-01"}, "Access may last at most 365 days"),
        ({"end": "7d", "message": "a" * 2001}, "The message is 2001 characters"),
        ({"end": "7d", "message": "\u202eevil"}, "direction-changing character"),
    ],
    ids=str,
)
async def test_a_form_that_breaks_a_rule_names_it_and_keeps_what_was_typed(
    site: Site, typed: dict[str, str], sentence: str
) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")

    wrong = await tom.send(page, grant_of(request), **{"message": "Typed with care.", **typed})

    assert wrong.status == 422
    assert sentence in wrong.text
    assert 'aria-invalid="true"' in wrong.html
    form = wrong.form(grant_of(request))
    assert form["message"] == typed.get("message", "Typed with care.")
    assert (await site.installation.request(request)).status == "pending"


async def test_a_denial_needs_a_reason_which_who_asked_reads(site: Site) -> None:
    request = await site.asked()
    tom, elizabeth = await site.signed_in(TOM), await site.signed_in(ELIZABETH)
    page = await tom.get(f"/requests/{request}")
    deny = f"/requests/{request}/deny"

    without = await tom.send(page, deny, reason="  ")
    with_one = await tom.send(without, deny, reason="<b>Not</b> now.")

    assert (without.status, with_one.status) == (422, 303)
    assert "Give a reason for denying this request." in without.text
    seen = await elizabeth.get(f"/requests/{request}")
    assert "&lt;b&gt;Not&lt;/b&gt; now." in seen.html
    assert "Tom Sawyer denied it" in seen.text


async def test_a_double_click_counts_once(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")

    first = await tom.send(page, grant_of(request), end="7d")
    second = await tom.send(page, grant_of(request), end="7d")

    assert (first.goal, second.goal) == (f"/requests/{request}?done=grant",) * 2
    entries = await site.installation.inbox.state(request)
    assert entries is not None
    assert entries.version == 2


async def test_a_second_decision_shows_who_was_first(site: Site) -> None:
    request = await site.asked()
    tom, becky = await site.signed_in(TOM), await site.signed_in(BECKY)
    page_of_tom = await tom.get(f"/requests/{request}")
    page_of_becky = await becky.get(f"/requests/{request}")
    await tom.send(page_of_tom, grant_of(request), end="7d")

    late = await becky.send(page_of_becky, f"/requests/{request}/deny", reason="No, thank you.")

    assert late.status == 409
    assert "already granted by Tom Sawyer" in late.text
    assert "Tom Sawyer granted it. It ends" in late.text
    assert (await site.installation.request(request)).status == "granted"


async def test_a_changed_request_gives_the_difference_and_keeps_what_was_typed(site: Site) -> None:
    request = await site.asked()
    tom, becky = await site.signed_in(TOM), await site.signed_in(BECKY)
    await tom.send(await tom.get(f"/requests/{request}"), grant_of(request), end="7d")
    revoke, change = f"/requests/{request}/revoke", f"/requests/{request}/change_end"
    seen_by_becky = await becky.get(f"/requests/{request}")
    await tom.send(await tom.get(f"/requests/{request}"), change, end="none")

    stale = await becky.send(seen_by_becky, revoke, reason="It lasts too long.")

    assert stale.status == 409
    for words in ("What changed while you looked", "You saw", "no end date"):
        assert words in stale.text
    assert stale.form(revoke)["reason"] == "It lasts too long."
    assert (await site.installation.request(request)).status == "granted"
    again = await becky.send(stale, revoke)
    assert again.status == 303
    assert (await site.installation.request(request)).status == "revoked"


async def test_an_old_sign_in_must_be_confirmed_and_nothing_typed_is_lost(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM, ago=QUARTER)
    page = await tom.get(f"/requests/{request}")
    deny = f"/requests/{request}/deny"

    sent = await tom.send(page, deny, reason="Typed with care.")

    assert "we will mail you a code first" in page.text
    assert sent.goal == "/sign-in/again"
    asks = await tom.follow(sent)
    seen = len(site.letters)
    code_page = await tom.follow(await tom.send(asks, "/sign-in/again"))
    code = await site.code_for(TOM, seen)
    back = await tom.send(code_page, "/sign-in/code", code=code)
    assert back.goal == f"/requests/{request}"
    kept = await tom.follow(back)
    assert kept.form(deny)["reason"] == "Typed with care."
    assert (await site.installation.request(request)).status == "pending"
    assert (await tom.send(kept, deny)).status == 303
    assert (await site.installation.request(request)).status == "denied"


async def test_without_temporal_reading_goes_on_and_a_change_says_that_it_was_not_made(
    site: Site,
) -> None:
    request = await site.asked()
    away = Site(site.installation, site.settings, None)
    tom = await away.signed_in(TOM)
    page = await tom.get(f"/requests/{request}")

    sent = await tom.send(page, grant_of(request), end="7d", message="Typed with care.")

    assert page.status == 200
    assert sent.status == 503
    assert "Nothing was changed." in sent.text
    assert sent.form(grant_of(request))["message"] == "Typed with care."
    assert (await site.installation.request(request)).status == "pending"
    await away.close()


async def test_looking_changes_nothing(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    await site.mailed(2)
    before = await digest_of(site.installation.engines)

    for path in (f"/requests/{request}", grant_of(request), "/requests/incoming", "/"):
        for method in ("GET", "HEAD", "OPTIONS"):
            await tom.client.request(method, path)

    assert await digest_of(site.installation.engines) == before


async def test_a_withdrawal_and_the_end_for_all_are_for_who_asked(site: Site) -> None:
    request = await site.asked()
    elizabeth, tom = await site.signed_in(ELIZABETH), await site.signed_in(TOM)
    await tom.send(await tom.get(f"/requests/{request}"), grant_of(request), end="none")
    page = await elizabeth.get(f"/requests/{request}")

    done = await elizabeth.follow(await elizabeth.send(page, f"/requests/{request}/finish_all"))

    assert "The access of everybody named is given back." in done.text
    assert (await site.installation.request(request)).status == "finished"


async def test_a_form_that_somebody_else_would_have_is_refused_by_the_door(site: Site) -> None:
    request = await site.asked()
    elizabeth = await site.signed_in(ELIZABETH)
    page = await elizabeth.get(f"/requests/{request}")
    borrowed = {**page.form(f"/requests/{request}/withdraw")}
    marks = elizabeth.client.cookies

    answer = await elizabeth.client.post(
        f"/requests/{request}/deny", data={**borrowed, "reason": "Mine."}, headers=OUR_OWN
    )

    assert marks
    assert Page(answer).status == 403
    assert (await site.installation.request(request)).status == "pending"


async def test_lists_come_in_pages_and_cost_the_same_however_long(site: Site) -> None:
    for number in range(27):
        await site.asked(batch=make_id(f"batch {number}"))
    tom = await site.signed_in(TOM)
    await site.mailed(2 * 27)  # the worker reads from the same database
    first = await tom.get("/requests/incoming")
    counted: list[str] = []
    engine = site.installation.engines.read.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: counted.append(given[2]))

    many = await tom.get("/requests/incoming")
    of_many = len(counted)
    older = next(one for one in many.html.split('"') if "after=" in one)
    few = await tom.get(older.replace("&amp;", "&"))

    assert first.text.count("Classics, Inc. asks for") == 25
    assert few.text.count("Classics, Inc. asks for") == 2
    assert "Older" not in few.text
    assert len(counted) - of_many == of_many


async def test_a_list_shows_one_status_alone(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)

    pending = await tom.get("/requests/incoming?status=pending")
    denied = await tom.get("/requests/incoming?status=denied")

    assert str(request) in pending.html
    assert "No request has this status" in denied.text
    assert str(request) not in denied.html


@pytest.mark.parametrize("place", ["x", "20260101T000000.000000~", "20260101T000000.000000~x", "~"])
async def test_a_place_in_a_list_that_was_never_given_out_is_not_there(
    still: Site, place: str
) -> None:
    tom = await still.signed_in(TOM)

    page = await tom.get(f"/requests/incoming?after={place}")

    assert page.status == 404


async def test_a_late_end_says_what_the_policy_allows(site: Site) -> None:
    request = await site.asked()
    tom = await site.signed_in(TOM)
    shown = await site.installation.shown(request)
    said = site.installation.signed(TOM, request, Grant(no_end=True, shown=shown))
    await site.installation.gatehouse(await site.parts.client()).send("tenant_access", said)
    page = await tom.get(f"/requests/{request}")

    wrong = await tom.send(page, f"/requests/{request}/change_end", end="date", date="2020-01-01")

    assert wrong.status == 422
    assert "The end date is in the past" in wrong.text
    assert ChangeEnd.kind == "change_end"
