"""Services answer a person's requests for capital and coins: once each, and only by who owns the unit that judges."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ANSWERS = """
CREATE FUNCTION answer_control(judge TEXT, judge_shard INTEGER, held BIGINT, request BIGINT, kind TEXT, body JSONB)
    RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    answered BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('roottrading control'));
    PERFORM 1 FROM units WHERE service = judge AND shard = judge_shard AND fence = held FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process has taken %/% over', judge, judge_shard USING ERRCODE = 'RT001';
    END IF;
    SELECT r.number INTO answered FROM control_requests r
        WHERE r.kind = answer_control.kind AND (r.body ->> 'request')::bigint = answer_control.request;
    IF FOUND THEN
        RETURN answered;
    END IF;
    RETURN post_control(kind, body, FALSE);
END $$;
"""


def upgrade() -> None:
    """Add the function."""
    op.execute(ANSWERS)
