"""What must always hold: an intact installation of all kinds does, and each breach is named."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.engine import URL

from approvals.checkpoints import Published
from identity.signing import Ed25519Signatures
from starter.evidence import Call, Evidence
from starter.invariants import CHECKS, check_invariants
from store import access_tables as a
from store import tables as t
from store.engine import Engines, connect
from tests.every_kind import EveryKind, renderer
from tests.factories import CAROLINE, ELIZABETH, LYDIA, TOM_SAWYER
from tests.installation import CarriedClock, key_id

IN_TEMPORAL = {9, 15, 16}  # broken in test_invariants_of_temporal.py
TOKEN = b"apl_" + b"x" * 43


class Whole(NamedTuple):
    """An installation in a folder, and the processes in it by name."""

    folder: Path
    named: dict[str, UUID]


class Broken(NamedTuple):
    """The same, as a test breaks it."""

    engines: Engines
    folder: Path
    named: dict[str, UUID]

    async def does(self, *statements: Any) -> None:
        """Change the database behind the door's back."""
        async with self.engines.write.begin() as connection:
            for name in ("audit_no_update", "audit_no_delete"):
                await connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
            for one in statements:
                await connection.execute(one)

    async def first(self, query: Any) -> Any:
        """Return the first row that a query finds."""
        async with self.engines.read.connect() as connection:
            return (await connection.execute(query)).first()

    def letter(self) -> Path:
        """Return the file of the oldest mail."""
        return sorted((self.folder / "mail" / "new").iterdir())[0]

    def of(self, table: Table, name: str) -> Any:
        """Return the condition that a row is of a process."""
        column = table.c.id if table is t.process else table.c.process_id
        return column == self.named[name]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Whole:
    """An installation in which everything happened, and all mail was sent."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copy(sqlite_template, folder / "gatehouse.db")

    async def lived() -> dict[str, UUID]:
        clock = CarriedClock()
        engines = connect(_url(folder), clock)
        life = await EveryKind(engines, clock).lives()
        await life.mailed(folder / "mail")
        await engines.close()
        return life.named

    return Whole(folder, asyncio.run(lived()))


@pytest.fixture
async def broken(whole: Whole, tmp_path: Path) -> Any:
    """A copy of it, to break."""
    shutil.copytree(whole.folder, tmp_path, dirs_exist_ok=True)
    engines = connect(_url(tmp_path))
    yield Broken(engines, tmp_path, dict(whole.named))
    await engines.close()


def _url(folder: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(folder / "gatehouse.db"))


def evidence(at: Broken, **more: Any) -> Evidence:
    """Return what the checks may read of it."""
    signatures = Ed25519Signatures()
    seen = Evidence(
        engines=at.engines,
        published=Published(signatures, frozenset()),
        signatures=signatures,
        maildir=at.folder / "mail",
        renderer=renderer(),
        logs=tuple(at.folder.glob("*.log")),
    )
    return replace(seen, **more)


async def found(at: Broken, number: int, **more: Any) -> list[tuple[UUID | None, str]]:
    """Return what one check finds."""
    others = frozenset(one for one, _, _ in CHECKS) - {number}
    (finding,) = await check_invariants(evidence(at, **more), without=others)
    return [(one.process, one.sentence) for one in finding.breaches]


async def calls_of(at: Broken) -> tuple[Call, ...]:
    """Return all commands that were taken, as if their callers had waited for each."""
    query = select(t.command).order_by(t.command.c.at)
    async with at.engines.read.connect() as connection:
        rows = (await connection.execute(query)).all()
    told = [(row, json.loads(row.outcome)) for row in rows]
    return tuple(
        Call(
            process=row.process_id,
            key=row.key_id,
            nonce=row.nonce,
            receipt=outcome["receipt"],
            version=outcome["version"],
            sent_at=float(turn),
            answered_at=turn + 0.5,
        )
        for turn, (row, outcome) in enumerate(told)
        if outcome["refusal"] is None
    )


async def test_an_intact_installation_of_all_kinds_holds(broken: Broken) -> None:
    (broken.folder / "worker.log").write_text('{"event": "reconciled"}\n')
    seen = evidence(
        broken,
        calls=await calls_of(broken),
        canaries=(b"Caroline and Charlotte help you",),
        secrets=(b"a private key's bytes",),
        rest=({"handles": 20}, {"handles": 21}),
    )

    findings = await check_invariants(seen)

    assert {one.invariant: one.breaches for one in findings if one.breaches} == {}
    assert {one.invariant for one in findings if one.skipped} == IN_TEMPORAL
    kinds = select(t.process.c.kind).distinct()
    async with broken.engines.read.connect() as connection:
        assert len((await connection.execute(kinds)).all()) == 7


Break = Callable[[Broken], Awaitable[str | None]]
BREAKS: list[tuple[int, str, Break]] = []


def breaks(number: int, sentence: str) -> Callable[[Break], Break]:
    """Mark what breaks an invariant: it returns the process's name, and this is then said."""

    def marked(one: Break) -> Break:
        BREAKS.append((number, sentence, one))
        return one

    return marked


@breaks(1, "is not closed.")
async def access_that_ended_is_open(at: Broken) -> str:
    past = datetime.now(UTC) - timedelta(hours=1)
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "granted")).values(
        ends_at=past))  # fmt: skip
    return "granted"


@breaks(1, "a grant is open, and the process is expired.")
async def an_ended_access_is_opened_again(at: Broken) -> str:
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "expired")).values(
        closed_at=None))  # fmt: skip
    return "expired"


@breaks(2, "the table access_grant says something else")
async def an_end_is_moved_in_what_the_gate_reads(at: Broken) -> str:
    later = datetime.now(UTC) + timedelta(days=300)
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "granted")).values(
        ends_at=later))  # fmt: skip
    return "granted"


@breaks(2, "the table access_grant says something else")
async def somebody_who_was_not_named_gets_in(at: Broken) -> str:
    row = await at.first(select(t.access_grant).where(at.of(t.access_grant, "granted")))
    await at.does(insert(t.access_grant).values({**row._mapping, "person_id": LYDIA.id}))
    return "granted"


@breaks(2, "the table pairing_pass says something else")
async def a_pass_allows_more_than_its_roles(at: Broken) -> str:
    await at.does(update(a.pairing_pass).values(permissions=["all"]))
    return "paired"


@breaks(2, "the table membership says something else")
async def a_member_holds_more_than_was_granted(at: Broken) -> str:
    await at.does(update(a.membership).values(privileges={"manage_access": "update"}))
    return "member"


@breaks(2, "its column status is not what its content says.")
async def a_request_calls_itself_granted(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "denied")).values(status="granted"))
    return "denied"


@breaks(2, "no signed command of the decider's is kept")
async def a_decision_loses_its_signature(at: Broken) -> str:
    command = at.of(t.command, "granted") & t.command.c.body.contains('"grant"')
    await at.does(delete(t.command).where(command))
    return "granted"


@breaks(2, "no signed command of the decider's is kept")
async def a_signature_is_by_another_key(at: Broken) -> str:
    command = at.of(t.command, "granted") & t.command.c.body.contains('"grant"')
    await at.does(update(t.command).where(command).values(signature="A" * 86))
    return "granted"


@breaks(2, "its grant does not rest on exactly one recorded decision.")
async def a_grant_names_another_decider(at: Broken) -> str:
    await at.does(update(t.access_grant).where(at.of(t.access_grant, "endless")).values(
        granted_by=uuid4()))  # fmt: skip
    return "endless"


@breaks(2, "a key may sign that no sign-in enrolled.")
async def a_key_is_planted(at: Broken) -> str:
    row = await at.first(select(t.key).where(t.key.c.id == key_id(ELIZABETH)))
    planted = uuid4()
    at.named["planted"] = planted
    await at.does(insert(t.key).values({**row._mapping, "id": planted, "public_key": "A" * 43}))
    return "planted"


@breaks(2, "the table key says something else")
async def a_key_lives_longer_than_its_sign_in(at: Broken) -> str:
    at.named["elizabeth"] = key_id(ELIZABETH)
    later = datetime.now(UTC) + timedelta(days=300)
    mine = t.key.c.id == key_id(ELIZABETH)
    await at.does(update(t.key).where(mine).values(expires_at=later))
    return "elizabeth"


@breaks(2, "its content cannot be read.")
async def a_row_loses_its_form(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "asked")).values(state="{}"))
    return "asked"


@breaks(3, "granted is not closed so.")
async def an_open_request_calls_itself_closed(at: Broken) -> str:
    await at.does(update(t.process).where(at.of(t.process, "granted")).values(is_closed=True))
    return "granted"


@breaks(3, "it was decided on twice.")
async def a_request_is_decided_on_twice(at: Broken) -> str:
    last = t.audit.c.event == "revoked"
    await at.does(update(t.audit).where(at.of(t.audit, "revoked"), last).values(event="denied"))
    return "revoked"


@breaks(3, "something followed its end.")
async def something_follows_the_end(at: Broken) -> str:
    last = t.audit.c.event == "denied"
    await at.does(update(t.audit).where(at.of(t.audit, "denied"), last).values(event="reminded"))
    return "denied"


@breaks(3, "it is finished and was never granted.")
async def access_ends_that_was_never_granted(at: Broken) -> str:
    given = t.audit.c.event == "granted"
    await at.does(update(t.audit).where(at.of(t.audit, "finished"), given).values(event="seen"))
    return "finished"


@breaks(5, "2 commands made version 1.")
async def two_commands_are_told_one_version(at: Broken) -> str:
    row = await at.first(select(t.command).where(at.of(t.command, "pending")))
    await at.does(insert(t.command).values({**row._mapping, "nonce": "n" * 22}))
    return "pending"


@breaks(6, "0 copies of it arrived.")
async def a_mail_is_lost(at: Broken) -> None:
    at.letter().unlink()


@breaks(6, "2 copies of it arrived.")
async def a_mail_arrives_twice(at: Broken) -> None:
    shutil.copy(at.letter(), at.letter().with_name("again"))


@breaks(6, "failed without a reason.")
async def a_mail_fails_for_no_reason(at: Broken) -> str:
    await at.does(update(t.outbox).where(at.of(t.outbox, "denied")).values(
        status="failed", reply=None))  # fmt: skip
    return "denied"


@breaks(6, "has waited since")
async def a_mail_waits_for_ever(at: Broken) -> str:
    await at.does(update(t.outbox).where(at.of(t.outbox, "denied")).values(status="pending"))
    return "denied"


@breaks(7, "arrived that no notice explains.")
async def a_mail_comes_from_nowhere(at: Broken) -> None:
    stray = at.letter().read_bytes().replace(b"Message-ID: <", b"Message-ID: <x")
    at.letter().with_name("stray").write_bytes(stray)


@breaks(7, "says something else than its notice.")
async def a_mail_is_rewritten(at: Broken) -> str:
    words = {**(await at.first(_of_denied(at))).facts, "reason": "Never."}
    await at.does(update(t.outbox).where(at.of(t.outbox, "denied")).values(facts=words))
    return "denied"


@breaks(7, "tells of a change that is not in the record.")
async def a_change_is_taken_out_of_the_record(at: Broken) -> str:
    mine = at.of(t.audit, "denied")
    await at.does(delete(t.audit).where(mine, t.audit.c.event == "denied"))
    return "denied"


@breaks(8, "its content was changed.")
async def an_entry_is_rewritten(at: Broken) -> str:
    await at.does(update(t.audit).where(at.of(t.audit, "denied")).values(actor_id=uuid4()))
    return "denied"


@breaks(11, "a link was used 2 times.")
async def a_link_is_used_twice(at: Broken) -> str:
    accepted = at.of(t.command, "paired") & t.command.c.body.contains('"accept"')
    row = await at.first(select(t.command).where(accepted))
    await at.does(insert(t.command).values({**row._mapping, "nonce": "n" * 22}))
    return "paired"


@breaks(12, "still holds its secret.")
async def a_sent_mail_keeps_its_secret(at: Broken) -> str:
    offered = at.of(t.outbox, "paired") & (t.outbox.c.kind == "pairing_offered")
    await at.does(update(t.outbox).where(offered).values(sealed="sealed"))
    return "paired"


@breaks(12, "a secret stands in the log portal.log.")
async def a_token_stands_in_a_log(at: Broken) -> None:
    (at.folder / "portal.log").write_bytes(b'{"event": "GET /pair?' + TOKEN + b'"}\n')


@breaks(12, "a secret stands in the table audit.")
async def a_token_stands_in_the_record(at: Broken) -> None:
    await at.does(update(t.audit).where(at.of(t.audit, "denied")).values(reason=TOKEN.decode()))


@breaks(13, "customer_created came after the undoing.")
async def a_step_follows_the_undoing(at: Broken) -> str:
    last = t.audit.c.event == "abandoned"
    await at.does(update(t.audit).where(at.of(t.audit, "abandoned"), last).values(
        event="customer_created"))  # fmt: skip
    return "abandoned"


@breaks(13, "it is ready, and not complete.")
async def an_onboarding_ends_before_it_is_complete(at: Broken) -> str:
    await _restated(at, "ready", '"is_done":true', '"is_done":false')
    return "ready"


@breaks(13, "it is abandoned, and not undone.")
async def an_onboarding_ends_before_it_is_undone(at: Broken) -> str:
    await _restated(at, "abandoned", '"before":null', '"before":{"existed":false,"roles":[]}')
    return "abandoned"


@breaks(14, "is open, and the access is off.")
async def a_visit_outlasts_the_switch(at: Broken) -> str:
    row = {"process_id": at.named["off"], "person_id": CAROLINE.id, "tenant_id": TOM_SAWYER.id}
    await at.does(
        insert(t.session).values(id=uuid4(), mode="platform", begun_at=datetime.now(UTC), **row)
    )
    return "off"


@breaks(15, "a traceback stands in the log worker.log.")
async def a_log_holds_a_traceback(at: Broken) -> None:
    (at.folder / "worker.log").write_text('{"event": "x", "exception": "Traceback ..."}\n')


def _of_denied(at: Broken) -> Any:
    return select(t.outbox).where(at.of(t.outbox, "denied"), t.outbox.c.kind == "request_denied")


async def _restated(at: Broken, name: str, before: str, after: str) -> None:
    row = await at.first(select(t.process).where(at.of(t.process, name)))
    assert before in row.state
    state = row.state.replace(before, after)
    await at.does(update(t.process).where(at.of(t.process, name)).values(state=state))


@pytest.mark.parametrize(
    ("number", "sentence", "break_it"),
    [pytest.param(*one, id=f"I{one[0]}-{one[2].__name__}") for one in BREAKS],
)
async def test_a_breach_is_named(
    broken: Broken, number: int, sentence: str, break_it: Break
) -> None:
    name = await break_it(broken)

    said = await found(broken, number)

    where = None if name is None else broken.named[name]
    assert any(sentence in one and where in (process, None) for process, one in said), said


async def test_an_answer_that_was_lost_is_named(broken: Broken) -> None:
    first, *others = await calls_of(broken)
    gone = replace(first, nonce="n" * 22)

    said = await found(broken, 4, calls=(gone, *others))

    assert said == [(first.process, f"receipt {first.receipt} is not recorded.")]


async def test_an_order_that_contradicts_the_callers_is_named(broken: Broken) -> None:
    calls = [one for one in await calls_of(broken) if one.process == broken.named["granted"]]
    late = replace(calls[0], sent_at=calls[-1].answered_at + 1, answered_at=1e9)

    said = await found(broken, 5, calls=(*calls[1:], late))

    assert [process for process, _ in said] == [broken.named["granted"]]


async def test_a_tenants_text_where_others_read_is_named(broken: Broken) -> None:
    (broken.folder / "worker.log").write_text("the fence is rotten")

    said = await found(broken, 10, canaries=(b"rotten",), logs=(broken.folder / "worker.log",))

    assert said == [(None, "a tenant's text stands in the log worker.log.")]


async def test_a_private_key_in_a_log_is_named(broken: Broken) -> None:
    (broken.folder / "worker.log").write_text("key: c2VjcmV0")

    said = await found(broken, 12, secrets=(b"c2VjcmV0",), logs=(broken.folder / "worker.log",))

    assert said == [(None, "a secret stands in the log worker.log.")]


async def test_what_grows_under_load_is_named(broken: Broken) -> None:
    said = await found(broken, 17, rest=({"handles": 20, "tasks": 9}, {"handles": 23, "tasks": 9}))

    assert said == [(None, "handles grew from 20 to 23.")]


async def test_what_cannot_be_read_is_not_called_good(broken: Broken) -> None:
    findings = await check_invariants(evidence(broken), without=frozenset([8]))

    skipped = {one.invariant: one.skipped for one in findings if one.skipped}
    assert skipped[9] == "Temporal does not answer"
    assert skipped[4] == "what callers were told is known to them alone"


def test_every_invariant_is_checked_and_broken_by_a_test() -> None:
    by_hand = {4, 10, 17} | IN_TEMPORAL

    assert [number for number, _, _ in CHECKS] == list(range(1, 18))
    assert {number for number, _, _ in BREAKS} | by_hand == set(range(1, 18))
