"""The tables that the gate reads beside the grants: passes of pairings, clones, memberships."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Table, Uuid

from store.tables import metadata
from store.types import UtcInstant

pairing_pass = Table(
    "pairing_pass",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", ForeignKey("process.id"), nullable=False),
    Column("tenant_id", ForeignKey("tenant.id"), nullable=False),
    Column("team_id", ForeignKey("team.id"), nullable=False),
    Column("person_id", ForeignKey("person.id")),
    Column("permissions", JSON, nullable=False),
    Column("consents", JSON, nullable=False),
    Column("closed_at", UtcInstant),
    Index("ix_pairing_pass_process_id", "process_id"),
    Index("ix_pairing_pass_tenant_id", "tenant_id"),
)

clone = Table(
    "clone",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", ForeignKey("process.id"), nullable=False),
    Column("tenant_id", ForeignKey("tenant.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("added_at", UtcInstant, nullable=False),
    Column("removed_at", UtcInstant),
    Index("ix_clone_process_id", "process_id"),
    Index("ix_clone_tenant_id", "tenant_id"),
)

membership = Table(
    "membership",
    metadata,
    Column("process_id", ForeignKey("process.id"), primary_key=True),
    Column("site_id", ForeignKey("site.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("privileges", JSON, nullable=False),
    Column("since", UtcInstant, nullable=False),
    Column("closed_at", UtcInstant),
    Index("ix_membership_site_id_person_id", "site_id", "person_id"),
)
