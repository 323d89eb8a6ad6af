"""Who hears what: units that come and go, what was said and not heard, and how far sources are ahead."""

from roottrading.adapters.bus.port import Delivery, Heads
from roottrading.adapters.store.memory_units import MemoryUnits
from roottrading.adapters.store.port import Loaded
from roottrading.messages.envelope import Envelope
from roottrading.messages.events import AlertRaised
from roottrading.runtimes.distributed.hearers import Hearers
from roottrading.runtimes.distributed.room import Room
from roottrading.runtimes.distributed.unit.actor import Actor
from roottrading.runtimes.distributed.unit.inbox import HeadHeard
from roottrading.runtimes.step import Unit
from roottrading.services.dispatcher import Dispatcher
from tests.unit.runtimes.distributed.weighing.test_weigher import ways

A, B, C = (("gateway", f"market/{name}/1m") for name in "ABC")


def actor(shard: int) -> Actor:
    units = MemoryUnits(())
    unit = Unit("analyzer", shard, Dispatcher())
    return Actor(unit, units.unit(f"analyzer/{shard}"), Loaded({}, {}, (), None, 0, 1), ways())


def said(stream: tuple[str, str], sequence: int) -> Delivery:
    body = AlertRaised("info", "said", "", "A", sequence)
    return Delivery("market", Envelope(*stream, sequence, sequence - 1, sequence, "cause", body))


def given(actor: Actor) -> list[object]:
    return [each.given for each in actor.inbox.take(100)[1:]]  # the first is that it was loaded


def test_each_hears_its_own_streams_until_it_goes() -> None:
    first, second, hearers = actor(1), actor(2), Hearers(Room(lambda: 0))
    assert not hearers
    hearers.add(first, [A, B])
    hearers.add(second, [B, C])
    assert sorted(hearers.keys) == ["A/1m", "B/1m", "C/1m"]
    batch = [said(A, 1), said(B, 1), said(C, 1), said(("gateway", "market/D/1m"), 1)]
    hearers.hear(batch)
    hearers.remove([1])
    hearers.hear([said(A, 2), said(B, 2)])
    assert given(first) == [batch[0].envelope, batch[1].envelope]
    assert given(second) == [batch[1].envelope, batch[2].envelope, said(B, 2).envelope]
    assert sorted(hearers.keys) == ["B/1m", "C/1m"]
    hearers.remove([2])
    assert not hearers


def test_what_was_said_and_not_heard_is_fetched_and_counted() -> None:
    first, second, hearers = actor(1), actor(2), Hearers(Room(lambda: 0))
    hearers.add(first, [A])
    hearers.add(second, [B])
    first.unit.seen[A] = 5
    hearers.hear_heads(Heads("gateway", "market", {A[1]: 5, B[1]: 7, C[1]: 9}))
    assert given(first) == []
    assert given(second) == [HeadHeard(*B, 7)]
    assert hearers.behind({"gateway": {A[1]: 5}}) == 1
    assert hearers.behind({"gateway": {A[1]: 5, B[1]: 7}}) == 0
    hearers.remove([2])
    assert hearers.behind({"gateway": {A[1]: 5}}) == 0  # it is another instance's to catch up with that


def test_after_a_cut_everything_is_caught_up_with() -> None:
    first, hearers = actor(1), Hearers(Room(lambda: 0))
    hearers.add(first, [A, B])
    hearers.listening()
    assert given(first) == [HeadHeard(*A), HeadHeard(*B)]
