"""Passes of pairings, clones and memberships of sites."""

from alembic import op
from sqlalchemy import (
    JSON,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Uuid,
)

from store.types import UtcInstant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("pairing_pass", "clone", "membership")


def upgrade() -> None:
    op.add_column("session", Column("clone_id", Uuid))
    op.create_table(
        "pairing_pass",
        Column("id", Uuid, nullable=False),
        Column("process_id", Uuid, nullable=False),
        Column("tenant_id", Uuid, nullable=False),
        Column("team_id", Uuid, nullable=False),
        Column("person_id", Uuid),
        Column("permissions", JSON, nullable=False),
        Column("consents", JSON, nullable=False),
        Column("closed_at", UtcInstant),
        _reference("pairing_pass", "process_id", "process.id"),
        _reference("pairing_pass", "tenant_id", "tenant.id"),
        _reference("pairing_pass", "team_id", "team.id"),
        _reference("pairing_pass", "person_id", "person.id"),
        PrimaryKeyConstraint("id", name="pk_pairing_pass"),
    )
    op.create_index("ix_pairing_pass_process_id", "pairing_pass", ["process_id"])
    op.create_index("ix_pairing_pass_tenant_id", "pairing_pass", ["tenant_id"])
    op.create_table(
        "clone",
        Column("id", Uuid, nullable=False),
        Column("process_id", Uuid, nullable=False),
        Column("tenant_id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        Column("added_at", UtcInstant, nullable=False),
        Column("removed_at", UtcInstant),
        _reference("clone", "process_id", "process.id"),
        _reference("clone", "tenant_id", "tenant.id"),
        _reference("clone", "person_id", "person.id"),
        PrimaryKeyConstraint("id", name="pk_clone"),
    )
    op.create_index("ix_clone_process_id", "clone", ["process_id"])
    op.create_index("ix_clone_tenant_id", "clone", ["tenant_id"])
    op.create_table(
        "membership",
        Column("process_id", Uuid, nullable=False),
        Column("site_id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        Column("privileges", JSON, nullable=False),
        Column("since", UtcInstant, nullable=False),
        Column("closed_at", UtcInstant),
        _reference("membership", "process_id", "process.id"),
        _reference("membership", "site_id", "site.id"),
        _reference("membership", "person_id", "person.id"),
        PrimaryKeyConstraint("process_id", name="pk_membership"),
    )
    op.create_index("ix_membership_site_id_person_id", "membership", ["site_id", "person_id"])


def downgrade() -> None:
    op.drop_column("session", "clone_id")
    for name in reversed(TABLES):
        op.drop_table(name)


def _reference(table: str, column: str, to: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}")
