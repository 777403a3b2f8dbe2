"""Forty tables whose names are key words or need quotes: however a model spells them, they bind to what is meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.api.schemas import ScopeBody
from sidecar.guard.check import check
from sidecar.guard.grammar import same
from sidecar.guard.scope import Scope
from sidecar.repair.quoting import quoted
from tests.conftest import Connection
from tests.support.databases import new_database
from tests.support.odd_names import schema, spellings, tables
from tests.support.shop import statements
from tools.cluster import Cluster

PLACE = "odd"
QUESTIONS = [line.split(";") for line in statements(Path(__file__).with_name("odd_names.txt"))]
TABLES = "array(select oid from pg_class where relkind = 'r' and relnamespace = %s::regnamespace)"


@pytest.fixture(scope="module")
def odd(cluster: Cluster, template: str) -> Iterator[Connection]:
    with new_database(cluster, template) as database, database.connect() as connection:
        connection.execute(schema(PLACE).encode())
        connection.execute(f"set search_path = {PLACE}".encode())
        yield connection


@pytest.fixture(scope="module")
def scope(odd: Connection) -> Scope:
    described = odd.execute(f"select nl2sql._describe({TABLES})".encode(), (PLACE,)).fetchone()
    assert described
    return ScopeBody.model_validate({"search_path": [PLACE], "tables": described[0]}).typed()


def rows(connection: Connection, sql: str) -> list[str]:
    return sorted(map(repr, connection.execute(sql.encode()).fetchall()))


def test_there_are_enough(scope: Scope) -> None:
    assert len(scope.tables) == len(list(tables())) == 40
    assert len(QUESTIONS) >= 60


@pytest.mark.parametrize("gold", [gold for _, gold in QUESTIONS])
def test_every_spelling(odd: Connection, scope: Scope, gold: str) -> None:
    right = rows(odd, gold)
    assert right
    wrong = {}
    for how, given in spellings(gold, PLACE).items():
        text = quoted(given, scope)
        try:
            found = rows(odd, check(text.sql, scope).sql)
        except Exception as error:
            found = [str(error)]
        if found != right or (how not in ("qualified", "one pair of quotes", "right") and not same(text.sql, gold)):
            wrong[how] = (given, text.sql, found[:2])
    assert wrong == {}
