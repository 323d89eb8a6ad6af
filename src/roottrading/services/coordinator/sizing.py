"""How much to buy, and whether it could be sold again (trading-rules 2.1-2.4): pure, exact."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from roottrading.domain.fees import FeeSchedule
from roottrading.domain.instrument import Instrument
from roottrading.domain.money import ONE, ZERO, ceil_to, floor_to, plain
from roottrading.services.coordinator.settings import CoordinatorSettings
from roottrading.services.coordinator.state import Candidate

SALE_MARGIN: Final = Decimal("0.95")  # a stop may fill this much below its price and its notional still pass


class Room(Struct, frozen=True, gc=False):
    """What the account allows at this T, in quote; None where a limit is off and need not be known."""

    equity: Decimal | None
    symbol: Decimal | None
    total: Decimal | None
    cash: Decimal


class Prices(Struct, frozen=True, gc=False):
    """An entry's prices, on the tick."""

    worst: Decimal
    stop: Decimal
    target: Decimal | None
    limit: Decimal | None  # of a resting entry


class Refused(Struct, frozen=True, gc=False):
    """Why there is no entry, and the numbers that decided."""

    reason: str
    numbers: dict[str, str]


def prices(candidate: Candidate, instrument: Instrument, settings: CoordinatorSettings) -> Prices | Refused:
    """Fix stop, target and worst price from the close of T; the fill does not move them (trading-rules 2.1, 2.2)."""
    close, tick = candidate.close, instrument.tick_size
    distance = stop_distance(candidate, settings)
    if distance is None:
        return Refused("no_stop", {"close": plain(close)})
    stop = floor_to(close - distance, tick) if distance < close else ZERO
    worst = floor_to(close * settings.worst_price_factor, tick)
    limit = None
    if settings.entry_style == "resting" and candidate.entry_limit is not None:
        limit = floor_to(min(candidate.entry_limit, worst), tick)
    if stop <= 0 or stop >= min(close, worst) or (limit is not None and stop >= limit):
        numbers = {"close": plain(close), "distance": plain(distance), "stop": plain(stop)}
        return Refused("bad_stop", numbers if limit is None else numbers | {"entry_limit": plain(limit)})
    target = None
    if candidate.target_distance is not None:
        target = ceil_to(close + candidate.target_distance, tick)
    return Prices(worst, stop, target, limit)


def stop_distance(candidate: Candidate, settings: CoordinatorSettings) -> Decimal | None:
    """Return the signal's stop distance, else its strategy's, else the one in ATR; in quote, None for no stop."""
    if candidate.stop_distance is not None:
        return candidate.stop_distance
    if candidate.strategy in settings.stop_distance:
        return settings.stop_distance[candidate.strategy] * candidate.close
    if candidate.atr is None or settings.stop_atr is None:
        return None
    return settings.stop_atr * candidate.atr


def size(  # the limits of trading-rules 2.3, one by one
    candidate: Candidate,
    at: Prices,
    instrument: Instrument,
    fees: FeeSchedule,
    settings: CoordinatorSettings,
    room: Room,
) -> Decimal | Refused:
    """Return the quantity to buy, on the step, or why there is none.

    The least of risk, stake, volume (`size_factor` multiplies these amounts), room and cash (at the worst price).
    """
    factor = ONE if candidate.size_factor is None else candidate.size_factor
    step, worst = instrument.step_size, at.worst
    limits: list[tuple[str, str, Decimal, Decimal]] = [("no_cash", "cash", room.cash, worst)]
    if room.symbol is not None:
        limits.append(("room", "room_in_symbol", room.symbol, worst))
    if room.total is not None:
        limits.append(("room", "room", room.total, worst))
    if settings.risk_per_cycle is not None and room.equity is not None:
        loss = worst - at.stop + worst * 2 * (fees.taker + settings.taker_slippage)
        limits.append(("too_small", "risk", room.equity * settings.risk_per_cycle * factor, loss))
    if settings.stake is not None:
        limits.append(("too_small", "stake", settings.stake * factor, candidate.close))
    if settings.volume_share is not None:
        amount = candidate.quote_volume * settings.volume_share * factor
        limits.append(("too_small", "volume", amount, candidate.close))
    quantity, binding = instrument.max_quantity, ("too_small", "max_quantity")
    if instrument.market_max_quantity and not 0 < quantity <= instrument.market_max_quantity:
        quantity = instrument.market_max_quantity
    bounded = quantity > 0
    for reason, name, amount, price in limits:
        allowed = amount // (price * step) * step if amount > 0 else ZERO
        if not bounded or allowed < quantity:
            quantity, binding, bounded = allowed, (reason, name), True
    quantity = floor_to(quantity, step)
    if sellable_again(quantity, at.stop, instrument, fees):
        return quantity
    numbers = {name: plain(amount) for _, name, amount, _ in limits}
    numbers |= {"stop": plain(at.stop), "worst_price": plain(worst), "quantity": plain(quantity), "binding": binding[1]}
    return Refused(binding[0], numbers)


def sellable_again(quantity: Decimal, stop: Decimal, instrument: Instrument, fees: FeeSchedule) -> bool:
    """Say whether what is left of `quantity` after the fee can be sold at the stop (trading-rules 2.4)."""
    net = floor_to(quantity * (ONE - fees.taker), instrument.step_size)
    if instrument.market_step_size:
        net = floor_to(net, instrument.market_step_size)
    if net <= 0 or net < instrument.min_quantity or net < instrument.market_min_quantity:
        return False
    return net * stop * SALE_MARGIN >= instrument.min_notional
