"""What people and programs send to a pairing, and the rule that must answer."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from approvals.commands import parsed
from approvals.errors import FieldError, InvalidDecisionError
from approvals.fields import problems
from approvals.pairing.commands import (
    AskConsent,
    AskRoles,
    AssignRoles,
    BeginSession,
    Decline,
    DefineRole,
    Offer,
    RecordChange,
    Revoke,
)
from approvals.pairing.errors import RoleNotRequestableError, RoleUnknownError
from approvals.pairing.fields import change_text, own_role_name, role_list
from approvals.people import Role
from approvals.permissions import PERMISSIONS, ROLES, permission_list
from approvals.policy import PolicyError, policies
from approvals.rules import KINDS
from approvals.sessions import Mode
from identity.signing import SigningKey
from tests.bad_inputs import cases, rows
from tests.factories import START, TOM, make_id
from tests.pairings import BATCH, CHARLES, PAIRING, make_offer, make_pairing_life

RECIPES = {"'a'*64": "a" * 64, "1000 roles": [f"role-{number}" for number in range(1000)]}
# About requests for oneself, or about customer access; and a form without our fields.
ELSEWHERE = ("role_not_requestable", "role_not_approvable", "unknown_field")
BY_HAND = {
    "a role that exists only in another tenant",
    "the engine-admin role",
    "a role above the customer's toggle ceiling",
    "requester decides own request",
    "requester decides through a service account they own",
    "approver of tenant B for tenant A",
    "approver lengthens the expiry beyond the request",
}


@pytest.mark.parametrize(("expect", "value"), cases("roles", RECIPES, ELSEWHERE))
def test_a_list_of_roles_answers_each_row_as_expected(expect: str, value: object) -> None:
    listed = [value] if isinstance(value, str) else value
    life = make_pairing_life("paired")

    if expect == "role_unknown":
        with pytest.raises(RoleUnknownError, match="Choose one of: viewer, support"):
            life.says(AssignRoles(roles=role_list(listed)), TOM, START)
        with pytest.raises(RoleUnknownError):
            life.says(AskRoles(roles=role_list(listed), reason="Please."), CHARLES, START)
        return

    with pytest.raises(FieldError) as refusal:
        role_list(listed)
    assert refusal.value.code == expect


@pytest.mark.parametrize("row", [row for row in rows("roles") if row.expect == "unknown_field"])
def test_a_field_that_a_form_does_not_know_is_named(row: Any) -> None:
    said = {"roles": ["support"], **{k: v for k, v in row.value.items() if k != "role"}}

    with pytest.raises(ValidationError) as broken:
        AssignRoles.model_validate_json(json.dumps(said))

    assert {code for _, code, _ in problems(broken.value)} == {"unknown_field"}


def test_the_rows_that_need_more_than_a_form_are_known() -> None:
    found = {row.recipe for row in rows("roles") if row.expect in ELSEWHERE and row.recipe}

    assert found == BY_HAND


def test_a_role_of_another_pairing_is_as_unknown_as_any() -> None:
    life = make_pairing_life("paired")
    life.says(DefineRole(name="ears", permissions=("recordings.play",)), TOM, START)
    other = make_pairing_life("paired")

    with pytest.raises(RoleUnknownError):
        other.says(AskRoles(roles=("ears",), reason="Please."), CHARLES, START)


@pytest.mark.parametrize("name", [one.value for one in Role])
def test_no_role_of_gatehouses_own_is_given_or_defined(name: str) -> None:
    life = make_pairing_life("paired")

    with pytest.raises(RoleNotRequestableError):
        life.says(AssignRoles(roles=(name,)), TOM, START)
    with pytest.raises(FieldError):
        own_role_name(name)


@pytest.mark.parametrize("name", [*ROLES, "operator"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(FieldError) as refusal:
        own_role_name(name)

    assert refusal.value.code == "role_reserved"


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "A", "a_b", "a.b", "-a", "a-", "a\n", "a" * 64, "\u0430", "a\u200bb"]
)
def test_a_malformed_name_of_a_role_is_refused(name: str) -> None:
    with pytest.raises(FieldError) as refusal:
        own_role_name(name)

    assert refusal.value.code == "role_malformed"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "permission_list_size"),
        (["logs.view", "logs.view"], "permission_list_size"),
        (["logs.view", "Logs.view"], "permission_unknown"),
        (["*"], "permission_unknown"),
        (["logs.view\n"], "permission_unknown"),
        (["\ud800"], "permission_unknown"),
        ("logs.view", "permission_not_text"),
        ([1], "permission_not_text"),
        (None, "permission_not_text"),
    ],
)
def test_a_list_of_permissions_answers_by_its_rule(value: object, code: str) -> None:
    with pytest.raises(FieldError) as refusal:
        permission_list(value)

    assert refusal.value.code == code


def test_every_role_that_ships_is_made_of_the_vocabulary() -> None:
    for name, permissions in ROLES.items():
        assert permission_list(permissions) == permissions, name
    assert ROLES["admin"] == tuple(PERMISSIONS)


@pytest.mark.parametrize("value", [None, "", "  \n", "\u200b"])
def test_a_change_must_be_described(value: object) -> None:
    with pytest.raises(FieldError) as refusal:
        change_text(value)

    assert refusal.value.code == "change_required"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (Decline, "reason"),
        (Revoke, "reason"),
        (AskRoles, "reason"),
        (AskConsent, "what"),
        (RecordChange, "what"),
    ],
)
@pytest.mark.parametrize("text", [None, "", "a\x00b", "a\x1b[31m", "\u202ea", "a" * 2_001, 7])
def test_a_text_follows_the_rules_of_messages(form: type[Any], field: str, text: object) -> None:
    said = {"roles": ["support"]} if form is AskRoles else {}

    with pytest.raises(ValidationError) as broken:
        form.model_validate_json(json.dumps({**said, field: text}))

    assert {path for path, _, _ in problems(broken.value)} == {field}


@pytest.mark.parametrize(
    "document",
    [
        {"vendor": {"netherfield": {"minimum_permissions": []}}},
        {"vendor": {"netherfield": {"minimum_permissions": ["everything"]}}},
        {"vendor": {"netherfield": {"minimum_permissions": "logs.view"}}},
        {"vendor": {"netherfield": {"link_life": "30d"}}},
        {"vendor": {"netherfield": {}}},
        {"default": {"link_life": "30d"}},
    ],
)
def test_a_policy_that_breaks_a_rule_is_refused_and_none_lengthens_a_link(
    document: dict[str, Any],
) -> None:
    with pytest.raises(PolicyError):
        policies(document)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("offer", {"batch": "x", "tenant": "tom-sawyer", "group": "care"}),
        ("offer", {"batch": str(BATCH), "tenant": "Tom Sawyer", "group": "care"}),
        ("offer", {"batch": str(BATCH), "tenant": "tom-sawyer", "group": ""}),
        ("accept", {"proof": "apl_" + "A" * 43}),
        ("accept", {"proof": "A" * 64}),
        ("accept", {}),
        ("decline", {}),
        ("begin_session", {"mode": "admin"}),
        ("begin_session", {"mode": "support", "as_clone": "yes"}),
        ("add_clone", {"person": str(CHARLES.id)}),
        ("remove_clone", {}),
        ("record_change", {"what": "x", "is_breach": False}),
        ("assign_roles", {"roles": "support"}),
        ("assign_roles", {"roles": ["support"], "person": "everybody"}),
        ("define_role", {"name": "own"}),
        ("define_role", {"name": "own", "permissions": ["*"]}),
    ],
)
def test_a_form_that_breaks_a_rule_is_refused_by_field(command: str, said: dict[str, Any]) -> None:
    form = KINDS["pairing"].commands[command]

    with pytest.raises(ValidationError):
        form.model_validate_json(json.dumps(said))


def test_what_is_signed_survives_the_wire() -> None:
    key, number = SigningKey.fresh(), make_id("key")
    for command in (
        make_offer(),
        BeginSession(mode=Mode.SUPPORT, as_clone=True),
        AssignRoles(roles=("support",), person=CHARLES.id, shown="0" * 64),
    ):
        said = key.signed(
            PAIRING, command, actor=TOM.id, key_id=number, issued_at=START, nonce="C" * 22
        )
        assert parsed(said, KINDS["pairing"].commands).command == command


def test_an_offers_number_is_that_of_its_batch_and_tenant() -> None:
    life = make_pairing_life("offered")
    life.state = None

    with pytest.raises(InvalidDecisionError, match="does not belong to this batch and tenant"):
        life.says(Offer(batch=make_id("x"), tenant="tom-sawyer", group="care"), CHARLES, START)
