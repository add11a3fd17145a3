"""As which cloned user somebody opened a session."""

from alembic import op
from sqlalchemy import Column, Uuid

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("session", Column("clone_id", Uuid))


def downgrade() -> None:
    op.drop_column("session", "clone_id")
