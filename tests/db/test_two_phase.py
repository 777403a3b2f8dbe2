"""Transactions that are prepared for a second commit, as application servers do that distribute them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import FAST, Connection, Database
from tests.support.answering_peer import answers
from tests.support.peer import peer
from tools.cluster import Cluster

QUESTION = "what is the balance of each account"
ANSWER = "select account, sum(amount) from books.entry group by account"
BOOKS = """
    create extension nl2sql cascade;
    select nl2sql.set_setting('audit', 'off');
    create role clerk login in role nl2sql_user;
    create role chief login in role nl2sql_admin;
    create schema books;
    grant usage, create on schema books to clerk;
    create table books.entry (id int primary key, account text, amount int);
    insert into books.entry values (1, 'cash', 100), (2, 'cash', -30), (3, 'bank', 500);
    grant select on books.entry to clerk;
"""


@pytest.fixture(scope="module")
def database(short_folder: Path) -> Iterator[Database]:
    """A server that prepares transactions, with one database."""
    root = Path(tempfile.mkdtemp(prefix="nl2sql-2pc-"))
    root.chmod(0o755)
    with Cluster(root, settings=FAST | {"max_prepared_transactions": "10"}) as cluster:
        found = Database(cluster, "postgres", short_folder / "two-phase.sock")
        with found.connect() as admin:
            admin.execute(BOOKS)
            admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(found.socket),))
            admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
        yield found
    shutil.rmtree(root, ignore_errors=True)


def prepared(connection: Connection, statement: str, then: str = "commit prepared") -> None:
    """One statement in a transaction that is prepared, then ended so."""
    connection.execute("begin")
    connection.execute(statement.encode())
    connection.execute("prepare transaction 'nl2sql_test'")
    assert connection.execute("select gid from pg_prepared_xacts").fetchall() == [("nl2sql_test",)]
    connection.execute(f"{then} 'nl2sql_test'".encode())


@pytest.mark.parametrize(
    "statement",
    [
        f"select nl2sql('{QUESTION}')",
        f"select nl2sql.ask('{QUESTION}')",
        f"select * from nl2sql.query('{QUESTION}')",
        f"select * from nl2sql.trace('{QUESTION}')",
        "select * from nl2sql.status()",
    ],
)
def test_asking_and_running(database: Database, statement: str) -> None:
    with peer(database.socket, answers(ANSWER)), database.connect("clerk") as clerk:
        clerk.execute("set search_path = books, public")
        prepared(clerk, statement)


def test_a_saved_view(database: Database) -> None:
    with peer(database.socket, answers(ANSWER)), database.connect("clerk") as clerk:
        clerk.execute("set search_path = books, public")
        save = f"select nl2sql.save_view('books.{{}}', '{QUESTION}')"
        prepared(clerk, save.format("kept"))
        prepared(clerk, save.format("dropped"), "rollback prepared")
        assert clerk.execute("select count(*) from books.kept").fetchone() == (2,)
        assert clerk.execute("select to_regclass('books.dropped')").fetchone() == (None,)


def test_masks(database: Database) -> None:
    with database.connect("chief") as chief, database.connect("clerk") as clerk:
        prepared(chief, "select nl2sql.mask('books.entry', 'account', 'name')", "rollback prepared")
        assert clerk.execute("select count(distinct account) from books.entry").fetchone() == (2,)
        for statement in (
            "select nl2sql.mask('books.entry', 'account', 'name')",
            "select nl2sql.use_masked('clerk')",
            "select nl2sql.show_clear('books.entry', 'clerk')",
        ):
            prepared(chief, statement)
        assert clerk.execute("select count(distinct account) from books.entry").fetchone() == (2,)
        prepared(chief, "select nl2sql.unmask('books.entry', 'account')")


def test_a_lock_that_nobody_gives_back(database: Database) -> None:
    """A prepared transaction that is left alone keeps its locks: who waits for them can give up, and goes on later."""
    with database.connect() as admin, database.connect("chief") as chief:
        admin.execute("begin; lock table books.entry in access exclusive mode; prepare transaction 'nl2sql_lock'")
        try:
            chief.execute("set statement_timeout = '1s'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                chief.execute("select nl2sql.mask('books.entry', 'account', 'name')")
        finally:
            admin.execute("rollback prepared 'nl2sql_lock'")
        chief.execute("select nl2sql.mask('books.entry', 'account', 'name')")
        chief.execute("select nl2sql.unmask('books.entry', 'account')")
