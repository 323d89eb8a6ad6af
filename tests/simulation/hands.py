"""A person's hands: kill switch, pauses, exits, capital, adopted coins and new weights, at moments that dice choose."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Final

from msgspec.structs import replace

from roottrading.domain.money import ZERO
from roottrading.domain.time import MINUTE, SECOND, Time, start_of_day
from roottrading.messages.service import AccountAdjusted, ControlChanged, TradingState, WeightsSet

Given = ControlChanged | AccountAdjusted | WeightsSet
CLOSED: Final[tuple[TradingState, ...]] = ("reduce_only", "halted")
WISHES: Final = ("closed", "pause", "pause all", "exit", "exit", "flatten", "capital", "capital", "adopt", "weights")
WHO: Final = "owner"


def hands(
    dice: Random, symbols: Sequence[str], strategies: Sequence[str], start: Time, minutes: int
) -> dict[Time, tuple[Given, ...]]:
    """Return what a person does and when, one to four wishes; whatever is switched off is switched on again later."""
    wishes: list[tuple[Time, str, str]] = []
    for _ in range(dice.randrange(1, 5)):
        at = start + dice.randrange(MINUTE, (minutes - 1) * MINUTE, dice.choice((SECOND, MINUTE)))
        wish, symbol = dice.choice(WISHES), dice.choice(symbols)
        wishes.append((at, wish, symbol))
        if wish in ("closed", "pause", "pause all"):
            wishes.append((at + dice.randrange(1, 4) * MINUTE, f"{wish}, over", symbol))
    done: dict[Time, tuple[Given, ...]] = {}
    state: TradingState = "trading"
    wishes = sorted(wish for wish in wishes if wish[0] < start + minutes * MINUTE)
    for number, (at, wish, symbol) in enumerate(wishes, 1):
        if wish == "closed":
            state = dice.choice(CLOSED)
        elif wish in ("closed, over", "pause all, over"):
            state = "trading"
        done[at] = (*done.get(at, ()), _given(dice, number, at, wish, symbol, state, strategies))
    return done


def aimed(given: ControlChanged, open_cycles: Mapping[str, str]) -> ControlChanged:
    """Return the command as a person sends it, who sees the open cycles by symbol: an exit names one of them."""
    if given.action != "exit":
        return given
    return replace(given, symbol="", target=open_cycles.get(given.symbol, "none"))


def may_enter(commands: Sequence[ControlChanged], symbol: str) -> bool:
    """Say whether a person who sent these commands wants new cycles in the symbol."""
    paused: dict[str, bool] = {}
    for command in commands:
        if command.action in ("pause", "resume"):
            paused[command.symbol] = command.action == "pause"
    open_to_all = not commands or commands[-1].state == "trading"
    return open_to_all and not paused.get("") and not paused.get(symbol)


def deposited(given: AccountAdjusted) -> tuple[str, Decimal]:
    """Return what an adjustment brings into a simulated account: asset and amount."""
    return "USDT" if given.kind == "capital" else given.symbol.removesuffix("USDT"), given.amount


def _given(
    dice: Random, number: int, at: Time, wish: str, symbol: str, state: TradingState, strategies: Sequence[str]
) -> Given:
    if wish == "capital":
        amount = Decimal(dice.choice(("-1500.5", "-20", "0.00000001", "777.77")))
        return AccountAdjusted(number, "capital", "", amount, None, at)
    if wish == "adopt":
        amount = Decimal(dice.choice(("0.05", "1", "2.3456")))
        return AccountAdjusted(number, "adopt", symbol, amount, Decimal(dice.randrange(90, 111)), at)
    if wish == "weights":
        weights = {name: Decimal(dice.randrange(1, 2_000_000)).scaleb(-6) for name in strategies}
        return WeightsSet(start_of_day(at), weights, (tuple(strategies),) if dice.random() < 0.3 else ())
    action, _, over = wish.partition(", ")
    match action:
        case "pause":
            return ControlChanged(number, "resume" if over else "pause", state, symbol, "", WHO, wish)
        case "pause all":
            return ControlChanged(number, "resume" if over else "pause", state, "", "", WHO, wish)
        case "exit":
            return ControlChanged(number, "exit", state, symbol, "", WHO, wish)
        case "flatten":
            return ControlChanged(number, "flatten", state, "", "", WHO, wish)
    return ControlChanged(number, "resume" if over else "state", state, "", "", WHO, wish)


def adopted(adjustments: Sequence[AccountAdjusted], symbol: str) -> Decimal:
    """Return the coins of a symbol among adjustments."""
    return sum((a.amount for a in adjustments if a.kind == "adopt" and a.symbol == symbol), ZERO)
