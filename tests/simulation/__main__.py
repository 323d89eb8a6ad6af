"""`python -m tests.simulation SEEDS [FIRST]`: play that many seeds; the exit code is 1 where any failed."""

import sys
from argparse import ArgumentParser

from tests.simulation.many import Total, play_many

EVERY = 500


def main() -> int:
    """Play, tell how it goes, and how each failing seed is repeated."""
    parser = ArgumentParser(prog="python -m tests.simulation", description=main.__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=1_000, help="how many")
    parser.add_argument("first", type=int, nargs="?", default=1, help="the first seed")
    parser.add_argument("--workers", type=int, default=0, help="processes (0: one a core)")
    given = parser.parse_args()
    total = Total()
    for played in play_many(range(given.first, given.first + given.seeds), given.workers):
        total.add(played)
        if played.outcome is None:
            print(f"{played.failure}\n  repeat it: make simulate SEEDS=1 FIRST={played.seed}", flush=True)
        if total.seeds % EVERY == 0 and total.seeds < given.seeds:
            print(f"... {total}", flush=True)
    print(total)
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
