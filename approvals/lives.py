"""What the record of a process may look like, by kind: how often it is decided on, how it ends.

Taken from the glossary's tables of states, not from the rules themselves, which they check.
"""

from collections.abc import Iterator, Mapping, Sequence

from approvals.onboarding.record import KIND as ONBOARDING
from approvals.pairing.record import KIND as PAIRING
from approvals.sign_in.record import KIND as SIGN_IN
from approvals.site_access.record import KIND as SITE_ACCESS
from approvals.tenant_access.record import KIND as TENANT_ACCESS

Events = frozenset[str]
NONE: Events = frozenset()
ENDS: Mapping[str, Events] = {
    TENANT_ACCESS: frozenset({"denied", "withdrawn", "lapsed", "expired", "revoked"}),
    PAIRING: frozenset({"declined", "withdrawn", "lapsed", "revoked"}),
    SITE_ACCESS: frozenset({"denied", "withdrawn", "lapsed", "removed"}),
    SIGN_IN: frozenset({"signed_out", "key_revoked", "lapsed", "expired"}),
    ONBOARDING: frozenset({"ready", "abandoned"}),
}
# The last person's finish ends a request, the fifth wrong code a sign-in; the others do not.
MAY_END: Mapping[str, Events] = {
    TENANT_ACCESS: frozenset({"finished"}),
    SIGN_IN: frozenset({"wrong_code", "wrong_passkey"}),
}
REOPENS: Mapping[str, Mapping[str, Events]] = {  # after which ends somebody may open it again
    PAIRING: {"reissued": frozenset({"lapsed"})},
    SITE_ACCESS: {"asked": ENDS[SITE_ACCESS], "added": ENDS[SITE_ACCESS]},
}
DECISIONS: Mapping[str, Events] = {
    TENANT_ACCESS: frozenset({"granted", "denied"}),
    PAIRING: frozenset({"accepted", "declined"}),
    SITE_ACCESS: frozenset({"granted", "denied"}),
}
NOTED = frozenset({"late_customer_deleted", "late_customer_left"})  # what others did meanwhile


def unruly(kind: str, status: str, is_closed: bool, events: Sequence[str]) -> Iterator[str]:
    """Yield what of a record may not be, as sentences; *events* are all but refusals, in order.

    A customer's access and a site's contacts never end, and so may do anything here.
    """
    ends, reopens = ENDS.get(kind, NONE), REOPENS.get(kind, {})
    ended_by: str | None = None
    decided = 0
    for event in events:
        if ended_by is not None and ended_by in reopens.get(event, NONE):
            ended_by, decided = None, 0
        elif ended_by is not None and event not in NOTED:
            yield f"something followed its end: {event}."
        decided += event in DECISIONS.get(kind, NONE)
        if decided > 1:
            yield "it was decided on twice."
            decided = 1
        if event in ends:
            ended_by = event
    last = next((one for one in reversed(events) if one not in NOTED), None)
    if is_closed and last is not None and last not in ends | MAY_END.get(kind, NONE):
        yield f"it is {status}, and its record does not end so."
    if not is_closed and ended_by is not None:
        yield f"it is {status}, and its record ended with {ended_by}."
