"""The switch of one customer: who turns it, what it allows, and what outlives every turn."""

from datetime import timedelta
from typing import NamedTuple

import pytest

from approvals.commands import CLOCK, Command
from approvals.customer_access.commands import AcceptTerms, BeginSession, Disable, Enable
from approvals.customer_access.record import LONGEST_VISIT, Acceptance, Status
from approvals.customer_access.views import customer_view, visible
from approvals.errors import (
    AlreadyDecidedError,
    ApprovalError,
    InvalidDecisionError,
    NotAllowedNowError,
    NotAuthorisedError,
    NotFoundError,
    StaleError,
    SubmissionError,
)
from approvals.people import Person, Role
from approvals.sessions import EndSession
from tests.approvals.test_audit import make_entry
from tests.factories import (
    ART_GALLERY,
    BECKY,
    CHRISTOPHER,
    CLASSICS,
    DAY,
    ELIZABETH,
    FENCE_PAINTING,
    HOUR,
    JANE,
    LYDIA,
    MARY,
    MERYTON,
    MINUTE,
    MS,
    NETHERFIELD,
    START,
    TOM,
    TOM_SAWYER,
    WICKHAM,
    changed,
    without_roles,
)
from tests.switching import (
    HUCK,
    NEWER,
    ON,
    OTHER_SWITCH,
    SWITCHING,
    SwitchLife,
    accepting,
)

OFF = Disable()
ACCEPTS = accepting()
ENTERS = BeginSession()
FOR_CLASSICS = Enable(customer=FENCE_PAINTING.slug, partner=CLASSICS.slug)


class Step(NamedTuple):
    """Who says what, and the status after it or the refusal."""

    by: Person
    says: Command
    then: str | type[ApprovalError]


SCENES: dict[str, list[Step]] = {
    "switched on, accepted, off and on again": [
        Step(JANE, ON, "pending"),
        Step(HUCK, ACCEPTS, "accepted"),
        Step(JANE, OFF, "disabled"),
        Step(JANE, ON, "accepted"),
    ],
    "off before anybody accepted, it waits again": [
        Step(JANE, ON, "pending"),
        Step(JANE, OFF, "disabled"),
        Step(JANE, ON, "pending"),
        Step(TOM, ACCEPTS, "accepted"),
    ],
    "a repeated turn is refused and changes nothing": [
        Step(JANE, ON, "pending"),
        Step(JANE, ON, AlreadyDecidedError),
        Step(TOM, ACCEPTS, "accepted"),
        Step(JANE, ON, AlreadyDecidedError),
        Step(JANE, OFF, "disabled"),
        Step(JANE, OFF, AlreadyDecidedError),
    ],
    "terms are accepted once": [
        Step(JANE, ON, "pending"),
        Step(TOM, ACCEPTS, "accepted"),
        Step(HUCK, ACCEPTS, AlreadyDecidedError),
    ],
    "nobody accepts or enters while it is off": [
        Step(JANE, ON, "pending"),
        Step(JANE, OFF, "disabled"),
        Step(TOM, ACCEPTS, NotAllowedNowError),
        Step(TOM, ENTERS, NotAllowedNowError),
    ],
    "nobody enters before the terms are accepted": [
        Step(JANE, ON, "pending"),
        Step(TOM, ENTERS, NotAllowedNowError),
    ],
    "what was not switched on cannot be switched off, accepted or entered": [
        Step(JANE, OFF, NotFoundError),
        Step(TOM, ACCEPTS, NotFoundError),
        Step(TOM, ENTERS, NotFoundError),
    ],
    "only the partner's admin turns it": [
        Step(ELIZABETH, ON, NotAuthorisedError),
        Step(TOM, ON, NotAuthorisedError),
        Step(MARY, ON, NotAuthorisedError),
        Step(JANE, ON, "pending"),
        Step(ELIZABETH, OFF, NotFoundError),
        Step(WICKHAM, OFF, NotFoundError),
        Step(TOM, OFF, NotAuthorisedError),
    ],
    "an operator starts it for a partner and turns it no more": [
        Step(MARY, FOR_CLASSICS, "pending"),
        Step(MARY, OFF, NotAuthorisedError),
        Step(JANE, OFF, "disabled"),
        Step(MARY, FOR_CLASSICS, NotAuthorisedError),
        Step(JANE, FOR_CLASSICS, "pending"),
    ],
    "nobody but an operator starts it for another partner": [
        Step(WICKHAM, FOR_CLASSICS, NotFoundError),
        Step(LYDIA, FOR_CLASSICS, NotAuthorisedError),
    ],
    "only the customer's people accept and enter": [
        Step(JANE, ON, "pending"),
        Step(JANE, ACCEPTS, NotAuthorisedError),
        Step(CHRISTOPHER, ACCEPTS, NotFoundError),
        Step(MARY, ACCEPTS, NotAuthorisedError),
        Step(HUCK, ACCEPTS, "accepted"),
        Step(JANE, ENTERS, NotAuthorisedError),
        Step(CHRISTOPHER, ENTERS, NotFoundError),
        Step(TOM, ENTERS, "accepted"),
    ],
}


@pytest.mark.parametrize("scene", SCENES)
def test_a_switch_stands_after_each_step_as_the_scene_says(scene: str) -> None:
    life = SwitchLife()

    for number, step in enumerate(SCENES[scene]):
        before = life.state
        at = START + number * HOUR
        if isinstance(step.then, str):
            life.says(step.says, step.by, at)
            assert life.switch.status == step.then, number
            assert life.switch.version == (before.version if before else 0) + 1
        else:
            with pytest.raises(step.then):
                life.says(step.says, step.by, at)
            assert life.state is before, number


def opened(at_hours: int = 2) -> SwitchLife:
    """Return a switch that is accepted, with a visit of Tom's that began so long after START."""
    life = SwitchLife()
    life.says(ON, JANE, START)
    life.says(ACCEPTS, HUCK, START + HOUR)
    life.says(ENTERS, TOM, START + at_hours * HOUR)
    return life


def test_an_acceptance_says_who_accepted_which_version_and_when() -> None:
    life = SwitchLife()
    life.says(ON, JANE, START)

    step = life.says(ACCEPTS, HUCK, START + HOUR)

    assert life.switch.accepted == Acceptance(person=HUCK.id, terms="1", at=START + HOUR)
    assert (step.event, step.reason, step.actor) == ("accepted", "terms 1", HUCK.id)


def test_what_was_read_is_what_is_accepted() -> None:
    life = SwitchLife()
    life.says(ON, JANE, START)
    life.policies = NEWER

    for read in ("1", "3"):
        with pytest.raises(StaleError, match="the terms are now version 2"):
            life.says(accepting(read), TOM, START + HOUR)
    with pytest.raises(StaleError):
        life.says(accepting("2", MERYTON), TOM, START + HOUR)
    life.says(accepting("2"), TOM, START + HOUR)

    assert life.switch.accepted is not None
    assert life.switch.accepted.terms == "2"


def test_newer_terms_never_reset_what_was_accepted() -> None:
    life = opened()
    accepted = life.switch.accepted
    life.policies = NEWER

    life.says(OFF, JANE, START + 3 * HOUR)
    life.says(ON, JANE, START + 4 * HOUR)
    life.says(ENTERS, TOM, START + 5 * HOUR)

    assert (life.switch.status, life.switch.accepted) == (Status.ACCEPTED, accepted)


def test_a_refused_turn_says_who_was_first_and_how_it_stands() -> None:
    life = SwitchLife()
    life.says(ON, JANE, START)

    with pytest.raises(AlreadyDecidedError) as pending:
        life.says(ON, JANE, START + HOUR)
    life.says(ACCEPTS, HUCK, START + HOUR)
    with pytest.raises(AlreadyDecidedError) as accepted:
        life.says(ON, JANE, START + 2 * HOUR)
    with pytest.raises(AlreadyDecidedError) as again:
        life.says(ACCEPTS, TOM, START + 2 * HOUR)

    sentences = [one.value.sentence(SWITCHING.name_of) for one in (pending, accepted, again)]
    on = "This customer's access to the platform was already switched on by Jane Bennet on"
    waits = "It is pending: nobody of the customer has accepted the terms yet."
    given = "This customer's acceptance of the terms was already given (version 1)"
    assert [one.removesuffix(" Nothing was changed.") for one in sentences] == [
        f"{on} 2026-03-02 09:00:00 UTC. {waits}",
        f"{on} 2026-03-02 09:00:00 UTC. It is accepted: the customer's people can sign in.",
        f"{given} by Huckleberry Finn on 2026-03-02 10:00:00 UTC.",
    ]


def test_two_partners_switches_are_independent() -> None:
    life, other = opened(), SwitchLife(process=OTHER_SWITCH)
    other.says(ON, WICKHAM, START)
    other.says(OFF, WICKHAM, START + HOUR)

    with pytest.raises(NotFoundError):
        other.says(ON, JANE, START + 2 * HOUR)

    assert (life.switch.status, other.switch.status) == ("accepted", "disabled")
    assert other.switch.accepted is None


def test_a_switch_has_one_number_and_no_other() -> None:
    life = SwitchLife(process=OTHER_SWITCH)

    with pytest.raises(InvalidDecisionError, match="process_id"):
        life.says(ON, JANE, START)

    life = SwitchLife()
    life.says(ON, JANE, START)
    life.says(OFF, JANE, START)
    with pytest.raises(InvalidDecisionError, match="process_id"):
        life.says(Enable(customer=ART_GALLERY.slug), JANE, START)


@pytest.mark.parametrize("customer", ["nobody", MERYTON.slug, NETHERFIELD.slug])
def test_only_customers_that_the_partner_serves_are_switched_on(customer: str) -> None:
    with pytest.raises(NotFoundError):
        SwitchLife().says(Enable(customer=customer), JANE, START)


def test_only_a_partner_has_switches() -> None:
    life = SwitchLife()

    with pytest.raises(SubmissionError, match="Netherfield Systems is not a partner"):
        life.says(Enable(customer=FENCE_PAINTING.slug, partner="netherfield"), MARY, START)


@pytest.mark.parametrize("gone", ["not served", "partner inactive", "customer inactive"])
def test_who_is_not_served_any_more_is_neither_switched_on_nor_let_in(gone: str) -> None:
    life = opened()
    life.directory = {
        "not served": SWITCHING.model_copy(update={"serves": ()}),
        "partner inactive": changed(SWITCHING, CLASSICS, is_active=False),
        "customer inactive": changed(SWITCHING, FENCE_PAINTING, is_active=False),
    }[gone]

    with pytest.raises(ApprovalError):
        life.says(ENTERS, HUCK, START + 3 * HOUR)
    life.directory = SWITCHING
    life.says(OFF, JANE, START + 3 * HOUR)
    life.directory = SWITCHING.model_copy(update={"serves": ()})
    with pytest.raises(SubmissionError, match="does not serve"):
        life.says(ON, JANE, START + 4 * HOUR)


def test_an_admin_who_lost_the_role_turns_nothing() -> None:
    life = opened()
    life.directory = without_roles(SWITCHING, JANE)

    with pytest.raises(NotFoundError):
        life.says(OFF, JANE, START + 3 * HOUR)


def test_who_is_told_of_what() -> None:
    life = SwitchLife()
    in_charge = {(Role.TRUST_ADMIN, FENCE_PAINTING.id), (Role.TENANT_ADMIN, TOM_SAWYER.id)}
    admins = {(Role.PARTNER_ADMIN, CLASSICS.id)}

    told = []
    for command, by in ((ON, JANE), (ACCEPTS, HUCK), (ENTERS, TOM), (OFF, JANE), (ON, JANE)):
        notices = life.says(command, by, START + HOUR).notices
        told.append([(one.kind, set(one.holders), one.facts["status"]) for one in notices])

    assert told == [
        [("customer_enabled", in_charge, "pending")],
        [("terms_accepted", admins, "accepted")],
        [],
        [("customer_disabled", in_charge | admins, "disabled")],
        [("customer_enabled", in_charge, "accepted")],
    ]


def test_a_newer_visit_replaces_the_older_one_of_the_same_person_alone() -> None:
    life = opened()
    first = life.switch.sessions
    life.says(ENTERS, HUCK, START + 3 * HOUR)

    life.says(ENTERS, TOM, START + 4 * HOUR)

    assert [one.person for one in life.switch.sessions] == [HUCK.id, TOM.id]
    assert first[0].id not in {one.id for one in life.switch.sessions}
    assert {(one.mode, one.tenant) for one in life.switch.sessions} == {("platform", None)}


def test_a_visit_is_ended_by_its_person_alone() -> None:
    life = opened()
    (visit,) = life.switch.sessions

    with pytest.raises(NotFoundError):
        life.says(EndSession(session=visit.id), HUCK, START + 3 * HOUR)
    with pytest.raises(NotAuthorisedError):
        life.says(EndSession(session=visit.id), JANE, START + 3 * HOUR)
    life.says(EndSession(session=visit.id), TOM, START + 3 * HOUR)

    assert life.switch.sessions == ()


def test_visits_end_with_the_switch_and_do_not_come_back() -> None:
    life = opened()

    step = life.says(OFF, JANE, START + 3 * HOUR)
    life.says(ON, JANE, START + 4 * HOUR)

    assert step.sessions == life.switch.sessions == ()


@pytest.mark.parametrize(("late", "is_over"), [(-MS, False), (timedelta(0), True), (DAY, True)])
def test_a_visit_ends_by_itself_after_twelve_hours(late: timedelta, is_over: bool) -> None:
    life = opened()
    begun = life.switch.sessions[0].begun_at
    assert life.switch.due == begun + LONGEST_VISIT

    step = life.ticks(begun + LONGEST_VISIT + late)

    assert (step is not None) == is_over
    assert (life.switch.sessions == ()) == is_over
    assert (life.switch.due is None) == is_over


def test_one_tick_ends_the_visits_that_are_over_and_no_others() -> None:
    life = opened()
    life.says(ENTERS, HUCK, START + 2 * HOUR + MINUTE)

    step = life.ticks(START + 2 * HOUR + LONGEST_VISIT)

    assert step is not None
    assert (step.event, [one.person for one in step.sessions]) == ("session_expired", [HUCK.id])
    assert life.switch.due == START + 2 * HOUR + MINUTE + LONGEST_VISIT


def test_the_switch_is_never_closed_and_only_visits_need_a_clock() -> None:
    life = SwitchLife()

    for command, by in ((ON, JANE), (OFF, JANE), (ON, JANE), (ACCEPTS, HUCK), (OFF, JANE)):
        life.says(command, by, START + HOUR)

        assert not life.switch.is_closed
        assert life.switch.due is None


def test_the_audit_of_a_switch_that_an_operator_started_names_both() -> None:
    step = SwitchLife().says(FOR_CLASSICS, MARY, START)

    assert (step.actor, step.reason) == (MARY.id, "tom-sawyer for classics")


def test_an_acceptance_must_say_what_was_read() -> None:
    life = SwitchLife()
    life.says(ON, JANE, START)

    with pytest.raises(StaleError):
        life.says(AcceptTerms(), TOM, START)


def test_a_view_shows_the_own_visit_and_nobody_elses() -> None:
    life = opened()
    (visit,) = life.switch.sessions

    seen = {one.name: customer_view(life.switch, one.id, SWITCHING, "2") for one in (TOM, BECKY)}

    assert (seen[TOM.name].visit, seen[BECKY.name].visit) == (visit.id, None)
    assert seen[TOM.name].visit_ends_at == visit.begun_at + LONGEST_VISIT
    assert (seen[BECKY.name].switch, seen[BECKY.name].accepted_terms) == ("on", "1")
    assert seen[BECKY.name].shown == accepting("2").shown


def test_a_timeline_shows_visits_to_who_made_them_and_to_operators() -> None:
    life = opened()
    entry = make_entry(1, 1, "").model_copy(update={"event": "enabled", "actor": TOM.id})
    ended = entry.model_copy(update={"event": "session_expired", "actor": CLOCK})
    tried = entry.model_copy(update={"event": "refused.not_allowed_now"})
    entries = [entry.model_copy(update={"event": "session_begun"}), tried, ended, entry]

    shown = {
        one.name: [entry.event for entry in visible(life.switch, entries, one.id, SWITCHING)]
        for one in (TOM, HUCK, JANE, MARY)
    }

    assert shown == {
        TOM.name: ["session_begun", "refused.not_allowed_now", "enabled"],
        HUCK.name: ["enabled"],
        JANE.name: ["enabled"],
        MARY.name: ["session_begun", "refused.not_allowed_now", "session_expired", "enabled"],
    }
