"""The limits that look at the past: the day's loss, the drawdown, stops in a row (trading-rules 2.7, 2.8)."""

from decimal import Decimal

from msgspec.structs import replace

from roottrading.domain.money import ONE, plain
from roottrading.domain.time import DAY, Time, duration, start_of_day
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.state import Account, SymbolState


def judged(settings: CoordinatorSettings) -> bool:
    """Say whether equity is judged at all."""
    return settings.daily_loss is not None or settings.max_drawdown is not None


def judge(
    account: Account, equity: Decimal, at: Time, highest: Decimal | None, settings: CoordinatorSettings
) -> tuple[Account, tuple[tuple[str, str], ...]]:
    """Hold the risk equity of T against the day's opening and the mark.

    Returns the account (the same object where nothing changed) and the breaches: (subject, text). The first T of a
    UTC day (00:00 itself, where it is a T) opens the day. `highest` is the highest equity at T's that were not given.
    """
    breaches = []
    if settings.daily_loss is not None:
        day = start_of_day(at)
        if account.day != day:
            account = replace(account, day=day, opening=equity, daily_breach=False)
        floor = daily_floor(account, settings.daily_loss)
        if not account.daily_breach and equity <= floor:
            account = replace(account, daily_breach=True)
            breaches.append(("daily_loss", _text(equity, floor, "opening", account.opening, "until 00:00 UTC")))
    if settings.max_drawdown is not None and not account.drawdown_breach:
        mark = account.mark
        top = equity if highest is None or highest < equity else highest
        if mark is None or top > mark:
            mark = top
            account = replace(account, mark=mark)
        floor = drawdown_floor(mark, settings.max_drawdown)
        if equity <= floor:
            account = replace(account, drawdown_breach=True)
            breaches.append(("drawdown", _text(equity, floor, "mark", mark, "until a person resumes")))
    return account, tuple(breaches)


def daily_floor(account: Account, daily_loss: Decimal) -> Decimal:
    """Return the equity at or below which the day's loss is a breach."""
    return account.opening * (ONE - daily_loss)


def drawdown_floor(mark: Decimal, max_drawdown: Decimal) -> Decimal:
    """Return the equity at or below which the fall from the mark is a breach."""
    return mark * (ONE - max_drawdown)


def resumed(account: Account) -> Account:
    """Lift the drawdown limit: the next T sets a new mark (trading-rules 2.8)."""
    return replace(account, drawdown_breach=False, mark=None)


def after_close(
    symbol: SymbolState, stopped: bool, filled_at: Time, ended_at: Time, timeframe: str, settings: CoordinatorSettings
) -> SymbolState:
    """Return the symbol after a cycle closed: a stop (by its leg, with a loss) cools it down, too many put it off."""
    if not stopped:
        return replace(symbol, ended_at=ended_at, stops=0)
    stops, cooldown_until, off_until = symbol.stops + 1, symbol.cooldown_until, symbol.off_until
    if settings.cooldown_candles is not None:
        cooldown_until = filled_at + settings.cooldown_candles * duration(timeframe)
    if settings.stops_in_a_row is not None and stops >= settings.stops_in_a_row:
        stops, off_until = 0, start_of_day(filled_at) + DAY
    return replace(symbol, ended_at=ended_at, stops=stops, cooldown_until=cooldown_until, off_until=off_until)


def _text(equity: Decimal, floor: Decimal, name: str, reference: Decimal, until: str) -> str:
    return (
        f"risk equity {plain(equity)} is at or below {plain(floor)} ({name} {plain(reference)}): "
        f"nothing is bought {until}"
    )
