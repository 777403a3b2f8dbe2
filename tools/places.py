"""Where things of one checkout live when its own path will not do.

A Unix socket's path has at most 107 bytes and PostgreSQL's list of socket folders gives a meaning to commas and
quotes; and when root runs the tools, the server runs as `postgres`, who can't enter every folder (/root is 0700).
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

from tools.account import Account
from tools.errors import ToolError

SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = len("/sidecar/engine-00000.sock")
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._+-]*")


def fits_socket(folder: Path) -> bool:
    """Whether sockets below the folder can be bound, and named in every client's settings without quoting."""
    text = str(folder)
    return PLAIN_PATH.fullmatch(text) is not None and len(text) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT


def digest(folder: Path) -> str:
    """A short name for a folder that is the same in every run."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]


def run_folder(root: Path, account: Account) -> Path:
    """The folder of sockets and pid files: in the checkout if that will do, else a short one in /tmp."""
    own = root.resolve() / "run"
    if fits_socket(own) and account.can_enter(root):
        return own
    return Path("/tmp") / f"nl2sql-{os.geteuid()}-{digest(root)}"


def data_folder(root: Path, account: Account) -> Path:
    """The cluster's data: in the checkout if the server's user can enter it, else in /var/tmp."""
    own = root.resolve() / "pg"
    if own.is_symlink():
        return own.readlink()
    if account.can_enter(root):
        return own
    return Path("/var/tmp") / f"nl2sql-{digest(root)}"


def own_folder(path: Path, mode: int, uid: int, gid: int) -> Path:
    """Make a folder with this mode and owner, or take an existing one that nobody else could have prepared.

    Folders with known names in /tmp invite others to make them first, so what exists is believed only if it is a
    real folder of the right owner (or of ours) that others can't write to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        refuse_foreign(path, {uid, os.geteuid()})
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(mode)
    return path


def refuse_foreign(path: Path, owners: set[int]) -> None:
    """Raise if the path is not a folder that only these users can write to."""
    found = path.lstat()
    trouble = ""
    if not stat.S_ISDIR(found.st_mode):
        trouble = "is not a folder"
    elif found.st_uid not in owners:
        trouble = f"belongs to user {found.st_uid}"
    elif found.st_mode & 0o022:
        trouble = "is writable by others"
    if trouble:
        raise ToolError(f"{path} {trouble}", hint=f"look who made it, remove it, and run this again: {path}")
