"""What docs/operations.md shows: a developer's servers, started and ended by make."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import redis

from roottrading.operations.local_servers.addresses import KINDS, VARIABLES
from tests.servers import needed

ROOT = Path(__file__).parents[3]
MAKE = 'make() { command make -o .venv/.run "$@"; }'  # the environment that runs this needs no look
COMMAND = re.compile(r"^(make services-.*)$", re.MULTILINE)


def test_the_commands_shown_start_and_end_all_three(server_folder: Path) -> None:
    for kind in KINDS:
        needed(kind)
    of_make = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")  # the suite itself is begun by make: that would show in what is said
    environment = {name: value for name, value in os.environ.items() if name not in of_make}
    environment["SERVICES"] = str(server_folder)

    def typed(command: str) -> str:
        ended = subprocess.run(
            ["bash", "-c", f"{MAKE}; {command}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"$ {command}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        return ended.stdout

    up, down, wipe = COMMAND.findall((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))
    try:
        told = dict(line.removeprefix("export ").split("=", 1) for line in typed(up).splitlines())
        assert list(told) == [VARIABLES[kind] for kind in KINDS]
        shown = typed(f'eval "$(make -s services-up)"; echo "$ROOTTRADING_REDIS_URL {os.getpid()}"')
        assert shown.split() == [told["ROOTTRADING_REDIS_URL"], str(os.getpid())]
        with redis.Redis.from_url(told["ROOTTRADING_REDIS_URL"]) as client:
            assert client.ping()
            typed(down)
            with pytest.raises(redis.ConnectionError):
                client.ping()
        assert sorted(path.name for path in server_folder.iterdir()) == sorted(KINDS)
    finally:
        typed(wipe)
    assert list(server_folder.iterdir()) == []
