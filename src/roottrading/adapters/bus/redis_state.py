"""What Redis holds for whoever wants to look: whole values, each with its writer's sequence; and what is configured.

All of it can be written anew from PostgreSQL. The generation key tells whether that is due: where it is missing, Redis
is new or lost its memory, and nothing is taken before a rebuild (consistency-rules 6.1).
"""

from collections.abc import Collection, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct

from roottrading.adapters.bus.port import BusError, BusUnavailable, Unreadable
from roottrading.adapters.bus.redis_wire import Command, Wire, check, connect, place_of
from roottrading.domain.candle import Candle
from roottrading.domain.time import Time

GENERATION: Final = "generation"
SYMBOLS: Final = "config:symbols"
STRATEGIES: Final = "config:strategies"
RECENT: Final = 500  # candles of a symbol and timeframe
_SEQUENCES: Final = "sequences"  # by key, what its writer last wrote it at
_CONFIGURATION: Final = "config"  # there, the number of the last change that both keys show
_LOST, _OLDER = -1, 0

# KEYS: the value's, the sequences', the generation's; ARGV: sequence, "write" or "rebuild", kind, and the words.
# A write needs a newer sequence, a rebuild one that is not older: it repairs what somebody spoiled by hand.
_WRITE: Final = """
if ARGV[2] == 'write' and redis.call('EXISTS', KEYS[3]) == 0 then return -1 end
local last = tonumber(redis.call('HGET', KEYS[2], KEYS[1]) or '-1')
local given = tonumber(ARGV[1])
if given < last or (given == last and ARGV[2] == 'write') then return 0 end
redis.call('DEL', KEYS[1])
for first = 4, #ARGV, 1000 do
  redis.call(ARGV[3], KEYS[1], unpack(ARGV, first, math.min(first + 999, #ARGV)))
end
redis.call('HSET', KEYS[2], KEYS[1], ARGV[1])
return 1
"""

Value = Mapping[str, str] | Set[str]  # a hash or a set


class StrategyConfigured(Struct, frozen=True, forbid_unknown_fields=True):
    """A strategy as `config:strategies` has it: JSON of these fields; what is left out stays as the settings say."""

    enabled: bool = True
    parameters: Mapping[str, Any] = {}
    weight: Decimal | None = None


class MemoryLost(BusError):
    """Redis knows nothing of us: it has to be rebuilt before it is written to."""


class RedisState:
    """A connection to the keys; it is made anew when it was cut."""

    def __init__(self, url: str, patience: float = 5.0) -> None:
        """`url` as for `RedisPubSub`."""
        self._place = place_of(url)
        self._patience = patience
        self._wire: Wire | None = None
        self.connections = 0  # that were made so far: after a new one, what was written last may be gone

    async def open(self) -> None:
        """Connect. Raises BusUnavailable."""
        self._wire = await connect(self._place, self._patience)
        self.connections += 1

    async def close(self) -> None:
        """End the connection."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    # ---- values

    async def write(self, key: str, value: Value, sequence: int) -> bool:
        """Set a key's whole value; say whether that was newer than what stood there.

        Raises MemoryLost where everything has to be rebuilt first, BusUnavailable where Redis is gone.
        """
        (answer,) = await self._ask([_written(key, value, sequence, "write")])
        if answer == _LOST:
            raise MemoryLost(f"Redis at {self._place} has lost its memory: rebuild it")
        return bool(answer != _OLDER)

    async def is_built(self) -> bool:
        """Say whether it was built since it began; where not, `rebuild`."""
        return bool((await self._ask([("EXISTS", GENERATION)]))[0])

    async def rebuild(self, values: Mapping[str, tuple[Value, int]]) -> frozenset[str]:
        """Write all values with their sequences, at once; newer ones that stand there already stay.

        Returns the keys that were written.
        """
        written = [_written(key, value, sequence, "rebuild") for key, (value, sequence) in values.items()]
        answers = (await self._ask([("MULTI",), *written, ("INCR", GENERATION), ("EXEC",)]))[-1]
        return frozenset(key for key, answer in zip(values, answers, strict=False) if answer != _OLDER)

    async def generation(self) -> int:
        """Return how often it was rebuilt since it began: 0 where it knows nothing of us."""
        return int((await self._ask([("GET", GENERATION)]))[0] or 0)

    async def sequences(self) -> dict[str, int]:
        """Return at which sequence each whole value was written last."""
        return {key: int(sequence) for key, sequence in (await self.hash(_SEQUENCES)).items()}

    async def hash(self, key: str) -> dict[str, str]:
        """Return a value that is a hash; empty where there is none."""
        (words,) = await self._ask([("HGETALL", key)])
        texts = [word.decode() for word in words]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    async def set(self, key: str) -> frozenset[str]:
        """Return a value that is a set; empty where there is none."""
        (words,) = await self._ask([("SMEMBERS", key)])
        return frozenset(word.decode() for word in words)

    # ---- candles

    async def remember(self, candles: Sequence[Candle]) -> None:
        """Keep closed candles among the recent ones of their symbol and timeframe."""
        commands: list[Command] = []
        for candle in candles:
            key, at = candles_key(candle.symbol, candle.timeframe), str(candle.open_time)
            commands.append(("ZREMRANGEBYSCORE", key, at, at))
            commands.append(("ZADD", key, at, msgspec.json.encode(candle)))
            commands.append(("ZREMRANGEBYRANK", key, "0", str(-RECENT - 1)))
        if commands:
            await self._ask([("MULTI",), *commands, ("EXEC",)])

    async def replace_candles(self, symbol: str, timeframe: str, candles: Sequence[Candle]) -> None:
        """Keep these as all the recent candles up to the last of them; newer ones stay. At least one is needed."""
        key = candles_key(symbol, timeframe)
        last = str(max(candle.open_time for candle in candles))
        words = [word for each in candles for word in (str(each.open_time), msgspec.json.encode(each))]
        trim: Command = ("ZREMRANGEBYRANK", key, "0", str(-RECENT - 1))
        await self._ask([("MULTI",), ("ZREMRANGEBYSCORE", key, "-inf", last), ("ZADD", key, *words), trim, ("EXEC",)])

    async def newest_candles(self, streams: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Time]:
        """Return the open time of the last recent candle, by symbol and timeframe, of those that have any."""
        asked: list[Command] = [("ZRANGE", candles_key(*each), "-1", "-1", "WITHSCORES") for each in streams]
        answers = await self._ask(asked) if asked else []
        return {each: int(float(found[1])) for each, found in zip(streams, answers, strict=True) if found}

    async def candle_keys(self, streams: Collection[tuple[str, str]]) -> int:
        """Return how many of these symbols and timeframes have recent candles."""
        return int((await self._ask([("EXISTS", *(candles_key(*each) for each in streams))]))[0]) if streams else 0

    async def recent(self, symbol: str, timeframe: str) -> list[Candle]:
        """Return the recent candles, oldest first."""
        (found,) = await self._ask([("ZRANGE", candles_key(symbol, timeframe), "0", "-1")])
        return [msgspec.json.decode(each, type=Candle) for each in found]

    # ---- configuration

    async def symbols(self) -> frozenset[str] | None:
        """Return `config:symbols`; None where it is empty: Redis lost it, nobody means to trade nothing by that."""
        return await self.set(SYMBOLS) or None

    async def strategies(self) -> dict[str, StrategyConfigured] | None:
        """Return `config:strategies`, None where it is empty. Raises Unreadable, naming the strategy that is wrong."""
        found = {}
        for name, text in (await self.hash(STRATEGIES)).items():
            try:
                found[name] = msgspec.json.decode(text, type=StrategyConfigured)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Unreadable(f"{STRATEGIES}, {name}: {error}; it reads {_EXAMPLE}") from None
        return found or None

    async def configuration_shown(self) -> int:
        """Return the number of the last change in the keys, as `show_configuration` was told; 0 where it never was."""
        return int((await self._ask([("HGET", _SEQUENCES, _CONFIGURATION)]))[0] or 0)

    async def show_configuration(
        self, symbols: Set[str], strategies: Mapping[str, StrategyConfigured], number: int = 0
    ) -> None:
        """Write both keys as the database has them after its change of this number."""
        commands: list[Command] = [("MULTI",), ("DEL", SYMBOLS, STRATEGIES)]
        if symbols:
            commands.append(("SADD", SYMBOLS, *sorted(symbols)))
        if strategies:
            commands.append(("HSET", STRATEGIES, *_words(texts(strategies))))
        await self._ask([*commands, ("HSET", _SEQUENCES, _CONFIGURATION, str(number)), ("EXEC",)])

    # ---- inside

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        if self._wire is None or not self._wire.is_open:
            await self.open()
        assert self._wire is not None
        try:
            answers = await self._wire.ask(commands)
        except (OSError, TimeoutError) as error:
            raise BusUnavailable(f"Redis at {self._place} does not answer: {error}") from None
        for answer in answers:
            for part in answer if isinstance(answer, list) else (answer,):  # EXEC's is a list of answers
                check(self._place, part)
        return answers


def texts(strategies: Mapping[str, StrategyConfigured]) -> dict[str, str]:
    """Return strategies as `config:strategies` has them, by name."""
    return {name: msgspec.json.encode(each).decode() for name, each in strategies.items()}


def candles_key(symbol: str, timeframe: str) -> str:
    """Return the key of the recent candles: a sorted set of JSON by open time."""
    return f"candles:{symbol}:{timeframe}"


_EXAMPLE: Final = msgspec.json.encode(StrategyConfigured()).decode()


def _written(key: str, value: Value, sequence: int, how: str) -> Command:
    kind = "HSET" if isinstance(value, Mapping) else "SADD"
    words = _words(value) if isinstance(value, Mapping) else sorted(value)
    return ("EVAL", _WRITE, "3", key, _SEQUENCES, GENERATION, str(sequence), how, kind, *words)


def _words(value: Mapping[str, str]) -> list[str]:
    return [word for name in sorted(value) for word in (name, value[name])]
