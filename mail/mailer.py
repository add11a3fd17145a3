"""SMTP behind the port Mailer: one letter, one recipient, at most a minute, and an honest fate."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import aiosmtplib

from approvals.ports import Fate, Letter, Mailer, Posting
from mail.conversation import Conversation, MissingError, Stage
from mail.message import built, is_plain_address
from mail.smtp_server import Security as Security
from mail.smtp_server import SmtpServer as SmtpServer
from mail.smtp_server import require_usable

LETTER_SECONDS = 60.0
STEP_SECONDS = 20.0  # for each step before the final dot; after it, the rest of the minute
KEPT_SECONDS = 5.0  # how long a connection rests before we hang up
KEPT_LIMIT = 16
QUIT_SECONDS = 1.0
REPLY_LIMIT = 500
MAILBOX_FULL = 552


class SmtpMailer(Mailer):
    """Sends through one server and keeps connections for the next letter. Lives in one event loop.

    Raises ValueError at construction for a wrong setting, and where mail would cross a network
    in clear.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        private_network: bool = False,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        letter_seconds: float = LETTER_SECONDS,
        step_seconds: float = STEP_SECONDS,
        kept_seconds: float = KEPT_SECONDS,
    ) -> None:
        require_usable(server, private_network)
        if tls is None and server.security is not Security.NONE:
            tls = ssl.create_default_context()
        self._server, self._tls, self._clock = server, tls, clock
        self._letter_seconds, self._step_seconds = letter_seconds, step_seconds
        self._kept_seconds = kept_seconds
        self._kept: dict[Conversation, asyncio.TimerHandle] = {}

    async def send(self, letter: Letter) -> Posting:
        """Try once, within 60 seconds. Never raises for what a mail server or network does.

        Raises UnsafeHeaderError if the letter is not one that our templates can have made.
        """
        if not is_plain_address(letter.to):
            return Posting(fate=Fate.PERMANENT, reply="This is not an address that mail can go to.")
        mail = built(letter, self._server.sender, self._clock())
        deadline = asyncio.get_running_loop().time() + self._letter_seconds
        for conversation in self._conversations():
            posting = await self._attempt(conversation, letter.to, mail, deadline)
            if posting.fate is Fate.SENT:
                self._keep(conversation)
                break
            is_stale = conversation.is_stale
            conversation.hang_up()
            if not is_stale:
                break
        return posting

    async def close(self) -> None:
        """Take leave of the server on every connection that is kept."""
        kept, self._kept = self._kept, {}
        for timer in kept.values():
            timer.cancel()
        await asyncio.gather(*(conversation.quit(QUIT_SECONDS) for conversation in kept))

    def _conversations(self) -> Iterator[Conversation]:
        """Yield a kept connection if there is one, and then a new one.

        A server may close a connection while it rests; that is no fault of the letter's.
        """
        while self._kept:
            conversation, timer = self._kept.popitem()
            timer.cancel()
            if conversation.is_open:
                yield conversation
                break
        yield Conversation(self._server, self._tls, self._step_seconds)

    async def _attempt(
        self, conversation: Conversation, to: str, mail: bytes, deadline: float
    ) -> Posting:
        try:
            async with asyncio.timeout_at(deadline):
                if not conversation.is_open:
                    await conversation.open()
                reply = await conversation.deliver(to, mail)
        except MissingError as missing:
            return Posting(fate=Fate.PERMANENT, reply=str(missing))
        except aiosmtplib.SMTPResponseException as refusal:
            return _refused(refusal, conversation.stage)
        except (aiosmtplib.SMTPException, OSError) as fault:
            return _lost(fault, conversation.stage)
        except BaseException:
            conversation.hang_up()
            raise
        return Posting(fate=Fate.SENT, reply=printable(reply))

    def _keep(self, conversation: Conversation) -> None:
        if len(self._kept) >= KEPT_LIMIT:
            conversation.hang_up()
            return
        loop = asyncio.get_running_loop()
        self._kept[conversation] = loop.call_later(self._kept_seconds, self._retire, conversation)

    def _retire(self, conversation: Conversation) -> None:
        del self._kept[conversation]
        conversation.hang_up()


def printable(text: str) -> str:
    """Return a server's words on one line without control characters, at most 500 characters."""
    marked = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= c <= "\udfff" else c for c in text)
    line = "".join(c if c.isprintable() else " " for c in marked)
    return " ".join(line.split())[:REPLY_LIMIT]


def _refused(refusal: aiosmtplib.SMTPResponseException, stage: Stage) -> Posting:
    said = f"{refusal.code} {refusal.message}" if refusal.code > 0 else refusal.message
    return Posting(
        fate=_fate(refusal.code, stage),
        reply=printable(f"{stage}: {said}"),
        mailbox_full=refusal.code == MAILBOX_FULL,
    )


def _fate(code: int, stage: Stage) -> Fate:
    match code // 100:
        case 4:
            return Fate.TEMPORARY
        case 5:
            return Fate.PERMANENT
    return Fate.UNKNOWN if stage is Stage.AFTER_DOT else Fate.TEMPORARY


def _lost(fault: Exception, stage: Stage) -> Posting:
    cause = "no answer in time" if isinstance(fault, TimeoutError) else str(fault) or repr(fault)
    return Posting(
        fate=Fate.UNKNOWN if stage is Stage.AFTER_DOT else Fate.TEMPORARY,
        reply=printable(f"{stage}: {cause}"),
    )
