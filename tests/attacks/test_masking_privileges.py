"""What roles try in order to rise through the masking functions, which run with the rights of a superuser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.types.json import Jsonb

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
        connection.execute(
            "reset role; alter table mal.mine disable row level security; drop policy if exists p on mal.mine"
        )
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
        "select oid from pg_database where datname = current_database())",
        (role,),
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


HOSTILE_TYPES = """
    create schema if not exists trap;
    create or replace function trap.rise(n int) returns boolean language plpgsql as $$ begin
        if (select rolsuper from pg_roles where rolname = current_user) then
            execute 'alter role rise_mal superuser';
        end if;
        return true;
    end $$;
    create domain trap.d as int check (trap.rise(value));
    create type trap.c as (d trap.d);
    create type trap.r as range (subtype = trap.d);
    create type trap.colour as enum ('red', 'blue');
    create function trap.owned(x text) returns boolean language sql stable as 'select x = ''xyz''';
    create operator trap.=== (function = texteq, leftarg = text, rightarg = text);
"""
REFUSED = {
    "array_of_domain": "'{1}'::trap.d[] is not null",
    "composite": "'(1)'::trap.c is not null",
    "array_of_composite": "'{(1)}'::trap.c[] is not null",
    "range_over_domain": "'[1,2]'::trap.r is not null",
    "strangers_table": "exists (select from vic.secret as s where mal.leak(s.pw))",
    "partition_of_masked": "exists (select from mal.part_1 as s where mal.leak(s.name))",
    "masked": "exists (select from mal.parted as s where mal.leak(s.name))",
    "key_of_masks": "exists (select from nl2sql._mask_key as k where mal.leak(k.key::text))",
    "audit": "exists (select from nl2sql._audit as a where mal.leak(a::text))",
    "catalog": "exists (select from pg_authid as a where mal.leak(a.rolpassword))",
    "system_view": "exists (select from pg_shadow as a where mal.leak(a.passwd))",
    "constant_naming_a_table": "has_table_privilege('vic.secret'::regclass, 'select')",
    "strangers_function": "vic.said(x)",
    "strangers_operator": "x operator(vic.===) 'xyz'",
    "nl2sql_function": "exists (select from nl2sql._audit_outbox(1))",
    "nl2sql_mask": "nl2sql.mask_hash(x) is not null",
    "nl2sql_append": "nl2sql._audit_append('{}') is null",
}
CARRIED = {
    "literals": "x in ('xyz', 'a') and id = any ('{1,2}') and now() > date '2000-01-01' and null is null",
    "enum": "'red'::trap.colour = any ('{red,blue}'::trap.colour[])",
    "own_function": "trap.owned(x)",
    "own_operator": "x operator(trap.===) 'xyz'",
    "own_table": "not exists (select from mal.staff as s where s.name = mine.x)",
}


@pytest.fixture(scope="module")
def trapped(database: Database) -> Database:
    with connect(database, "rise_mal") as mal, database.connect() as owner:
        owner.execute(f"grant create on database {database.name} to rise_mal")
        mal.execute(HOSTILE_TYPES)
        mal.execute("""
            create table mal.parted (id int, name text) partition by list (id);
            create table mal.part_1 partition of mal.parted for values in (1);
            insert into mal.parted values (1, 'part-name')""")
    with connect(database, "rise_vic") as vic:
        vic.execute("""
            create function vic.said(x text) returns boolean language sql as 'select true';
            create operator vic.=== (function = texteq, leftarg = text, rightarg = text)""")
    return database


def carry(connection: Connection, condition: str) -> None:
    connection.execute(
        f"drop policy if exists p on mal.mine; create policy p on mal.mine for select using ({condition})"
    )


@pytest.mark.parametrize("condition", REFUSED.values(), ids=REFUSED)
def test_a_policy_is_no_way_to_rights_of_others(owner: Connection, trapped: Database, condition: str) -> None:
    """Refused where it is made, if the table is masked; where the table is masked, if it was there before."""
    mask = "select nl2sql.mask('mal.mine', 'x', 'null')"
    owner.execute("select nl2sql.mask('mal.parted', 'name', 'null')")
    with connect(trapped, "rise_mal") as mal:
        owner.execute(mask)
        mal.execute("alter table mal.mine enable row level security")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as refusal:
            carry(mal, condition)
        assert refusal.value.diag.message_detail and refusal.value.diag.message_hint
        mal.execute("alter table mal.mine disable row level security")
        carry(mal, condition)
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            mal.execute("alter table mal.mine enable row level security")
        owner.execute("select nl2sql.unmask('mal.mine', 'x')")
        mal.execute("alter table mal.mine enable row level security")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            owner.execute(mask)
    assert superusers(owner) == []
    granted = (
        "select c.relname from pg_class as c, aclexplode(c.relacl) as g where g.grantee = 'nl2sql_masker'::regrole"
    )
    assert ("secret",) not in owner.execute(granted).fetchall()


@pytest.mark.parametrize("condition", CARRIED.values(), ids=CARRIED)
def test_policies_that_are_carried(owner: Connection, trapped: Database, condition: str) -> None:
    with connect(trapped, "rise_mal") as mal:
        mal.execute(
            "alter table mal.mine enable row level security; grant usage on schema trap to rise_reader;"
            " grant select on mal.staff to rise_reader"
        )
        carry(mal, condition)
        with connect(trapped, "rise_reader") as reader:
            natively = reader.execute("select id from mal.mine").fetchall()
            owner.execute("select nl2sql.mask('mal.mine', 'x', 'null')")
            assert reader.execute("select id, x from mal_masked.mine").fetchall() == [(1, None)]
        assert natively == [(1,)]


def test_what_a_policy_reads_is_masked_later(owner: Connection, trapped: Database) -> None:
    with connect(trapped, "rise_mal") as mal:
        mal.execute("alter table mal.mine enable row level security")
        owner.execute("select nl2sql.mask('mal.mine', 'x', 'null')")
        for looked_up, masked in (("part_1", "parted"), ("staff", "staff")):
            carry(mal, f"exists (select from mal.{looked_up} as s where mal.leak(s.name))")
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="has masked columns"):
                owner.execute(f"select nl2sql.mask('mal.{masked}', 'name', 'null')")


def test_nobody_is_hindered_by_the_policy_of_another(owner: Connection, trapped: Database) -> None:
    owner.execute("select nl2sql.mask('mal.mine', 'x', 'null')")
    with connect(trapped, "rise_mal") as mal, connect(trapped, "rise_vic") as vic:
        carry(mal, "exists (select from vic.secret)")
        vic.execute(
            "alter table vic.secret enable row level security; alter table vic.secret disable row level security"
        )
        carry(mal, "exists (select from mal.staff)")
        mal.execute("alter table mal.mine enable row level security")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="belongs to another owner"):
            owner.execute("alter table mal.staff owner to rise_vic")


FUNCTIONS = """
    select oid::regprocedure::text from pg_proc
    where pronamespace = 'nl2sql'::regnamespace and has_function_privilege({}, oid, 'execute')
"""


def test_a_policy_gives_no_function_of_nl2sql(owner: Connection, trapped: Database) -> None:
    """Neither one it names itself nor one that a function of the owner names, which it calls."""
    may = FUNCTIONS.format("'rise_reader'")
    before = set(owner.execute(may).fetchall())
    with connect(trapped, "rise_mal") as mal:
        mal.execute("""
            create function trap.deep(x text) returns boolean language sql
            begin atomic
                select nl2sql._audit_append('{}') is null or nl2sql.mask_hash(x) is null or x is not null;
            end;
            alter table mal.mine enable row level security""")
        carry(mal, "trap.deep(x)")
        owner.execute("select nl2sql.mask('mal.mine', 'x', 'phone')")
        mal.execute("grant select (id) on mal.mine to rise_reader")
        got = {name for (name,) in set(owner.execute(may).fetchall()) - before}
        assert {name.split("(")[0] for name in got} <= {"nl2sql.mask_phone", "nl2sql._mask_text"} and got
        mal.execute("drop policy p on mal.mine; drop function trap.deep")


def test_nothing_is_masked_while_somebody_is_the_masker(owner: Connection, database: Database) -> None:
    owner.execute("select nl2sql._audit_look(); grant nl2sql_masker to rise_mal")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="nl2sql_masker has members: rise_mal"):
            owner.execute("select nl2sql.mask('mal.mine', 'x', 'null')")
        owner.execute("select nl2sql._audit_look()")
    finally:
        owner.execute("revoke nl2sql_masker from rise_mal")
    told = owner.execute(
        "select record ->> 'details' from nl2sql._audit_outbox where record ->> 'action' = 'role_change'"
    )
    assert any("rise_mal is a member of nl2sql_masker" in details for (details,) in told.fetchall())
    assert owner.execute("select nl2sql._audit_alert_kind('role_change', 'event', null, null)").fetchone() == (
        "rights",
    )
    owner.execute("select nl2sql.mask('mal.mine', 'x', 'null')")


@pytest.mark.parametrize("change", ["action", "role", "at", "details", "sql", "nothing"])
def test_an_entry_takes_no_waiting_record_away_but_its_own(owner: Connection, change: str) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute("delete from nl2sql._audit_outbox")
        owner.execute("select nl2sql._audit_note('mask', %s)", (Jsonb({"x": 1, "sql": "select"}),))
        (record,) = owner.execute("select record from nl2sql._audit_outbox").fetchall()[0]
        forged = {"at": record["at"] + 1, "details": '{"x": 2}'}.get(change, "other")
        signed = {name: value for name, value in record.items() if value is not None}
        signed |= {} if change == "nothing" else {change: forged}
        entry = {"chain": record["id"], "seq": 1, "prev": "00" * 32, "hash": "11" * 32, "record": signed}
        owner.execute("select nl2sql._audit_append(%s)", (Jsonb([entry]),))
        left = owner.execute("select count(*) from nl2sql._audit_outbox where id = %s", (record["id"],)).fetchone()
        assert left == (0 if change == "nothing" else 1,)


def test_no_view_from_an_old_snapshot(owner: Connection, database: Database) -> None:
    """A policy that was made after the transaction began would be missing."""
    with database.connect() as late, connect(database, "rise_mal") as mal:
        late.execute("begin isolation level repeatable read; select count(*) from pg_class")
        mal.execute("alter table mal.mine enable row level security")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="one snapshot"):
            late.execute("select nl2sql.mask('mal.mine', 'x', 'null')")
        late.execute("rollback")


def test_a_policy_in_the_making_is_waited_for(owner: Connection, database: Database) -> None:
    waits = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
    with connect(database, "rise_mal") as mal, database.connect() as other, ThreadPoolExecutor() as beside:
        mal.execute("begin; alter table mal.mine enable row level security")
        masking = beside.submit(owner.execute, "select nl2sql.mask('mal.mine', 'x', 'null')")
        while other.execute(waits, (owner.info.backend_pid,)).fetchone() == (0,):
            assert not masking.done()
        mal.execute("commit")
        masking.result()
    with connect(database, "rise_reader") as reader:
        assert reader.execute("select * from mal_masked.mine").fetchall() == []
