"""Chinese questions to a schema that is named in English: the dictionary's words find its tables and values."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers, bodies, request_path
from tests.support.asking import ask
from tests.support.peer import http, peer

AIRPORT = """
    create table flights (id int, destination text);
    create table singers (id int, citizenship text, voice text);
    create table students (id int, secret text);
    insert into singers select n, (array['France', 'Peru'])[1 + n % 2], 'Tenor' from generate_series(1, 40) as n;
    insert into students select n, 'Norway' from generate_series(1, 40) as n;
    analyze;
    grant select on flights, singers to analyst;
    grant select (id) on students to analyst;
"""


@pytest.fixture
def airport(admin: Connection, analyst: Connection) -> Connection:
    """The superuser's connection to a database whose names and values are English."""
    admin.execute(AIRPORT)
    return admin


@pytest.mark.parametrize(
    ("question", "table"), [("有多少航班？", "flights"), ("列出所有歌手", "singers"), ("學生一共有多少", "students")]
)
def test_tables(database: Database, airport: Connection, analyst: Connection, question: str, table: str) -> None:
    airport.execute("select nl2sql.set_setting('max_tables', '1')")
    assert set(ask(database, analyst, question).tables) == {table}


def test_values(database: Database, airport: Connection, analyst: Connection) -> None:
    (body,) = bodies(ask(database, analyst, "有多少歌手来自“法国”或挪威？").requests)
    found = [(v["table"], v["column"], v["value"], v["phrase"]) for v in body["values"]]
    assert found == [("singers", "citizenship", "France", "法国")]  # Norway stands where analyst may not read


def test_without_a_dictionary(database: Database, airport: Connection, analyst: Connection) -> None:
    """An older sidecar: the question is answered all the same, and what was not looked up is said."""
    otherwise = answers()

    def older(connection: socket.socket, request: bytes) -> None:
        unknown = {"sqlstate": "NL106", "message": "there is no /v1/gloss", "detail": "-", "hint": "-"}
        if request_path(request) == "/v1/gloss":
            connection.sendall(http({"error": unknown}, 404))
        else:
            otherwise(connection, request)

    with peer(database.socket, older):
        row = analyst.execute("select nl2sql.ask('有多少歌手')->'warnings'").fetchone()
    assert row == (["NL106: there is no /v1/gloss; its words were not looked up in English"],)
