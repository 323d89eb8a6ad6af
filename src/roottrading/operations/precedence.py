"""Going before all ordinary programs of a machine, for those whose answer an order waits for.

Under Linux' usual scheduler a process that has slept waits for its turn beside a busy neighbor, up to 4 ms at each of a
dozen hand-overs between frame and order. Under SCHED_RR (sched(7)) it runs at once; the kernel keeps a twentieth of the
time for all others. And a core that has nothing to do sleeps, on a virtual machine until its host has woken it: that is
as much again at each hand-over, unless somebody asks the kernel for cores that wait awake.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

_LEAST: Final = 1  # the lowest of 99: whatever else is real-time there goes first
_LATENCY: Final = Path("/dev/cpu_dma_latency")  # microseconds to wake up in that somebody can bear (kernel: PM QoS)


class PrecedenceRefused(Exception):
    """This user may not do that, or this system cannot; the text says what to do."""


def take_precedence(process: int = 0) -> None:
    """Have a process (0: this one), and all threads and processes that it starts from now on, go before ordinary ones.

    Raises PrecedenceRefused.
    """
    if not hasattr(os, "sched_setscheduler"):
        raise PrecedenceRefused("--realtime: this system has no SCHED_RR; leave it out")
    try:
        os.sched_setscheduler(process, os.SCHED_RR, os.sched_param(_LEAST))
    except PermissionError:
        raise PrecedenceRefused(
            "--realtime: this user may not go before others: let root start it, or allow it (`ulimit -r 1`; "
            "LimitRTPRIO=1 in a systemd unit)"
        ) from None


def keep_cores_awake() -> bool:
    """Ask that no core falls asleep while this process lives; say whether the system has an ear for that.

    It costs what cores take that wait. A system without such a request, or a user who may not make it, goes without.
    """
    with suppress(OSError):
        os.write(os.open(_LATENCY, os.O_WRONLY | os.O_CLOEXEC), struct.pack("i", 0))  # it holds until that is closed
        return True
    return False
