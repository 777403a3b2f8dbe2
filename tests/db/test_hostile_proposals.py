"""A sidecar that has been taken over proposes what it likes: the answer is a SELECT, or none, and it learns no data."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.answering_peer import answers, bodies
from tests.support.peer import peer

ASK = "select nl2sql('how many orders are there')"

NO_SELECT = [
    "delete from orders",
    "insert into orders values (1)",
    "update orders set amount = 0",
    "with gone as (delete from orders returning id) select * from gone",
    "create table copied as select * from orders",
    "create temp table copied as select * from orders",
    "select * into copied from orders",
    "create materialized view copied as select * from orders",
    "declare held cursor with hold for select * from orders",
    "analyze delete from orders",
    "execute prepared",
    "select 1) as a; delete from orders; select * from (select 1",
    "select 1) as a where exists (select 1",
    "select 1 /*",
    "",
    "set role postgres",
    "copy orders to program 'id'",
    "do $$begin end$$",
    "select * from orders for update",
    "select count(*) from (select * from orders for share) as o",
]
SELECTS = [
    "select count(*) from orders",
    "select id as a, customer_id as a from orders order by 1 limit 1 -- ends here",
    "with c as (select id from orders) select * from c union all values (1)",
    "table orders",
]


@pytest.fixture
def owner(admin: Connection, analyst: Connection) -> Connection:
    """The analyst may also write: what is refused is refused for what it is, not for want of rights."""
    admin.execute("grant insert, update, delete on orders to analyst")
    admin.execute("grant create on schema public to analyst")
    admin.execute("insert into customers values (1, 'Dr. Livingstone', 'Ujiji')")
    analyst.execute("prepare prepared as select 1")
    return analyst


@pytest.mark.parametrize("statement", NO_SELECT)
def test_what_is_no_select_is_no_answer(database: Database, owner: Connection, statement: str) -> None:
    with peer(database.socket, answers(statement)):
        assert refused(owner, ASK).sqlstate == "NL406"


@pytest.mark.parametrize("statement", SELECTS)
def test_selects_are_answers(database: Database, owner: Connection, statement: str) -> None:
    with peer(database.socket, answers(statement)):
        assert owner.execute(ASK.encode()).fetchall() == [(statement,)]


def test_data_does_not_come_back_in_the_words_of_an_error(
    database: Database, admin: Connection, owner: Connection
) -> None:
    """The planner runs this STABLE function to estimate; the error quotes the table."""
    admin.execute(
        "create function public.somebody() returns text stable language sql as 'select name from public.customers'"
    )
    statement = "select 1 from orders where id = somebody()::int"
    with peer(database.socket, answers(statement)) as listening:
        error = refused(owner, ASK)
    assert "Livingstone" in (error.diag.message_detail or "")
    repairs = [body["repair"] for body in bodies(listening.requests)]
    assert [repair is None for repair in repairs] == [True, True, False]
    assert "Livingstone" not in json.dumps(repairs)


def test_hidden_columns_do_not_come_back_in_hints(database: Database, admin: Connection, owner: Connection) -> None:
    admin.execute("revoke select on customers from analyst")
    admin.execute("alter table customers add card_number text")
    admin.execute("grant select (id, name, city) on customers to analyst")
    for misspelt, named in (("card_numbr", "card_number"), ("citty", "city")):
        with peer(database.socket, answers(f"select c.{misspelt} from customers as c")) as listening:
            refused(owner, ASK)
        hint = bodies(listening.requests)[-1]["repair"]["hint"]
        assert (f"c.{named}" in hint) == (named == "city")


def test_backslash_that_this_session_would_read_otherwise(database: Database, owner: Connection) -> None:
    with peer(database.socket, answers("select '\\'")):
        assert owner.execute(ASK.encode()).fetchone() == ("select '\\'",)
        owner.execute("set standard_conforming_strings = off")
        assert "backslash" in (refused(owner, ASK).diag.message_detail or "")
