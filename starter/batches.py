"""Sends many requests: a batch of drafts, or a CSV file in which one bad line stops no other."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid5

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from approvals.errors import AlreadySubmittedError, ApprovalError, FieldError
from approvals.instants import say_duration
from approvals.records import Record
from approvals.texts import message, request_name
from starter.client import UnreachableError
from starter.console import UsageError, aside, print_json, print_table, status
from starter.requests import Draft, RequestDesk, batch_of

COLUMNS = ("name", "message", "people", "tenants")
LARGEST = 5_000_000  # bytes of a CSV file


class Sent(Record):
    """What became of one request: ``sent``, ``already there``, ``would be sent`` or ``refused``."""

    line: int | None
    tenant: str
    request: UUID | None
    outcome: str
    why: str = ""


class RefusedSomeError(ApprovalError):
    """Some requests of a batch were refused; the others were sent."""

    code = "refused_some"


async def send_drafts(
    requests: RequestDesk, drafts: Sequence[Draft], *, dry_run: bool, wait: bool, as_json: bool
) -> None:
    """Send the drafts of one batch and report each. Raises RefusedSomeError after the report."""
    for draft in drafts:
        _announce(draft)
    results = [await _send(requests, one, None, dry_run=dry_run, wait=wait) for one in drafts]
    if drafts and not dry_run:
        status(f"Batch {drafts[0].command.batch}: repeating it sends only what is missing.")
    _report(results, as_json=as_json)


async def send(
    requests: RequestDesk, file: Path, organization: str | None, *, dry_run: bool, as_json: bool
) -> None:
    """Send the requests of a CSV file; what is refused is named with its line, the rest goes on."""
    content = _content(file)
    rows = _rows(content, file)
    batch = batch_of(content, requests.viewer)
    results: list[Sent] = []
    bar = Progress(
        TextColumn("Sending"), BarColumn(), MofNCompleteColumn(), console=aside, transient=True
    )
    with bar:
        for line, row in bar.track(rows):
            part = uuid5(batch, str(line))
            results += await _line(requests, line, row, part, organization, dry_run=dry_run)
    _report(results, as_json=as_json)


async def _line(
    requests: RequestDesk,
    line: int,
    row: dict[str, str | None],
    batch: UUID,
    organization: str | None,
    *,
    dry_run: bool,
) -> list[Sent]:
    try:
        fields = _complete(row)
        pair = (fields["people"].split(), fields["tenants"].split())
        if not all(pair):
            raise UsageError("people and tenants: name at least one of each.")
        name, text = request_name(fields["name"]), message(fields["message"] or None)
        drafts = await requests.drafts(name, text, [pair], batch, organization)
    except (FieldError, ApprovalError) as wrong:
        return [
            Sent(
                line=line,
                tenant=row.get("tenants") or "",
                request=None,
                outcome="refused",
                why=str(wrong),
            )
        ]
    return [await _send(requests, one, line, dry_run=dry_run, wait=True) for one in drafts]


async def _send(
    requests: RequestDesk, draft: Draft, line: int | None, *, dry_run: bool, wait: bool
) -> Sent:
    outcome, why = "would be sent", ""
    if not dry_run:
        try:
            await requests.submit(draft, wait=wait)
            outcome = "sent"
        except AlreadySubmittedError:
            outcome = "already there"
        except ApprovalError as refusal:
            outcome, why = "refused", str(refusal)
        except UnreachableError as away:
            outcome, why = "unknown", str(away)
    return Sent(
        line=line, tenant=draft.command.tenant, request=draft.process, outcome=outcome, why=why
    )


def _announce(draft: Draft) -> None:
    shown = "shown" if draft.policy.show_people else "not shown"
    status(
        f"{draft.tenant_name}: asks {', '.join(draft.deciders)} to let in"
        f" {', '.join(draft.people)} ({shown} to them); they have"
        f" {say_duration(draft.policy.decision_window)} to decide."
    )


def _report(results: Sequence[Sent], *, as_json: bool) -> None:
    if as_json:
        print_json([one.model_dump(mode="json") for one in results])
    else:
        print_table(
            ["LINE", "TENANT", "REQUEST", "OUTCOME", "WHY"],
            [
                [str(one.line or ""), one.tenant, str(one.request or ""), one.outcome, one.why]
                for one in results
            ],
        )
    failed = [one for one in results if one.outcome in ("refused", "unknown")]
    if any(one.outcome == "unknown" for one in failed):
        raise UnreachableError(f"{len(failed)} of {len(results)} requests were not confirmed.")
    if failed:
        raise RefusedSomeError(f"{len(failed)} of {len(results)} requests were refused.")


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"--file: {file} is larger than {LARGEST} bytes.")
        return file.read_bytes()
    except OSError as trouble:
        raise UsageError(f"--file: {file}: {trouble.strerror}.") from None


def _rows(content: bytes, file: Path) -> list[tuple[int, dict[str, str | None]]]:
    """Return (line number, row) of every request; blank lines are passed over."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        header = [one.strip() for one in reader.fieldnames or []]
        if sorted(header) != sorted(COLUMNS):
            raise UsageError(f"{file}, line 1: the columns must be {','.join(COLUMNS)}.")
        reader.fieldnames = header
        return [(reader.line_num, dict(row)) for row in reader]
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None
    except csv.Error as broken:
        raise UsageError(f"{file} is not a CSV file: {broken}.") from None


def _complete(row: dict[str, str | None]) -> dict[str, str]:
    if any(row.get(one) is None for one in COLUMNS) or len(row) != len(COLUMNS):
        raise UsageError(f"A line must have {len(COLUMNS)} fields: {','.join(COLUMNS)}.")
    return {one: (row[one] or "").strip() for one in COLUMNS}
