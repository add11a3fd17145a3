"""The tables of the programs that may ask the gate over HTTP."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Uuid

from store.tables import metadata
from store.types import UtcInstant

# The token itself is stored nowhere: it is shown once, when its client is made.
gate_client = Table(
    "gate_client",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(63), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("may_search", Boolean, nullable=False),
    Column("is_confined", Boolean, nullable=False),
    Column("made_at", UtcInstant, nullable=False),
    Column("revoked_at", UtcInstant),
    Index("ix_gate_client_name", "name"),
)

# A confined client asks about places of these organizations; all others are not there for it.
gate_client_scope = Table(
    "gate_client_scope",
    metadata,
    Column("client_id", ForeignKey("gate_client.id"), primary_key=True),
    Column("organization_id", ForeignKey("organization.id"), primary_key=True),
)
