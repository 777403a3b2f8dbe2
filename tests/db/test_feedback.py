"""What users say of answers: noted by anybody who asks, decided by an administrator, an example at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.sidecar import Sidecar

QUESTION = "how much did each customer spend"
WRONG, RIGHT = "SELECT customer_id FROM orders", "SELECT customer_id, sum(amount) FROM orders GROUP BY 1"


@pytest.fixture
def service(database: Database) -> Iterator[Sidecar]:
    running = Sidecar(database.socket.parent, socket_mode="0666")
    running.engine.samples = [Sample(WRONG, -0.1, 9, "stop")]
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def steward(database: Database, admin: Connection, analyst: Connection) -> Iterator[Connection]:
    """An administrator of nl2sql who may read orders and nothing else."""
    admin.execute("create role steward login in role nl2sql_admin; grant select on orders to steward")
    with database.connect("steward") as connection:
        yield connection
    admin.execute("drop owned by steward; drop role steward")


def ask(connection: Connection, question: str = QUESTION) -> str:
    """The request's number."""
    row = connection.execute("select nl2sql.ask(%s) ->> 'request_id'", (question,)).fetchone()
    assert row is not None
    return str(row[0])


def give(connection: Connection, request_id: str | None, correct: bool, corrected: str | None = None) -> int:
    query = "select nl2sql.feedback(%s, %s, %s)"
    row = connection.execute(query, (request_id, correct, corrected)).fetchone()
    assert row is not None
    return int(row[0])


def queue(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("select question, sql, correct, corrected_sql from nl2sql.review_queue").fetchall()


def test_a_correction_is_found_at_once(analyst: Connection, steward: Connection, service: Sidecar) -> None:
    number = give(analyst, ask(analyst), False, RIGHT + ";")
    assert queue(steward) == [(QUESTION, WRONG, False, RIGHT)]
    assert RIGHT not in prompt(service, analyst)
    steward.execute("select nl2sql.approve(%s)", (number,))
    assert queue(steward) == []
    assert f"Question: {QUESTION}\nSQL: {RIGHT}" in prompt(service, analyst)
    assert steward.execute("select source, embedded from nl2sql.list_examples()").fetchall() == [("feedback", True)]


def prompt(service: Sidecar, connection: Connection) -> str:
    ask(connection, "how much does every customer spend")
    return "\n".join(message.content for message in service.engine.requests[-1][0])


def test_a_right_answer_becomes_an_example(analyst: Connection, steward: Connection, service: Sidecar) -> None:
    number = give(analyst, ask(analyst), True)
    steward.execute("select nl2sql.approve(%s)", (number,))
    assert steward.execute("select sql from nl2sql.list_examples()").fetchall() == [(WRONG,)]


def test_a_wrong_answer_needs_a_statement(analyst: Connection, steward: Connection, service: Sidecar) -> None:
    number = give(analyst, ask(analyst), False)
    assert refused(steward, "select nl2sql.approve(%s)", number).sqlstate == "22004"
    steward.execute("select nl2sql.approve(%s, %s)", (number, RIGHT))
    assert steward.execute("select sql from nl2sql.list_examples()").fetchall() == [(RIGHT,)]


def test_rejected(admin: Connection, analyst: Connection, steward: Connection, service: Sidecar) -> None:
    number = give(analyst, ask(analyst), False, RIGHT)
    steward.execute("select nl2sql.reject(%s, 'no')", (number,))
    assert queue(steward) == []
    decided = "select status, reason, closed_by, given_by, given_as from nl2sql._feedback"
    assert admin.execute(decided).fetchall() == [("rejected", "no", "steward", "analyst", "analyst")]
    for call in ("reject", "approve"):
        assert refused(steward, f"select nl2sql.{call}(%s)", number).sqlstate == "42704"
        assert refused(steward, f"select nl2sql.{call}(null)").sqlstate == "42704"


def test_without_the_sidecar(analyst: Connection) -> None:
    """A user's word is not lost because the engine is down."""
    analyst.execute("select nl2sql.feedback(null, false, %s, question => %s)", (RIGHT, QUESTION))


# What is known of a request.


def test_unknown_request(analyst: Connection) -> None:
    error = refused(analyst, "select nl2sql.feedback(%s, true)", uuid4())
    assert error.sqlstate == "NL108"
    assert "question =>" in str(error.diag.message_hint)
    assert refused(analyst, "select nl2sql.feedback(null, true)").sqlstate == "NL108"


def test_another_session(database: Database, analyst: Connection, steward: Connection, service: Sidecar) -> None:
    """As behind a pooler: what was asked and answered comes along."""
    request = ask(analyst)
    with database.connect("analyst") as other:
        assert refused(other, "select nl2sql.feedback(%s, true)", request).sqlstate == "NL108"
        other.execute("select nl2sql.feedback(%s, true, question => %s, sql => %s)", (request, QUESTION, WRONG))
    assert queue(steward) == [(QUESTION, WRONG, True, None)]


def test_another_role_in_the_session(
    database: Database, admin: Connection, analyst: Connection, service: Sidecar
) -> None:
    """A session is shared by roles; what one of them asked is not the other's to know."""
    admin.execute(
        "create role pool login; grant analyst to pool; create role other in role nl2sql_user; grant other to pool"
    )
    with database.connect("pool") as pool:
        pool.execute("set role analyst")
        request = ask(pool)
        pool.execute("set role other")
        assert refused(pool, "select nl2sql.feedback(%s, true)", request).sqlstate == "NL108"
        pool.execute("set role analyst")
        give(pool, request, True)
    assert admin.execute("select given_by, given_as from nl2sql._feedback").fetchall() == [("pool", "analyst")]
    admin.execute("drop role pool, other")


def test_the_oldest_answers_are_forgotten(analyst: Connection, service: Sidecar) -> None:
    first, second = ask(analyst), ask(analyst)
    for _ in range(63):
        ask(analyst)
    assert refused(analyst, "select nl2sql.feedback(%s, true)", first).sqlstate == "NL108"
    give(analyst, second, True)


# What is refused.

REFUSED = {
    "correct_is_null": ("null, null, question => 'q', sql => 'select id from orders'", "22004"),
    "no_question": ("null, true, question => ' ', sql => 'select id from orders'", "NL102"),
    "no_sql": ("null, false, 'how many', question => 'q'", "NL204"),
    "no_column": ("null, false, 'select nonsense from orders', question => 'q'", "NL204"),
    "no_table": ("null, false, 'select a from nowhere', question => 'q'", "NL204"),
    "a_write": ("null, false, 'delete from orders', question => 'q'", "NL204"),
    "empty": ("null, false, ' ', question => 'q'", "22004"),
}


@pytest.mark.parametrize(("arguments", "sqlstate"), REFUSED.values(), ids=REFUSED)
def test_refused(admin: Connection, analyst: Connection, arguments: str, sqlstate: str) -> None:
    assert refused(analyst, f"select nl2sql.feedback({arguments})").sqlstate == sqlstate
    assert admin.execute("select count(*) from nl2sql._feedback").fetchone() == (0,)


def test_in_a_read_only_transaction(analyst: Connection) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), analyst.transaction():
        analyst.execute("set transaction read only")
        analyst.execute("select nl2sql.feedback(null, false, question => 'q')")


def test_the_queue_has_an_end(admin: Connection, analyst: Connection) -> None:
    admin.execute("""
        insert into nl2sql._feedback (question, correct, objects, relations, given_by)
        select 'q', false, '{}', '{}', 'analyst' from generate_series(1, 1000)""")
    assert refused(analyst, "select nl2sql.feedback(null, false, question => 'q')").sqlstate == "54000"
    admin.execute("delete from nl2sql._feedback where id in (select min(id) from nl2sql._feedback)")
    analyst.execute("select nl2sql.feedback(null, false, question => 'q')")


# Who may do what.


def test_users_propose_and_do_not_decide(admin: Connection, analyst: Connection) -> None:
    for statement in (
        "select nl2sql.approve(1)",
        "select nl2sql.reject(1)",
        "table nl2sql.review_queue",
        "table nl2sql._feedback",
        "select nl2sql.propose_example('q', 'select id from orders')",
        "insert into nl2sql._feedback (question) values ('x')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(statement.encode())


def test_developers_propose(admin: Connection, analyst: Connection, steward: Connection, service: Sidecar) -> None:
    admin.execute("grant nl2sql_developer to analyst")
    row = analyst.execute("select nl2sql.propose_example('all sums', %s, 'note')", (RIGHT,)).fetchone()
    assert queue(steward) == [("all sums", RIGHT, True, None)]
    assert analyst.execute("select question from nl2sql.list_examples()").fetchall() == []
    steward.execute("select nl2sql.approve(%s)", row)
    assert analyst.execute("select question, note from nl2sql.list_examples()").fetchall() == [("all sums", "note")]
    for arguments, sqlstate in (("null, 'select id from orders'", "NL101"), ("'q', null", "22004")):
        assert refused(analyst, f"select nl2sql.propose_example({arguments})").sqlstate == sqlstate
    admin.execute("revoke nl2sql_developer from analyst")


def test_what_the_administrator_may_not_read(analyst: Connection, steward: Connection, service: Sidecar) -> None:
    """Feedback on customers: neither seen, nor approved, nor rejected by who may read orders only."""
    query = (
        "select nl2sql.feedback(null, false, 'select name from customers where city = ''Rome''', question => 'Romans')"
    )
    (number,) = analyst.execute(query.encode()).fetchone() or ()
    assert queue(steward) == []
    assert "Rom" not in str(steward.execute("select f from nl2sql._feedback as f").fetchall())
    for call in (f"approve({number})", f"reject({number})", f"approve({number}, '{RIGHT}')"):
        error = refused(steward, f"select nl2sql.{call}")
        assert error.sqlstate == "42704" and "Rom" not in str(error)


# What somebody else wrote is not run by the administrator.

TRAP = """
    create schema trap authorization analyst;
    set role analyst;
    create function trap.sprung(numeric, numeric) returns boolean language plpgsql immutable as
        $$ begin raise exception 'sprung'; end $$;
    create operator trap.= (leftarg = numeric, rightarg = numeric, function = trap.sprung);
    create view trap.orders as select * from public.orders;
    grant usage on schema trap to public;
    grant select on trap.orders to public;
    reset role
"""


def test_an_approval_runs_nothing_of_the_giver(
    admin: Connection, analyst: Connection, steward: Connection, service: Sidecar
) -> None:
    """Neither a function nor an operator of his, at planning; and his search path leads nobody elsewhere."""
    admin.execute(TRAP)
    analyst.execute("set search_path = trap, public")
    for sql in (
        "select trap.sprung(1, 1) from public.orders",
        "select id from public.orders where 1.0 operator(trap.=) 1.0",
    ):
        (number,) = analyst.execute("select nl2sql.feedback(null, false, %s, question => 'q')", (sql,)).fetchone() or ()
        error = refused(steward, f"select nl2sql.approve({number})")
        assert (error.sqlstate or "").startswith("NL4") and "sprung" not in str(error.diag.context)
    analyst.execute("select nl2sql.feedback(null, false, 'select id from orders where 1.0 = 1.0', question => 'own')")
    (number,) = steward.execute("select max(feedback_id) from nl2sql.review_queue").fetchone() or ()
    assert refused(steward, f"select nl2sql.approve({number})").sqlstate == "NL204"
    assert steward.execute("select count(*) from nl2sql.list_examples()").fetchone() == (0,)


def test_a_login_can_not_speak_for_another(admin: Connection, analyst: Connection) -> None:
    """The private writer may be called directly; what it is told of the caller is believed where it can be true."""
    feedback = json.dumps({"question": "q", "correct": True, "given_as": "postgres"})
    analyst.execute("select nl2sql._feedback_store(%s, '[]')", (feedback,))
    assert admin.execute("select given_by, given_as from nl2sql._feedback").fetchall() == [("analyst", None)]
