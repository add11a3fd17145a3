"""The directory: organizations, tenants, people and their roles."""

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

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "organization",
    "serves",
    "tenant",
    "site",
    "team",
    "person",
    "team_member",
    "role_assignment",
)


def upgrade() -> None:
    _organization()
    _serves()
    _tenant()
    _site()
    _team()
    _person()
    _team_member()
    _role_assignment()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _organization() -> None:
    op.create_table(
        "organization",
        Column("id", Uuid, nullable=False),
        Column("slug", String(63), nullable=False),
        Column("name", String(120), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("is_active", Boolean, nullable=False),
        PrimaryKeyConstraint("id", name="pk_organization"),
        UniqueConstraint("slug", name="uq_organization_slug"),
    )


def _serves() -> None:
    op.create_table(
        "serves",
        Column("server_id", Uuid, nullable=False),
        Column("customer_id", Uuid, nullable=False),
        ForeignKeyConstraint(["customer_id"], ["organization.id"], name="fk_serves_customer_id"),
        ForeignKeyConstraint(["server_id"], ["organization.id"], name="fk_serves_server_id"),
        PrimaryKeyConstraint("server_id", "customer_id", name="pk_serves"),
    )


def _tenant() -> None:
    op.create_table(
        "tenant",
        Column("id", Uuid, nullable=False),
        Column("slug", String(63), nullable=False),
        Column("name", String(120), nullable=False),
        Column("organization_id", Uuid, nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("locale", String(16), nullable=False),
        Column("is_on", Boolean, nullable=False),
        Column("is_locked", Boolean, nullable=False),
        ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_tenant_organization_id"
        ),
        PrimaryKeyConstraint("id", name="pk_tenant"),
        UniqueConstraint("slug", name="uq_tenant_slug"),
    )
    with op.batch_alter_table("tenant", schema=None) as batch_op:
        batch_op.create_index("ix_tenant_organization_id", ["organization_id"], unique=False)


def _site() -> None:
    op.create_table(
        "site",
        Column("id", Uuid, nullable=False),
        Column("slug", String(63), nullable=False),
        Column("name", String(120), nullable=False),
        Column("organization_id", Uuid, nullable=False),
        ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_site_organization_id"
        ),
        PrimaryKeyConstraint("id", name="pk_site"),
        UniqueConstraint("slug", name="uq_site_slug"),
    )


def _team() -> None:
    op.create_table(
        "team",
        Column("id", Uuid, nullable=False),
        Column("slug", String(63), nullable=False),
        Column("name", String(120), nullable=False),
        Column("organization_id", Uuid, nullable=False),
        ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_team_organization_id"
        ),
        PrimaryKeyConstraint("id", name="pk_team"),
        UniqueConstraint("slug", name="uq_team_slug"),
    )


def _person() -> None:
    op.create_table(
        "person",
        Column("id", Uuid, nullable=False),
        Column("email", String(320), nullable=False),
        Column("email_key", String(320), nullable=False),
        Column("name", String(120), nullable=False),
        Column("organization_id", Uuid, nullable=False),
        Column("locale", String(16), nullable=False),
        Column("time_zone", String(64), nullable=False),
        Column("is_active", Boolean, nullable=False),
        ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_person_organization_id"
        ),
        PrimaryKeyConstraint("id", name="pk_person"),
        UniqueConstraint("email_key", name="uq_person_email_key"),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index("ix_person_organization_id", ["organization_id"], unique=False)


def _team_member() -> None:
    op.create_table(
        "team_member",
        Column("team_id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_team_member_person_id"),
        ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_team_member_team_id"),
        PrimaryKeyConstraint("team_id", "person_id", name="pk_team_member"),
    )


def _role_assignment() -> None:
    op.create_table(
        "role_assignment",
        Column("person_id", Uuid, nullable=False),
        Column("role", String(32), nullable=False),
        Column("scope_id", Uuid, nullable=False),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_role_assignment_person_id"),
        PrimaryKeyConstraint("person_id", "role", "scope_id", name="pk_role_assignment"),
    )
    with op.batch_alter_table("role_assignment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_role_assignment_scope_id_role", ["scope_id", "role"], unique=False
        )
