"""Whatever a mail server does, the letter gets the fate of its rule: rows of bad_inputs.jsonl."""

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from approvals.ports import Fate, Letter, Posting
from mail.mailer import LETTER_SECONDS, STEP_SECONDS, Security, SmtpMailer, SmtpServer
from tests.bad_inputs import rows
from tests.mail.conftest import Encryption
from tests.mail.scripted_server import Act, Script, ScriptedServer

FATES = {
    "temporary: retry with back-off": Fate.TEMPORARY,
    "permanent: failed, tell the operator and the sender of the event": Fate.PERMANENT,
    "unknown outcome: one more try with the same Message-ID, flagged 'may be duplicate'": (
        Fate.UNKNOWN
    ),
    "accepted": Fate.SENT,
}
STEP, WHOLE = 0.3, 1.0  # seconds, for servers that let us wait
LETTER = Letter(
    to="tom@example.com",
    subject="Access was granted (request 01234567)",
    text="Hello\n",
    html="<p>Hello</p>",
    message_id="<0@gatehouse.example>",
)
LONG = LETTER.model_copy(update={"text": "word " * 1_000_000})
OFFERS_TLS = b"250-mail.example\r\n250 STARTTLS"
OFFERS_AUTH = b"250-mail.example\r\n250 AUTH PLAIN LOGIN"


@dataclass(frozen=True)
class Case:
    """A server's behaviour and the letter that meets it."""

    script: Script = field(default_factory=Script)
    letter: Letter = LETTER
    security: Security = Security.NONE
    host: str = "127.0.0.1"
    port: int | None = None
    signs_in: bool = False
    is_other_host: bool = False
    is_slow: bool = False

    @property
    def patience(self) -> tuple[float, float]:
        """Seconds for a step and for all: few where the server never answers, else the usual."""
        waits = [reply for reply in vars(self.script).values() if isinstance(reply, Act | tuple)]
        if self.is_slow or waits:
            return STEP, WHOLE
        return STEP_SECONDS, LETTER_SECONDS


def encrypted(**script: Any) -> Case:
    """A server that must be spoken to with STARTTLS."""
    return Case(replace(Script(ehlo=OFFERS_TLS), **script), security=Security.STARTTLS)


def signing_in(**script: Any) -> Case:
    """A server that wants to know who writes."""
    return Case(replace(Script(ehlo=OFFERS_AUTH), **script), signs_in=True)


def said(**script: Any) -> Case:
    """A server in clear on this machine."""
    return Case(replace(Script(), **script))


RECIPES = {
    "TCP refused": Case(port=1),
    "DNS NXDOMAIN of the relay": Case(host="relay.invalid", security=Security.TLS, is_slow=True),
    "TLS handshake failure": Case(security=Security.TLS),
    "TLS wrong host name": Case(
        Script(tls_at_once=True), security=Security.TLS, is_other_host=True
    ),
    "greeting after 30 s": said(greeting=(1.5 * STEP, b"220 late")),
    "greeting 'HTTP/1.1 400 Bad Request'": said(greeting=b"HTTP/1.1 400 Bad Request"),
    "greeting endless 220- lines": said(greeting=b"220-and\r\n" * 100_000),
    "EHLO 421": said(ehlo=b"421 not now"),
    "STARTTLS 454": encrypted(starttls=b"454 not now"),
    "extra bytes after 220 STARTTLS (injection)": encrypted(starttls=b"220 go on\r\n250 SMTPUTF8"),
    "MAIL 421": said(mail=b"421 not now"),
    "MAIL 451": said(mail=b"451 not now"),
    "RCPT 450 greylist": said(rcpt=b"450 come back"),
    "RCPT 452 too many": said(rcpt=b"452 too many"),
    "DATA 421": said(data=b"421 not now"),
    "DATA 452 storage": said(data=b"452 no storage"),
    "connection reset in the middle of the message before the final dot": replace(
        said(content=Act.RESET), letter=LONG
    ),
    "final 450": said(dot=b"450 not now"),
    "final 452": said(dot=b"452 no storage"),
    "greeting 554": said(greeting=b"554 no service"),
    "AUTH not offered": replace(said(), signs_in=True),
    "MAIL 550": said(mail=b"550 not you"),
    "MAIL 553": said(mail=b"553 not you"),
    "RCPT 550 no such user": said(rcpt=b"550 no such user"),
    "RCPT 552 full (retry 3x first)": said(rcpt=b"552 full"),
    "RCPT 554 policy": said(rcpt=b"554 policy"),
    "final 552": said(dot=b"552 full"),
    "SMTPUTF8 needed but not offered": replace(
        said(), letter=LETTER.model_copy(update={"to": "jürgen@example.com"})
    ),
    "EOF after the final dot": said(dot=Act.CLOSE),
    "hang after the final dot": said(dot=Act.HANG),
    "250 after the read timeout": said(dot=(2 * WHOLE, b"250 late")),
    "worker killed between the final dot and the 250": said(dot=Act.HANG),
    "250": said(),
    "250 with bytes ff": said(dot=b"250 ok \xff\xfe"),
    "251 will forward": said(rcpt=b"251 will forward"),
    "partial RCPT refusal cannot happen: one recipient per message": said(),
    "QUIT hang: sent anyway": said(quit=Act.HANG),
}
FURTHER = {
    Fate.TEMPORARY: {
        "greeting never": said(greeting=Act.HANG),
        "greeting closes": said(greeting=Act.CLOSE),
        "greeting resets": said(greeting=Act.RESET),
        "greeting 421": said(greeting=b"421 not now"),
        "greeting 250": said(greeting=b"250 what?"),
        "greeting empty": replace(said(greeting=b""), is_slow=True),
        "greeting one endless line": said(greeting=b"220 " + b"a" * 1_000_000),
        "EHLO never": said(ehlo=Act.HANG),
        "EHLO closes": said(ehlo=Act.CLOSE),
        "EHLO answers and closes": encrypted(closes_after="ehlo"),
        "EHLO answers and closes before AUTH": signing_in(closes_after="ehlo"),
        "STARTTLS closes": encrypted(starttls=Act.CLOSE),
        "STARTTLS never": encrypted(starttls=Act.HANG),
        "STARTTLS resets": encrypted(starttls=Act.RESET),
        "STARTTLS 220 and no TLS": replace(encrypted(starttls=b"220 but no TLS"), is_slow=True),
        "AUTH 454": signing_in(auth=b"454 not now"),
        "AUTH never": signing_in(auth=Act.HANG),
        "AUTH 334": signing_in(auth=b"334 more"),
        "MAIL never": said(mail=Act.HANG),
        "MAIL closes": said(mail=Act.CLOSE),
        "MAIL 354": said(mail=b"354 what?"),
        "RCPT never": said(rcpt=Act.HANG),
        "RCPT closes": said(rcpt=Act.CLOSE),
        "RCPT 421": said(rcpt=b"421 not now"),
        "RCPT not a reply": said(rcpt=b"no"),
        "DATA never": said(data=Act.HANG),
        "DATA resets": said(data=Act.RESET),
        "DATA 250": said(data=b"250 what?"),
        "message never read": replace(said(content=Act.HANG), letter=LONG),
        "final 421": said(dot=b"421 not now"),
    },
    Fate.PERMANENT: {
        "EHLO 502": said(ehlo=b"502 what?"),
        "STARTTLS not offered": Case(security=Security.STARTTLS),
        "STARTTLS 502": encrypted(starttls=b"502 what?"),
        "AUTH 535": signing_in(auth=b"535 wrong"),
        "AUTH CRAM-MD5 alone": replace(said(ehlo=b"250-x\r\n250 AUTH CRAM-MD5"), signs_in=True),
        "DATA 554": said(data=b"554 no"),
        "final 550": said(dot=b"550 spam"),
        "an address with a command": replace(
            said(), letter=LETTER.model_copy(update={"to": "a@example.com>\r\nRCPT TO:<b@x.org"})
        ),
    },
    Fate.UNKNOWN: {
        "reset after the final dot": said(dot=Act.RESET),
        "final 354": said(dot=b"354 go on"),
        "final not a reply": said(dot=b"kept it"),
        "final endless": said(dot=b"250-and\r\n" * 100_000),
        "final half a line": replace(said(dot=b"250-half"), is_slow=True),
    },
    Fate.SENT: {
        "RCPT 252": said(rcpt=b"252 cannot verify"),
        "final many lines": said(dot=b"250-kept\r\n250 it"),
        "AUTH 235": signing_in(),
        "AUTH LOGIN": signing_in(ehlo=b"250-x\r\n250 AUTH LOGIN", auth=b"334 password"),
        "STARTTLS 220": encrypted(),
    },
}
PARAMETERS = [
    *(
        pytest.param(FATES[row.expect], RECIPES[str(row.recipe)], id=str(row.recipe))
        for row in rows("smtp")
    ),
    *(
        pytest.param(fate, case, id=f"further: {name}")
        for fate, cases in FURTHER.items()
        for name, case in cases.items()
    ),
]


def mailer_for(case: Case, server: ScriptedServer, encryption: Encryption) -> SmtpMailer:
    step_seconds, letter_seconds = case.patience
    return SmtpMailer(
        SmtpServer(
            host=case.host,
            port=case.port or server.port,
            security=case.security,
            sender="gatehouse@example.com",
            username="gatehouse" if case.signs_in else None,
            password="secret" if case.signs_in else None,
        ),
        tls=encryption.client,
        step_seconds=step_seconds,
        letter_seconds=letter_seconds,
    )


@pytest.mark.parametrize(("fate", "case"), PARAMETERS)
async def test_a_letter_gets_the_fate_of_what_the_server_did(
    fate: Fate, case: Case, encryption: Encryption, other_host: Encryption
) -> None:
    encryption = other_host if case.is_other_host else encryption

    async with ScriptedServer(replace(case.script, tls=encryption.server)) as server:
        mailer = mailer_for(case, server, encryption)
        posting = await mailer.send(case.letter)
        await mailer.close()

    assert posting.fate is fate
    assert posting.reply.isprintable()
    assert 0 < len(posting.reply) <= 500
    assert posting.mailbox_full == posting.reply.endswith("552 full")
    assert len([command for command in server.heard if command.startswith(b"RCPT")]) <= 1


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name)
        for name, case in (RECIPES | FURTHER[Fate.TEMPORARY] | FURTHER[Fate.PERMANENT]).items()
        if case.security is not Security.NONE
    ],
)
async def test_without_encryption_that_holds_not_a_byte_of_mail_or_password_is_sent(
    case: Case, encryption: Encryption, other_host: Encryption
) -> None:
    encryption = other_host if case.is_other_host else encryption

    async with ScriptedServer(replace(case.script, tls=encryption.server)) as server:
        mailer = mailer_for(replace(case, signs_in=True), server, encryption)
        await mailer.send(case.letter)
        await mailer.close()

    assert not [line for line in server.heard if line.startswith((b"AUTH", b"MAIL", b"DATA"))]
    assert server.mails == []


async def test_a_worker_that_is_stopped_after_the_dot_claims_no_fate(
    encryption: Encryption,
) -> None:
    case = RECIPES["worker killed between the final dot and the 250"]

    async with ScriptedServer(case.script) as server:
        sending = asyncio.create_task(mailer_for(case, server, encryption).send(case.letter))
        await server.has_mail.wait()
        sending.cancel()

        with pytest.raises(asyncio.CancelledError):
            await sending


def test_a_greeting_after_thirty_seconds_comes_too_late() -> None:
    assert STEP_SECONDS < 30


@pytest.mark.parametrize("step", ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "dot"])
async def test_no_answer_of_any_bytes_is_an_exception(step: str, encryption: Encryption) -> None:
    chance = random.Random(step)
    shapes = (b"%d-", b"%d ", b"%d", b"\n%d", b"250-%d\r\n250 AUTH=", b"%d\t\x00")
    answers = [chance.choice(shapes) % chance.randrange(1000) for _ in range(20)]
    cases = [
        replace(signing_in(**{step: answer + chance.randbytes(8)}), is_slow=True)
        for answer in answers
    ]

    postings = await asyncio.gather(*(posting_of(case, encryption) for case in cases))

    assert all(posting.fate in Fate for posting in postings)


async def posting_of(case: Case, encryption: Encryption) -> Posting:
    async with ScriptedServer(case.script) as server:
        mailer = mailer_for(case, server, encryption)
        posting = await mailer.send(case.letter)
        await mailer.close()
    return posting
