"""Stores in PostgreSQL: units that many processes share, the archive of what was said, and who is in charge.

Needs the extra `postgres` (asyncpg; alembic for the schema).
"""
