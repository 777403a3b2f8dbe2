"""Values as a sign of which table is meant: where they come from, whom they serve, and that rights hold at once."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_index import refresh
from tests.support.asking import ask

SHOP = """
    create type mood as enum ('Sad', 'Happy');
    create table person (
        id int primary key, name text, language text, feeling mood, grade text check (grade in ('Gold', 'Silver')));
    insert into person
        select n, 'Person ' || n, (array['French', 'Español', '中文'])[1 + n % 3], 'Sad', 'Gold'
        from generate_series(1, 90) as n;
    insert into person (id, name) values (1000, 'Zaphod Beeblebrox');
    create table guarded (id int, word text);
    insert into guarded select n, 'classified' from generate_series(1, 100) as n;
    grant select on person, guarded to analyst;
    analyze person, guarded;
"""
TAKE = "select nl2sql._known_refresh(1000)"


@pytest.fixture
def known(database: Database, admin: Connection, analyst: Connection) -> Connection:
    """The superuser's connection to a database whose values have been taken, some of which analyst may read."""
    admin.execute(SHOP)
    refresh(database, admin)
    return admin


def found(connection: Connection, *phrases: str) -> set[tuple[str, str]]:
    rows = connection.execute(
        "select relid::oid::regclass::text, phrase from nl2sql._valued('database', '{}', %s)", (list(phrases),)
    ).fetchall()
    return set(rows)


def kept(connection: Connection) -> set[str]:
    rows = connection.execute("select key from nl2sql._known_value").fetchall()
    return {key for (key,) in rows}


def test_where_they_come_from(known: Connection, analyst: Connection) -> None:
    asked = ["happy", "silver", "espanol", "中文", "zaphod beeblebrox", "classified", "nothing"]
    assert found(analyst, *asked) == {
        *(("person", phrase) for phrase in asked[:5]),
        ("guarded", "classified"),
    }


def test_they_follow_the_next_analyze(known: Connection, analyst: Connection) -> None:
    known.execute("update person set language = 'Klingon' where language = 'French'")
    assert known.execute(TAKE).fetchone() == (0,)
    known.execute("analyze person")
    assert known.execute(TAKE).fetchone() == (1,)
    assert found(analyst, "french", "klingon") == {("person", "klingon")}
    assert known.execute(TAKE).fetchone() == (0,)
    known.execute("drop table person")
    assert found(analyst, "klingon") == set()
    known.execute(TAKE)
    assert kept(known) == {"classified"}


def test_rights_hold_at_once(known: Connection, analyst: Connection) -> None:
    known.execute("revoke select on person from analyst; grant select (id, name) on person to analyst")
    assert found(analyst, "french", "happy", "zaphod beeblebrox") == {("person", "zaphod beeblebrox")}
    known.execute("revoke select (name) on person from analyst")
    assert found(analyst, "zaphod beeblebrox") == set()
    known.execute("grant select on person to analyst")
    assert found(analyst, "french") == {("person", "french")}


def test_row_security_holds_at_once(known: Connection, analyst: Connection) -> None:
    known.execute("alter table guarded enable row level security")
    assert found(analyst, "classified") == found(known, "classified") == set()
    known.execute("analyze guarded")
    known.execute(TAKE)
    assert "classified" not in kept(known)


def test_masks_hold_at_once(known: Connection, analyst: Connection) -> None:
    known.execute("insert into nl2sql._known_value select 'extra', 'person'::regclass, 3")
    known.execute("select nl2sql.mask('person', 'language', 'null'), nl2sql.use_masked('analyst')")
    assert not {"french", "extra"} & kept(known)
    # as if they had been taken a moment before
    known.execute("insert into nl2sql._known_value select 'french', 'person'::regclass, 3")
    assert found(analyst, "french") == found(known, "french") == set()
    known.execute("analyze person")
    known.execute(TAKE)
    assert not {"french", "klingon"} & kept(known)
    view = known.execute("select masked_view::text from nl2sql._mask_view").fetchone()
    assert view is not None
    assert found(analyst, "zaphod beeblebrox", "happy") == {(view[0], "zaphod beeblebrox"), (view[0], "happy")}
    assert found(known, "zaphod beeblebrox") == {("person", "zaphod beeblebrox")}


def test_what_is_hidden_moves_nothing(known: Connection, analyst: Connection) -> None:
    """Not even by its number: a value that very many columns have is left out, hidden ones not counted."""
    columns = ", ".join(f"c{n} int" for n in range(300))
    known.execute(f"create table hidden ({columns})".encode())
    known.execute("insert into nl2sql._known_value select 'classified', 'hidden'::regclass, generate_series(1, 300)")
    assert found(analyst, "classified") == {("guarded", "classified")}
    assert found(known, "classified") == set()


def test_nobody_reads_the_store(known: Connection, analyst: Connection) -> None:
    call = "select * from nl2sql._known_found('{}', '{{french}}', 10)"
    assert analyst.execute(call.format("postgres").encode()).fetchall() == []
    assert len(analyst.execute(call.format("analyst").encode()).fetchall()) == 1
    plan = str(analyst.execute(f"explain (analyze, verbose) {call.format('analyst')}".encode()).fetchall())
    assert "Filter" not in plan and "_known_value" not in plan
    for private in ("_known_value", "_known_relation"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            analyst.execute(f"select * from nl2sql.{private}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute(TAKE)


def test_a_name_finds_its_table(database: Database, known: Connection, analyst: Connection) -> None:
    known.execute("select nl2sql.set_setting('max_tables', '2')")
    assert "guarded" in ask(database, analyst, "how many are classified").tables
    analyst.execute("set nl2sql.values = off")
    assert "guarded" not in ask(database, analyst, "how many are classified").tables
    analyst.execute("set nl2sql.values = on")
    known.execute("revoke select on guarded from analyst")
    assert "guarded" not in ask(database, analyst, "how many are classified").text


def test_found_in_a_read_only_transaction(known: Connection, analyst: Connection) -> None:
    with analyst.transaction():
        analyst.execute("set transaction read only")
        assert found(analyst, "french") == {("person", "french")}
