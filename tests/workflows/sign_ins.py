"""A sign-in on the stage: a fresh key, the mailed code, and what the key then signs."""

import re
from datetime import UTC, datetime
from uuid import uuid4

from temporalio.client import WorkflowHandle

from approvals.commands import Command
from approvals.delivery import Outcome
from approvals.people import Person
from approvals.sign_in.commands import Begin, Prove, RevokeKey, SignOut
from approvals.sign_in.record import KIND, SignIn
from identity.enrolment import proof_of
from identity.signing import SigningKey, fresh_nonce
from tests.factories import ELIZABETH
from tests.installation import RecordingMailer
from tests.workflows.stage import Stage, eventually

CODE = re.compile(r"\b(\d{4}) ?(\d{4})\b", re.ASCII)


class SigningIn:
    """One person at one terminal."""

    def __init__(self, stage: Stage, mailer: RecordingMailer, person: Person = ELIZABETH) -> None:
        self._stage, self._mailer, self._person = stage, mailer, person
        self.process, self.key = uuid4(), SigningKey.fresh()

    @property
    def handle(self) -> WorkflowHandle[object, Outcome]:
        """The sign-in's workflow."""
        workflow = f"{KIND}/{self.process}"
        return self._stage.client.get_workflow_handle(workflow, result_type=Outcome)

    async def state(self) -> SignIn:
        """Return the stored state."""
        state = await self._stage.installation.inbox.state(self.process)
        assert isinstance(state, SignIn)
        return state

    async def begin(self, email: str | None = None) -> None:
        """Ask for a code."""
        begin = Begin(email=email or self._person.email, public_key=self.key.public, client="here")
        await self._stage.gatehouse.submit(KIND, self.signed(begin), None)

    async def code(self) -> str:
        """Wait for the mail and read the code in it."""

        async def has_come() -> bool:
            return bool(self._codes())

        await eventually(has_come)
        return self._codes()[-1]

    async def prove(self, code: str, at: datetime | None = None) -> str:
        """Say the code."""
        proof = proof_of(self.process, self.key.public, code)
        return await self._stage.gatehouse.send(KIND, self.signed(Prove(proof=proof), at=at))

    async def sign_out(self) -> str:
        """End the key, with the key."""
        said = self.signed(SignOut(), self._person)
        return await self._stage.gatehouse.send(KIND, said)

    async def is_revoked_by(self, operator: Person) -> str:
        """Have an operator end the key."""
        command = RevokeKey(reason="The laptop is lost.")
        said = self._stage.installation.signed(operator, self.process, command)
        return await self._stage.gatehouse.send(KIND, said)

    def signed(
        self, command: Command, actor: Person | None = None, at: datetime | None = None
    ) -> bytes:
        """Sign with the key of this sign-in; its own two messages name no actor."""
        return self.key.signed(
            self.process,
            command,
            actor=actor.id if actor else None,
            key_id=self.process,
            issued_at=at or datetime.now(UTC),
            nonce=fresh_nonce(),
        )

    def _codes(self) -> list[str]:
        letters = [one for one in self._mailer.letters if one.to == self._person.email]
        mine = [one.text for one in letters if "sign-in code" in one.subject]  # ids have digits too
        found = [CODE.search(text) for text in mine]
        return ["".join(one.groups()) for one in found if one]
