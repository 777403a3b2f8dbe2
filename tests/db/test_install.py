"""CREATE EXTENSION and DROP EXTENSION: anywhere, by nobody but a superuser, and without a trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.databases import new_database
from tests.support.snapshot import LEFTOVERS, snapshot
from tools.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
CREATE = "create extension nl2sql cascade"
NO_ENCODING = "nl2sql needs a database whose encoding is UTF8, and this one is {}"
# The functions that use pgvector and pg_trgm, on a table t.
STORE = """
    select nl2sql._index_store(jsonb_build_array(to_jsonb(p) || '{"embedding": [1, 2]}'), 'e', 1)
    from nl2sql._index_pending(5) as p where attnum = 0 and relid = 't'::regclass"""
RANK = """
    select round(distance::numeric, 3)::float8
    from nl2sql._candidates('database', '{}', array['t'::regclass::oid], 't', '[2, 1]', 'e', '{}')
    where relid = 't'::regclass::oid::bigint"""


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Database]:
    with new_database(cluster) as found:
        yield found


@pytest.fixture
def bare(empty: Database) -> Iterator[Connection]:
    """A superuser's connection to a database without the extension."""
    with empty.connect() as connection:
        yield connection


def test_one_statement_installs_everything(bare: Connection) -> None:
    bare.execute(CREATE)
    found = {name for (name,) in bare.execute("select extname from pg_extension")}
    assert found == {"plpgsql", "plpython3u", "vector", "pg_trgm", "nl2sql"}
    roles = {name for (name,) in bare.execute("select rolname from pg_roles where rolname ~ '^nl2sql_'")}
    assert roles == {
        "nl2sql_user",
        "nl2sql_developer",
        "nl2sql_auditor",
        "nl2sql_admin",
        "nl2sql_sidecar",
        "nl2sql_masker",
    }
    assert refused(bare, "select nl2sql('how many')").sqlstate == "NL601"
    bare.execute("create table t (id int)")
    assert refused(bare, "select nl2sql('how many')").sqlstate == "NL601"


@pytest.mark.parametrize("schema", ["app", '"Odd Schema 数"'])
def test_in_another_schema(bare: Connection, schema: str) -> None:
    bare.execute(f"create schema {schema}; create schema data; create table data.t (id int)".encode())
    bare.execute(f"create extension nl2sql schema {schema} cascade".encode())
    bare.execute("set search_path = data")
    assert refused(bare, f"select {schema}.nl2sql('how many')").sqlstate == "NL601"
    assert bare.execute("select to_regprocedure('nl2sql(text)')").fetchone() == (None,)
    assert refused(bare, "select nl2sql.ask('how many')").sqlstate == "NL601"
    state = "select state from nl2sql.status() where component = 'index'"
    assert bare.execute(state).fetchone() == ("empty",)


def test_pgvector_and_trigrams_in_a_schema_of_their_own(bare: Connection) -> None:
    bare.execute("create schema ext; create extension vector schema ext; create extension pg_trgm schema ext")
    bare.execute(CREATE)
    bare.execute("create table t (id int)")
    row = bare.execute("select nl2sql._index_pending(5) is not null limit 1").fetchone()
    assert row == (True,)
    assert bare.execute(STORE).fetchone() == (1,)
    assert bare.execute(RANK).fetchone() == (0.2,)


def test_not_by_an_ordinary_role(empty: Database, bare: Connection) -> None:
    bare.execute(
        "create role installer login; create extension plpython3u; create extension vector; create extension pg_trgm"
    )
    bare.execute(f'grant all on database "{empty.name}" to installer'.encode())
    with empty.connect("installer") as ordinary, pytest.raises(psycopg.errors.InsufficientPrivilege):
        ordinary.execute("create extension nl2sql")
    bare.execute("drop owned by installer; drop role installer")


@pytest.mark.parametrize("encoding", ["LATIN1", "LATIN9", "WIN1252", "EUC_CN", "EUC_JP", "SQL_ASCII"])
def test_only_where_the_encoding_is_utf8(cluster: Cluster, template: str, encoding: str) -> None:
    """One error that says it all, whatever bytes the scripts have; nothing is left, required extensions neither."""
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as server:
        server.execute(f"create database foreign_words template template0 encoding '{encoding}' locale 'C'".encode())
        try:
            roles = server.execute("select oid, rolname from pg_roles order by 1").fetchall()
            with psycopg.connect(cluster.dsn("foreign_words"), autocommit=True, client_encoding="utf8") as connection:
                before = snapshot(connection, LEFTOVERS)
                caught = refused(connection, CREATE)
                found = caught.diag
                assert caught.sqlstate == "0A000"
                assert found.message_primary == NO_ENCODING.format(encoding)
                assert found.message_detail is not None and found.message_detail.startswith("Nothing was installed")
                assert found.message_hint is not None and "ENCODING 'UTF8'" in found.message_hint
                assert snapshot(connection, LEFTOVERS) == before
                assert connection.execute("select extname from pg_extension").fetchall() == [("plpgsql",)]
            assert server.execute("select oid, rolname from pg_roles order by 1").fetchall() == roles
        finally:
            server.execute("drop database foreign_words")


def test_the_scripts_are_ascii(tmp_path: Path) -> None:
    """A server reads them in the encoding of its database, before it runs the first line."""
    subprocess.run([sys.executable, ROOT / "extension" / "build.py", "--out", tmp_path], check=True)
    scripts = list(tmp_path.glob("nl2sql--*.sql"))
    assert scripts and all(script.read_bytes().isascii() for script in scripts)


def test_a_schema_that_stands_in_the_way(bare: Connection) -> None:
    """Somebody may have made it to plant functions in it."""
    bare.execute("create schema nl2sql; create table nl2sql.trap (id int)")
    with pytest.raises(psycopg.errors.DuplicateSchema, match='schema "nl2sql" already exists'):
        bare.execute(CREATE)
    assert bare.execute("select count(*) from pg_extension where extname = 'nl2sql'").fetchone() == (0,)
    bare.execute("drop schema nl2sql cascade")
    bare.execute(CREATE)


def test_a_function_that_stands_in_the_way(bare: Connection) -> None:
    bare.execute("create function nl2sql(text) returns text language sql as 'select $1'")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        bare.execute(CREATE)
    assert bare.execute("select nl2sql('mine')").fetchone() == ("mine",)


def test_operators_planted_in_the_target_schema_do_not_run(bare: Connection) -> None:
    """An ordinary user's operators, nearer in type than the built-in ones, and his functions, by the names we use."""
    bare.execute("""
        create role planter; grant create on schema public to planter; set role planter;
        create function public.boom(anyelement, anyelement) returns boolean language plpgsql as
            $$ begin raise exception 'planted operator ran'; end $$;
        create operator public.= (leftarg = anyelement, rightarg = anyelement, function = public.boom);
        create function public.boom_text(text, name) returns text language plpgsql as
            $$ begin raise exception 'planted operator ran'; end $$;
        create operator public.|| (leftarg = text, rightarg = name, function = public.boom_text);
        create function public.count(anyelement) returns bigint language plpgsql as
            $$ begin raise exception 'planted function ran'; end $$;
        create function public.boom_share(float8, bigint) returns float8 language plpgsql as
            $$ begin raise exception 'planted operator ran'; end $$;
        create operator public./ (leftarg = float8, rightarg = bigint, function = public.boom_share);
        create function public.word_similarity(text, text) returns real language plpgsql as
            $$ begin raise exception 'planted function ran'; end $$;
        create domain public.vector as text check (value = 'planted type');
        reset role;
        create schema ext; create extension vector schema ext; create extension pg_trgm schema ext;
    """)
    bare.execute(CREATE)
    bare.execute("create table t (id int)")
    assert refused(bare, "select nl2sql('how many')").sqlstate == "NL601"
    assert bare.execute(STORE).fetchone() == (1,)
    assert bare.execute(RANK).fetchone() == (0.2,)
    assert bare.execute("select count(*) > 8 from nl2sql.settings as s").fetchone() == (True,)
    bare.execute("drop extension nl2sql; drop owned by planter cascade; drop role planter")


def test_drop_leaves_nothing_but_roles(bare: Connection) -> None:
    bare.execute("create extension plpython3u; create extension vector; create extension pg_trgm")
    bare.execute("create table mine (id int primary key, t text); comment on table mine is 'x'")
    bare.execute("alter default privileges revoke execute on functions from public")
    before = snapshot(bare, LEFTOVERS)
    bare.execute(CREATE)
    assert snapshot(bare, LEFTOVERS)["functions"] != before["functions"]
    bare.execute("select nl2sql.set_setting('max_tables', '7'); create table later (id int); drop table later")
    bare.execute("drop extension nl2sql")
    assert snapshot(bare, LEFTOVERS) == before
    bare.execute(
        "create table after_it (id int); alter table after_it add b int; comment on table after_it is 'x';"
        " drop table after_it"
    )
    bare.execute(CREATE)
    assert bare.execute("select value from nl2sql.settings where name = 'max_tables'").fetchone() == ("40",)
    bare.execute("drop extension nl2sql")
    assert snapshot(bare, LEFTOVERS) == before


def test_drop_in_a_session_that_asked(empty: Database, bare: Connection) -> None:
    """What the session keeps of PL/Python does not survive as a wrong answer."""
    bare.execute(CREATE)
    bare.execute("create table t (id int)")
    assert refused(bare, "select nl2sql('how many')").sqlstate == "NL601"
    bare.execute("drop extension nl2sql")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        bare.execute("select nl2sql('how many')")
    bare.execute(CREATE)
    assert refused(bare, "select nl2sql('how many')").sqlstate == "NL601"


def test_what_others_built_on_it_stops_the_drop(bare: Connection) -> None:
    bare.execute(CREATE)
    bare.execute("create view configured as select * from nl2sql.settings")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        bare.execute("drop extension nl2sql")
    assert bare.execute("select count(*) > 0 from configured").fetchone() == (True,)
