"""The one door: every change of every process goes through ``commit``."""

from dataclasses import dataclass, field
from uuid import UUID

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.names import NOTHING
from approvals import commands, rules
from approvals.commands import Signed
from approvals.errors import ApprovalError, InvalidDecisionError
from approvals.facts import Counts, Facts, FreshSecret, Kin, Needed
from approvals.people import Directory
from approvals.policy import Policies
from approvals.ports import (
    Codes,
    Delivery,
    Ledger,
    LockedRow,
    MailQueue,
    NoticesOf,
    Outcome,
    Signatures,
)
from approvals.sign_in.commands import Begin
from approvals.transition import Transition

SIGNING_IN = "cli"  # the channel of a key that is only being enrolled


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
    ) -> None:
        self._ledger, self._signatures, self._codes = ledger, signatures, codes
        self._mail, self._policies = mail, policies

    @activity.defn
    async def commit(self, delivery: RawValue = NOTHING) -> Outcome:
        """Judge, write, and answer where the process stands; a refusal is an answer too.

        Takes raw arguments, for anybody at a Temporal frontend can call it: what is no Delivery
        fails once, as ``invalid_input``. Raises nothing else but trouble that passes.
        """
        given, hearing = _delivery(delivery), _Hearing()
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
        elif earlier is not None and earlier.refusal is None:
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
        signed = signed.model_copy(update={"channel": key.channel if key else SIGNING_IN})
        hearing.signed = signed
        if (earlier := await row.recorded(signed)) is not None:
            hearing.earlier = earlier
            answer = {"receipt": earlier.receipt, "refusal": earlier.refusal}
            return row.standing().model_copy(update=answer)
        needed = rules.needed(row.state, signed)
        hearing.directory = await row.directory(needed)
        facts = await self._facts(row, signed, needed, hearing.directory)
        transition = rules.judge(row.state, signed, facts.model_copy(update={"key": key}), row.now)
        return await row.write(transition, hearing.directory, signed)

    async def _tick(self, row: LockedRow) -> Outcome:
        state = row.state
        transition = None if state is None else rules.ticked(state, row.now)
        if state is None or transition is None:
            return row.standing()
        directory = await row.directory(rules.needed(state, None))
        return await row.write(transition, directory, None)

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
