"""Which parameter sets a market was tried with, kept between runs (trading-rules 6.1).

Whoever tries many sets and shows the best shows luck, too: the report says how many there were. One small file for each
market (candles, span and symbols) in the user's cache folder, a line for each set; whoever deletes it forgets.
"""

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Struct

from roottrading.cli.preparing import Prepared


class TriedSet(Struct, frozen=True):
    """A line of the file: the digest of all that decides what is traded, and the annual Sharpe ratio it brought."""

    settings: str
    sharpe: float | None


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's cache folder of this program; RuntimeError where nobody knows the user's home."""
    named = environment.get("XDG_CACHE_HOME", "")
    # the XDG Base Directory Specification has relative paths ignored
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return base / "roottrading"


class TriedSets:
    """The sets that one market was tried with; what cannot be read or written is told in `notes`, never raised."""

    def __init__(self, market: str, settings: str, environment: Mapping[str, str] = os.environ) -> None:
        self._market = market
        self._settings = settings
        self._environment = environment
        self.notes: tuple[str, ...] = ()

    def others(self) -> list[float | None]:
        """Return the Sharpe ratios of the other sets, as far as they have one."""
        return [sharpe for settings, sharpe in self._read().items() if settings != self._settings]

    def add(self, sharpe: float | None) -> None:
        """Keep what this set brought, where that is not known yet."""
        found = self._read()
        if self._settings in found and found[self._settings] == sharpe:
            return
        line = msgspec.json.encode(TriedSet(self._settings, sharpe)) + b"\n"
        try:
            path = self._path()
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:  # one short write at the end: runs side by side do not mix their lines
                file.write(line)
        except (OSError, RuntimeError) as error:
            self._note(error)

    def _path(self) -> Path:
        return cache_folder(self._environment) / "tried" / f"{self._market}.jsonl"

    def _read(self) -> dict[str, float | None]:
        try:
            lines = self._path().read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, RuntimeError) as error:
            self._note(error)
            return {}
        found = {}
        for line in lines:
            try:
                tried = msgspec.json.decode(line, type=TriedSet)
            except msgspec.DecodeError:
                continue  # a line that an earlier end cut short
            found[tried.settings] = tried.sharpe
        return found

    def _note(self, error: Exception) -> None:
        reason = error.strerror if isinstance(error, OSError) else None
        self.notes = (f"parameter sets tried are not counted: {reason or error}",)


def tried_sets(prepared: Prepared) -> TriedSets:
    """Return the sets that the prepared run's market was tried with."""
    market, identity = prepared.market, prepared.identity
    where = (market.tape.digest, market.start, market.end, market.symbols)
    what = (identity["settings"], identity["strategies"])
    return TriedSets(_digest(where), _digest(what))


def _digest(value: object) -> str:
    return blake2b(msgspec.json.encode(value), digest_size=16).hexdigest()
