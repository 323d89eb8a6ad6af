"""Putting an exchange together: market, venue, clock and server."""

import asyncio
from collections.abc import Callable, Mapping
from fractions import Fraction

from msgspec import Struct

from roottrading.adapters.exchange.simulated.settings import FillModel
from roottrading.domain.fees import FeeSchedule
from roottrading.domain.time import MINUTE, Time
from roottrading.exchange_server import listen_keys, sapi
from roottrading.exchange_server.clock_paced import PacedClock, pace_of
from roottrading.exchange_server.clock_stepped import SteppedClock
from roottrading.exchange_server.drifting import DriftingClock
from roottrading.exchange_server.faults.acts import Acts
from roottrading.exchange_server.faults.agenda import Agenda
from roottrading.exchange_server.faults.meddling import Meddling
from roottrading.exchange_server.faults.register import Register
from roottrading.exchange_server.limits import LimitSettings
from roottrading.exchange_server.market.board import Board
from roottrading.exchange_server.market.moving import MovingMarket, PointMatching, SteppedMarket
from roottrading.exchange_server.market.opening import OpenedMarket
from roottrading.exchange_server.market.public_market import PublicMarket
from roottrading.exchange_server.market.questions import market_endpoints
from roottrading.exchange_server.market.recorded_ladder import DepthMatching
from roottrading.exchange_server.market.sockets import StreamSockets
from roottrading.exchange_server.operations import ENDPOINTS
from roottrading.exchange_server.server import ExchangeServer
from roottrading.exchange_server.socket_settings import SocketSettings
from roottrading.exchange_server.traffic import Traffic
from roottrading.exchange_server.venue import TradingVenue

STEPPED = "stepped"


class Terms(Struct, frozen=True):
    """How the exchange is run: `clock` is `real`, `60x` (any pace) or `stepped`.

    `expected` are the processes of each service that a stepped clock waits for. `begin` is the first instant of any
    other clock where that is later than the market's: inside a candle. With `sapi` there are answers, mostly empty, to
    what some clients ask there before they begin; with `listen_keys` older ones hear user data as they used to.
    """

    clock: str
    fees: FeeSchedule
    model: FillModel
    limits: LimitSettings
    expected: Mapping[str, int] = {}
    sockets: SocketSettings = SocketSettings()
    begin: Time = 0
    sapi: bool = False
    listen_keys: bool = False


class Exchange(Struct):
    """A whole exchange; `run` moves its clock."""

    server: ExchangeServer
    venue: TradingVenue
    market: PublicMarket
    streams: StreamSockets
    traffic: Traffic
    clock: PacedClock | SteppedClock
    meddling: Meddling
    agenda: Agenda

    async def run(self) -> None:
        """Move the market until cancelled; a stepped clock is moved by others."""
        if isinstance(self.clock, PacedClock):
            await self.clock.run()
        else:
            await asyncio.Event().wait()


def assemble(opened: OpenedMarket, terms: Terms, wall: Callable[[], float]) -> Exchange:
    """Put the exchange together, its market standing at its beginning.

    Raises ValueError for a clock that there is not.
    """
    pace = None if terms.clock == STEPPED else pace_of(terms.clock)
    if pace is None and terms.clock != STEPPED:
        raise ValueError(f"clock {terms.clock!r}: use real, stepped, or a pace such as 60x")
    market, traffic = opened.market, Traffic()
    market.begin(opened.start)
    venue = TradingVenue(opened.instruments, terms.fees, terms.model)
    streams = StreamSockets(traffic, terms.sockets)
    board = Board(market, streams.say)
    depth = DepthMatching(venue, market, opened.feeds)
    register = Register()
    agenda = Agenda(register)
    clock, drained = _clock(opened, terms, pace, venue, board, depth, traffic, agenda, wall)
    drifting = DriftingClock(clock)
    streams.attach(board, drifting)
    endpoints = (*ENDPOINTS, *market_endpoints(market), *(sapi.ENDPOINTS if terms.sapi else ()))
    server = ExchangeServer(venue, drifting, endpoints, terms.limits, streams, traffic=traffic, sockets=terms.sockets)
    if terms.listen_keys:
        server.offer(listen_keys.endpoints(listen_keys.ListenKeys(server.subscribers, streams)))
    acts = Acts(venue, drifting, drained, depth.ladders)
    server.meddler = meddling = Meddling(register, acts, streams, server.subscribers, drifting.now)
    return Exchange(server, venue, market, streams, traffic, clock, meddling, agenda)


def _clock(
    opened: OpenedMarket,
    terms: Terms,
    pace: Fraction | None,
    venue: TradingVenue,
    board: Board,
    depth: DepthMatching,
    traffic: Traffic,
    agenda: Agenda,
    wall: Callable[[], float],
) -> tuple[PacedClock | SteppedClock, set[str]]:
    """Return the clock, and the set of symbols whose candles nobody may take of."""
    market = opened.market
    if pace is None:
        market.listeners.append(depth.hear)
        stepped = SteppedMarket(market, board, venue, opened.finest or MINUTE, agenda.come)
        stepped.begin(opened.start)
        return SteppedClock(stepped, opened.start, terms.expected, traffic.written), stepped.drained
    points = PointMatching(venue, frozenset(market.symbols) - opened.feeds)
    moving = MovingMarket(market, board, (points, depth), agenda)
    moving.move(opened.start)
    begin = max(opened.start, terms.begin)
    moving.move(begin)
    return PacedClock(moving, begin, pace, wall), points.drained
