"""What is run is on record: the statement as given and as run, what it read, how much came out; no data."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers, request_path
from tests.support.journal import journal
from tests.support.peer import answer_to, http, peer

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
    "query": "select nl2sql.query('who is a customer')",
    "query_as": "select * from nl2sql.query_as('who is a customer') as t(name text)",
    "open": "select nl2sql.open('who is a customer')",
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
            assert (intent["question"] == "who is a customer") if "quer" in action else True
    assert "Livingstone" not in json.dumps(kept.records)


def test_a_view_has_its_pair(database: Database, admin: Connection, caller: Connection) -> None:
    admin.execute("create schema reports; grant usage, create on schema reports to analyst")
    with journal(database.socket, guarding) as kept:
        caller.execute("select nl2sql.save_view('reports.who', 'who is a customer')")
    intent, outcome = kept.pair()
    assert (intent["action"], intent["details"], outcome["sql"]) == ("save_view", "reports.who", SQL)


def test_an_error_of_the_server_is_on_record_without_its_words(database: Database, caller: Connection) -> None:
    with journal(database.socket, guarding) as kept, pytest.raises(psycopg.Error, match="Livingstone"):
        caller.execute("select nl2sql.run('SELECT name::int FROM customers')")
    _, outcome = kept.pair()
    assert (outcome["verdict"], outcome["sqlstate"]) == ("failed", "22P02")
    assert "Livingstone" not in json.dumps(kept.records)


ASK = "select nl2sql('who is a customer')"


def test_a_trial_run_is_on_record_though_the_question_is_refused(database: Database, caller: Connection) -> None:
    caller.execute("set nl2sql.trial_run = on; set nl2sql.min_confidence = 1; set nl2sql.samples = '1'")
    with journal(database.socket, guarding) as kept, pytest.raises(psycopg.Error) as caught:
        caller.execute(ASK)
    _, outcome = kept.pair()
    assert (outcome["verdict"], outcome["sqlstate"]) == ("refused", "NL407")
    assert outcome["sql"] == SQL and SQL in outcome["details"]
    told = str(caught.value.diag.message_detail)
    assert "Nothing was run." not in told and "read-only and undone (1;" in told


def test_every_trial_run_of_an_answer_is_on_record(database: Database, caller: Connection) -> None:
    other = "SELECT city FROM customers"

    def several(connection: Any, request: bytes) -> None:
        connection.sendall(answer_to(request, SQL, other, "SELECT nowhere FROM customers"))

    caller.execute("set nl2sql.trial_run = on; set nl2sql.samples = '3'")
    with journal(database.socket, several) as kept:
        caller.execute(ASK)
        _, outcome = kept.pair()
        assert outcome["sql"] in (SQL, other) and outcome["verdict"] == "answered"
        assert outcome["details"] == f"trial runs: {SQL};\n{other}"
        caller.execute("set nl2sql.trial_run = off")
        caller.execute(ASK)
        assert "details" not in kept.pair()[1]


@pytest.mark.parametrize("sql", ["SELECT name::int FROM customers", "SELECT nowhere FROM customers"])
def test_an_error_that_ends_the_session_is_on_record_first(database: Database, caller: Connection, sql: str) -> None:
    caller.execute("set exit_on_error = on")
    with journal(database.socket, guarding) as kept, pytest.raises(psycopg.Error) as caught:
        caller.execute("select nl2sql.run(%s)", (sql,))
    _, outcome = kept.pair()
    assert outcome["sqlstate"] == caught.value.sqlstate and caught.value.diag.message_hint
    assert caught.value.diag.severity == "FATAL" and caller.closed, "which the caller has asked for"


def test_a_cancel_is_heeded_though_the_outcome_is_not_taken(
    database: Database, admin: Connection, caller: Connection
) -> None:
    """The sidecar hangs after the intent: it stands alone, and shows what was cut off."""
    intents: list[bytes] = []
    canceled: list[float] = []

    def hanging(connection: Any, request: bytes) -> None:
        if request_path(request) == "/v1/audit" and not intents:
            intents.append(request)
            connection.sendall(http({"protocol": 1, "accepted": 1}))
            return
        if not canceled:
            canceled.append(time.monotonic())
            caller.cancel_safe()
        connection.recv(1)

    with peer(database.socket, hanging), pytest.raises(psycopg.errors.QueryCanceled):
        caller.execute("select nl2sql.run('SELECT 1')")
    assert intents and time.monotonic() - canceled[0] < 3


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
