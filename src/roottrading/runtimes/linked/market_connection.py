"""The market alone at the other end of a wire, without a key: what a run with simulated money is connected to."""

from collections.abc import Callable, Mapping
from typing import Final

from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.streams.binance_market import (
    BinanceMarket,
    MarketEndpoints,
    stream_settings_at,
)
from roottrading.adapters.exchange.binance.streams.market_streams import Deliver
from roottrading.adapters.exchange.binance.streams.settings import StreamSettings
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import MINUTE, Time
from roottrading.runtimes.linked.clocks import clock_of
from roottrading.runtimes.linked.warming import CandleHistory

_STEPPED: Final = LinkSettings(reconcile_every=10 * MINUTE)  # where the clock stands nothing changes by itself


class MarketConnection:
    """Binance's market at two doors, on one clock.

    `stepped` is for an exchange whose clock stands between moves; else it goes `rate` times as fast as ours, which is
    `local` (microseconds that only go forward).
    """

    def __init__(
        self,
        endpoints: MarketEndpoints,
        symbols: tuple[str, ...],
        deliver: Deliver,
        streams: StreamSettings | None = None,
        *,
        stepped: bool = False,
        rate: int = 1,
        local: Callable[[], Time] | None = None,
        look_every: Time = MINUTE,
    ) -> None:
        """Take whose market is wanted, and who hears it; nothing is sent before `open`.

        Clock and symbols are looked at `look_every` microseconds of ours.
        """
        self.endpoints = endpoints
        self.clock = clock_of(stepped, rate, local)
        self.market = BinanceMarket(
            endpoints,
            symbols,
            deliver,
            settings=_STEPPED if stepped else LinkSettings(clock_rate=rate, reconcile_every=look_every),
            streams=stream_settings_at(endpoints.streams, rate, stands=stepped, usual=streams),
            clock=self.clock,
        )

    async def open(self) -> None:
        """Learn the exchange's clock, limits and instruments. Raises LinkError naming what could not be reached."""
        try:
            await self.market.open()
        except LinkError as error:
            raise LinkError(
                f"the market at {self.endpoints.rest} cannot be followed: {error}; other addresses can be set in "
                "[binance], and --tape plays a recorded market without any network"
            ) from None

    async def close(self) -> None:
        """End all connections."""
        await self.market.close()

    def now(self) -> Time:
        """Return the exchange's time."""
        return self.market.now()

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The filters of all symbols, once it is open."""
        return self.market.instruments

    @property
    def history(self) -> CandleHistory:
        """The candles of the past."""
        return self.market.history

    @property
    def is_asking(self) -> bool:
        """Whether a question to the history is under way."""
        return bool(self.market.streams.asking)

    @property
    def frames(self) -> Mapping[str, int]:
        """The frames that were read and dealt with, by connection."""
        return self.market.streams.frames
