"""A coordinator with a scripted trader behind it; after every input the restore law is checked."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.fill import Fill
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import floor_to
from roottrading.domain.order import Order, OrderStatus, Side
from roottrading.domain.position import Manager
from roottrading.domain.time import MINUTE, parse_time
from roottrading.domain.trade_cycle import CycleStatus, TradeCycle
from roottrading.messages.commands import OpenTradeCycle
from roottrading.messages.envelope import Envelope, Message
from roottrading.messages.events import AlertRaised, EntryRefused, OrderChanged, OrderFilled, TradeCycleMoved
from roottrading.messages.service import Decision, Input, InstantComplete, Resumed, Row, Watch
from roottrading.messages.signals import AggregatedSignal, Opinion, Vote
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.state import TABLES, TRADE_CYCLES
from roottrading.services.coordinator.verdicts_to_commands import Coordinator

D = Decimal
NOON = parse_time("2024-03-05T12:00:00Z")
DEPLOYMENT = "simtest"
FEES = FeeSchedule()
KEPT = {table.name for table in TABLES if table.kept == "state"}


def instrument(symbol: str = "BTCUSDT", **changes: Any) -> Instrument:
    base = Instrument(
        symbol=symbol,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        tick_size=D("0.01"),
        step_size=D("0.00001"),
        min_quantity=D("0.00001"),
        max_quantity=D(9000),
        min_notional=D(5),
    )
    return replace(base, **changes)


def minutes(count: int) -> int:
    return NOON + count * MINUTE


def verdict(
    at: int, value: str = "1", symbol: str = "BTCUSDT", close: str | None = "50000", **changes: Any
) -> AggregatedSignal:
    """A verdict of one vote; `changes` reach the opinion, the vote or the verdict, whichever has such a field."""
    opinion = Opinion("ema_cross", D(value), signal_id=77)
    opinion = replace(opinion, **{k: v for k, v in changes.items() if k in opinion.__struct_fields__})
    vote = Vote("1m", D(1), opinion, D(250))
    vote = replace(vote, **{k: v for k, v in changes.items() if k in {"atr", "timeframe", "weight"}})
    price = None if close is None else D(close)
    whole = AggregatedSignal(
        symbol, "1m", at, D(value), True, price, price, price, (vote,), 0, at + MINUTE, D(10_000_000), D(5_000_000)
    )
    return replace(
        whole, **{k: v for k, v in changes.items() if k in {"complete", "late", "quote_volume", "day_quote_volume"}}
    )


class Rig:
    """Gives inputs, keeps the rows as a store would, and collects what was said."""

    def __init__(
        self,
        settings: CoordinatorSettings | None = None,
        instruments: Sequence[Instrument] = (),
        managers: Mapping[str, Manager] | None = None,
        fees: FeeSchedule = FEES,
    ) -> None:
        self.settings = settings or CoordinatorSettings()
        self.instruments = {item.symbol: item for item in (instruments or (instrument(), instrument("ETHUSDT")))}
        self.managers = managers or {}
        self.fees = fees
        self.rows: dict[tuple[str, tuple[str | int, ...]], Any] = {}
        self.said: list[Message] = []
        self.watches: dict[str, Watch] = {}
        self.deadlines: dict[str, int | None] = {}
        self.trade_id = 0
        self.coordinator = self.fresh()
        self.give(Resumed(), NOON)

    def fresh(self) -> Coordinator:
        """A new coordinator with the rows kept so far."""
        made = Coordinator(DEPLOYMENT, self.instruments, self.fees, self.settings, self.managers)
        made.restore(Row(table, key, record) for (table, key), record in self.rows.items() if table in KEPT)
        return made

    def give(self, given: Input | Message, now: int) -> Decision:
        if isinstance(given, Message):
            given = Envelope("test", "test", 1, 0, now, "", given)
        decision = self.coordinator.decide(given, now)
        for row in decision.rows:
            if row.values is None:
                del self.rows[row.table, row.key]
            else:
                self.rows[row.table, row.key] = row.values
        self.said += [message.body for message in decision.messages]
        self.watches |= {watch.key: watch for watch in decision.watches}
        self.deadlines |= dict(decision.deadlines)
        assert self.fresh().state() == self.coordinator.state()
        return decision

    def restart(self, now: int) -> None:
        self.coordinator = self.fresh()
        assert self.give(Resumed(), now).rows == ()  # it was all kept

    # ---- what came of it

    def bodies(self, kind: type[Any]) -> list[Any]:
        return [body for body in self.said if type(body) is kind]

    @property
    def entries(self) -> list[OpenTradeCycle]:
        return self.bodies(OpenTradeCycle)

    @property
    def refusals(self) -> list[tuple[str, str]]:
        return [(body.symbol, body.reason) for body in self.bodies(EntryRefused)]

    @property
    def alerts(self) -> list[str]:
        return [body.subject for body in self.bodies(AlertRaised)]

    @property
    def cycles(self) -> list[TradeCycle]:
        return [record for (table, _), record in self.rows.items() if table == TRADE_CYCLES]

    @property
    def cash(self) -> Decimal:
        return self.coordinator.holdings()[0]

    def state_of(self, table: str, symbol: str = "BTCUSDT") -> Any:
        return self.coordinator.state()[table][symbol]

    # ---- the market

    def instant(self, at: int, closes: Mapping[str, str] = {}, highest: Decimal | None = None) -> Decision:
        prices = {"BTCUSDT": D(50000), "ETHUSDT": D(2000)} | {symbol: D(price) for symbol, price in closes.items()}
        return self.give(InstantComplete(at, prices, highest), at)

    def cross(self, at: int, symbol: str = "BTCUSDT", close: str = "50000", **changes: Any) -> None:
        """A verdict below at the T before, one above at T, and InstantComplete."""
        self.give(verdict(at - MINUTE, "0", symbol, close), at - MINUTE)
        self.give(verdict(at, symbol=symbol, close=close, **changes), at)
        self.instant(at, {symbol: close})

    # ---- the trader

    def move(self, command: OpenTradeCycle, status: CycleStatus, reason: str, at: int) -> Decision:
        return self.give(TradeCycleMoved(command.cycle_id, command.symbol, status, reason, at), at)

    def fill(
        self, command: OpenTradeCycle, side: Side, price: str, quantity: Decimal, at: int, fee_asset: str = ""
    ) -> Fill:
        """One execution with the taker fee, in the asset received unless told otherwise."""
        item = self.instruments[command.symbol]
        worth = D(price)
        asset = fee_asset or (item.base_asset if side == "BUY" else item.quote_asset)
        fee = floor_to((quantity if asset == item.base_asset else worth * quantity) * D("0.001"), D("1E-8"))
        in_quote = fee * worth if asset == item.base_asset else fee
        self.trade_id += 1
        fill = Fill(
            f"fill-{self.trade_id}", "order", command.cycle_id, command.symbol, side, worth, quantity, fee, asset,
            False, at, D("0.001"), in_quote, self.trade_id,
        )  # fmt: skip
        self.give(OrderFilled(fill), at)
        return fill

    def order(self, command: OpenTradeCycle, side: Side, status: OrderStatus, at: int) -> Decision:
        order = Order(
            "order", command.cycle_id, command.plan.entry_id, command.symbol, side, "LIMIT", command.quantity,
            command.worst_price, None, status, at, at,
        )  # fmt: skip
        return self.give(OrderChanged(order), at)

    def enter(
        self, at: int, price: str = "50010", symbol: str = "BTCUSDT", close: str = "50000", **changes: Any
    ) -> OpenTradeCycle:
        """Cross, and have the whole entry filled and protected."""
        self.cross(at, symbol, close, **changes)
        assert self.entries[-1].at == at, f"no entry at {at}: {self.refusals}"
        return self.entered(price)

    def entered(self, price: str = "50010") -> OpenTradeCycle:
        """Have the last entry filled and protected."""
        command = self.entries[-1]
        at = command.at
        self.move(command, "opening", "", at)
        self.fill(command, "BUY", price, command.quantity, at)
        self.move(command, "open", "", at)
        return command

    def leave(self, command: OpenTradeCycle, price: str, reason: str, at: int) -> None:
        """Sell what can be sold, and close."""
        held = self.coordinator.state()["open_cycles"][command.symbol].held
        step = self.instruments[command.symbol].step_size
        self.fill(command, "SELL", price, held // step * step, at)
        self.move(command, "closed", reason, at)


NO_LIMITS = CoordinatorSettings(
    capital=D(1_000_000),
    risk_per_cycle=None,
    stake=D(1000),
    max_per_symbol=None,
    max_exposure=None,
    max_cycles=None,
    max_entries_per_instant=None,
    daily_loss=None,
    max_drawdown=None,
    cooldown_candles=None,
    stops_in_a_row=None,
    volume_share=None,
)
