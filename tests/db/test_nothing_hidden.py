"""What a role may not read appears in no prompt, trace, error or hint: names, comments, values, examples, joins."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.peer import Peer, answer_to, peer

# Everything about the hidden table and the hidden column that could slip out.
SECRETS = ("payroll", "zorkmid", "salary", "Zanzibar", "quarterly bonus", "iban_number", "DE44", "gold digger")
QUESTIONS = (
    "how many orders",
    "sum of zorkmid in payroll",
    "what do people in Zanzibar earn",
    "which customers have a salary",
    "the gold digger customers",
    "iban of the customers",
)


@pytest.fixture
def hidden(admin: Connection, analyst: Connection) -> Connection:
    """A table that the analyst may not read, and a column of one that he may read otherwise."""
    admin.execute(
        """
        create table public.payroll (id int primary key, customer_id int, zorkmid numeric, city text);
        comment on table public.payroll is 'salary of everybody';
        comment on column public.payroll.zorkmid is 'quarterly bonus';
        insert into public.payroll select g, g, g, 'Zanzibar' from generate_series(1, 50) as g;
        alter table customers add iban_number text;
        comment on column customers.iban_number is 'salary account';
        insert into customers select g, 'n' || g, 'Oslo', 'DE44' from generate_series(1, 50) as g;
        analyze;
        """
    )
    admin.execute("revoke select on customers from analyst; grant select (id, name, city) on customers to analyst")
    admin.execute(
        "select nl2sql.index_values('public.payroll', 'city'), nl2sql.index_values('customers', 'iban_number')"
    )
    admin.execute("select nl2sql.define_term('gold digger', 'zorkmid above 100', '{public.payroll}')")
    return admin


@pytest.fixture
def listening(database: Database, hidden: Connection) -> Iterator[Peer]:
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, "SELECT zork FROM customers"))) as found:
        hidden.execute("select nl2sql.set_setting('repair_rounds', '1')")
        yield found


def told(connection: Connection, call: str, question: str) -> str:
    """All that the client hears."""
    try:
        return str(connection.execute(call, (question,)).fetchall())
    except psycopg.Error as error:
        diag = error.diag
        return f"{error} {diag.message_detail} {diag.message_hint} {diag.context}"


def without(text: str, question: str) -> str:
    """The question itself comes back in prompts and traces."""
    return text.replace(question, "")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("scope", ["search_path", "database"])
def test_nothing_slips_out(listening: Peer, analyst: Connection, question: str, scope: str) -> None:
    analyst.execute(f"set nl2sql.scope = '{scope}'; set nl2sql.trial_run = on".encode())
    heard = told(analyst, "select nl2sql.ask(%s)", question)
    heard += told(analyst, "select * from nl2sql.trace(%s)", question)
    sent = b"".join(listening.requests).decode()
    assert '"customers"' in sent
    for secret in SECRETS:
        assert secret not in without(sent, question)
        if secret not in question:
            assert secret not in without(heard, question)


@pytest.mark.parametrize(
    "view", ["joins", "terms", "settings", "cases", "list_examples()", "suggest_examples()"], ids=str
)
def test_no_list_names_it(hidden: Connection, developer: Connection, view: str) -> None:
    found = str(developer.execute(f"select * from nl2sql.{view}".encode()).fetchall())
    assert [secret for secret in SECRETS if secret in found] == []


@pytest.fixture
def developer(database: Database, admin: Connection, analyst: Connection) -> Iterator[Connection]:
    """The analyst, who may also propose."""
    admin.execute("grant nl2sql_developer to analyst")
    with database.connect("analyst") as connection:
        yield connection
    admin.execute("revoke nl2sql_developer from analyst")
