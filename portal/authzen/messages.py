"""The messages of the AuthZEN Authorization API 1.0. Unknown fields are ignored, as it demands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from approvals.access import Decision, Reason
from approvals.fields import problems
from portal.authzen.problems import ProblemError, WrongField

Properties = dict[str, Any]
Way = Literal["request", "session", "legacy"]


class Message(BaseModel):
    """What a client sends: of strict types."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


M = TypeVar("M", bound=Message)


class Entity(Message):
    """A subject or a resource: its type, and its id within the type."""

    type: str
    id: str
    properties: Properties | None = None


class SearchedEntity(Message):
    """The type of what is searched for. An id is ignored."""

    type: str


class ActionProperties(Message):
    """*change* is the id of the consent that a disruptive change rests on."""

    change: str | None = None


class Action(Message):
    """What somebody wants to do."""

    name: str
    properties: ActionProperties | None = None


class Context(Message):
    """*via* is the way in; a time is not heeded, for the gate has a clock of its own."""

    via: Way = "request"


class Evaluation(Message):
    """One question."""

    subject: Entity
    action: Action
    resource: Entity
    context: Context | None = None


class Options(Message):
    """How many questions are evaluated."""

    evaluations_semantic: Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"] = (
        "execute_all"
    )


class Evaluations(Message):
    """Many questions. What stands beside them fills in what one of them leaves out."""

    subject: Entity | None = None
    action: Action | None = None
    resource: Entity | None = None
    context: Context | None = None
    options: Options | None = None
    evaluations: list[Properties] | None = Field(default=None, max_length=100)


class Page(Message):
    """Which part of the results. *token* is the next_token of the page before."""

    token: str | None = None
    limit: int | None = Field(default=None, ge=0)


class SubjectSearch(Message):
    """Who may do this there?"""

    subject: SearchedEntity
    action: Action
    resource: Entity
    context: Context | None = None
    page: Page | None = None


class ResourceSearch(Message):
    """Where may somebody do this?"""

    subject: Entity
    action: Action
    resource: SearchedEntity
    context: Context | None = None
    page: Page | None = None


class ActionSearch(Message):
    """What may somebody do there?"""

    subject: Entity
    resource: Entity
    context: Context | None = None


class EvaluationError(BaseModel):
    """Why one of many questions could not be asked."""

    status: int
    message: str


class Basis(BaseModel):
    """On what a decision rests. *until* is missing where there is no end."""

    reason: Reason | Literal["invalid"]
    process: UUID | None = None
    until: datetime | None = None
    error: EvaluationError | None = None


class Answer(BaseModel):
    """Yes or no."""

    decision: bool
    context: Basis


class Answers(BaseModel):
    """As many answers as were found, in the order of the questions."""

    evaluations: list[Answer]


class FoundEntity(BaseModel):
    """A subject with its e-mail address, or a resource with its slug."""

    type: str
    id: UUID
    properties: dict[str, str | bool] = {}


class FoundAction(BaseModel):
    """An action."""

    name: str


class FoundPage(BaseModel):
    """*next_token* is empty on the last page."""

    next_token: str
    count: int


class FoundEntities(BaseModel):
    """One page of who gets in, or where."""

    page: FoundPage
    results: list[FoundEntity]


class FoundActions(BaseModel):
    """All that somebody may do at a place."""

    results: list[FoundAction]


def message(form: type[M], said: Mapping[str, Any]) -> M:
    """Read a message. Raises ProblemError with 400 that names every wrong field."""
    try:
        return form.model_validate(said)
    except ValidationError as broken:
        errors = [
            WrongField(pointer="/" + path.replace(".", "/"), detail=sentence)
            for path, _, sentence in problems(broken)
        ]
        raise ProblemError(400, "A field is missing or wrong.", errors) from None


def answer_of(decision: Decision) -> dict[str, Any]:
    """Return a decision on the wire."""
    context: dict[str, Any] = {"reason": decision.reason.value}
    if decision.process is not None:
        context["process"] = str(decision.process)
    if decision.until is not None:
        context["until"] = decision.until.isoformat()
    return {"decision": decision.is_open, "context": context}
