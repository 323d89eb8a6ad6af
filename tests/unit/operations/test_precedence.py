"""Who goes before ordinary programs does so with all that it starts, and who may not is told what to do."""

import os
import shutil
import subprocess
import sys

import pytest

from roottrading.cli.errors import WRONG_USAGE

_CHILD = """
import os, sys, threading
from roottrading.operations.precedence import take_precedence
{before}
take_precedence()
found = []
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
child = os.fork()
if not child:
    os._exit(os.sched_getscheduler(0))
print(os.sched_getscheduler(0), found[0], os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

_AWAKE = """
import os
from pathlib import Path
from roottrading.operations.precedence import keep_cores_awake
{before}
asked = keep_cores_awake()
held = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
print(asked, held.count("/dev/cpu_dma_latency"))
"""

_MAY_NOT = "import resource; resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0)); os.setuid(65534)"
linux_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux can both give and take this right"
)


def run(before: str, child: str = _CHILD) -> "subprocess.CompletedProcess[str]":
    script = child.format(before=before)
    return subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)


@linux_root
def test_threads_and_processes_started_after_it_go_before_others_too() -> None:
    done = run("")
    if "LimitRTPRIO" in done.stderr:
        pytest.skip("this machine lets nobody go before others")
    assert done.stdout.split() == [str(os.SCHED_RR)] * 3


@linux_root
@pytest.mark.skipif(not os.access("/dev/cpu_dma_latency", os.W_OK), reason="this kernel lets nobody keep cores awake")
def test_cores_stay_awake_for_as_long_as_the_process_lives() -> None:
    assert run("", _AWAKE).stdout.split() == ["True", "1"]


@linux_root
def test_who_may_not_keep_cores_awake_goes_on_without() -> None:
    done = run("os.setgid(65534); os.setuid(65534)", _AWAKE)
    assert done.stdout.split() == ["False", "0"], done.stderr


@linux_root
def test_who_may_not_is_told_what_to_do() -> None:
    done = run(_MAY_NOT)
    assert "PrecedenceRefused" in done.stderr
    assert "ulimit -r 1" in done.stderr


@linux_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="it takes a right away by setpriv")
def test_a_service_that_may_not_ends_for_good() -> None:
    command = ("setpriv", "--bounding-set=-sys_nice", sys.executable, "-m", "roottrading", "trader", "--realtime")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ulimit -r 1" in done.stderr
    assert done.returncode == WRONG_USAGE
