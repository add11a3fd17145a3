"""Access to a site: who may ask, who may decide, and what nobody can be given."""

from datetime import timedelta
from typing import NamedTuple

import pytest

from approvals import newcomers
from approvals.commands import Command
from approvals.errors import (
    AlreadyDecidedError,
    AlreadySubmittedError,
    ApprovalError,
    InvalidDecisionError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    OwnRequestError,
    RateLimitedError,
    StaleError,
    SubmissionError,
    TooLateError,
)
from approvals.newcomers import person_id_of
from approvals.people import OrganizationKind, Person, Role
from approvals.policy import Policy
from approvals.site_access.commands import (
    Ask,
    ChangePrivileges,
    Deny,
    Grant,
    Remove,
    Withdraw,
)
from approvals.site_access.privileges import Area, Level, levels_of
from approvals.site_access.record import process_id_of
from approvals.site_access.rules import RULES
from tests.factories import (
    BECKY,
    DAY,
    FENCE_PAINTING,
    HOUR,
    LYDIA,
    MS,
    START,
    TOM,
    changed,
    make_person,
    role,
    with_roles,
    without_roles,
)
from tests.sites import (
    HUCK,
    JOE,
    MUFF,
    SID,
    SITE,
    SITES,
    SiteLife,
    levels,
    make_add,
    make_save,
    managing,
)

GRANT = Grant(privileges=levels(purchase="view"))
DENY = Deny(reason="Order through Tom, please.")
ASK = Ask(site=SITE.slug, message="I order the paint from now on.")
CHANGE = ChangePrivileges(privileges=levels(purchase="update", documents="view"))
WINDOW = 14 * DAY


class Step(NamedTuple):
    """Who does what to Sid's access how long after START, and how it stands then."""

    act: Command
    by: Person
    after: timedelta
    then: str | type[ApprovalError]


ADD = make_add(SID)
LIVES: dict[str, list[Step]] = {
    "asked, granted, changed, removed": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(GRANT, BECKY, DAY, "member"),
        Step(CHANGE, BECKY, 2 * DAY, "member"),
        Step(Remove(), BECKY, 3 * DAY, "removed"),
    ],
    "denied, asked again, withdrawn, asked again, granted": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(DENY, BECKY, DAY, "denied"),
        Step(ASK, SID, 2 * DAY, "asked"),
        Step(Withdraw(), SID, 3 * DAY, "withdrawn"),
        Step(ASK, SID, 4 * DAY, "asked"),
        Step(GRANT, BECKY, 5 * DAY, "member"),
    ],
    "added without a request, removed, added again": [
        Step(ADD, BECKY, 0 * DAY, "member"),
        Step(Remove(), BECKY, DAY, "removed"),
        Step(ADD, BECKY, 2 * DAY, "member"),
    ],
    "added while asking is a grant": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(ADD, BECKY, DAY, "member"),
        Step(GRANT, BECKY, DAY, AlreadyDecidedError),
    ],
    "nobody asks twice, and no member asks": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(ASK, SID, HOUR, AlreadySubmittedError),
        Step(GRANT, BECKY, DAY, "member"),
        Step(ASK, SID, 2 * DAY, SubmissionError),
        Step(ADD, BECKY, 2 * DAY, SubmissionError),
    ],
    "a decision counts until the end of the window and not at it": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(GRANT, BECKY, WINDOW, TooLateError),
        Step(DENY, BECKY, WINDOW, TooLateError),
        Step(ADD, BECKY, WINDOW, TooLateError),
        Step(Withdraw(), SID, WINDOW, TooLateError),
        Step(GRANT, BECKY, WINDOW - MS, "member"),
    ],
    "what is closed takes no decision": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(DENY, BECKY, DAY, "denied"),
        Step(GRANT, BECKY, DAY, AlreadyDecidedError),
        Step(Withdraw(), SID, DAY, AlreadyDecidedError),
        Step(Remove(), BECKY, DAY, AlreadyDecidedError),
    ],
    "a member is not withdrawn, and who asks is not changed": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(CHANGE, BECKY, DAY, NotAllowedNowError),
        Step(GRANT, BECKY, DAY, "member"),
        Step(Withdraw(), SID, DAY, AlreadyDecidedError),
    ],
    "a secondary contact without the level, a user and a stranger decide nothing": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(GRANT, HUCK, DAY, NotAuthorisedError),
        Step(ADD, HUCK, DAY, NotAuthorisedError),
        Step(GRANT, TOM, DAY, NotFoundError),
        Step(ADD, TOM, DAY, NotFoundError),
        Step(DENY, LYDIA, DAY, NotFoundError),
        Step(Withdraw(), BECKY, DAY, NotAuthorisedError),
    ],
    "nobody decides for themselves": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(GRANT, SID, DAY, OwnRequestError),
        Step(Remove(), SID, DAY, OwnRequestError),
    ],
    "a decision on what has changed since is none": [
        Step(ASK, SID, 0 * DAY, "asked"),
        Step(GRANT.model_copy(update={"shown": "0" * 64}), BECKY, DAY, StaleError),
        Step(GRANT, BECKY, DAY, "member"),
        Step(Remove(shown="0" * 64), BECKY, DAY, StaleError),
        Step(CHANGE.model_copy(update={"shown": "0" * 64}), BECKY, DAY, StaleError),
    ],
}


@pytest.mark.parametrize("steps", LIVES.values(), ids=LIVES.keys())
def test_every_step_of_a_life_leads_where_it_should(steps: list[Step]) -> None:
    life = SiteLife()

    for number, step in enumerate(steps, start=1):
        before = life.status(SID)
        if isinstance(step.then, str):
            life.says(step.act, step.by, SID, START + step.after)
            assert life.status(SID) == step.then, number
        else:
            with pytest.raises(step.then):
                life.says(step.act, step.by, SID, START + step.after)
            assert life.status(SID) == before, number
        opened = [one.person for one in life.last.memberships or ()]
        assert opened == ([SID.id] if life.status(SID) == "member" else []), number


@pytest.mark.parametrize("first", ["denied", "withdrawn", "lapsed", "removed"])
@pytest.mark.parametrize("again", ["ask", "add"])
def test_whatever_is_closed_opens_again_by_asking_or_being_added(first: str, again: str) -> None:
    life = SiteLife()
    life.asks(SID, START)
    match first:
        case "denied":
            life.says(DENY, BECKY, SID, START + DAY)
        case "withdrawn":
            life.says(Withdraw(), SID, SID, START + DAY)
        case "lapsed":
            life.ticks(process_id_of(SITE.id, SID.id), START + WINDOW)
        case "removed":
            life.says(GRANT, BECKY, SID, START + DAY)
            life.says(Remove(), BECKY, SID, START + 2 * DAY)
    closed = life.access(SID)
    assert (closed.status, closed.is_closed) == (first, True)

    if again == "ask":
        life.asks(SID, START + 20 * DAY)
    else:
        life.says(ADD, BECKY, SID, START + 20 * DAY)

    after = life.access(SID)
    assert after.status == ("asked" if again == "ask" else "member")
    assert after.version == closed.version + 1
    assert (after.answer, after.closed_by, after.closed_at) == (None, None, None)


def test_the_clock_reminds_twice_and_then_lapses_what_nobody_decided() -> None:
    life = SiteLife()
    life.asks(SID, START)
    process = process_id_of(SITE.id, SID.id)

    events = []
    while (due := life.access(SID).due) is not None:
        life.ticks(process, due)
        events.append((due - START, life.last.event, life.last.notices[0].kind))

    assert events == [
        (7 * DAY, "reminded", "site_reminder"),
        (13 * DAY, "reminded", "site_reminder"),
        (14 * DAY, "lapsed", "site_lapsed"),
    ]
    assert life.told("site_lapsed") == (SID.id,)


def test_without_reminders_the_clock_only_lapses() -> None:
    life = SiteLife(policy=Policy(reminders=False, decision_window=3 * DAY))
    life.asks(SID, START)

    assert life.access(SID).due == START + 3 * DAY


def test_every_contact_who_may_decide_is_mailed_and_nobody_else() -> None:
    life = SiteLife()
    managing(life, HUCK, START)

    life.asks(SID, START + HOUR, "Please.")

    assert life.told("site_asked") == (BECKY.id, HUCK.id)
    assert life.last.notices[0].facts["message"] == "Please."


def test_the_person_is_told_of_every_decision_and_of_the_reason() -> None:
    life = SiteLife()
    told = []
    for act in (ASK, DENY, ASK, GRANT, CHANGE, Remove(message="The order is done."), ADD):
        by = SID if isinstance(act, Ask) else BECKY
        life.says(act, by, SID, START + DAY)
        told += [(one.kind, one.facts["answer"]) for one in life.last.notices
                 if one.people == (SID.id,)]  # fmt: skip

    assert told == [
        ("site_denied", "Order through Tom, please."),
        ("site_granted", None),
        ("site_changed", None),
        ("site_removed", "The order is done."),
        ("site_welcome", None),
    ]


def test_a_secondary_contact_with_manage_access_update_decides_up_to_their_own_levels() -> None:
    life = SiteLife()
    managing(life, HUCK, START, purchase="view", reporting="update")
    life.asks(SID, START + HOUR)

    with pytest.raises(SubmissionError, match="purchase and download update is above your own"):
        life.says(Grant(privileges=levels(purchase="update")), HUCK, SID, START + HOUR)
    life.says(
        Grant(privileges=levels(purchase="view", reporting="update")), HUCK, SID, START + HOUR
    )

    assert dict(life.access(SID).privileges)["reporting"] == "update"


def test_what_stays_as_it_was_is_not_given_and_may_be_above_ones_own_level() -> None:
    life = SiteLife()
    managing(life, HUCK, START, reporting="update")
    full = levels(purchase="update", documents="view")
    life.says(make_add(SID, privileges=full), BECKY, SID, START)

    more = ChangePrivileges(privileges={**full, Area.REPORTING: Level.UPDATE})
    life.says(more, HUCK, SID, START + HOUR)

    assert dict(life.access(SID).privileges)["purchase"] == "update"


def test_manage_access_and_contact_updates_go_to_contacts_only() -> None:
    life = SiteLife()

    for area in ("manage_access", "contact_updates"):
        with pytest.raises(SubmissionError, match="is for contacts of the site only"):
            life.says(make_add(SID, privileges=levels(**{area: "view"})), BECKY, SID, START)
        life.says(
            make_add(HUCK if area == "manage_access" else JOE, privileges=levels(**{area: "view"})),
            BECKY,
            HUCK if area == "manage_access" else JOE,
            START,
        )

    assert life.status(SID) is None


def test_who_is_no_contact_any_more_holds_nothing_of_what_is_for_contacts() -> None:
    life = SiteLife()
    managing(life, HUCK, START, purchase="view")
    memberships = tuple(one for each in life.memberships.values() for one in each)
    demoted = without_roles(SITES, HUCK)

    before = levels_of(HUCK.id, SITE.id, SITES, memberships)
    after = levels_of(HUCK.id, SITE.id, demoted, memberships)

    assert before is not None
    assert after is not None
    assert (before[Area.MANAGE_ACCESS], after[Area.MANAGE_ACCESS]) == ("update", "none")
    assert after[Area.PURCHASE] == "view"


def test_a_former_contact_decides_nothing_although_the_membership_says_update() -> None:
    life = SiteLife()
    managing(life, HUCK, START)
    life.asks(SID, START)
    life.directory = without_roles(life.directory, HUCK)

    with pytest.raises(NotFoundError):
        life.says(GRANT, HUCK, SID, START + HOUR)


def test_a_contact_adds_somebody_unknown_who_becomes_a_guest() -> None:
    life = SiteLife()
    new = make_person("Aunt Polly", FENCE_PAINTING)
    new = new.model_copy(update={"id": person_id_of(new.email)})

    step = life.says(make_add(new, locale="fr"), BECKY, new, START)

    assert step.directory is not None
    (person,) = step.directory.people
    assert (person.name, person.organization, person.locale) == (
        "Aunt Polly", newcomers.GUESTS, "fr",
    )  # fmt: skip
    assert [one.kind for one in step.directory.organizations] == [OrganizationKind.GUEST]
    assert life.told("site_welcome") == (person.id,)


def test_a_known_person_keeps_the_name_that_the_directory_has() -> None:
    life = SiteLife()

    step = life.says(make_add(SID, name="Somebody Else"), BECKY, SID, START)

    assert step.directory is None


def test_an_inactive_person_is_not_added_and_decides_nothing() -> None:
    life = SiteLife(changed(SITES, SID, is_active=False))
    with pytest.raises(SubmissionError, match="not active any more"):
        life.says(ADD, BECKY, SID, START)
    with pytest.raises(SubmissionError, match=SID.email):  # the name is not for whoever guesses
        life.says(ADD, BECKY, SID, START)

    life = SiteLife(changed(SITES, BECKY, is_active=False))
    with pytest.raises(SubmissionError, match="no contact who could decide"):
        life.asks(SID, START)


def test_the_primary_contact_has_nothing_to_ask_for() -> None:
    with pytest.raises(SubmissionError, match="hold every level"):
        SiteLife().says(ASK, BECKY, BECKY, START)


def test_a_process_of_another_number_is_none_of_this_site_and_person() -> None:
    with pytest.raises(InvalidDecisionError, match="process_id"):
        SiteLife().says(ASK, SID, MUFF, START)


def test_an_unknown_site_is_not_there() -> None:
    with pytest.raises(NotFoundError):
        SiteLife().says(Ask(site="atlantis"), SID, SID, START)


def test_only_the_person_and_the_contacts_see_it() -> None:
    life = SiteLife()
    life.asks(SID, START)
    state = life.access(SID)

    seeing = {one.name for one in SITES.people if RULES.may_see(state, one.id, SITES)}

    assert seeing == {SID.name, BECKY.name, HUCK.name, JOE.name}


def test_with_two_primary_contacts_by_mistake_both_decide() -> None:
    life = SiteLife(with_roles(SITES, role(TOM, Role.PRIMARY_CONTACT, SITE.id)))
    life.asks(SID, START)

    life.says(GRANT, TOM, SID, START + HOUR)

    assert life.status(SID) == "member"


def test_a_contact_names_a_guest_who_was_added_as_another_contact() -> None:
    life = SiteLife()
    polly = make_person("Aunt Polly", FENCE_PAINTING)
    polly = polly.model_copy(update={"id": person_id_of(polly.email)})
    life.says(make_add(polly), BECKY, polly, START)

    life.on_contacts(make_save(BECKY, polly), BECKY, START)

    assert life.directory.holders(Role.SECONDARY_CONTACT, SITE.id) == (polly.id,)


def test_nobody_becomes_a_guest_where_guests_are_switched_off() -> None:
    life = SiteLife()
    closed = newcomers.guests(life.directory).model_copy(update={"is_active": False})
    life.directory = life.directory.model_copy(
        update={"organizations": (*life.directory.organizations, closed)}
    )
    new = make_person("Aunt Polly", FENCE_PAINTING)
    new = new.model_copy(update={"id": person_id_of(new.email)})

    with pytest.raises(SubmissionError, match="Guests are switched off"):
        life.says(make_add(new), BECKY, new, START)


def test_asking_again_and_again_is_limited_to_five_an_hour() -> None:
    life = SiteLife()
    for minute in range(5):
        life.asks(SID, START + timedelta(minutes=minute))
        life.says(Withdraw(), SID, SID, START + timedelta(minutes=minute))

    with pytest.raises(RateLimitedError, match="5 requests to one site an hour"):
        life.asks(SID, START + timedelta(minutes=59))

    life.asks(MUFF, START + timedelta(minutes=59))
    life.asks(SID, START + HOUR)
    assert life.status(SID) == "asked"


def test_being_added_and_removed_does_not_reset_the_count_of_asks() -> None:
    life = SiteLife(policy=Policy(site_asks_per_hour=1))
    life.asks(SID, START)
    life.says(ADD, BECKY, SID, START)
    life.says(Remove(), BECKY, SID, START)

    with pytest.raises(RateLimitedError):
        life.asks(SID, START + timedelta(minutes=1))


def test_a_request_that_waits_is_not_granted_unseen_by_adding() -> None:
    life = SiteLife()
    life.asks(SID, START, "I count the brushes.")

    with pytest.raises(StaleError, match="waits for a decision"):
        life.says(make_add(SID, shown="0" * 64), BECKY, SID, START)
    assert life.says(ADD, BECKY, SID, START).event == "added"
