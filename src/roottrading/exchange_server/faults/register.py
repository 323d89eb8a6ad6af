"""The register of faults: which of them strike at an occurrence, and how often each one struck. No IO in here."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from hashlib import blake2b

from msgspec import Struct

from roottrading.exchange_server.faults.fault import NOW, Fault


class Standing(Struct):
    """A fault with its number, how often it was met and struck, and why it last could not be carried out."""

    number: int
    fault: Fault
    seen: int = 0
    struck: int = 0
    problem: str = ""


class Strike(Struct, frozen=True):
    """A fault that strikes now, for the `count`-th time."""

    number: int
    fault: Fault
    count: int

    @property
    def delay(self) -> float:
        """Seconds of its delay: the same for the same fault and count, whoever asks."""
        extra = 0
        if self.fault.jitter:
            digest = blake2b(f"{self.number}/{self.count}".encode(), digest_size=8).digest()
            extra = int.from_bytes(digest) % (self.fault.jitter + 1)
        return (self.fault.milliseconds + extra) / 1000


class Register:
    """All faults that stand, in the order they came; those that are spent stay, with their counts."""

    def __init__(self) -> None:
        self._standing: dict[int, Standing] = {}
        self._numbers = 0
        self.at_once: Callable[[Strike], None] | None = None  # who carries out faults that strike when they come

    def add(self, fault: Fault) -> int:
        """Take a fault in and return its number; one without a place strikes now."""
        self._numbers += 1
        standing = self._standing[self._numbers] = Standing(self._numbers, fault)
        if fault.where == NOW and self.at_once is not None:
            try:
                self.at_once(Strike(standing.number, fault, 1))
            except ValueError:
                del self._standing[standing.number]
                raise
            standing.seen = standing.struck = 1
        return standing.number

    def begin(self, fault: Fault) -> None:
        """Take in a fault whose time has come: one that cannot be carried out stands with its problem."""
        try:
            self.add(fault)
        except ValueError as error:
            self._standing[self._numbers] = Standing(self._numbers, fault, problem=str(error))

    def fail(self, strike: Strike, problem: str) -> None:
        """Note that a strike could not be carried out."""
        standing = self._standing.get(strike.number)
        if standing is not None:
            standing.struck -= 1
            standing.problem = problem

    def remove(self, number: int) -> bool:
        """Take a fault away; say whether there was one of that number."""
        return self._standing.pop(number, None) is not None

    def clear(self) -> None:
        """Take all faults away."""
        self._standing.clear()

    def strike(self, where: str, symbol: str = "", account: str = "") -> list[Strike]:
        """Count an occurrence, and return the faults that strike at it, in the order they came."""
        found = []
        for standing in self._standing.values():
            fault = standing.fault
            if fault.where == NOW or not fnmatchcase(where, fault.where):
                continue
            if fault.symbol not in {"", symbol} or fault.account not in {"", account}:
                continue
            standing.seen += 1
            if standing.seen >= fault.nth and (not fault.times or standing.seen < fault.nth + fault.times):
                standing.struck += 1
                found.append(Strike(standing.number, fault, standing.struck))
        return found

    def __iter__(self) -> Iterator[Standing]:
        return iter(tuple(self._standing.values()))
