"""The SMTP mailer: what it refuses as a setting, what it sends, and how it keeps connections."""

import asyncio
import email.policy
from dataclasses import replace
from datetime import UTC, datetime
from email.parser import BytesParser
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from approvals.ports import Fate, Letter
from mail.mailer import Security, SmtpMailer, SmtpServer, printable
from mail.message import UnsafeHeaderError
from tests.bad_inputs import rows
from tests.mail.conftest import Encryption
from tests.mail.scripted_server import Act, Script, ScriptedServer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = Letter(
    to="tom@example.com",
    subject="Access was granted (request 01234567)",
    text="Hello\n.\n..dots\n",
    html="<p>Hello, J\u00fcrgen</p>\n",
    message_id="<0@gatehouse.example>",
)
PLAIN = SmtpServer("127.0.0.1", 25, Security.NONE, "Gatehouse <gatehouse@example.com>")
SIGNED_IN = replace(PLAIN, username="gatehouse", password=SecretStr("very secret"))


class Inbox:
    """A handler of aiosmtpd that keeps envelopes, and lets in who knows the password."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.envelopes.append(envelope)
        return "250 kept"

    def knows(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        return AuthResult(success=data == LoginPassword(b"gatehouse", b"very secret"))

    def session(self, encryption: Encryption) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            tls_context=encryption.server,
            require_starttls=True,
            auth_required=True,
            authenticator=self.knows,
            loop=asyncio.get_running_loop(),
        )


def sent_to(server: ScriptedServer, **settings: Any) -> SmtpMailer:
    return SmtpMailer(replace(PLAIN, port=server.port), clock=lambda: NOON, **settings)


@pytest.mark.parametrize("host", ["mail.example.com", "10.0.0.5", "0.0.0.0", "localhost.example"])
def test_mail_never_crosses_a_network_in_clear_unless_that_was_declared(host: str) -> None:
    server = replace(PLAIN, host=host)

    with pytest.raises(ValueError, match=f"^GATEHOUSE_SMTP_SECURITY is 'none', but {host} "):
        SmtpMailer(server)

    SmtpMailer(server, private_network=True)


def may_go_in_clear(host: str) -> bool:
    """Whether a mailer takes a server without encryption there."""
    try:
        SmtpMailer(replace(PLAIN, host=host))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_on_this_machine_mail_may_go_in_clear(host: str) -> None:
    assert may_go_in_clear(host)


@pytest.mark.parametrize(
    ("server", "setting"),
    [
        (replace(PLAIN, username="gatehouse"), "GATEHOUSE_SMTP_USERNAME"),
        (replace(PLAIN, password="secret"), "GATEHOUSE_SMTP_PASSWORD"),
        (replace(PLAIN, host="mail..example", security=Security.TLS), "GATEHOUSE_SMTP_HOST"),
        (replace(PLAIN, sender="Gatehouse"), "GATEHOUSE_MAIL_FROM"),
        (replace(PLAIN, sender="a@example.com\r\nBcc: b@example.com"), "GATEHOUSE_MAIL_FROM"),
        (replace(PLAIN, sender="a@example.com, b@example.com"), "GATEHOUSE_MAIL_FROM"),
        (replace(PLAIN, sender="J\u00fcrgen <a@example.com>"), "GATEHOUSE_MAIL_FROM"),
    ],
)
def test_a_setting_that_cannot_work_is_named(server: SmtpServer, setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        SmtpMailer(server)


def test_the_password_is_not_shown_with_the_settings() -> None:
    assert "secret" not in repr(replace(PLAIN, username="gatehouse", password="very secret"))


async def test_a_letter_arrives_whole_over_starttls_after_signing_in(
    encryption: Encryption,
) -> None:
    inbox = Inbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: inbox.session(encryption), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = replace(SIGNED_IN, port=port, security=Security.STARTTLS, host="localhost")
    mailer = SmtpMailer(settings, tls=encryption.client, clock=lambda: NOON)

    posting = await mailer.send(LETTER)

    await mailer.close()
    server.close()
    await server.wait_closed()
    assert posting.fate is Fate.SENT, posting.reply
    envelope = inbox.envelopes[0]
    mail = BytesParser(policy=email.policy.default).parsebytes(envelope.original_content or b"")
    assert (envelope.mail_from, envelope.rcpt_tos) == ("gatehouse@example.com", [LETTER.to])
    assert mail["From"] == PLAIN.sender
    assert mail["Subject"] == LETTER.subject
    assert mail["Date"].datetime == NOON
    text, html = mail.iter_parts()
    assert text.get_content().replace("\r\n", "\n").rstrip() == LETTER.text.rstrip()
    assert html.get_content().rstrip() == LETTER.html.rstrip()


async def test_a_wrong_password_is_a_permanent_fault_that_does_not_show_it(
    encryption: Encryption,
) -> None:
    script = Script(ehlo=b"250-x\r\n250 AUTH PLAIN", auth=b"535 wrong")

    async with ScriptedServer(script) as server:
        mailer = SmtpMailer(replace(SIGNED_IN, port=server.port))
        posting = await mailer.send(LETTER)

    assert posting.fate is Fate.PERMANENT
    assert posting.reply == "AUTH: 535 wrong"


async def test_tls_from_the_first_byte_works_too(encryption: Encryption) -> None:
    async with ScriptedServer(Script(tls=encryption.server, tls_at_once=True)) as server:
        settings = replace(PLAIN, port=server.port, security=Security.TLS)
        mailer = SmtpMailer(settings, tls=encryption.client)
        posting = await mailer.send(LETTER)
        await mailer.close()

    assert posting.fate is Fate.SENT, posting.reply


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_certificate_of_another_host_is_not_trusted(
    security: Security, other_host: Encryption
) -> None:
    script = Script(
        ehlo=b"250-x\r\n250 STARTTLS",
        tls=other_host.server,
        tls_at_once=security is Security.TLS,
    )

    async with ScriptedServer(script) as server:
        settings = replace(PLAIN, port=server.port, security=security)
        posting = await SmtpMailer(settings, tls=other_host.client).send(LETTER)

    assert posting.fate is Fate.TEMPORARY
    assert "certificate is not valid for '127.0.0.1'" in posting.reply


async def test_an_authority_that_nobody_knows_is_not_trusted(encryption: Encryption) -> None:
    async with ScriptedServer(Script(tls=encryption.server, tls_at_once=True)) as server:
        settings = replace(PLAIN, port=server.port, security=Security.TLS)
        posting = await SmtpMailer(settings).send(LETTER)

    assert posting.fate is Fate.TEMPORARY
    assert "CERTIFICATE_VERIFY_FAILED" in posting.reply


async def test_a_letter_that_may_be_a_duplicate_says_so_in_a_header() -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server)
        await mailer.send(LETTER)
        await mailer.send(LETTER.model_copy(update={"may_be_duplicate": True}))
        await mailer.close()

    first, second = (BytesParser().parsebytes(mail) for mail in server.mails)
    assert first["X-Gatehouse-Duplicate"] is None
    assert second["X-Gatehouse-Duplicate"] == "possible"
    assert first["Message-ID"] == second["Message-ID"] == LETTER.message_id


async def test_letters_that_follow_each_other_share_a_connection() -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server)
        fates = [(await mailer.send(LETTER)).fate for _ in range(3)]
        await mailer.close()

    assert fates == [Fate.SENT] * 3
    assert server.connections == 1
    assert server.heard[-1] == b"QUIT"


async def test_letters_at_the_same_time_do_not_share_a_connection() -> None:
    async with ScriptedServer(Script(dot=(0.05, b"250 kept"))) as server:
        mailer = sent_to(server)
        postings = await asyncio.gather(*(mailer.send(LETTER) for _ in range(20)))
        await mailer.close()

    assert {posting.fate for posting in postings} == {Fate.SENT}
    assert server.connections > 1
    assert len(server.mails) == 20


async def test_a_connection_that_rests_too_long_is_left() -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server, kept_seconds=0.01)
        await mailer.send(LETTER)
        await asyncio.sleep(0.1)
        await mailer.send(LETTER)
        await mailer.close()

    assert server.connections == 2
    assert server.heard.count(b"QUIT") == 2


@pytest.mark.parametrize("reply", [Act.CLOSE, Act.RESET, Act.HANG, b"421 rested too long"])
async def test_a_stale_connection_is_replaced_once(reply: bytes | Act) -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server, step_seconds=0.5)
        await mailer.send(LETTER)
        server.script = Script(mail=reply)
        posting = await mailer.send(LETTER)

    assert posting.fate is Fate.TEMPORARY
    assert server.connections == 2
    assert len(server.mails) == 1


async def test_a_connection_that_the_server_closed_meanwhile_costs_no_attempt() -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server)
        await mailer.send(LETTER)
        server.hang_up()
        posting = await mailer.send(LETTER)
        await mailer.close()

    assert posting.fate is Fate.SENT
    assert server.connections == 2
    assert len(server.mails) == 2


async def test_a_recipient_refused_on_a_kept_connection_is_not_asked_for_again() -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server)
        await mailer.send(LETTER)
        server.script.rcpt = b"550 no such user"
        posting = await mailer.send(LETTER)

    assert posting.fate is Fate.PERMANENT
    assert server.connections == 1


async def test_after_an_ambiguous_end_nothing_is_sent_again() -> None:
    async with ScriptedServer(Script()) as server:
        mailer = sent_to(server)
        await mailer.send(LETTER)
        server.script.dot = Act.CLOSE
        posting = await mailer.send(LETTER)

    assert posting.fate is Fate.UNKNOWN
    assert len(server.mails) == 2


@pytest.mark.parametrize(
    "address", [row.value for row in rows("emails") if isinstance(row.value, str)]
)
async def test_a_letter_goes_to_exactly_the_address_that_was_meant_or_nowhere(
    address: str,
) -> None:
    script = Script(ehlo=b"250-mail.example\r\n250 SMTPUTF8")

    async with ScriptedServer(script) as server:
        mailer = sent_to(server)
        posting = await mailer.send(LETTER.model_copy(update={"to": address}))
        await mailer.close()

    if posting.fate is Fate.PERMANENT:
        assert server.heard == []
        return
    recipients = [command for command in server.heard if command.startswith(b"RCPT")]
    assert recipients == [f"RCPT TO:<{address}>".encode()]
    assert f"\r\nTo: {address}\r\n".encode() in server.mails[0]


async def test_an_address_in_another_script_is_announced_as_such() -> None:
    async with ScriptedServer(Script(ehlo=b"250-mail.example\r\n250 SMTPUTF8")) as server:
        mailer = sent_to(server)
        await mailer.send(LETTER.model_copy(update={"to": "j\u00fcrgen@example.com"}))
        await mailer.close()

    assert b"MAIL FROM:<gatehouse@example.com> SMTPUTF8 BODY=8BITMIME" in server.heard


async def test_a_header_of_our_own_that_is_not_one_line_is_an_error_and_not_a_fate() -> None:
    async with ScriptedServer(Script()) as server:
        with pytest.raises(UnsafeHeaderError):
            await sent_to(server).send(LETTER.model_copy(update={"subject": "a\r\nBcc: b@x.org"}))

    assert server.connections == 0


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("ok \udcfc\ud800", "ok \ufffd\ufffd"),
        ("two\nlines\r\n and\x00 a\x1b[31m bell\x07", "two lines and a [31m bell"),
        ("\u202egnol", "gnol"),
        ("a" * 501, "a" * 500),
        ("", ""),
    ],
)
def test_a_servers_words_are_made_printable_and_short(said: str, kept: str) -> None:
    assert printable(said) == kept
