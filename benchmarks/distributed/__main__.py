"""Measure what each part of the distributed system carries.

    python -m benchmarks.distributed ticks [--symbols 500] [--minutes 20] [--ticks 10]
    python -m benchmarks.distributed candles [--symbols 500] [--strategies all] [--instances 1,2,4] [--minutes 20]
    python -m benchmarks.distributed verdicts [--symbols 500] [--repeat 5] [--neutral 5]
    python -m benchmarks.distributed commands [--symbols 500]
    python -m benchmarks.distributed rows [--symbols 500] [--rows 500000]
    python -m benchmarks.distributed embedded [--candles 3000]

The services are the real ones, as processes of their own; Redis, Kafka and PostgreSQL are those that the environment
names, else local ones that are started, durable as in earnest, and removed again. With `--realtime` they go before
ordinary programs, as those of `roottrading up --realtime` do. Candles are the shipped tape's under
many names.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from benchmarks.distributed import candles, commands, embedded, rows, ticks, verdicts
from roottrading.operations.latency.scratch import CannotMeasure
from roottrading.operations.precedence import PrecedenceRefused


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is named, and print it."""
    given = _parser().parse_args(arguments)
    try:
        match given.kind:
            case "ticks":
                asyncio.run(ticks.measure(given.symbols, given.minutes, given.ticks, given.realtime))
            case "candles":
                instances = [int(number) for number in given.instances.split(",")]
                asyncio.run(candles.measure(given.symbols, given.strategies, instances, given.minutes, given.realtime))
            case "verdicts":
                asyncio.run(verdicts.measure(given.symbols, given.repeat, given.neutral, given.realtime))
            case "commands":
                asyncio.run(commands.measure(given.symbols, given.realtime))
            case "rows":
                asyncio.run(rows.measure(given.symbols, given.rows, given.realtime))
            case "embedded":
                embedded.measure(given.candles)
    except (CannotMeasure, PrecedenceRefused) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, options in (
        ("ticks", {"symbols": 500, "minutes": 20, "ticks": 10}),
        ("candles", {"symbols": 500, "strategies": "all", "instances": "1,2,4", "minutes": 20}),
        ("verdicts", {"symbols": 500, "repeat": 5, "neutral": 5}),
        ("commands", {"symbols": 500}),
        ("rows", {"symbols": 500, "rows": 500_000}),
        ("embedded", {"candles": 3_000}),
    ):
        own = kinds.add_parser(kind)
        for name, usual in options.items():
            own.add_argument(f"--{name}", type=type(usual), default=usual)
        if kind != "embedded":
            own.add_argument("--realtime", action="store_true", help="as with `roottrading up --realtime`")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
