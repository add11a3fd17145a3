"""Sends many requests: a batch of drafts, or a CSV file in which one bad line stops no other."""

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid5

from approvals.errors import ApprovalError, FieldError
from approvals.instants import say_duration
from approvals.records import Record
from approvals.texts import message, request_name
from starter.console import UsageError, print_json, print_table, status
from starter.giving import HowSent
from starter.requests import Draft, RequestDesk, batch_of
from starter.sending import LARGEST, RefusedSomeError, Sender, counted, progress
from starter.typed import text_of

COLUMNS = ("name", "message", "people", "tenants")


class Sent(Record):
    """What became of one request.

    *outcome*: ``sent``, ``already there``, ``refused``, ``not confirmed`` (no answer came),
    ``not sent`` (the one before it got no answer), or ``would be sent``. *line* is its first one in
    the file.
    """

    line: int | None
    tenant: str
    request: UUID | None
    outcome: str
    why: str = ""


class Row(NamedTuple):
    """One request of a file. *fields* is None where their number is wrong."""

    line: int
    fields: dict[str, str] | None


async def send_drafts(requests: RequestDesk, drafts: Sequence[Draft], how: HowSent) -> None:
    """Send the drafts of one batch and report each. Raises RefusedSomeError after the report."""
    batch = drafts[0].command.batch if drafts else None
    for draft in drafts:
        _announce(draft)
    sender = Sender()
    results = [await _sent(requests, sender, one, None, how) for one in drafts]
    if batch is not None and not how.dry_run:
        status(f"Batch {batch}: the same command with --batch {batch} sends only what is missing.")
    _report(results, how, again=f"The same command with --batch {batch}")


async def send(requests: RequestDesk, file: Path, organization: str | None, how: HowSent) -> None:
    """Send the requests of a CSV file; what is refused is named with its line, the rest goes on."""
    content = text_of("--file", file, LARGEST)
    rows = list(_rows(content, file))
    batch = batch_of(content.encode(), requests.viewer)
    sender = Sender()
    results: list[Sent] = []
    with progress("Sending") as bar:
        for row in bar.track(rows):
            try:
                drafts = await _drafts(requests, row, uuid5(batch, str(row.line)), organization)
            except (FieldError, ApprovalError) as wrong:
                results.append(_refused(row, str(wrong)))
                continue
            for draft in drafts:
                if draft.policy.show_people:
                    _announce(draft)
                results.append(await _sent(requests, sender, draft, row.line, how))
    _report(results, how, again="The same file", in_file=True)


async def _sent(
    requests: RequestDesk, sender: Sender, draft: Draft, line: int | None, how: HowSent
) -> Sent:
    """Send one draft and say what became of it. *line* is where it stands in a file."""
    outcome, why = "would be sent", ""
    if not how.dry_run:
        submit = partial(requests.submit, draft, wait=how.wait)
        outcome, why = await sender.outcome(submit, "sent")
    return Sent(
        line=line, tenant=draft.command.tenant, request=draft.process, outcome=outcome, why=why
    )


async def _drafts(
    requests: RequestDesk, row: Row, batch: UUID, organization: str | None
) -> list[Draft]:
    if row.fields is None:
        raise UsageError(f"A line must have {len(COLUMNS)} fields: {','.join(COLUMNS)}.")
    pair = (row.fields["people"].split(), row.fields["tenants"].split())
    if not all(pair):
        raise UsageError("people and tenants: name at least one of each.")
    name, text = request_name(row.fields["name"]), message(row.fields["message"] or None)
    return await requests.drafts(name, text, [pair], batch, organization)


def _refused(row: Row, why: str) -> Sent:
    tenants = "" if row.fields is None else row.fields["tenants"]
    return Sent(line=row.line, tenant=tenants, request=None, outcome="refused", why=why)


def _announce(draft: Draft) -> None:
    shown = "shown" if draft.policy.show_people else "not shown"
    status(
        f"{draft.tenant_name}: asks {', '.join(draft.deciders)} to let in"
        f" {', '.join(draft.people)} ({shown} to them); they have"
        f" {say_duration(draft.policy.decision_window)} to decide."
    )


def _report(results: Sequence[Sent], how: HowSent, *, again: str, in_file: bool = False) -> None:
    """Print what became of each request. *again* is what sends those that were not confirmed."""
    if how.as_json:
        print_json(results)
    elif results:
        rows = [
            [str(one.line), one.tenant, str(one.request or ""), one.outcome, one.why]
            for one in results
        ]
        skipped = 0 if in_file else 1  # the lines of a file stand in the first column
        print_table(
            ["LINE", "TENANT", "REQUEST", "OUTCOME", "WHY"][skipped:],
            [row[skipped:] for row in rows],
        )
    outcomes = [one.outcome for one in results]
    again = f"{again} sends what is missing."
    counts = counted(outcomes, "requests", again, dry_run=how.dry_run)
    if refused := counts["refused"]:
        hint = " A changed file is a new batch: put only these lines into it." if in_file else ""
        raise RefusedSomeError(f"{refused} of {len(results)} requests were refused.{hint}")


def _rows(content: str, file: Path) -> Iterator[Row]:
    """Read the file's requests; blank lines are passed over."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    before = 0
    header: list[str] | None = None
    try:
        for fields in reader:
            line, before = before + 1, reader.line_num
            values = [one.strip() for one in fields]
            if header is None:
                header = _header(values, file)
            elif any(values):
                is_whole = len(values) == len(header)
                yield Row(line, dict(zip(header, values, strict=True)) if is_whole else None)
    except csv.Error as broken:
        raise UsageError(f"--file: {file}, line {before + 1}: {broken}.") from None
    if header is None:
        raise UsageError(f"--file: {file} is empty; line 1 must be {','.join(COLUMNS)}.")


def _header(values: list[str], file: Path) -> list[str]:
    if sorted(values) != sorted(COLUMNS):
        raise UsageError(f"--file: {file}, line 1: the columns must be {','.join(COLUMNS)}.")
    return values
