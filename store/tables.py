"""The tables. A process's row holds its complete state; the other columns are for finding it."""

from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from store.types import UtcInstant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INSTALLATION = UUID(int=0)  # how a role without a scope is stored

organization = Table(
    "organization",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("is_active", Boolean, nullable=False),
)

serves = Table(
    "serves",
    metadata,
    Column("server_id", ForeignKey("organization.id"), primary_key=True),
    Column("customer_id", ForeignKey("organization.id"), primary_key=True),
)

tenant = Table(
    "tenant",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("organization_id", ForeignKey("organization.id"), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("is_locked", Boolean, nullable=False),
    Index("ix_tenant_organization_id", "organization_id"),
)

site = Table(
    "site",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("organization_id", ForeignKey("organization.id"), nullable=False),
)

team = Table(
    "team",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("organization_id", ForeignKey("organization.id"), nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("organization_id", ForeignKey("organization.id"), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Index("ix_person_organization_id", "organization_id"),
)

team_member = Table(
    "team_member",
    metadata,
    Column("team_id", ForeignKey("team.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
)

# scope_id is an organization, a tenant or a site; the zero id stands for the installation.
role_assignment = Table(
    "role_assignment",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("role", String(32), primary_key=True),
    Column("scope_id", Uuid, primary_key=True),
    Index("ix_role_assignment_scope_id_role", "scope_id", "role"),
)

key = Table(
    "key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("public_key", String(43), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("client", String(120), nullable=False),
    Column("enrolled_at", UtcInstant, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
    Column("revoked_at", UtcInstant),
    Column("passkey_id", Uuid),  # the one that enrolled it, if one did
    Index("ix_key_person_id", "person_id"),
)

# Rows stay when a passkey is removed: it must not come back.
passkey = Table(
    "passkey",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", ForeignKey("process.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("credential", String(1_364), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(120), nullable=False),
    Column("added_at", UtcInstant, nullable=False),
    Column("used_at", UtcInstant),
    Column("removed_at", UtcInstant),
    Index("ix_passkey_person_id", "person_id"),
    Index("ix_passkey_process_id", "process_id"),
)

process = Table(
    "process",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("state", Text, nullable=False),
    Column("is_closed", Boolean, nullable=False),
    Column("due", UtcInstant),
    Column("tenant_id", ForeignKey("tenant.id")),
    Column("organization_id", ForeignKey("organization.id")),
    Column("requester_id", Uuid),
    Column("batch", Uuid),
    Column("subject", String(64)),
    Column("customer_id", ForeignKey("organization.id")),
    Column("site_id", ForeignKey("site.id")),
    Column("begun_at", UtcInstant, nullable=False),
    Index("ix_process_is_closed_due", "is_closed", "due"),
    Index("ix_process_tenant_id_begun_at", "tenant_id", "begun_at", "id"),
    Index("ix_process_organization_id_begun_at", "organization_id", "begun_at", "id"),
    Index("ix_process_requester_id_begun_at", "requester_id", "begun_at"),
    Index("ix_process_batch", "batch"),
    Index("ix_process_subject_begun_at", "subject", "begun_at"),
    Index("ix_process_customer_id_kind", "customer_id", "kind"),
    Index("ix_process_site_id_kind", "site_id", "kind"),
)

involvement = Table(
    "involvement",
    metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("process_id", ForeignKey("process.id"), primary_key=True),
    Index("ix_involvement_process_id", "process_id"),
)

# Rows stay when access ends: that a tenant ever granted closes the legacy channel.
access_grant = Table(
    "access_grant",
    metadata,
    Column("process_id", ForeignKey("process.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("tenant_id", ForeignKey("tenant.id"), nullable=False),
    Column("requested_by", Uuid, nullable=False),
    Column("granted_by", Uuid, nullable=False),
    Column("ends_at", UtcInstant),
    Column("no_end", Boolean, nullable=False),
    Column("closed_at", UtcInstant),
    CheckConstraint("(ends_at IS NULL) = no_end", name="end_or_no_end"),
    CheckConstraint("granted_by <> requested_by", name="not_by_requester"),
    CheckConstraint("granted_by <> person_id", name="not_by_named_person"),
    Index("ix_access_grant_person_id_tenant_id", "person_id", "tenant_id"),
    Index("ix_access_grant_tenant_id", "tenant_id"),
)

session = Table(
    "session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", ForeignKey("process.id"), nullable=False),
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("tenant_id", ForeignKey("tenant.id")),
    Column("mode", String(16), nullable=False),
    Column("begun_at", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Column("clone_id", Uuid),  # as which the person came; NULL for themselves
    Index("ix_session_process_id", "process_id"),
    Index("ix_session_person_id_tenant_id", "person_id", "tenant_id"),
)

# body and signature: what the record holds digests of, so that others can check a proof.
command = Table(
    "command",
    metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("nonce", String(22), primary_key=True),
    Column("process_id", Uuid, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", Text),
    Column("signature", String(86)),
    Column("outcome", Text, nullable=False),
    Column("at", UtcInstant, nullable=False),
)

refusal = Table(
    "refusal",
    metadata,
    Column("process_id", Uuid, primary_key=True),
    Column("code", String(32), primary_key=True),
    Column("minute", UtcInstant, nullable=False),
    Column("left_out", Integer, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("process_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
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
    UniqueConstraint("process_id", "version"),
    Index("ix_audit_at", "at"),
)

# A mail goes to a person, or to an address whose owner is nobody here (yet).
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("process_id", ForeignKey("process.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("person_id", ForeignKey("person.id")),
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
    Index("ix_outbox_process_id_version", "process_id", "version"),
    Index("ix_outbox_status_written_at", "status", "written_at"),
)
