"""Taking over: after every load the account is asked for, and entries wait for its answer (consistency-rules 4.3).

How a cycle is entered depends on what is free there (trading-rules 1.3), and whoever died may have taken the last word
about that with him. Exits and protection of cycles under way do not wait for it.
"""

from typing import Final

from msgspec.structs import replace

from roottrading.domain.ids import client_order_id
from roottrading.domain.time import Time
from roottrading.messages.commands import AdoptTradeCycle, CancelEntry, CloseTradeCycle, MoveStop, OpenTradeCycle
from roottrading.messages.exchange import EXIT, AccountChanged, QueryAccount
from roottrading.messages.service import NOTHING, Decision, Row
from roottrading.services.trader.desk import Desk
from roottrading.services.trader.state import HELD, TAKEOVER, TAKEOVER_KEY, HeldCommand, Takeover

Command = OpenTradeCycle | AdoptTradeCycle | CloseTradeCycle | MoveStop | CancelEntry
TAKEOVER_DEADLINE: Final = "takeover/"


def take_over(desk: Desk, now: Time) -> Decision:
    """Ask for all balances, under an id that tells this load's answer from an earlier one's."""
    if not desk.instruments:
        return NOTHING
    desk.takeover = Takeover(desk.takeover.number + 1, True)
    return _asked(desk, now, (Row(TAKEOVER, (TAKEOVER_KEY,), desk.takeover),))


def ask_again(desk: Desk, now: Time) -> Decision:
    """No answer yet: ask once more."""
    return _asked(desk, now, ()) if desk.takeover.waiting else NOTHING


def is_answer(desk: Desk, event: AccountChanged) -> bool:
    """Say whether this is the account as the load asked for it that waits for it."""
    return event.client_order_id == _number(desk)


def must_wait(desk: Desk, command: Command) -> bool:
    """Say whether a command comes too early before that answer: an entry, or what concerns one that waits."""
    if isinstance(command, OpenTradeCycle | AdoptTradeCycle):
        return True
    return any(held.command.cycle_id == command.cycle_id for held in desk.held.values())


def hold(desk: Desk, command: Command) -> Decision:
    """Keep a command until the account has answered."""
    place = max(desk.held, default=0) + 1
    held = desk.held[place] = HeldCommand(place, command)
    return Decision(rows=(Row(HELD, (place,), held),))


def taken_over(desk: Desk) -> tuple[Decision, list[Command]]:
    """The answer is in: return what that changes, and the commands that waited, in their order."""
    desk.takeover = replace(desk.takeover, waiting=False)
    places = sorted(desk.held)
    commands = [desk.held.pop(place).command for place in places]
    rows = (Row(TAKEOVER, (TAKEOVER_KEY,), desk.takeover), *(Row(HELD, (place,), None) for place in places))
    return Decision(deadlines=((TAKEOVER_DEADLINE, None),), rows=rows), commands


def _asked(desk: Desk, now: Time, rows: tuple[Row, ...]) -> Decision:
    request = QueryAccount(min(desk.instruments), _number(desk), EXIT, now)
    return Decision(requests=(request,), deadlines=((TAKEOVER_DEADLINE, now + desk.settings.ask_every),), rows=rows)


def _number(desk: Desk) -> str:
    return client_order_id(desk.deployment, "account", "q", desk.takeover.number)
