"""Dumps of a database with masks, restored in every usual way: nothing fails, and the copy is as the original."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.databases import new_database
from tools.cluster import Cluster

Restore = Callable[[Database, Database, Path], None]

ROLES = ("branch_reader", "branch_auditor", "branch_owner")
TABLES = 6
BRANCH = """
    create role branch_reader login in role nl2sql_user;
    create role branch_auditor login;
    create role branch_owner;
    create schema branch authorization branch_owner;
    grant usage on schema branch to branch_reader, branch_auditor;
    set role branch_owner;
    create table branch.event (id int, mail text, at int, primary key (id, at)) partition by range (at);
    create table branch.event_0 partition of branch.event for values from (0) to (1);
    create table branch.event_1 partition of branch.event for values from (1) to (2);
    create index on branch.event (mail);
    insert into branch.event select n, 'guest' || n || '@corp.example', n % 2 from generate_series(1, 40) as n;
    grant select on branch.event to branch_reader;
    reset role;
"""
ONE = """
    set role branch_owner;
    create table branch.member_{n} (
        id int primary key, mail text unique, phone text, town text, born date, boss int references branch.member_{n});
    insert into branch.member_{n}
        select i, 'member' || i || '@corp.example', '1380013' || lpad(i::text, 4, '0'), 'Bern', '1980-02-03', i
        from generate_series(1, 100) as i;
    create index on branch.member_{n} (town);
    alter table branch.member_{n} enable row level security;
    create policy near on branch.member_{n} for select using (id <= 60);
    comment on table branch.member_{n} is 'who has joined';
    comment on column branch.member_{n}.mail is 'where letters go';
    grant select on branch.member_{n} to branch_reader;
    grant select (id, mail) on branch.member_{n} to branch_auditor;
    create view branch.towns_{n} as select town, count(*) as members from branch.member_{n} group by 1;
    grant select on branch.towns_{n} to branch_reader;
    reset role;
    select nl2sql.show_clear('branch.member_{n}', 'branch_auditor');
    select nl2sql.mask('branch.member_{n}', 'mail', 'email');
    select nl2sql.mask('branch.member_{n}', 'phone', 'phone');
"""
# what a user has made of the mask functions himself
OWN = """
    create table branch.letter (
        id int primary key, mail text, phone text not null check (length(nl2sql.mask_phone(phone)) > 3),
        shown text generated always as (nl2sql.mask_email(mail)) stored);
    create table branch.sent (shown text);
    create index letter_shown on branch.letter (nl2sql.mask_email(mail));
    create view branch.letters as select id, nl2sql.mask_partial(phone, 3, 4, '*') as phone from branch.letter;
    create materialized view branch.domains as
        select split_part(nl2sql.mask_email(mail), '@', 2) as domain, count(*) as letters from branch.letter group by 1;
    create function branch.send() returns trigger language plpgsql as $f$
        begin insert into branch.sent values (nl2sql.mask_email(new.mail)); return new; end $f$;
    create trigger send after insert on branch.letter for each row
        when (nl2sql.mask_email(new.mail) is distinct from new.mail) execute function branch.send();
    insert into branch.letter select n, 'a' || n || '@corp.example', '13800138000' from generate_series(1, 20) as n;
    refresh materialized view branch.domains;
"""
# All that masks consist of: policies, who reads which view, what was taken, and what is given back.
STATE = {
    "policies": "select schema_name, table_name, column_name, masking, masked_view::text, in_force, clear_text_roles"
    " from nl2sql.masking_policy",
    "views": "select relation::text, masked_view::text, column_names, body,"
    " (select jsonb_agg(e - 'oid' order by e::text) from jsonb_array_elements(readers) as e) from nl2sql._mask_view",
    "taken": "select root::text, relation::text, column_name, grantee::text, privilege, grantable"
    " from nl2sql._mask_taken",
    "clear": "select relation::text, role::text, named from nl2sql._mask_clear",
    "usage": "select masked_schema::text, grantee::text from nl2sql._mask_usage",
    "execute": "select function::text, grantee::text from nl2sql._mask_execute",
    "rights on relations": "select c.oid::regclass::text, x.grantee::regrole::text, x.privilege_type"
    " from pg_class as c cross join aclexplode(c.relacl) as x where c.relnamespace::regnamespace::text like 'branch%'",
    "rights on schemas": "select n.nspname, x.grantee::regrole::text, x.privilege_type"
    " from pg_namespace as n cross join aclexplode(n.nspacl) as x where n.nspname like 'branch%'",
    "rights on masks": "select p.oid::regprocedure::text, x.grantee::regrole::text from pg_proc as p"
    " cross join aclexplode(p.proacl) as x where p.pronamespace = 'nl2sql'::regnamespace",
    "rows": "select count(*), min(mail), max(phone) from branch_masked.member_3",
    "paths": "select setrole::regrole::text, setconfig from pg_db_role_setting where setdatabase in"
    " (select oid from pg_database where datname = current_database())",
}


@pytest.fixture(scope="module")
def branch(cluster: Cluster, template: str) -> Iterator[Database]:
    """A database with masked tables that refer to each other, whose readers have no right on them."""
    with new_database(cluster, template) as made, made.connect() as connection:
        connection.execute(BRANCH)
        for number in range(TABLES):
            connection.execute(ONE.format(n=number).encode())
            if number:
                key = "alter table branch.member_{} add foreign key (boss) references branch.member_{}"
                connection.execute(key.format(number, number - 1).encode())
        connection.execute("select nl2sql.mask('branch.event', 'mail', 'email'), nl2sql.use_masked('branch_reader')")
        connection.execute(OWN)
        yield made
        for role in ROLES:
            connection.execute(f"drop owned by {role} cascade; drop role {role}".encode())


def state(database: Database) -> dict[str, list[str]]:
    with database.connect() as connection:
        return {what: sorted(str(row) for row in connection.execute(query.encode())) for what, query in STATE.items()}


def client(database: Database, program: str, *arguments: str | Path) -> None:
    """One of PostgreSQL's programs against a database: it neither fails nor complains."""
    command = [database.cluster.bin / program, "--dbname", database.dsn(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def script(database: Database, path: Path) -> None:
    client(database, "psql", "-X", "-q", "-o", "/dev/null", "--set", "ON_ERROR_STOP=1", "--file", path)


def plain(source: Database, target: Database, folder: Path) -> None:
    client(source, "pg_dump", "--file", folder / "dump.sql")
    script(target, folder / "dump.sql")


def side_by_side(jobs: int) -> Restore:
    def restore(source: Database, target: Database, folder: Path) -> None:
        client(source, "pg_dump", "--format", "custom", "--file", folder / "dump")
        client(target, "pg_restore", "--exit-on-error", "--jobs", str(jobs), folder / "dump")

    return restore


@pytest.mark.parametrize("restore", [plain, side_by_side(2), *[side_by_side(4)] * 3])
def test_the_copy_is_as_the_original(branch: Database, tmp_path: Path, restore: Restore) -> None:
    expected = state(branch)
    assert all(expected.values())
    with new_database(branch.cluster) as target:
        restore(branch, target, tmp_path)
        assert state(target) == expected | {"paths": []}  # those are for the name of a database
        with target.connect() as copy:
            assert_it_works(copy)
            assert_masks_hold(target, copy)
            copy.execute("drop owned by branch_reader, branch_auditor, branch_owner cascade")


def assert_it_works(copy: Connection) -> None:
    """What its owner made of the mask functions works, whatever the path."""
    copy.execute("set search_path = ''")
    copy.execute("refresh materialized view branch.domains")
    before = copy.execute("select count(*) from branch.sent").fetchone() or (0,)
    copy.execute("insert into branch.letter (id, mail, phone) values (1000, 'zoe@corp.example', '13800138000')")
    assert copy.execute("select count(*) from branch.sent").fetchone() == (before[0] + 1,)
    copy.execute("reset search_path")


def assert_masks_hold(target: Database, copy: Connection) -> None:
    """Also when the table changes, and unmask() gives back what was taken in the original."""
    with target.connect("branch_reader") as reader:
        shown = reader.execute("select distinct mail from branch_masked.member_2").fetchall()
        assert shown == [("mem****@corp.example",)]
        for table in ("branch.member_2", "branch.event_0"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"select mail from {table}".encode())
        copy.execute("alter table branch.member_2 rename column mail to letters")
        assert reader.execute("select count(letters) from branch_masked.member_2").fetchone() == (60,)
        copy.execute("select nl2sql.unmask('branch.member_2', 'letters'), nl2sql.unmask('branch.member_2', 'phone')")
        assert reader.execute("select count(*) from branch.member_2").fetchone() == (60,)


@pytest.mark.parametrize("triggers", [[], ["--disable-triggers"]])
def test_the_data_into_the_schema(branch: Database, tmp_path: Path, triggers: list[str]) -> None:
    client(branch, "pg_dump", "--schema-only", "--file", tmp_path / "schema.sql")
    # it warns of tables that refer to themselves
    dump = [branch.cluster.bin / "pg_dump", "--dbname", branch.dsn(), "--data-only", "--file", tmp_path / "data.sql"]
    subprocess.run([*dump, *triggers], capture_output=True, check=True)
    with new_database(branch.cluster) as target:
        script(target, tmp_path / "schema.sql")
        script(target, tmp_path / "data.sql")
        expected = state(branch)
        found = state(target)
        assert {what: found[what] for what in ("policies", "views", "taken", "clear", "rows")} == {
            what: expected[what] for what in ("policies", "views", "taken", "clear", "rows")
        }
        with target.connect() as copy:
            assert_masks_hold(target, copy)
            copy.execute("drop owned by branch_reader, branch_auditor, branch_owner cascade")


def test_one_schema(branch: Database, tmp_path: Path) -> None:
    """Where the extension is: the tables come with their rights, of which none is a reader's; masks do not."""
    client(branch, "pg_dump", "--schema", "branch", "--file", tmp_path / "dump.sql")
    with new_database(branch.cluster) as target, target.connect() as copy:
        copy.execute("create extension nl2sql cascade")
        script(target, tmp_path / "dump.sql")
        assert copy.execute("select count(*) from branch.member_1").fetchone() == (100,)
        with target.connect("branch_reader") as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select * from branch.member_1")
        copy.execute("select nl2sql.mask('branch.member_1', 'mail', 'email')")
        copy.execute("drop owned by branch_reader, branch_auditor, branch_owner cascade")


def test_only_a_superuser_restores(branch: Database) -> None:
    """The settings of a dump, said by somebody else, switch nothing off."""
    with branch.connect() as admin, branch.connect("branch_auditor") as owner:
        admin.execute("grant branch_owner to branch_auditor")
        owner.execute("set check_function_bodies = off; set row_security = off; set role branch_owner")
        reached = "select has_schema_privilege('nl2sql_auditor', 'branch_masked', 'usage')"
        owner.execute("grant usage on schema branch to nl2sql_auditor")
        assert admin.execute(reached).fetchone() == (True,)
        owner.execute("revoke usage on schema branch from nl2sql_auditor")
        assert admin.execute(reached).fetchone() == (False,)
        admin.execute("revoke branch_owner from branch_auditor")
