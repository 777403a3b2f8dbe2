"""What is no question reaches no model; an unsure answer comes with a warning, a less sure one not at all."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers
from tests.support.peer import answer_to, peer

GOOD = "SELECT COUNT(*) FROM bait"


@pytest.fixture
def bait(admin: Connection, analyst: Connection) -> None:
    admin.execute("create table public.bait (id int primary key, name text, weight_kg numeric)")
    admin.execute("grant select on public.bait to analyst")


def refused(connection: Connection, question: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("select nl2sql(%s)", (question,))
    return caught.value


@pytest.mark.usefixtures("bait")
@pytest.mark.parametrize(
    ("question", "sqlstate"),
    [
        ("hello", "NL109"),
        ("drop all tables", "NL110"),
        ("SELECT * FROM bait; DROP TABLE bait;", "NL110"),
        ("SELECT * FROM bait", "NL111"),
        ("And how many of those are heavy?", "NL112"),
        ("它们都在哪些城市？", "NL112"),
        ("will it rain tomorrow?", "NL409"),
    ],
)
def test_no_model_is_asked(database: Database, analyst: Connection, question: str, sqlstate: str) -> None:
    with peer(database.socket, answers()) as listening:
        error = refused(analyst, question)
    assert error.sqlstate == sqlstate
    assert error.diag.message_hint and error.diag.message_detail
    assert not [request for request in listening.requests if b"/v1/generate" in request]


@pytest.mark.usefixtures("bait")
def test_examples_are_of_what_the_role_may_read(admin: Connection, analyst: Connection) -> None:
    admin.execute("create table public.aaa_hidden (id int)")
    hint = refused(analyst, "hello").diag.message_hint
    assert hint and "bait" in hint and "weight_kg" in hint
    assert "hidden" not in hint


def told(database: Database, analyst: Connection, statement: str, *proposals: str) -> tuple[object, list[str]]:
    heard: list[str] = []
    analyst.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, *proposals))):
        row = analyst.execute(statement.encode()).fetchone()
    assert row
    return row[0], heard


@pytest.mark.usefixtures("bait")
def test_an_unsure_answer_says_so(database: Database, analyst: Connection) -> None:
    # 7 of 8 proposals can't be planned
    proposals = [GOOD, *(f"SELECT nothing_{n} FROM bait" for n in range(7))]
    analyst.execute("set nl2sql.samples = '8'")
    sql, heard = told(database, analyst, "select nl2sql('how many apples and pears')", *proposals)
    assert sql == GOOD
    assert [message for message in heard if message.startswith("NL407")]
    answer, heard = told(database, analyst, "select nl2sql.ask('how many apples and pears')", *proposals)
    assert [text for text in answer["warnings"] if text.startswith("NL407")]  # type: ignore[index]
    assert not heard, "ask() tells it in its answer"


@pytest.mark.usefixtures("bait")
def test_a_sure_answer_does_not(database: Database, analyst: Connection) -> None:
    assert told(database, analyst, "select nl2sql('how many bait')", GOOD) == (GOOD, [])


@pytest.mark.usefixtures("bait")
def test_what_no_column_can_hold(database: Database, analyst: Connection) -> None:
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, "SELECT name FROM bait ORDER BY id"))):
        error = refused(analyst, "Order the bait by age")
    assert error.sqlstate == "NL409"
    assert "'age'" in str(error)
    analyst.execute("set nl2sql.min_confidence = 0")
    by_id = "SELECT name FROM bait ORDER BY id"
    assert told(database, analyst, "select nl2sql('Order the bait by age')", by_id)[0] == by_id
