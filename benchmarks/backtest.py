"""Measure the backtest: candles a second, memory and where the time goes, on the workloads of docs/performance.md.

    python -m benchmarks.backtest [--cache FOLDER] [--workloads A,B,C,D] [--repeat 3] [--check]
    python -m benchmarks.backtest --workloads D --year BTC.parquet ETH.parquet --year-instruments EXCHANGE_INFO.json

Times go from tape file to report in memory, in seconds of the process; imports, files and the strategies' checks are
told apart. Every workload runs in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

BEGUN: Final = perf_counter()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the workloads asked for; with `--check` return 1 where A's trades are not what they must be."""
    given = _parser().parse_args(arguments)
    if given.one:
        print(json.dumps(_measured(given, given.one)))
        return 0
    _paths(given)  # make the tapes first: that is nobody's time
    found = {}
    for name in given.workloads.split(","):
        found[name] = _best(given, name)
        _tell(name, found[name])
    if "A" in found or given.check:
        _tell_limit(given)
    return _checked(found.get("A") or _best(given, "A")) if given.check else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the backtest.")
    parser.add_argument("--cache", type=Path, default=Path("build/benchmark"), help="folder for the tapes")
    parser.add_argument("--workloads", default="A,B,C,D", help="which of them, with commas")
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many runs is told")
    parser.add_argument("--year", type=Path, nargs="+", default=(), help="a recorded year for D: two Parquet files")
    parser.add_argument("--year-instruments", type=Path, nargs="+", default=(), help="its exchangeInfo files")
    parser.add_argument("--check", action="store_true", help="fail where A does not trade what it must")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    return parser


def _paths(given: argparse.Namespace) -> Any:
    from benchmarks import tapes  # noqa: PLC0415 - imports are measured
    from benchmarks.workloads import Paths  # noqa: PLC0415

    single, many, second = tapes.make(given.cache)
    instruments = tapes.instruments(given.cache)
    return Paths(single, many, second, instruments, tuple(given.year), tuple(given.year_instruments))


def _best(given: argparse.Namespace, name: str) -> dict[str, Any]:
    """Run a workload several times, each in a process of its own, and return the quickest."""
    runs = []
    for _ in range(given.repeat):
        command = [sys.executable, "-m", "benchmarks.backtest", "--one", name, "--cache", str(given.cache)]
        for flag, paths in (("--year", given.year), ("--year-instruments", given.year_instruments)):
            command += [flag, *map(str, paths)] if paths else []
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        runs.append(json.loads(said.stdout.splitlines()[-1]))
    return min(runs, key=lambda run: float(run["total"]))


# ---- in the workload's own process


def _measured(given: argparse.Namespace, name: str) -> dict[str, Any]:
    import polars  # noqa: F401, PLC0415 - an import of its own, as every one here

    from benchmarks.stages import shares_of  # noqa: PLC0415
    from benchmarks.tapes import SINGLE  # noqa: PLC0415
    from benchmarks.workloads import workload  # noqa: PLC0415
    from roottrading.cli.preparing import prepare  # noqa: PLC0415
    from roottrading.reports import build_report, write_outputs  # noqa: PLC0415
    from roottrading.runtimes.backtest import SkippingRun  # noqa: PLC0415
    from roottrading.runtimes.result import gather  # noqa: PLC0415
    from roottrading.strategies.indicators import talib  # noqa: F401, PLC0415

    imported = perf_counter() - BEGUN
    paths = _paths(given)
    settings = workload(name, paths)
    if name == "C":
        return _sweep(settings, imported)
    begin = process_time()
    prepared = prepare(settings)
    loaded = process_time()
    run = SkippingRun(prepared.settings, prepared.cast, prepared.market)
    columns = process_time()
    store = run.play()
    played = process_time()
    result = gather(settings, prepared.market, store, prepared.market.end)
    report = build_report(result)
    reported = process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    exits = Counter(cycle.exit_reason for cycle in result.cycles if cycle.pnl is not None)
    written = process_time()
    write_outputs(result, report, given.cache / f"outputs-{name}")
    files = process_time() - written
    differing = _differing(prepared.market.tape[SINGLE], result) if name == "A" else []
    again = SkippingRun(prepared.settings, prepared.cast, prepared.market)
    shares = shares_of(again)
    market = prepared.market
    candles = sum(
        int(((tape.open_time >= market.start) & (tape.open_time < market.end)).sum())
        for tape in (market.tape[symbol] for symbol in market.symbols)
    )
    return {
        "candles": candles,
        "total": reported - begin,
        "stages": {
            "load": loaded - begin,
            "indicators and columns": columns - loaded,
            "play": played - columns,
            "report": reported - played,
        },
        "apart": {"imports": imported, "files": files},
        "peak": peak,
        "cycles": sum(exits.values()),
        "exits": dict(exits),
        "signals": len(result.signals),
        "verdicts": len(result.verdicts),
        "refusals": len(result.refusals),
        "shares": dict(shares.seconds),
        "steps": shares.steps,
        "instants": shares.instants,
        "profit": str(report.metrics.net_profit),
        "differing": differing,
    }


def _differing(candles: Any, result: Any) -> list[str]:
    from benchmarks.same_trades import differences, expected, first_full, made  # noqa: PLC0415

    return differences(made(result), expected(candles, first_full(candles)))


_tape: dict[str, Any] = {}


def _begin_worker(settings: Any) -> None:
    from roottrading.cli.preparing import prepare  # noqa: PLC0415

    _tape["prepared"] = prepare(settings)
    _tape["settings"] = settings


def _one_pair(pair: tuple[int, int]) -> int:
    from benchmarks.workloads import with_pair  # noqa: PLC0415
    from roottrading.cli.preparing import known_strategies  # noqa: PLC0415
    from roottrading.reports import build_report  # noqa: PLC0415
    from roottrading.runtimes.assembly import cast  # noqa: PLC0415
    from roottrading.runtimes.backtest import run_backtest  # noqa: PLC0415
    from roottrading.runtimes.result import gather  # noqa: PLC0415
    from roottrading.services.analyzer import StrategyUse  # noqa: PLC0415
    from roottrading.strategies import catalog  # noqa: PLC0415

    settings, market = with_pair(_tape["settings"], *pair), _tape["prepared"].market
    parameters = settings.strategies["ema_rsi_cross"].parameters
    strategy = catalog.make("ema_rsi_cross", parameters, known_strategies(settings).strategies)
    uses = [StrategyUse("ema_rsi_cross", strategy, "1m")]
    store = run_backtest(settings, cast(settings, uses, market), market)
    return build_report(gather(settings, market, store, market.end)).metrics.cycles


def _sweep(settings: Any, imported: float) -> dict[str, Any]:
    from benchmarks.workloads import SWEEP  # noqa: PLC0415

    cores = os.cpu_count() or 1
    begin = perf_counter()
    with ProcessPoolExecutor(cores, initializer=_begin_worker, initargs=(settings,)) as pool:
        cycles = sum(pool.map(_one_pair, SWEEP, chunksize=5))
    wall = perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    stages = {f"{len(SWEEP)} runs on {cores} cores, wall time": wall}
    apart = {"imports": imported}
    return {
        "candles": 100_000 * len(SWEEP),
        "total": wall,
        "stages": stages,
        "apart": apart,
        "peak": peak,
        "cycles": cycles,
    }


# ---- telling


def _tell(name: str, found: dict[str, Any]) -> None:
    speed = found["candles"] / found["total"]
    print(
        f"\n{name}: {speed:,.0f} candles/s; {found['candles']:,} candles in {found['total']:.2f} s, "
        f"{found['peak']:.0f} MB"
    )
    for stage, seconds in found["stages"].items():
        print(f"   {stage:<28} {seconds:7.2f} s  {seconds / found['total']:6.1%}")
    for stage, seconds in found["apart"].items():
        print(f"   ({stage}, not counted: {seconds:.2f} s)")
    if "shares" not in found:
        print(f"   {found['cycles']:,} cycles")
        return
    cycles = max(found["cycles"], 1)
    print(
        f"   {found['cycles']:,} cycles {found['exits']}, {found['signals']:,} signals, "
        f"{found['verdicts']:,} verdicts, {found['refusals']:,} refusals, profit {found['profit']}"
    )
    print(
        f"   {found['stages']['play'] / cycles * 1e6:.0f} us, {found['steps'] / cycles:.1f} steps and "
        f"{found['instants'] / cycles:.2f} instants a round trip"
    )
    whole = sum(found["shares"].values())
    for part, seconds in sorted(found["shares"].items(), key=lambda share: -share[1]):
        print(f"      {part:<25} {seconds / whole:6.1%} of the play")


def _tell_limit(given: argparse.Namespace) -> None:
    """Time the plain loop, compiled where Numba is installed."""
    from benchmarks import plain_loop  # noqa: PLC0415
    from benchmarks.same_trades import first_full  # noqa: PLC0415
    from benchmarks.tapes import SINGLE  # noqa: PLC0415
    from roottrading.adapters.tape.tape import read_tape  # noqa: PLC0415
    from roottrading.domain.columns import columns_of  # noqa: PLC0415

    candles = read_tape([_paths(given).single])[SINGLE]
    columns = columns_of(candles)
    arrays = (columns.open, columns.high, columns.low, *plain_loop.signals(columns))
    lists = [array.tolist() for array in arrays]
    begin = process_time()
    trades = plain_loop.play(*lists)
    plain = process_time() - begin
    reasons = Counter(why for *_, why in trades)
    print(
        f"\nplain Python loop: {len(trades):,} round trips, {reasons[plain_loop.STOP]} stops, "
        f"{reasons[plain_loop.TARGET]} targets, profit {plain_loop.earned(trades):.2f}; {plain:.2f} s"
    )
    first = first_full(candles)
    later = len(plain_loop.play(*lists[:3], *(array.tolist() for array in plain_loop.signals(columns, first))))
    print(f"   from candle {first:,} on, the first that A has an opinion of: {later:,}")
    try:
        import numba  # noqa: PLC0415
    except ImportError:
        print("Numba is not installed: its loop, the limit of the machine, is left out (pip install numba)")
        return
    plain_loop.play = numba.njit(plain_loop.play)
    compiled = numba.njit(plain_loop.count)
    compiled(*arrays)
    begin = process_time()
    compiled(*arrays)
    print(f"the same compiled by Numba, the limit of the machine: {(process_time() - begin) * 1e3:.1f} ms")


def _checked(found: dict[str, Any]) -> int:
    """Say whether A traded what the plain loop does, one by one."""
    differing = found["differing"]
    print(f"\nA made {found['cycles']:,} round trips; {len(differing)} are not those of the plain loop")
    for line in differing[:5]:
        print(f"   {line}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
