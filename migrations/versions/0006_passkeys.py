"""People's passkeys, which key each has enrolled, and what browsers' passkeys are asked to sign."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    String,
    Text,
    Uuid,
)

from store.types import UtcInstant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "passkey",
        Column("id", Uuid, nullable=False),
        Column("process_id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        Column("credential", String(1_364), nullable=False),
        Column("public_key", Text, nullable=False),
        Column("sign_count", BigInteger, nullable=False),
        Column("name", String(120), nullable=False),
        Column("added_at", UtcInstant, nullable=False),
        Column("used_at", UtcInstant),
        Column("removed_at", UtcInstant),
        ForeignKeyConstraint(["process_id"], ["process.id"], name="fk_passkey_process_id"),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_passkey_person_id"),
        PrimaryKeyConstraint("id", name="pk_passkey"),
    )
    op.create_index("ix_passkey_person_id", "passkey", ["person_id"])
    op.create_index("ix_passkey_process_id", "passkey", ["process_id"])
    op.add_column("key", Column("passkey_id", Uuid))
    op.create_table(
        "portal_challenge",
        Column("token_hash", String(64), nullable=False),
        Column("sealed", Text, nullable=False),
        Column("ends_at", UtcInstant, nullable=False),
        PrimaryKeyConstraint("token_hash", name="pk_portal_challenge"),
    )
    op.create_index("ix_portal_challenge_ends_at", "portal_challenge", ["ends_at"])


def downgrade() -> None:
    op.drop_table("portal_challenge")
    op.drop_column("key", "passkey_id")
    op.drop_table("passkey")
