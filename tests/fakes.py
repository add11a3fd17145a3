"""Hand-written fakes of ports, named by what they do."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from approvals.commands import Signed
from approvals.delivery import Outcome, Refusal
from approvals.errors import ApprovalError, NonceReusedError
from approvals.facts import Counts, Kin, LastUse, Needed
from approvals.pairing.record import Pairing
from approvals.passkeys import Passkey
from approvals.people import Directory, PersonId
from approvals.ports import Fate, Ledger, Letter, LockedRow, Mailer, OpenProcess, Posting
from approvals.sign_in.delays import failures_of
from approvals.sign_in.record import SignIn
from approvals.tenant_access.commands import Submit
from approvals.tenant_access.record import KIND
from approvals.transition import EnrolledKey, Membership, State, Transition

SENT = Posting(fate=Fate.SENT, reply="250 ok")


class ScriptedMailer(Mailer):
    """Answers each address with what was arranged for it, in order, and then accepts all."""

    def __init__(self, **arranged: Iterable[Posting]) -> None:
        self.letters: list[Letter] = []
        self._arranged = {name: list(postings) for name, postings in arranged.items()}

    async def send(self, letter: Letter) -> Posting:
        self.letters.append(letter)
        waiting = self._arranged.get(letter.to.partition(".")[0], [])
        return waiting.pop(0) if waiting else SENT

    def to(self, address: str) -> list[Letter]:
        """Return the letters to one address."""
        return [one for one in self.letters if one.to == address]


@dataclass
class _Kept:
    """All that the memory holds. *begun* is when each process was first written."""

    directory: Directory
    states: dict[UUID, State] = field(default_factory=dict)
    begun: dict[UUID, datetime] = field(default_factory=dict)
    keys: dict[UUID, EnrolledKey] = field(default_factory=dict)
    commands: dict[tuple[UUID, str], tuple[str, Outcome]] = field(default_factory=dict)
    members: dict[UUID, tuple[Membership, ...]] = field(default_factory=dict)
    passkeys: dict[UUID, Passkey] = field(default_factory=dict)

    def copied(self) -> "_Kept":
        return _Kept(
            self.directory,
            dict(self.states),
            dict(self.begun),
            dict(self.keys),
            dict(self.commands),
            dict(self.members),
            dict(self.passkeys),
        )


class InMemoryLedger(Ledger):
    """Processes in dictionaries, one transaction at a time.

    Its clock is what the caller carries. It keeps no audit and no outbox: those are rows.
    """

    def __init__(self, directory: Directory) -> None:
        self._kept = _Kept(directory)
        self._is_held = False

    @asynccontextmanager
    async def locked(self, process: UUID, at: datetime) -> AsyncIterator[LockedRow]:
        assert not self._is_held, "the memory has no queue"
        self._is_held = True
        draft = self._kept.copied()
        try:
            yield _Row(draft, process, at)
            self._kept = draft
        finally:
            self._is_held = False

    async def are_closed(self, processes: Sequence[UUID]) -> Mapping[UUID, bool]:
        states = self._kept.states
        return {one: states[one].is_closed for one in processes if one in states}

    async def open_processes(self) -> Sequence[OpenProcess]:
        return [
            OpenProcess(id=id, kind=state.kind, tenant=state.index.tenant, due=state.due)
            for id, state in self._kept.states.items()
            if not state.is_closed
        ]

    async def due_processes(self, kind: str) -> Sequence[UUID]:
        now = datetime.now(UTC)
        return [
            id
            for id, state in self._kept.states.items()
            if state.kind == kind and state.due is not None and state.due <= now
        ]


class _Row(LockedRow):
    def __init__(self, kept: _Kept, process: UUID, now: datetime) -> None:
        self._kept, self._process, self._now = kept, process, now
        self._state = kept.states.get(process)
        self._written: Transition | None = None

    @property
    def process(self) -> UUID:
        return self._process

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def state(self) -> State | None:
        return self._state

    @property
    def written(self) -> Transition | None:
        return self._written

    def standing(self) -> Outcome:
        return self._outcome(None, None)

    async def note(self, event: str, reason: str) -> None:
        """Keep nothing: there is no audit."""

    async def key(self, key: UUID) -> EnrolledKey | None:
        return self._kept.keys.get(key)

    async def passkeys(self, person: PersonId) -> tuple[UUID, ...]:
        every = self._kept.passkeys.values()
        return tuple(one.id for one in every if one.person == person and one.removed_at is None)

    async def passkey(self, passkey: UUID) -> Passkey | None:
        return self._kept.passkeys.get(passkey)

    async def recorded(self, signed: Signed) -> Outcome | None:
        digest, outcome = self._kept.commands.get((signed.key, signed.nonce), (None, None))
        if digest not in (None, signed.digest):
            raise NonceReusedError
        return outcome

    async def directory(self, needed: Needed) -> Directory:
        return self._kept.directory

    async def memberships(self, needed: Needed) -> tuple[Membership, ...]:
        directory = self._kept.directory
        named = [directory.site_of(slug) for slug in needed.site_slugs]
        sites = {*needed.sites, *(one.id for one in named if one)}
        every = (one for of_one in self._kept.members.values() for one in of_one)
        return tuple(one for one in every if needed.with_memberships and one.site in sites)

    async def last_uses(self, people: Sequence[PersonId]) -> tuple[LastUse, ...]:
        latest: dict[PersonId, datetime] = {}
        for key in self._kept.keys.values():
            if key.person in people:
                latest[key.person] = max(key.enrolled_at, latest.get(key.person, key.enrolled_at))
        return tuple(LastUse(person=one, at=at) for one, at in latest.items())

    async def counts(self, signed: Signed) -> Counts:
        command, directory = signed.command, self._kept.directory
        person = directory.person(signed.actor)
        if person is None or not isinstance(command, Submit):
            return Counts()
        tenant, asking = directory.tenant_of(command.tenant), person.organization
        if command.organization is not None:
            named = directory.organization_of(command.organization)
            asking = named.id if named else asking
        mine, pair = set(), set()
        for process, state in self._kept.states.items():
            index = state.index
            if index.requester == person.id and state.kind == KIND:
                mine.add(process)
            if tenant and (index.tenant, index.organization) == (tenant.id, asking):
                pair.add(process)
        recent = {one for one in mine | pair if self._is_of(one, timedelta(hours=1))}
        return Counts(
            by_person=len(mine & recent),
            by_pair=len(pair & recent),
            pending_of_pair_and_person=sum(
                self._kept.states[one].status == "pending" for one in mine & pair
            ),
        )

    async def kin(self, subject: str) -> Kin:
        of_subject = {
            id: state for id, state in self._kept.states.items() if state.index.subject == subject
        }
        begun = sorted(
            (self._kept.begun[id], id)
            for id in of_subject
            if self._is_of(id, timedelta(minutes=10))
        )
        return Kin(
            newest=begun[-1][1] if begun else None,
            recent=len(begun),
            open=next((id for id, state in of_subject.items() if not state.is_closed), None),
            links=self._links(of_subject),
            failures=failures_of(one for one in of_subject.values() if isinstance(one, SignIn)),
        )

    def _links(self, of_subject: Mapping[UUID, State]) -> int:
        pairings = [one for one in of_subject.values() if isinstance(one, Pairing)]
        drawn = [at for one in pairings for at in (one.offered_at, *one.reissues)]
        return sum(self._now - one < timedelta(hours=1) for one in drawn)

    async def refuse(
        self, refusal: ApprovalError, signed: Signed | None, said: bytes, sentence: str
    ) -> Outcome:
        outcome = self._outcome(None, Refusal(code=refusal.code, sentence=sentence))
        if not isinstance(refusal, NonceReusedError):
            self._remember(signed, outcome)
        return outcome

    async def write(
        self, transition: Transition, directory: Directory, signed: Signed | None
    ) -> Outcome:
        after, no = transition.after, transition.refusal
        self._kept.begun.setdefault(after.process_id, self._now)
        self._kept.states[after.process_id] = self._state = after
        if transition.key is not None:
            self._kept.keys[transition.key.id] = transition.key
        self._kept.passkeys |= {one.id: one for one in transition.passkeys}
        if transition.memberships is not None:
            self._kept.members[after.process_id] = transition.memberships
        self._written = transition
        refusal = None if no is None else Refusal(code=no.code, sentence=no.sentence())
        outcome = self._outcome(transition.receipt, refusal)
        self._remember(signed, outcome)
        return outcome

    def _outcome(self, receipt: str | None, refusal: Refusal | None) -> Outcome:
        state = self._state
        if state is None:
            return Outcome(refusal=refusal)
        return Outcome(
            version=state.version,
            status=state.status,
            due=state.due,
            receipt=receipt,
            refusal=refusal,
        )

    def _remember(self, signed: Signed | None, outcome: Outcome) -> None:
        if signed is not None:
            self._kept.commands[signed.key, signed.nonce] = (signed.digest, outcome)

    def _is_of(self, process: UUID, span: timedelta) -> bool:
        return self._kept.begun[process] > self._now - span
