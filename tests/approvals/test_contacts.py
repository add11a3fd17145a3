"""The contacts of a site: saved all at once, reviewed every month, nobody's own gift."""

from datetime import UTC, datetime, timedelta

import pytest

from approvals.commands import Command
from approvals.contacts.commands import (
    ConfirmReview,
    ContactForm,
    MoveReview,
    SaveContacts,
    SetNotificationAddress,
    SwitchReviewOff,
    SwitchReviewOn,
)
from approvals.contacts.record import process_id_of
from approvals.errors import (
    InvalidDecisionError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    StaleError,
    SubmissionError,
)
from approvals.facts import LastUse
from approvals.people import Person, Role
from tests.factories import (
    BECKY,
    DAY,
    FENCE_PAINTING,
    HOUR,
    LYDIA,
    START,
    TOM,
    changed,
    make_signed,
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
)

FIRST = datetime(2026, 4, 2, 9, tzinfo=UTC)  # a month after START, where the site is
CONTACTS = process_id_of(SITE.id)


def holding(life: SiteLife, held: Role) -> list[str]:
    """Return the names of those who hold a contact role now."""
    return sorted(life.directory.name_of(one) for one in life.directory.holders(held, SITE.id))


def updating(life: SiteLife, person: Person, at: datetime) -> None:
    """Give a secondary contact contact updates = update."""
    given = levels(contact_updates="update", manage_access="view")
    life.says(make_add(person, privileges=given), BECKY, person, at)


def kept() -> SiteLife:
    """Return a site whose contacts Becky has saved at START: herself, and Huck."""
    life = SiteLife()
    life.on_contacts(make_save(BECKY, HUCK), BECKY, START)
    return life


def reviewed(life: SiteLife, at: datetime) -> list[str]:
    """Let the clock ask at *at*; return the kinds of the notices that it causes."""
    step = life.ticks(CONTACTS, at)
    return [] if step is None else [one.kind for one in step.notices]


def test_a_save_replaces_all_contacts_at_once_and_gives_and_takes_the_roles() -> None:
    life = SiteLife()

    life.on_contacts(make_save(BECKY, JOE, SID), BECKY, START)

    assert holding(life, Role.PRIMARY_CONTACT) == ["Becky Thatcher"]
    assert holding(life, Role.SECONDARY_CONTACT) == ["Joe Harper", "Sid Sawyer"]
    assert life.last.directory is not None
    assert [one.person for one in life.last.directory.gives] == [SID.id]
    assert [one.person for one in life.last.directory.takes] == [HUCK.id]
    assert life.last.signs_out == (HUCK.id,)


def test_old_and_new_contacts_are_told_at_the_addresses_with_which_they_sign_in() -> None:
    life = SiteLife()
    save = make_save(BECKY, SID)
    elsewhere = ContactForm(person=BECKY.email, email="office@tom-sawyer.example")

    life.on_contacts(save.model_copy(update={"primary": elsewhere}), BECKY, START)

    notice = life.last.notices[0]
    assert notice.kind == "contacts_saved"
    assert set(notice.people) == {BECKY.id, HUCK.id, JOE.id, SID.id}
    assert notice.elsewhere == ()
    assert notice.facts["primary"] == "Becky Thatcher, office@tom-sawyer.example"


def test_a_contacts_mail_address_changes_neither_the_sign_in_nor_the_notifications() -> None:
    life = kept()
    address = SetNotificationAddress(site=SITE.slug, email="upgrades@tom-sawyer.example")
    life.on_contacts(address, BECKY, START)
    save = make_save(BECKY, HUCK)
    elsewhere = ContactForm(person=BECKY.email, email="office@tom-sawyer.example")

    life.on_contacts(save.model_copy(update={"primary": elsewhere}), BECKY, START + HOUR)

    assert life.contacts.primary.email == "office@tom-sawyer.example"
    assert dict(life.contacts.notification_addresses) == {BECKY.id: "upgrades@tom-sawyer.example"}
    assert life.last.directory is not None
    assert life.last.directory.people == ()


def test_every_user_sets_their_own_notification_address_and_no_stranger_does() -> None:
    life = kept()
    life.says(make_add(SID), BECKY, SID, START)
    for person in (SID, HUCK):
        own = SetNotificationAddress(site=SITE.slug, email=f"x{person.email}")
        life.on_contacts(own, person, START + HOUR)
    life.on_contacts(SetNotificationAddress(site=SITE.slug), HUCK, START + HOUR)

    with pytest.raises(NotFoundError):
        life.on_contacts(SetNotificationAddress(site=SITE.slug), LYDIA, START + HOUR)

    assert dict(life.contacts.notification_addresses) == {SID.id: f"x{SID.email}"}


@pytest.mark.parametrize(
    ("command", "by", "problems"),
    [
        (make_save(BECKY, BECKY), BECKY, ["is named twice"]),
        (make_save(BECKY, LYDIA), BECKY, ["is neither of Tom Sawyer Fence Painting Co."]),
        (
            SaveContacts(
                site=SITE.slug,
                primary=ContactForm(person="nobody@tom-sawyer.example"),
                secondaries=(ContactForm(person=LYDIA.email), ContactForm(person=LYDIA.email)),
            ),
            BECKY,
            ["nobody here has this address", "neither of", "named twice"],
        ),
    ],
)
def test_a_refused_save_lists_every_problem_and_saves_nothing(
    command: SaveContacts, by: Person, problems: list[str]
) -> None:
    life = SiteLife()

    with pytest.raises(SubmissionError, match="Nothing was saved") as refused:
        life.on_contacts(command, by, START)

    for problem in problems:
        assert problem in str(refused.value)
    assert life.states == {}
    assert life.directory is SITES


def test_a_user_of_another_organization_may_become_a_contact() -> None:
    life = SiteLife()
    life.says(make_add(LYDIA), BECKY, LYDIA, START)

    life.on_contacts(make_save(BECKY, LYDIA), BECKY, START)

    assert holding(life, Role.SECONDARY_CONTACT) == ["Lydia Bennet"]


@pytest.mark.parametrize(
    ("by", "error"), [(HUCK, NotAuthorisedError), (TOM, NotFoundError), (LYDIA, NotFoundError)]
)
def test_only_contacts_whose_contact_updates_is_update_save(
    by: Person, error: type[Exception]
) -> None:
    with pytest.raises(error):
        SiteLife().on_contacts(make_save(BECKY, HUCK), by, START)


def test_a_secondary_contact_may_save_others_but_not_name_a_primary_contact() -> None:
    life = SiteLife()
    updating(life, HUCK, START)

    life.on_contacts(make_save(BECKY, HUCK, SID), HUCK, START)
    with pytest.raises(SubmissionError, match="Only who holds every level"):
        life.on_contacts(make_save(SID, HUCK, BECKY), HUCK, START)
    with pytest.raises(SubmissionError, match="Nobody makes themselves primary contact"):
        life.on_contacts(make_save(HUCK, SID), HUCK, START)

    assert holding(life, Role.PRIMARY_CONTACT) == ["Becky Thatcher"]


def test_without_a_live_primary_contact_a_secondary_one_names_a_new_one_but_not_themselves() -> (
    None
):
    life = SiteLife()
    updating(life, HUCK, START)
    life.directory = changed(life.directory, BECKY, is_active=False)

    with pytest.raises(SubmissionError, match="Nobody makes themselves"):
        life.on_contacts(make_save(HUCK, SID), HUCK, START)
    life.on_contacts(make_save(SID, HUCK), HUCK, START)

    assert holding(life, Role.PRIMARY_CONTACT) == ["Sid Sawyer"]
    assert not any(
        one.person == BECKY.id and one.role is Role.PRIMARY_CONTACT for one in life.directory.roles
    )


def test_nobody_makes_a_contact_who_would_hold_more_than_they_do() -> None:
    life = SiteLife()
    managed = levels(manage_access="update", contact_updates="update")
    life.says(make_add(JOE, privileges=managed), BECKY, JOE, START)
    life.on_contacts(make_save(BECKY, HUCK), BECKY, START)
    updating(life, HUCK, START)

    with pytest.raises(SubmissionError, match="manage access update, above your own level, view"):
        life.on_contacts(make_save(BECKY, HUCK, JOE), HUCK, START)

    life.on_contacts(make_save(BECKY, HUCK, MUFF), HUCK, START)
    assert holding(life, Role.SECONDARY_CONTACT) == ["Huckleberry Finn", "Muff Potter"]


def test_a_save_on_contacts_that_have_changed_since_is_none() -> None:
    life = kept()

    with pytest.raises(StaleError):
        life.on_contacts(
            make_save(BECKY).model_copy(update={"shown": "0" * 64}), BECKY, START + HOUR
        )


def test_a_process_of_another_number_is_none_of_this_site() -> None:
    life = SiteLife()
    signed = make_signed(make_save(BECKY), BECKY, START)

    from approvals import rules

    with pytest.raises(InvalidDecisionError, match="process_id"):
        rules.judge(None, signed, life.facts(BECKY, START), START)


def test_the_first_review_is_planned_for_the_next_month_with_an_invitation() -> None:
    life = kept()

    (notice,) = [one for one in life.last.notices if one.kind == "review_planned"]
    assert life.contacts.due == FIRST
    assert notice.people == (BECKY.id,)
    assert notice.facts["invite_at"] == FIRST.isoformat()


def test_a_review_lists_every_user_with_privileges_and_last_use_and_asks_the_primary() -> None:
    life = kept()
    life.says(make_add(SID), BECKY, SID, START)
    life.last_uses = (LastUse(person=SID.id, at=START + DAY),)

    kinds = reviewed(life, FIRST)

    facts = life.last.notices[0].facts
    assert kinds == ["review_due"]
    assert life.last.notices[0].people == (BECKY.id,)
    assert facts["months"] == ["2026-04"]
    users = facts["users"]
    assert isinstance(users, list)
    assert [one.partition(",")[0] for one in users] == [
        "Becky Thatcher", "Huckleberry Finn", "Sid Sawyer",
    ]  # fmt: skip
    assert facts["privileges"][2] == "purchase=view contacts_overview=view"  # type: ignore[index]
    assert facts["last_uses"] == ["", "", (START + DAY).isoformat()]
    assert facts["invite_at"] == (FIRST + 30 * DAY).isoformat()


def test_a_review_goes_to_the_address_that_the_contact_has_for_mail() -> None:
    life = kept()
    save = make_save(BECKY, HUCK)
    elsewhere = ContactForm(person=BECKY.email, email="office@tom-sawyer.example")
    life.on_contacts(save.model_copy(update={"primary": elsewhere}), BECKY, START + HOUR)

    reviewed(life, FIRST)

    assert life.last.notices[0].elsewhere == ((BECKY.id, "office@tom-sawyer.example"),)


def test_a_confirmed_review_is_recorded_and_next_month_comes_as_usual() -> None:
    life = kept()
    reviewed(life, FIRST)

    life.on_contacts(ConfirmReview(), BECKY, FIRST + DAY)
    kinds = reviewed(life, FIRST + 30 * DAY)

    assert life.contacts.confirmed_months == ("2026-04",)
    assert (life.contacts.confirmed_by, life.contacts.confirmed_at) == (BECKY.id, FIRST + DAY)
    assert kinds == ["review_due"]


def test_a_missed_month_is_escalated_to_the_secondary_contacts() -> None:
    life = kept()
    reviewed(life, FIRST)

    kinds = reviewed(life, FIRST + 30 * DAY)

    assert kinds == ["review_due", "review_missed"]
    assert life.last.event == "review_escalated"
    assert life.told("review_missed") == (HUCK.id,)
    assert life.last.notices[1].facts["months"] == ["2026-04"]
    assert life.contacts.review is not None
    assert life.contacts.review.months == ("2026-04", "2026-05")


def test_after_an_outage_of_months_one_mail_asks_for_all_of_them_and_escalates_nothing() -> None:
    life = kept()

    kinds = reviewed(life, datetime(2026, 7, 10, tzinfo=UTC))
    again = reviewed(life, datetime(2026, 7, 10, tzinfo=UTC) + HOUR)

    assert (kinds, again) == (["review_due"], [])
    assert life.last.notices[0].facts["months"] == ["2026-04", "2026-05", "2026-06", "2026-07"]
    assert life.contacts.due == datetime(2026, 8, 2, 9, tzinfo=UTC)


def test_when_the_primary_contact_is_gone_the_secondary_ones_hear_at_once() -> None:
    life = kept()
    life.directory = changed(life.directory, BECKY, is_active=False)

    assert reviewed(life, FIRST) == ["review_due", "review_missed"]


def test_a_review_moves_to_another_day_and_stays_on_it() -> None:
    life = kept()
    to = datetime(2026, 4, 20, 15, tzinfo=UTC)

    life.on_contacts(MoveReview(to=to), BECKY, START + DAY)
    planned = life.last.notices[0]
    reviewed(life, to)

    assert (planned.kind, planned.facts["invite_at"]) == ("review_planned", to.isoformat())
    assert life.contacts.due == datetime(2026, 5, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        (START - HOUR, "in the past"),
        (START + 2 * DAY, "can be in that month or the next"),
        (datetime(2026, 6, 1, tzinfo=UTC), "can be in that month or the next"),
    ],
)
def test_a_review_moves_neither_into_the_past_nor_out_of_its_month(
    to: datetime, sentence: str
) -> None:
    life = kept()

    with pytest.raises(SubmissionError, match=sentence):
        life.on_contacts(MoveReview(to=to), BECKY, START + HOUR)


def test_a_review_that_moves_into_the_next_month_covers_both() -> None:
    life = kept()
    life.on_contacts(MoveReview(to=datetime(2026, 5, 1, 9, tzinfo=UTC)), BECKY, START + DAY)

    reviewed(life, datetime(2026, 5, 1, 9, tzinfo=UTC))

    assert life.last.notices[0].facts["months"] == ["2026-04", "2026-05"]
    assert life.contacts.due == datetime(2026, 6, 1, 9, tzinfo=UTC)


def test_reviews_can_be_switched_off_and_on_again() -> None:
    life = kept()

    life.on_contacts(SwitchReviewOff(), BECKY, START + DAY)
    assert (life.contacts.due, reviewed(life, FIRST + DAY)) == (None, [])
    life.on_contacts(SwitchReviewOn(site=SITE.slug), BECKY, FIRST + DAY)

    assert life.contacts.due == FIRST + 2 * DAY  # that month has had none yet
    assert life.last.notices[0].kind == "review_planned"


@pytest.mark.parametrize(
    "command",
    [MoveReview(to=FIRST + HOUR), SwitchReviewOff(), SwitchReviewOn(site=SITE.slug)],
    ids=lambda one: str(one.kind),
)
def test_only_the_primary_contact_plans_reviews(command: Command) -> None:
    life = kept()

    with pytest.raises(NotAuthorisedError):
        life.on_contacts(command, HUCK, START + HOUR)
    with pytest.raises(NotFoundError):
        life.on_contacts(command, LYDIA, START + HOUR)


def test_a_switch_that_stands_so_already_is_refused_and_so_is_a_review_that_nobody_asked_for() -> (
    None
):
    life = kept()
    with pytest.raises(NotAllowedNowError):
        life.on_contacts(SwitchReviewOn(site=SITE.slug), BECKY, START)
    with pytest.raises(SubmissionError, match="the next is on 2026-04-02 09:00:00 UTC"):
        life.on_contacts(ConfirmReview(), BECKY, START)
    life.on_contacts(SwitchReviewOff(), BECKY, START)

    for command in (SwitchReviewOff(), MoveReview(to=FIRST)):
        with pytest.raises(NotAllowedNowError):
            life.on_contacts(command, BECKY, START)
    with pytest.raises(SubmissionError, match="switched off"):
        life.on_contacts(ConfirmReview(), BECKY, START)


def test_reviews_can_begin_before_anybody_has_saved_the_contacts() -> None:
    life = SiteLife()

    life.on_contacts(SwitchReviewOn(site=SITE.slug), BECKY, START)

    assert life.contacts.version == 1
    assert life.contacts.primary.person == BECKY.id
    assert {one.person for one in life.contacts.secondaries} == {HUCK.id, JOE.id}
    assert life.contacts.due == FIRST


def test_a_secondary_contact_who_may_update_contacts_confirms_too() -> None:
    life = kept()
    updating(life, HUCK, START)
    reviewed(life, FIRST)

    life.on_contacts(ConfirmReview(), HUCK, FIRST + HOUR)

    assert life.contacts.confirmed_by == HUCK.id


def test_the_day_of_a_review_is_kept_through_short_months_and_over_clock_changes() -> None:
    home = FENCE_PAINTING.model_copy(update={"time_zone": "America/Chicago"})
    others = tuple(home if one.id == home.id else one for one in SITES.organizations)
    life = SiteLife(SITES.model_copy(update={"organizations": others}))
    life.on_contacts(make_save(BECKY), BECKY, datetime(2027, 1, 31, 18, tzinfo=UTC))

    found = []
    for _ in range(4):
        assert life.contacts.due is not None
        found.append(life.contacts.due)
        reviewed(life, life.contacts.due)

    assert found == [
        datetime(2027, 2, 28, 15, tzinfo=UTC),
        datetime(2027, 3, 31, 14, tzinfo=UTC),
        datetime(2027, 4, 30, 14, tzinfo=UTC),
        datetime(2027, 5, 31, 14, tzinfo=UTC),
    ]


def test_an_early_tick_does_nothing() -> None:
    life = kept()

    assert life.ticks(CONTACTS, FIRST - timedelta(milliseconds=1)) is None
