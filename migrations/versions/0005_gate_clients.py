"""Which programs may ask the gate."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    Uuid,
)

from store.types import UtcInstant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gate_client",
        Column("id", Uuid, nullable=False),
        Column("name", String(63), nullable=False),
        Column("token_hash", String(64), nullable=False),
        Column("may_search", Boolean, nullable=False),
        Column("is_confined", Boolean, nullable=False),
        Column("made_at", UtcInstant, nullable=False),
        Column("revoked_at", UtcInstant),
        UniqueConstraint("token_hash", name="uq_gate_client_token_hash"),
        PrimaryKeyConstraint("id", name="pk_gate_client"),
    )
    op.create_index("ix_gate_client_name", "gate_client", ["name"])
    op.create_table(
        "gate_client_scope",
        Column("client_id", Uuid, nullable=False),
        Column("organization_id", Uuid, nullable=False),
        ForeignKeyConstraint(
            ["client_id"], ["gate_client.id"], name="fk_gate_client_scope_client_id"
        ),
        ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_gate_client_scope_organization_id"
        ),
        PrimaryKeyConstraint("client_id", "organization_id", name="pk_gate_client_scope"),
    )


def downgrade() -> None:
    op.drop_table("gate_client_scope")
    op.drop_table("gate_client")
