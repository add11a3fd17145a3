"""Processes, what is read from them, their record and their mail."""

from alembic import op
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)

from store.types import UtcInstant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    "key",
    "process",
    "involvement",
    "access_grant",
    "session",
    "command",
    "refusal",
    "audit",
    "outbox",
)
FROZEN = "the audit is only ever added to"


def upgrade() -> None:
    _key()
    _process()
    _involvement()
    _access_grant()
    _session()
    _command()
    _refusal()
    _audit()
    _outbox()
    _freeze_audit()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_is_frozen()")


def _freeze_audit() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit"
                f" BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_frozen() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{FROZEN}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_frozen BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_frozen()"
    )


def _key() -> None:
    op.create_table(
        "key",
        Column("id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        Column("public_key", String(43), nullable=False),
        Column("channel", String(16), nullable=False),
        Column("client", String(120), nullable=False),
        Column("enrolled_at", UtcInstant, nullable=False),
        Column("expires_at", UtcInstant, nullable=False),
        Column("revoked_at", UtcInstant),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_key_person_id"),
        PrimaryKeyConstraint("id", name="pk_key"),
    )
    with op.batch_alter_table("key", schema=None) as batch_op:
        batch_op.create_index("ix_key_person_id", ["person_id"], unique=False)


def _process() -> None:
    op.create_table(
        "process",
        Column("id", Uuid, nullable=False),
        Column("kind", String(32), nullable=False),
        Column("version", Integer, nullable=False),
        Column("status", String(16), nullable=False),
        Column("state", Text, nullable=False),
        Column("is_closed", Boolean, nullable=False),
        Column("due", UtcInstant),
        Column("tenant_id", Uuid),
        Column("organization_id", Uuid),
        Column("requester_id", Uuid),
        Column("batch", Uuid),
        Column("subject", String(64)),
        Column("customer_id", Uuid),
        Column("site_id", Uuid),
        Column("begun_at", UtcInstant, nullable=False),
        ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_process_organization_id"
        ),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_process_tenant_id"),
        ForeignKeyConstraint(["customer_id"], ["organization.id"], name="fk_process_customer_id"),
        ForeignKeyConstraint(["site_id"], ["site.id"], name="fk_process_site_id"),
        PrimaryKeyConstraint("id", name="pk_process"),
    )
    with op.batch_alter_table("process", schema=None) as batch_op:
        batch_op.create_index("ix_process_batch", ["batch"], unique=False)
        batch_op.create_index("ix_process_is_closed_due", ["is_closed", "due"], unique=False)
        batch_op.create_index(
            "ix_process_organization_id_begun_at",
            ["organization_id", "begun_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_process_requester_id_begun_at", ["requester_id", "begun_at"], unique=False
        )
        batch_op.create_index("ix_process_customer_id_kind", ["customer_id", "kind"], unique=False)
        batch_op.create_index("ix_process_site_id_kind", ["site_id", "kind"], unique=False)
        batch_op.create_index("ix_process_subject_begun_at", ["subject", "begun_at"], unique=False)
        batch_op.create_index(
            "ix_process_tenant_id_begun_at", ["tenant_id", "begun_at", "id"], unique=False
        )


def _involvement() -> None:
    op.create_table(
        "involvement",
        Column("person_id", Uuid, nullable=False),
        Column("process_id", Uuid, nullable=False),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_involvement_person_id"),
        ForeignKeyConstraint(["process_id"], ["process.id"], name="fk_involvement_process_id"),
        PrimaryKeyConstraint("person_id", "process_id", name="pk_involvement"),
    )
    with op.batch_alter_table("involvement", schema=None) as batch_op:
        batch_op.create_index("ix_involvement_process_id", ["process_id"], unique=False)


def _access_grant() -> None:
    op.create_table(
        "access_grant",
        Column("process_id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        Column("tenant_id", Uuid, nullable=False),
        Column("requested_by", Uuid, nullable=False),
        Column("granted_by", Uuid, nullable=False),
        Column("ends_at", UtcInstant),
        Column("no_end", Boolean, nullable=False),
        Column("closed_at", UtcInstant),
        CheckConstraint("(ends_at IS NULL) = no_end", name="end_or_no_end"),
        CheckConstraint("granted_by <> person_id", name="not_by_named_person"),
        CheckConstraint("granted_by <> requested_by", name="not_by_requester"),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_access_grant_person_id"),
        ForeignKeyConstraint(["process_id"], ["process.id"], name="fk_access_grant_process_id"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_access_grant_tenant_id"),
        PrimaryKeyConstraint("process_id", "person_id", name="pk_access_grant"),
    )
    with op.batch_alter_table("access_grant", schema=None) as batch_op:
        batch_op.create_index(
            "ix_access_grant_person_id_tenant_id", ["person_id", "tenant_id"], unique=False
        )
        batch_op.create_index("ix_access_grant_tenant_id", ["tenant_id"], unique=False)


def _session() -> None:
    op.create_table(
        "session",
        Column("id", Uuid, nullable=False),
        Column("process_id", Uuid, nullable=False),
        Column("person_id", Uuid, nullable=False),
        Column("tenant_id", Uuid),
        Column("mode", String(16), nullable=False),
        Column("begun_at", UtcInstant, nullable=False),
        Column("ended_at", UtcInstant),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_session_person_id"),
        ForeignKeyConstraint(["process_id"], ["process.id"], name="fk_session_process_id"),
        ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name="fk_session_tenant_id"),
        PrimaryKeyConstraint("id", name="pk_session"),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index(
            "ix_session_person_id_tenant_id", ["person_id", "tenant_id"], unique=False
        )
        batch_op.create_index("ix_session_process_id", ["process_id"], unique=False)


def _command() -> None:
    op.create_table(
        "command",
        Column("key_id", Uuid, nullable=False),
        Column("nonce", String(22), nullable=False),
        Column("process_id", Uuid, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("body", Text),
        Column("signature", String(86)),
        Column("outcome", Text, nullable=False),
        Column("at", UtcInstant, nullable=False),
        PrimaryKeyConstraint("key_id", "nonce", name="pk_command"),
    )


def _refusal() -> None:
    op.create_table(
        "refusal",
        Column("process_id", Uuid, nullable=False),
        Column("code", String(32), nullable=False),
        Column("minute", UtcInstant, nullable=False),
        Column("left_out", Integer, nullable=False),
        PrimaryKeyConstraint("process_id", "code", name="pk_refusal"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        Column("process_id", Uuid, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("version", Integer),
        Column("at", UtcInstant, nullable=False),
        Column("actor_id", Uuid),
        Column("channel", String(16), nullable=False),
        Column("key_id", Uuid),
        Column("nonce", String(22)),
        Column("command", String(64)),
        Column("event", String(32), nullable=False),
        Column("reason", Text),
        Column("state", String(64)),
        Column("left_out", Integer, nullable=False),
        Column("previous", String(64), nullable=False),
        Column("hash", String(64), nullable=False),
        PrimaryKeyConstraint("process_id", "seq", name="pk_audit"),
        UniqueConstraint("process_id", "version", name="uq_audit_process_id_version"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        Column("id", Uuid, nullable=False),
        Column("process_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        Column("kind", String(32), nullable=False),
        Column("person_id", Uuid),
        Column("to_email", String(320)),
        Column("to_name", String(120)),
        Column("to_locale", String(16)),
        Column("facts", JSON, nullable=False),
        Column("sealed", Text),
        Column("status", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("was_unknown", Boolean, nullable=False),
        Column("reply", String(500)),
        Column("written_at", UtcInstant, nullable=False),
        Column("taken_at", UtcInstant),
        Column("settled_at", UtcInstant),
        CheckConstraint("person_id IS NOT NULL OR to_email IS NOT NULL", name="to_somebody"),
        ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_outbox_person_id"),
        ForeignKeyConstraint(["process_id"], ["process.id"], name="fk_outbox_process_id"),
        PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_process_id_version", ["process_id", "version"], unique=False
        )
        batch_op.create_index("ix_outbox_status_written_at", ["status", "written_at"], unique=False)
