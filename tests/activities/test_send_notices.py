"""Mail jobs: every notice once, each for itself, and an honest fate for each."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.send_notices import SWEEP_AGE, MailActivities, TemporalMailQueue, sweep
from approvals.people import Person
from approvals.ports import Fate, Letter, NoticesOf, OutboxItem, Posting
from approvals.posting import LEASE
from approvals.sign_in.commands import Begin
from identity.signing import SigningKey, fresh_nonce
from mail.links import Links
from mail.mailer import SmtpMailer
from mail.render import TemplateRenderer
from mail.smtp_server import Security, SmtpServer
from starter.letters import letters
from starter.mailbox import Mailbox
from starter.workers import mail_worker
from store.outbox import SqlOutbox
from tests.factories import CAROLINE, CHARLOTTE, ELIZABETH, PROCESS, make_id
from tests.fakes import ScriptedMailer
from tests.installation import CODES, NoMailQueue
from tests.stored_life import StoredLife, raw

GRANTED = NoticesOf(process=PROCESS, version=2)
LOGIN = make_id("login")
CODE_MAIL = NoticesOf(process=LOGIN, version=1)
BUSY = Posting(fate=Fate.TEMPORARY, reply="451 later")
REFUSED = Posting(fate=Fate.PERMANENT, reply="550 no such user")
FULL = Posting(fate=Fate.PERMANENT, reply="552 mailbox full", mailbox_full=True)
LOST = Posting(fate=Fate.UNKNOWN, reply="after the final dot: no answer in time")


class PostOffice:
    """The mail jobs of one installation, run without Temporal."""

    def __init__(self, life: StoredLife, mailer: ScriptedMailer | SmtpMailer) -> None:
        self.outbox = SqlOutbox(life.engines)
        renderer = TemplateRenderer(Links(None), "gatehouse.example")
        self.activities = MailActivities(self.outbox, mailer, renderer, CODES)
        self._life = life

    async def runs(self, notices: NoticesOf = GRANTED) -> int | None:
        """Run the job once; None means that it has to come back."""
        try:
            return await ActivityEnvironment().run(self.activities.send_notices, raw(notices))
        except ApplicationError as left:
            if left.type != "mail_left" or left.non_retryable:
                raise
            return None

    async def fates(self) -> dict[tuple[UUID, str], tuple[str, int]]:
        """Return status and attempts of the rows of the grant's notices."""
        return {
            (one["person_id"], one["kind"]): (one["status"], one["attempts"])
            for one in await self._life.outbox()
            if one["version"] == 2
        }

    async def fate(self, person: Person, kind: str = "request_granted") -> tuple[str, int]:
        """Return status and attempts of one person's notice."""
        return (await self.fates())[person.id, kind]


@pytest.fixture
async def granted(life: StoredLife) -> StoredLife:
    """A request whose three people are to be told that it was granted."""
    await life.granted()
    return life


async def asked_for_a_code(life: StoredLife) -> None:
    """Let Elizabeth begin a sign-in, whose code waits in the outbox."""
    key = SigningKey.fresh()
    begin = Begin(email=ELIZABETH.email, public_key=key.public, client="laptop")
    said = key.signed(
        LOGIN, begin, actor=None, key_id=LOGIN, issued_at=life.now, nonce=fresh_nonce()
    )
    assert (await life.hears(said, process=LOGIN)).refusal is None


async def test_everybody_gets_one_letter(granted: StoredLife) -> None:
    mailer = ScriptedMailer()
    office = PostOffice(granted, mailer)

    tried = await office.runs()

    assert tried == 3
    assert sorted(one.to for one in mailer.letters) == sorted(
        one.email for one in (ELIZABETH, CAROLINE, CHARLOTTE)
    )
    assert set((await office.fates()).values()) == {("sent", 1)}


async def test_a_message_id_is_the_notices_own(granted: StoredLife) -> None:
    mailer = ScriptedMailer()

    await PostOffice(granted, mailer).runs()

    ids = {f"<{one['id']}@gatehouse.example>" for one in await granted.outbox()}
    assert {one.message_id for one in mailer.letters} < ids
    assert len({one.message_id for one in mailer.letters}) == 3


async def test_a_repeated_job_sends_nothing_again(granted: StoredLife) -> None:
    mailer = ScriptedMailer()
    office = PostOffice(granted, mailer)
    await office.runs()

    again = await office.runs()

    assert again == 0
    assert len(mailer.letters) == 3


async def test_a_refused_recipient_neither_blocks_nor_repeats_the_others(
    granted: StoredLife,
) -> None:
    mailer = ScriptedMailer(caroline=[REFUSED])
    office = PostOffice(granted, mailer)

    first, again = await office.runs(), await office.runs()

    assert (first, again) == (4, 0)  # the fourth tells Elizabeth that Caroline's did not arrive
    assert await office.fate(CAROLINE) == ("failed", 1)
    assert await office.fate(CHARLOTTE) == ("sent", 1)
    assert len(mailer.to(CHARLOTTE.email)) == len(mailer.to(CAROLINE.email)) == 1


async def test_a_failed_notice_keeps_the_servers_reply(granted: StoredLife) -> None:
    await PostOffice(granted, ScriptedMailer(caroline=[REFUSED])).runs()

    (row,) = [one for one in await granted.outbox() if one["status"] == "failed"]
    assert row["reply"] == "550 no such user"
    assert row["settled_at"] == granted.now


async def test_the_requester_is_told_once_whose_mail_did_not_arrive(granted: StoredLife) -> None:
    mailer = ScriptedMailer(caroline=[REFUSED], charlotte=[REFUSED])

    await PostOffice(granted, mailer).runs()

    told = [one for one in await granted.outbox() if one["kind"] == "mail_undeliverable"]
    assert {one["person_id"] for one in told} == {ELIZABETH.id}
    assert [one["facts"]["recipient_masked"] for one in told] == ["c***@classics.example"] * 2
    assert len(mailer.to(ELIZABETH.email)) == 3
    assert CAROLINE.email not in "".join(one.text for one in mailer.to(ELIZABETH.email))


async def test_the_requester_is_not_mailed_about_their_own_failing_address(
    granted: StoredLife,
) -> None:
    mailer = ScriptedMailer(elizabeth=[REFUSED] * 5)

    await PostOffice(granted, mailer).runs()

    assert len(mailer.to(ELIZABETH.email)) == 1


async def test_word_of_a_failure_that_fails_itself_goes_no_further(granted: StoredLife) -> None:
    mailer = ScriptedMailer(caroline=[REFUSED], elizabeth=[REFUSED] * 5)
    office = PostOffice(granted, mailer)

    await office.runs()

    assert await office.fate(ELIZABETH, "mail_undeliverable") == ("failed", 1)
    assert await office.runs() == 0


async def test_a_temporary_failure_leaves_its_row_and_brings_the_job_back(
    granted: StoredLife,
) -> None:
    mailer = ScriptedMailer(caroline=[BUSY, BUSY])
    office = PostOffice(granted, mailer)

    runs = [await office.runs() for _ in range(3)]

    assert runs == [None, None, 1]
    assert await office.fate(CAROLINE) == ("sent", 3)
    assert await office.fate(CHARLOTTE) == ("sent", 1)


async def test_an_unknown_outcome_gets_one_more_try_marked_as_a_possible_duplicate(
    granted: StoredLife,
) -> None:
    mailer = ScriptedMailer(caroline=[LOST])
    office = PostOffice(granted, mailer)

    runs = [await office.runs(), await office.runs()]

    first, second = mailer.to(CAROLINE.email)
    assert runs == [None, 1]
    assert first.message_id == second.message_id
    assert (first.may_be_duplicate, second.may_be_duplicate) == (False, True)
    assert await office.fate(CAROLINE) == ("sent", 2)


async def test_a_second_unknown_outcome_is_the_end(granted: StoredLife) -> None:
    mailer = ScriptedMailer(caroline=[LOST, LOST])
    office = PostOffice(granted, mailer)

    runs = [await office.runs() for _ in range(3)]

    assert runs == [None, 2, 0]  # with the second comes the word to Elizabeth
    assert await office.fate(CAROLINE) == ("failed", 2)


async def test_what_a_lost_worker_left_in_sending_is_tried_once_more(
    granted: StoredLife,
) -> None:
    mailer = ScriptedMailer()
    office = PostOffice(granted, mailer)
    lost = await _taken(office, granted)

    await office.runs()

    (letter,) = [one for one in mailer.letters if one.message_id.startswith(f"<{lost.id}")]
    assert letter.may_be_duplicate
    assert len(mailer.letters) == 3
    assert set((await office.fates()).values()) == {("sent", 1), ("sent", 2)}


async def test_what_was_lost_in_sending_twice_is_given_up(granted: StoredLife) -> None:
    mailer = ScriptedMailer()
    office = PostOffice(granted, mailer)
    first = await _taken(office, granted)
    second = await _taken(office, granted)

    await office.runs()

    assert first.id == second.id
    (row,) = [one for one in await granted.outbox() if one["status"] == "failed"]
    assert "unknown" in row["reply"]
    assert not any(str(first.id) in one.message_id for one in mailer.letters)


async def _taken(office: PostOffice, life: StoredLife) -> OutboxItem:
    """Take a notice, be killed before its letter is settled, and let the lease run out."""
    item = await office.outbox.next(GRANTED, frozenset(), None)
    assert item is not None
    life.waits(LEASE)
    return item


async def test_what_another_job_is_sending_is_left_to_it(granted: StoredLife) -> None:
    mailer = ScriptedMailer()
    office = PostOffice(granted, mailer)
    taken = await office.outbox.next(GRANTED, frozenset(), None)
    assert taken is not None

    await office.runs()

    assert not any(str(taken.id) in one.message_id for one in mailer.letters)
    assert len(mailer.letters) == 2


@pytest.mark.parametrize("word", [BUSY, REFUSED, LOST], ids=["busy", "refused", "lost"])
async def test_the_late_word_of_a_lost_attempt_undoes_no_letter_that_was_sent(
    granted: StoredLife, word: Posting
) -> None:
    office = PostOffice(granted, ScriptedMailer())
    late = await _taken(office, granted)
    await office.runs()
    before = await granted.outbox()

    await office.outbox.next(GRANTED, frozenset(), (late, word))

    assert await granted.outbox() == before


async def test_a_late_word_that_the_letter_arrived_is_believed(granted: StoredLife) -> None:
    office = PostOffice(granted, ScriptedMailer(caroline=[REFUSED], charlotte=[REFUSED]))
    late = await _taken(office, granted)
    await office.runs()

    await office.outbox.next(GRANTED, frozenset(), (late, Posting(fate=Fate.SENT, reply="250")))

    (row,) = [one for one in await granted.outbox() if one["id"] == late.id]
    assert row["status"] == "sent"


async def test_a_full_mailbox_is_tried_three_times(granted: StoredLife) -> None:
    mailer = ScriptedMailer(caroline=[FULL] * 4)
    office = PostOffice(granted, mailer)

    runs = [await office.runs() for _ in range(4)]

    assert runs == [None, None, 2, 0]
    assert await office.fate(CAROLINE) == ("failed", 3)


@pytest.mark.parametrize(
    ("postings", "is_kept"),
    [([], False), ([REFUSED], False), ([BUSY], True), ([LOST], True)],
    ids=["sent", "failed", "busy", "unknown"],
)
async def test_a_sealed_code_is_dropped_as_soon_as_its_mail_is_settled(
    life: StoredLife, postings: list[Posting], is_kept: bool
) -> None:
    await asked_for_a_code(life)

    await PostOffice(life, ScriptedMailer(elizabeth=postings)).runs(CODE_MAIL)

    (row,) = await life.outbox()
    assert (row["sealed"] is not None) == is_kept


async def test_a_code_is_in_its_mail_and_nobody_hears_when_that_fails(life: StoredLife) -> None:
    await asked_for_a_code(life)
    (row,) = await life.outbox()
    code = CODES.opened(row["sealed"])
    mailer = ScriptedMailer(elizabeth=[REFUSED])

    await PostOffice(life, mailer).runs(CODE_MAIL)

    (letter,) = mailer.letters
    assert f"{code[:4]} {code[4:]}" in letter.text
    assert [one["kind"] for one in await life.outbox()] == ["sign_in_code"]


async def test_a_transition_that_tells_nobody_is_done_at_once(life: StoredLife) -> None:
    assert await PostOffice(life, ScriptedMailer()).runs() == 0


async def test_what_names_no_transition_fails_once_and_for_good(life: StoredLife) -> None:
    office = PostOffice(life, ScriptedMailer())

    for given in (None, "x", {"process": "x", "version": 1}, {"version": 1}, [1]):
        with pytest.raises(ApplicationError) as caught:
            await office.activities.send_notices(raw(given))

        assert (caught.value.type, caught.value.non_retryable) == ("invalid_input", True)


async def test_the_sweep_queues_what_was_lost_and_leaves_what_is_fresh(
    granted: StoredLife,
) -> None:
    office, queue = PostOffice(granted, ScriptedMailer()), NoMailQueue()
    fresh = await sweep(office.outbox, queue)
    granted.waits(timedelta(seconds=SWEEP_AGE + 1))

    lost = await sweep(office.outbox, queue)

    assert (fresh, lost) == (0, 2)
    assert sorted(one.version for one in queue.queued) == [1, 2]


async def test_the_sweep_passes_over_what_is_sent_or_has_failed(granted: StoredLife) -> None:
    mailer = ScriptedMailer(caroline=[REFUSED])
    office, queue = PostOffice(granted, mailer), NoMailQueue()
    await office.runs()
    granted.waits(timedelta(minutes=5))

    await sweep(office.outbox, queue)

    assert [one.version for one in queue.queued] == [1]


async def test_the_sweep_finds_what_waits_after_failures(granted: StoredLife) -> None:
    office = PostOffice(granted, ScriptedMailer(caroline=[BUSY], charlotte=[LOST]))
    await office.runs()
    await office.runs(NoticesOf(process=PROCESS, version=1))
    granted.waits(timedelta(minutes=5))

    left = await office.outbox.left_over(SWEEP_AGE)

    assert [one.version for one, _ in left] == [2]


async def test_a_real_mail_server_gets_each_letter_once(
    granted: StoredLife, tmp_path: Path
) -> None:
    async with Mailbox(tmp_path) as server:
        mailer = SmtpMailer(
            SmtpServer("127.0.0.1", server.port, Security.NONE, "gatehouse@gatehouse.example")
        )
        office = PostOffice(granted, mailer)
        await office.runs()
        await office.runs()
        await mailer.close()

    kept = letters(tmp_path)
    assert sorted(one.to for one in kept) == sorted(
        one.email for one in (ELIZABETH, CAROLINE, CHARLOTTE)
    )
    assert set((await office.fates()).values()) == {("sent", 1)}


async def test_a_job_on_temporals_queue_runs_once_however_often_it_is_queued(
    granted: StoredLife, client: Client
) -> None:
    mailer = ScriptedMailer()
    office, queue = PostOffice(granted, mailer), TemporalMailQueue(client)
    granted.waits(timedelta(minutes=5))
    async with mail_worker(client, office.activities):
        for _ in range(3):
            await queue.enqueue(GRANTED, "tenant")
        await queue.close()
        handle = client.get_activity_handle(f"notices/{PROCESS}/2")
        await handle.result()
        await queue.enqueue(GRANTED, "tenant")
        await queue.close()

    assert len(mailer.letters) == 3
    assert all(isinstance(one, Letter) for one in mailer.letters)
