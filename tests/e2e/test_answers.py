"""A question goes in, one SELECT comes out, wherever a SELECT may stand."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection
from tests.e2e.conftest import Product

HOW_MANY = "How many customers are there?"
QUESTIONS = [
    json.loads(line)
    for line in (Path(__file__).resolve().parents[2] / "sql" / "demo" / "questions.jsonl")
    .read_text("utf-8")
    .splitlines()
]


def ask(connection: Connection, question: str) -> str:
    row = connection.execute("select nl2sql(%s)", (question,)).fetchone()
    assert row
    return str(row[0])


def count_of(connection: Connection, sql: str) -> object:
    row = connection.execute(sql.encode()).fetchone()
    assert row
    return row[0]


def test_an_answer_that_runs_and_is_right(analyst: Connection) -> None:
    sql = ask(analyst, HOW_MANY)
    assert count_of(analyst, sql) == count_of(analyst, "select count(*) from customers")


def test_a_chinese_question(analyst: Connection) -> None:
    assert count_of(analyst, ask(analyst, "一共有多少个客户？")) == count_of(analyst, "select count(*) from customers")


def test_ask_tells_how(analyst: Connection) -> None:
    row = analyst.execute("select nl2sql.ask(%s)", (HOW_MANY,)).fetchone()
    assert row
    answer = row[0]
    assert set(answer) == {
        "sql", "model", "tables", "confidence", "signals", "filters", "candidates", "timings", "request_id", "warnings",
        "usage",
    }  # fmt: skip
    assert answer["model"] == "qwen2.5-coder-0.5b-instruct"
    assert answer["tables"] == ["shop.customers"]
    assert 0 < answer["confidence"] <= 1
    assert {"retrieval", "generate", "prompt", "engine", "guard", "judge", "total"} <= set(answer["timings"])
    assert answer["timings"]["engine"] <= answer["timings"]["total"]
    assert answer["candidates"][-1]["cost"] > 0


def test_several_candidates(analyst: Connection) -> None:
    row = analyst.execute("""select nl2sql.ask(%s, '{"candidates": 3}')""", (HOW_MANY,)).fetchone()
    assert row
    assert len(row[0]["candidates"]) >= 3


@pytest.fixture(scope="module")
def outcomes(product: Product) -> dict[str, str | psycopg.Error]:
    """Answer or error to each question of the demo, all asked at once: one engine's work for the price of three."""

    def outcome(question: str) -> str | psycopg.Error:
        with product.connect() as analyst:
            analyst.execute("set nl2sql.timeout = '120s'")
            try:
                return ask(analyst, question)
            except psycopg.Error as error:
                return error

    with ThreadPoolExecutor(len(QUESTIONS)) as pool:
        answers = list(pool.map(outcome, [question["question"] for question in QUESTIONS]))
    return {question["id"]: answer for question, answer in zip(QUESTIONS, answers, strict=True)}


@pytest.mark.parametrize("name", [question["id"] for question in QUESTIONS])
def test_a_demo_question_is_answered_or_refused(
    analyst: Connection, outcomes: dict[str, str | psycopg.Error], name: str
) -> None:
    """The small model need not be right (the demo's default is larger), but nothing invalid comes out."""
    outcome = outcomes[name]
    if isinstance(outcome, psycopg.Error):
        assert outcome.sqlstate in ("NL406", "NL407"), "no valid statement, or one that is not sure enough"
        assert outcome.diag.message_hint
    else:
        analyst.execute(b"explain " + outcome.encode())


def test_a_period_counted_from_today(analyst: Connection) -> None:
    """Whatever the small model makes of it: repair knows what last month is."""
    first = "date_trunc('month', current_date)"
    last_month = f"{first} - interval '1 month' and {first} - interval '1 day'"
    expected = count_of(analyst, f"select count(*) from orders where order_date between {last_month}")
    for question in ("How many orders were placed last month?", "上个月有多少订单？"):
        assert count_of(analyst, ask(analyst, question)) == expected


def test_read_only_transaction(analyst: Connection) -> None:
    analyst.execute("begin read only")
    assert "customers" in ask(analyst, HOW_MANY)
    assert analyst.execute("show transaction_read_only").fetchone() == ("on",)
    analyst.execute("commit")


def test_a_transaction_that_writes_goes_on_writing(product: Product, analyst: Connection) -> None:
    with product.connect("postgres") as admin:
        admin.execute("create table notes (t text)")
        admin.execute("begin")
        admin.execute("set local search_path = shop, public")
        admin.execute("insert into notes values ('before')")
        ask(admin, HOW_MANY)
        admin.execute("insert into notes values ('after')")
        admin.execute("commit")
        assert admin.execute("select count(*) from notes").fetchone() == (2,)
        admin.execute("drop table notes")


def test_inside_functions(product: Product, analyst: Connection) -> None:
    with product.connect("postgres") as admin:
        admin.execute("create function ask_sql(q text) returns text language sql as 'select nl2sql(q)'")
        admin.execute(
            "create function ask_plpgsql(q text) returns text language plpgsql stable as 'begin return nl2sql(q); end'"
        )
    for function in ("ask_sql", "ask_plpgsql"):
        row = analyst.execute(f"select {function}(%s)".encode(), (HOW_MANY,)).fetchone()
        assert row
        assert "customers" in row[0]
    with product.connect("postgres") as admin:
        admin.execute("drop function ask_sql, ask_plpgsql")


def test_simple_and_extended_protocol(product: Product) -> None:
    with psycopg.connect(product.database.dsn("demo_analyst"), autocommit=True) as connection:
        simple = psycopg.ClientCursor(connection).execute("select nl2sql(%s)", (HOW_MANY,)).fetchone()
        prepared = [
            connection.execute("select nl2sql(%s)", (HOW_MANY,), prepare=True, binary=binary).fetchone()
            for binary in (False, True, False)
        ]
    assert {simple, *prepared} == {simple}


def test_two_roles_in_one_session(product: Product) -> None:
    """After SET ROLE neither sees, or is answered from, what only the other may read."""
    with product.connect("postgres") as session:
        session.execute("set search_path = shop, public")
        session.execute("set role demo_clerk")
        clerk = session.execute("select nl2sql.ask('How many products are there?')").fetchone()
        with pytest.raises(psycopg.Error) as caught:
            session.execute("select * from customers")
        assert caught.value.sqlstate == "42501"
        try:
            sql = ask(session, "List all customers with their e-mail address")
        except psycopg.Error as error:
            assert error.sqlstate in ("NL406", "NL408")
        else:
            assert "customers" not in sql
        session.execute("set role demo_analyst")
        assert "customers" in ask(session, HOW_MANY)
    assert clerk
    assert clerk[0]["tables"] == ["shop.products"]


def test_a_table_made_a_second_ago(product: Product) -> None:
    with product.connect("postgres") as admin:
        admin.execute("begin")
        admin.execute("set local search_path = shop, public")
        admin.execute("create table spaceships (id int, hull_name text)")
        assert "spaceships" in ask(admin, "How many spaceships are there?")
        admin.execute("rollback")


def test_index_follows_ddl(product: Product) -> None:
    def indexed() -> bool:
        row = admin.execute(
            "select count(*) filter (where document like '%%for night shifts%%' and embedding is not null) "
            "from nl2sql._index where relid = to_regclass('shop.lanterns')"
        ).fetchone()
        return bool(row and row[0])

    with product.connect("postgres") as admin:
        admin.execute("create table shop.lanterns (id int)")
        admin.execute("comment on table shop.lanterns is 'for night shifts'")
        deadline = time.monotonic() + 20
        while not indexed():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        admin.execute("drop table shop.lanterns")
        assert admin.execute(
            "select count(*) from nl2sql._index where document like '%%night shifts%%'"
        ).fetchone() == (0,)


def test_status_when_all_is_well(analyst: Connection) -> None:
    states = {row[0]: row[1] for row in analyst.execute("select * from nl2sql.status()").fetchall()}
    assert states["engine"] == states["model"] == states["embedder"] == states["sidecar"] == "ready"
    assert states["index"] in ("fresh", "behind")
    assert states["self-test"] == "ready"
