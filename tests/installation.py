"""A small real installation for tests: a database with the example directory, keys, a worker."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client

from activities.commit import CommitActivities
from activities.onboarding import OnboardingActivities
from activities.send_notices import MailActivities, TemporalMailQueue
from approvals.commands import Command
from approvals.delivery import Delivery, Outcome
from approvals.passkeys import Authenticators
from approvals.people import Directory, Person
from approvals.policy import Policies
from approvals.ports import Fate as MailFate
from approvals.ports import Letter, MailQueue, NoticesOf, Posting
from approvals.tenant_access.record import TenantAccess, shown_digest
from identity.enrolment import KeyedCodes
from identity.signing import Ed25519Signatures, SigningKey, fresh_nonce
from mail.links import Links
from mail.render import TemplateRenderer
from starter.client import Gatehouse
from starter.workers import mail_worker, process_worker
from store import tables as t
from store.engine import Engines
from store.inbox import Inbox
from store.ledger import SqlLedger
from store.outbox import SqlOutbox
from store.tables import INSTALLATION
from tests.factories import DIRECTORY, EVERYBODY, make_id

ANSWER_SECONDS = 30.0  # for a machine that is busy with other work; people wait 5
CODES = KeyedCodes(b"p" * 32, b"o" * 32)


class CarriedClock:
    """The clock of time-skipping tests: the time that the workflow carries."""

    def __init__(self) -> None:
        self.fixed: datetime | None = None

    async def now(
        self, connection: AsyncConnection | None, carried: datetime | None = None
    ) -> datetime:
        return self.fixed or carried or datetime.now(UTC)


class NoMailQueue(MailQueue):
    """Remembers what was queued and sends nothing."""

    def __init__(self) -> None:
        self.queued: list[NoticesOf] = []

    async def enqueue(self, notices: NoticesOf, fairness_key: str) -> None:
        self.queued.append(notices)


class RecordingMailer:
    """Accepts every letter and keeps it."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def send(self, letter: Letter) -> Posting:
        self.letters.append(letter)
        return Posting(fate=MailFate.SENT, reply="250 ok")


class Installation:
    """A database with a directory, and a signing key for everybody in it."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.inbox = Inbox(engines)
        self.portals: tuple[str, ...] = ()  # public keys of the portals that the door knows
        self.issuers: tuple[str, ...] = ()  # providers of identities whom it believes
        self.authenticators: Authenticators | None = None  # without them no passkeys
        self.onboarding: OnboardingActivities | None = None  # the steps that workers take
        self.links = Links(None)  # where mails point
        self.answer_seconds = ANSWER_SECONDS
        self.keys = {one.id: SigningKey.fresh() for one in EVERYBODY}

    async def fill(self, directory: Directory = DIRECTORY) -> None:
        """Write the directory and everybody's key."""
        async with self.engines.write.begin() as connection:
            await write_directory(connection, directory)
            now = await self.engines.clock.now(connection, datetime.now(UTC))
            await connection.execute(
                insert(t.key),
                [self.key_row(one, now) for one in directory.people if one.id in self.keys],
            )

    def key_row(self, person: Person, now: datetime) -> dict[str, object]:
        """Return the row of a person's key, enrolled a day before *now*."""
        return {
            "id": key_id(person),
            "person_id": person.id,
            "public_key": self.keys[person.id].public,
            "channel": "cli",
            "client": "test",
            "enrolled_at": now - timedelta(days=1),
            "expires_at": now + timedelta(days=1000),
        }

    def signed(
        self,
        person: Person,
        process: UUID,
        command: Command,
        *,
        nonce: str | None = None,
        at: datetime | None = None,
        actor: Person | None = None,
    ) -> bytes:
        """Sign a command as *person*; *actor* is who the message claims to be from."""
        return self.keys[person.id].signed(
            process,
            command,
            actor=(actor or person).id,
            key_id=key_id(person),
            issued_at=at or datetime.now(UTC),
            nonce=nonce or fresh_nonce(),
        )

    def door(
        self, mail: MailQueue | None = None, policies: Policies | None = None
    ) -> CommitActivities:
        """Return the one door on this database."""
        return CommitActivities(
            SqlLedger(self.engines),
            Ed25519Signatures(),
            CODES,
            mail or NoMailQueue(),
            policies or Policies(),
            self.portals,
            self.issuers,
            self.authenticators,
        )

    async def request(self, process: UUID) -> TenantAccess:
        """Return a request's stored state."""
        state = await self.inbox.state(process)
        assert isinstance(state, TenantAccess)
        return state

    async def shown(self, process: UUID) -> str:
        """Return the digest of what a decider sees now."""
        return shown_digest(await self.request(process))

    def gatehouse(self, client: Client) -> Gatehouse:
        """Return the facade of those who give commands."""
        return Gatehouse(client, self.inbox.outcome, self.answer_seconds)

    @asynccontextmanager
    async def working(
        self,
        client: Client,
        *,
        policies: Policies | None = None,
        mailer: RecordingMailer | None = None,
        cached: int = 1000,
    ) -> AsyncIterator[RecordingMailer]:
        """Run a worker for processes and mail while the block lasts."""
        recording = mailer or RecordingMailer()
        renderer = TemplateRenderer(self.links, "gatehouse.example")
        post = MailActivities(SqlOutbox(self.engines), recording, renderer, CODES)
        door = self.door(TemporalMailQueue(client), policies)
        async with AsyncExitStack() as ends:
            worker = process_worker(client, door, cached=cached, onboarding=self.onboarding)
            await ends.enter_async_context(worker)
            await ends.enter_async_context(mail_worker(client, post))
            yield recording


async def commit(
    door: CommitActivities, process: UUID, said: bytes | None, at: datetime | None = None
) -> Outcome:
    """Call the door as a workflow does, without Temporal."""
    from temporalio.common import RawValue
    from temporalio.contrib.pydantic import pydantic_data_converter

    delivery = Delivery(process=process, said=said, at=at or datetime.now(UTC))
    payloads = pydantic_data_converter.payload_converter.to_payloads([delivery])
    return await door.commit(RawValue(payloads[0]))


def key_id(person: Person) -> UUID:
    """Return the id of a person's key."""
    return make_id(f"key.{person.email}")


async def write_directory(connection: AsyncConnection, directory: Directory) -> None:
    """Write a directory into a database, as the import would; what is there stays as it is."""
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    for table, rows in _rows(directory).items():
        if rows:
            query = kind.insert(t.metadata.tables[table]).on_conflict_do_nothing()
            await connection.execute(query, rows)


def _rows(directory: Directory) -> dict[str, list[dict[str, object]]]:
    people = [one.model_dump() for one in directory.people]
    tenants = [one.model_dump() for one in directory.tenants]
    sites = [one.model_dump() for one in directory.sites]
    return {
        "organization": [one.model_dump() for one in directory.organizations],
        "serves": [{"server_id": a, "customer_id": b} for a, b in directory.serves],
        "tenant": [{**one, "organization_id": one.pop("organization")} for one in tenants],
        "site": [{**one, "organization_id": one.pop("organization")} for one in sites],
        "person": [
            {
                **one,
                "organization_id": one.pop("organization"),
                "email_key": str(one["email"]).casefold(),
            }
            for one in people
        ],
        "role_assignment": [
            {"person_id": one.person, "role": one.role, "scope_id": one.scope or INSTALLATION}
            for one in directory.roles
        ],
        "team": [
            {"id": one.id, "slug": one.slug, "name": one.name, "organization_id": one.organization}
            for one in directory.groups
        ],
        "team_member": [
            {"team_id": one.id, "person_id": member}
            for one in directory.groups
            for member in one.members
        ],
    }


def home_of(tmp_path: Path) -> Path:
    """Return the folder of an embedded stack's state below a test's own."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    return home
