"""Make the server run out of room for one table, without touching the rest of the machine.

As root: the table moves to a tablespace on a small tmpfs, which is then filled: a real ENOSPC. Where mounting is not
allowed: the backend gets a file size limit just above the table's size (above that of a WAL segment, too), so that the
same call in the server fails with EFBIG.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.conftest import Connection
from tools.cluster import Cluster

Fill = Callable[[], None]
WAL_SEGMENT = 16 << 20


@contextlib.contextmanager
def full_disk(
    cluster: Cluster, admin: Connection, table: str, folder: Path
) -> Iterator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """Yields a context manager factory: inside `with full():`, `table` can't grow in the session `admin`."""
    with tmpfs(folder, cluster) as mounted:
        if not mounted:
            yield lambda: file_size_limit(cluster, admin, table)
            return
        admin.execute(f"create tablespace tiny location '{folder}'".encode())
        admin.execute(f"alter table {table} set tablespace tiny".encode())
        try:
            yield lambda: filler(folder)
        finally:
            admin.execute(f"alter table {table} set tablespace pg_default".encode())
            admin.execute("drop tablespace tiny")


@contextlib.contextmanager
def tmpfs(folder: Path, cluster: Cluster) -> Iterator[bool]:
    """A file system of 4 MB in `folder`; False where it can't be mounted."""
    folder.mkdir()
    options = f"size=4m,mode=0700,uid={cluster.account.uid},gid={cluster.account.gid}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", folder], check=True)


@contextlib.contextmanager
def filler(folder: Path) -> Iterator[None]:
    """Take what is left of the file system, to the last byte."""
    ballast = folder / "ballast"
    try:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def file_size_limit(cluster: Cluster, admin: Connection, table: str) -> Iterator[None]:
    """Grow the table's file beyond a WAL segment's size, then let the backend write no further than its end."""
    admin.execute(f"alter table {table} alter document set storage plain".encode())
    rows = WAL_SEGMENT // 8192 + 1
    admin.execute(
        f"insert into {table} (relid, attnum, names, document, fingerprint)"
        f" select 0, n, '', repeat('x', 7000), '' from generate_series(1, {rows}) as n".encode()
    )
    row = admin.execute(f"select pg_relation_size('{table}'), pg_backend_pid()".encode()).fetchone()
    assert row is not None
    limit_files(cluster, row[1], str(row[0]))
    try:
        yield
    finally:
        limit_files(cluster, row[1], "unlimited")
        admin.execute(f"delete from {table} where relid = 0".encode())


def limit_files(cluster: Cluster, pid: int, size: str) -> None:
    """As the server's own user, who may do this without any capability; the soft limit only."""
    command = ["prlimit", "--pid", str(pid), f"--fsize={size}:"]
    subprocess.run(command, check=True, cwd="/", **cluster.account.popen_arguments())
