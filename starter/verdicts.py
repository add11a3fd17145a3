"""What `gatehouse audit verify` finds, and how it says so."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import typer
from pydantic import ValidationError

from approvals.checkpoints import Published
from approvals.proof import ProofPack, judged
from config.settings import Settings, load
from identity.signing import Ed25519Signatures
from starter import checkpoints, leaks
from starter.client import UnreachableError
from starter.console import REFUSED, UsageError, print_json, print_text, status
from starter.desk import Desk
from starter.evidence import Evidence, Finding
from starter.invariants import check_invariants

CHANGED = "The record was changed outside Gatehouse. Keep the database as it is."
BROKEN = "Something that must hold does not. Keep the database and the logs as they are."
NO_KEY = (
    "no key of checkpoints is known here. Get checkpoint.pub from the installation by another way"
    " than the proof, and give it with --trust."
)
THE_RECORD = 8  # the invariant that is told as chains and entries
Chain = tuple[UUID, int, tuple[str, ...]]


def published(settings: Settings, file: Path | None, trust: Path | None) -> Published:
    """Read the checkpoints: the installation's own, or a copy. Raises UsageError."""
    if file is not None and not file.is_file():
        raise UsageError(f"--checkpoints: there is no file {file}.")
    found = checkpoints.published(settings, file, None if trust is None else _keys(trust))
    found.breaches += found.root_breaches()
    return found


def is_file(what: str | None) -> bool:
    """Whether a word names a file."""
    return what is not None and Path(what).is_file()


def print_proof(file: Path, trust: Path | None, *, as_json: bool) -> None:
    """Check a proof, and end with exit 1 when something is wrong with it."""
    try:
        pack = ProofPack.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise UsageError(f"{file} is not a proof that `audit export` wrote.") from None
    keys = _keys(trust) if trust is not None else checkpoints.trusted(load())
    verdict = judged(pack, Ed25519Signatures(), keys)
    remarks = verdict.remarks if keys else (*verdict.remarks, NO_KEY)
    if as_json:
        told = {"breaches": verdict.breaches, "remarks": remarks}
        print_json({"process": str(pack.process), "entries": len(pack.entries), **told})
    else:
        for sentence in (*verdict.breaches, *(f"note: {one}" for one in remarks)):
            print_text(sentence)
        print_text(f"entries: {len(pack.entries)}, breaches: {len(verdict.breaches)}")
    if verdict.breaches:
        status("The proof does not hold.")
        raise typer.Exit(REFUSED)


def print_chains(chains: Sequence[Chain], of_file: Sequence[str], *, as_json: bool) -> None:
    """Say what is wrong with chains and checkpoints, and end with exit 1 when something is."""
    found = _said(chains, of_file)
    if as_json:
        print_json(_counted(chains, found))
    else:
        _print_breaches(found)
        print_text(_total(chains, found))
    if found:
        status(CHANGED)
        raise typer.Exit(REFUSED)


async def print_everything(means: Desk, seen: Published, *, as_json: bool) -> None:
    """Check all chains and all that must hold; end with exit 1 when something does not."""
    chains = [one async for one in means.trail.all_breaches(seen.wanted)]
    found = _said(chains, seen.breaches)
    findings = await check_invariants(await _evidence(means, seen), frozenset([THE_RECORD]))
    broken = [one for finding in findings for one in finding.breaches]
    if as_json:
        print_json({**_counted(chains, found), "invariants": findings})
    else:
        for finding in findings:
            print_text(_line(finding))
        for one in broken:
            print_text(f"I{one.invariant} {one.process or 'everywhere'}: {one.sentence}")
        _print_breaches(found)
        print_text(_total(chains, found))
    if found or broken:
        status(CHANGED if found else BROKEN)
        raise typer.Exit(REFUSED)


async def _evidence(means: Desk, seen: Published) -> Evidence:
    settings = means.settings
    try:
        client = await means.client()
    except UnreachableError:
        client = None
    return Evidence(
        engines=means.engines,
        published=seen,
        signatures=Ed25519Signatures(),
        client=client,
        maildir=settings.maildir,
        logs=tuple(sorted(settings.home.glob("*.log"))),
        secrets=leaks.secrets_of(settings),
    )


def _line(finding: Finding) -> str:
    result = "holds"
    if finding.breaches:
        result = f"{len(finding.breaches)} breaches"
    elif finding.skipped is not None:
        result = f"not checked: {finding.skipped}"
    return f"I{finding.invariant:<3} {finding.name}: {result}"


def _keys(trust: Path) -> frozenset[str]:
    try:
        return frozenset(trust.read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"--trust: {trust} cannot be read as public keys.") from None


def _said(chains: Sequence[Chain], of_file: Sequence[str]) -> list[tuple[str, str]]:
    mine = [("checkpoints", sentence) for sentence in of_file]
    return mine + [(str(one), said) for one, _, breaches in chains for said in breaches]


def _print_breaches(found: Sequence[tuple[str, str]]) -> None:
    for one, sentence in found:
        print_text(f"{one}: {sentence}")


def _total(chains: Sequence[Chain], found: Sequence[object]) -> str:
    entries = sum(count for _, count, _ in chains)
    return f"chains: {len(chains)}, entries: {entries}, breaches: {len(found)}"


def _counted(chains: Sequence[Chain], found: Sequence[tuple[str, str]]) -> dict[str, object]:
    return {
        "chains": len(chains),
        "entries": sum(count for _, count, _ in chains),
        "breaches": [{"process": one, "breach": sentence} for one, sentence in found],
    }
