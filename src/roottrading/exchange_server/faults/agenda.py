"""The agenda: faults that begin at an instant of the exchange's time, and scenario files that hold them."""

import tomllib
from decimal import Decimal
from heapq import heappop, heappush
from pathlib import Path

from roottrading.domain.time import Time, parse_time
from roottrading.exchange_server.faults.fault import Fault, FaultError, read_fault
from roottrading.exchange_server.faults.register import Register


class Agenda:
    """Faults still to come, the first one first."""

    def __init__(self, register: Register) -> None:
        """Give faults to this register when their time has come."""
        self._register = register
        self._coming: list[tuple[Time, int, Fault]] = []
        self._count = 0

    def add(self, fault: Fault) -> int | None:
        """Take a fault in: its number if it stands at once, None if it is still to come; FaultError for no instant."""
        if not fault.at:
            return self._register.add(fault)
        try:
            at = parse_time(fault.at)
        except ValueError as error:
            raise FaultError(f"fault {fault.kind!r}: at: {error}") from None
        self._count += 1
        heappush(self._coming, (at, self._count, fault))
        return None

    def next_at(self) -> Time | None:
        """Return when the next fault begins, None where none is to come."""
        return self._coming[0][0] if self._coming else None

    def come(self, now: Time) -> None:
        """Let the faults whose time has come begin."""
        while self._coming and self._coming[0][0] <= now:
            self._register.begin(heappop(self._coming)[2])

    def coming(self) -> list[Fault]:
        """Return what is still to come, in order."""
        return [fault for _, _, fault in sorted(self._coming)]

    def clear(self) -> None:
        """Forget what is still to come."""
        self._coming.clear()


def read_scenario(path: Path) -> list[Fault]:
    """Read a scenario: a TOML file of `[[fault]]` tables.

    Raises FaultError naming the file, the fault's place in it and what is wrong.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise FaultError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FaultError(f"{path}: no TOML ({error})") from None
    tables = document.pop("fault", None)
    if document or not isinstance(tables, list):
        raise FaultError(f"{path}: a scenario holds [[fault]] tables and nothing else")
    found = []
    for place, table in enumerate(tables, 1):
        try:
            fault = read_fault(table)
            if fault.at:
                parse_time(fault.at)
        except ValueError as error:
            raise FaultError(f"{path}, fault {place}: {error}") from None
        found.append(fault)
    return found
