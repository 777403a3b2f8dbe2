"""Stored examples and terms: checked when stored, found by meaning or by words, seen by who may read all in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sidecar.errors import SidecarError
from tests.conftest import Connection, Database
from tests.db.test_dump_restore import copy_plain
from tests.db.test_question_errors import refused
from tests.support.databases import new_database
from tests.support.sidecar import Sidecar

EACH = "select customer_id, count(*) from orders group by 1"
WORD = "what is the se' || 'cret wo' || 'rd"  # not itself one of the words that are looked for
AWAY = SidecarError("NL310", "the embedding model is missing", detail="No vectors.", hint="Pull it.")


@pytest.fixture
def service(database: Database) -> Iterator[Sidecar]:
    """The sidecar that this database is answered by; its engine says what a test tells it to."""
    running = Sidecar(database.socket.parent, socket_mode="0666")
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def shop(admin: Connection, analyst: Connection, service: Sidecar) -> Connection:
    """The administrator's connection to a shop with two examples for the analyst, and one on what he may not read."""
    add(admin, "how many orders does each customer have", EACH, "by id")
    add(admin, "which customers live in Rome", "select name from customers where city = 'Rome'")
    add(admin, "what is the secret word", "select word from secrets")
    return admin


def add(connection: Connection, question: str | None, sql: str | None, note: str | None = None) -> int:
    row = connection.execute("select nl2sql.add_example(%s, %s, %s)", (question, sql, note)).fetchone()
    assert row is not None
    return int(row[0])


def listed(connection: Connection) -> list[str]:
    return [question for (question,) in connection.execute("select question from nl2sql.list_examples()")]


def prompt(service: Sidecar, connection: Connection, question: str) -> str:
    """What the engine is shown for a question."""
    connection.execute("select nl2sql.ask(%s)", (question,))
    return "\n".join(message.content for message in service.engine.requests[-1][0])


def found(connection: Connection, question: str, **changes: Any) -> list[str]:
    """Questions of the examples found by words."""
    given = {"schemas": ["public"], "tables": None, "likeness": 0.6, "most": 5} | changes
    rows = connection.execute(
        "select question from nl2sql._find_examples(%s, null, null, %s, %s, %s, %s)",
        (question, given["schemas"], given["tables"] and json.dumps(given["tables"]), given["likeness"], given["most"]),
    )
    return [text for (text,) in rows.fetchall()]


# Stored.


def test_the_normal_form_is_stored(shop: Connection) -> None:
    rows = shop.execute("select sql, note, source, embedded from nl2sql.list_examples('each customer')").fetchall()
    assert rows == [("SELECT customer_id, count(*) FROM orders GROUP BY 1", "by id", "manual", True)]


def test_the_same_again_replaces(shop: Connection) -> None:
    first = add(shop, "what is the secret word", "select word from secrets")
    assert add(shop, "what is the secret word", "SELECT word FROM secrets;", "hush") == first
    assert shop.execute("select note from nl2sql.list_examples('secret')").fetchall() == [("hush",)]
    assert shop.execute("select nl2sql.drop_example(%s)", (first,)).fetchone() == (True,)
    assert shop.execute("select nl2sql.drop_example(%s)", (first,)).fetchone() == (False,)
    assert "what is the secret word" not in listed(shop)


REFUSED = {
    "no_question": (None, "select 1 from orders", "NL101"),
    "no_statement": ("q", None, "22004"),
    "blank_statement": ("q", " ; ", "22004"),
    "long_statement": ("q", "select 1 from orders --" + "x" * 40_000, "54000"),
    "no_sql": ("q", "how many orders", "NL204"),
    "two_statements": ("q", "select 1 from orders; select 2", "NL204"),
    "break_out": ("q", "select 1 from orders) as a; drop table orders; select * from (select 1", "NL204"),
    "write": ("q", "delete from orders", "NL204"),
    "writing_with": ("q", "with gone as (delete from orders returning id) select id from gone", "NL204"),
    "no_table": ("q", "select 1", "NL204"),
    "no_column": ("q", "select nonsense from orders", "NL204"),
    "catalog": ("q", "select relname from pg_class, orders", "NL402"),
    "function": ("q", "select pg_sleep(1) from orders", "NL403"),
    "locking": ("q", "select id from orders for update", "NL405"),
    "parameter": ("q", "select id from orders where id = $1", "NL204"),
}


@pytest.mark.parametrize(("question", "sql", "sqlstate"), REFUSED.values(), ids=REFUSED)
def test_refused(shop: Connection, question: str | None, sql: str | None, sqlstate: str) -> None:
    before = listed(shop)
    error = refused(shop, "select nl2sql.add_example(%s, %s)", question, sql)
    assert error.sqlstate == sqlstate
    assert error.diag.message_detail and error.diag.message_hint
    assert listed(shop) == before
    assert shop.execute("select to_regclass('orders') is not null, to_regclass('nl2sql_reads')").fetchone() == (
        True,
        None,
    )


def test_only_who_may_read_it_all_can_store_it(
    database: Database, admin: Connection, analyst: Connection, service: Sidecar
) -> None:
    """An administrator of nl2sql sees no data by that, so he vouches for nothing he could not run."""
    admin.execute("create role steward login in role nl2sql_admin; grant select (id, customer_id) on orders to steward")
    with database.connect("steward") as steward:
        add(steward, "orders of each customer", EACH)
        assert refused(steward, "select nl2sql.add_example('words', 'select word from secrets')").sqlstate == "NL204"
        error = refused(steward, "select nl2sql.add_example('sums', 'select sum(amount) from orders')")
        assert error.sqlstate == "NL204" and "permission denied" in str(error)
        assert listed(steward) == ["orders of each customer"]
    admin.execute("drop owned by steward; drop role steward")


def test_only_an_administrator_stores(analyst: Connection, service: Sidecar) -> None:
    for call in (
        "add_example('q', 'select id from orders')",
        "drop_example(1)",
        "define_term('a b', 'c')",
        "drop_term('a')",
    ):
        assert_denied(analyst, f"select nl2sql.{call}")
    for table in ("_example", "_example_object", "_term", "_feedback"):
        assert_denied(analyst, f"delete from nl2sql.{table}")


def assert_denied(connection: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_without_an_embedder(database: Database, admin: Connection, analyst: Connection, service: Sidecar) -> None:
    """Stored without a vector, found by its words, and given one as soon as there is an embedder."""
    notices: list[str] = []
    admin.add_notice_handler(lambda diagnostic: notices.append(str(diagnostic.message_primary)))
    service.embedder.error = AWAY
    add(admin, "how many orders are there", "select count(*) from orders")
    assert any("NL310" in notice for notice in notices)
    assert "Question: how many orders are there\nSQL: " in prompt(service, analyst, "how many orders do we have")
    service.embedder.error = None
    admin.execute("select nl2sql.refresh_index()")
    assert admin.execute("select embedded from nl2sql.list_examples()").fetchall() == [(True,)]


# Found.


def test_found_by_meaning(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    text = prompt(service, analyst, "which customer lives in Rome")
    assert "Question: which customers live in Rome\nSQL: SELECT name FROM customers WHERE city = 'Rome'" in text
    assert "which customer lives in Rome" in service.embedder.texts


def test_no_vector_is_made_where_there_is_no_example(analyst: Connection, service: Sidecar) -> None:
    prompt(service, analyst, "which customer lives in Rome")
    assert "which customer lives in Rome" not in service.embedder.texts


def test_the_likest_stands_last(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    text = prompt(service, analyst, "how many orders does every customer have")
    assert text.index("live in Rome") < text.index("does each customer")
    assert "-- by id" in text


def test_how_many_and_how_like(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    shop.execute("select nl2sql.set_setting('examples_shown', '1')")
    assert "live in Rome" not in prompt(service, analyst, "how many orders does every customer have")
    shop.execute("select nl2sql.set_setting('examples_likeness', '100')")
    assert "\nSQL: " not in prompt(service, analyst, "how many orders does every customer have")
    analyst.execute("set nl2sql.examples = off")
    shop.execute("select nl2sql.set_setting('examples_likeness', '0')")
    assert "\nSQL: " not in prompt(service, analyst, "how many orders does every customer have")


def test_chinese(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    add(shop, "每个客户有多少订单", EACH)
    add(shop, "哪些客户住在罗马", "select name from customers where city = 'Rome'")
    assert found(analyst, "每位客户的订单有多少") == ["每个客户有多少订单"]
    assert found(analyst, "住在罗马的客户") == ["哪些客户住在罗马"]
    assert "每个客户有多少订单" in prompt(service, analyst, "每个客户有几个订单")


def test_only_over_the_tables_of_the_question(shop: Connection, analyst: Connection) -> None:
    question = "which customers live in Rome"
    assert found(analyst, question, tables=[{"schema": "public", "name": "customers"}]) == [question]
    assert question not in found(analyst, question, tables=[{"schema": "public", "name": "orders"}])


def test_names_must_lead_to_the_same_tables(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    """A plain name is found in the search path; what is written with its schema holds everywhere."""
    shop.execute("create schema other; grant usage on schema other to analyst; create table other.orders (id int)")
    shop.execute("grant select on other.orders to analyst")
    add(shop, "how many public orders are there", "select count(*) from public.orders")
    question = "how many orders does each customer have"
    assert question in found(analyst, question, schemas=["public", "other"])
    assert question not in found(analyst, question, schemas=["other", "public"])
    assert "how many public orders are there" in found(analyst, "how many orders", schemas=["other", "public"])


# Seen.

HIDDEN = ("secret", "word")


def all_outputs(connection: Connection, service: Sidecar) -> str:
    """Everything that lists, finds, suggests or shows examples and terms, as one text."""
    queries = (
        "select e from nl2sql.list_examples() as e",
        "select e from nl2sql._example as e",
        "select o from nl2sql._example_object as o",
        "select t from nl2sql.terms as t",
        f"select t from nl2sql._terms_in('{WORD} of a customer') as t",
        f"select f from nl2sql._find_examples('{WORD}', null, null, '{{public}}', null, 0, 99) as f",
    )
    texts = [str(connection.execute(query.encode()).fetchall()) for query in queries]
    texts.append(prompt(service, connection, "what is it that nobody may say of a customer"))
    return "\n".join(texts)


def test_what_may_not_be_read_is_nowhere(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    shop.execute("select nl2sql.define_term('secret', 'a hidden word', '{secrets}')")
    shop.execute("select nl2sql.define_term('customer', 'who bought something')")
    shop.execute("select nl2sql.set_setting('examples_likeness', '0')")
    seen = all_outputs(analyst, service)
    assert not [word for word in HIDDEN if word in seen]
    assert "does each customer" in seen and "who bought something" in seen
    shop.execute("grant select on secrets to analyst")
    assert not [word for word in HIDDEN if word not in all_outputs(analyst, service)]


@pytest.mark.parametrize("column", ["city", "name"])
def test_a_hidden_column_hides_the_example(
    shop: Connection, analyst: Connection, service: Sidecar, column: str
) -> None:
    """It counts wherever it stands: `city` is only in WHERE."""
    assert "which customers live in Rome" in listed(analyst)
    kept = {"city": "id, name", "name": "id, city"}[column]
    shop.execute(f"revoke select on customers from analyst; grant select ({kept}) on customers to analyst".encode())
    assert "Rome" not in all_outputs(analyst, service)
    assert "how many orders does each customer have" in listed(analyst)


def test_a_closed_schema_hides_the_example(shop: Connection, analyst: Connection) -> None:
    shop.execute("create schema closed; create table closed.safe (id int); grant select on closed.safe to analyst")
    add(shop, "how many safes", "select count(*) from closed.safe")
    assert "how many safes" not in listed(analyst)
    shop.execute("grant usage on schema closed to analyst")
    assert "how many safes" in listed(analyst)


def test_row_security_hides_what_may_quote_a_row(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    """'Rome' may stand in no row that the analyst sees; and a question or a note may quote one without a literal."""
    add(shop, "names of all customers", "select name from customers")
    shop.execute("alter table customers enable row level security")
    shop.execute("create policy own on customers using (city = 'Paris')")
    assert "Rome" not in all_outputs(analyst, service)
    assert "names of all customers" not in listed(analyst)


def test_two_roles_in_one_session(shop: Connection, analyst: Connection) -> None:
    """Nothing that one role saw is left for the next."""
    for role, sees in (("postgres", True), ("analyst", False), ("postgres", True)):
        shop.execute(f"set role {role}".encode())
        assert ("what is the secret word" in listed(shop)) == sees
    shop.execute("reset role")


def test_renamed_and_dropped(shop: Connection, analyst: Connection) -> None:
    shop.execute("alter table customers rename column city to town")
    assert "which customers live in Rome" not in listed(analyst)
    shop.execute("alter table customers rename column town to city")
    assert "which customers live in Rome" in listed(analyst)
    shop.execute("drop table orders")
    assert listed(analyst) == ["which customers live in Rome"]


# Terms.


def test_terms_in_the_prompt(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    shop.execute("select nl2sql.define_term('Big Order', E'amount\\n over 100', '{orders}')")
    shop.execute("select nl2sql.define_term('大单', 'amount over 100')")
    shop.execute("select nl2sql.define_term('order', 'a row of orders')")
    text = prompt(service, analyst, "how many big orders")
    assert "Big Order: amount over 100" in text and "order: a row of orders" in text
    assert "Big Order" not in prompt(service, analyst, "how big an orderbook")
    assert "大单: amount over 100" in prompt(service, analyst, "有多少大单")


def test_terms_are_defined_anew_and_dropped(shop: Connection, analyst: Connection) -> None:
    shop.execute("select nl2sql.define_term('big order', 'over 100', '{orders}')")
    shop.execute("select nl2sql.define_term('Big Order', 'over 200')")
    query = "select term, meaning, for_tables from nl2sql.terms"
    assert analyst.execute(query).fetchall() == [("Big Order", "over 200", [])]
    assert shop.execute("select nl2sql.drop_term('BIG ORDER')").fetchone() == (True,)
    assert shop.execute("select nl2sql.drop_term('BIG ORDER')").fetchone() == (False,)
    for call in (
        "define_term('x', 'y')",
        "define_term('xx', ' ')",
        "define_term(null, 'y')",
        "define_term('xx', null)",
    ):
        assert refused(shop, f"select nl2sql.{call}").sqlstate == "22023"


# Suggestions.


def test_suggestions_from_views(shop: Connection, analyst: Connection, service: Sidecar) -> None:
    shop.execute("""
        create view romans as select name from customers where city = 'Rome';
        create view big_orders as select * from orders where amount > 100;
        comment on view big_orders is 'orders over a hundred';
        create view whispers as select word from secrets;
        create view slow as select set_config('a.b', 'c', true) from orders;
        grant select on romans, big_orders, whispers, slow to analyst, nl2sql_developer;
        grant nl2sql_developer to analyst;
    """)
    query = "select question, sql, source, uses from nl2sql.suggest_examples()"
    rows = analyst.execute(query).fetchall()
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("orders over a hundred", "view public.big_orders", None),
        (None, "view public.romans", None),
    ]
    assert rows[0][1].startswith("SELECT") and "amount > " in rows[0][1]
    shop.execute("alter table customers enable row level security")
    assert "Rome" not in str(analyst.execute(query).fetchall())
    shop.execute("select nl2sql.add_example('large orders', %s)", (rows[0][1],))
    assert "big_orders" not in str(analyst.execute(query).fetchall())
    assert listed(analyst)[-1] == "large orders"
    shop.execute("drop owned by nl2sql_developer; revoke nl2sql_developer from analyst")


# Kept.


def test_dump_and_restore(database: Database, shop: Connection, analyst: Connection, tmp_path: Any) -> None:
    shop.execute("select nl2sql.define_term('big order', 'over 100', '{orders}')")
    tables = ("_example", "_example_object", "_term", "_feedback")
    with new_database(database.cluster) as target:
        copy_plain(database, target, tmp_path)
        with target.connect() as restored, target.connect("analyst") as other_analyst:
            for table in tables:
                query = f"select t::text from nl2sql.{table} as t order by 1".encode()
                assert restored.execute(query).fetchall() == shop.execute(query).fetchall()
            assert listed(other_analyst) == listed(analyst) != listed(restored)
            numbers = "select max(id) < nextval('nl2sql._example_id_seq') from nl2sql._example"
            assert restored.execute(numbers).fetchone() == (True,)
            restored.execute("drop owned by analyst")
