"""Inns to onboard, each with a PBX and people of its own; and what both sides hold of them."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from approvals.onboarding.commands import NamedAdmin, NamedUser, PbxDetails
from approvals.onboarding.record import process_id_of
from examples.reference_platform.pbxs import Pbx, PbxUser
from store.engine import Engines
from tests.customer_platform.customers import PBX_SECRET
from tests.factories import CLASSICS, NETHERFIELD
from tests.onboardings import AGENT, SUPERVISOR
from tests.store.rows import rows_of

STEPS = 11  # of an inn, until it is ready; before its step of that number a row has that version
ADMIN = ["customer.user", "user.admin"]
Row = Mapping[str, Any]
Tables = Mapping[str, list[Row]]


class Inn(NamedTuple):
    """One customer: Jim and Livesey come with the PBX, Pew does not; Jim and Pew become admins."""

    batch: UUID
    number: int

    @property
    def slug(self) -> str:
        return f"inn-{self.number:02}"

    @property
    def process(self) -> UUID:
        return process_id_of(self.batch, self.slug)

    @property
    def reference(self) -> str:
        return f"INN-{self.number:02}"

    @property
    def pbx(self) -> Pbx:
        """The PBX, as the platform reaches it."""
        people = [PbxUser(self.email(one), one.title(), "Inn") for one in ("jim", "livesey")]
        return Pbx(PBX_SECRET, tuple(people))

    @property
    def host(self) -> str:
        return f"pbx.{self.slug}.example.com"

    @property
    def form(self) -> dict[str, Any]:
        """The fields of its form."""
        jim, pew = self.email("jim"), self.email("pew")
        return {
            "batch": self.batch,
            "customer": self.slug,
            "name": f"Inn {self.number}",
            "reference": self.reference,
            "pbx": PbxDetails(
                host=self.host, username="import", secret=f"env:INN_{self.number:02}"
            ),
            "admins": (
                NamedAdmin(email=jim, name="Jim", roles=(SUPERVISOR,)),
                NamedAdmin(email=pew, name="Pew"),
            ),
            "users": (NamedUser(email=self.email("livesey"), name="Livesey", roles=(AGENT,)),),
        }

    def email(self, name: str) -> str:
        """Return the address of one of its people."""
        return f"{name}@{self.slug}.example.com"


class Found:
    """All that the platform's own file and the directory hold, read at one moment."""

    def __init__(self, platform: Tables, directory: Tables) -> None:
        self._platform, self._directory = platform, directory

    def assert_complete(self, inn: Inn) -> None:
        """The customer exists once on both sides, under one id, and an admin was made first."""
        (customer,) = self._of("customer", reference=inn.reference)  # the deleted ones count too
        assert customer["deleted_at"] is None
        (pbx,) = self._of("pbx", customer=customer["id"])
        assert (pbx["handled"], pbx["skipped"]) == (2, 0)
        users = {one["id"]: one for one in self._of("user", customer=customer["id"])}
        assert {one["email"]: bool(one["imported"]) for one in users.values()} == {
            inn.email("jim"): True, inn.email("livesey"): True, inn.email("pew"): False,
        }  # fmt: skip
        given = [one for one in self._platform["user_role"] if one["user"] in users]
        held = [(users[one["user"]]["email"], one["role"]) for one in given]  # as they were given
        assert sorted(held) == sorted(
            [
                *((inn.email(one), role) for one in ("jim", "pew") for role in ADMIN),
                (inn.email("jim"), SUPERVISOR),
                (inn.email("livesey"), AGENT),
            ]
        )
        assert {role for _, role in held[:4]} == set(ADMIN)
        self._assert_entered(inn, UUID(customer["id"]))

    def assert_gone(self, inn: Inn) -> None:
        """Neither side holds anything of the customer, but that the platform deleted it."""
        made = self._of("customer", reference=inn.reference)
        assert all(one["deleted_at"] is not None for one in made)
        ids = {one["id"] for one in made}
        for table in ("pbx", "user"):
            assert [one for one in self._platform[table] if one["customer"] in ids] == []
        domain = f"@{inn.slug}.example.com"
        assert [one for one in self._platform["user"] if one["email"].endswith(domain)] == []
        users = {one["id"] for one in self._platform["user"]}
        assert {one["user"] for one in self._platform["user_role"]} <= users
        for table in ("organization", "tenant"):
            assert inn.slug not in [one["slug"] for one in self._directory[table]]
        assert [one for one in self._directory["person"] if one["email"].endswith(domain)] == []

    def _assert_entered(self, inn: Inn, customer: UUID) -> None:
        (organization,) = self._entries("organization", slug=inn.slug)
        (tenant,) = self._entries("tenant", slug=inn.slug)
        assert (tenant["id"], tenant["organization_id"]) == (customer, organization["id"])
        people = {
            one["email"]: one["id"]
            for one in self._entries("person", organization_id=organization["id"])
        }
        assert sorted(people) == sorted(inn.email(one) for one in ("jim", "livesey", "pew"))
        roles = {
            (one["person_id"], one["role"], one["scope_id"])
            for one in self._directory["role_assignment"]
            if one["person_id"] in people.values()
        }
        assert roles == {
            (people[inn.email(name)], role, scope)
            for name in ("jim", "pew")
            for role, scope in (("tenant_admin", customer), ("trust_admin", organization["id"]))
        }
        serving = self._entries("serves", customer_id=organization["id"])
        assert {one["server_id"] for one in serving} == {NETHERFIELD.id, CLASSICS.id}

    def _of(self, table: str, **fields: object) -> list[Row]:
        return _matching(self._platform[table], fields)

    def _entries(self, table: str, **fields: object) -> list[Row]:
        return _matching(self._directory[table], fields)


async def found(file: Path, engines: Engines) -> Found:
    """Read the platform's file and the directory."""
    platform = sqlite3.connect(file)
    platform.row_factory = sqlite3.Row
    theirs: Tables = {
        table: [dict(one) for one in platform.execute(f"SELECT * FROM {table} ORDER BY rowid")]
        for table in ("customer", "pbx", "user", "user_role")
    }
    platform.close()
    tables = ("organization", "tenant", "person", "role_assignment", "serves")
    return Found(theirs, {table: await rows_of(engines, table) for table in tables})


def _matching(rows: list[Row], fields: dict[str, object]) -> list[Row]:
    return [one for one in rows if fields.items() <= one.items()]
