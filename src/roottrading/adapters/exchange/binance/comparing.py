"""What is looked at again and again: instruments, balances, the clock; and what was missed, after every connection."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from roottrading.adapters.exchange.binance.carrying_out import Carrier
from roottrading.adapters.exchange.binance.doors import Changed
from roottrading.adapters.exchange.binance.errors import NOT_ALLOWED, Failure
from roottrading.adapters.exchange.binance.first_questions import check_listed, learn_clock
from roottrading.adapters.exchange.binance.orders_to_events import Reader
from roottrading.adapters.exchange.binance.questions import Questions, Unanswered, missed
from roottrading.adapters.exchange.binance.replies import Events
from roottrading.adapters.exchange.binance.rest import Rest
from roottrading.adapters.exchange.binance.server_clock import ServerClock
from roottrading.adapters.exchange.binance.settings import LinkSettings
from roottrading.adapters.exchange.binance.wire import Malformed
from roottrading.adapters.exchange.link import LinkError
from roottrading.domain.instrument import Instrument
from roottrading.domain.time import SECOND
from roottrading.messages.exchange import InstrumentChanged, ReconcileDue

_LOG: Final = logging.getLogger(__name__)
_RATES_AT_ONCE: Final = 50  # of symbols: a question weighs 20, and a minute has room for 6,000 of all who ask
_BETWEEN_LOOKS: Final = 1.0  # seconds between two looks at instruments of which a filter made doubtful
_BAD_KEY: Final = frozenset({-2014, NOT_ALLOWED, -1022})


class Comparing:
    """Keeps what we know in step with the exchange; `instruments` are those of the link's symbols."""

    def __init__(
        self,
        symbols: Sequence[str],
        questions: Questions,
        reader: Reader,
        carrier: Carrier,
        rest: Rest,
        clock: ServerClock,
        settings: LinkSettings,
        put: Callable[[Events], None],
        changed: Changed,
    ) -> None:
        self.instruments: dict[str, Instrument] = {}
        self._symbols = symbols
        self._questions = questions
        self._reader = reader
        self._carrier = carrier
        self._rest = rest
        self._clock = clock
        self._settings = settings
        self._put = put
        self._changed = changed
        self._unasked: Sequence[str] = ()  # symbols whose rates are still to be asked for

    async def learn(self) -> None:
        """Learn clock and instruments, and whether the key is good. Raises LinkError where that is not possible."""
        await learn_clock(self._rest, self._clock)
        try:
            self.instruments = await self._questions.instruments(self._symbols)
            await self._questions.account()
        except Unanswered as error:
            if isinstance(error.answer, Failure) and error.answer.code in _BAD_KEY:
                raise LinkError(
                    f"the exchange refuses the API key ({error}): check key, secret, its rights and the addresses it "
                    "may be used from"
                ) from None
            raise LinkError(f"the exchange did not answer a first question: {error}") from None
        except Malformed as error:
            raise LinkError(f"the exchange's first answer is not in Binance's form: {error}") from None
        pairs = self.instruments.items()
        self._reader.assets = {symbol: (each.base_asset, each.quote_asset) for symbol, each in pairs}
        check_listed(self._symbols, self.instruments)

    async def greet(self) -> None:
        """Tell what was missed, again and again until it is told; then entries go out."""
        self._unasked = self._symbols
        await self._ask_rates()
        while True:
            try:
                await self._look_at_instruments(everything=True)
                self._put(await missed(self._questions, self._reader, self._symbols))
                break
            except (Unanswered, Malformed) as error:
                self._changed("user_data", "comparing", str(error))
                await asyncio.sleep(1)
        self._put((ReconcileDue("", "", self._clock.now()),))
        self._carrier.compared.set()

    async def keep_comparing(self) -> None:
        """Look at instruments and balances each minute, and at instruments where a filter refused something."""
        while True:
            surprised = await self._until_minute_or_surprise()
            try:
                await self._look_at_instruments(everything=False)
            except Unanswered as error:
                _LOG.warning("the exchange's instruments could not be looked at: %s", error)
            if surprised:
                await asyncio.sleep(_BETWEEN_LOOKS)
            elif self._carrier.compared.is_set():
                await self._ask_rates()
                await self.tell_balances()  # word of a change may have been lost, and books are held against it
                self._put((ReconcileDue("", "", self._clock.now()),))

    async def tell_balances(self) -> None:
        """Ask for the account's balances, and tell them."""
        try:
            self._put((await self._questions.account(),))
        except (Unanswered, Malformed) as error:
            _LOG.warning("balances changed, and the account does not answer: %s", error)

    async def keep_clock(self) -> None:
        """Measure the clock now and then, and at once where the exchange refused a time."""
        while True:
            try:
                async with asyncio.timeout(self._settings.reconcile_every / SECOND):
                    await self._carrier.doubted.wait()
                self._clock.doubt()
            except TimeoutError:
                pass
            self._carrier.doubted.clear()
            if not await self._rest.measure_clock():
                await asyncio.sleep(1)

    async def _ask_rates(self) -> None:
        """Ask for the rates of some more symbols: of many, all at once would leave no room for anything else."""
        some, self._unasked = self._unasked[:_RATES_AT_ONCE], self._unasked[_RATES_AT_ONCE:]
        await self._questions.rates(some)

    async def _look_at_instruments(self, everything: bool) -> None:
        found = await self._questions.instruments(self._symbols)
        for symbol, instrument in found.items():
            if everything or instrument != self.instruments.get(symbol):
                self._put((InstrumentChanged(symbol, "", self._clock.now(), instrument.status, instrument),))
        self.instruments.update(found)

    async def _until_minute_or_surprise(self) -> bool:
        """Wait for the next comparison, a minute of the exchange's; say whether a filter refused something before."""
        surprised = self._carrier.surprised
        # an accelerated exchange has minutes more often
        pause = self._settings.reconcile_every / SECOND / self._settings.clock_rate
        waiting = asyncio.ensure_future(surprised.wait())
        try:
            await asyncio.wait({waiting}, timeout=pause)
        finally:
            waiting.cancel()
        found = surprised.is_set()
        surprised.clear()
        return found
