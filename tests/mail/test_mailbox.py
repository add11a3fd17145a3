"""The embedded mailbox keeps what it is given, for us alone, and can be read meanwhile."""

import asyncio
import email.policy
import stat
from datetime import UTC, datetime
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path

import aiosmtplib
import pytest

from approvals.ports import Fate, Letter
from mail.mailer import Security, SmtpMailer, SmtpServer
from starter.letters import letters
from starter.mailbox import SIZE_LIMIT, Mailbox

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LETTER = Letter(
    to="tom@example.com",
    subject="Access was granted (request 01234567)",
    text="Hello,\n.\nJ\u00fcrgen\n",
    html="<p>Hello, J\u00fcrgen</p>\n",
    message_id="<0@gatehouse.example>",
)


def mailer_to(mailbox: Mailbox) -> SmtpMailer:
    server = SmtpServer("127.0.0.1", mailbox.port, Security.NONE, "gatehouse@example.com")
    return SmtpMailer(server, clock=lambda: NOON)


async def test_a_letter_is_kept_and_read_as_it_was_sent(tmp_path: Path) -> None:
    async with Mailbox(tmp_path / "mail") as mailbox:
        mailer = mailer_to(mailbox)
        posting = await mailer.send(LETTER)
        await mailer.close()

    assert posting.fate is Fate.SENT, posting.reply
    [kept] = letters(tmp_path / "mail")
    assert kept.to == LETTER.to
    assert kept.subject == LETTER.subject
    assert kept.date == NOON
    assert kept.text == LETTER.text
    assert kept.html == LETTER.html
    assert kept.message_id == LETTER.message_id


async def test_letters_are_listed_newest_last(tmp_path: Path) -> None:
    async with Mailbox(tmp_path) as mailbox:
        mailer = mailer_to(mailbox)
        for number in range(30):
            await mailer.send(LETTER.model_copy(update={"subject": f"Number {number}"}))
        await mailer.close()

    found = letters(tmp_path)
    assert [letter.subject for letter in found] == [f"Number {number}" for number in range(30)]
    assert len({letter.id for letter in found}) == 30


async def test_a_mailbox_listens_on_this_machine_alone_on_a_free_port(tmp_path: Path) -> None:
    async with Mailbox(tmp_path) as first, Mailbox(tmp_path / "other") as second:
        assert 0 < first.port != second.port > 0
        with pytest.raises(OSError, match="address already in use"):
            await Mailbox(tmp_path, first.port).start()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.2", first.port)


async def test_mail_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    async with Mailbox(tmp_path / "mail") as mailbox:
        mailer = mailer_to(mailbox)
        await mailer.send(LETTER)
        await mailer.close()

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "mail").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert stat.S_IMODE((tmp_path / "mail").stat().st_mode) == 0o700


async def test_stopping_closes_connections_that_clients_keep(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    await mailbox.start()
    mailer = mailer_to(mailbox)
    await mailer.send(LETTER)

    await asyncio.wait_for(mailbox.stop(), 5)

    assert (await mailer.send(LETTER)).fate is Fate.TEMPORARY


async def test_after_a_restart_the_old_letters_are_still_there(tmp_path: Path) -> None:
    for _ in range(2):
        async with Mailbox(tmp_path) as mailbox:
            mailer = mailer_to(mailbox)
            await mailer.send(LETTER)
            await mailer.close()

    assert len(letters(tmp_path)) == 2


async def test_a_mail_over_the_limit_is_refused_for_good(tmp_path: Path) -> None:
    async with Mailbox(tmp_path) as mailbox:
        mailer = mailer_to(mailbox)
        posting = await mailer.send(
            LETTER.model_copy(update={"text": "word\n" * (SIZE_LIMIT // 5)})
        )

    assert posting.fate is Fate.PERMANENT
    assert letters(tmp_path) == []


async def test_a_folder_that_cannot_be_written_asks_to_try_again(tmp_path: Path) -> None:
    async with Mailbox(tmp_path) as mailbox:
        (tmp_path / "tmp").rmdir()
        mailer = mailer_to(mailbox)
        posting = await mailer.send(LETTER)

    assert posting.fate is Fate.TEMPORARY
    assert "The mailbox cannot be written: No such file or directory" in posting.reply


async def test_reading_while_mail_arrives_and_another_program_sorts_it(tmp_path: Path) -> None:
    async with Mailbox(tmp_path) as mailbox:
        mailer = mailer_to(mailbox)
        arriving = asyncio.gather(*(mailer.send(LETTER) for _ in range(60)))
        seen = [0]
        while not arriving.done():
            for path in list((tmp_path / "new").iterdir())[::2]:
                path.rename(tmp_path / "cur" / f"{path.name}:2,S")
            found = await asyncio.to_thread(letters, tmp_path)
            assert {letter.text for letter in found} <= {LETTER.text}
            seen.append(len(found))
        await mailer.close()

    assert seen == sorted(seen)
    assert len(letters(tmp_path)) == 60


async def test_other_mail_programs_can_read_the_folder(tmp_path: Path) -> None:
    async with Mailbox(tmp_path) as mailbox:
        mailer = mailer_to(mailbox)
        await mailer.send(LETTER)
        await mailer.close()

    [mail] = Maildir(tmp_path)
    assert mail["Subject"] == LETTER.subject


async def test_a_mail_of_another_program_is_shown_as_well_as_it_can_be(tmp_path: Path) -> None:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Subject"] = "Gr\u00fc\u00dfe"
    mail.set_content("Hallo")

    async with Mailbox(tmp_path) as mailbox:
        await aiosmtplib.send(
            mail,
            sender="ann@example.com",
            recipients=["tom@example.com", "eve@example.com"],
            hostname="127.0.0.1",
            port=mailbox.port,
        )

    [kept] = letters(tmp_path)
    assert kept.to == "tom@example.com, eve@example.com"
    assert kept.subject == "Gr\u00fc\u00dfe"
    assert kept.text.strip() == "Hallo"
    assert (kept.html, kept.message_id) == ("", "")
    assert abs(datetime.now(UTC) - kept.date).total_seconds() < 60


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff",
        b"Subject: =?x-no-such-set?b?////?=\r\n\r\n",
        b"Subject: =?utf-8?b?a?=\r\nDate: yesterday\r\n\r\n\xff",
        b"Content-Type: multipart/alternative\r\n\r\nnothing",
        b"Content-Type: text/plain; charset=x-no-such-set\r\n\r\nabc",
        b"Date: Sun, 99 Mar 2026 99:00:00 +9999\r\n\r\n",
        b"Subject: a\r\n b\r\n\r\n",
    ],
)
def test_a_file_that_is_hardly_a_mail_does_not_stop_the_list(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1").write_bytes(raw)

    [kept] = letters(tmp_path)

    assert kept.id == "1"
    assert kept.model_dump_json()


def test_there_are_no_letters_where_there_is_no_mailbox(tmp_path: Path) -> None:
    assert letters(tmp_path / "nowhere") == []
