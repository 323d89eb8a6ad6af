"""The admin door, on a loopback port of its own: status, clock, accounts, and faults by command."""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from aiohttp import web

from roottrading.domain.money import plain
from roottrading.domain.time import Time, iso, parse_time
from roottrading.exchange_server.admin_processes import Processes
from roottrading.exchange_server.assembly import Exchange
from roottrading.exchange_server.clock_stepped import SteppedClock
from roottrading.exchange_server.faults.fault import Fault, read_fault
from roottrading.exchange_server.opening_accounts import open_accounts, read_accounts

MOST_STEPS: Final = 1_000_000
Answer = Callable[[web.Request], Awaitable[Any]]


class Wrong(ValueError):
    """A command that cannot be carried out; the text says why."""


class Admin:
    """Carries out commands on an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        """Take the exchange that is administered."""
        self._exchange = exchange
        self._processes = Processes(exchange.clock)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application()
        app.router.add_get("/status", _json(self.status))
        app.router.add_get("/clock", _json(self.clock))
        app.router.add_post("/clock", _json(self.move))
        app.router.add_get("/accounts", _json(self.accounts))
        app.router.add_post("/accounts", _json(self.open_account))
        app.router.add_post("/balances", _json(self.change_balance))
        app.router.add_get("/faults", _json(self.faults))
        app.router.add_post("/faults", _json(self.add_faults))
        app.router.add_delete("/faults", _json(self.clear_faults))
        app.router.add_delete("/faults/{number:[0-9]+}", _json(self.remove_fault))
        app.router.add_get("/processes", self._processes.serve)
        return app

    # ---- looking

    async def status(self, _: web.Request) -> Any:
        """Return what the exchange is doing."""
        exchange, now = self._exchange, self._now()
        books = exchange.venue.exchange.parts.books
        return {
            "now": iso(now),
            "ended": exchange.market.next_at() is None,
            "symbols": {
                name: {
                    "status": exchange.venue.status(name),
                    "last_price": _number(exchange.venue.last_price(name)),
                    "open_orders": len(books[name].orders),
                }
                for name in exchange.venue.instruments
            },
            "accounts": len(exchange.venue.updated_at),
            "connections": len(exchange.traffic.written()),
            "frames_written": sum(exchange.traffic.written().values()),
            "faults_struck": sum(standing.struck for standing in exchange.meddling.register),
        }

    async def clock(self, _: web.Request) -> Any:
        """Return where the clock stands."""
        return self._clock_shown()

    async def accounts(self, _: web.Request) -> Any:
        """Return the balances of all accounts."""
        venue = self._exchange.venue
        return {
            account: {
                balance.asset: {"free": plain(balance.free), "locked": plain(balance.locked)}
                for balance in venue.balances(account).values()
            }
            for account in sorted(venue.updated_at)
        }

    async def faults(self, _: web.Request) -> Any:
        """Return all faults, how often each was met and struck, and those still to come."""
        standing = [
            {
                "number": each.number,
                "seen": each.seen,
                "struck": each.struck,
                "fault": _shown(each.fault),
                **({"problem": each.problem} if each.problem else {}),
            }
            for each in self._exchange.meddling.register
        ]
        return {"faults": standing, "coming": [_shown(fault) for fault in self._exchange.agenda.coming()]}

    # ---- commands

    async def move(self, request: web.Request) -> Any:
        """Move a stepped clock by hand: `{"step": 3}` phases, or `{"until": "2021-04-17T12:00:00Z"}`."""
        given = await _object(request, {"step", "until"})
        clock = self._exchange.clock
        if not isinstance(clock, SteppedClock):
            raise Wrong("only a stepped clock is moved by hand")
        until = given.get("until")
        if until is not None:
            moved = clock.step(until=parse_time(str(until)))
        else:
            count = given.get("step", 1)
            if not isinstance(count, int) or not 1 <= count <= MOST_STEPS:
                raise Wrong(f"step is a whole number from 1 to {MOST_STEPS}")
            moved = clock.step(count)
        return {**self._clock_shown(), "moved": moved}

    async def open_account(self, request: web.Request) -> Any:
        """Open an account: `{"account": "KEY:SECRET", "balances": ["USDT=1000"]}`."""
        given = await _object(request, {"account", "balances"})
        balances = given.get("balances", [])
        if not isinstance(given.get("account"), str) or not isinstance(balances, list):
            raise Wrong('use {"account": "KEY:SECRET", "balances": ["USDT=1000"]}')
        openings = read_accounts([given["account"]], [str(each) for each in balances])
        key = openings[0].key
        if key in self._exchange.venue.updated_at:
            raise Wrong(f"there is an account {key!r} already")
        open_accounts(self._exchange.server, openings, self._now())
        return {"account": key}

    async def change_balance(self, request: web.Request) -> Any:
        """Change a balance by hand: `{"account": "KEY", "asset": "USDT", "change": "-100"}`."""
        given = await _object(request, {"account", "asset", "change"})
        account, asset = str(given.get("account")), str(given.get("asset"))
        venue = self._exchange.venue
        if account not in venue.updated_at:
            raise Wrong(f"no account {account!r}; there are {', '.join(sorted(venue.updated_at)) or 'none'}")
        try:
            change = Decimal(str(given.get("change")))
        except InvalidOperation:
            change = Decimal("NaN")
        if not change.is_finite() or not asset.isalnum():
            raise Wrong("asset is a name such as USDT, change a number such as -100")
        venue.deposit(account, asset, change, self._now())
        held = venue.balances(account)[asset]
        return {"asset": asset, "free": plain(held.free), "locked": plain(held.locked)}

    async def add_faults(self, request: web.Request) -> Any:
        """Take in a fault, or a list of them; none where one is wrong."""
        given = await _body(request)
        faults = [read_fault(each) for each in (given if isinstance(given, list) else [given])]
        return {"numbers": [self._exchange.agenda.add(fault) for fault in faults]}

    async def clear_faults(self, _: web.Request) -> Any:
        """Take all faults away."""
        self._exchange.agenda.clear()
        self._exchange.meddling.register.clear()
        return {}

    async def remove_fault(self, request: web.Request) -> Any:
        """Take one fault away."""
        number = int(request.match_info["number"][:9])
        if not self._exchange.meddling.register.remove(number):
            raise Wrong(f"no fault {number}")
        return {}

    # ---- inside

    def _now(self) -> Time:
        return self._exchange.server.clock.now()

    def _clock_shown(self) -> dict[str, Any]:
        clock = self._exchange.clock
        shown: dict[str, Any] = {"now": iso(clock.now())}
        if isinstance(clock, SteppedClock):
            shown |= {"clock": "stepped", "by_hand": clock.by_hand, "moves": clock.moves, "done": clock.done}
            shown |= {} if clock.by_hand else {"expected": dict(clock.expected)}
        else:
            shown |= {"clock": "paced"}
        return shown


def _json(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await answer(request), dumps=_dumps)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    return handle


def _dumps(content: Any) -> str:
    return json.dumps(content, indent=1) + "\n"


async def _body(request: web.Request) -> Any:
    try:
        return msgspec.json.decode(await request.read() or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Wrong(f"no JSON: {error}") from None


async def _object(request: web.Request, known: set[str]) -> dict[str, Any]:
    given = await _body(request)
    if not isinstance(given, dict) or not known.issuperset(given):
        raise Wrong(f"an object with {', '.join(sorted(known))} is expected")
    return given


def _number(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _shown(fault: Fault) -> dict[str, Any]:
    """Return a fault without what it leaves as usual."""
    usual = Fault.__struct_defaults__
    names = Fault.__struct_fields__
    shown: dict[str, Any] = {"kind": fault.kind}
    for name, default in zip(names[1:], usual[-(len(names) - 1) :], strict=True):
        value = getattr(fault, name)
        if value != default:
            shown[name] = plain(value) if isinstance(value, Decimal) else value
    return shown
