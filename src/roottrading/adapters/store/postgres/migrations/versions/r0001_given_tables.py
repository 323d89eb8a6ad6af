"""The four tables that the architecture names: candles, signals, trade cycles and orders."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE market_data (
    id BIGSERIAL PRIMARY KEY,
    symbol TEXT NOT NULL,
    open_time TIMESTAMPTZ NOT NULL,
    close_time TIMESTAMPTZ NOT NULL,
    open DECIMAL NOT NULL,
    high DECIMAL NOT NULL,
    low DECIMAL NOT NULL,
    close DECIMAL NOT NULL,
    volume DECIMAL NOT NULL,
    timeframe TEXT NOT NULL
);
CREATE TABLE signals (
    id BIGSERIAL PRIMARY KEY,
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL,
    signal_type TEXT NOT NULL,
    strength DECIMAL NOT NULL,
    price DECIMAL NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    metadata JSONB NOT NULL DEFAULT '{}'
);
CREATE TABLE trade_cycles (
    id UUID PRIMARY KEY,
    symbol TEXT NOT NULL,
    status TEXT NOT NULL,
    entry_signal_id BIGINT NOT NULL,
    entry_price DECIMAL,
    exit_price DECIMAL,
    quantity DECIMAL,
    pnl DECIMAL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE orders (
    id UUID PRIMARY KEY,
    cycle_id UUID,
    binance_order_id BIGINT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    quantity DECIMAL NOT NULL,
    price DECIMAL,
    status TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
"""


def upgrade() -> None:
    """Make them."""
    op.execute(TABLES)
