"""What must always hold: an intact installation of all kinds does, and each breach is named."""

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL

from approvals.checkpoints import Published
from identity.signing import Ed25519Signatures
from starter.evidence import Call, Evidence
from starter.invariants import CHECKS, check_invariants
from store import tables as t
from store.engine import connect
from tests.every_kind import EveryKind, renderer
from tests.installation import CarriedClock
from tests.starter.breaking import BREAKS, Break, Broken

IN_TEMPORAL = {9, 15, 16}  # broken in test_invariants_of_temporal.py


class Whole(NamedTuple):
    """An installation in a folder, and the processes in it by name."""

    folder: Path
    named: dict[str, UUID]


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


@pytest.mark.plants
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
    seen = evidence(broken, canaries=(b"Caroline",), logs=())
    findings = await check_invariants(seen, without=frozenset([8]))

    skipped = {one.invariant: one.skipped for one in findings if one.skipped}
    assert skipped[9] == "Temporal does not answer"
    assert skipped[10] == "there is no log and no history to look into"
    assert skipped[4] == "what callers were told is known to them alone"


def test_every_invariant_is_checked_and_broken_by_a_test() -> None:
    by_hand = {4, 10, 17} | IN_TEMPORAL

    assert [number for number, _, _ in CHECKS] == list(range(1, 18))
    assert {number for number, _, _ in BREAKS} | by_hand == set(range(1, 18))
