"""From the words of AuthZEN to the gate's: subjects are people, resources are places."""

from approvals.access import Decision, Reason, Via, no
from approvals.errors import FieldError
from approvals.questions import Place, Question, named, require_way
from portal.authzen.messages import Action, Context, Entity, Evaluation
from portal.authzen.problems import ProblemError, WrongField
from store.client_gate import ClientGate

PEOPLE = ("person", "user")  # two names of one type: clients usually say user


def place(kind: str) -> Place | None:
    """Return the kind of place that a resource's type names, or None."""
    return Place(kind) if kind in set(Place) else None


def question(
    subject: Entity | None,
    action: Action | None,
    resource: Entity | None,
    kind: Place,
    context: Context | None,
) -> Question:
    """Put a question together; what is searched for is None. Raises ProblemError."""
    via = Via(context.via) if context is not None else Via.REQUEST
    try:
        require_way(kind, via)
    except FieldError as wrong:
        field = WrongField(pointer="/context/via", detail=str(wrong))
        raise ProblemError(400, "A field is missing or wrong.", [field]) from None
    properties = None if action is None else action.properties
    return Question(
        kind=kind,
        who=named(subject.id) if subject is not None else "",
        where=named(resource.id) if resource is not None else "",
        action=action.name if action is not None else "",
        via=via,
        change=None if properties is None else properties.change,
    )


async def decision(gate: ClientGate, asked: Evaluation) -> Decision:
    """Answer one evaluation. A type that is not known names nobody, and nothing."""
    kind = place(asked.resource.type)
    if kind is None or asked.subject.type not in PEOPLE:
        return no(Reason.UNKNOWN)
    said = question(asked.subject, asked.action, asked.resource, kind, asked.context)
    return await gate.decide(said)
