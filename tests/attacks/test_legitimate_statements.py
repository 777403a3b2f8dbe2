"""Ordinary analytics on the demo shop: all allowed, and the rows are those of the statement run directly."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Connection
from tests.support.attacks import Attack, read_entries
from tests.support.databases import new_database
from tests.support.expected import assert_as_expected
from tests.support.sidecar import Sidecar
from tools.cluster import Cluster

DEMO = Path(__file__).resolve().parents[2] / "sql" / "demo"
STATEMENTS = read_entries(Path(__file__).with_name("legitimate.txt"))


@pytest.fixture(scope="module")
def analyst(cluster: Cluster, template: str, short_folder: Path) -> Iterator[Connection]:
    """The demo's analyst, in a shop whose last day is fixed."""
    folder = short_folder / "legitimate"
    folder.mkdir()
    service = Sidecar(folder, socket_mode="0666")
    try:
        with new_database(cluster, template, folder) as database:
            with database.connect() as admin:
                admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(service.settings.socket),))
                admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
                admin.execute("set shop.end_date = '2026-06-30'")
                for name in ("shop.sql", "roles.sql"):
                    admin.execute((DEMO / name).read_bytes())
            with database.connect("demo_analyst") as connection:
                yield connection
    finally:
        service.stop()


def through(connection: Connection, sql: str) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for (row,) in connection.execute("select nl2sql.run(%s)", (sql,)))


def direct(connection: Connection, sql: str) -> list[str]:
    query = f"select to_jsonb(t) from ({sql}) as t"
    return sorted(json.dumps(row, sort_keys=True) for (row,) in connection.execute(query.encode()))


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda statement: statement.name)
def test_the_rows_are_those_of_the_statement(analyst: Connection, statement: Attack) -> None:
    found = through(analyst, statement.sql)
    assert found
    assert found == direct(analyst, statement.sql)


def test_there_are_many_and_what_they_find_stays(analyst: Connection) -> None:
    """How many rows each has, and the first of them; the shop is the same in every run."""
    assert len(STATEMENTS) >= 60
    lines = []
    for statement in STATEMENTS:
        rows = direct(analyst, statement.sql)
        lines.append(f"{statement.name}: {len(rows)} {rows[0][:120]}")
    assert_as_expected("legitimate.txt", lines)
