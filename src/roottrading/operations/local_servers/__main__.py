"""`python -m roottrading.operations.local_servers`: a developer's own Redis, PostgreSQL and Kafka, kept until told."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from roottrading.operations.local_servers import keeper
from roottrading.operations.local_servers.addresses import KINDS, VARIABLES, Kind
from roottrading.operations.local_servers.errors import ServerError, ServerMissing
from roottrading.operations.local_servers.kinds import SERVERS

FOLDER: Final = Path("build/services")


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit code is 1 where a server could not be had."""
    given = _parser().parse_args(arguments)
    if given.does == "keep":
        return keeper.keep(given.kind, given.folder, durable=not given.quick, watch=given.watch)
    kinds: tuple[Kind, ...] = tuple(given.only or KINDS)
    if given.does == "up":
        return _up(given.folder, kinds, durable=not given.quick)
    return _down(given.folder, kinds, wipe=given.wipe)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {keeper.MODULE}", description=__doc__)
    commands = parser.add_subparsers(dest="does", required=True)
    described = {
        "up": "start what does not run, and print how the environment names it",
        "down": "end what runs; data stay",
    }
    for name, text in described.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--folder", type=Path, default=FOLDER, help="where data and logs are (%(default)s)")
        command.add_argument("--only", action="append", choices=KINDS, help="this one only (may be repeated)")
        if name == "up":
            command.add_argument("--quick", action="store_true", help="never wait for the disk: for tests only")
        else:
            command.add_argument("--wipe", action="store_true", help="remove the data, too")
    command = commands.add_parser("keep")
    command.add_argument("kind", choices=KINDS)
    command.add_argument("folder", type=Path)
    command.add_argument("--quick", action="store_true")
    command.add_argument("--watch", type=int)
    return parser


def _up(folder: Path, kinds: Sequence[Kind], *, durable: bool) -> int:
    with ThreadPoolExecutor(len(kinds)) as pool:
        asked = [pool.submit(keeper.obtain, kind, (folder / kind).absolute(), durable=durable) for kind in kinds]
    code = 0
    for kind, answer in zip(kinds, asked, strict=True):
        try:
            print(f"export {VARIABLES[kind]}={answer.result().url}")
        except (ServerError, ServerMissing) as error:
            print(f"{kind}: {error}", file=sys.stderr)
            code = 1
    return code


def _down(folder: Path, kinds: Sequence[Kind], *, wipe: bool) -> int:
    for kind in reversed(kinds):
        own = (folder / kind).absolute()
        ended = keeper.release(own)
        print(f"{kind}: {'ended' if ended else 'did not run'}", file=sys.stderr)
        if wipe and own.is_dir():
            SERVERS[kind](own).wipe()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
