"""All of PostgreSQL's SELECT, by chapter of its documentation: the rows and types of the statement run directly.

tests/db/select has a file for each part, a statement a line. `[16] select …` is for that version and later ones;
`<20 times: x>` stands for a repetition.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus

from sidecar.api import schemas
from sidecar.guard.check import check
from sidecar.guard.scope import Scope
from tests.conftest import Connection
from tests.support.attacks import expand
from tests.support.databases import new_database
from tests.support.sidecar import Sidecar
from tools.cluster import Cluster

FOLDER = Path(__file__).with_name("select")
NOT_ANSWERED = ("forbidden", "must_fail")


@dataclass(frozen=True)
class Line:
    """A statement, the SQLSTATE that stands before it if any, and the first version of PostgreSQL that has it."""

    place: str
    code: str
    since: int
    sql: str


@dataclass(frozen=True)
class Answer:
    """Columns as (name, type, type modifier), and the values as texts."""

    columns: list[tuple[bytes | None, int, int]]
    rows: list[list[bytes | None]]


def read(path: Path) -> list[Line]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            match = re.fullmatch(r"(?:([A-Z0-9]{5}) )?(?:\[(\d+)\] )?(.+)", line)
            assert match
            found.append(Line(f"{path.stem}:{number}", match[1] or "", int(match[2] or 0), expand(match[3])))
    return found


ANSWERED = [line for path in sorted(FOLDER.glob("*.txt")) if path.stem not in NOT_ANSWERED for line in read(path)]
FORBIDDEN = read(FOLDER / "forbidden.txt")
MUST_FAIL = read(FOLDER / "must_fail.txt")


@pytest.fixture(scope="module")
def reader(cluster: Cluster, template: str, short_folder: Path) -> Iterator[Connection]:
    """A role that may read the tables of tests/db/select/schema.sql and nothing else."""
    folder = short_folder / "select"
    folder.mkdir()
    service = Sidecar(folder, socket_mode="0666")
    try:
        with new_database(cluster, template, folder) as database:
            with database.connect() as admin:
                admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(service.settings.socket),))
                admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
                admin.execute("create role ware_reader login in role nl2sql_user")
                admin.execute((FOLDER / "schema.sql").read_bytes())
            with database.connect("ware_reader") as connection:
                connection.execute("set search_path = ware, public")
                connection.execute("set timezone = 'UTC'")
                yield connection
            with database.connect() as admin:
                admin.execute("drop owned by ware_reader; drop role ware_reader")
    finally:
        service.stop()


@pytest.fixture(scope="module")
def scope(reader: Connection) -> Scope:
    """All that the role may read, for the guard alone."""
    query = "select nl2sql._named_relations(%s::name[], array(select relname::text from pg_class))"
    ((tables,),) = reader.execute(query, (["ware", "public"],)).fetchall()
    return schemas.CheckScopeBody(search_path=["ware", "public"], tables=tables).typed()


def answer(connection: Connection, sql: str) -> Answer:
    """What the server sends, untouched: some values have no counterpart in Python."""
    result = connection.pgconn.exec_(sql.encode())
    assert result.status == ExecStatus.TUPLES_OK, result.error_message.decode()
    columns = [(result.fname(n), result.ftype(n), result.fmod(n)) for n in range(result.nfields)]
    rows = [[result.get_value(row, n) for n in range(result.nfields)] for row in range(result.ntuples)]
    return Answer(columns, rows)


def as_objects(connection: Connection, sql: str, plain: Answer) -> list[tuple[str]]:
    """The rows as JSON, the second column of a name x as x_2: an object has each name once."""
    given = [(name or b"").decode() for name, _, _ in plain.columns]
    names: list[str] = []
    for name in given:
        free = (f"{name}_{number}" for number in itertools.count(2))
        names.append(next(new for new in free if new not in {*names, *given}) if name in names else name)
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    return connection.execute(f"select to_jsonb(whole)::text from ({sql}\n) as whole ({quoted})".encode()).fetchall()


def has(connection: Connection, line: Line) -> bool:
    return connection.info.server_version // 10_000 >= line.since


@pytest.mark.parametrize("line", ANSWERED, ids=lambda line: line.place)
def test_it_answers_as_the_server_does(reader: Connection, scope: Scope, line: Line) -> None:
    written = check(line.sql, scope).sql
    if not has(reader, line):
        pytest.skip(f"PostgreSQL {line.since}")
    with reader.transaction():  # in which now() stands still
        plain = answer(reader, line.sql)
        assert plain.rows
        assert answer(reader, written) == plain
        through = reader.execute("select nl2sql.run(%s)::text", (line.sql,)).fetchall()
        assert through == as_objects(reader, line.sql, plain)


@pytest.mark.parametrize("line", FORBIDDEN, ids=lambda line: line.place)
def test_what_is_forbidden_is_refused_by_its_code(reader: Connection, line: Line) -> None:
    with pytest.raises(psycopg.Error) as caught:
        reader.execute("select nl2sql.run(%s)", (line.sql,))
    assert caught.value.sqlstate == line.code
    assert "Nothing was run." in str(caught.value.diag.message_detail)


@pytest.mark.parametrize("line", MUST_FAIL, ids=lambda line: line.place)
def test_what_the_server_can_not_run_has_no_answer(reader: Connection, line: Line) -> None:
    with pytest.raises(psycopg.Error):
        reader.execute(line.sql.encode())
    with pytest.raises(psycopg.Error) as caught:
        reader.execute("select nl2sql.run(%s)", (line.sql,))
    assert caught.value.sqlstate == line.code


def test_there_are_many() -> None:
    statements = [line.sql for line in (*ANSWERED, *FORBIDDEN, *MUST_FAIL)]
    assert len(ANSWERED) >= 500
    assert len(set(statements)) == len(statements)
