"""A signed-in person's desk in the portal: the command line's, with the browser's own key."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from temporalio.client import Client

from approvals.commands import Command, parsed
from approvals.errors import NonceReusedError
from approvals.rules import KINDS
from identity.signing import fresh_nonce
from portal.auth import SignedIn, Viewer
from portal.forms import Fields
from portal.parts import Parts
from starter.client import Gatehouse, Recorded, accepted
from starter.desk import Desk
from starter.profiles import Profile


class PortalDesk(Desk):
    """One request's means. *form* is the digest of the form whose commands it signs.

    The desk *of* the request knows what those of its forms may have sent.
    """

    def __init__(
        self,
        parts: Parts,
        viewer: Viewer,
        form: str | None = None,
        of: "PortalDesk | None" = None,
    ) -> None:
        super().__init__(parts.settings, parts.engines, None)
        self.parts, self.viewer = parts, viewer
        self._form, self._of = form, of or self

    def of_form(self, fields: Fields) -> "PortalDesk":
        """Return the desk that signs the commands of one form: each counts once."""
        return PortalDesk(self.parts, self.viewer, fields.digest, self._of)

    @property
    def profile(self) -> Profile:
        return Profile(
            name="portal",
            key_id=self.viewer.sign_in,
            person=self.viewer.person.id,
            email=self.viewer.person.email,
            expires_at=self.viewer.session.ends_at,
        )

    async def client(self) -> Client:
        return await self.parts.client()

    async def gatehouse(self) -> Gatehouse:
        client = await self.client()
        self._of.may_have_sent = True
        return _Once(client, self.inbox.outcome, self.settings.answer_seconds)

    def signed(self, process: UUID, command: Command) -> bytes:
        return self.viewer.key.signed(
            process,
            command,
            actor=self.viewer.person.id,
            key_id=self.viewer.sign_in,
            issued_at=datetime.now(UTC),
            nonce=fresh_nonce() if self._form is None else self._nonce(process, command),
        )

    def _nonce(self, process: UUID, command: Command) -> str:
        """Make the command's number of the form and what was typed, but not of the moment.

        So a form that is sent twice asks once, and one that was changed asks something else.
        """
        body = f"{self._form} {process} {command.kind}".encode()
        return base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:16]).rstrip(b"=").decode()


class _Once(Gatehouse):
    """Gives a form's command once; what it was answered before, it is answered again."""

    def __init__(self, client: Client, recorded: Recorded, seconds: float) -> None:
        super().__init__(client, recorded, seconds)
        self._earlier = recorded

    async def send(self, kind: str, said: bytes) -> str:
        return await self._once(kind, said, super().send(kind, said))

    async def submit(
        self, kind: str, said: bytes, tenant: UUID | None, *, wait: bool = True
    ) -> str:
        return await self._once(kind, said, super().submit(kind, said, tenant, wait=wait))

    async def _once(self, kind: str, said: bytes, giving: Awaitable[str]) -> str:
        signed = parsed(said, KINDS[kind].commands)
        try:
            return await giving
        except NonceReusedError:
            # The same form came before, signed a moment earlier: its outcome is this one's too.
            outcome = await self._earlier(signed.key, signed.nonce)
            if outcome is None:
                raise
            return accepted(outcome)


async def _desk(request: Request, viewer: SignedIn) -> AsyncIterator[PortalDesk]:
    at = PortalDesk(request.app.state.parts, viewer)
    with at.at_work():
        yield at


AtDesk = Annotated[PortalDesk, Depends(_desk)]
