"""Sends many requests: a batch of drafts, or a CSV file in which one bad line stops no other."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
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


class How(NamedTuple):
    """How to send, and how to tell what became of it."""

    dry_run: bool
    wait: bool
    as_json: bool


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


class RefusedSomeError(ApprovalError):
    """Some requests of a batch were refused; the others were sent."""

    code = "refused_some"


async def send_drafts(requests: RequestDesk, drafts: Sequence[Draft], how: How) -> None:
    """Send the drafts of one batch and report each. Raises RefusedSomeError after the report."""
    batch = drafts[0].command.batch if drafts else None
    for draft in drafts:
        _announce(draft)
    sender = _Sender(requests, how)
    results = [await sender.send(one, None) for one in drafts]
    if batch is not None and not how.dry_run:
        status(f"Batch {batch}: the same command with --batch {batch} sends only what is missing.")
    _report(results, how, again=f"The same command with --batch {batch}")


async def send(requests: RequestDesk, file: Path, organization: str | None, how: How) -> None:
    """Send the requests of a CSV file; what is refused is named with its line, the rest goes on."""
    content = _content(file)
    rows = list(_rows(content, file))
    batch = batch_of(content, requests.viewer)
    sender = _Sender(requests, how)
    results: list[Sent] = []
    columns = (TextColumn("Sending"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=aside, transient=True, disable=not aside.is_terminal)
    with bar:
        for row in bar.track(rows):
            try:
                drafts = await _drafts(requests, row, uuid5(batch, str(row.line)), organization)
            except (FieldError, ApprovalError) as wrong:
                results.append(_refused(row, str(wrong)))
                continue
            for draft in drafts:
                if draft.policy.show_people:
                    _announce(draft)
                results.append(await sender.send(draft, row.line))
    _report(results, how, again="The same file", in_file=True)


class _Sender:
    """Sends drafts one by one; after one that found nobody to send to, it does not try the rest."""

    def __init__(self, requests: RequestDesk, how: How) -> None:
        self._requests, self._how = requests, how
        self._away: str | None = None

    async def send(self, draft: Draft, line: int | None) -> Sent:
        """Send one draft and say what became of it. *line* is where it stands in a file."""
        outcome, why = await self._outcome(draft)
        return Sent(
            line=line, tenant=draft.command.tenant, request=draft.process, outcome=outcome, why=why
        )

    async def _outcome(self, draft: Draft) -> tuple[str, str]:
        if self._how.dry_run:
            return "would be sent", ""
        if self._away is not None:
            return "not sent", self._away
        try:
            await self._requests.submit(draft, wait=self._how.wait)
        except AlreadySubmittedError:
            return "already there", ""
        except ApprovalError as refusal:
            return "refused", str(refusal)
        except UnreachableError as away:
            self._away = str(away)
            return "not confirmed", self._away
        return "sent", ""


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


def _report(results: Sequence[Sent], how: How, *, again: str, in_file: bool = False) -> None:
    """Print what became of each request. *again* is what sends those that were not confirmed."""
    if how.as_json:
        print_json([one.model_dump(mode="json") for one in results])
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
    counts = Counter(one.outcome for one in results)
    total = len(results)
    status(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "No requests.")
    if how.dry_run:
        status("Nothing was changed.")
    if away := counts["not confirmed"] + counts["not sent"]:
        raise UnreachableError(
            f"{away} of {total} requests were not confirmed. {again} sends what is missing."
        )
    if refused := counts["refused"]:
        hint = " A changed file is a new batch: put only these lines into it." if in_file else ""
        raise RefusedSomeError(f"{refused} of {total} requests were refused.{hint}")


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"--file: {file} is larger than {LARGEST:,} bytes.")
        return file.read_bytes()
    except OSError as trouble:
        raise UsageError(f"--file: {file}: {trouble.strerror}.") from None


def _rows(content: bytes, file: Path) -> Iterator[Row]:
    """Read the file's requests; blank lines are passed over."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError:
        raise UsageError(f"--file: {file} is not UTF-8 text.") from None
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
