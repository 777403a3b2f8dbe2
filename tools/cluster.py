"""A private PostgreSQL cluster in one folder: the demo's, and one for each test that wants its own.

    with Cluster(folder) as cluster:
        psycopg.connect(cluster.dsn("postgres"))

On the command line (python3 -m tools.cluster init|start|stop|status|env|destroy) it is the checkout's own, in .nl2sql.

Who may connect: the sockets lie in a folder that only the server's user (and root) can enter, so that whoever reaches
them could as well write the data files; roles are therefore trusted there. TCP listens on 127.0.0.1 and asks for a
password (SCRAM); no role has one until somebody sets it.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.account import server_account
from tools.errors import ToolError
from tools.places import data_folder, digest, own_folder, refuse_foreign, run_folder
from tools.processes import working_in
from tools.state import State, choose_port, is_free

SUPERUSER = "postgres"
HBA = """\
# Written at every start. The socket's folder is 0700; see tools/cluster.py.
local all,replication all trust
host  all             all 127.0.0.1/32 scram-sha-256
"""
SMALL = {
    "shared_buffers": "128MB",
    "max_connections": "100",
    "client_connection_check_interval": "2s",  # statements of clients that are gone end
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


class Cluster:
    """One cluster below `root`; its data, socket folder and port are chosen once and kept."""

    def __init__(self, root: Path, *, pg_config: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.root = root.resolve()
        self.account = server_account()
        self.bin = bin_folder(pg_config or find_pg_config())
        self.settings = SMALL | dict(settings or {})
        self.data = data_folder(self.root, self.account)
        self.run = run_folder(self.root, self.account)
        self.sockets = self.run / "pg"
        self.log = self.root / "log" / "postgres.log"
        self.state = State(self.root / "state.json")

    @property
    def port(self) -> int:
        port = self.state.port()
        if port is None:
            raise ToolError(f"{self.root} has no cluster yet", hint="start it first: make up")
        return port

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def create(self) -> Self:
        """Run initdb unless that has been done."""
        if self.exists:
            self._refuse_other_major()
            return self
        self.root.mkdir(parents=True, exist_ok=True)
        self._discard_remains()
        own_folder(self.data, 0o700, self.account.uid, self.account.gid)
        if self.data != self.root / "pg":
            print(f"the user {self.account.name} can't enter {self.root}: the cluster's data lie in {self.data}")
            (self.root / "pg").symlink_to(self.data)
        sync = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        self._run(
            "initdb", "-D", str(self.data), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=reject", *sync
        )
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write("include 'nl2sql.conf'\n")
        return self

    def start(self) -> Self:
        """Start the server unless it runs, and wait until it answers."""
        if self.running():
            return self
        own_folder(self.run, 0o755, os.geteuid(), os.getegid())
        own_folder(self.sockets, 0o700, self.account.uid, self.account.gid)
        self._clear_leftovers()
        for attempt in range(3):
            self._choose_port()
            self._configure()
            try:
                self._run("pg_ctl", "start", "-w", "-t", "60", "-D", ".", log=True)
                return self
            except ToolError:
                # Somebody may have taken the port since it was looked at.
                if attempt == 2 or is_free(self.port):
                    raise
        return self

    def stop(self, mode: str = "fast") -> None:
        """Stop the server if it runs; modes are those of pg_ctl: smart, fast, immediate."""
        if self.running():
            self._run("pg_ctl", "stop", "-w", "-t", "60", "-m", mode, "-D", ".")

    def destroy(self) -> None:
        """Stop the server and remove everything that belongs to it, /tmp and /var/tmp included."""
        self.stop("immediate")
        if self.run != self.root / "run":
            remove(self.run)
        remove(self.sockets)
        remove(self.data)
        (self.root / "pg").unlink(missing_ok=True)

    def running(self) -> bool:
        """Whether the process that postmaster.pid names works in our data folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            return Path(f"/proc/{pid}/cwd").readlink() == self.data
        except (OSError, ValueError):
            return False

    def dsn(self, dbname: str = "postgres", user: str = SUPERUSER) -> str:
        """A connection string over the Unix socket, for psycopg and psql."""
        return f"host={self.sockets} port={self.port} dbname={quote_dsn(dbname)} user={quote_dsn(user)}"

    def env(self, dbname: str, user: str) -> dict[str, str]:
        """The same for programs that read libpq's variables."""
        return {"PGHOST": str(self.sockets), "PGPORT": str(self.port), "PGDATABASE": dbname, "PGUSER": user}

    def __enter__(self) -> Self:
        return self.create().start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.destroy()

    def _discard_remains(self) -> None:
        """What an initdb that did not get to its end has left."""
        for path in {self.data, self.root / "pg"}:
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                refuse_foreign(path, {self.account.uid, os.geteuid()})
                shutil.rmtree(path)

    def _refuse_other_major(self) -> None:
        made = (self.data / "PG_VERSION").read_text().strip()
        found = subprocess.run([self.bin / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        major = re.search(r"(\d+)", found)
        if major is None or major[1] != made:
            raise ToolError(
                f"the cluster in {self.data} is of PostgreSQL {made}, the programs are {found.strip()}",
                hint="remove it with `make clean`, or set PG_CONFIG to the old version's pg_config",
            )

    def _choose_port(self) -> None:
        port = self.state.port()
        if port is None or not is_free(port):
            self.state.update(port=choose_port(digest(self.root)))
        self.state.update(run_dir=str(self.run), data_dir=str(self.data), bin_dir=str(self.bin))

    def _configure(self) -> None:
        values = self.settings | {"port": str(self.port), "unix_socket_directories": str(self.sockets)}
        lines = ["# Written at every start; own settings go to postgresql.conf, below the include line."]
        lines += [f"{name} = '{quote_conf(value)}'" for name, value in values.items()]
        self._write("nl2sql.conf", "\n".join(lines) + "\n")
        self._write("pg_hba.conf", HBA)

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        if self.account.differs:
            os.chown(path, self.account.uid, self.account.gid)

    def _clear_leftovers(self) -> None:
        """After a crash a pid file may name a live process that is none of ours, and PostgreSQL would not start."""
        if working_in(self.data):
            raise ToolError(
                f"processes of an ended server still work in {self.data}: {working_in(self.data)}",
                hint="wait until they have ended, or end them, and start again",
            )
        for stale in [self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")]:
            stale.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str, log: bool = False) -> None:
        """Run one of the server's programs as the server's user, in its data folder.

        pg_ctl hands the data folder to a shell; `-D .` keeps quotes and dollars of the path out of it.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [str(self.bin / program), *arguments]
        with self.log.open("ab") as output:
            done = subprocess.run(
                command,
                cwd=self.data,
                check=False,
                stdout=output if log else subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **self.account.popen_arguments(),
            )
        if done.returncode:
            text = tail(self.log) if log else done.stdout.decode(errors="replace")
            raise ToolError(f"{program} failed:\n{text}", hint=f"the server's log is {self.log}")


def find_pg_config() -> Path:
    """$PG_CONFIG, else what the set-up chose, else the newest one whose server has PL/Python."""
    if chosen := os.environ.get("PG_CONFIG"):
        return Path(chosen)
    noted = Path(__file__).resolve().parent.parent / ".nl2sql" / "pg_config"
    if noted.exists():
        return Path(noted.read_text().strip())
    homes = sorted(Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda home: int(home.name), reverse=True)
    for home in homes:
        if (home / "lib" / "plpython3.so").exists():
            return home / "bin" / "pg_config"
    raise ToolError("no PostgreSQL with PL/Python was found", hint="run tools/bootstrap.sh, or set PG_CONFIG")


def bin_folder(pg_config: Path) -> Path:
    try:
        done = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(f"{pg_config} does not run: {error}", hint="set PG_CONFIG to a working pg_config") from None
    return Path(done.stdout.strip())


def quote_dsn(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_conf(value: str) -> str:
    return value.replace("'", "''")


def tail(path: Path, lines: int = 20) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def describe(cluster: Cluster) -> str:
    if not cluster.exists:
        return "no cluster yet"
    state = f"running on port {cluster.port}" if cluster.running() else "stopped"
    return f"{state}; data {cluster.data}, sockets {cluster.sockets}, log {cluster.log}"


def exports(variables: Mapping[str, str]) -> str:
    """Lines for `eval`, quoted for the shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def main() -> int:
    parser = argparse.ArgumentParser(description="the checkout's own PostgreSQL cluster")
    parser.add_argument("command", choices=["init", "start", "stop", "status", "env", "destroy"])
    parser.add_argument("--root", type=Path, default=Path(".nl2sql"))
    arguments = parser.parse_args()
    cluster = Cluster(arguments.root)
    match arguments.command:
        case "init":
            cluster.create()
        case "start":
            cluster.create().start()
        case "stop":
            cluster.stop()
        case "destroy":
            cluster.destroy()
    if arguments.command == "env":
        print(exports(cluster.env("postgres", SUPERUSER)))
    else:
        print(describe(cluster))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolError as error:
        sys.exit(f"error: {error}")
