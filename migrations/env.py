"""Runs migrations on the connection that the caller opened."""

from alembic import context

from store import (  # noqa: F401  (all belong to the same metadata)
    access_tables,
    gate_tables,
    portal_tables,
)
from store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
