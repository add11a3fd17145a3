"""Sign-in through the one door: a mailed code enrols one key, and tells strangers nothing."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from approvals import audit
from approvals.checkpoints import Checkpoint, Head, Published, stated
from approvals.commands import Command
from approvals.delivery import Outcome
from approvals.errors import restored
from approvals.people import Person
from approvals.proof import ProofPack, Verdict, judged
from approvals.sign_in.commands import Begin, Prove, RevokeKey, SignOut
from approvals.sign_in.record import SignIn
from approvals.tenant_access.commands import Withdraw
from identity.enrolment import proof_of
from identity.signing import Ed25519Signatures, SigningKey, fresh_nonce
from store.heads import SqlHeads
from store.proofs import proof_of as proof_pack
from tests.factories import (
    ELIZABETH,
    HOUR,
    JANE,
    LYDIA,
    MARY,
    MINUTE,
    MS,
    PROCESS,
    START,
    make_submit,
)
from tests.installation import CODES, CarriedClock
from tests.store.rows import REFUSED, digest_of, rows_of
from tests.stored_life import StoredLife, code_of, kept

STRANGER = "nobody@classics.example"
WRONG = "0" * 64
SECOND = timedelta(seconds=1)
CHECKPOINTS = SigningKey.fresh()
TRUSTED = frozenset([CHECKPOINTS.public])


class Login:
    """One client that signs in with a key of its own."""

    def __init__(self, life: StoredLife, email: str = ELIZABETH.email) -> None:
        self.life, self.email = life, email
        self.id, self.key = uuid4(), SigningKey.fresh()

    async def says(self, command: Command, **changes: Any) -> Outcome:
        """Sign with the key that is being enrolled, and deliver."""
        return await self.life.hears(self.signed(command, **changes), process=self.id)

    def signed(self, command: Command, **changes: Any) -> bytes:
        """Sign with the key that is being enrolled."""
        envelope = {"actor": None, "key_id": self.id, "issued_at": self.life.now}
        key: SigningKey = changes.pop("key", self.key)
        nonce = changes.pop("nonce", None) or fresh_nonce()
        return key.signed(self.id, command, nonce=nonce, **{**envelope, **changes})

    def signed_by_owner(self, process: UUID, command: Command) -> bytes:
        """Sign with the enrolled key, as Elizabeth, what another process hears."""
        return self.key.signed(
            process,
            command,
            actor=ELIZABETH.id,
            key_id=self.id,
            issued_at=self.life.now,
            nonce=fresh_nonce(),
        )

    async def asks(self) -> Outcome:
        """Ask for a code."""
        begin = Begin(email=self.email, public_key=self.key.public, client="laptop")
        return await self.says(begin)

    async def code(self) -> str:
        """Return the code as the mail shows it."""
        (row,) = [
            one
            for one in await self.life.outbox()
            if one["process_id"] == self.id and one["sealed"]
        ]
        return CODES.opened(row["sealed"])

    async def proves(self, code: str | None = None) -> Outcome:
        """Prove the mailed code, or another one."""
        proof = proof_of(self.id, self.key.public, code or await self.code())
        return await self.says(Prove(proof=proof))

    async def enrolled(self) -> "Login":
        """Ask and prove."""
        await self.asks()
        await self.proves()
        return self

    async def state(self) -> SignIn:
        """Return the stored sign-in."""
        state = await self.life.installation.inbox.state(self.id)
        assert isinstance(state, SignIn)
        return state


async def pack_of(life: StoredLife, process: UUID) -> ProofPack:
    """Return the proof of a process as it stands, under a checkpoint of this moment."""
    found = await SqlHeads(life.engines).all()
    heads = tuple(Head(process=one, seq=found[one][0], hash=found[one][1]) for one in found)
    statement = stated(None, found, heads, CHECKPOINTS.public, life.now)
    signature = CHECKPOINTS.signature(statement.body)
    published = Published(Ed25519Signatures(), TRUSTED)
    published.add([Checkpoint(statement=statement, heads=heads, signature=signature).line])
    return await proof_pack(life.engines, process, published, life.now)


async def proved(life: StoredLife, process: UUID) -> Verdict:
    """Check the proof of a process as it stands."""
    return judged(await pack_of(life, process), Ed25519Signatures(), TRUSTED)


async def keys_of(life: StoredLife, login: Login) -> list[Any]:
    """Return the key rows of this sign-in: one, or none."""
    return [one for one in await rows_of(life.engines, "key") if one["id"] == login.id]


async def audit_of(life: StoredLife, process: UUID) -> list[tuple[int | None, str]]:
    """Return version and event of a chain."""
    return [(one.version, one.event) for one in await life.trail.entries(process)]


@pytest.fixture
def login(life: StoredLife) -> Login:
    """Elizabeth's laptop."""
    return Login(life)


async def test_the_mailed_code_enrols_this_key_and_the_key_signs_for_its_person(
    life: StoredLife, login: Login
) -> None:
    await life.submitted()
    await login.enrolled()

    outcome = await life.hears(login.signed_by_owner(PROCESS, Withdraw()))

    (row,) = await keys_of(life, login)
    assert (row["person_id"], row["public_key"]) == (ELIZABETH.id, login.key.public)
    assert row["expires_at"] == START + 12 * HOUR
    assert outcome.status == "withdrawn"
    await kept(life.engines)


async def test_a_key_counts_for_twelve_hours_and_not_at_them(
    life: StoredLife, login: Login
) -> None:
    await life.submitted()
    await login.enrolled()

    codes = []
    for moment in (START + 12 * HOUR, START + 12 * HOUR - MS):
        life.clock.fixed = moment
        said = login.signed_by_owner(PROCESS, Withdraw())
        codes.append(code_of(await life.hears(said)))

    assert codes == ["key_refused", None]


async def test_five_wrong_codes_close_the_sign_in_and_the_right_one_comes_too_late(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    code = await login.code()
    wrong = f"{(int(code) + 1) % 10**8:08d}"

    answers = [await login.proves(wrong) for _ in range(5)]
    sixth = await login.proves(code)

    assert [code_of(one) for one in answers] == ["wrong_code"] * 5
    assert [one.status for one in answers] == ["pending"] * 4 + ["denied"]
    assert code_of(sixth) == "already_decided"
    assert await keys_of(life, login) == []
    await kept(life.engines)


async def test_after_five_wrong_codes_the_address_waits_and_then_may_try_again(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    wrong = [await login.proves(WRONG[:8]) for _ in range(5)]
    early = await Login(life).asks()
    life.waits(15 * SECOND)
    second, third = Login(life), Login(life)
    await second.asks()
    sixth = await second.proves(WRONG[:8])
    refused = await second.proves()
    life.waits(30 * SECOND)
    right = await second.proves()
    await third.asks()
    forgiven = await third.proves(WRONG[:8])

    assert [code_of(one) for one in wrong] == ["wrong_code"] * 5
    answers = [early, sixth, refused, right, forgiven]
    assert [(code_of(one), seconds_of(one)) for one in answers] == [
        ("rate_limited", 15),
        ("wrong_code", None),
        ("rate_limited", 30),
        (None, None),
        ("wrong_code", None),
    ]
    assert (await second.state()).attempts == 1
    await kept(life.engines)


def seconds_of(outcome: Outcome) -> int | None:
    """Return how long a refusal says to wait."""
    no = outcome.refusal
    return None if no is None else restored(no.code, no.sentence).seconds


async def test_five_attempts_are_five_however_many_come_at_once(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    code = int(await login.code())
    wrong = [f"{(code + turn) % 10**8:08d}" for turn in range(1, 25)]

    answers = await asyncio.gather(*(login.proves(one) for one in wrong))

    assert sorted(str(code_of(one)) for one in answers) == (
        ["already_decided"] * 19 + ["wrong_code"] * 5
    )
    assert (await login.state()).attempts == 5


@pytest.mark.parametrize(
    ("late", "expected"),
    [(10 * MINUTE - MS, None), (10 * MINUTE, "too_late")],
    ids=["just within", "10 min + 0 s"],
)
async def test_a_code_counts_for_ten_minutes_and_not_at_them(
    life: StoredLife, login: Login, late: timedelta, expected: str | None
) -> None:
    await login.asks()
    life.waits(late)

    outcome = await login.proves()

    assert code_of(outcome) == expected


async def test_a_newer_code_voids_the_older_one(life: StoredLife, login: Login) -> None:
    await login.asks()
    life.waits(MINUTE)
    newer = Login(life)
    await newer.asks()

    older = await login.proves()
    outcome = await newer.proves()

    assert (code_of(older), code_of(outcome)) == ("replaced", None)


async def test_a_proof_for_another_login_or_public_key_is_wrong(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    code = await login.code()
    proofs = [
        proof_of(uuid4(), login.key.public, code),
        proof_of(login.id, SigningKey.fresh().public, code),
    ]

    answers = [await login.says(Prove(proof=one)) for one in proofs]

    assert [code_of(one) for one in answers] == ["wrong_code"] * 2


async def test_only_the_key_that_is_being_enrolled_proves_its_code(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    thief = SigningKey.fresh()
    proof = Prove(proof=proof_of(login.id, login.key.public, await login.code()))
    other = Prove(proof=proof_of(login.id, thief.public, await login.code()))

    answers = [await login.says(one, key=thief) for one in (proof, other)]

    assert [code_of(one) for one in answers] == ["invalid_decision"] * 2
    assert (await login.state()).attempts == 0


async def test_a_code_is_spent_once(life: StoredLife, login: Login) -> None:
    await login.enrolled()

    again = await login.proves(WRONG[:8])

    assert code_of(again) == "not_allowed_now"
    assert len(await keys_of(life, login)) == 1


async def test_the_code_stands_in_no_row_and_in_no_outcome(life: StoredLife, login: Login) -> None:
    begun = await login.asks()
    code = await login.code()
    proved = await login.proves(code)

    tables = [
        str(await rows_of(life.engines, table))
        for table in ("process", "outbox", "audit", "command", "key", "refusal")
    ]

    assert not any(code in text for text in tables)
    assert code not in f"{begun!r}{proved!r}"


async def test_the_address_stands_in_no_row_of_the_process_nor_in_the_audit(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    unknown = Login(life, STRANGER)
    await unknown.asks()

    tables = [await rows_of(life.engines, table) for table in ("process", "audit", "command")]

    assert ELIZABETH.email not in str(tables)
    assert STRANGER not in str(tables)


async def test_a_proof_holds_although_the_request_for_a_code_is_not_kept(
    life: StoredLife, login: Login
) -> None:
    await login.enrolled()
    for command in (make_submit(), Withdraw()):
        await life.hears(login.signed_by_owner(PROCESS, command))
    unknown = Login(life, STRANGER)
    await unknown.asks()
    await unknown.proves(WRONG[:8])

    verdicts = [await proved(life, one) for one in (PROCESS, login.id, unknown.id)]

    assert [one.breaches for one in verdicts] == [(), (), ()]
    request = "the request for a code names an address, so its text is not kept."
    assert [sum(request in told for told in one.remarks) for one in verdicts] == [0, 1, 1]


async def test_a_proof_with_another_key_in_place_of_the_enrolled_one_does_not_hold(
    life: StoredLife, login: Login
) -> None:
    await life.submitted()
    await login.enrolled()
    await life.hears(login.signed_by_owner(PROCESS, Withdraw()))
    pack = await pack_of(life, PROCESS)
    (facts,) = [one for one in pack.keys if one.key.id == login.id]
    other = facts.key.model_copy(update={"public_key": SigningKey.fresh().public})
    swapped = facts.model_copy(update={"key": other})

    verdict = judged(pack.model_copy(update={"keys": (swapped,)}), Ed25519Signatures(), TRUSTED)

    assert f"key {login.id}: whoever proved its mailed code did not hold it." in verdict.breaches


async def test_an_unknown_address_is_answered_like_a_known_one(
    life: StoredLife, login: Login
) -> None:
    unknown = Login(life, STRANGER)

    known = [await login.asks(), *[await login.says(Prove(proof=WRONG)) for _ in range(6)]]
    other = [await unknown.asks(), *[await unknown.says(Prove(proof=WRONG)) for _ in range(6)]]

    def seen(outcomes: list[Outcome]) -> list[tuple[Any, ...]]:
        return [(one.version, one.status, one.due, one.refusal) for one in outcomes]

    assert seen(known) == seen(other)
    assert await audit_of(life, login.id) == await audit_of(life, unknown.id)


async def test_an_unknown_address_takes_the_same_way_to_the_mail_queue(
    life: StoredLife, login: Login
) -> None:
    """Queueing is a call over the network: who measured would tell a known address by it."""
    await login.asks()
    unknown = Login(life, STRANGER)
    await unknown.asks()

    assert [one.process for one in life.mail.queued] == [login.id, unknown.id]
    assert [one["process_id"] for one in await life.outbox()] == [login.id]


async def test_a_disabled_person_is_answered_and_mailed_like_an_unknown_one(
    life: StoredLife, login: Login
) -> None:
    await life.disable(ELIZABETH)

    outcome = await login.asks()

    assert (outcome.status, outcome.refusal) == ("pending", None)
    assert await life.outbox() == []


@pytest.mark.parametrize("email", [ELIZABETH.email, STRANGER], ids=["known", "unknown"])
async def test_a_sixth_code_in_ten_minutes_is_refused_and_not_after_them(
    life: StoredLife, email: str
) -> None:
    first = [code_of(await Login(life, email).asks()) for _ in range(6)]
    life.waits(10 * MINUTE)
    later = code_of(await Login(life, email).asks())

    assert first == [None] * 5 + ["rate_limited"]
    assert later is None


async def test_the_limit_counts_an_address_however_it_is_written(life: StoredLife) -> None:
    written = [ELIZABETH.email, ELIZABETH.email.upper(), ELIZABETH.email.title()] * 2

    codes = [code_of(await Login(life, one).asks()) for one in written]

    assert codes == [None] * 5 + ["rate_limited"]


async def test_the_limit_holds_although_all_ask_at_once(life: StoredLife) -> None:
    codes = await asyncio.gather(*(Login(life).asks() for _ in range(12)))

    assert sorted(str(code_of(one)) for one in codes) == ["None"] * 5 + ["rate_limited"] * 7


async def test_a_refused_sign_in_leaves_no_process(life: StoredLife) -> None:
    for _ in range(5):
        await Login(life).asks()
    before = await digest_of(life.engines, besides=REFUSED)

    outcome = await Login(life).asks()

    assert code_of(outcome) == "rate_limited"
    assert await digest_of(life.engines, besides=REFUSED) == before
    assert await audit_of(life, audit.INSTALLATION) == [(None, "refused.rate_limited")]


async def test_a_stranger_does_not_begin_where_somebody_else_has_begun(
    life: StoredLife, login: Login
) -> None:
    await login.asks()
    thief = SigningKey.fresh()
    begin = Begin(email=ELIZABETH.email, public_key=thief.public, client="laptop")

    outcome = await login.says(begin, key=thief)

    assert code_of(outcome) == "invalid_decision"
    assert (await login.state()).public_key == login.key.public


async def test_a_stranger_burns_no_nonce_of_a_sign_in(life: StoredLife, login: Login) -> None:
    await login.asks()
    thief, nonce = SigningKey.fresh(), fresh_nonce()
    begin = Begin(email=ELIZABETH.email, public_key=thief.public, client="laptop")
    proof = proof_of(login.id, login.key.public, await login.code())
    await login.says(begin, key=thief, nonce=nonce)

    outcome = await login.says(Prove(proof=proof), nonce=nonce)

    assert code_of(outcome) is None


async def test_signing_out_ends_the_key_at_once(life: StoredLife, login: Login) -> None:
    await login.enrolled()
    out = await login.says(SignOut(), actor=ELIZABETH.id)

    again = await login.says(SignOut(), actor=ELIZABETH.id)

    assert (out.status, code_of(again)) == ("finished", "key_refused")
    assert [one["revoked_at"] for one in await keys_of(life, login)] == [START]


@pytest.mark.parametrize(
    ("who", "expected"),
    [(ELIZABETH, None), (MARY, None), (JANE, "not_found"), (LYDIA, "not_found")],
    ids=["its person", "an operator", "a colleague with a role", "a colleague"],
)
async def test_a_key_is_revoked_by_its_person_or_an_operator(
    life: StoredLife, login: Login, who: Person, expected: str | None
) -> None:
    await login.enrolled()
    revoke = RevokeKey(reason="The laptop was stolen.")
    said = life.installation.signed(who, login.id, revoke, at=life.now)

    outcome = await life.hears(said, process=login.id)

    assert code_of(outcome) == expected
    assert [one["revoked_at"] is None for one in await keys_of(life, login)] == [bool(expected)]


async def test_a_key_expires_by_itself_and_its_sign_in_closes(
    life: StoredLife, login: Login, clock: CarriedClock
) -> None:
    await login.enrolled()
    clock.fixed = START + 12 * HOUR

    outcome = await life.hears(None, process=login.id)

    assert (outcome.status, outcome.due) == ("expired", None)
