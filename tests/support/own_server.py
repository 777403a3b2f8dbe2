"""A PostgreSQL installation of one's own, for tests that install other versions of the extension.

PostgreSQL finds its files relative to its programs, so a folder with copies of these, a link to the libraries and a
copy of the shared files is an installation of its own: nothing is written to the real one, and no rights are needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import find_pg_config

PROGRAMS = ("postgres", "initdb", "pg_ctl", "pg_config", "psql")


@dataclass(frozen=True)
class OwnServer:
    """The installation's pg_config."""

    pg_config: Path

    @property
    def share(self) -> Path:
        return ask_pg_config(self.pg_config, "--sharedir")

    def install(self, tree: Path, *, keep: bool = False) -> None:
        """make install of a source tree; `keep`: leave the scripts of other versions where they are."""
        before = {path: path.read_bytes() for path in (self.share / "extension").glob("nl2sql--*.sql")} if keep else {}
        # the server's own Python compiles, without what the test's environment sets
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            ["make", "-s", "-C", tree / "extension", "install", f"PG_CONFIG={self.pg_config}"],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        for path, text in before.items():
            path.write_bytes(text)


def own_server(folder: Path) -> OwnServer:
    """Make the installation below `folder`, without any version of nl2sql."""
    pg_config = find_pg_config()
    bin_, share, lib = (ask_pg_config(pg_config, f"--{name}") for name in ("bindir", "sharedir", "pkglibdir"))
    common = Path(os.path.commonpath([bin_, share, lib]))
    here = {path: folder / path.relative_to(common) for path in (bin_, share, lib)}
    here[bin_].mkdir(parents=True)
    for program in PROGRAMS:
        shutil.copy(bin_ / program, here[bin_] / program)
    here[lib].symlink_to(lib)
    shutil.copytree(share, here[share], ignore=shutil.ignore_patterns("nl2sql*", "man", "doc", "locale"))
    found = OwnServer(here[bin_] / "pg_config")
    assert found.share == here[share], "this PostgreSQL can't be relocated"
    return found


def ask_pg_config(pg_config: Path, what: str) -> Path:
    return Path(subprocess.run([pg_config, what], capture_output=True, text=True, check=True).stdout.strip())
