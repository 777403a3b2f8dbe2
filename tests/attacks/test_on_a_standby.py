"""Hostile statements on a hot standby, where the second line has less to hold on to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.attacks.conftest import Stage, Untouched, set_stage, watch
from tests.attacks.playing import play
from tests.attacks.test_hostile_statements import run
from tests.conftest import Database
from tests.db.test_standby import REPLICATED, Standby, folder
from tests.support.attacks import kinds
from tests.support.sidecar import Sidecar
from tools.cluster import Cluster


@pytest.fixture(scope="module")
def standby_stage(short_folder: Path) -> Iterator[Stage]:
    """The stage, copied to a standby; its sidecar answers there."""
    place = short_folder / "attacked-standby"
    place.mkdir()
    roots = folder("attacked"), folder("attacked-standby")
    with ExitStack() as stack:
        service = Sidecar(place, socket_mode="0666")
        stack.callback(service.stop)
        primary = stack.enter_context(Cluster(roots[0], settings=REPLICATED))
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            connection.execute("create extension nl2sql cascade")
            connection.execute("revoke create on schema public from public")
            for name, value in {
                "audit": "off",
                "socket_path": str(service.settings.socket),
                "sidecar_user": str(os.geteuid()),
            }.items():
                connection.execute("select nl2sql.set_setting(%s, %s)", (name, value))
            set_stage(connection)
        following = stack.enter_context(Standby(roots[1], primary))
        database = Database(following, "postgres", service.settings.socket)
        found = Stage(database, stack.enter_context(watch(database.dsn())), service)
        stack.callback(found.close)
        yield found
    for root in roots:
        shutil.rmtree(root, ignore_errors=True)


def test_all_statements(standby_stage: Stage) -> None:
    assert standby_stage.watcher.execute("select pg_is_in_recovery()").fetchone() == (True,)
    untouched = Untouched(standby_stage.watcher)
    untouched.session_changes("login", standby_stage.connect("login"))
    untouched.database_changes()
    assert [problem for kind in kinds() for problem in play(standby_stage, untouched, kind, "login", run)] == []
    rows = standby_stage.connect("login").execute("select nl2sql.run('select note from public.orders')").fetchall()
    assert len(rows) == 20
