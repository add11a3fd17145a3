"""The token of a pairing's link, from what was pasted to the rule that takes it once."""

from datetime import datetime
from pathlib import Path

import pytest

from approvals.errors import ApprovalError
from approvals.pairing.commands import Accept
from approvals.pairing.errors import LinkInvalidError
from approvals.pairing.offer import accepted
from approvals.pairing.record import Pairing, process_id_of, shown_digest
from approvals.people import Person
from config.settings import ConfigurationError
from identity.enrolment import KeyedCodes, proof_of_link
from starter.pairing_desk import token_from, token_in
from tests.bad_inputs import rows
from tests.factories import BECKY, DAY, HUNDRED_ACRE, MS, START, TOM
from tests.installation import CODES
from tests.pairings import BATCH, PAIRING, make_pairing_life

FRESH = CODES.link(PAIRING)
TOKEN = CODES.opened(FRESH.sealed)
OTHER = CODES.opened(CODES.link(process_id_of(BATCH, HUNDRED_ACRE.slug)).sealed)
ROTATED = KeyedCodes(b"q" * 32, b"o" * 32)
_BASE64 = "apl_" + "-_" * 21 + "A"

RECIPES = {
    "'A'*42": "A" * 42,
    "'A'*43 (well formed, unknown)": "apl_" + "A" * 43,
    "valid token, first char changed": "b" + TOKEN[1:],
    "valid token, case swapped": TOKEN.swapcase(),
    "valid token + '.'": TOKEN + ".",
    "valid token + '%20'": TOKEN + "%20",
    "valid token + '\\x00'": TOKEN + "\x00",
    "valid token reversed": TOKEN[::-1],
    "two valid tokens joined": TOKEN + OTHER,
    "standard base64 '+/' instead of '-_'": _BASE64.replace("-", "+").replace("_", "/"),
    "prefix of the stored hash": FRESH.check[:43],
    "token of another purpose (session id as pairing link)": str(PAIRING),
    "token of tenant B at tenant A's host": OTHER,
    "CSRF token as link token": "C" * 43,
    "token made with the previous signing key after rotation": ROTATED.opened(
        ROTATED.link(PAIRING).sealed
    ),
}
LATE = {
    "pairing link at 7 d + 0 s": START + 7 * DAY,
    "link opened before and posted after expiry": START + 7 * DAY + MS,
}
IN_TIME = {"pairing link at 7 d - 1 s: still valid": START + 7 * DAY - 1000 * MS}
# Who posts again, and whether the page is the one from before the first time.
AGAIN = {
    "second POST with the same token": (TOM, False),
    "POST, browser back, POST": (TOM, True),
    "token replayed from another IP": (BECKY, False),
}
RESENT = "6th resend of the same pairing link in 1 h"  # with the offer's rules
AT_THE_PORTAL = ("link_needs_click", "method_not_allowed", "csrf_failed")


def opened(
    text: str,
    at: datetime = START,
    state: Pairing | None = None,
    by: Person = TOM,
    seen: Pairing | None = None,
) -> Pairing:
    """Paste a token, and accept by it what was *seen*: the offer as it stands, unless said."""
    offer = state or make_pairing_life("offered").pairing.model_copy(update={"check": FRESH.check})
    proof = proof_of_link(PAIRING, token_in(text))
    command = Accept(proof=proof, shown=shown_digest(seen or offer))
    after = accepted(offer, command, by.id, CODES.keyed(proof), at).after
    assert isinstance(after, Pairing)
    return after


@pytest.mark.parametrize("row", [row for row in rows("tokens") if row.expect == "link_invalid"])
def test_a_wrong_token_has_one_answer_for_all(row: object) -> None:
    said = getattr(row, "value", None)
    recipe = getattr(row, "recipe", None)

    with pytest.raises(LinkInvalidError) as refusal:
        opened(str(said) if recipe is None else RECIPES[recipe])

    assert str(refusal.value) == "This link is not valid. Ask for a new one."


@pytest.mark.parametrize(
    "text",
    [TOKEN, f" {TOKEN}\r\n", f"https://g.example/pairings/1/{TOKEN}"],
    ids=["alone", "in spaces", "whole address"],
)
def test_the_right_token_opens_also_as_the_whole_address(text: str) -> None:
    assert opened(text).status == "paired"


@pytest.mark.parametrize("at", LATE.values(), ids=LATE.keys())
def test_a_link_that_ended_is_said_to_have_ended(at: datetime) -> None:
    with pytest.raises(ApprovalError, match="This link ended on 2026-03-09 09:00:00 UTC") as late:
        opened(TOKEN, at)

    assert late.value.code == "link_expired"


@pytest.mark.parametrize("at", IN_TIME.values(), ids=IN_TIME.keys())
def test_a_link_opens_until_its_end(at: datetime) -> None:
    assert opened(TOKEN, at).link_used_at == at


@pytest.mark.parametrize(("by", "is_old_page"), AGAIN.values(), ids=AGAIN.keys())
def test_a_used_link_is_said_to_have_been_used(by: Person, is_old_page: bool) -> None:
    offer = make_pairing_life("offered").pairing.model_copy(update={"check": FRESH.check})
    after = opened(TOKEN, state=offer)

    with pytest.raises(ApprovalError, match="This link was used on") as used:
        opened(TOKEN, START + DAY, after, by, seen=offer if is_old_page else None)

    assert used.value.code == "link_used"


def test_every_row_is_tested_here_or_where_its_surface_is() -> None:
    found = {row.recipe for row in rows("tokens") if row.expect not in AT_THE_PORTAL and row.recipe}
    ours = {*RECIPES, *LATE, *IN_TIME, *AGAIN, RESENT}

    assert found - ours == {"11th unknown token per minute per IP"}
    assert ours <= found


def test_a_token_file_must_be_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to others"):
        token_from(file)

    file.chmod(0o600)

    assert token_from(file) == TOKEN


def test_a_link_of_another_process_proves_nothing_here() -> None:
    assert CODES.keyed(proof_of_link(PAIRING, OTHER)) != FRESH.check
