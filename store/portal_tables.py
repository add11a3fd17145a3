"""The portal's own tables: who is signed in at which browser, and what a passkey is asked."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, Uuid

from store.tables import metadata
from store.types import UtcInstant

# Without a person, its code is still awaited. What is sealed is for the portal's key alone.
portal_session = Table(
    "portal_session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("sign_in_id", Uuid, nullable=False, unique=True),
    Column("person_id", ForeignKey("person.id")),
    Column("sealed", Text, nullable=False),
    Column("kept", Text),
    Column("seen_at", UtcInstant, nullable=False),
    Column("ends_at", UtcInstant, nullable=False),
    Index("ix_portal_session_person_id", "person_id"),
    Index("ix_portal_session_ends_at", "ends_at"),
)

# What a browser's passkey is asked to sign: once, and for a few minutes.
portal_challenge = Table(
    "portal_challenge",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("ends_at", UtcInstant, nullable=False),
    Index("ix_portal_challenge_ends_at", "ends_at"),
)
