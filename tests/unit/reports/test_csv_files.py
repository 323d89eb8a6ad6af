"""The CSV files, byte by byte, of a run that was worked out by hand."""

import csv
from io import StringIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from roottrading.domain.time import iso
from roottrading.messages.service import AccountAdjusted
from roottrading.reports import RunResult, build_report, write_outputs
from roottrading.reports.csv_fields import text as field
from tests.unit.reports.runs import D, large_run, small_run

EXPECTED = {
    "signals.csv": """\
id,symbol,timeframe,strategy,signal_type,strength,price,timestamp
10,BTCUSDT,1m,ema_cross,BUY,1,100,2023-12-31T23:59:00Z
9,BTCUSDT,1m,rsi,BUY,0.25,100,2023-12-31T23:59:00Z
9,BTCUSDT,1m,rsi,SELL,0.5,108,2024-01-01T00:01:00Z
""",
    "verdicts.csv": """\
id,symbol,timeframe,signal_type,strength,timestamp
BTCUSDT/1704067140000000,BTCUSDT,1m,BUY,0.75,2023-12-31T23:59:00Z
""",
    "cycles.csv": """\
id,symbol,status,entry_signal_id,entry_price,exit_price,quantity,fees,pnl,exit_reason,created_at,updated_at,strategy,risk
c0,BTCUSDT,expired,7,,,,,,,2023-12-31T23:58:00Z,2023-12-31T23:58:00Z,rsi,
c1,BTCUSDT,closed,10,100,110,2,0.41978,19.56022,"at ""2"", out",2023-12-31T23:59:00Z,2024-01-01T00:01:00Z,ema_cross,10
c2,BTCUSDT,open,9,112,,1,0.112,,,2024-01-01T00:02:00Z,2024-01-01T00:02:00Z,rsi,7
""",
    "orders.csv": """\
id,cycle_id,client_order_id,symbol,side,type,quantity,price,stop_price,status,created_at,updated_at,executed_quantity
o1,c1,sim-a,BTCUSDT,BUY,LIMIT,2,100.3,,FILLED,2023-12-31T23:59:00Z,2023-12-31T23:59:00Z,2
o2,c1,sim-b,BTCUSDT,SELL,STOP_LOSS,1.998,,95.5,CANCELED,2023-12-31T23:59:00Z,2024-01-01T00:01:00Z,0
""",
    "fills.csv": """\
id,order_id,cycle_id,symbol,side,price,quantity,fee,fee_asset,is_maker,filled_at,fee_rate,fee_in_quote,trade_id
f00000001,o00000001,c1,BTCUSDT,BUY,100,2,0.002,BTC,false,2023-12-31T23:59:00Z,0.001,0.2,1
f00000002,o00000002,c1,BTCUSDT,SELL,110,1.998,0.21978,USDT,false,2024-01-01T00:01:00Z,0.001,0.21978,2
f00000003,o00000003,c2,BTCUSDT,BUY,112,1,0.001,BTC,false,2024-01-01T00:02:00Z,0.001,0.112,3
""",
    "refusals.csv": """\
verdict_id,symbol,reason,numbers,timestamp
ADAUSDT/1,ADAUSDT,room,"{""least"":""5"",""room"":""3.4""}",2023-12-31T23:59:00Z
BTCUSDT/1,BTCUSDT,cooldown,{},2023-12-31T23:59:00Z
BTCUSDT/2,BTCUSDT,cooldown,{},2024-01-01T00:00:00Z
""",
    # 23:59: 800 + 1.998 x 100; 00:00: 1.998 x 104; 00:01: 800 + 219.78 - 0.21978; 00:02: - 112 + 0.999 x 110
    "equity.csv": """\
timestamp,equity,cash,exposure,drawdown
2023-12-31T23:59:00Z,999.8,800,199.8,0
2024-01-01T00:00:00Z,1007.792,800,207.792,0
2024-01-01T00:01:00Z,1019.56022,1019.56022,0,0
2024-01-01T00:02:00Z,1017.45022,907.56022,109.89,0.00206952
""",
}


def written(result: RunResult, folder: Path) -> dict[str, str]:
    paths = write_outputs(result, build_report(result), folder)
    return {path.name: path.read_bytes().decode() for path in paths}


def test_the_files_of_the_small_run_are_these(tmp_path: Path) -> None:
    files = written(small_run(), tmp_path / "out")
    for name, text in EXPECTED.items():
        assert files[name] == text, name
    assert sorted(files) == sorted([*EXPECTED, "report.json"])


def test_the_order_of_records_given_does_not_matter(tmp_path: Path) -> None:
    result = large_run(40, minutes=2_000)
    turned = RunResult(
        **{name: getattr(result, name) for name in result.__struct_fields__}
        | {name: list(reversed(getattr(result, name))) for name in ("cycles", "orders", "fills")}
    )
    assert written(result, tmp_path / "one") == written(turned, tmp_path / "two")


def test_adjustments_are_written_where_there_are_any(tmp_path: Path) -> None:
    run = small_run()
    adjustments = [
        AccountAdjusted(2, "adopt", "BTCUSDT", D("0.5"), D("99.50"), run.ended_at),
        AccountAdjusted(1, "capital", "", D("-100.00"), None, run.started_at),
    ]
    adjusted = RunResult(**{name: getattr(run, name) for name in run.__struct_fields__} | {"adjustments": adjustments})
    assert written(adjusted, tmp_path)["adjustments.csv"] == (
        "timestamp,kind,symbol,amount,price\n"
        "2023-12-31T23:58:00Z,capital,,-100,\n"
        "2024-01-01T00:03:00Z,adopt,BTCUSDT,0.5,99.5\n"
    )


@given(st.text())
def test_any_text_comes_back_from_its_field(text: str) -> None:
    line = StringIO(f"a,{field(text)},b\n", newline="")
    assert list(csv.reader(line)) == [["a", text, "b"]]


def test_times_are_written_as_the_clock_of_the_domain_writes_them(tmp_path: Path) -> None:
    run = large_run(40, minutes=2_000)
    lines = written(run, tmp_path)["fills.csv"].splitlines()[1:]
    moments = sorted(fill.filled_at for fill in run.fills)
    assert [line.split(",")[10] for line in lines] == [iso(moment) for moment in moments]
