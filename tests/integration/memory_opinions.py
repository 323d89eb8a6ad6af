"""What analyzers' units in memory wrote down, asked as the database is."""

from collections.abc import Mapping, Sequence

from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import tables_by_name
from roottrading.domain.time import Time
from roottrading.pipeline import SHARDS
from roottrading.runtimes.distributed.sharding import unit_name
from roottrading.runtimes.distributed.unit.actor import NEWEST
from roottrading.runtimes.distributed.unit.quarantined import QUARANTINE
from roottrading.runtimes.evidence import Said
from roottrading.services.analyzer.state import HISTORIES, SIGNALS, TABLES, History, SignalRow


class MemoryOpinions:
    """The `Opinions` of all analyzers' units."""

    def __init__(self, units: MemoryUnits) -> None:
        self.units = units

    async def changes(self, said: Sequence[Said], since: Time, until: Time) -> Sequence[SignalRow]:
        """Return the changes of that span, and the last before it, of each of these opinions."""
        found: list[SignalRow] = []
        rows = [row for row in self.units.journal(tables_by_name(TABLES)[SIGNALS]) if isinstance(row, SignalRow)]
        for each in said:
            own = sorted((row for row in rows if (row.strategy, row.symbol) == each), key=_at)
            found += [row for row in own if row.timestamp <= since][-1:]
            found += [row for row in own if since < row.timestamp <= until]
        return found

    async def histories(self) -> Sequence[History]:
        """Return when histories begin."""
        loaded = [self.units.store(unit_name("analyzer", shard)).load() for shard in range(SHARDS)]
        return [row.values for each in loaded for row in each.rows[HISTORIES]]

    async def first_said(self, source: str, stream: str) -> int | None:
        """Return the first sequence of a stream."""
        said = await self.units.said(source, stream, 0, NEWEST)
        return said[0].sequence if said else None

    async def unsaid(self, source: str, last: Mapping[str, int]) -> Sequence[str]:
        """Return the streams that are behind."""
        return [
            stream for stream in sorted(last) if not await self.units.said(source, stream, last[stream] - 1, NEWEST)
        ]

    async def set_aside(self) -> Sequence[str]:
        """Return the symbols that stand in an analyzer's or gateway's quarantine."""
        names = [unit_name(service, shard) for service in ("gateway", "analyzer") for shard in range(SHARDS)]
        rows = [row for name in names for row in self.units.store(name).load().rows.get(QUARANTINE.name, ())]
        return sorted({row.values.symbol for row in rows if row.values.error})


def _at(row: SignalRow) -> Time:
    return row.timestamp
