#!/usr/bin/env python3
"""Make the tape that is shipped in src/roottrading/tape out of recorded candles and exchangeInfo answers.

    make_shipped_tape.py CANDLES RECORDED_2021 RECORDED_2025 OUTPUT

CANDLES: a folder with SYMBOL-1m-* files of the shipped symbols; the files in it also say which symbols' instruments are
kept. RECORDED_2021, RECORDED_2025: exchangeInfo answers (.json or .json.gz); the later one gives BTCUSDT and ETHUSDT.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from roottrading.adapters.tape import TapeError, read_tape, write_candles
from roottrading.adapters.tape.files import find_files
from roottrading.domain.time import parse_time

SYMBOLS = ("BNBUSDT", "DOGEUSDT", "LINKUSDT", "LTCUSDT", "XRPUSDT")
START, LAST_DAY, END = "2021-04-10", "2021-04-26", "2021-04-27"
FROM_LATER = frozenset({"BTCUSDT", "ETHUSDT"})


def main() -> int:
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    candles, earlier, later, output = (Path(argument) for argument in sys.argv[1:])
    output.mkdir(parents=True, exist_ok=True)
    try:
        tape = read_tape([candles], SYMBOLS, "1m").between(parse_time(START), parse_time(END))
        for symbol in SYMBOLS:
            write_candles(tape[symbol], output / f"{symbol}-1m-{START}_{LAST_DAY}.csv.gz")
        kept = {file.symbol for file in find_files([candles])}
    except TapeError as error:
        print(error, file=sys.stderr)
        return 1
    answer = _answer(earlier)
    entries = {entry["symbol"]: entry for entry in answer["symbols"]}
    entries |= {entry["symbol"]: entry for entry in _answer(later)["symbols"] if entry["symbol"] in FROM_LATER}
    answer["symbols"] = [entries[symbol] for symbol in sorted(kept) if symbol in entries]
    text = json.dumps(answer, separators=(",", ":"), sort_keys=True)
    (output / "exchange_info.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    for symbol in sorted(kept - entries.keys()):
        print(f"{symbol}: in neither recording, left out")
    return 0


def _answer(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    decoded: dict[str, Any] = json.loads(gzip.decompress(data) if path.name.endswith(".gz") else data)
    return decoded


if __name__ == "__main__":
    sys.exit(main())
