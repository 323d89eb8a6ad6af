"""All units in one process, moved by what comes over a wire: decide, commit, then send (consistency-rules 3.6, 4.1).

Nothing in here waits or knows a socket: candles, the exchange's events and deadlines are handed in as they come. Before
each of them the inbox is emptied: nothing is decided that a person's command, left before, would have forbidden.
"""

from collections.abc import Callable, Sequence

from roottrading.domain.time import Time
from roottrading.messages.exchange import AnyRequest, ExchangeEvent
from roottrading.messages.service import CandleObserved, InstantComplete, Row, WeightsSet
from roottrading.runtimes.controlling import Inbox
from roottrading.runtimes.keeping import Keeper
from roottrading.runtimes.linked.barrier import CandleBarrier, Observation
from roottrading.runtimes.linked.outbox import Outbox
from roottrading.runtimes.linked.shared_account import SharedAccount
from roottrading.runtimes.session import Position, Session
from roottrading.runtimes.settle import addressed

Observer = Callable[[Position, Sequence[Row]], None]


class LinkedSession:
    """A session whose exchange is elsewhere.

    `now` is the exchange's clock. `send` is given requests after the commit that knows of them, and must return at
    once. `observe` is told of every rest. What raises ends the session: memory that was not kept is never acted on, so
    nothing that comes after it is heard (consistency-rules 3.2).
    """

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        keeper: Keeper,
        barrier: CandleBarrier,
        account: SharedAccount,
        inbox: Inbox,
        now: Callable[[], Time],
        send: Callable[[Sequence[AnyRequest]], None],
        observe: Observer = lambda position, rows: None,
    ) -> None:
        self.session = session
        self.completed = Position(barrier.at, "candles")
        self.given_up = 0  # T's that were decided without a symbol's candle
        self._outbox = outbox
        self._keeper = keeper
        self._barrier = barrier
        self._account = account
        self._inbox = inbox
        self._now = now
        self._send = send
        self._observe = observe
        self._is_broken = False
        units = session.wiring.units
        self._gateway = units["gateway"]
        self._judges = (units["coordinator"], units["portfolio"])

    def begin(self, completed: Position) -> None:
        """Let every unit know that it was loaded: recovery is start-up. `completed` is the last T decided."""
        self.completed = completed
        self.session.resume(self._now())
        self._rest()

    def heard(self, observation: Observation) -> None:
        """Take a finest candle, or that there was none."""
        self._whole(lambda: self._hear_candle(observation))

    def said(self, events: Sequence[ExchangeEvent]) -> None:
        """Take what the exchange says, all that it said at once."""
        self._whole(lambda: self._hear_exchange(events))

    def weigh(self, weights: WeightsSet) -> None:
        """Give the aggregator the weights of a day."""
        self._whole(lambda: self._weigh(weights))

    def due(self) -> None:
        """Deliver the deadlines that have come, and decide a T that was waited for long enough."""
        self._whole(self._deliver)

    def obey(self) -> None:
        """Take what a person commanded meanwhile. Raises Fenced where the state is another process's by now."""
        self._whole(lambda: None)

    def end(self) -> None:
        """Keep what nobody had to wait for."""
        self._keeper.commit(self.completed)

    # ---- inside

    def _whole(self, work: Callable[[], None]) -> None:
        """Take what a person commanded, then do this; nothing where something was left half done."""
        if self._is_broken:
            return
        self._is_broken = True  # until all of it was done
        if self._inbox.empty(self._now()):
            self._rest()
        work()
        self._is_broken = False

    def _hear_candle(self, observation: Observation) -> None:
        ready = self._barrier.arrive(observation)
        if ready:
            self._give_candles(ready)
            self._complete()

    def _hear_exchange(self, events: Sequence[ExchangeEvent]) -> None:
        self._account.hear(events)
        self.session.give(addressed(self.session.wiring, events), self._now())
        self._rest()

    def _weigh(self, weights: WeightsSet) -> None:
        self.session.give([(self.session.wiring.units["signal_aggregator"], weights)], self._now())
        self._rest()

    def _deliver(self) -> None:
        now = self._now()
        at = self.session.deadlines.next()
        if at is not None and at <= now:
            self.session.due(now)
            self._rest()
        self._complete()

    def _give_candles(self, observations: Sequence[Observation]) -> None:
        for observation in observations:
            if isinstance(observation, CandleObserved):
                self.session.closes[observation.candle.symbol] = observation.candle.close
        self.session.give([(self._gateway, observation) for observation in observations], self._now())
        self._rest()

    def _complete(self) -> None:
        """Complete every T that lacks nothing any more, each before anything of the next is given."""
        while self._barrier.is_complete(self._now()):
            at = self._barrier.at
            if self._barrier.missing:
                self.given_up += 1
            if at % self.session.decision_step == 0:
                complete = InstantComplete(at, dict(self.session.closes))
                self.session.give((), self._now(), [(unit, complete) for unit in self._judges])
            self.completed = Position(at, "candles")
            self._rest()
            following = self._barrier.turn()
            if following:
                self._give_candles(following)

    def _rest(self) -> None:
        """Keep what changed, in any case where something is to be sent; only then does it leave."""
        rows = self.session.flush()
        requests = self._outbox.take()
        self._keeper.at_rest(self.completed, rows, must=bool(requests))
        if requests:
            self._send(requests)
        self._observe(self.completed, rows)
