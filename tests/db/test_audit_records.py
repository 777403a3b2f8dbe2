"""Every question is on record before it is worked on and after it was answered; what can't be recorded is not done."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.answering_peer import request_body, request_path
from tests.support.journal import Journal, journal
from tests.support.peer import http, peer, silent_peer

ASK = "select nl2sql('how many orders are there')"
STATEMENT = "select 1"
COMMON = {
    "id", "at", "session_user", "role", "member_of", "client_addr", "application_name", "pid", "backend_start",
    "in_recovery", "action", "event", "question",
}  # fmt: skip


@pytest.fixture(autouse=True)
def required(database: Database, admin: Connection) -> None:
    admin.execute("select nl2sql.set_setting('audit', null)")


def flat(record: dict[str, Any]) -> bool:
    """Text, whole numbers, booleans, null and lists of text, as the chain's canonical bytes need it."""
    plain = (str, int, bool, type(None))
    return all(
        all(isinstance(item, str) for item in value) if isinstance(value, list) else isinstance(value, plain)
        for value in record.values()
    )


def test_an_answer_has_its_pair(database: Database, analyst: Connection) -> None:
    with journal(database.socket) as kept:
        assert analyst.execute(ASK).fetchone() == (STATEMENT,)
    assert kept.order == ["/v1/audit", "/v1/generate", "/v1/audit"]
    intent, outcome = kept.pair()
    assert set(intent) == COMMON and flat(intent) and flat(outcome)
    assert intent["action"] == "ask" and intent["question"] == "how many orders are there"
    assert (intent["session_user"], intent["role"], intent["member_of"]) == ("analyst", "analyst", ["nl2sql_user"])
    assert intent["pid"] == analyst.info.backend_pid and intent["in_recovery"] is False
    assert abs(intent["at"] / 1e6 - time.time()) < 60 and intent["at"] <= outcome["at"]
    assert outcome["sql"] == STATEMENT and outcome["model"] == "scripted" and outcome["verdict"] == "answered"
    assert 0 < outcome["confidence"] <= 1000 and outcome["milliseconds"] >= 0
    assert {name: outcome[name] for name in COMMON - {"at", "event"}} == {
        name: intent[name] for name in COMMON - {"at", "event"}
    }


def test_a_refusal_has_its_pair(database: Database, analyst: Connection) -> None:
    with journal(database.socket) as kept:
        assert refused(analyst, "select nl2sql('   ')").sqlstate == "NL102"
    _, outcome = kept.pair()
    assert (outcome["verdict"], outcome["sqlstate"]) == ("refused", "NL102")
    assert outcome["message"] == "the question is empty"


def test_a_trace_has_its_pair(database: Database, analyst: Connection) -> None:
    with journal(database.socket) as kept:
        assert analyst.execute("select count(*) from nl2sql.trace('how many orders')").fetchone()
    assert kept.pair()[1]["verdict"] == "answered" and kept.pair()[0]["action"] == "trace"


def test_an_evaluation_has_its_pairs(database: Database, analyst: Connection) -> None:
    with journal(database.socket, None) as kept:
        analyst.execute("insert into nl2sql.cases (question, sql) values ('how many', 'select 1')")
        analyst.execute("select * from nl2sql.evaluate()")
    assert [record["action"] for record in kept.records] == ["ask", "ask", "evaluate", "evaluate"]
    assert kept.pair()[0]["sql"] == STATEMENT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("begin", "rollback"),
        ("begin read only", "rollback"),
        ("begin; savepoint s", "rollback to s; commit"),
        ("begin transaction isolation level serializable read only deferrable", "commit"),
    ],
)
def test_it_outlives_the_transaction(database: Database, analyst: Connection, before: str, after: str) -> None:
    with journal(database.socket) as kept:
        analyst.execute(before.encode())
        assert analyst.execute(ASK).fetchone() == (STATEMENT,)
        analyst.execute(after.encode())
    assert kept.pair()[1]["verdict"] == "answered"


def test_a_cancelled_question(database: Database, analyst: Connection) -> None:
    with contextlib.suppress(psycopg.Error):
        analyst.execute(ASK)  # nobody is there; but a session's first question loads Python
    analyst.execute("set statement_timeout = '300ms'")
    stop = threading.Event()
    with journal(database.socket, lambda c, r: void(stop.wait(5))) as kept, pytest.raises(psycopg.errors.QueryCanceled):
        analyst.execute(ASK)
    stop.set()
    _, outcome = kept.pair()
    assert (outcome["verdict"], outcome["sqlstate"]) == ("failed", "57014")
    assert "message" not in outcome


def void(_: object) -> None:
    """The value is of no interest."""


def ask_and_lose(connection: Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute(ASK)


def test_a_terminated_backend_leaves_an_intent(database: Database, admin: Connection, analyst: Connection) -> None:
    asked, stop = threading.Event(), threading.Event()

    def hang(connection: object, request: bytes) -> None:
        asked.set()
        stop.wait(10)

    with journal(database.socket, hang) as kept:
        caller = threading.Thread(target=ask_and_lose, args=(analyst,))
        caller.start()
        assert asked.wait(10)
        admin.execute("select pg_terminate_backend(%s)", (analyst.info.backend_pid,))
        caller.join(10)
    stop.set()
    assert [record["event"] for record in kept.records] == ["intent"]


def test_no_record_no_answer(database: Database, analyst: Connection) -> None:
    with journal(database.socket) as kept:
        kept.broken = True
        error = refused(analyst, ASK)
    assert error.sqlstate == "NL601"
    assert kept.order == ["/v1/audit"], "nothing was asked of the model"


def test_no_outcome_no_answer(database: Database, analyst: Connection) -> None:
    def break_then_answer(connection: Any, request: bytes) -> None:
        kept.broken = True
        Journal().behaviour(connection, request)

    with journal(database.socket, break_then_answer) as kept:
        assert refused(analyst, ASK).sqlstate == "NL601"
    assert [record["event"] for record in kept.records] == ["intent"]


def test_no_sidecar_no_answer(analyst: Connection) -> None:
    error = refused(analyst, ASK)
    assert error.sqlstate == "NL601"
    assert "NL001" in str(error.diag.message_detail) and "no such socket" in str(error.diag.message_detail)


def test_a_sidecar_that_hangs(database: Database, analyst: Connection) -> None:
    analyst.execute("set nl2sql.timeout = '300ms'")
    with silent_peer(database.socket):
        assert "NL003" in str(refused(analyst, ASK).diag.message_detail)


def test_a_sidecar_that_keeps_no_record(database: Database, analyst: Connection) -> None:
    """An older one answers 404; one that lies says that it stored nothing."""
    with peer(database.socket, Journal().behaviour):
        assert refused(analyst, ASK).sqlstate == "NL601"


def test_switched_off(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("select nl2sql.set_setting('audit', 'off')")
    with journal(database.socket) as kept:
        assert analyst.execute(ASK).fetchone() == (STATEMENT,)
    assert not kept.records


def test_only_a_superuser_switches_it_off(admin: Connection) -> None:
    """Nor may an administrator choose another keeper of the record."""
    admin.execute("begin; create role boss in role nl2sql_admin; set local role boss")
    for name in ("audit", "socket_path", "sidecar_user"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only a superuser"), admin.transaction():
            admin.execute("select nl2sql.set_setting(%s, null)", (name,))
    admin.execute("rollback")


def test_the_role_that_is_set_is_on_record(database: Database, admin: Connection) -> None:
    with journal(database.socket) as kept:
        admin.execute("set role nl2sql_developer; create temporary table t (id int)")
        refused(admin, ASK)
    assert (kept.records[0]["session_user"], kept.records[0]["role"]) == ("postgres", "nl2sql_developer")


def test_hostile_words_are_kept_as_they_are(database: Database, analyst: Connection) -> None:
    question = 'how many "orders" \\u0000 \U0001f600 \u202e \t are there\nreally'
    with journal(database.socket) as kept:
        analyst.execute("select set_config('application_name', %s, false)", ("evil\n{}",))
        analyst.execute("select nl2sql(%s)", (question,))
    intent, _ = kept.pair()
    assert intent["question"] == question and flat(intent)


def test_time_zone_and_style_change_nothing(database: Database, analyst: Connection) -> None:
    analyst.execute("set timezone = 'Asia/Kathmandu'; set datestyle = 'german'; set intervalstyle = 'sql_standard'")
    with journal(database.socket) as kept:
        analyst.execute(ASK)
    assert abs(kept.pair()[0]["at"] / 1e6 - time.time()) < 60


def test_what_the_server_says_of_data_is_not_kept(database: Database, admin: Connection, analyst: Connection) -> None:
    """A gold that fails on a stored value: the caller sees the words, no record has them."""
    admin.execute("insert into customers values (1, 'Quillfeather', 'Rome')")

    def passes_all(connection: Any, request: bytes) -> None:
        if request_path(request) != "/v1/check":
            return Journal().behaviour(connection, request)
        checked = {"protocol": 1, "sql": request_body(request)["sql"], "tables": [], "error": None}
        return connection.sendall(http(checked))

    with journal(database.socket, passes_all) as kept:
        analyst.execute(
            "insert into nl2sql.cases (question, sql) values ('how many', 'select cast(name as int) from customers')"
        )
        rows = analyst.execute("select error from nl2sql.evaluate()").fetchall()
    assert "Quillfeather" in str(rows) and "Quillfeather" not in str(kept.records)
