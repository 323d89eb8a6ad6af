"""The quarantine of all units, to be read: what stands in it is the units' own rows, under their fences."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

QUARANTINE = """
CREATE VIEW quarantine AS SELECT
    service || '/' || shard AS unit, value ->> 'symbol' AS symbol, value ->> 'kind' AS kind,
    split_part(value ->> 'stream', '/', 1) AS channel, value ->> 'source' AS source, value ->> 'stream' AS stream,
    (value ->> 'sequence')::bigint AS sequence, value ->> 'envelope' AS envelope, value ->> 'error' AS error,
    to_timestamp((value ->> 'at')::numeric / 1000000) AS at, number
FROM unit_rows WHERE table_name = 'quarantine';
"""


def upgrade() -> None:
    """Add the view."""
    op.execute(QUARANTINE)
