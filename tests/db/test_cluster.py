"""The private cluster with PostgreSQL's real programs: awkward paths, crashes, ports, rights."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tools.cluster import Cluster
from tools.psql import Psql

FAST = {"fsync": "off", "max_connections": "20", "shared_buffers": "16MB"}
AWKWARD = ["two words", "it's $HOME `id`", 'a "quoted", one', "数据 ünïcödé", "long/" + "x" * 120]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the server's user can enter, as most checkouts are; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def cluster(home: Path) -> Iterator[Cluster]:
    with Cluster(home, settings=FAST) as running:
        yield running


def one(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.dsn()) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("name", AWKWARD)
def test_any_path_will_do(home: Path, name: str) -> None:
    with Cluster(home / name, settings=FAST) as cluster:
        assert one(cluster, "SELECT 'täst'") == "täst"
        assert len(os.fsencode(cluster.sockets)) < 90
        run = cluster.run
        assert cluster.data.exists()
    assert not cluster.data.exists()
    assert not (run / "pg").exists()
    assert run.is_relative_to(home) or not run.exists()


def test_a_folder_that_the_server_cannot_enter(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with Cluster(tmp_path / "x", settings=FAST) as cluster:
        data = cluster.data
        assert (data.parent == tmp_path / "x") != cluster.account.differs
        assert (tmp_path / "x" / "pg").resolve() == data
        assert one(cluster, "SELECT 1") == 1
    assert not data.exists()
    assert not (tmp_path / "x" / "pg").is_symlink()


def test_a_start_elsewhere_that_broke_off_is_done_again(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    first = Cluster(tmp_path, settings=FAST).create()
    (first.data / "PG_VERSION").unlink()
    with Cluster(tmp_path, settings=FAST) as again:
        assert again.data == first.data
        assert one(again, "SELECT 1") == 1


def test_the_server_does_not_run_as_root(cluster: Cluster) -> None:
    pid = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
    assert Path(f"/proc/{pid}").stat().st_uid == cluster.account.uid != 0


def test_the_socket_folder_is_closed_to_others(cluster: Cluster) -> None:
    found = cluster.sockets.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, cluster.account.uid)


def test_tcp_asks_for_a_password(cluster: Cluster) -> None:
    one(cluster, "SELECT 1")
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE somebody LOGIN PASSWORD 'secret'")
    address = f"host=127.0.0.1 port={cluster.port} dbname=postgres user=somebody"
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(address, passfile="/nonexistent")
    psycopg.connect(f"{address} password=secret").close()


def test_python_variables_do_not_reach_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")
    with Cluster(home, settings=FAST) as cluster, psycopg.connect(cluster.dsn()) as connection:
        connection.execute("CREATE EXTENSION plpython3u")
        connection.execute("CREATE FUNCTION up() RETURNS int LANGUAGE plpython3u AS 'import json; return 1'")
        assert connection.execute("SELECT up()").fetchone() == (1,)


def test_stop_and_start_keep_data_and_port(cluster: Cluster) -> None:
    port = cluster.port
    with psycopg.connect(cluster.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    cluster.stop()
    assert not cluster.running()
    cluster.stop()
    again = Cluster(cluster.root, settings=FAST).create().start()
    assert again.running()
    assert again.port == port
    assert one(again, "SELECT n FROM kept") == 7


def test_a_port_that_was_taken_is_given_up(cluster: Cluster) -> None:
    port = cluster.port
    cluster.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        cluster.start()
    assert cluster.port != port
    assert one(cluster, "SELECT 1") == 1


def test_it_starts_after_a_crash(cluster: Cluster) -> None:
    pid = int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while cluster.running() or psycopg_answers(cluster):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    retry_start(cluster)
    assert one(cluster, "SELECT 1") == 1


def psycopg_answers(cluster: Cluster) -> bool:
    try:
        psycopg.connect(cluster.dsn()).close()
    except psycopg.OperationalError:
        return False
    return True


def retry_start(cluster: Cluster) -> None:
    """Children of a killed server notice its end one by one; until then a start is refused, as it should be."""
    from tools.errors import ToolError

    for _ in range(100):
        try:
            cluster.start()
        except ToolError as error:
            assert "still work in" in error.message
            time.sleep(0.1)
        else:
            return
    pytest.fail("the old server's children never ended")


def test_a_pid_file_that_names_a_stranger_is_no_server(cluster: Cluster) -> None:
    cluster.stop()
    # A live process of the server's own user: PostgreSQL alone would refuse to start.
    stranger = subprocess.Popen(["sleep", "60"], cwd="/", **cluster.account.popen_arguments())
    try:
        lines = [str(stranger.pid), str(cluster.data), "1", str(cluster.port), "", "", "0 0", "ready"]
        (cluster.data / "postmaster.pid").write_text("\n".join(lines) + "\n")
        assert not cluster.running()
        cluster.start()
        assert one(cluster, "SELECT 1") == 1
    finally:
        stranger.kill()
        stranger.wait()


def test_a_broken_initdb_is_done_again(home: Path) -> None:
    (home / "pg" / "base").mkdir(parents=True)
    with Cluster(home, settings=FAST) as cluster:
        assert one(cluster, "SELECT 1") == 1


def test_two_clusters_side_by_side(home: Path) -> None:
    with Cluster(home / "a", settings=FAST) as first, Cluster(home / "b", settings=FAST) as second:
        assert first.port != second.port
        assert one(first, "SELECT 1") == one(second, "SELECT 1")


def test_the_command_line_speaks_to_the_shell(home: Path) -> None:
    def run(command: str) -> str:
        checkout = Path(__file__).resolve().parents[2]
        arguments = [sys.executable, "-m", "tools.cluster", command, "--root", str(home / "a b")]
        return subprocess.run(arguments, cwd=checkout, capture_output=True, text=True, check=True).stdout

    assert "no cluster yet" in run("status")
    try:
        assert "running on port" in run("start")
        script = f'{run("env")}\n"$0" -XAtc "SELECT 1 + 1"'
        psql = Cluster(home / "a b").bin / "psql"
        assert subprocess.run(["sh", "-c", script, psql], capture_output=True, text=True, check=True).stdout == "2\n"
        assert "stopped" in run("stop")
    finally:
        run("destroy")


def test_psql_reads_values_as_they_are(cluster: Cluster) -> None:
    psql = Psql(cluster.bin / "psql", cluster.dsn())
    awkward = 'it\'s "so" \\ 数\t$1 :x'
    assert psql.value("SELECT :'x'::text", x=awkward) == awkward
    assert psql.rows("SELECT NULL, '', 'a,b', E'two\\nlines'") == [[None, "", "a,b", "two\nlines"]]
