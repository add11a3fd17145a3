"""Faults on demand, for tests: they exist only in a platform that is started with --faults."""

import asyncio
import re
from collections.abc import Callable
from enum import StrEnum

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.reference_platform.platform import Platform
from examples.reference_platform.problems import Problem
from examples.reference_platform.server import hang_up
from examples.reference_platform.tokens import expire_all

CONTROL = "/faults"


class Kind(StrEnum):
    """What goes wrong with a call."""

    ERROR = "error"  # 500, and nothing was done
    ERROR_AFTER = "error_after"  # 500, and it was done
    STALL = "stall"  # no answer for some seconds, and nothing was done
    STALL_AFTER = "stall_after"  # done, and no answer for some seconds
    CLOSE_AFTER = "close_after"  # done, and the connection is closed without an answer
    CONFLICT = "conflict"  # 409 with a code of choice, and nothing was done
    EXPIRE_TOKENS = "expire_tokens"  # all tokens end before the call is looked at
    AWAY = "away"  # every call's connection is closed, for some seconds of the platform's clock


class Fault(BaseModel):
    """The next *times* calls whose `METHOD /path` fits the pattern meet this fault."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    calls: str = ".*"
    times: int = Field(default=1, ge=1, le=1000)
    seconds: float = Field(default=5.0, ge=0, le=600)
    code: str = "conflict"


class Faults:
    """The faults that are still to come, in their order. *now* is in seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.waiting: list[Fault] = []
        self.away_until = 0.0

    def add(self, fault: Fault) -> None:
        """Let a fault happen from the next call on."""
        if fault.kind is Kind.AWAY:
            self.away_until = self._now() + fault.seconds
        else:
            self.waiting.append(fault)

    @property
    def is_away(self) -> bool:
        """Whether no call gets an answer now."""
        return self._now() < self.away_until

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.waiting, self.away_until = [], 0.0

    def next_for(self, call: str) -> Fault | None:
        """Return the fault that this call meets, and count it."""
        for position, fault in enumerate(self.waiting):
            if re.fullmatch(fault.calls, call):
                left = fault.times - 1
                kept = [fault.model_copy(update={"times": left})] if left else []
                self.waiting[position : position + 1] = kept
                return fault
        return None


class FaultyApp:
    """Stands before the platform and lets calls go wrong."""

    def __init__(self, app: ASGIApp, faults: Faults, platform: Platform) -> None:
        self._app, self._faults, self._platform = app, faults, platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == CONTROL:
            await self._app(scope, receive, send)
        elif self._faults.is_away:
            await hang_up(scope, receive)
        else:
            fault = self._faults.next_for(f"{scope['method']} {scope['path']}")
            await self._met(fault, scope, receive, send)

    async def _met(self, fault: Fault | None, scope: Scope, receive: Receive, send: Send) -> None:
        match fault:
            case Fault(kind=Kind.ERROR):
                await _broken(scope, receive, send)
            case Fault(kind=Kind.ERROR_AFTER):
                await self._app(scope, receive, _unheard)
                await _broken(scope, receive, send)
            case Fault(kind=Kind.STALL):
                await asyncio.sleep(fault.seconds)
                await hang_up(scope, receive)
            case Fault(kind=Kind.STALL_AFTER):
                await self._app(scope, receive, _unheard)
                await asyncio.sleep(fault.seconds)
                await hang_up(scope, receive)
            case Fault(kind=Kind.CLOSE_AFTER):
                await self._app(scope, receive, _unheard)
                await hang_up(scope, receive)
            case Fault(kind=Kind.CONFLICT):
                problem = Problem(409, fault.code, "Something else is under way; try again.")
                await problem.response()(scope, receive, send)
            case Fault(kind=Kind.EXPIRE_TOKENS):
                expire_all(self._platform)
                await self._app(scope, receive, send)
            case _:
                await self._app(scope, receive, send)


def control(faults: Faults) -> APIRouter:
    """Return the routes that switch faults on and off."""
    routes = APIRouter(tags=["Faults, for tests"])

    @routes.post(CONTROL, status_code=204, summary="Let the next calls go wrong")
    async def add(fault: Fault) -> None:
        """Add one fault."""
        faults.add(fault)

    @routes.get(CONTROL, summary="The faults that are still to come")
    async def waiting() -> list[Fault]:
        """Return the faults in the order in which they are looked for."""
        return faults.waiting

    @routes.delete(CONTROL, status_code=204, summary="Let nothing go wrong any more")
    async def clear() -> None:
        """Forget all faults."""
        faults.clear()

    return routes


async def _unheard(_message: Message) -> None:
    """Take an answer that nobody gets."""


async def _broken(scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(500, "internal_error", "Something went wrong on our side.")
    await problem.response()(scope, receive, send)
