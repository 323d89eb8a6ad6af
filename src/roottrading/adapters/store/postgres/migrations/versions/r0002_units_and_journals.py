"""Units with their state, outboxes and places; the journals; candles by month; control, configuration."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What was there stays: candles go into partitions by month (the last row of a candle that stands twice counts).
CANDLES = """
ALTER TABLE market_data RENAME TO market_data_before;
ALTER INDEX market_data_pkey RENAME TO market_data_before_pkey;
CREATE TABLE market_data (
    id BIGINT NOT NULL DEFAULT nextval('market_data_id_seq'),
    symbol TEXT NOT NULL,
    open_time TIMESTAMPTZ NOT NULL,
    close_time TIMESTAMPTZ NOT NULL,
    open DECIMAL NOT NULL,
    high DECIMAL NOT NULL,
    low DECIMAL NOT NULL,
    close DECIMAL NOT NULL,
    volume DECIMAL NOT NULL,
    timeframe TEXT NOT NULL,
    PRIMARY KEY (symbol, timeframe, open_time)
) PARTITION BY RANGE (open_time);
ALTER SEQUENCE market_data_id_seq OWNED BY market_data.id;
CREATE INDEX market_data_open_time ON market_data USING brin (open_time);

-- made beside the table and then attached: that locks nobody out of it
CREATE FUNCTION make_candle_month(month TIMESTAMPTZ) RETURNS VOID LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    first TIMESTAMPTZ := date_trunc('month', month);
    name TEXT := 'market_data_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('make_candle_month'));
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE market_data INCLUDING DEFAULTS)', name);
        EXECUTE format('ALTER TABLE market_data ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       name, first, first + INTERVAL '1 month');
    END IF;
END $$;

SELECT make_candle_month(month) FROM (
    SELECT DISTINCT date_trunc('month', open_time AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS month
    FROM market_data_before) months;
INSERT INTO market_data SELECT DISTINCT ON (symbol, timeframe, open_time) * FROM market_data_before
    ORDER BY symbol, timeframe, open_time, id DESC;
DROP TABLE market_data_before;
"""

GIVEN = """
ALTER TABLE signals ADD timeframe TEXT NOT NULL DEFAULT '', ADD written BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE INDEX signals_by_symbol ON signals (symbol, timestamp);
ALTER TABLE trade_cycles
    ADD fees DECIMAL, ADD exit_reason TEXT NOT NULL DEFAULT '', ADD strategy TEXT NOT NULL DEFAULT '',
    ADD risk DECIMAL, ADD written BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE INDEX trade_cycles_by_symbol ON trade_cycles (symbol, created_at);
ALTER TABLE orders
    ADD client_order_id TEXT NOT NULL DEFAULT '', ADD stop_price DECIMAL,
    ADD executed_quantity DECIMAL NOT NULL DEFAULT 0, ADD written BIGINT GENERATED ALWAYS AS IDENTITY;
UPDATE orders SET executed_quantity = quantity WHERE status = 'FILLED';
CREATE INDEX orders_by_cycle ON orders (cycle_id);
CREATE UNIQUE INDEX orders_by_client_order_id ON orders (client_order_id) WHERE client_order_id <> '';
"""

JOURNALS = """
CREATE TABLE fills (
    id UUID PRIMARY KEY, order_id UUID NOT NULL, cycle_id UUID, symbol TEXT NOT NULL, side TEXT NOT NULL,
    price DECIMAL NOT NULL, quantity DECIMAL NOT NULL, fee DECIMAL NOT NULL, fee_asset TEXT NOT NULL,
    is_maker BOOLEAN NOT NULL, filled_at TIMESTAMPTZ NOT NULL, fee_rate DECIMAL NOT NULL,
    fee_in_quote DECIMAL NOT NULL, trade_id BIGINT NOT NULL, written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE INDEX fills_by_order ON fills (order_id);
CREATE INDEX fills_by_time ON fills (filled_at);
CREATE TABLE client_order_ids (
    client_order_id TEXT PRIMARY KEY, symbol TEXT NOT NULL, request TEXT NOT NULL, issued_at TIMESTAMPTZ NOT NULL,
    written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE verdicts (
    id TEXT PRIMARY KEY, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, signal_type TEXT NOT NULL,
    strength DECIMAL NOT NULL, timestamp TIMESTAMPTZ NOT NULL, value DECIMAL NOT NULL, complete BOOLEAN NOT NULL,
    late BOOLEAN NOT NULL, votes JSONB NOT NULL, written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE refusals (
    verdict_id TEXT PRIMARY KEY, symbol TEXT NOT NULL, reason TEXT NOT NULL, numbers JSONB NOT NULL,
    at TIMESTAMPTZ NOT NULL, written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE portfolio_journal (
    number BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL, kind TEXT NOT NULL, symbol TEXT NOT NULL,
    reference TEXT NOT NULL, quantity DECIMAL NOT NULL, amount DECIMAL NOT NULL, fee DECIMAL NOT NULL,
    fee_asset TEXT NOT NULL, profit DECIMAL NOT NULL, written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE account_adjustments (
    number BIGINT PRIMARY KEY, kind TEXT NOT NULL, symbol TEXT NOT NULL, amount DECIMAL NOT NULL, price DECIMAL,
    effective_at TIMESTAMPTZ NOT NULL, written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE balances (
    asset TEXT PRIMARY KEY, free DECIMAL NOT NULL, locked DECIMAL NOT NULL, updated_at TIMESTAMPTZ NOT NULL,
    written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE equity (
    at TIMESTAMPTZ PRIMARY KEY, equity DECIMAL NOT NULL, cash DECIMAL NOT NULL, exposure DECIMAL NOT NULL,
    realized DECIMAL NOT NULL, unrealized DECIMAL NOT NULL, fees DECIMAL NOT NULL, discrepancies JSONB NOT NULL,
    written BIGINT GENERATED ALWAYS AS IDENTITY);
CREATE TABLE protection_spans (
    cycle_id UUID NOT NULL, symbol TEXT NOT NULL, since TIMESTAMPTZ NOT NULL, until TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL, written BIGINT GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (cycle_id, since));
CREATE TABLE alerts (
    stream TEXT NOT NULL, sequence BIGINT NOT NULL, place BIGINT NOT NULL, severity TEXT NOT NULL,
    subject TEXT NOT NULL, text TEXT NOT NULL, symbol TEXT NOT NULL, at TIMESTAMPTZ NOT NULL,
    written BIGINT GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (stream, sequence, place));
CREATE TABLE refused_commands (
    stream TEXT NOT NULL, sequence BIGINT NOT NULL, place BIGINT NOT NULL, cycle_id UUID, symbol TEXT NOT NULL,
    command TEXT NOT NULL, reason TEXT NOT NULL, at TIMESTAMPTZ NOT NULL,
    written BIGINT GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (stream, sequence, place));
"""

# Rows that every step rewrites have room beside them, so that a new version needs no new entry in an index.
UNITS = """
CREATE TABLE units (
    service TEXT NOT NULL, shard INTEGER NOT NULL, fence BIGINT NOT NULL DEFAULT 0,
    control BIGINT NOT NULL DEFAULT 0, published BIGINT NOT NULL DEFAULT 0, outbox_number BIGINT NOT NULL DEFAULT 0,
    row_number BIGINT NOT NULL DEFAULT 0, position_at TIMESTAMPTZ, position_phase TEXT, loaded_at TIMESTAMPTZ,
    PRIMARY KEY (service, shard)) WITH (fillfactor = 20);
CREATE TABLE unit_rows (
    service TEXT NOT NULL, shard INTEGER NOT NULL, table_name TEXT NOT NULL, key TEXT NOT NULL, value JSON NOT NULL,
    number BIGINT NOT NULL, PRIMARY KEY (service, shard, table_name, key)) WITH (fillfactor = 60);
-- How far a unit has come: messages seen by (source, stream), sent by stream; where it reads on by topic and partition,
-- the next position. All in one table: each more that a step touches costs it a fifth of a millisecond.
CREATE TABLE unit_places (
    service TEXT NOT NULL, shard INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('seen', 'sent', 'read')),
    source TEXT NOT NULL, stream TEXT NOT NULL, sequence BIGINT NOT NULL,
    PRIMARY KEY (service, shard, kind, source, stream)) WITH (fillfactor = 60);
CREATE INDEX unit_places_by_stream ON unit_places (source, stream) WHERE kind = 'seen';
CREATE TABLE unit_deadlines (
    service TEXT NOT NULL, shard INTEGER NOT NULL, key TEXT NOT NULL, due_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (service, shard, key)) WITH (fillfactor = 60);
CREATE TABLE outbox (
    source TEXT NOT NULL, stream TEXT NOT NULL, sequence BIGINT NOT NULL, follows BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL, cause TEXT NOT NULL, body JSON NOT NULL, channel TEXT NOT NULL, service TEXT NOT NULL,
    shard INTEGER NOT NULL, number BIGINT NOT NULL, committed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (source, stream, sequence));
CREATE UNIQUE INDEX outbox_by_number ON outbox (service, shard, number);
CREATE INDEX outbox_by_age ON outbox USING brin (committed_at);

CREATE FUNCTION check_unit(held BIGINT, unit TEXT, taken BIGINT, waiting BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
    IF held IS NULL THEN
        RAISE EXCEPTION 'another process has taken % over', unit USING ERRCODE = 'RT001';
    END IF;
    IF waiting > taken THEN
        RAISE EXCEPTION 'command % waits, % was the last one taken', waiting, taken USING ERRCODE = 'RT002';
    END IF;
    RETURN held;
END $$;
"""

CONTROL = """
CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE control_requests (
    number BIGINT PRIMARY KEY, kind TEXT NOT NULL, body JSON NOT NULL, posted_at TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE TABLE configuration (
    number BIGINT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, value JSON, effective_at TIMESTAMPTZ NOT NULL,
    who TEXT NOT NULL, changed_at TIMESTAMPTZ NOT NULL DEFAULT now());
CREATE INDEX configuration_by_name ON configuration (kind, name, number);

-- One writer at a time: else a number could be seen before a lower one, and a reader would pass that one over for ever.
-- In one statement: a writer that is stopped between two would keep the others waiting.
CREATE FUNCTION post_control(kind TEXT, body JSONB, keep_state BOOLEAN) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    last BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('roottrading control'));
    IF keep_state THEN
        body := jsonb_set(body, '{state}', to_jsonb(coalesce(
            (SELECT r.body ->> 'state' FROM control_requests r WHERE r.kind = 'ControlChanged'
             ORDER BY r.number DESC LIMIT 1), 'trading')));
    END IF;
    SELECT coalesce(max(number), 0) + 1 INTO last FROM control_requests;
    INSERT INTO control_requests (number, kind, body) VALUES (last, post_control.kind, post_control.body);
    PERFORM pg_notify('roottrading_control', '');
    RETURN last;
END $$;
CREATE FUNCTION configure(kinds TEXT[], names TEXT[], contents JSON[], times TIMESTAMPTZ[], whos TEXT[])
    RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    last BIGINT;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('roottrading configuration'));
    SELECT coalesce(max(number), 0) INTO last FROM configuration;
    INSERT INTO configuration (number, kind, name, value, effective_at, who)
        SELECT last + place, kind, name, value, effective_at, who
        FROM unnest(kinds, names, contents, times, whos) WITH ORDINALITY
            AS changed (kind, name, value, effective_at, who, place);
    PERFORM pg_notify('roottrading_configuration', '');
    RETURN last + cardinality(names);
END $$;
"""


def upgrade() -> None:
    """Make room for everything else, and keep what is there."""
    for part in (CANDLES, GIVEN, JOURNALS, UNITS, CONTROL):
        op.execute(part)
