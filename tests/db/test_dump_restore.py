"""pg_dump and restore keep what users configured, and no more: the index is made again where the data now lie."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers
from tests.support.databases import new_database
from tests.support.peer import peer
from tests.support.snapshot import EXTENSION, snapshot

Copy = Callable[[Database, Database, Path], None]

SETTINGS = "select name, value, changed_by, changed_at from nl2sql.setting order by name"
INDEX = "select state, detail from nl2sql.status() where component = 'index'"


@pytest.fixture
def configured(database: Database, admin: Connection, analyst: Connection) -> Iterator[Connection]:
    """A database in use: settings, rights beyond the roles, an index, data."""
    admin.execute("""
        create role reporting;
        grant usage on schema nl2sql to reporting;
        grant execute on function nl2sql.status() to reporting;
        grant select on nl2sql.settings to reporting;
        revoke execute on function nl2sql.ask(text, jsonb) from nl2sql_developer;
        select nl2sql.set_setting('max_tables', '17');
        insert into customers select n, 'name ' || n, 'Rome' from generate_series(1, 10) as n;
        create view romans as select * from customers where city = 'Rome';
        comment on table customers is 'who buys';
    """)
    with peer(database.socket, answers()):
        admin.execute("select nl2sql.refresh_index()")
    yield admin
    admin.execute("drop owned by reporting; drop role reporting")


def run(database: Database, program: str, *arguments: str | Path) -> None:
    """One of PostgreSQL's client programs against a database; its complaints are the test's."""
    command = [database.cluster.bin / program, "--dbname", database.dsn(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr


def copy_plain(source: Database, target: Database, folder: Path) -> None:
    run(source, "pg_dump", "--file", folder / "dump.sql")
    assert "COPY nl2sql.setting " in (folder / "dump.sql").read_text()
    assert "_index_queue " not in (folder / "dump.sql").read_text()
    run(target, "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", folder / "dump.sql")


def copy_custom(source: Database, target: Database, folder: Path) -> None:
    run(source, "pg_dump", "--format", "custom", "--file", folder / "dump.bin")
    run(target, "pg_restore", "--exit-on-error", folder / "dump.bin")


def copy_parallel(source: Database, target: Database, folder: Path) -> None:
    run(source, "pg_dump", "--format", "directory", "--jobs", "2", "--file", folder / "dump")
    run(target, "pg_restore", "--exit-on-error", "--jobs", "2", folder / "dump")


@pytest.mark.parametrize("copy", [copy_plain, copy_custom, copy_parallel])
def test_restored(database: Database, configured: Connection, tmp_path: Path, copy: Copy) -> None:
    with new_database(database.cluster) as target:
        copy(database, target, tmp_path)
        with target.connect() as restored:
            assert restored.execute(SETTINGS).fetchall() == configured.execute(SETTINGS).fetchall()
            assert snapshot(restored, EXTENSION) == snapshot(configured, EXTENSION)
            assert_rights(restored)
            assert_index_is_made_again(database, restored)
            restored.execute("drop owned by reporting, analyst")


def assert_rights(restored: Connection) -> None:
    granted = """
        select has_function_privilege('reporting', 'nl2sql.status()', 'execute'),
            has_table_privilege('reporting', 'nl2sql.settings', 'select'),
            has_function_privilege('reporting', 'nl2sql.set_setting(text, text)', 'execute'),
            has_function_privilege('nl2sql_developer', 'nl2sql.ask(text, jsonb)', 'execute'),
            has_function_privilege('public', 'nl2sql.ask(text, jsonb)', 'execute'),
            has_table_privilege('analyst', 'customers', 'select'),
            has_table_privilege('analyst', 'secrets', 'select')"""
    assert restored.execute(granted).fetchone() == (True, True, False, False, False, True, False)


def assert_index_is_made_again(source: Database, restored: Connection) -> None:
    """OIDs have changed: rows of the old database would rank the wrong tables."""
    assert restored.execute("select count(*) from nl2sql._index").fetchone() == (0,)
    row = restored.execute(INDEX).fetchone()
    assert row is not None and row[0] == "empty" and row[1].startswith("0 of 4 relations indexed")
    with peer(source.socket, answers()):
        assert restored.execute("select nl2sql.refresh_index()").fetchone() == (4,)
    assert (restored.execute(INDEX).fetchone() or ())[0] == "fresh"
