"""A table that another session has locked: every way in ends at once with 55P03 and says what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.support.sidecar import Sidecar

WAYS = [
    "select nl2sql('how many orders are there')",
    "select nl2sql.ask('how many orders are there')",
    "select * from nl2sql.trace('how many orders are there')",
    "select nl2sql.query('how many orders are there')",
    "select nl2sql.run('select count(*) from orders')",
    "select nl2sql.check('select count(*) from orders')",
    "select nl2sql.add_case('s', 'how many orders are there', 'select count(*) from orders')",
]


@pytest.fixture
def caller(database: Database, admin: Connection, analyst: Connection) -> Iterator[Connection]:
    service = Sidecar(database.socket.parent, socket_mode="0666")
    admin.execute("insert into customers values (1, 'Ada', 'London'); analyze; select nl2sql.refresh_index()")
    service.engine.samples = [Sample("SELECT count(*) FROM orders", -0.1, 9, "stop")]
    yield analyst
    service.stop()


@pytest.mark.parametrize("trial", ["off", "on"])
@pytest.mark.parametrize("way", WAYS)
def test_locked(database: Database, caller: Connection, admin: Connection, way: str, trial: str) -> None:
    caller.execute(f"set nl2sql.trial_run = {trial}".encode())
    admin.execute("begin; lock table orders, customers in access exclusive mode")
    began = time.monotonic()
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        caller.execute(way.encode())
    took = time.monotonic() - began
    admin.execute("rollback")
    assert took < 3
    assert "locked" in str(caught.value.diag.message_primary)
    assert caught.value.diag.message_detail and "later" in str(caught.value.diag.message_hint)
