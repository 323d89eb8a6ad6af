"""What must hold whenever the world rests, and in the end, whatever went wrong before."""

from collections import Counter
from decimal import Decimal
from typing import Final

from roottrading.domain.money import ZERO, floor_to
from roottrading.domain.time import MILLISECOND, SECOND, Time
from roottrading.messages.exchange import OrderExecuted, OrderReported
from roottrading.messages.service import AccountAdjusted
from roottrading.services.coordinator.state import ACCOUNT, Account
from roottrading.services.portfolio.fills_to_balances import Portfolio
from roottrading.services.portfolio.journal import trial_balance
from roottrading.services.portfolio.state import ADJUSTMENTS, PENDING
from roottrading.services.trader.state import EXECUTIONS, SYMBOLS, CycleExecution
from tests.simulation.hands import adopted, may_enter
from tests.simulation.venue import FOREIGN_ORDER
from tests.simulation.world import World

BOUND: Final = 13 * SECOND + 250 * MILLISECOND  # recvWindow + 10 s, and the pace of asking (trading-rules 1.4)
DEARER: Final = Decimal("0.8")  # dust is judged at a fifth below the price: it may have risen since
RESTING: Final = ("NEW", "PARTIALLY_FILLED")


class Broken(AssertionError):
    """An invariant does not hold; the message says which, and the numbers."""


class Observer:
    """Looks at every rest; remembers since when a position has been without its stop."""

    def __init__(self, world: World) -> None:
        self._prefix = f"{world.scenario.settings.account.deployment}-"
        self._naked: dict[str, Time] = {}
        self._own: dict[str, Decimal] = {}
        self._last_price: dict[str, Decimal] = {}
        self._counted: dict[str, int] = {}
        self._covered: dict[str, Decimal] = {}
        self._entered = 0
        self._adopts = any(
            isinstance(given, AccountAdjusted) and given.kind == "adopt"
            for done in world.scenario.hands.values()
            for given in done
        )
        self.longest = 0

    def __call__(self, world: World) -> None:
        """Look at every symbol at the exchange itself."""
        entered, self._entered = world.door.entered[self._entered :], len(world.door.entered)
        if against := [symbol for symbol in entered if not may_enter(world.commands, symbol)]:
            raise Broken(f"{against} entered at {world.now} against a person's word: {world.commands[-1]}")
        for symbol in world.venue.symbols:
            own = self._held(world, symbol)
            if own < 0:
                raise Broken(f"{symbol}: {-own} more sold than bought at {world.now}")
            if own:
                self._look_at_stop(world, symbol, own)
            else:
                self._naked.pop(symbol, None)
                self._covered.pop(symbol, None)

    def _held(self, world: World, symbol: str) -> Decimal:
        executions = world.venue.executions(symbol, world.now)
        counted = self._counted.get(symbol, 0)
        for executed in executions[counted:]:
            if executed.client_order_id.startswith(self._prefix):
                self._last_price[symbol] = executed.price
                self._own[symbol] = self._own.get(symbol, ZERO) + _gained(executed, symbol)
        self._counted[symbol] = len(executions)
        taken = adopted(_adjustments(world, ADJUSTMENTS), symbol) if self._adopts else ZERO
        return self._own.get(symbol, ZERO) + taken

    def _look_at_stop(self, world: World, symbol: str, own: Decimal) -> None:
        instrument = world.venue.instrument(symbol)
        close = world.closes.get(symbol, ZERO)
        price = min(close, self._last_price.get(symbol, close))
        stops = [order for order in world.venue.open_orders(symbol, world.now) if self._protects(order)]
        covered = sum((order.quantity - order.executed_quantity for order in stops), ZERO)
        if covered > own:
            raise Broken(f"{symbol}: {covered} under stops, only {own} held at {world.now}")
        before, self._covered[symbol] = self._covered.get(symbol, ZERO), covered
        if world.venue.is_halted(symbol):  # nothing can be placed, so what rests must stay
            if covered < before:
                raise Broken(f"{symbol}: of {before} under stops only {covered} are left in a halt, at {world.now}")
            self._naked.pop(symbol, None)
            return
        execution = _execution(world, symbol)
        # What was sold in the place of its stop is no longer there to be protected.
        given_up = covered < before <= own and execution is not None and _canceled_stop(execution, world.now)
        if given_up and not instrument.sellable(own, price):
            raise Broken(f"{symbol}: of {before} under stops {covered} are left, and filters refuse to sell {own}")
        lent = ZERO if execution is None else execution.lent  # no stop protects dust, however coarse steps once were
        naked = floor_to(own - lent, instrument.step_size) - covered
        if not instrument.sellable(naked, price):
            self._naked.pop(symbol, None)
            return
        since = self._naked.setdefault(symbol, world.now)
        if execution is None:
            was_dust = world.venue.has_changing_filters(symbol) or not instrument.sellable(naked, price * DEARER)
            if _dust(world, symbol) == own and was_dust:
                self._naked.pop(symbol, None)  # nobody's task: too small to sell when its cycle ended, dearer by now
                return
            raise Broken(f"{symbol}: {naked} held without a stop and without a cycle at {world.now}")
        if execution.exit_reason or execution.status == "manual":
            return  # being sold
        self.longest = max(self.longest, world.now - since)
        asked = [unanswered.request.issued_at for unanswered in execution.unanswered]
        span = world.now - max((since, *asked))  # each attempt may be lost as well
        if not execution.unanswered and not execution.doubt_since:
            raise Broken(f"{symbol}: {naked} of {own} held without a stop, and nobody asks why, at {world.now}")
        if span > BOUND:
            raise Broken(f"{symbol}: {naked} of {own} without a stop for {span // SECOND} s at {world.now}")

    def _protects(self, order: OrderReported) -> bool:
        return (
            order.client_order_id.startswith(self._prefix)
            and order.side == "SELL"
            and order.stop_price is not None
            and order.status in RESTING
        )


def check_end(world: World) -> None:
    """No request executed twice; books, coordinator and exchange agree; what is foreign was never touched."""
    counts = Counter(world.door.reached)
    if twice := [name for name, count in counts.items() if count > 1]:
        raise Broken(f"executed twice: {twice}")
    if world.door.disordered:
        raise Broken(f"{world.door.disordered} rounds at the exchange were not in canonical order")
    _check_foreign(world)
    if any(execution.unanswered for execution in _executions(world)):
        return  # a request of the last instants whose fate nobody knows yet: the books wait for it
    _check_books(world)


def _check_foreign(world: World) -> None:
    foreign = world.venue.foreign
    if world.venue.own("BTC"):
        raise Broken("foreign BTC was touched")
    if foreign.base:
        for symbol in world.venue.symbols:
            orders = world.venue.open_orders(symbol, world.now)
            if not any(o.client_order_id == FOREIGN_ORDER and o.status == "NEW" for o in orders):
                raise Broken(f"the foreign order in {symbol} is gone")
            if world.venue.own(symbol.removesuffix("USDT")) < 0:
                raise Broken(f"foreign {symbol} was sold")


def _check_books(world: World) -> None:
    unit = world.load("portfolio")
    portfolio = unit.service
    assert isinstance(portfolio, Portfolio)
    symbols = world.venue.symbols
    owned = {balance.asset: balance.free + balance.locked for balance in portfolio.balances()}
    waiting = _adjustments(world, PENDING)  # coins that came to the account, and are not ours before they are adopted
    own = {s.removesuffix("USDT"): world.venue.own(s.removesuffix("USDT")) - adopted(waiting, s) for s in symbols}
    for asset, amount in {"USDT": world.venue.own("USDT"), **own}.items():
        if owned.get(asset, ZERO) != amount:
            raise Broken(f"books say {owned.get(asset, ZERO)} {asset}, the exchange {amount}")
    if unbalanced := {asset: total for asset, total in trial_balance(portfolio.accounts()).items() if total}:
        raise Broken(f"trial balance: {unbalanced}")
    (account,) = world.database.journal("coordinator", ACCOUNT).values()
    assert isinstance(account, Account)
    if account.cash != owned["USDT"]:
        raise Broken(f"the coordinator has {account.cash}, the books {owned['USDT']} USDT")


def _adjustments(world: World, table: str) -> list[AccountAdjusted]:
    return list(world.database.journal("portfolio", table).values())


def _executions(world: World) -> list[CycleExecution]:
    return list(world.database.journal("trader", EXECUTIONS).values())


def _execution(world: World, symbol: str) -> CycleExecution | None:
    return next((execution for execution in _executions(world) if execution.symbol == symbol), None)


def _canceled_stop(execution: CycleExecution, at: Time) -> bool:
    orders = execution.orders.values()
    return any(order.stop_price and order.status == "CANCELED" and order.updated_at == at for order in orders)


def _dust(world: World, symbol: str) -> Decimal:
    ledgers = world.database.journal("trader", SYMBOLS)
    return next((ledger.dust for (name,), ledger in ledgers.items() if name == symbol), ZERO)


def _gained(executed: OrderExecuted, symbol: str) -> Decimal:
    quantity = executed.quantity if executed.side == "BUY" else -executed.quantity
    return quantity - executed.fee if executed.fee_asset == symbol.removesuffix("USDT") else quantity
