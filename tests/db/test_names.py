"""Tables and roles named by who manages policies: without rights on them, whatever the name, no way to learn of any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.databases import new_database
from tools.cluster import Cluster

# Roles named as people, machines and mail systems are; SMITH and smith are two.
READERS = ("Zoë.Ä@corp.example", "o'hara-dev", "Green Hills 2", "SMITH", 'half "quoted"', "r" * 63)
NOBODY = "smith"
PLACE = '"Sales.2026 Q1"'
TABLE = f'{PLACE}."Client List"'


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    with new_database(cluster, template) as made:
        yield made


@pytest.fixture(scope="module")
def admin(database: Database) -> Iterator[Connection]:
    """A superuser's connection, and roles whose names need quotes."""
    with database.connect() as connection:
        connection.execute(
            f"""
            create role keeper login in role nl2sql_admin; create role bystander login in role nl2sql_user;
            create schema {PLACE}; create schema plain;
            create table {TABLE} (id int primary key, "E-Mail" text, city text);
            insert into {TABLE} values (1, 'una@corp.example', 'Bonn'), (2, 'max@corp.example', 'Kiel');
            create table plain.client as select id, "E-Mail" as mail, city from {TABLE};
            create table plain.visit (id int, client_id int)
        """.encode()
        )
        for role in (*READERS, NOBODY):
            connection.execute(psycopg.sql.SQL("create role {0} login in role nl2sql_user").format(ident(role)))
        grants = f"grant usage on schema {PLACE}, plain to {{0}}; grant select on {TABLE}, plain.client to {{0}}"
        for role in READERS:
            connection.execute(psycopg.sql.SQL(grants).format(ident(role)))  # type: ignore[arg-type]
        yield connection
        for role in (*READERS, NOBODY, "keeper", "bystander"):
            connection.execute(psycopg.sql.SQL("drop owned by {0}; drop role {0}").format(ident(role)))


@pytest.fixture
def keeper(database: Database, admin: Connection) -> Iterator[Connection]:
    """A member of nl2sql_admin without a right on any schema or table."""
    with database.connect("keeper") as connection:
        yield connection


def ident(role: str) -> psycopg.sql.Identifier:
    return psycopg.sql.Identifier(role)


def unmask(admin: Connection) -> None:
    admin.execute(
        "select p.*, nl2sql.unmask(format('%I.%I', schema_name, table_name), column_name)"
        " from nl2sql.masking_policy as p"
    )


def seen(database: Database, role: str, query: str) -> Any:
    """What a role reads in a new session; the SQLSTATE where it may not."""
    try:
        with database.connect(role) as connection:
            return connection.execute(query.encode()).fetchall()
    except psycopg.errors.InsufficientPrivilege as error:
        return error.sqlstate


MANAGED = {
    "mask": "select * from nl2sql.mask('plain.client', 'mail', 'email')",
    "show_clear": "select nl2sql.show_clear('plain.client', 'SMITH')",
    "show_column": "select nl2sql.show_column('plain.client', 'later')",
    "revoke_masked": "select nl2sql.revoke_masked('plain.client', 'o''hara-dev')",
    "use_masked": "select nl2sql.use_masked('Green Hills 2')",
    "unmask": "select * from nl2sql.unmask('plain.client', 'mail')",
    "define_join": "select nl2sql.define_join('plain.visit', '{client_id}', 'plain.client', '{id}')",
    "set_label": "select nl2sql.set_label('plain.client', '{city}')",
    "drop_label": "select nl2sql.drop_label('plain.client')",
    "deny it": "select nl2sql.define_join('plain.visit', '{client_id}', 'plain.client', '{id}', false)",
    "define_term": "select nl2sql.define_term('regular', 'seen twice', '{plain.visit}')",
    "drop_values": "select nl2sql.drop_values('plain.client', 'city')",
    "drop all values": "select nl2sql.drop_values('plain.client')",
}


def test_an_administrator_needs_no_right(keeper: Connection, admin: Connection) -> None:
    assert keeper.execute("select has_schema_privilege('plain', 'usage')").fetchone() == (False,)
    for name, call in MANAGED.items():
        if name == "show_column":
            admin.execute("alter table plain.client add column later int")
        keeper.execute(call.encode())
    for call in ("select * from plain.client", "select nl2sql.index_values('plain.client', 'city')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            keeper.execute(call.encode())


def test_as_any_type(keeper: Connection, admin: Connection) -> None:
    """A name without a schema is looked up on the path of who asks; OIDs and regclass are taken as they are."""
    mask = "select count(*) from nl2sql.mask({}, 'mail', 'email')"
    # both may use the schema
    admin.execute("set search_path = plain")
    for table in (
        "'client'",
        "'CLIENT'",
        "'plain.client'",
        "'client'::regclass",
        "'client'::regclass::oid",
        "'client'::text",
    ):
        admin.execute(mask.format(table).encode())
        admin.execute("select nl2sql.unmask('client'::regclass, 'mail')")
    admin.execute("select nl2sql.mask('client', 'mail', 'email', '{plain}')")
    admin.execute("reset search_path")
    found = "(select c.oid from pg_class as c where c.relname = 'client' and c.relkind = 'r')"
    keeper.execute(mask.format(found).encode())
    keeper.execute(f"select nl2sql.unmask({found}, 'mail')".encode())


BAD = {
    "no such table": ("mask('plain.nothing', 'mail', 'email')", "42P01"),
    "no such schema": ("mask('nowhere.client', 'mail', 'email')", "42P01"),
    "another database": ("mask('other.plain.client', 'mail', 'email')", "42P01"),
    "no name": ("mask('plain..client', 'mail', 'email')", "42P01"),
    "half a quote": ("mask('plain.\"client', 'mail', 'email')", "42P01"),
    "more than a name": ("mask('plain.client; drop table plain.client', 'mail', 'email')", "42P01"),
    "empty": ("mask('', 'mail', 'email')", "42P01"),
    "no number": ("mask('99999999999999999999', 'mail', 'email')", "42P01"),
    "no table": ("mask(null::text, 'mail', 'email')", "22023"),
    "not on the path": ("mask('client', 'mail', 'email')", "42P01"),
    "no such column": ("mask('plain.client', 'nothing', 'email')", "42703"),
    "unmask": ("unmask('plain.nothing', 'mail')", "42P01"),
    "not masked": ("unmask('plain.client', 'mail')", "42704"),
    "show_column": ("show_column('plain.nothing', 'mail')", "42P01"),
    "show_clear": ("show_clear('plain.nothing', 'SMITH')", "42P01"),
    "no such role": ("show_clear('plain.client', 'nobody here')", "42704"),
    "revoke_masked": ("revoke_masked('plain.nothing', 'SMITH')", "42P01"),
    "nobody": ("revoke_masked('plain.client', 'nobody here')", "42704"),
    "use_masked": ("use_masked('nobody here')", "42704"),
    "set_limit": ("set_limit('nobody here', 1)", "42704"),
    "set_label": ("set_label('plain.nothing', '{city}')", "42P01"),
    "drop_label": ("drop_label('plain.nothing')", "42P01"),
    "define_join": ("define_join('plain.visit', '{client_id}', 'plain.nothing', '{id}')", "42P01"),
    "define_term": ("define_term('regular', 'seen twice', '{plain.visit, plain.nothing}')", "42P01"),
    "drop_values": ("drop_values('plain.nothing')", "42P01"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_names(keeper: Connection, case: str) -> None:
    call, sqlstate = BAD[case]
    assert refused(keeper, f"select nl2sql.{call}").sqlstate == sqlstate


def test_no_way_to_learn_of_tables(database: Database, admin: Connection) -> None:
    """revoke_masked() is for owners, too: others are told the same of what there is and what there is not."""
    with database.connect("bystander") as bystander:
        told = {
            table: str(refused(bystander, f"select nl2sql.revoke_masked('plain.{table}', 'SMITH')")).replace(table, "?")
            for table in ("client", "visit", "nothing")
        }
        assert len(set(told.values())) == 1 and "not the owner of plain.?" in told["nothing"]
        for call in MANAGED.values():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bystander.execute(call.encode())


def test_names_that_need_quotes(database: Database, admin: Connection, keeper: Connection) -> None:
    """Each role gets what is meant for it, and the one whose name differs in its letters' case gets nothing."""
    shown = f"""select "E-Mail" from {TABLE} order by id""", """select "E-Mail" from "Client List" order by id"""
    clear = [("una@corp.example",), ("max@corp.example",)]
    masked = [("u****@corp.example",), ("m****@corp.example",)]
    for role in READERS:
        assert seen(database, role, shown[0]) == clear
    keeper.execute("select nl2sql.show_clear(%s, %s)", (TABLE, "o'hara-dev"))
    changed = keeper.execute("select role from nl2sql.mask(%s, 'E-Mail', 'email') order by 1", (TABLE,)).fetchall()
    quoted = admin.execute(
        "select r::regrole::text from unnest(%s::text[]) as u (r)",
        (['"' + role.replace('"', '""') + '"' for role in READERS if role != "o'hara-dev"],),
    ).fetchall()
    assert sorted(changed) == sorted(quoted)
    for role in READERS:
        if role == "o'hara-dev":
            assert seen(database, role, shown[0]) == clear
            continue
        path = keeper.execute("select nl2sql.use_masked(%s)", (role,)).fetchone()
        assert path is not None and '"Sales.2026 Q1_masked"' not in path[0]  # its path does not have that schema
        keeper.execute("select nl2sql.set_limit(%s, max_rows => 2)", (role,))
        set_path = psycopg.sql.SQL("alter role {} in database {} set search_path = {}")
        admin.execute(set_path.format(ident(role), ident(database.name), ident("Sales.2026 Q1")))
        keeper.execute("select nl2sql.use_masked(%s)", (role,))
        assert seen(database, role, "show search_path") == [('"Sales.2026 Q1_masked", "Sales.2026 Q1"',)]
        assert seen(database, role, shown[1]) == masked
        assert seen(database, role, shown[0]) == "42501"
    assert (
        seen(database, NOBODY, shown[0])
        == seen(database, NOBODY, shown[1].replace('"Client', PLACE + '."Client'))
        == "42501"
    )
    limited = [role for (role,) in admin.execute("select role from nl2sql.limits")]
    assert sorted(limited) == sorted(set(READERS) - {"o'hara-dev"})
    keeper.execute("select nl2sql.revoke_masked(%s, 'Green Hills 2')", (TABLE,))
    assert seen(database, "Green Hills 2", shown[1]) == "42501"
    assert seen(database, "SMITH", shown[1]) == masked
    for role in limited:
        assert keeper.execute("select nl2sql.drop_limit(%s)", (role,)).fetchone() == (True,)
    noted = admin.execute("""
        select distinct (record ->> 'details')::jsonb ->> 'limited' from nl2sql._audit_outbox
        where record ->> 'action' = 'set_limit'""").fetchall()
    assert sorted(noted) == sorted(quoted)
    admin.execute("select nl2sql.unmask(%s, 'E-Mail')", (TABLE,))


def test_roles_as_sql_writes_them(admin: Connection) -> None:
    found = "select coalesce(nl2sql._find_role(%s)::regrole::text, 'none')"
    for given, meant in {
        "SMITH": '"SMITH"',
        "smith": "smith",
        "Smith": "smith",
        '"SMITH"': '"SMITH"',
        '"Green Hills 2"': '"Green Hills 2"',
        "Green Hills 2": '"Green Hills 2"',
        'half "quoted"': '"half ""quoted"""',
        "public": "-",
        "PUBLIC": "-",
        "-": "-",
        '"public"': "none",
        "nobody here": "none",
        "": "none",
    }.items():
        assert admin.execute(found, (given,)).fetchone() == (meant,), given


def test_short_context(database: Database, admin: Connection, keeper: Connection) -> None:
    """One line of CONTEXT where that can be; two where rows are returned: PL/pgSQL adds one for each call."""
    with database.connect("SMITH") as reader:
        for query, lines in {
            "select public.nl2sql('how many')": 2,
            "select nl2sql.ask('how many')": 1,
            "select nl2sql.ask(null)": 1,
            "select * from nl2sql.ask('how many')": 1,
            "select nl2sql.check('select 1')": 1,
            "select nl2sql.run('select 1')": 2,
            "select * from nl2sql.query('how many')": 2,
            "select nl2sql.save_view('x', 'how many')": 2,
        }.items():
            context = refused(reader, query).diag.context
            assert context is not None and len(context.splitlines()) == lines, context
    for case in ("no such table", "no table", "no such column", "not masked", "show_clear", "set_limit", "define_join"):
        context = refused(keeper, f"select nl2sql.{BAD[case][0]}").diag.context
        assert context is not None and len(context.splitlines()) == 1, context
