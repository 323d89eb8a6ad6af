"""A configuration that may change while services run: what each process needs for it, over its own database."""

from collections.abc import Awaitable, Callable
from functools import partial

from msgspec import Struct

from roottrading.adapters.store.port import Control
from roottrading.adapters.store.postgres.configuration import configuration, configure
from roottrading.adapters.store.postgres.database import Database
from roottrading.domain.time import Time
from roottrading.messages.service import Row
from roottrading.runtimes.distributed.configuring.adopting import Adoption, Adopts, ConfigurationKeys, Judge
from roottrading.runtimes.distributed.configuring.reconfiguring import Basis, until_changed

MakeAdoption = Callable[[Callable[[], Time], Callable[[Row], None]], Adoption]  # of the time, and a keeper of alerts


class Changing(Struct, frozen=True):
    """What an incarnation is made for, the exchange's time, and who judges other wishes.

    `step` is the time between two decisions, `rate` the exchange's pace.
    """

    basis: Basis
    now: Callable[[], Time]
    judge: Judge
    step: Time
    rate: int


def adoption(
    changing: Changing, database: Database, keys: ConfigurationKeys, post: Callable[[Control], Awaitable[object]]
) -> MakeAdoption:
    """Return how to keep the keys of the configuration, as one service does."""
    adopts = Adopts(
        changing.basis.wish,
        changing.judge,
        partial(configuration, database),
        partial(configure, database),
        post,
        changing.basis.finest,
        changing.step,
        changing.rate,
    )
    return lambda now, alert: Adoption(adopts, keys, now, alert)


async def ends(changing: Changing, database: Database) -> None:
    """Wait until another configuration counts, and raise Reconfigured."""
    await until_changed(changing.basis, changing.now, partial(configuration, database))
