"""The operating system user that the database server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import ToolError


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    home: str

    @property
    def differs(self) -> bool:
        """Whether processes must change to this user."""
        return self.uid != os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """What `subprocess` needs to start a process as this user, with a clean environment.

        PL/Python runs the interpreter that its library links to; variables of a virtual environment or of another
        Python would send it to the wrong libraries.
        """
        keep = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TZ") if key in os.environ}
        arguments: dict[str, Any] = {"env": keep | {"HOME": self.home}, "stdin": subprocess.DEVNULL}
        if self.differs:
            groups = os.getgrouplist(self.name, self.gid)
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": groups}
        return arguments

    def can_enter(self, folder: Path) -> bool:
        """Whether this user's processes can reach what lies in the folder (or in the nearest parent that exists)."""
        folder = folder.resolve()
        while not folder.exists():
            folder = folder.parent
        if not self.differs:
            return os.access(folder, os.X_OK)
        # Asked of the kernel, by a process of that user: modes, groups, ACLs and mounts all count.
        test = subprocess.run(["test", "-x", str(folder)], cwd="/", check=False, **self.popen_arguments())
        return test.returncode == 0


def server_account() -> Account:
    """The invoking user, or `postgres` for root."""
    try:
        entry = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    except KeyError:
        name = "postgres" if os.geteuid() == 0 else f"number {os.geteuid()}"
        raise ToolError(f"there is no user {name}", hint="run tools/bootstrap.sh first") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
