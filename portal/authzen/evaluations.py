"""Access Evaluation and Access Evaluations: one question, or many with one of three semantics."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError

from approvals.access import Decision, Reason, no
from portal.authzen import asking
from portal.authzen.callers import Caller, Callers
from portal.authzen.messages import Evaluation, Evaluations, Options, answer_of, message
from portal.authzen.problems import ProblemError
from portal.authzen.strict_json import object_of
from store.client_gate import ClientGate

ENTITIES = ("subject", "action", "resource", "context")
# What ends the evaluation of many early: the first answer of this kind.
LAST = {"execute_all": None, "deny_on_first_deny": False, "permit_on_first_permit": True}
Answered = dict[str, Any]


async def one(request: Request, callers: Callers) -> Answered:
    """Answer one question. Where the database cannot be read, the answer is no."""
    caller = callers.caller(request)
    asked = message(Evaluation, await object_of(request))
    if (brief := callers.brief(caller)) is not None:
        return answer_of(await _decision(brief, asked))
    async with _gate(callers, caller) as gate:
        return answer_of(await _decision(gate, asked))


async def many(request: Request, callers: Callers) -> Answered:
    """Answer many questions in their order; without any, answer as for one."""
    caller = callers.caller(request)
    said = await object_of(request)
    asked = message(Evaluations, said)
    if not asked.evaluations:
        single = message(Evaluation, said)
        async with _gate(callers, caller) as gate:
            return answer_of(await _decision(gate, single))
    last = LAST[(asked.options or Options()).evaluations_semantic]
    common = {name: said[name] for name in ENTITIES if said.get(name) is not None}
    answers: list[Answered] = []
    async with _gate(callers, caller) as gate:
        for each in asked.evaluations:
            answers.append(await _answer(gate, {**common, **each}))
            if answers[-1]["decision"] is last:
                break
    return {"evaluations": answers}


async def _answer(gate: ClientGate | None, said: Mapping[str, Any]) -> Answered:
    """Answer one of many; a question that cannot be asked is answered by no, and why."""
    try:
        asked = message(Evaluation, said)
        return answer_of(await _decision(gate, asked))
    except ProblemError as wrong:
        sentences = " ".join(field.detail for field in wrong.errors) or wrong.detail
        error = {"status": wrong.status, "message": sentences}
        return {"decision": False, "context": {"reason": "invalid", "error": error}}


async def _decision(gate: ClientGate | None, asked: Evaluation) -> Decision:
    if gate is None:
        return no(Reason.UNREADABLE)
    try:
        return await asking.decision(gate, asked)
    except (SQLAlchemyError, OSError, TimeoutError):
        return no(Reason.UNREADABLE)


@asynccontextmanager
async def _gate(callers: Callers, caller: Caller) -> AsyncIterator[ClientGate | None]:
    """Yield the gate, or None where nothing can be read: not even whose token it is."""
    opening = callers.gate(caller)
    try:
        gate = await opening.__aenter__()
    except (SQLAlchemyError, OSError, TimeoutError):
        yield None
        return
    try:
        yield gate
    finally:
        await opening.__aexit__(None, None, None)
