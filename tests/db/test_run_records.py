"""What is run is on record: the statement as given and as run, what it read, how much came out; no data."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers, request_path
from tests.support.journal import journal
from tests.support.peer import http

SQL = "SELECT name FROM customers WHERE id = 1"


def guarding(connection: Any, request: bytes) -> None:
    """Lets every statement pass, and proposes one for every question."""
    if request_path(request) == "/v1/check":
        sql = json.loads(request.partition(b"\r\n\r\n")[2])["sql"]
        connection.sendall(http({"protocol": 1, "sql": sql, "tables": ["public.customers"], "error": None}))
    else:
        answers(SQL)(connection, request)


@pytest.fixture
def caller(admin: Connection, analyst: Connection) -> Connection:
    admin.execute("select nl2sql.set_setting('audit', null)")
    admin.execute("insert into customers values (1, 'Dr. Livingstone', 'Ujiji')")
    return analyst


ACTIONS = {
    "run": f"select nl2sql.run('{SQL}')",
    "check": f"select nl2sql.check('{SQL}')",
    "query": "select nl2sql.query('who is it')",
    "query_as": "select * from nl2sql.query_as('who is it') as t(name text)",
    "open": "select nl2sql.open('who is it')",
}


def test_every_way_has_its_pair(database: Database, caller: Connection) -> None:
    with journal(database.socket, guarding) as kept:
        for action, statement in ACTIONS.items():
            caller.execute(statement.encode())
            intent, outcome = kept.pair()
            assert intent["action"] == action
            assert action not in ("run", "check") or outcome["tables"] == ["public.customers"]
            assert (outcome["verdict"], outcome["sql"]) == (("allowed" if action == "check" else "run"), SQL)
            assert action == "check" or (outcome["rows"] == 1 and outcome["bytes"] > 10)
            assert (intent["question"] == "who is it") if "quer" in action else True
    assert "Livingstone" not in json.dumps(kept.records)


def test_a_view_has_its_pair(database: Database, admin: Connection, caller: Connection) -> None:
    admin.execute("create schema reports; grant usage, create on schema reports to analyst")
    with journal(database.socket, guarding) as kept:
        caller.execute("select nl2sql.save_view('reports.who', 'who is it')")
    intent, outcome = kept.pair()
    assert (intent["action"], intent["details"], outcome["sql"]) == ("save_view", "reports.who", SQL)


def test_an_error_of_the_server_is_on_record_without_its_words(database: Database, caller: Connection) -> None:
    with journal(database.socket, guarding) as kept, pytest.raises(psycopg.Error, match="Livingstone"):
        caller.execute("select nl2sql.run('SELECT name::int FROM customers')")
    _, outcome = kept.pair()
    assert (outcome["verdict"], outcome["sqlstate"]) == ("failed", "22P02")
    assert "Livingstone" not in json.dumps(kept.records)


def test_without_a_record_nothing_is_run(database: Database, caller: Connection) -> None:
    with journal(database.socket, guarding) as kept:
        kept.broken = True
        for statement in ACTIONS.values():
            with pytest.raises(psycopg.Error) as caught:
                caller.execute(statement.encode())
            assert caught.value.sqlstate == "NL601"
        assert set(kept.order) == {"/v1/audit"}


def test_limits_are_on_record(admin: Connection, caller: Connection) -> None:
    admin.execute("select nl2sql.set_limit('analyst', max_rows => 5); select nl2sql.drop_limit('analyst')")
    found = admin.execute("select record ->> 'action', record ->> 'details' from nl2sql._audit_outbox").fetchall()
    assert {"set_limit", "drop_limit"} <= {action for action, _ in found}
    assert any("analyst" in (details or "") and "5" in details for action, details in found if action == "set_limit")
