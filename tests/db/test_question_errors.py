"""A question that can't be answered ends in its own SQLSTATE with MESSAGE, DETAIL and HINT; the session lives on."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers
from tests.support.peer import peer

QUESTIONS = {
    "null": (None, "NL101"),
    "empty": ("", "NL102"),
    "blank": (" \t\n ", "NL102"),
    "only_invisible": ("\u200b\u202e\ufeff", "NL102"),
    "one_megabyte": ("x" * 1_000_000, "NL103"),
    "control": ("how many\x07 orders", "NL104"),
    "escape": ("how many \x1b[31morders", "NL104"),
    "c1_control": ("how many \x85 orders", "NL104"),
}


def refused(connection: Connection, query: str, *parameters: object) -> psycopg.Error:
    """The error of a query, checked for its form; the session must go on after it."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(query.encode(), parameters)
    diagnostics = caught.value.diag
    assert diagnostics.message_primary
    assert diagnostics.message_detail
    assert diagnostics.message_hint
    assert not diagnostics.message_primary.endswith(".")
    assert "Traceback" not in str(caught.value) + (diagnostics.context or "")
    assert connection.execute("select 1").fetchone() == (1,)
    return caught.value


@pytest.mark.parametrize(("question", "sqlstate"), QUESTIONS.values(), ids=QUESTIONS)
def test_question_that_is_none(analyst: Connection, question: str | None, sqlstate: str) -> None:
    assert refused(analyst, "select nl2sql(%s)", question).sqlstate == sqlstate


@pytest.mark.parametrize("question", ["كم عدد الطلبات؟", "🎉 orders 🎉", "有多少订单？", "a\u202eb how many"])
def test_question_of_any_script_reaches_the_engine(database: Database, analyst: Connection, question: str) -> None:
    with peer(database.socket, answers("select count(*) from orders")) as listening:
        assert analyst.execute("select nl2sql(%s)", (question,)).fetchone() == ("select count(*) from orders",)
    assert "\u202e".encode() not in b"".join(listening.requests)
    assert question.replace("\u202e", "").encode() in listening.requests[-1]


@pytest.mark.parametrize(
    ("options", "sqlstate"),
    [
        ('{"candidate": 3}', "NL105"),
        ('{"candidates": 0}', "NL105"),
        ('{"candidates": true}', "NL105"),
        ('{"candidates": "3"}', "NL105"),
        ('{"scope": "everything"}', "NL105"),
        ('{"timeout": "soon"}', "NL105"),
        ('{"timeout": 5}', "NL105"),
        ("[1]", "NL105"),
        ('"x"', "NL105"),
    ],
)
def test_option_that_is_none(analyst: Connection, options: str, sqlstate: str) -> None:
    assert refused(analyst, "select nl2sql.ask('how many orders', %s)", options).sqlstate == sqlstate


@pytest.mark.parametrize("value", ["never", "0", "1h30x", "-5s"])
def test_timeout_that_is_none(analyst: Connection, value: str) -> None:
    analyst.execute("select set_config('nl2sql.timeout', %s, false)", (value,))
    assert refused(analyst, "select nl2sql('how many orders')").sqlstate == "NL105"


def test_no_readable_table(admin: Connection, analyst: Connection) -> None:
    admin.execute("revoke select on customers, orders from analyst")
    error = refused(analyst, "select nl2sql('how many orders')")
    assert error.sqlstate == "NL201"
    assert "search path" in str(error.diag.message_detail)


def test_role_without_the_right(database: Database, admin: Connection) -> None:
    admin.execute("create role nobody_special login")
    with database.connect("nobody_special") as stranger:
        error = refused(stranger, "select nl2sql('how many orders')")
        assert error.sqlstate == "42501"
        assert "GRANT nl2sql_user TO nobody_special" in str(error.diag.message_hint)
    admin.execute("drop role nobody_special")
