"""One question: how the words of AuthZEN name people, places and actions, and what is answered."""

from typing import Any

import pytest
from sqlalchemy import text

from approvals.people import Role
from approvals.tenant_access.commands import Revoke
from store import tables as t
from tests.factories import (
    CAROLINE,
    CHARLOTTE,
    CLASSICS,
    DAY,
    FENCE_PAINTING,
    LYDIA,
    MERYTON,
    TOM,
    TOM_SAWYER,
)
from tests.portal.authzen.asking import Json, Program, question, said, without
from tests.store.entries import SITE, Entries
from tests.stored_life import END, StoredLife


async def test_a_yes_says_on_what_it_rests_and_until_when(
    program: Program, life: StoredLife
) -> None:
    answer = await program.answer("evaluation", question())

    assert answer == {
        "decision": True,
        "context": {
            "reason": "granted", "process": str(life.process), "until": END.isoformat(),
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "granted"),
        ({"person": CAROLINE.id, "where": TOM_SAWYER.id}, "granted"),
        ({"person": CAROLINE.email.upper()}, "granted"),
        ({"action": "configure"}, "granted"),
        ({"action": "logs.view"}, "granted"),
        ({"person": LYDIA}, "(no_grant)"),
        ({"person": "nobody@classics.example"}, "(unknown)"),
        ({"person": ""}, "(unknown)"),
        ({"person": "x" * 10_000}, "(unknown)"),
        ({"where": "nowhere"}, "(unknown)"),
        ({"where": str(TOM_SAWYER.id).replace("-", "")}, "(unknown)"),
        ({"where": CAROLINE.id}, "(unknown)"),
        ({"kind": "document"}, "(unknown)"),
        ({"action": "everything"}, "(unknown_action)"),
        ({"action": "disruptive-change"}, "(no_consent)"),
        ({"context": {"via": "session"}}, "(no_session)"),
        ({"context": {"via": "legacy"}, "person": LYDIA}, "(legacy_closed)"),
        ({"context": {"time": "1985-10-26T01:22-07:00"}}, "granted"),
    ],
)
async def test_a_tenant_is_asked_about(
    program: Program, changes: dict[str, Any], expected: str
) -> None:
    assert await program.decision(**changes) == expected


async def test_a_person_may_be_called_a_user_and_nothing_else(program: Program) -> None:
    kinds = ("person", "user", "User", "machine", "")

    answers = [
        await program.answer("evaluation", {**question(), "subject": {"type": one, "id": ident}})
        for one in kinds
        for ident in (CAROLINE.email,)
    ]

    assert [one["decision"] for one in answers] == [True, True, False, False, False]


async def test_what_ended_is_closed_at_that_very_moment(program: Program, life: StoredLife) -> None:
    life.waits(30 * DAY)

    assert await program.decision() == "(no_grant)"


async def test_a_revoked_access_is_closed_with_the_next_question(
    program: Program, life: StoredLife
) -> None:
    before = await program.decision()

    await life.says(TOM, Revoke(reason="The fence is painted."))

    assert (before, await program.decision()) == ("granted", "(no_grant)")


async def test_a_cloned_user_is_asked_about_by_its_own_id(
    program: Program, entries: Entries
) -> None:
    await entries.group(LYDIA, owner=CLASSICS)
    process = await entries.pairing("employees.view", "logs.view")
    clone = await entries.clone(process, LYDIA)

    answers = [
        await program.decision(person=clone, action=one)
        for one in ("support", "logs.view", "configure")
    ]

    assert answers == ["paired", "paired", "(not_permitted)"]


async def test_a_disruptive_change_names_its_consent(program: Program, entries: Entries) -> None:
    consent = "8dcf07ca-69b4-5c22-b60a-2e0f4e3b7a51"
    await entries.group(LYDIA, owner=CLASSICS)
    await entries.pairing("employees.view", "tests.run", consents=[consent])

    def asked(change: object) -> Json:
        action = {"name": "disruptive-change", "properties": {"change": change}}
        return {**question(LYDIA), "action": action}

    answers = [said(await program.answer("evaluation", asked(one))) for one in (consent, "another")]

    assert answers == ["paired", "(no_consent)"]


async def test_a_platform_is_asked_about_by_its_partner(program: Program, entries: Entries) -> None:
    await entries.process(
        "customer_access", "pending", customer_id=FENCE_PAINTING.id, organization_id=CLASSICS.id
    )

    answers = [
        await program.decision(person=TOM, kind="platform", where=where, action=action)
        for where, action in (
            (CLASSICS.slug, "sign_in"),
            (CLASSICS.slug, "accept_terms"),
            (MERYTON.id, "sign_in"),
            (CLASSICS.slug, "support"),
        )
    ]

    assert answers == ["(terms_pending)", "terms_pending", "(never_enabled)", "(unknown_action)"]


async def test_a_site_is_asked_about_by_area_and_level(program: Program, entries: Entries) -> None:
    await entries.site()
    await entries.membership(LYDIA, reporting="view")
    await entries.role(TOM, Role.PRIMARY_CONTACT, SITE)

    answers = [
        await program.decision(person=person, kind="site", where=SITE, action=action)
        for person, action in (
            (LYDIA, "reporting.view"),
            (LYDIA, "reporting.update"),
            (LYDIA, "reporting.none"),
            (LYDIA, "reporting"),
            (LYDIA, "documents.update"),
            (TOM, "manage_access.update"),
            (CHARLOTTE, "reporting.view"),
        )
    ]

    assert answers == [
        "privilege", "(no_privilege)", "(unknown_action)", "(unknown_action)", "(unknown_action)",
        "privilege", "(not_member)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "via", "sentence"),
    [
        ("site", "session", "A site is entered by: request."),
        ("platform", "legacy", "A platform is entered by: request or session."),
    ],
)
async def test_a_way_in_that_a_place_does_not_have_is_refused(
    program: Program, kind: str, via: str, sentence: str
) -> None:
    found = await program.post("evaluation", question(kind=kind, context={"via": via}))

    assert found.status_code == 400
    assert found.json()["errors"] == [{"pointer": "/context/via", "detail": sentence}]


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        (("subject",), "/subject"),
        (("action",), "/action"),
        (("resource",), "/resource"),
        (("subject", "type"), "/subject/type"),
        (("subject", "id"), "/subject/id"),
        (("action", "name"), "/action/name"),
        (("resource", "type"), "/resource/type"),
        (("resource", "id"), "/resource/id"),
    ],
)
async def test_a_missing_field_is_named(
    program: Program, path: tuple[str, ...], pointer: str
) -> None:
    found = await program.post("evaluation", without(question(), *path))

    problem = found.json()
    assert (found.status_code, found.headers["content-type"]) == (400, "application/problem+json")
    assert [one["pointer"] for one in problem["errors"]] == [pointer]
    assert problem["errors"][0]["detail"].endswith("is missing.")


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "caroline-canary"},
        {"subject": None},
        {"action": {"name": 123}},
        {"action": ["canary"]},
        {"resource": {"type": "tenant", "id": ["canary"]}},
        {"context": "canary"},
        {"context": {"via": "canary"}},
        {"subject": {"type": "person", "id": "x", "properties": "canary"}},
    ],
)
async def test_a_wrong_type_is_refused_and_not_repeated(program: Program, changes: Json) -> None:
    found = await program.post("evaluation", {**question(), **changes})

    assert found.status_code == 400
    assert "canary" not in found.text


async def test_what_the_interface_does_not_know_is_ignored(program: Program) -> None:
    more = {"foo": "bar", "futureField": {"nested": True}}
    subject = {"type": "person", "id": CAROLINE.email, "properties": {"role": "admin"}, "x": 1}

    answer = await program.answer("evaluation", {**question(), "subject": subject, **more})

    assert said(answer) == "granted"


async def test_a_clients_number_of_its_question_comes_back(program: Program) -> None:
    number = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"

    for body in (question(), {}):
        found = await program.post("evaluation", body, X_Request_ID=number)
        assert found.headers.get_list("x-request-id") == [number]
    without_number = await program.post("evaluation", question())
    assert len(without_number.headers["x-request-id"]) == 16


@pytest.fixture
def changes_the_schema() -> bool:
    """A table is taken away here."""
    return True


@pytest.mark.parametrize("table", ["access_grant", "gate_client"])
async def test_the_answer_is_no_when_the_database_cannot_be_read(
    program: Program, life: StoredLife, table: str
) -> None:
    async with life.engines.write.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO gone"))
    questions = {**question(), "evaluations": [{}, {"action": {"name": "configure"}}]}

    single = await program.answer("evaluation", question())
    many = await program.answer("evaluations", questions)
    search = await program.post("search/action", question())

    assert said(single) == "(unreadable)"
    assert [said(one) for one in many["evaluations"]] == ["(unreadable)"] * 2
    assert (search.status_code, search.headers["retry-after"]) == (503, "10")


async def test_a_locked_tenant_is_closed(program: Program, life: StoredLife) -> None:
    await life.set(t.tenant.name, TOM_SAWYER.id, is_locked=True)

    assert await program.decision() == "(tenant_locked)"
