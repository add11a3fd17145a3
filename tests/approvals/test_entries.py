"""The rules of the gate: no word that nobody knows opens anything, and no is the default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from approvals.access import Passage, Standing, Via, decide
from approvals.customer_access.commands import Enable
from approvals.fields import problems
from approvals.permissions import ACTIONS, PERMISSIONS
from approvals.platform_entry import PlatformAction, PlatformStanding, decide_platform
from approvals.site_access.privileges import LEVELS, Area
from approvals.site_entry import SiteStanding, decide_site
from tests.approvals.test_slugs import ELSEWHERE, RECIPES
from tests.bad_inputs import cases, rows
from tests.factories import DAY, PROCESS, START

WORDS = [one.value for surface in ("roles", "tenants", "names") for one in rows(surface)]
TEXTS = sorted({one for one in WORDS if isinstance(one, str)})
EVERYTHING = Passage(
    process=PROCESS, ends_at=None, no_end=True, permissions=tuple(PERMISSIONS), has_session=True
)
PAIRED = Standing(
    is_person_live=True, is_tenant_on=True, is_tenant_locked=False, is_legacy=False,
    was_ever_granted=False, passages=(EVERYTHING,),
)  # fmt: skip
ACCEPTED = PlatformStanding(
    is_person_live=True, is_partner_on=True, is_served=True, process=PROCESS, status="accepted",
    begun_at=START,
)  # fmt: skip
PRIMARY = SiteStanding(is_person_live=True, is_site_on=True, is_primary=True, is_secondary=False)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_word_that_is_no_action_opens_nothing(text: str) -> None:
    answers = [
        decide(PAIRED, Via.REQUEST, START, text),
        decide(PAIRED, Via.SESSION, START, text),
        decide_platform(ACCEPTED, text, START),
        decide_site(PRIMARY, text, "view"),
        decide_site(PRIMARY, "reporting", text),
    ]

    assert [one.is_open for one in answers] == [False] * 5
    assert {one.reason.value for one in answers} == {"not_permitted", "unknown_action"}


@pytest.mark.parametrize("action", [*PERMISSIONS, *ACTIONS])
def test_every_known_action_is_open_to_who_holds_all_permissions(action: str) -> None:
    assert decide(PAIRED, Via.REQUEST, START, action).is_open


@given(st.text())
def test_no_text_at_all_is_a_disruptive_change_without_its_consent(change: str) -> None:
    found = decide(PAIRED, Via.REQUEST, START, "disruptive-change", change)

    assert (found.is_open, found.reason.value) == (False, "no_consent")


FLAGS = st.booleans()
HELD = st.sampled_from(("none", "view", "update", "x"))
STATUSES = st.none() | st.sampled_from(("pending", "accepted", "disabled", "", "granted"))


@given(
    live=FLAGS, partner=FLAGS, served=FLAGS, status=STATUSES, in_session=FLAGS,
    action=st.sampled_from((*PlatformAction, "other")),
    begun=st.none() | st.sampled_from((START, START - DAY)),
)  # fmt: skip
def test_a_platform_is_open_only_where_every_fact_says_so(
    live: bool,
    partner: bool,
    served: bool,
    status: str | None,
    in_session: bool,
    action: str,
    begun: object,
) -> None:
    standing = PlatformStanding.model_validate(
        {
            "is_person_live": live, "is_partner_on": partner, "is_served": served,
            "process": PROCESS, "status": status, "begun_at": begun,
        }
    )  # fmt: skip

    found = decide_platform(standing, action, START, in_session=in_session)

    is_let_in = status == "accepted" and action != "other" and (not in_session or begun == START)
    reads = status == "pending" and action == "accept_terms" and not in_session
    assert found.is_open == (live and partner and served and (is_let_in or reads))


@given(
    live=FLAGS, on=FLAGS, primary=FLAGS, secondary=FLAGS,
    held=st.none() | st.dictionaries(st.sampled_from(Area), HELD),
    area=st.sampled_from(Area), level=st.sampled_from(("view", "update")),
)  # fmt: skip
def test_a_site_is_open_only_to_who_holds_the_level(
    live: bool,
    on: bool,
    primary: bool,
    secondary: bool,
    held: dict[Area, str] | None,
    area: Area,
    level: str,
) -> None:
    given_pairs = None if held is None else tuple((one.value, word) for one, word in held.items())
    standing = SiteStanding(
        is_person_live=live, is_site_on=on, is_primary=primary, is_secondary=secondary,
        process=PROCESS, privileges=given_pairs,
    )  # fmt: skip

    found = decide_site(standing, area, level)

    if found.is_open:
        assert live
        assert on
        assert primary or secondary or held is not None
        for_contacts = area in (Area.MANAGE_ACCESS, Area.CONTACT_UPDATES)
        assert not for_contacts or primary or secondary
        assert level in LEVELS[area]
    elif live and on and primary:
        assert level not in LEVELS[area]


@pytest.mark.parametrize(("expect", "value"), cases("tenants", RECIPES, ELSEWHERE))
def test_a_malformed_customer_or_partner_is_refused_by_name(expect: str, value: object) -> None:
    fields = (
        ("customer",) if value is None else ("customer", "partner")
    )  # a partner may be left out
    for field in fields:
        with pytest.raises(ValidationError) as refusal:
            Enable.model_validate({"customer": "tom-sawyer", field: value})

        ((path, code, _),) = problems(refusal.value)
        assert (path, code) == (field, expect)
