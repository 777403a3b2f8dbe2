"""The masking functions in the server: what they show, who may run them, and that the planner can take them apart."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.databases import new_database
from tools.cluster import Cluster

SHOWN = [
    ("mask_email('bobby.jones@corp.com')", "bob****@corp.com"),
    ("mask_email('bobbyj@corp.com')", "b****@corp.com"),
    ("mask_email('bob@corp.com')", "b****@corp.com"),
    ("mask_email('bo@corp.com')", "****@corp.com"),
    ("mask_email('@corp.com')", "****@corp.com"),
    ("mask_email('张三丰先生@公司.cn')", "张****@公司.cn"),
    ("mask_email('no address')", "****"),
    ("mask_email('')", "****"),
    ("mask_phone('13812345678')", "138****5678"),
    ("mask_phone('+1 415-555-2671')", "****2671"),
    ("mask_phone('415-555-2671')", "****2671"),
    ("mask_phone('12345678')", "****5678"),
    ("mask_phone('1234567')", "****"),
    ("mask_card('4111111111111234')", "****-****-****-1234"),
    ("mask_card('4111 1111 1111 1234')", "****-****-****-1234"),
    ("mask_card('41111111123')", "****-****-****-****"),
    ("mask_card('一二三四五')", "****-****-****-****"),
    ("mask_name('张三')", "张**"),
    ("mask_name('John Smith')", "J**"),
    ("mask_name('Bob')", "**"),
    ("mask_name('李')", "**"),
    ("mask_id('11010519491231002X')", "110***********002X"),
    ("mask_id('E12345678')", "E****78"),
    ("mask_id('123456')", "****"),
    ("mask_partial('13812345678', 3, 4, '*')", "138****5678"),
    ("mask_partial('DE89370400440532013000', 2, 4, '#x')", "DE################3000"),
    ("mask_partial('abcdefg', 2, 2)", "ab***fg"),
    ("mask_partial('abcdefg', 2, 3)", "*******"),
    ("mask_partial('abc')", "a**"),
    ("mask_partial('a')", "*"),
    ("mask_partial('')", ""),
    ("mask_partial('abcd', -5, -5)", "****"),
    ("mask_partial('abcd', 2147483647, 2147483647)", "****"),
    ("mask_partial('abcd', null, null)", "****"),
    ("mask_partial('abcd', 1, 1, null)", "a**d"),
    ("mask_partial('abcd', 1, 1, '')", "ad"),
    ("mask_partial('张三丰', 1, 0, '＊')", "张＊＊"),
    ("mask_date(date '1990-05-17')", "1990-01-01"),
    ("mask_date(date '1990-05-17', 'quarter')", "1990-04-01"),
    ("mask_date(date '1990-05-17', 'month')", "1990-05-01"),
    ("mask_date(date '1990-05-17', 'week')", "1990-05-14"),
    ("mask_date(date '0044-03-15 BC', 'month')", "0044-03-01 BC"),
    ("mask_date(timestamp '1990-05-17 10:30', 'month')", "1990-05-01 00:00:00"),
    ("mask_date(timestamptz '1990-05-17 10:30+00', 'week')", "1990-05-14 00:00:00+00"),
    ("mask_date(timestamp 'infinity')", "infinity"),
    ("mask_number(48317.25, 1000)", "48000"),
    ("mask_number(48517, 1000)", "49000"),
    ("mask_number(-48517, 1000)", "-49000"),
    ("mask_number(3.14159, 0.05)", "3.15"),
    ("mask_number('NaN')", "NaN"),
    ("mask_number(" + "9" * 40 + ", 1000)", "1" + "0" * 40),
    (
        "mask_sensitive('card 4111 1111 1111 1111, mail bobby@corp.com')",
        "card ****-****-****-1111, mail bo****@corp.com",
    ),
    ("mask_sensitive('姓名：张三，手机13812345678')", "姓名：张*，手机138****5678"),
    ("mask_sensitive('')", ""),
]
NOTHING = [
    "mask_email(null)", "mask_phone(null)", "mask_card(null)", "mask_name(null)", "mask_id(null)", "mask_partial(null)",
    "mask_hash(null)", "mask_date(null::date)", "mask_date(null::timestamp)", "mask_date(null::timestamptz, 'week')",
    "mask_number(null)", "mask_number(null, 5)", "mask_sensitive(null)", "mask_null(5)", "mask_null('x'::text)",
    "mask_null(array[1, 2])", "mask_date(date 'infinity')", "mask_date(date '-infinity')",
    "mask_date(date '5874897-12-31')", "mask_date(date '4714-11-24 BC', 'week')",
    "mask_date(timestamp '4714-11-24 BC', 'week')",
]  # fmt: skip
WRONG = [
    ("mask_date(date '1990-05-17', 'day')", "'day' is no unit"),
    ("mask_date(date '1990-05-17', null)", "NULL is no unit"),
    ("mask_date(timestamp '1990-05-17', 'YEAR')", "'YEAR' is no unit"),
    ("mask_date(timestamptz '1990-05-17', 'x''; drop table y')", "is no unit"),
    ("mask_number(5, 0)", "the step"),
    ("mask_number(5, -1)", "the step"),
    ("mask_number(5, null)", "the step"),
]
PEOPLE = """
    create table people
        (id int primary key, name text, email text, phone text, card text, born date, pay numeric, note text);
    insert into people
    select n, 'First Last' || n, 'person.' || n || '@example.com', '1381234' || 1000 + n, '411111111111' || 1000 + n,
        date '1950-01-01' + n, n * 100.5, 'call 1381234' || 1000 + n || ' or mail person.' || n || '@example.com'
    from generate_series(1, 3000) as n;
    analyze people;
"""
MASKED = """
    nl2sql.mask_name(name) as name, nl2sql.mask_email(email) as email, nl2sql.mask_phone(phone) as phone,
    nl2sql.mask_card(card) as card, nl2sql.mask_date(born, 'month') as born, nl2sql.mask_number(pay, 1000) as pay,
    nl2sql.mask_sensitive(note) as note, nl2sql.mask_partial(name, 2, 2, '*') as part, nl2sql.mask_id(card) as number,
    nl2sql.mask_null(pay) as nothing, nl2sql.mask_hash(email) as pseudonym
"""
NEEDED = """
    nl2sql.mask_name(text), nl2sql.mask_email(text), nl2sql.mask_phone(text), nl2sql.mask_card(text),
    nl2sql.mask_id(text), nl2sql.mask_date(date, text), nl2sql._unknown_date_unit(text, anyelement),
    nl2sql.mask_number(numeric, numeric),
    nl2sql._unknown_step(numeric), nl2sql.mask_sensitive(text), nl2sql._mask_text(text), nl2sql.mask_hash(text),
    nl2sql.mask_partial(text, int, int, text), nl2sql.mask_null(anyelement)
"""


@pytest.fixture(scope="module")
def people(cluster: Cluster, template: str) -> Iterator[Database]:
    """A database with people and a masking view, owned by a role without rights, read by one with EXECUTE alone."""
    with new_database(cluster, template) as found, found.connect() as connection:
        connection.execute(PEOPLE)
        connection.execute(
            f"""
            create role mask_owner; create role mask_reader login;
            create view masked with (security_barrier) as select id, {MASKED} from people;
            alter view masked owner to mask_owner;
            grant select on people to mask_owner;
            grant select on masked to mask_reader;
            grant execute on function {NEEDED} to mask_reader;
        """.encode()
        )
        yield found
        connection.execute("drop owned by mask_reader, mask_owner cascade; drop role mask_reader, mask_owner")


@pytest.fixture
def dba(people: Database) -> Iterator[Connection]:
    with people.connect() as connection:
        yield connection


@pytest.fixture
def reader(people: Database) -> Iterator[Connection]:
    with people.connect("mask_reader") as connection:
        yield connection


def value(connection: Connection, expression: str) -> Any:
    row = connection.execute(f"select ({expression})::text".encode()).fetchone()
    assert row
    return row[0]


@pytest.mark.parametrize(("call", "expected"), SHOWN)
def test_what_is_shown(dba: Connection, call: str, expected: str) -> None:
    dba.execute("set timezone = 'UTC'")
    assert value(dba, f"nl2sql.{call}") == expected


@pytest.mark.parametrize("call", NOTHING)
def test_nothing_is_shown(dba: Connection, call: str) -> None:
    assert value(dba, f"nl2sql.{call}") is None


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_wrong_arguments(dba: Connection, call: str, message: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as raised:
        value(dba, f"nl2sql.{call}")
    diagnosis = raised.value.diag
    assert message in (diagnosis.message_primary or "") and diagnosis.message_detail and diagnosis.message_hint


# The planner.

PLAIN = "mask_name mask_email mask_phone mask_card mask_id mask_partial mask_date mask_number mask_sensitive mask_null"


def test_they_are_put_into_the_query(dba: Connection) -> None:
    rows = dba.execute(f"explain (verbose, costs off) select {MASKED} from people".encode()).fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert [name for name in PLAIN.split() if f"nl2sql.{name}(" in plan] == []
    assert "nl2sql._mask_text(note)" in plan and "nl2sql.mask_hash(email)" in plan


def test_the_same_in_parallel_workers(dba: Connection) -> None:
    query = b"select md5(string_agg(m::text, ' ' order by id)) from masked as m"
    alone = dba.execute(query).fetchone()
    dba.execute(
        "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;"
        " set max_parallel_workers_per_gather = 2; alter table people set (parallel_workers = 2)"
    )
    plan = dba.execute(b"explain (analyze, costs off, timing off) " + query).fetchall()
    assert any("Workers Launched: 2" in line for (line,) in plan), plan
    assert dba.execute(query).fetchone() == alone


def test_none_claims_to_be_leakproof(dba: Connection) -> None:
    found = dba.execute("select proname from pg_proc where proname ~ 'mask' and proleakproof").fetchall()
    assert found == []


# Who runs them, and where.


def test_execute_is_enough(reader: Connection) -> None:
    row = reader.execute("select * from masked where id = 17").fetchone()
    assert row is not None
    assert row[:4] == (17, "F**", "per****@example.com", "138****1017")
    assert row[4] == "****-****-****-1017" and row[7] == "call 138****1017 or mail per****@example.com"
    assert reader.execute("select count(*) from masked where email ~ 'person'").fetchone() == (0,)


def test_nobody_runs_them_without_a_grant(dba: Connection) -> None:
    dba.execute("set role nl2sql_auditor")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dba.execute("select nl2sql.mask_email('a@b.c')")
    dba.execute("reset role")


HOSTILE_PATH = """
    create schema evil;
    create function evil."left"(text, int) returns text language sql as $$select $1$$;
    create function evil.repeat(text, int) returns text language sql as $$select 'evil'$$;
    create function evil.concat_evil(text, text) returns text language sql as $$select 'evil'$$;
    create operator evil.|| (leftarg = text, rightarg = text, function = evil.concat_evil);
    create function evil.sha256(bytea) returns bytea language sql as $$select ''::bytea$$;
    create function evil.strpos(text, text) returns int language sql as $$select 1000$$;
    grant usage on schema evil to public;
    set search_path = evil, public, pg_catalog;
"""


def test_a_hostile_search_path_changes_nothing(dba: Connection) -> None:
    query = f"select md5(string_agg(m::text, ' ' order by id)) from (select id, {MASKED} from people) as m".encode()
    before = dba.execute(query).fetchone()
    dba.execute(HOSTILE_PATH)
    assert dba.execute("select 'a' operator(evil.||) 'b'").fetchone() == ("evil",)
    assert dba.execute(query).fetchone() == before
    dba.execute("drop schema evil cascade")


@pytest.mark.parametrize(
    "settings", ["standard_conforming_strings = off", "datestyle = 'SQL, DMY'", "transform_null_equals = on"]
)
def test_settings_of_the_session_change_nothing(dba: Connection, settings: str) -> None:
    query = b"select md5(string_agg(to_jsonb(m)::text, ' ' order by id)) from masked as m"
    before = dba.execute(query).fetchone()
    dba.execute(f"set {settings}".encode())
    assert dba.execute(query).fetchone() == before


# Free text.


def test_huge_texts(dba: Connection) -> None:
    """Five million characters, in many of which something is found: what is not looked at is not shown."""
    length, end = dba.execute("""
        select length(m), right(m, 5) from nl2sql.mask_sensitive(repeat('手机13812345678 bob@corp.com ', 200000)) as m
    """).fetchone() or (0, "")
    assert (length < 300_000, end) == (True, "[cut]")
    assert value(dba, "nl2sql.mask_sensitive(repeat('x', 990000)) = repeat('x', 990000)") == "true"


def test_it_is_idempotent_in_the_server(dba: Connection) -> None:
    query = "select count(*) from masked where nl2sql.mask_sensitive(note) <> note"
    assert dba.execute(query.encode()).fetchone() == (0,)


def test_kinds_for_discovery(dba: Connection) -> None:
    found = dba.execute("select nl2sql._sensitive_kinds('bob@corp.com, 13812345678, name: Jo Doe')").fetchone()
    assert found == (["email", "name", "phone"],)


# Pseudonyms.


def test_a_pseudonym(dba: Connection) -> None:
    one, again, other = (value(dba, f"nl2sql.mask_hash('{text}')") for text in ("bob", "bob", "Bob"))
    assert one == again != other
    assert len(one) == 32 and set(one + other) <= set("0123456789abcdef")
    row = dba.execute(
        "select left(encode(sha256(key || sha256(key || 'bob'::bytea)), 'hex'), 32), md5('bob'),"
        " left(encode(sha256('bob'), 'hex'), 32) from nl2sql._mask_key"
    ).fetchone()
    assert row is not None and row[0] == one and one not in row[1:]


@pytest.mark.parametrize(
    "role", ["nl2sql_user", "nl2sql_developer", "nl2sql_auditor", "nl2sql_admin", "nl2sql_sidecar"]
)
def test_nobody_reads_the_key(dba: Connection, role: str) -> None:
    dba.execute(f"set role {role}".encode())
    for statement in (
        "select * from nl2sql._mask_key",
        "delete from nl2sql._mask_key",
        "update nl2sql._mask_key set key = ''",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            dba.execute(statement.encode())


def test_two_databases_have_two_keys(dba: Connection, cluster: Cluster) -> None:
    with new_database(cluster) as other, other.connect() as connection:
        connection.execute("create extension nl2sql cascade")
        assert value(connection, "nl2sql.mask_hash('bob')") != value(dba, "nl2sql.mask_hash('bob')")


def test_a_restore_keeps_pseudonyms(people: Database, dba: Connection, cluster: Cluster, tmp_path: Path) -> None:
    dump = tmp_path / "dump.sql"
    with new_database(cluster) as other:
        for program, database, option in (("pg_dump", people, "--file"), ("psql", other, "--file")):
            command = [cluster.bin / program, "--dbname", database.dsn(), option, dump]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
        with other.connect() as connection:
            query = b"select string_agg(pseudonym, ' ' order by id) from masked"
            assert connection.execute(query).fetchone() == dba.execute(query).fetchone()
            assert connection.execute("select count(*) from nl2sql._mask_key").fetchone() == (2,)
            connection.execute("drop owned by mask_reader, mask_owner cascade")
