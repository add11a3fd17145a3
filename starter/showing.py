"""Shows a process of any kind: as it stands with its timeline, or while it goes on."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from approvals.records import Record
from approvals.timeline import Line
from starter.console import print_json, print_text, status
from starter.process_desk import ProcessDesk

PAUSE = 0.3  # seconds between two looks into the database
UNDER_WAY = ("mail.pending", "mail.sending")  # told once it is known what became of them
Draw = Callable[[Any, ZoneInfo], None]


async def show(on: ProcessDesk, process: UUID, draw: Draw, *, as_json: bool) -> None:
    """Print a process, with *draw* or as JSON, and what happened to it."""
    state, view = await on.viewed(process)
    lines, zone = await on.timeline(process), await on.zone_of(state)
    if as_json:
        print_shown(view, lines)
    else:
        draw(view, zone)
        print_timeline(lines, zone)


def print_shown(view: Record, lines: Sequence[Line]) -> None:
    """Print as JSON how a process looks, and what happened to it."""
    print_json({**view.model_dump(mode="json"), "timeline": lines})


def print_timeline(lines: Sequence[Line], zone: ZoneInfo) -> None:
    """Print what happened."""
    status("Timeline")
    for line in lines:
        print_text(_text(line, zone))


async def watch(on: ProcessDesk, process: UUID, until: str | None = None) -> None:
    """Print each new line of the timeline until the process is closed, or its status is *until*.

    It ends only when the mails are settled too.
    """
    printed: set[Line] = set()
    last = ""
    while True:
        state, view = await on.viewed(process)
        lines, zone = await on.timeline(process), await on.zone_of(state)
        settled = [line for line in lines if line.event not in UNDER_WAY]
        for line in settled:
            if line not in printed:
                printed.add(line)
                print_text(_text(line, zone))
        if view.status != last:
            last = view.status
            status(on.stands(view, zone))
        if (state.is_closed or last == until) and len(settled) == len(lines):
            return
        await asyncio.sleep(PAUSE)


def _text(line: Line, zone: ZoneInfo) -> str:
    moment = line.at.astimezone(zone)
    text = f": {line.text}" if line.text else ""
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}  {line.event:<24} {line.who}{text}"
