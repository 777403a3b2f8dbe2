"""What a masked role tries in order to see a masked column, or rows that row security holds back: nothing of it works."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Connection, janitor
from tools.cluster import Cluster

DATABASE = "attacked_masks"
ROLES = ["spy", "bank", "desk", "policy_admin"]

# In every clear value there is one of these; the masks leave none of them visible.
CLEAR = re.compile(r"zebra|quokka|4111111111111111|5500005555555559|51234|98765|1980-02-03|1991-07-09|hidden-row", re.I)

BANK = """
    create role bank; create role desk login;
    create role spy login in role nl2sql_user;
    create role policy_admin in role nl2sql_admin;
    create schema bank authorization bank;
    create schema lair authorization spy;
    grant usage on schema bank to spy, desk, policy_admin;
    set role bank;
    create table bank.branch (id int primary key, login name);
    create table bank.client (
        id int primary key, owner name, name text, email varchar(60) unique, card text, salary numeric(10, 2), born date,
        city text, note text
    );
    create table bank.account (number int primary key, client_id int references bank.client, email varchar(60), amount numeric);
    insert into bank.client values
        (1, 'spy', 'Zebra Alpha', 'zebra@corp.example', '4111111111111111', 51234.5, '1980-02-03', 'Rome', 'first'),
        (2, 'spy', 'Quokka Beta', 'quokka@corp.example', '5500005555555559', 98765.4, '1991-07-09', 'Paris', 'second'),
        (3, 'desk', 'Hidden-row Gamma', 'hidden-row@corp.example', '4111111111111111', 51234.5, '1980-02-03', 'Hidden-row', 'hidden-row');
    insert into bank.account values (10, 1, 'zebra@corp.example', 5), (20, 2, 'quokka@corp.example', 7);
    alter table bank.client enable row level security;
    create policy own_clients on bank.client for select using (owner = current_user);
    create view bank.plain as select id, email from bank.client;
    create view bank.over as select * from bank.plain;
    create view bank.row_of as select id, c as whole from bank.client as c;
    create materialized view bank.kept as select id, email from bank.client;
    create table bank.event (id int, day date, email text) partition by range (day);
    create table bank.event_1 partition of bank.event for values from ('2026-01-01') to ('2026-07-01');
    insert into bank.event values (1, '2026-02-01', 'zebra@corp.example');
    create table bank.child () inherits (bank.account);
    insert into bank.child values (30, 1, 'zebra@corp.example', 1);
    create statistics bank.client_stats (mcv) on city, email from bank.client;
    grant select on all tables in schema bank to spy, desk;
    grant references, trigger on bank.client to spy;
    grant select (id, email) on bank.event_1 to spy;
    reset role;
    analyze;
    create function lair.tell(text) returns boolean language plpgsql cost 0.0000001 as
        $$begin raise notice 'told %', $1; return true; end$$;
    alter function lair.tell(text) owner to spy;
    create table lair.nothing (id int);
    alter table lair.nothing owner to spy;
    set role policy_admin;
    select nl2sql.mask('bank.client', 'name', 'null');
    select nl2sql.mask('bank.client', 'email', 'hash');
    select nl2sql.mask('bank.client', 'card', 'card');
    select nl2sql.mask('bank.client', 'salary', 'number(10000)');
    select nl2sql.mask('bank.client', 'born', 'date(''year'')');
    select nl2sql.mask('bank.account', 'email', 'hash');
    select nl2sql.mask('bank.event', 'email', 'hash');
    reset role;
"""

VIEW = "bank_masked.client"

# As one string each, so that a test is named after the way it tries.
WAYS = {
    "base table": "select * from bank.client",
    "base column": "select email from bank.client",
    "base count": "select count(*) from bank.client where email like 'zebra%'",
    "base whole row": "select c from bank.client as c",
    "base unmasked column": "select note from bank.client where email > 'y'",
    "base only": "select * from only bank.client",
    "table command": "table bank.client",
    "base through a join": f"select b.email from {VIEW} as v join bank.client as b using (id)",
    "base in a subquery": f"select (select email from bank.client as b where b.id = v.id) from {VIEW} as v",
    "base in exists": f"select * from {VIEW} as v where exists (select from bank.client as b where b.email like 'z%')",
    "base in a CTE": "with c as (select * from bank.client) select * from c",
    "base sampled": "select * from bank.client tablesample system (100)",
    "base for share": "select * from bank.client for share",
    "view over it": "select * from bank.plain",
    "view over a view": "select * from bank.over",
    "whole row in a view": "select * from bank.row_of",
    "materialized view": "select * from bank.kept",
    "inheritance child": "select * from bank.child",
    "partition": "select * from bank.event_1",
    "column of a partition": "select email from bank.event_1",
    "copy of the table": "copy bank.client to stdout",
    "copy of a column": "copy bank.client (email) to stdout",
    "copy of a query": "copy (select * from bank.client) to stdout",
    "copy of the view": f"copy (select * from {VIEW}) to stdout",
    "all of the view": f"select * from {VIEW}",
    "whole row": f"select v from {VIEW} as v",
    "whole row as text": f"select v::text from {VIEW} as v",
    "row to json": f"select row_to_json(v) from {VIEW} as v",
    "jsonb of the row": f"select to_jsonb(v) from {VIEW} as v",
    "json aggregate": f"select json_agg(v) from {VIEW} as v",
    "json object aggregate": f"select jsonb_object_agg(id, email) from {VIEW}",
    "xml of the row": f"select query_to_xml('select * from {VIEW}', true, false, '')",
    "xml of the base": "select query_to_xml('select * from bank.client', true, false, '')",
    "xml of the schema": "select schema_to_xml('bank', true, false, '')",
    "predicate equal": f"select id from {VIEW} where email = 'zebra@corp.example'",
    "predicate like": f"select 'zebra' where exists (select from {VIEW} where email like 'zebra%')",
    "predicate range": f"select 'zebra' from {VIEW} where email between 'zebra' and 'zebrb'",
    "predicate regexp": f"select 'zebra' from {VIEW} where email ~ '^zebra'",
    "predicate on a number": f"select '51234' from {VIEW} where salary = 51234.5",
    "predicate on a date": f"select '1980-02-03' from {VIEW} where born = '1980-02-03'",
    "predicate on null": f"select 'zebra' from {VIEW} where name is not null",
    "predicate row comparison": f"select 'zebra' from {VIEW} where (id, email) = (1, 'zebra@corp.example')",
    "predicate in list": f"select 'zebra' from {VIEW} where email in ('zebra@corp.example', 'x')",
    "predicate any array": f"select 'zebra' from {VIEW} where email = any (array['zebra@corp.example'])",
    "having": f"select 'zebra' from {VIEW} group by email having min(email) = 'zebra@corp.example'",
    "case": f"select case when email = 'zebra@corp.example' then 'zebra' end from {VIEW}",
    "filter": f"select count(*) filter (where email like 'zebra%') > 0 and 'zebra' is not null as it from {VIEW}",
    "join on values": f"select 'zebra' from {VIEW} join (values ('zebra@corp.example')) as g (e) on email = g.e",
    "join using": f"select 'zebra' from {VIEW} join (values ('zebra@corp.example')) as g (email) using (email)",
    "natural join": f"select 'zebra' from {VIEW} natural join (values ('zebra@corp.example')) as g (email)",
    "anti join": f"select 'zebra' from (values ('zebra@corp.example')) as g (e) where g.e in (select email from {VIEW})",
    "lateral": f"select x.e from {VIEW} as v, lateral (select v.email || v.name) as x (e)",
    "cast to integer": f"select email::int from {VIEW}",
    "cast to date": f"select email::date from {VIEW}",
    "cast to xml": f"select ('<' || email)::xml from {VIEW}",
    "cast to jsonb": f"select card::jsonb from {VIEW}",
    "cast of a whole row": f"select (v::text)::int from {VIEW} as v",
    "cast to regclass": f"select email::regclass from {VIEW}",
    "division by zero": f"select 1 / (id - 1), email from {VIEW}",
    "min and max": f"select min(email), max(email), min(salary), max(salary), min(born), max(name) from {VIEW}",
    "sum": f"select sum(salary), avg(salary), stddev(salary) from {VIEW}",
    "string aggregate": f"select string_agg(email, ',' order by email) from {VIEW}",
    "array aggregate": f"select array_agg(email), array_agg(card) from {VIEW}",
    "percentile": f"select percentile_disc(0) within group (order by email), mode() within group (order by salary) from {VIEW}",
    "histogram": f"select width_bucket(salary, 51234, 51235, 1), salary from {VIEW}",
    "order by": f"select id, email from {VIEW} order by email limit 1",
    "distinct on": f"select distinct on (email) * from {VIEW} order by email",
    "window": f"select first_value(email) over (order by salary), lag(card) over (order by born) from {VIEW}",
    "grouping sets": f"select email, card, count(*) from {VIEW} group by cube (email, card)",
    "union": f"select email from {VIEW} union select 'x'",
    "recursion": f"with recursive r as (select 1 as n, min(email) as e from {VIEW} union all select n + 1, e from r where n < 3) select * from r",
    "leaky function": f"select id from {VIEW} where lair.tell(email)",
    "leaky function on an open column": f"select id from {VIEW} where lair.tell(note)",
    "leaky function on a row": f"select id from {VIEW} as v where lair.tell(v::text)",
    "leaky function in order by": f"select id from {VIEW} order by lair.tell(city)",
    "error per row": f"select id from {VIEW} where note::int > 0",
    "function notation": f"select email(v) from {VIEW} as v",
    "field selection": f"select (v).email, (v).name from {VIEW} as v",
    "system columns": f"select tableoid, ctid, xmin from {VIEW}",
    "populate a record": f"select * from {VIEW} as v, jsonb_populate_record(null::bank.client, to_jsonb(v))",
    "explain": f"explain (verbose) select * from {VIEW} where email = 'x'",
    "explain analyze": f"explain (analyze, verbose, timing off) select * from {VIEW} where email = 'x'",
    "explain json": f"explain (analyze, verbose, format json) select * from {VIEW}",
    "explain base": "explain analyze select * from bank.client",
    "statistics": "select most_common_vals, histogram_bounds from pg_stats where schemaname like 'bank%'",
    "statistics of the catalog": "select * from pg_statistic",
    "extended statistics": "select * from pg_stats_ext where statistics_schemaname = 'bank'",
    "extended statistics data": "select * from pg_statistic_ext_data",
    "own statistics": f"analyze {VIEW}",
    "cursor": f"declare c cursor for select * from {VIEW}; fetch all from c",
    "cursor with hold": f"declare h cursor with hold for select * from {VIEW}; fetch all from h; close h",
    "cursor on the base": "declare b cursor for select * from bank.client; fetch all from b",
    "prepared statement": f"prepare p as select email from {VIEW}; execute p; deallocate p",
    "prepared on the base": "prepare q as select email from bank.client; execute q",
    "own view over the view": f"create view lair.v as select * from {VIEW}; select * from lair.v; drop view lair.v",
    "own view over the base": "create view lair.b as select * from bank.client; select * from lair.b",
    "own copy": f"create temp table mine as select * from {VIEW}; table mine; drop table mine",
    "select into": f"select * into temp mine from {VIEW}; table mine; drop table mine",
    "own function": f"do $$declare r record; begin for r in select * from {VIEW} loop raise notice '%', r; end loop; end$$",
    "dynamic function on the base": "do $$declare r record; begin for r in execute 'table bank.client' loop raise notice '%', r; end loop; end$$",
    "update returning": f"update {VIEW} set note = note returning *",
    "update of the base": "update bank.client set note = email returning *",
    "delete returning": f"delete from {VIEW} where id = 1 returning *",
    "insert returning": f"insert into {VIEW} (id) values (1) returning *",
    "merge": f"merge into lair.nothing using {VIEW} as v on true when not matched then insert values (v.salary::int)",
    "unique oracle": f"insert into {VIEW} (id, email) values (99, 'zebra@corp.example')",
    "unique oracle on the base": "insert into bank.client (id, email) values (99, 'zebra@corp.example')",
    "conflict oracle": "insert into bank.client (id, email) values (1, 'zebra@corp.example') on conflict (email) do nothing",
    "foreign key oracle": "create table lair.probe (email varchar(60) references bank.client (email))",
    "trigger on the base": "create trigger peep before update on bank.client for each row execute function suppress_redundant_updates_trigger()",
    "rule on the view": f"create rule peep as on insert to {VIEW} do also select 1",
    "policy of one's own": "create policy mine on bank.client using (true)",
    "no row security": "alter table bank.client disable row level security",
    "row security off": f"set row_security = off; select * from {VIEW}",
    "security barrier off": f"alter view {VIEW} set (security_barrier = false)",
    "another owner": f"alter view {VIEW} owner to spy",
    "the masker's role": "set role nl2sql_masker",
    "the masker's membership": "grant nl2sql_masker to spy",
    "another view": f"create or replace view {VIEW} as select * from bank.client",
    "a temporary twin": f"create temp view client as select * from bank.client; select * from client, {VIEW}",
    "attach a child": "create table lair.heir () inherits (bank.client)",
    "copy of the shape": "create table lair.twin (like bank.client including all); table lair.twin",
    "row of another's": f"select * from {VIEW} where owner = 'desk' or id = 3",
    "rows counted": f"select 'hidden-row' from {VIEW} having count(*) > 2",
    "unmask": "select * from nl2sql.unmask('bank.client', 'email')",
    "show clear": "select nl2sql.show_clear('bank.client', 'spy')",
    "note of policies": "select * from nl2sql.masking_policy",
    "samples": f"select * from nl2sql._masked_samples('spy', array['{VIEW}'::regclass::oid])",
    "samples of another role": f"select * from nl2sql._masked_samples('desk', array['{VIEW}'::regclass::oid])",
    "description": f"select nl2sql._describe(array['{VIEW}'::regclass::oid, 'bank.client'::regclass::oid])",
    "frequent values": "select * from nl2sql._masked_frequent_values('spy', '{bank_masked, bank}', '{client, account, event}')",
    "stored values": "select * from nl2sql._value_found('spy', '{zebra corp example}', '{zebra corp example}')",
    "masked account": "select * from bank_masked.account",
    "masked partitioned": "select * from bank_masked.event",
    "account and client by e-mail": f"select a.email, v.id from {VIEW} as v join bank_masked.account as a using (email)",
}


@pytest.fixture(scope="module")
def attacked(cluster: Cluster, template: str) -> Iterator[str]:
    """The DSN of a masked role's database, which all attacks share."""
    with janitor(cluster, DATABASE, template):
        try:
            with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
                owner.execute(BANK)
            yield cluster.dsn(DATABASE, "spy")
        finally:
            with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
                for (role,) in owner.execute(
                    "select rolname from pg_roles where rolname = any (%s)", (ROLES,)
                ).fetchall():
                    owner.execute(f"drop owned by {role} cascade; drop role {role}")


@pytest.fixture(scope="module")
def spy(attacked: str) -> Iterator[Connection]:
    with psycopg.connect(attacked, autocommit=True) as connection:
        yield connection


def everything_seen(connection: Connection, statement: str) -> list[str]:
    """All that comes back: rows of every result, notices, and the whole text of errors. Nothing of it is kept."""
    seen: list[str] = []
    connection.add_notice_handler(lambda notice: seen.append(f"{notice.message_primary} {notice.message_detail}"))
    try:
        with connection.transaction(force_rollback=True):
            if statement.startswith("copy"):
                with connection.cursor().copy(statement) as copied:
                    seen.extend(bytes(row).decode() for row in copied)
                return seen
            cursor = connection.execute(statement)
            while True:
                if cursor.description:
                    seen.extend(" | ".join(map(str, row)) for row in cursor.fetchall())
                if not cursor.nextset():
                    return seen
    except psycopg.Error as error:
        diagnosis = error.diag
        seen += [str(error), str(diagnosis.message_detail), str(diagnosis.message_hint), str(diagnosis.context)]
    finally:
        connection._notice_handlers.clear()
    return seen


@pytest.mark.parametrize("way", WAYS)
def test_no_clear_value(spy: Connection, way: str) -> None:
    statement = WAYS[way]
    told = [line for line in everything_seen(spy, statement) if CLEAR.search(strip_own_words(line, statement))]
    assert told == []


def strip_own_words(line: str, statement: str) -> str:
    """Without what the attack wrote itself: an error or a plan may repeat the statement's own literals, a result may not."""
    if "LINE 1:" in line or "Filter:" in line or "Cond:" in line or '"Filter"' in line:
        for literal in re.findall(r"'([^']*)'", statement):
            line = line.replace(literal, "")
    return line


def test_there_are_many_ways() -> None:
    assert len(WAYS) >= 60


def test_the_pattern_finds_clear_values(cluster: Cluster, attacked: str) -> None:
    """Each column would be noticed: the owner sees what the attacks look for."""
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
        owner.execute("set role bank")
        for column in ("name", "email", "card", "salary", "born"):
            rows = everything_seen(owner, f"select {column} from bank.client where id = 1")
            assert len(rows) == 1 and CLEAR.search(rows[0])


def test_row_security_holds_through_the_masked_view(spy: Connection) -> None:
    assert spy.execute("select id from bank_masked.client order by id").fetchall() == [(1,), (2,)]


def test_dates_and_numbers_are_masked(spy: Connection) -> None:
    assert spy.execute("select salary::text, born::text, name from bank_masked.client where id = 1").fetchone() == (
        "50000.00",
        "1980-01-01",
        None,
    )


def test_unqualified_names_read_the_masked_view(cluster: Cluster, attacked: str) -> None:
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
        owner.execute("alter role spy set search_path = bank, public; select nl2sql.use_masked('spy')")
    with psycopg.connect(attacked, autocommit=True) as session:
        assert session.execute("show search_path").fetchone() == ("bank_masked, bank, public",)
        assert session.execute("select count(*), min(salary)::int from client").fetchone() == (2, 50000)
        assert everything_seen(session, "select * from bank.client")[0].startswith("permission denied")


def test_policy_admin_sees_nothing(cluster: Cluster, attacked: str) -> None:
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
        admin.execute("set role policy_admin")
        for relation in ("bank.client", "bank_masked.client", "bank.plain"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                admin.execute(f"select * from {relation}")
