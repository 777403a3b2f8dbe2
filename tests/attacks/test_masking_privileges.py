"""What roles try in order to rise through the masking functions, which run with the rights of a superuser."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.databases import new_database
from tools.cluster import Cluster

# rise_admin manages policies; rise_mal owns a masked table; rise_vic owns what is none of the others' business.
ROLES = ("rise_admin", "rise_mal", "rise_vic", "rise_reader")
SCHEMA = """
    create role rise_admin login in role nl2sql_admin; create role rise_vic login;
    create role rise_mal login in role nl2sql_user; create role rise_reader login;
    grant create on database {0} to rise_mal, rise_vic;
    set role rise_mal;
    create schema mal;
    create table mal.mine (id int, x text);
    insert into mal.mine values (1, 'xyz');
    create table mal.staff (id int, name text);
    grant select on mal.mine to rise_reader;
    grant usage on schema mal to public;
    create function mal.leak(said text) returns boolean language plpgsql cost 1e-6 as
        'begin raise notice ''leaked %'', said; return true; end';
    set role rise_vic;
    create schema vic;
    create table vic.secret (id int, pw text);
    insert into vic.secret values (1, 'top-secret');
    grant usage on schema vic to public;
    reset role;
"""


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """One for the whole file."""
    with new_database(cluster, template) as made:
        with made.connect() as connection:
            connection.execute(SCHEMA.format(made.name))
        try:
            yield made
        finally:
            with made.connect() as connection:
                for role in ROLES:
                    connection.execute(f"drop owned by {role} cascade; drop role {role}")


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    """A superuser's connection, with nothing masked and nobody risen afterwards."""
    with database.connect() as connection:
        yield connection
        connection.execute("reset role; alter table mal.mine disable row level security; drop policy if exists p on mal.mine")
        for table, column in connection.execute("select relation::text, column_name from nl2sql._mask").fetchall():
            connection.execute("select nl2sql.unmask(%s, %s)", (table, column))
        assert superusers(connection) == []


def superusers(connection: Connection) -> list[str]:
    risen = connection.execute("select rolname from pg_roles where rolsuper and rolname = any (%s)", (list(ROLES),))
    return [name for (name,) in risen]


def connect(database: Database, role: str, **options: str) -> Connection:
    return psycopg.connect(database.dsn(role), autocommit=True, **options)  # type: ignore[arg-type]


def path_of(connection: Connection, role: str) -> str | None:
    found = connection.execute(
        "select setconfig from pg_db_role_setting as s where setrole = %s::regrole and setdatabase = ("
        "select oid from pg_database where datname = current_database())", (role,)
    ).fetchone()
    return found and found[0][0]


def test_search_path_is_no_way_to_run_sql(owner: Connection, database: Database) -> None:
    """The administrator's own session has the path; or a user has it, and waits for the administrator."""
    path = "public;alter/**/role/**/{}/**/superuser"
    with connect(database, "rise_admin", options="-c search_path=" + path.format("rise_admin")) as admin:
        assert admin.execute("select nl2sql.use_masked('rise_reader')").fetchone() == ('"$user", public',)
    assert superusers(owner) == []
    with connect(database, "rise_mal") as mal:
        mal.execute("select set_config('search_path', %s, false)", (path.format("rise_mal"),))
        mal.execute(f"alter role rise_mal in database {database.name} set search_path from current")
    with connect(database, "rise_admin") as admin:
        admin.execute("select nl2sql.use_masked('rise_mal')")
    assert superusers(owner) == []
    assert path_of(owner, "rise_mal") == f'search_path="{path.format("rise_mal")}"'


@pytest.mark.parametrize(
    ("path", "becomes"),
    [
        ("MAL,public", "mal_masked, mal, public"),
        ('"MAL", "a""b, c",it\'s', '"MAL", "a""b, c", "it\'s"'),
        ('x"y\\,"$user"', '"x""y\\", "$user"'),
        ('""', '""'),
    ],
)
def test_paths_stay_what_they_were(owner: Connection, database: Database, path: str, becomes: str) -> None:
    owner.execute("select nl2sql.mask('mal.mine', 'x', 'null')")
    with connect(database, "rise_vic") as vic:
        vic.execute("select set_config('search_path', %s, false)", (path,))
        vic.execute(f"alter role rise_vic in database {database.name} set search_path from current")
    for _ in "again":
        assert owner.execute("select nl2sql.use_masked('rise_vic')").fetchone() == (becomes,)


def test_paths_of_superusers_are_left_alone(owner: Connection, database: Database) -> None:
    with connect(database, "rise_admin") as admin, pytest.raises(psycopg.errors.InsufficientPrivilege):
        admin.execute("select nl2sql.use_masked('postgres')")


@pytest.mark.parametrize("conforming", ["on", "off"])
def test_literals_of_a_masking_are_no_way_to_run_sql(owner: Connection, database: Database, conforming: str) -> None:
    hostile = r"partial(1,1,'\'') from mal.mine;alter role rise_admin superuser--')"
    with connect(database, "rise_admin") as admin:
        admin.execute(f"set standard_conforming_strings = {conforming}")
        table = "(select oid::regclass from pg_class where relname = 'mine')"
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="is no masking"):
            admin.execute(f"select nl2sql.mask({table}, 'x', $${hostile}$$)")
        assert superusers(owner) == []
        admin.execute(f"select nl2sql.mask({table}, 'x', $$partial(0, 1, '''')$$)")
    assert owner.execute("select x from mal_masked.mine").fetchone() == ("''z",)


def test_functions_that_run_sql_read_literals_in_one_way(owner: Connection) -> None:
    loose = owner.execute("""
        select proname from pg_proc
        where pronamespace = 'nl2sql'::regnamespace and prosecdef and proname ~ 'mask|show_' and proconfig is not null
            and provolatile = 'v' and not 'standard_conforming_strings=on' = any (proconfig)
    """)
    assert loose.fetchall() == []
