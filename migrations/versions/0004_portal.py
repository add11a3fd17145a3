"""Who is signed in at which browser."""

from alembic import op
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)

from store.types import UtcInstant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_session",
        Column("token_hash", String(64), nullable=False),
        Column("sign_in_id", Uuid, nullable=False),
        Column("person_id", Uuid),
        Column("sealed", Text, nullable=False),
        Column("kept", Text),
        Column("seen_at", UtcInstant, nullable=False),
        Column("ends_at", UtcInstant, nullable=False),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_portal_session_person_id"),
        UniqueConstraint("sign_in_id", name="uq_portal_session_sign_in_id"),
        PrimaryKeyConstraint("token_hash", name="pk_portal_session"),
    )
    op.create_index("ix_portal_session_person_id", "portal_session", ["person_id"])
    op.create_index("ix_portal_session_ends_at", "portal_session", ["ends_at"])


def downgrade() -> None:
    op.drop_table("portal_session")
