"""Stored values: what a question finds as whom, samples of columns, and the value index of a DBA's choice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.answering_peer import bodies
from tests.support.asking import ask

SHOP = """
    create type mood as enum ('Sad', 'Happy');
    create table person (
        id int primary key, name text, language text, feeling mood, grade text check (grade in ('Gold', 'Silver')),
        flag int, born date, secret text, story text);
    insert into person
        select n, 'Person ' || n, (array['French', 'Español', '中文'])[1 + n % 3], 'Sad', 'Gold', n % 2, '2000-01-01',
            'hidden word ' || n % 4, repeat('long ', 40)
        from generate_series(1, 300) as n;
    insert into person (id, name) values (1000, 'Zaphod Beeblebrox');
    create table guarded (id int, word text);
    insert into guarded select n, 'classified' from generate_series(1, 100) as n;
    create view seen as select language from person;
    create materialized view stored as select language from person;
    create table parted (id int, colour text) partition by range (id);
    create table parted_1 partition of parted for values from (0) to (100);
    insert into parted select n, 'Turquoise' from generate_series(1, 50) as n;
    analyze;
    grant select (id, name, language, feeling, grade, flag, born, story) on person to analyst;
    grant select on guarded, seen, stored, parted to analyst;
"""


@pytest.fixture
def people(admin: Connection, analyst: Connection) -> Connection:
    """The superuser's connection to a database with people and what analyst may read of them."""
    admin.execute(SHOP)
    return admin


def samples(database: Database, connection: Connection) -> dict[str, list[str]]:
    columns = ask(database, connection).tables["person"]["columns"]
    return {column["name"]: column["samples"] for column in columns}


def test_samples(database: Database, people: Connection, analyst: Connection) -> None:
    found = samples(database, analyst)
    assert "secret" not in found
    assert sorted(found.pop("language")) == ["Español", "French", "中文"]
    assert sorted(found.pop("flag")) == ["0", "1"]
    assert found == {"id": [], "name": [], "feeling": [], "grade": [], "born": ["2000-01-01"], "story": []}


def test_samples_under_row_security(database: Database, people: Connection, analyst: Connection) -> None:
    assert "classified" in ask(database, analyst).text
    people.execute("alter table guarded enable row level security")
    assert "classified" not in ask(database, analyst).text


def test_all_that_a_column_holds(database: Database, people: Connection, analyst: Connection) -> None:
    """Where the statistics know all of it, and of what the caller may read; not where values are switched off."""

    def stored() -> dict[str, list[str]]:
        tables = ask(database, analyst).tables
        found = {f"{name}.{c['name']}": sorted(c.get("stored", [])) for name, t in tables.items() for c in t["columns"]}
        return {name: values for name, values in found.items() if values}

    person = {column["name"]: column.get("unique") for column in ask(database, analyst).tables["person"]["columns"]}
    assert (person["name"], person["language"]) == (True, None)
    languages = ["Español", "French", "中文"]
    expected = {"person.language": languages, "stored.language": languages}
    assert stored() == expected | {"guarded.word": ["classified"], "parted.colour": ["Turquoise"]}
    people.execute("alter table guarded enable row level security")
    assert stored() == expected | {"parted.colour": ["Turquoise"]}
    analyst.execute("set nl2sql.values = off")
    assert stored() == {}


def frequent(connection: Connection) -> dict[str, list[str]]:
    query = """
        select table_name || '.' || column_name, found
        from nl2sql._frequent_values('{public}', '{person,guarded,parted,stored,seen}')"""
    return dict(connection.execute(query.encode()).fetchall())  # type: ignore[arg-type]


def test_frequent_values(people: Connection, analyst: Connection) -> None:
    found = frequent(analyst)
    assert set(found) == {
        "person.name",
        "person.language",
        "guarded.word",
        "parted.colour",
        "stored.language",
        "person.grade",
    }
    assert set(found["person.language"]) == {"French", "Español", "中文"}
    assert found["parted.colour"] == ["Turquoise"]
    people.execute("alter table guarded enable row level security; revoke select (language) on person from analyst")
    assert not {"guarded.word", "person.language"} & set(frequent(analyst))


def index(connection: Connection, relation: str, column: str, *more: Any) -> int:
    places = "".join(", %s" for _ in more)
    row = connection.execute(
        f"select nl2sql.index_values(%s, %s{places})".encode(), (relation, column, *more)
    ).fetchone()
    assert row is not None
    return int(row[0])


def indexed(connection: Connection, exact: list[str], near: list[str] | None = None) -> list[tuple[Any, ...]]:
    query = """
        select table_name, column_name, value, phrase
        from nl2sql._indexed_values('{public}', '{person,guarded,parted,stored,seen}', %s, %s)"""
    return connection.execute(query, (exact, near or [])).fetchall()


def test_index_values(people: Connection, analyst: Connection) -> None:
    assert index(people, "person", "name") == 301
    beeblebrox = ("person", "name", "Zaphod Beeblebrox")
    assert indexed(analyst, ["zaphod beeblebrox"]) == [(*beeblebrox, "zaphod beeblebrox")]
    assert indexed(analyst, ["ZAPHOD  Beeblebrox!"]) == [(*beeblebrox, "zaphod beeblebrox")]
    assert indexed(analyst, [], ["zaphod beeblebrocks"]) == [(*beeblebrox, "zaphod beeblebrocks")]
    assert indexed(analyst, ["zaphod"], ["somebody else"]) == []


def test_folding_is_that_of_the_backend(people: Connection, analyst: Connection) -> None:
    index(people, "person", "language")
    assert indexed(analyst, ["espanol", "中文"]) == [
        ("person", "language", "Español", "espanol"),
        ("person", "language", "中文", "中文"),
    ]


def test_index_values_again_refreshes(people: Connection, analyst: Connection) -> None:
    assert index(people, "person", "language") == 3
    people.execute("update person set language = 'Klingon' where language = 'French'")
    assert index(people, "person", "language") == 3
    assert indexed(analyst, ["french"]) == []
    assert indexed(analyst, ["klingon"]) == [("person", "language", "Klingon", "klingon")]


def test_the_most_frequent_are_kept(people: Connection, analyst: Connection) -> None:
    people.execute("update person set language = 'Klingon' where id < 200")
    assert index(people, "person", "language", 1) == 1
    assert indexed(analyst, ["klingon", "french"]) == [("person", "language", "Klingon", "klingon")]
    assert index(people, "person", "story", 5) == 1
    people.execute("update person set story = repeat('x', 201) where id = 1")
    assert index(people, "person", "story", 5) == 1
    listed = people.execute("select column_name, stored, most, complete, in_use from nl2sql.indexed_values order by 1")
    assert listed.fetchall() == [("language", 1, 1, False, True), ("story", 1, 5, False, True)]


def test_drop_values(people: Connection, analyst: Connection) -> None:
    index(people, "person", "language")
    index(people, "person", "name")
    assert people.execute("select nl2sql.drop_values('person', 'language')").fetchone() == (1,)
    assert indexed(analyst, ["french"]) == []
    assert indexed(analyst, ["person 1"]) != []
    assert people.execute("select nl2sql.drop_values('person')").fetchone() == (1,)
    assert people.execute("select count(*) from nl2sql._value").fetchone() == (0,)


@pytest.mark.parametrize("ddl", ["drop table person cascade", "alter table person drop column language cascade"])
def test_dropped_with_its_column(people: Connection, ddl: str) -> None:
    index(people, "person", "language")
    people.execute(ddl.encode())
    assert people.execute("select count(*) from nl2sql._value").fetchone() == (0,)
    assert people.execute("select count(*) from nl2sql._value_column").fetchone() == (0,)


REFUSED = {
    "null": (None, "name", 10, "22023"),
    "no_column_name": ("person", None, 10, "22023"),
    "too_few": ("person", "name", 0, "22023"),
    "too_many": ("person", "name", 1000001, "22023"),
    "no_column": ("person", "nothing", 10, "42703"),
    "number": ("person", "id", 10, "42804"),
    "enum": ("person", "feeling", 10, "42804"),
    "view": ("seen", "language", 10, "42809"),
    "catalog": ("pg_authid", "rolname", 10, "42809"),
    "row_security": ("guarded", "word", 10, "0A000"),
}


@pytest.mark.parametrize(("relation", "column", "most", "code"), REFUSED.values(), ids=REFUSED)
def test_refused(people: Connection, relation: Any, column: Any, most: int, code: str) -> None:
    people.execute("alter table guarded enable row level security")
    with pytest.raises(psycopg.Error) as caught:
        people.execute("select nl2sql.index_values(%s, %s, %s)", (relation, column, most))
    told = caught.value.diag
    assert told.sqlstate == code
    assert told.message_primary
    assert told.message_primary[0].islower()
    assert told.message_detail
    assert told.message_hint
    assert people.execute("select count(*) from nl2sql._value_column").fetchone() == (0,)


@pytest.fixture
def manager(database: Database, people: Connection) -> Iterator[Connection]:
    """A member of nl2sql_admin without a right on any table."""
    people.execute("create role manager login in role nl2sql_admin")
    with database.connect("manager") as connection:
        yield connection
    people.execute("drop role manager")


def test_an_administrator_reads_only_what_he_may(people: Connection, manager: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        index(manager, "person", "language")
    people.execute("grant select (language) on person to manager")
    assert index(manager, "person", "language") == 3
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        manager.execute("select * from nl2sql._value")
    people.execute("drop owned by manager")


def test_who_may_not_read_the_column_finds_nothing(people: Connection, analyst: Connection) -> None:
    for column in ("secret", "language"):
        index(people, "person", column)
    index(people, "guarded", "word")
    assert indexed(analyst, ["hidden word 1"], ["hidden word"]) == []
    assert indexed(analyst, ["classified", "french"]) == [
        ("guarded", "word", "classified", "classified"),
        ("person", "language", "French", "french"),
    ]
    people.execute("alter table guarded enable row level security; revoke select (language) on person from analyst")
    assert indexed(analyst, ["classified", "french"], ["classifieds"]) == []


def test_what_stands_behind_shows_no_more(database: Database, people: Connection, analyst: Connection) -> None:
    """Neither by its rows nor by how many of them were held back; and for no role that the session may not be."""
    index(people, "person", "secret")
    call = "select * from nl2sql._value_found('{}', '{{hidden word 1}}', '{{hidden word}}')"
    assert analyst.execute(call.format("analyst").encode()).fetchall() == []
    plan = str(analyst.execute(f"explain (analyze, verbose) {call.format('analyst')}".encode()).fetchall())
    assert "Filter" not in plan and "_value " not in plan
    assert people.execute(call.format("postgres").encode()).fetchall() != []
    assert analyst.execute(call.format("postgres").encode()).fetchall() == []
    for private in ("_value", "_value_column"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(f"select * from nl2sql.{private}".encode())


def test_values_are_found_in_a_read_only_transaction(people: Connection, analyst: Connection) -> None:
    index(people, "person", "name")
    with analyst.transaction():
        analyst.execute("set transaction read only")
        assert indexed(analyst, ["person 1"])


def test_many_values_are_searched_by_index(people: Connection) -> None:
    """Comparing each of them with each phrase would take more than half a second."""
    people.execute("""
        create table many as select md5(n::text) || ' ' || md5((-n)::text) as value from generate_series(1, 10000) as n;
        select nl2sql.index_values('many', 'value')""")
    near = [f"something of word {n}" for n in range(12)]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        assert indexed(people, ["nothing"], near) == []
        times.append(time.perf_counter() - started)
    assert min(times) < 0.5


def test_what_goes_into_the_request(database: Database, people: Connection, analyst: Connection) -> None:
    index(people, "person", "name")
    index(people, "person", "secret")
    question = "Is zaphod beeblebrox, who is happy and gold, French, classified or a hidden word 1?"
    sent = ask(database, analyst, question)
    values = {(v["table"], v["column"], v["value"], v["phrase"]) for v in bodies(sent.requests)[-1]["values"]}
    assert values == {
        ("person", "name", "Zaphod Beeblebrox", "zaphod beeblebrox"),
        ("person", "feeling", "Happy", "happy"),
        ("person", "grade", "Gold", "gold"),
        ("person", "language", "French", "French"),
        ("stored", "language", "French", "French"),
        ("guarded", "word", "classified", "classified"),
    }
    people.execute("alter table guarded enable row level security; revoke select (language) on person from analyst")
    sent = ask(database, analyst, question)
    assert {v["table"] + "." + v["column"] for v in bodies(sent.requests)[-1]["values"]} == {
        "person.name",
        "person.feeling",
        "person.grade",
        "stored.language",
    }
    analyst.execute("set nl2sql.values = off")
    assert bodies(ask(database, analyst, question).requests)[-1]["values"] == []
