"""Packages of servers bring services of their own: these stay off, since only ours are wanted."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

POLICY: Final = Path("/usr/sbin/policy-rc.d")  # Debian asks it before it starts a service
NOTHING: Final = "#!/bin/sh\n# of RootTrading, while it installs a server's package\nexit 101\n"
PATIENCE: Final = 60.0
SERVICES: Final = frozenset({"redis-server", "postgresql"})  # named like their packages


@contextmanager
def services_stay_off(packages: Sequence[str], policy: Path = POLICY) -> Iterator[None]:
    """Let packages be installed without their services being started, then or at the next boot."""
    ours = not policy.exists() or policy.read_text(encoding="utf-8") == NOTHING  # left by one that was killed
    if ours:
        policy.write_text(NOTHING, encoding="ascii")
        policy.chmod(0o755)
    try:
        yield
        toggle = shutil.which("update-rc.d")
        for name in SERVICES.intersection(packages) if toggle else ():
            subprocess.run([str(toggle), name, "disable"], check=False, capture_output=True, timeout=PATIENCE)
    finally:
        if ours:
            policy.unlink(missing_ok=True)
