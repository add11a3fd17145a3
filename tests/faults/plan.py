"""One fault's trials: a seed, how often to try, what was tried, and what did not hold."""

import gc
import os
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select
from temporalio.client import Client

from activities import names
from approvals.checkpoints import Published
from identity.signing import Ed25519Signatures
from starter.evidence import Evidence
from starter.invariants import check_invariants
from store import tables as t
from store.engine import Engines
from tests.factories import CAROLINE, CHARLOTTE, ELIZABETH, MESSAGE, TOM

SEEDS = Path(__file__).with_name("seeds.yaml")
FULL = os.environ.get("GATEHOUSE_FAULTS") == "full"
NONE: frozenset[int] = frozenset()
USUAL_SEED = 1  # of every run that names no other
FIRST_SEED = int(os.environ.get("GATEHOUSE_FAULT_SEED", USUAL_SEED))


@dataclass
class FaultPlan:
    """What one test tries, and what it found. Everything that is left to chance comes from here."""

    fault: str
    about: str
    seed: int
    tried: int = 0
    breaches: list[str] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    judged_by: set[int] = field(default_factory=set)
    not_judged_by: dict[int, str] = field(default_factory=dict)
    before: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def times(self, few: int, full: int) -> int:
        """Return how often to try: few times in every run, the full figure on demand."""
        return full if FULL else few

    def tries(self, count: int = 1) -> None:
        """Note that the fault has happened."""
        self.tried += count

    async def holds(
        self,
        engines: Engines,
        *,
        is_mailed: bool = False,
        besides: frozenset[int] = NONE,
        **more: object,
    ) -> None:
        """Check all invariants, note what does not hold, and fail if something does not.

        Unless it *is_mailed*, nobody sends what waits, and nobody asks whether it was sent;
        *besides* are invariants that the test looks at itself. What there is no evidence for is
        noted too.
        """
        without = dict.fromkeys(besides, "the test looks at it itself")
        without |= {} if is_mailed else {6: "nobody sends mail there"}
        if self.before is not None:
            more = {"rest": (self.before, taken()), **more}
        findings = await check_invariants(await evidence(engines, **more), frozenset(without))
        for one in findings:
            if one.skipped is not None:
                without[one.invariant] = one.skipped
        self.not_judged_by |= without
        self.judged_by |= {one.invariant for one in findings}
        self.notes([
            f"I{finding.invariant} {breach.process or 'everywhere'}: {breach.sentence}"
            for finding in findings
            for breach in finding.breaches
        ])  # fmt: skip

    def is_warm(self) -> None:
        """Note, the first time, what is taken now that everything has happened once."""
        if self.before is None:
            self.before = taken()

    def notes(self, breaches: Sequence[str]) -> None:
        """Note breaches; fails when there are some."""
        self.breaches += breaches
        assert not breaches, f"seed {self.seed}: " + "\n".join(breaches)


def taken() -> Mapping[str, float]:
    """Return what this process holds: a fault that is over leaves none of it behind."""
    gc.collect()
    files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    return {"open files": files, "threads": threading.active_count()}


async def evidence(engines: Engines, **more: object) -> Evidence:
    """Return what the checks may read; the keys of the tests' people come from nowhere."""
    signatures = Ed25519Signatures()
    async with engines.read.connect() as connection:
        keys = frozenset((await connection.execute(select(t.key.c.id))).scalars())
        known = frozenset((await connection.execute(select(t.process.c.id))).scalars())
    given: dict[str, object] = {
        "published": Published(signatures, frozenset()),
        "unproved": keys - known,
        **more,
    }
    return Evidence(engines=engines, signatures=signatures, **given)  # type: ignore[arg-type]


async def fits(engines: Engines, client: Client) -> bool:
    """Whether just the open rows run; the server's lists lag a little."""
    query = select(t.process.c.id).where(t.process.c.is_closed.is_(False))
    async with engines.read.connect() as connection:
        wanted = set((await connection.execute(query)).scalars())
    listed = client.list_workflows("ExecutionStatus = 'Running'")
    running = {names.process_of(one.id) async for one in listed}
    return wanted == running - {None}


def kept_seeds(test: str) -> list[int]:
    """Return the seeds with which a test once failed."""
    found = yaml.safe_load(SEEDS.read_text(encoding="utf-8")) or {}
    return [int(one["seed"]) for one in found.get(test, ())]


def keep(test: str, seed: int, sentence: str) -> None:
    """Remember a seed with which a test failed, so that every later run tries it again."""
    found = yaml.safe_load(SEEDS.read_text(encoding="utf-8")) or {}
    if seed not in kept_seeds(test) and seed != USUAL_SEED:
        found.setdefault(test, []).append({"seed": seed, "why": sentence})
        said = SEEDS.read_text(encoding="utf-8").partition("\n\n")[0]
        text = yaml.safe_dump(found, allow_unicode=True, sort_keys=True)
        SEEDS.write_text(f"{said}\n\n{text}", encoding="utf-8")


# What must never stand in a log, or at Temporal: words of people, and people.
PEOPLE = (
    *(one.name.encode() for one in (CAROLINE, CHARLOTTE, ELIZABETH, TOM)),
    *(one.email.encode() for one in (CAROLINE, CHARLOTTE, ELIZABETH, TOM)),
    MESSAGE.encode(),
)
fault = pytest.mark.fault  # its number, and what is broken, as the report calls it
