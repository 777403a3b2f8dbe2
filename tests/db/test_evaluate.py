"""nl2sql.add_case() and nl2sql.evaluate(): questions of one's own, judged by their rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.accuracy.__main__ import Bench
from bench.accuracy.cases import stored_suite
from bench.accuracy.command import read_arguments
from bench.accuracy.target import Target
from tests.conftest import Connection, Database
from tests.support.answering_peer import answers, request_body, request_path
from tests.support.peer import Peer, answer_to, http, peer
from tools.errors import ToolError

CASES = {
    "how many customers": ("select count(*) from customers", "SELECT COUNT(id) AS n FROM customers", "right"),
    "names and cities": (
        "select name, city from customers",
        "SELECT city, name FROM customers ORDER BY id DESC",
        "right",
    ),
    "names in order": ("select name from customers order by name", "SELECT name FROM customers ORDER BY id", "wrong"),
    "who is from Ulm": (
        "select name from customers where city = 'Ulm'",
        "SELECT name, city FROM customers WHERE city = 'Ulm'",
        "right with further columns",
    ),
    "average amount": ("select avg(amount) from orders", "SELECT SUM(amount) / 3.0 FROM orders", "right"),
    "largest amount": ("select max(amount) from orders", "SELECT MIN(amount) FROM orders", "wrong"),
    "one over nothing": ("select 1 from orders", "SELECT 1 / (amount - amount) FROM orders", "invalid"),
    "which orders are not there": ("select 1 from orders", "SELECT wings FROM orders", "no answer"),
}


def judging_peer(statements: dict[str, str]) -> Callable[..., None]:
    """Answers each question with its statement; lets the guard's check pass what it is given."""
    otherwise = answers()

    def behave(connection: Any, request: bytes) -> None:
        path = request_path(request)
        if path == "/v1/generate":
            connection.sendall(answer_to(request, statements[request_body(request)["question"]]))
        elif path == "/v1/check":
            reply = {"protocol": 1, "sql": request_body(request)["sql"], "tables": [], "error": None}
            connection.sendall(http(reply))
        else:
            otherwise(connection, request)

    return behave


@pytest.fixture
def listening(database: Database, admin: Connection, analyst: Connection) -> Iterator[Peer]:
    admin.execute("insert into customers values (1, 'Cleo', 'Ulm'), (2, 'Ada', 'Rom'), (3, 'Bo', 'Ulm')")
    admin.execute("insert into orders values (1, 1, 10), (2, 1, 20), (3, 2, 31)")
    with peer(database.socket, judging_peer({question: case[1] for question, case in CASES.items()})) as found:
        yield found


def add(connection: Connection, *questions: str, suite: str = "default") -> None:
    for question in questions or CASES:
        connection.execute("select nl2sql.add_case(%s, %s, %s)", (suite, question, CASES[question][0]))


def evaluate(connection: Connection, suite: str = "default", **settings: str) -> dict[str, Any]:
    query = "select question, verdict, answer, confidence, ms, error from nl2sql.evaluate(%s, %s)"
    return {row[0]: row for row in connection.execute(query, (suite, json.dumps(settings))).fetchall()}


def test_limits_of_the_role_hold(admin: Connection, analyst: Connection, listening: Peer) -> None:
    add(analyst, "how many customers")
    admin.execute("select nl2sql.set_limit('analyst', max_cost => 1)")
    (row,) = evaluate(analyst).values()
    assert row[1] == "gold failed" and row[5].startswith("NL411: the statement is too costly")
    admin.execute("select nl2sql.set_limit('analyst', max_plan_rows => 2)")
    (row,) = evaluate(analyst).values()
    assert row[1] == "gold failed" and row[5].startswith("NL411: the statement is too costly")
    admin.execute("select nl2sql.drop_limit('analyst')")
    judge = "select nl2sql._judge_case('select count(*) from customers', %s, nl2sql._caller())"
    huge = "select count(*) from generate_series(1, 40000000) as g"
    admin.execute("select nl2sql.set_setting('max_cost', '1000')")
    reply = analyst.execute(judge, (huge,)).fetchone()
    assert reply and reply[0]["ok"]["verdict"] == "invalid" and reply[0]["ok"]["error"].startswith("NL411")


def test_trials_heed_the_limits_of_the_role(admin: Connection, analyst: Connection, listening: Peer) -> None:
    analyst.execute("set nl2sql.trial_run = on")
    asked = "select nl2sql('one over nothing')"
    with pytest.raises(psycopg.Error):
        analyst.execute(asked)
    for limit in ("max_cost => 1", "max_plan_rows => 1"):
        admin.execute(f"select nl2sql.set_limit('analyst', {limit})".encode())
        assert analyst.execute(asked).fetchone(), "too costly to be tried, so that nobody sees that it fails"
    admin.execute("select nl2sql.drop_limit('analyst')")


def test_verdicts(analyst: Connection, listening: Peer) -> None:
    add(analyst)
    found = evaluate(analyst)
    assert {question: row[1] for question, row in found.items()} == {q: case[2] for q, case in CASES.items()}
    assert found["how many customers"][2] == CASES["how many customers"][1]
    assert 0 <= found["how many customers"][3] <= 1
    assert found["how many customers"][4] > 0
    assert found["how many customers"][5] is None
    assert found["one over nothing"][5].startswith("22012: ")
    assert found["which orders are not there"][2] is None
    assert found["which orders are not there"][5].startswith("NL406: ")


def test_the_path_is_that_of_the_one_who_added(admin: Connection, analyst: Connection, listening: Peer) -> None:
    add(analyst, "how many customers")
    analyst.execute("set search_path = pg_catalog")
    assert evaluate(analyst)["how many customers"][1] == "right"


def test_settings_hold_for_the_evaluation_only(analyst: Connection, listening: Peer) -> None:
    add(analyst, "how many customers")
    with analyst.transaction():
        analyst.execute("set nl2sql.samples = '2'")
        evaluate(analyst, samples="3", repair="off")
        sent = [request_body(r) for r in listening.requests if request_path(r) == "/v1/generate"]
        assert {(body["candidates"], body["mend"]) for body in sent} == {(3, False)}
        assert analyst.execute("show nl2sql.samples").fetchone() == ("2",)
        assert analyst.execute("select current_setting('nl2sql.repair')").fetchone() in [("",), ("on",)]


def test_only_preferences_can_be_set(analyst: Connection, listening: Peer) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        evaluate(analyst, socket_path="/tmp/x")
    assert caught.value.diag.message_hint


def test_no_way_to_the_model_is_no_result(analyst: Connection, listening: Peer) -> None:
    add(analyst, "how many customers")
    listening.close()
    with pytest.raises(psycopg.Error) as caught:
        evaluate(analyst)
    assert caught.value.sqlstate in ("NL001", "NL002", "NL004")


def test_a_case_that_can_not_be_stored(analyst: Connection, listening: Peer) -> None:
    add(analyst, "how many customers")
    for question, sql, state in (
        ("how many customers", "select 1 from customers", "23505"),
        (" ", "select 1 from customers", "NL102"),
        ("how", "", "22004"),
        ("how", "select wings from customers", "NL204"),
        ("how", "select word from secrets", "NL204"),
        ("how", "delete from customers", "NL204"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            analyst.execute("select nl2sql.add_case('default', %s, %s)", (question, sql))
        assert caught.value.sqlstate == state
        assert caught.value.diag.message_hint and caught.value.diag.message_detail
    assert len(analyst.execute("select from nl2sql.cases").fetchall()) == 1


def test_a_gold_that_no_longer_runs(admin: Connection, analyst: Connection, listening: Peer) -> None:
    add(analyst, "largest amount")
    admin.execute("alter table orders rename amount to total")
    admin.execute("alter table orders add amount int")
    admin.execute("revoke select on orders from analyst; grant select (id) on orders to analyst")
    assert evaluate(analyst)["largest amount"][1] in ("gold failed", "no answer")


def test_cases_of_others(admin: Connection, database: Database, analyst: Connection, listening: Peer) -> None:
    """Seen by members of the role that added them; nobody can add one in another's name."""
    add(analyst, "how many customers")
    admin.execute("create role stranger login in role nl2sql_user; create role colleague login in role analyst")
    try:
        with database.connect("stranger") as stranger, database.connect("colleague") as colleague:
            assert evaluate(stranger) == {}
            assert stranger.execute("select from nl2sql.cases").fetchall() == []
            assert colleague.execute("select question from nl2sql.cases").fetchall() == [("how many customers",)]
            assert evaluate(colleague) == {}, "what others wrote does not run with one's own rights"
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(
                    "insert into nl2sql.cases (question, sql, added_by) values ('x', 'select 1', 'analyst')"
                )
    finally:
        admin.execute("drop role stranger, colleague")


def test_the_guard_stands_before_every_statement_that_runs(
    database: Database, admin: Connection, analyst: Connection, listening: Peer
) -> None:
    """A case may be of somebody else's making: what the guard refuses is not run."""
    admin.execute("create sequence counter; grant all on sequence counter to public")
    analyst.execute(
        "insert into nl2sql.cases (question, sql)"
        " values ('how many customers', 'select nextval(''counter'') from customers')"
    )
    refused = {"sqlstate": "NL403", "message": "not allowed", "detail": "Dropped.", "hint": "Another one."}
    listening.close()

    def refuse(connection: Any, request: bytes) -> None:
        if request_path(request) == "/v1/check":
            connection.sendall(http({"protocol": 1, "sql": None, "tables": [], "error": refused}))
        else:
            judging_peer({"how many customers": CASES["how many customers"][1]})(connection, request)

    with peer(database.socket, refuse):
        row = evaluate(analyst)["how many customers"]
    assert row[1] == "gold failed" and row[5].startswith("NL403: ")
    assert admin.execute("select is_called from counter").fetchone() == (False,)


def test_the_command_takes_a_stored_suite(
    database: Database, analyst: Connection, listening: Peer, tmp_path: Path
) -> None:
    add(analyst, "names in order", "who is from Ulm", suite="own")
    bench = Bench(read_arguments("", ["--dsn", database.dsn("analyst"), "--suite", "own", "--arms", "plain"]), tmp_path)
    run = bench.run_on(Target("", database.dsn("analyst")))
    assert [(item.verdict.result, item.verdict.lenient) for item in run.plain.items] == [
        ("wrong", False),
        ("wrong", True),
    ]
    assert [item.question.ordered for item in run.plain.items] == [True, False]
    with pytest.raises(ToolError, match="no case in the suite"):
        stored_suite(database.dsn("analyst"), "none")
