"""Edits of the keys are adopted, recorded and shown, or refused and put right; lost memory is no wish."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from decimal import Decimal

from msgspec.structs import replace

from roottrading.adapters.bus.port import BusError, BusUnavailable, Unreadable
from roottrading.adapters.bus.redis_state import StrategyConfigured
from roottrading.adapters.store.port import Control
from roottrading.adapters.store.postgres.configuration import Configured
from roottrading.domain.time import HOUR, MINUTE
from roottrading.messages.events import AlertRaised
from roottrading.messages.service import ControlChanged, Row
from roottrading.runtimes.distributed.configuring.adopting import Adoption, Adopts, Refused
from roottrading.runtimes.distributed.configuring.configuration import Configuration, replayed

ONE, TWO = Decimal(1), Decimal(2)
WISH = Configuration(
    frozenset({"AAA"}),
    frozenset(),
    {"dip": StrategyConfigured(True, {"fast": 1}, ONE), "trend": StrategyConfigured(False, {}, ONE)},
)
AT = HOUR + 3 * MINUTE


class Keys:
    """The two keys in memory."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.used: dict[str, StrategyConfigured] = {}
        self.number = 0
        self.trouble: Exception | None = None
        self.shows = 0

    async def configuration_shown(self) -> int:
        if isinstance(self.trouble, BusUnavailable):
            raise self.trouble
        return self.number

    async def symbols(self) -> frozenset[str] | None:
        return frozenset(self.held) or None

    async def strategies(self) -> Mapping[str, StrategyConfigured] | None:
        if self.trouble is not None:
            raise self.trouble
        return dict(self.used) or None

    async def show_configuration(
        self, symbols: Set[str], strategies: Mapping[str, StrategyConfigured], number: int
    ) -> None:
        self.held, self.used, self.number = set(symbols), dict(strategies), number
        self.shows += 1
        self.trouble = None


class Bench:
    """An adoption over a table, a control and keys in memory."""

    def __init__(self, table: Sequence[Configured] = (), wish: Configuration = WISH) -> None:
        self.table = list(table)
        self.keys = Keys()
        self.posted: list[tuple[str, str]] = []
        self.told: list[AlertRaised] = []
        self.adoption = Adoption(
            Adopts(wish, self.judge, self.read, self.record, self.post, MINUTE, MINUTE, 1),
            self.keys,
            lambda: HOUR,
            self.alert,
        )

    async def judge(self, before: Configuration, after: Configuration) -> None:
        if "BAD" in after.traded:
            raise Refused("BAD is not listed")

    async def read(self) -> list[Configured]:
        return list(self.table)

    async def record(self, changes: Sequence[Configured]) -> int:
        self.table += [replace(each, number=len(self.table) + at) for at, each in enumerate(changes, 1)]
        return len(self.table)

    async def post(self, control: Control) -> None:
        assert isinstance(control, ControlChanged)
        self.posted.append((control.action, control.symbol))

    def alert(self, row: Row) -> None:
        self.told.append(row.values)

    @property
    def counts(self) -> Configuration | None:
        return replayed(self.table)


def play(bench: Bench, scene: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await bench.adoption._begin()
        await bench.adoption._look()
        await scene()

    asyncio.run(main())


def test_at_first_the_settings_are_recorded_and_shown() -> None:
    bench = Bench()

    async def scene() -> None:
        assert (bench.keys.held, bench.keys.used, bench.keys.number) == ({"AAA"}, WISH.strategies, 3)
        assert bench.counts == WISH
        assert {(each.who, each.effective_at) for each in bench.table} == {("settings", 0)}
        await bench.adoption._look()
        assert (bench.keys.shows, bench.told, bench.posted) == (1, [], [])

    play(bench, scene)


def test_edits_are_adopted_with_their_time_and_what_leaves_is_bought_no_more() -> None:
    bench = Bench()

    async def scene() -> None:
        bench.keys.held.add("BBB")
        bench.keys.used["dip"] = StrategyConfigured(parameters={"slow": 4}, weight=TWO)
        del bench.keys.used["trend"]
        await bench.adoption._look()
        dip = StrategyConfigured(True, {"fast": 1, "slow": 4}, TWO)
        assert [(each.kind, each.name, each.effective_at, each.who) for each in bench.table[3:]] == [
            ("symbol", "BBB", AT, "redis"),
            ("strategy", "dip", AT, "redis"),
        ]
        assert bench.keys.used == {**WISH.strategies, "dip": dip}  # whole again
        assert bench.posted == []
        bench.keys.held.remove("AAA")
        await bench.adoption._look()
        assert bench.posted == [("pause", "AAA")]
        assert bench.counts == Configuration(frozenset({"BBB"}), frozenset({"AAA"}), bench.keys.used)
        bench.keys.held.add("AAA")
        await bench.adoption._look()
        assert bench.posted == [("pause", "AAA"), ("resume", "AAA")]
        assert [each.severity for each in bench.told] == ["info"] * 4
        assert bench.keys.number == len(bench.table)

    play(bench, scene)


def test_what_cannot_be_is_refused_and_put_right() -> None:
    bench = Bench()

    async def scene() -> None:
        bench.keys.held.add("BAD")
        await bench.adoption._look()
        assert bench.keys.held == {"AAA"}
        no_text = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        for trouble in (Unreadable("config:strategies, dip: malformed"), BusError("WRONGTYPE"), no_text):
            bench.keys.trouble = trouble
            await bench.adoption._look()
            assert bench.keys.used == WISH.strategies
        assert [each.severity for each in bench.told] == ["warning"] * 4
        for why, each in zip(("BAD", "dip", "WRONGTYPE", "0xff"), bench.told, strict=True):
            assert why in each.text
        assert (bench.counts, bench.posted) == (WISH, [])

    play(bench, scene)


def test_lost_or_older_memory_is_no_wish() -> None:
    bench = Bench()

    async def scene() -> None:
        bench.keys.held.clear()
        await bench.adoption._look()
        bench.keys.used.clear()
        await bench.adoption._look()
        old = set(bench.keys.held), dict(bench.keys.used), bench.keys.number
        bench.keys.held.add("BBB")
        await bench.adoption._look()
        bench.keys.held, bench.keys.used, bench.keys.number = old  # a server that goes on with its file of yesterday
        await bench.adoption._look()
        assert bench.keys.held == {"AAA", "BBB"}
        assert bench.counts == Configuration(frozenset({"AAA", "BBB"}), frozenset(), WISH.strategies)
        assert bench.posted == []

    play(bench, scene)


def test_a_later_start_with_other_settings_changes_what_they_changed_and_no_more() -> None:
    first = Bench()

    async def edit() -> None:
        first.keys.held.add("CCC")
        await first.adoption._look()

    play(first, edit)
    strategies = {**WISH.strategies, "trend": StrategyConfigured(True, {}, ONE)}
    second = Bench(first.table, Configuration(frozenset({"BBB"}), frozenset(), strategies))

    async def scene() -> None:
        assert second.counts == Configuration(frozenset({"BBB", "CCC"}), frozenset({"AAA"}), strategies)
        assert {(each.who, each.effective_at) for each in second.table[len(first.table) :]} == {("settings", AT)}
        assert second.posted == [("pause", "AAA")]

    play(second, scene)
    third = Bench(second.table, Configuration(frozenset({"BBB"}), frozenset(), strategies))

    async def nothing() -> None:
        assert third.table == second.table

    play(third, nothing)


def test_while_redis_is_away_it_is_waited_for() -> None:
    bench = Bench()

    async def main() -> None:
        bench.keys.trouble = BusUnavailable("away")
        running = asyncio.create_task(bench.adoption.run())
        await asyncio.sleep(0.05)
        assert not running.done()
        assert (bench.keys.shows, bench.counts) == (0, WISH)
        running.cancel()

    asyncio.run(main())
