"""An account on which the bot has a share, and somebody else all the rest: at the other end of a wire."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from roottrading.domain.balance import Balance
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ZERO
from roottrading.domain.time import Time
from roottrading.messages.exchange import AccountChanged, ExchangeEvent, ReconcileDue
from roottrading.runtimes.step import Unit
from roottrading.services.coordinator.state import OPEN_CYCLES
from roottrading.services.coordinator.verdicts_to_commands import Coordinator
from roottrading.services.portfolio import Portfolio
from roottrading.services.portfolio.state import PENDING


class SharedAccount:
    """What the exchange said last of its account, beside what coordinator and portfolio say is the bot's.

    A change of the share moves nothing at the exchange: foreign money and coins on the account become the bot's, or its
    own become foreign (trading-rules 7.1).
    """

    def __init__(self, units: Mapping[str, Unit], instruments: Mapping[str, Instrument]) -> None:
        coordinator, portfolio = units["coordinator"].service, units["portfolio"].service
        assert isinstance(coordinator, Coordinator)
        assert isinstance(portfolio, Portfolio)
        self._coordinator = coordinator
        self._portfolio = portfolio
        self._instruments = instruments
        self._there: dict[str, Balance] = {}
        self.is_known = False

    def hear(self, events: Sequence[ExchangeEvent]) -> None:
        """Note the balances; all of them have come when the exchange was compared with."""
        for event in events:
            if isinstance(event, AccountChanged):
                self._there.update((balance.asset, balance) for balance in event.balances)
            elif isinstance(event, ReconcileDue):
                self.is_known = True

    def removable(self, asset: str) -> Decimal:
        """Return the bot's cash that nothing is set aside for, by the coordinator's ledger: it sizes from that."""
        return removable_cash(self._coordinator)

    def addable(self, asset: str) -> Decimal:
        """Return what is free and not the bot's, less coins that wait to be adopted."""
        return addable_amount(self._portfolio, self._there, self._instruments, asset)

    def change(self, asset: str, amount: Decimal, now: Time) -> Sequence[ExchangeEvent]:
        """Change nothing: it is on the account already, or stays there."""
        return ()


def removable_cash(coordinator: Coordinator) -> Decimal:
    """Return the bot's cash that nothing is set aside for."""
    cash, _ = coordinator.holdings()
    return cash - sum((cycle.reserved for cycle in coordinator.state()[OPEN_CYCLES].values()), ZERO)


def addable_amount(
    portfolio: Portfolio, there: Mapping[str, Balance], instruments: Mapping[str, Instrument], asset: str
) -> Decimal:
    """Return what is free `there`, on the account, and not the bot's by its books, less coins to be adopted."""
    held = there.get(asset)
    own = sum((balance.free for balance in portfolio.balances() if balance.asset == asset), ZERO)
    promised = sum(
        (
            waiting.amount
            for waiting in portfolio.state()[PENDING].values()
            if waiting.kind == "adopt" and instruments[waiting.symbol].base_asset == asset
        ),
        ZERO,
    )
    return (ZERO if held is None else held.free) - own - promised
