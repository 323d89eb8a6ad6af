"""A command that runs to its end, never for longer than it may."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from roottrading.operations.local_servers.accounts import Account


class CommandFailed(Exception):
    """A command took too long or ended with an error: which, and what it said last."""


def run(
    command: Sequence[str | Path],
    patience: float,
    *,
    folder: Path | None = None,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    last_lines: int = 5,
) -> str:
    """Run a command and return what it said; CommandFailed where it fails, or is not done in `patience` seconds."""
    named = Path(command[0]).name
    with tempfile.TemporaryFile() as output:  # a pipe would be waited for as long as any grandchild holds it
        running = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=None if account is None else account.user,
            group=None if account is None else account.group,
            extra_groups=None if account is None else [],
        )
        try:
            code = running.wait(patience)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"{named} took longer than {patience:g} s") from None
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        output.seek(0)
        told = output.read().decode("utf-8", "replace").strip()
    if code != 0:
        raise CommandFailed(f"{named} ended with code {code}: {' / '.join(told.splitlines()[-last_lines:])}")
    return told
