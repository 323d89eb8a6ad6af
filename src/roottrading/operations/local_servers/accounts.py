"""Whose rights a server runs with: PostgreSQL refuses root's."""

import os
import pwd
import subprocess
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from roottrading.operations.local_servers.errors import ServerError

NAMES: Final = ("postgres", "nobody")
ELSEWHERE: Final = Path("/var/lib/roottrading")


class Account(NamedTuple):
    """A user of this machine."""

    user: int
    group: int


def unprivileged() -> Account | None:
    """Return the account that a program which refuses root runs under, None where this process is not root."""
    if os.geteuid() != 0:
        return None
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError(f"PostgreSQL does not run as root, and there is no user {' or '.join(NAMES)} to run it as")


def own_folder(wanted: Path, account: Account | None) -> Path:
    """Make a folder for an account and return it: the wanted one, or one under /var/lib where it may not go there.

    A clone in root's home, say, is closed to everybody else; a folder elsewhere is named after the wanted one.
    """
    if account is None:
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted
    wanted.parent.mkdir(parents=True, exist_ok=True)
    folder = wanted
    if not _may_enter(wanted.parent, account):
        folder = ELSEWHERE / blake2b(os.fsencode(wanted.resolve()), digest_size=8).hexdigest()
        ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    os.chown(folder, account.user, account.group)
    return folder


def _may_enter(folder: Path, account: Account) -> bool:
    tried = subprocess.run(
        ["test", "-x", folder], check=False, cwd="/", user=account.user, group=account.group, extra_groups=[]
    )
    return tried.returncode == 0
