"""The one door: every change of every process goes through ``commit``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.names import NOTHING
from approvals import commands, rules
from approvals.authority import PORTAL
from approvals.commands import Signed
from approvals.delivery import Delivery, Outcome
from approvals.errors import ApprovalError, InvalidDecisionError
from approvals.facts import Counts, Facts, FreshSecret, Kin, LastUse, Needed
from approvals.passkeys import Assertion, Authenticators, challenge
from approvals.people import Directory
from approvals.policy import Policies
from approvals.ports import Codes, Ledger, LockedRow, MailQueue, NoticesOf, Signatures
from approvals.sign_in.commands import Begin, Prove, identified, vouched
from approvals.sign_in.record import CLI, SignIn
from approvals.transition import EnrolledKey, State, Transition


@dataclass
class _Hearing:
    """What is known so far of one message: who signed it counts only once the signature holds."""

    signed: Signed | None = None
    directory: Directory = field(default_factory=Directory)
    earlier: Outcome | None = None


class CommitActivities:
    """Judges one signed command, or a tick, on the stored state and writes all that follows."""

    def __init__(
        self,
        ledger: Ledger,
        signatures: Signatures,
        codes: Codes,
        mail: MailQueue,
        policies: Policies,
        portals: Sequence[str] = (),
        issuers: Sequence[str] = (),
        authenticators: Authenticators | None = None,
    ) -> None:
        """Take the adapters; *portals* are the public keys of the portals that may hold keys.

        *issuers* are the providers of identities whom those portals may believe; without
        *authenticators* nobody signs in by a passkey.
        """
        self._ledger, self._signatures, self._codes = ledger, signatures, codes
        self._mail, self._policies, self._portals = mail, policies, portals
        self._issuers, self._authenticators = issuers, authenticators

    @activity.defn
    async def commit(self, delivery: RawValue = NOTHING) -> Outcome:
        """Judge, write, and answer where the process stands; a refusal is an answer too.

        Takes raw arguments, for anybody at a Temporal frontend can call it: what is no Delivery
        fails once, as ``invalid_input``. Raises nothing else but trouble that passes.
        """
        return await self._heard(_delivery(delivery))

    async def tick(self, process: UUID, at: datetime) -> Outcome:
        """Ask one process what time demands of it, as its own workflow does."""
        return await self._heard(Delivery(process=process, said=None, at=at))

    async def due_processes(self, kind: str) -> Sequence[UUID]:
        """Return the processes of one kind for which the clock should ask."""
        return await self._ledger.due_processes(kind)

    async def _heard(self, given: Delivery) -> Outcome:
        hearing = _Hearing()
        async with self._ledger.locked(given.process, given.at) as row:
            outcome = await self._judge(row, given, hearing)
            written = row.written
        await self._queue_mail(given.process, written, hearing.earlier)  # after the commit only
        return outcome

    async def _queue_mail(
        self, process: UUID, written: Transition | None, earlier: Outcome | None
    ) -> None:
        """Queue a transition's mail; again for a repeated command, whose first run may have died.

        What begins is queued even if it tells nobody: an unknown address must not be answered
        sooner than a known one.
        """
        if written is not None and (written.notices or written.after.version == 1):
            group = str(written.after.index.tenant or process)
            await self._mail.enqueue(
                NoticesOf(process=process, version=written.after.version), group
            )
        elif earlier is not None and earlier.refusal is None:  # rare, so a queue of its own is fair
            await self._mail.enqueue(
                NoticesOf(process=process, version=earlier.version), str(process)
            )

    async def _judge(self, row: LockedRow, given: Delivery, hearing: _Hearing) -> Outcome:
        if given.said is None:
            return await self._tick(row)
        try:
            return await self._hear(row, given, hearing)
        except ApprovalError as refusal:
            sentence = refusal.sentence(hearing.directory.name_of)
            return await row.refuse(refusal, hearing.signed, given.said, sentence)

    async def _hear(self, row: LockedRow, given: Delivery, hearing: _Hearing) -> Outcome:
        signed = commands.parsed(
            given.said or b"", rules.forms(row.state), by_signal=given.by_signal
        )
        if signed.process != row.process:
            raise InvalidDecisionError(("process_id", "It is for another process."))
        key = await row.key(signed.key)
        public_key = rules.public_key_of(row.state, signed, key)
        if public_key is None or not self._signatures.holds(
            public_key, signed.body, signed.signature
        ):
            raise InvalidDecisionError(("signature", "It is not by a key that may sign this."))
        signed = signed.model_copy(update={"channel": self._channel(row.state, signed, key)})
        hearing.signed = signed
        if (earlier := await row.recorded(signed)) is not None:
            hearing.earlier = earlier
            answer = {"receipt": earlier.receipt, "refusal": earlier.refusal}
            return row.standing().model_copy(update=answer)
        needed = rules.needed(row.state, signed)
        known = {"key": key, **await self._passkeys(row, key, needed, signed)}
        if (passkey := known.get("passkey")) is not None:
            needed = needed.model_copy(update={"people": (*needed.people, passkey.person)})
        known["memberships"] = await row.memberships(needed)
        hearing.directory = await row.directory(needed)
        facts = await self._facts(row, signed, needed, hearing.directory)
        transition = rules.judge(row.state, signed, facts.model_copy(update=known), row.now)
        return await row.write(transition, hearing.directory, signed)

    async def _passkeys(
        self, row: LockedRow, key: EnrolledKey | None, needed: Needed, signed: Signed
    ) -> dict[str, Any]:
        """Return what a judgement needs of passkeys; most need nothing."""
        found: dict[str, Any] = {}
        if key is not None and key.channel == PORTAL:
            found["passkeys"] = await row.passkeys(key.person)
        if needed.passkey is None:
            return found
        passkey = found["passkey"] = await row.passkey(needed.passkey)
        match row.state, signed.command:
            case SignIn(public_key=public_key), Prove(assertion=Assertion() as assertion):
                if passkey is not None and self._authenticators is not None:
                    said = challenge(row.process, public_key)
                    found["counted"] = self._authenticators.counted(passkey, said, assertion)
        return found

    def _channel(self, state: State | None, signed: Signed, key: EnrolledKey | None) -> str:
        """Return whose hands the key is in: what its row says, or the voucher of a new one."""
        if key is not None:
            return key.channel
        match state, signed.command:
            case SignIn(channel=channel), _:
                return channel
            case None, Begin(issuer=str() as issuer) if issuer not in self._issuers:
                raise InvalidDecisionError(("command.args.issuer", "It identifies nobody here."))
            case None, Begin(public_key=public_key, voucher=str() as voucher) as begin:
                said = vouched(signed.process, public_key)
                if begin.issuer is not None:
                    said = identified(signed.process, public_key, begin.issuer, begin.email)
                if any(self._signatures.holds(one, said, voucher) for one in self._portals):
                    return PORTAL
                raise InvalidDecisionError(("command.args.voucher", "No portal here signed it."))
            case _:
                return CLI

    async def _tick(self, row: LockedRow) -> Outcome:
        state = row.state
        if state is None or not rules.is_due(state, row.now):
            return row.standing()
        needed = rules.needed(state, None)
        memberships = await row.memberships(needed)
        users = tuple(one.person for one in memberships) if needed.with_users else ()
        directory = await row.directory(
            needed.model_copy(update={"people": (*needed.people, *users)})
        )
        facts = Facts(
            directory=directory,
            policies=self._policies,
            memberships=memberships,
            last_uses=await self._last_uses(row, needed, directory),
        )
        transition = rules.ticked(state, row.now, facts)
        return (
            row.standing() if transition is None else await row.write(transition, directory, None)
        )

    async def _last_uses(
        self, row: LockedRow, needed: Needed, directory: Directory
    ) -> tuple[LastUse, ...]:
        if not needed.with_users:
            return ()
        return await row.last_uses([one.id for one in directory.people])

    async def _facts(
        self, row: LockedRow, signed: Signed, needed: Needed, directory: Directory
    ) -> Facts:
        subject = needed.subject or ""
        if needed.keyed_subject is not None:
            subject = self._codes.keyed(needed.keyed_subject)
        return Facts(
            directory=directory,
            policies=self._policies,
            counts=await row.counts(signed) if self._policies.has_quotas else Counts(),
            subject=subject,
            kin=await row.kin(subject) if subject else Kin(),
            secret=self._secret(row.process, signed, needed),
            proof_check=None if needed.proof is None else self._codes.keyed(needed.proof),
        )

    def _secret(self, process: UUID, signed: Signed, needed: Needed) -> FreshSecret | None:
        match needed.draws, signed.command:
            case "code", Begin(public_key=public_key):
                return self._codes.fresh(process, public_key)
            case "link", _:
                return self._codes.link(process)
            case _:
                return None


def _delivery(given: RawValue) -> Delivery:
    try:
        data = given.payload.data
        return Delivery.model_validate_json(data)
    except ValueError:
        raise ApplicationError(
            "commit takes one Delivery: process, said, at.",
            type="invalid_input",
            non_retryable=True,
        ) from None
