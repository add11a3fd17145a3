"""Alembic migrations: each released schema, step by step."""
