"""Masking policies: who gives and takes what, how they follow their tables, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.db.test_dump_restore import copy_custom, copy_plain
from tests.support.databases import new_database
from tools.cluster import Cluster

MADE = ("masking_admin", "fraud_desk", "table_owner", "analyst")


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """One for the whole file; each test has the schema anew."""
    with new_database(cluster, template) as made:
        yield made


@pytest.fixture(scope="module")
def admin(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        for role in MADE:
            connection.execute(f"drop role if exists {role}")
        connection.execute("""
            create role analyst login in role nl2sql_user; create role masking_admin in role nl2sql_admin;
            create role fraud_desk login; create role table_owner""")
        yield connection
        for role in MADE:
            connection.execute(f"drop owned by {role} cascade; drop role {role}")


@pytest.fixture
def analyst(bank: Connection, database: Database) -> Iterator[Connection]:
    with database.connect("analyst") as connection:
        yield connection


@pytest.fixture
def bank(admin: Connection) -> Iterator[Connection]:
    """A superuser's connection to a database with a table to be masked; `analyst` and `fraud_desk` may read it."""
    admin.execute("""
        create schema bank authorization table_owner;
        grant usage on schema bank to analyst, fraud_desk, masking_admin;
        set role table_owner;
        create table bank.client (
            id int primary key, name varchar(10), mail text, town text check (town in ('Rome', 'Paris')),
            pay int, born date
        );
        create table bank.loan (id int primary key, client_id int references bank.client, mail text);
        comment on column bank.client.mail is 'where letters go';
        insert into bank.client
            select n, 'Robert', 'robert' || n || '@corp.example', case n % 2 when 0 then 'Rome' else 'Paris' end,
                51234, '1980-02-03'
            from generate_series(1, 60) as n;
        grant select on bank.client, bank.loan to analyst, fraud_desk;
        reset role;
        analyze bank.client;
    """)
    yield admin
    admin.execute("""
        reset role;
        drop schema if exists bank, vault cascade;
        drop schema if exists bank_masked, vault_masked cascade;
        alter default privileges revoke all on tables from analyst""")


def mask(bank: Connection, column: str = "mail", masking: str = "email", table: str = "bank.client") -> list[str]:
    """As an administrator who may read nothing; what it says it changed."""
    with as_role(bank, "masking_admin"):
        rows = bank.execute("select * from nl2sql.mask(%s, %s, %s)", (table, column, masking)).fetchall()
    return [f"{relation} {role}: {change}" for relation, role, change in rows]


class as_role:  # noqa: N801, as a verb in a with statement
    """SET ROLE for the length of a block."""

    def __init__(self, connection: Connection, role: str) -> None:
        self.connection, self.role = connection, role

    def __enter__(self) -> None:
        self.connection.execute(f"set role {self.role}")

    def __exit__(self, *_: object) -> None:
        self.connection.execute("reset role")


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def one(connection: Connection, query: str) -> object:
    found = connection.execute(query).fetchone()
    assert found is not None
    return found[0]


def refused(connection: Connection, query: str) -> bool:
    try:
        connection.execute(query)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


def warned(connection: Connection, statement: str) -> list[str]:
    said: list[str] = []
    handler = lambda notice: said.append(str(notice.message_primary))  # noqa: E731
    connection.add_notice_handler(handler)
    connection.execute(statement)
    connection.remove_notice_handler(handler)
    return [line for line in said if "in clear" in line]


def test_readers_get_the_masked_view_instead(bank: Connection, analyst: Connection) -> None:
    assert sorted(mask(bank)) == [
        "bank.client analyst: SELECT taken; bank_masked.client given",
        "bank.client fraud_desk: SELECT taken; bank_masked.client given",
    ]
    assert rows(analyst, "select id, mail, town from bank_masked.client where id = 1") == [
        (1, "rob****@corp.example", "Paris")
    ]
    assert refused(analyst, "select id from bank.client")
    with as_role(bank, "table_owner"):
        assert one(bank, "select mail from bank.client where id = 1") == "robert1@corp.example"


def test_types_order_and_comments_are_those_of_the_table(bank: Connection) -> None:
    for column, masking in (
        ("mail", "email"),
        ("name", "partial(1, 0, '#')"),
        ("pay", "number(1000)"),
        ("born", "date('month')"),
    ):
        mask(bank, column, masking)
    shape = """
        select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) from pg_attribute
        where attrelid = '{}'::regclass and attnum > 0 order by attnum"""
    assert rows(bank, shape.format("bank_masked.client")) == rows(bank, shape.format("bank.client"))
    assert rows(bank, "select name, pay, born::text from bank_masked.client where id = 1") == [
        ("R#####", 51000, "1980-02-01")
    ]


def test_column_rights_stay_column_rights(bank: Connection, analyst: Connection) -> None:
    bank.execute("revoke select on bank.client from analyst; grant select (id, mail) on bank.client to analyst")
    mask(bank)
    assert rows(analyst, "select id, mail from bank_masked.client where id = 2") == [(2, "rob****@corp.example")]
    assert refused(analyst, "select town from bank_masked.client")


def test_reader_without_any_other_right(bank: Connection, database: Database) -> None:
    """fraud_desk is no nl2sql_user: the masks must run for it all the same."""
    for column, masking in (("mail", "sensitive"), ("name", "hash"), ("pay", "number(1000)"), ("born", "date")):
        mask(bank, column, masking)
    with database.connect("fraud_desk") as desk:
        assert one(desk, "select pay from bank_masked.client where id = 1") == 51000
        bank.execute("create role latecomer login; grant usage on schema bank_masked to latecomer")
        bank.execute("grant select on bank_masked.client to latecomer")
    try:
        with database.connect("latecomer") as late:
            assert one(late, "select born::text from bank_masked.client where id = 1") == "1980-01-01"
    finally:
        bank.execute("drop owned by latecomer; drop role latecomer")


def test_public_and_what_was_passed_on(bank: Connection, analyst: Connection) -> None:
    bank.execute("""
        create role middle; grant usage on schema bank to middle;
        grant select on bank.client to middle with grant option;
        set role middle; grant select on bank.client to public; reset role""")
    try:
        assert any("public" in line for line in mask(bank))
        assert refused(analyst, "select id from bank.client")
        assert one(bank, "select has_table_privilege('public', 'bank_masked.client', 'select')") is True
    finally:
        bank.execute("select nl2sql.unmask('bank.client', 'mail'); drop owned by middle; drop role middle")


def test_default_privileges_give_nobody_the_masked_view(bank: Connection, analyst: Connection) -> None:
    bank.execute(
        "revoke select on bank.client from analyst; alter default privileges grant select on tables to analyst"
    )
    mask(bank)
    bank.execute(
        "alter default privileges revoke select on tables from analyst; grant usage on schema bank_masked to analyst"
    )
    assert refused(analyst, "select * from bank_masked.client")


def test_unmask_gives_back(bank: Connection, analyst: Connection) -> None:
    before = one(bank, "select relacl::text from pg_class where oid = 'bank.client'::regclass")
    mask(bank)
    mask(bank, "pay", "null")
    bank.execute("select nl2sql.unmask('bank.client', 'mail')")
    assert rows(analyst, "select mail, pay from bank_masked.client where id = 1") == [("robert1@corp.example", None)]
    bank.execute("select nl2sql.unmask('bank.client', 'pay')")
    assert one(bank, "select to_regclass('bank_masked.client')") is None
    after = str(one(bank, "select relacl::text from pg_class where oid = 'bank.client'::regclass"))
    assert sorted(after.strip("{}").split(",")) == sorted(str(before).strip("{}").split(","))


def test_show_clear(bank: Connection, analyst: Connection) -> None:
    bank.execute("select nl2sql.show_clear('bank.client', 'fraud_desk')")
    mask(bank)
    assert one(bank, "select has_table_privilege('fraud_desk', 'bank.client', 'select')") is True
    assert refused(analyst, "select id from bank.client")
    assert one(bank, "select clear_text_roles @> '{fraud_desk,table_owner}' from nl2sql.masking_policy") is True
    bank.execute("select nl2sql.show_clear('bank.client', 'fraud_desk', false)")
    assert one(bank, "select has_table_privilege('fraud_desk', 'bank.client', 'select')") is False
    assert one(bank, "select has_table_privilege('fraud_desk', 'bank_masked.client', 'select')") is True


def test_managing_policies_is_no_way_to_read(bank: Connection) -> None:
    mask(bank)
    with as_role(bank, "masking_admin"):
        for statement in (
            "select * from bank.client",
            "select * from bank_masked.client",
            "select nl2sql.show_clear('bank.client', 'masking_admin')",
            "select nl2sql.show_clear('bank.client', 'nl2sql_admin')",
        ):
            assert refused(bank, statement), statement


BAD = {
    "no column": ("bank.client", "nowhere", "email", "42703"),
    "system column": ("bank.client", "ctid", "email", "42703"),
    "wrong type": ("bank.client", "pay", "email", "42804"),
    "wrong type of date": ("bank.client", "mail", "date", "42804"),
    "unknown mask": ("bank.client", "mail", "rot13", "22023"),
    "function of another schema": ("bank.client", "mail", "bank.steal(1)", "22023"),
    "expression": ("bank.client", "mail", "email(mail) || mail", "22023"),
    "subquery": ("bank.client", "mail", "partial((select 1), 2, '*')", "22023"),
    "second statement": ("bank.client", "mail", "email); drop table bank.client; --", "22023"),
    "text for a number": ("bank.client", "mail", "partial('1', 2, '*')", "22023"),
    "too many arguments": ("bank.client", "mail", "email(1, 2, 3)", "22023"),
    "a precision that there is not": ("bank.client", "born", "date('eon')", "22023"),
    "a step that there is not": ("bank.client", "pay", "number(0)", "22023"),
    "empty": ("bank.client", "mail", "", "22023"),
    "null": ("bank.client", "mail", None, "22023"),
    "no table": (None, "mail", "email", "22023"),
    "a table that is gone": ("999999999", "mail", "email", "42P01"),
    "a view": ("bank.seen", "mail", "email", "42809"),
    "a catalog": ("pg_catalog.pg_authid", "rolname", "name", "42809"),
    "the extension's own": ("nl2sql.setting", "value", "email", "42809"),
    "a partition": ("bank.part_1", "mail", "email", "42809"),
    "a child": ("bank.heir", "mail", "email", "42809"),
    "a temporary table": ("pg_temp.gone", "mail", "email", "42809"),
}


def test_bad_input(bank: Connection) -> None:
    """A clear error, and nothing half done."""
    bank.execute("""
        create view bank.seen as select * from bank.client;
        create table bank.part (mail text, n int) partition by list (n);
        create table bank.part_1 partition of bank.part for values in (1);
        create table bank.heir () inherits (bank.client);
        create temp table gone (mail text);
        create function bank.steal(int) returns text language sql as 'select ''x''';
    """)
    before = state(bank)
    wrong = {name: answer for name, case in BAD.items() if (answer := refusal(bank, *case[:3])) != case[3]}
    assert (wrong, state(bank)) == ({}, before)


def state(bank: Connection) -> list[tuple[object, ...]]:
    """What a mask() that failed half-way would have changed."""
    return rows(
        bank,
        """
        select array_agg(relacl::text order by oid), array_agg(oid order by oid), to_regnamespace('bank_masked')::text,
            (select count(*) from nl2sql.masking_policy), (select count(*) from nl2sql._mask_taken)
        from pg_class""",
    )


def refusal(bank: Connection, table: str | None, column: str, masking: str | None) -> str:
    """The SQLSTATE, if what is said is complete."""
    try:
        bank.execute("select nl2sql.mask(%s, %s, %s)", (table, column, masking))
    except psycopg.Error as error:
        diagnosis = error.diag
        complete = diagnosis.message_primary and diagnosis.message_detail and diagnosis.message_hint
        return str(diagnosis.sqlstate) if complete else f"incomplete: {error}"
    return "masked"


def test_hostile_names(bank: Connection) -> None:
    """Names, comments and schemas are data, whatever they look like."""
    evil = '"x""; drop table bank.loan; --"'
    bank.execute(f"""
        create schema {evil};
        create table {evil}.{evil} (id int, {evil} text, "ma''il" text);
        comment on column {evil}.{evil}.{evil} is 'it''s; drop table bank.loan;';
        insert into {evil}.{evil} values (1, 'bob.miller@corp.example', 'x')""")
    name = 'x"; drop table bank.loan; --'
    bank.execute("select nl2sql.mask(c.oid, %s, 'email') from pg_class as c where relname = %s", (name, name))
    assert one(bank, "select count(*) from bank.loan") == 0
    assert one(bank, f'select {evil} from "x""; drop table bank.loan; --_masked".{evil}') == "bob****@corp.example"
    bank.execute(f"drop schema {evil} cascade")
    bank.execute('drop schema "x""; drop table bank.loan; --_masked"')


def test_schema_that_is_somebody_elses(bank: Connection) -> None:
    bank.execute("create schema bank_masked authorization table_owner")
    with pytest.raises(psycopg.errors.DuplicateSchema):
        mask(bank)
    assert one(bank, "select count(*) from nl2sql.masking_policy") == 0


def test_generated_column_is_masked_first(bank: Connection) -> None:
    bank.execute("alter table bank.client add column host text generated always as (split_part(mail, '@', 1)) stored")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="generated from column mail"):
        mask(bank)
    mask(bank, "host", "null")
    mask(bank)
    assert one(bank, "select count(host) from bank_masked.client") == 0


def test_renames_are_followed(bank: Connection, analyst: Connection) -> None:
    mask(bank)
    bank.execute("alter table bank.client rename column mail to letters")
    bank.execute("alter table bank.client rename town to city")
    bank.execute("alter table bank.client rename to customer")
    bank.execute("alter schema bank rename to vault")
    assert rows(analyst, "select letters, city from vault_masked.customer where id = 1") == [
        ("rob****@corp.example", "Paris")
    ]
    assert rows(bank, "select schema_name, table_name, column_name, in_force from nl2sql.masking_policy") == [
        ("vault", "customer", "letters", True)
    ]
    bank.execute("alter schema vault rename to bank")


def test_dropped_columns_and_tables(bank: Connection, analyst: Connection) -> None:
    mask(bank)
    mask(bank, "pay", "null")
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        bank.execute("alter table bank.client drop column pay")
    bank.execute("alter table bank.client drop column pay cascade")
    assert rows(bank, "select column_name, in_force from nl2sql.masking_policy") == [("mail", True)]
    assert rows(analyst, "select * from bank_masked.client where id = 2")[0][:3] == (
        2,
        "Robert",
        "rob****@corp.example",
    )
    bank.execute("drop table bank.client cascade")
    assert [
        one(bank, f"select count(*) from nl2sql.{table}")
        for table in ("_mask", "_mask_view", "_mask_taken", "_mask_clear")
    ] == [0] * 4


def test_new_columns_wait_until_somebody_says_so(bank: Connection, analyst: Connection) -> None:
    mask(bank)
    bank.execute("alter table bank.client add column vip boolean default true, add column iban text default 'DE1'")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        analyst.execute("select vip from bank_masked.client")
    assert rows(bank, "select column_name from nl2sql.masking_policy where masking is null") == [("vip",), ("iban",)]
    bank.execute("select nl2sql.show_column('bank.client', 'vip')")
    mask(bank, "iban", "null")
    assert rows(analyst, "select vip, iban from bank_masked.client where id = 1") == [(True, None)]


def test_grants_on_the_table_are_told_and_recorded(bank: Connection, analyst: Connection) -> None:
    mask(bank)
    assert warned(bank, "grant select on bank.client to analyst") == [
        "analyst now sees masked columns of bank.client in clear"
    ]
    assert warned(bank, "grant select on bank.loan to masking_admin") == []
    assert "analyst" in str(one(bank, "select clear_text_roles from nl2sql.masking_policy"))
    assert one(analyst, "select mail from bank.client where id = 1") == "robert1@corp.example"
    bank.execute("revoke select on bank.client from analyst")
    assert recorded(bank) >= {"mask", "clear_text_opened", "clear_text_closed"}


def recorded(bank: Connection) -> set[str]:
    return {str(action) for (action,) in rows(bank, "select record ->> 'action' from nl2sql._audit_outbox")}


def test_views_over_masked_columns(bank: Connection, analyst: Connection) -> None:
    bank.execute("""
        set role table_owner;
        create view bank.open as select id, town from bank.client;
        create view bank.mails as select mail from bank.client;
        create view bank.whole as select c, c.id from bank.client as c;
        create materialized view bank.kept as select upper(m.mail) as mail from bank.mails as m;
        grant select on bank.open, bank.mails, bank.whole, bank.kept to analyst;
        reset role""")
    taken = [line for line in mask(bank) if "analyst" in line]
    assert [line.split()[0] for line in sorted(taken)] == ["bank.client", "bank.kept", "bank.mails", "bank.whole"]
    assert one(analyst, "select count(*) from bank.open") == 60
    assert warned(bank, "create view bank.more as select mail from bank.client") == [
        "bank.more reads masked columns of bank.client in clear"
    ]
    assert warned(bank, "create view bank.fine as select mail from bank_masked.client") == []
    assert warned(bank, "grant select on bank.mails to analyst") == [
        "analyst now sees masked columns of bank.client in clear"
    ]
    assert "clear_text_view" in recorded(bank)


def test_new_partitions_are_closed(bank: Connection, analyst: Connection) -> None:
    bank.execute("""
        create table bank.log (n int, mail text) partition by list (n);
        create table bank.log_1 partition of bank.log for values in (1);
        grant select on bank.log, bank.log_1 to analyst""")
    mask(bank, "mail", "email", "bank.log")
    assert refused(analyst, "select * from bank.log_1")
    bank.execute("alter default privileges in schema bank grant select on tables to analyst")
    bank.execute("create table bank.log_2 partition of bank.log for values in (2)")
    bank.execute("insert into bank.log values (2, 'robert7@corp.example')")
    assert refused(analyst, "select * from bank.log_2")
    assert rows(analyst, "select * from bank_masked.log") == [(2, "rob****@corp.example")]


POLICIES = """
    alter table bank.client add column owner name;
    update bank.client set owner = case when id <= 2 then 'analyst' when id <= 5 then 'fraud_desk' end;
    alter table bank.client enable row level security;
    create policy own on bank.client using (owner = current_user);
"""


def test_row_security_is_carried_and_followed(bank: Connection, analyst: Connection, database: Database) -> None:
    ids = "select array_agg(id order by id) from bank_masked.client"
    bank.execute(POLICIES)
    mask(bank)
    assert one(analyst, ids) == [1, 2]
    bank.execute("create policy desk on bank.client for select to fraud_desk using (id in (1, 9))")
    assert one(analyst, ids) == [1, 2]
    with database.connect("fraud_desk") as desk:
        assert one(desk, ids) == [1, 3, 4, 5, 9]
        bank.execute("create policy not_three on bank.client as restrictive to fraud_desk using (id <> 3)")
        assert one(desk, ids) == [1, 4, 5, 9]
        bank.execute("alter policy desk on bank.client using (id = 8)")
        assert one(desk, ids) == [4, 5, 8]
    bank.execute("create policy writing on bank.client for update using (true)")
    assert one(analyst, ids) == [1, 2]
    bank.execute("drop policy own on bank.client")
    assert one(analyst, ids) is None
    bank.execute("alter table bank.client disable row level security")
    assert len(rows(analyst, "select id from bank_masked.client")) == 60
    bank.execute("alter table bank.client enable row level security")
    assert one(analyst, ids) is None


def test_row_security_as_the_table_itself_has_it(bank: Connection, analyst: Connection) -> None:
    """The same policies, read by the same role: once natively, once through the view."""
    for policies in (
        "create policy a on bank.client using (id < 9);"
        "create policy b on bank.client using (id > 55 or town = 'Rome' and id < 20)",
        "create policy a on bank.client using (id < 9);"
        "create policy b on bank.client as restrictive using (town = 'Rome')",
        "create policy b on bank.client as restrictive using (town = 'Rome')",
        "create policy a on bank.client to nl2sql_user using (id < 9);"
        "create policy b on bank.client to nl2sql_auditor using (true)",
        "create policy a on bank.client to nl2sql_auditor using (true)",
        "create policy a on bank.client with check (true); create policy b on bank.client for select using (null)",
        "create policy a on bank.client"
        " using (exists (select from bank.loan as client where client.client_id = bank.client.id))",
    ):
        bank.execute("insert into bank.loan values (1, 4) on conflict do nothing")
        bank.execute("alter table bank.client enable row level security;" + policies)
        natively = rows(analyst, "select id from bank.client order by id")
        mask(bank)
        assert rows(analyst, "select id from bank_masked.client order by id") == natively, policies
        bank.execute("select nl2sql.unmask('bank.client', 'mail')")
        for (name,) in rows(bank, "select polname from pg_policy where polrelid = 'bank.client'::regclass"):
            bank.execute(f"drop policy {name} on bank.client")


def test_policies_that_a_view_cant_carry(bank: Connection, analyst: Connection) -> None:
    bank.execute(POLICIES)
    mask(bank)
    bank.execute("alter table bank.loan enable row level security")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="has row level security itself"):
        bank.execute("create policy lent on bank.client using (id in (select client_id from bank.loan))")
    bank.execute("alter table bank.loan disable row level security")
    bank.execute("create policy lent on bank.client using (id in (select client_id from bank.loan))")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        bank.execute("alter table bank.loan enable row level security")
    assert one(analyst, "select array_agg(id) from bank_masked.client") == [1, 2]


def test_use_masked(bank: Connection, database: Database) -> None:
    mask(bank)
    bank.execute("alter role fraud_desk set search_path = 'bank', public")
    assert one(bank, "select nl2sql.use_masked('fraud_desk')") == "bank_masked, bank, public"
    with database.connect("fraud_desk") as desk:
        assert one(desk, "select mail from client where id = 1") == "rob****@corp.example"
    for role in ("table_owner", "postgres"):
        assert refused(bank, f"select nl2sql.use_masked('{role}')")


def test_no_stored_value_of_a_masked_column(bank: Connection, analyst: Connection) -> None:
    bank.execute("select nl2sql.index_values('bank.client', 'mail'); select nl2sql.index_values('bank.client', 'town')")
    mask(bank)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is masked"):
        bank.execute("select nl2sql.index_values('bank.client', 'mail')")
    found = (
        "select distinct value from nl2sql._indexed_values('{{bank_masked, bank}}', '{{client}}', '{{{0}}}', '{{{0}}}')"
    )
    assert rows(analyst, found.format("robert1 corp example")) == []
    assert rows(analyst, found.format("rome")) == [("Rome",)]


def test_questions_see_the_view_as_the_table(bank: Connection, analyst: Connection) -> None:
    mask(bank)
    told = one(analyst, "select nl2sql._describe(array(select relid from nl2sql._scope('search_path', '{bank}')))")
    tables = {f"{table['schema']}.{table['name']}": table for table in told}  # type: ignore[attr-defined]
    assert sorted(tables) == ["bank.loan", "bank_masked.client"]
    client = tables["bank_masked.client"]
    columns = {column["name"]: column for column in client["columns"]}
    assert (client["primary_key"], columns["mail"]["comment"]) == (["id"], "where letters go")
    assert (columns["mail"]["samples"], columns["town"]["values"], columns["name"]["samples"]) == (
        [],
        ["Rome", "Paris"],
        ["Robert"],
    )
    assert tables["bank.loan"]["foreign_keys"] == [
        {"columns": ["client_id"], "schema": "bank_masked", "table": "client", "references": ["id"]}
    ]
    assert rows(analyst, "select from_table::text, to_table::text from nl2sql.joins where origin = 'declared'")[-1] == (
        "bank.loan",
        "bank_masked.client",
    )
    assert one(analyst, "select nl2sql._withheld('database', '{}', 'how many clients are there')") is False


def test_who_reads_both_is_shown_the_table(bank: Connection, analyst: Connection) -> None:
    mask(bank)
    bank.execute("grant select on bank.client to analyst")
    assert rows(analyst, "select schema_name, relation_name from nl2sql._scope('search_path', '{bank}')") == [
        ("bank", "client"),
        ("bank", "loan"),
    ]


def test_examples_with_clear_values_are_hidden(bank: Connection, analyst: Connection) -> None:
    bank.execute("""
        select nl2sql._example_store(
            '{"question": "loans of robert1@corp.example", "source": "admin",
                "sql": "select id from bank.client where mail = ''robert1@corp.example''"}',
            '[{"schema": "bank", "table": "client", "column": "", "plain": false},
                {"schema": "bank", "table": "client", "column": "mail", "plain": false}]',
            null)""")
    assert len(rows(analyst, "select * from nl2sql._example")) == 1
    mask(bank)
    assert rows(analyst, "select * from nl2sql._example") == []


@pytest.mark.parametrize("copy", [copy_plain, copy_custom])
def test_dump_and_restore(
    database: Database, bank: Connection, analyst: Connection, tmp_path: Path, copy: object
) -> None:
    bank.execute(POLICIES)
    bank.execute("select nl2sql.show_clear('bank.client', 'fraud_desk')")
    mask(bank)
    mask(bank, "pay", "number(1000)")
    policy = """
        select schema_name, table_name, column_name, masking, masked_view::text, in_force, clear_text_roles
        from nl2sql.masking_policy"""
    with new_database(database.cluster) as target:
        copy(database, target, tmp_path)  # type: ignore[operator]
        with target.connect() as restored, target.connect("analyst") as reader:
            assert rows(restored, policy) == rows(bank, policy)
            assert rows(reader, "select id, mail, pay from bank_masked.client") == rows(
                analyst, "select id, mail, pay from bank_masked.client"
            )
            assert refused(reader, "select * from bank.client")
            restored.execute("alter table bank.client rename column mail to letters")
            assert one(reader, "select letters from bank_masked.client limit 1") == "rob****@corp.example"
            restored.execute(
                "select nl2sql.unmask('bank.client', 'letters'); select nl2sql.unmask('bank.client', 'pay')"
            )
            assert one(restored, "select has_table_privilege('analyst', 'bank.client', 'select')") is True
            restored.execute("drop owned by analyst, fraud_desk, masking_admin, table_owner cascade")


def test_discover_pii(bank: Connection) -> None:
    bank.execute("""
        create table bank.person (
            id int, "fullName" text, "手机号" text, e_mail text, notes text, order_number text, birth_date date,
            phone bigint);
        insert into bank.person
            select n, 'Ann', '1380013' || (8000 + n), 'a' || n || '@corp.example',
                case when n % 5 = 0 then 'please call 13800138000 about the parcel' else 'a parcel' end,
                'ORD-' || n, '1980-01-01', 1
            from generate_series(1, 100) as n;
        grant select on bank.person to masking_admin""")
    query = """
        select column_name, masking, score, evidence from nl2sql.discover_pii('{bank}')
        where relation = 'bank.person'::regclass"""
    with as_role(bank, "masking_admin"):
        found = {str(name): (masking, score, evidence) for name, masking, score, evidence in rows(bank, query)}
        unread = rows(
            bank,
            "select evidence from nl2sql.discover_pii('{bank}') where column_name = 'name' or column_name = 'mail'",
        )
    assert {name: entry[0] for name, entry in found.items()} == {
        "fullName": "name",
        "手机号": "phone",
        "e_mail": "email",
        "notes": "sensitive",
        "birth_date": "date('year')",
        "phone": "null",
    }
    assert found["e_mail"][2] == {"name": "email", "type": "text", "checked": 100, "found": {"email": 100}}
    assert float(str(found["e_mail"][1])) > 0.9 > float(str(found["birth_date"][1]))
    assert all("no right to read it" in str(evidence) for (evidence,) in unread)
    for name, (masking, _, _) in found.items():
        mask(bank, name, str(masking), "bank.person")
    with as_role(bank, "masking_admin"):
        assert rows(bank, query) == []


def test_a_key_is_no_personal_data_by_its_name(bank: Connection) -> None:
    """address_id tells whose address it is; what a key holds, or a name that says more, still counts."""
    bank.execute("""
        create table bank.address (
            address_id int primary key, street text, customer_name_id uuid, contact_phone_key bigint, tax_id bigint);
        create table bank.login (pin serial, phone_id int generated always as identity, passport_no int primary key);
        create table bank.inbox (email text primary key, full_name text, parcel_address_id text, mail_address_id text);
        create table bank.booking (
            inbox_email text references bank.inbox, address_id int references bank.address, home_address_id int,
            phone_id text primary key);
        insert into bank.inbox select 'a' || n || '@corp.example', 'Ann', 'b' || n, 'c' || n || '@corp.example'
            from generate_series(1, 30) as n;
        insert into bank.booking select 'a' || n || '@corp.example', null, n, '1380013' || (8000 + n)
            from generate_series(1, 30) as n;""")
    proposed = rows(
        bank,
        """select concat(relation, '.', column_name), masking from nl2sql.discover_pii('{bank}')
        where relation::text ~ '(address|login|inbox|booking)$'""",
    )
    assert dict(proposed) == {
        "bank.address.street": "partial(2, 0)",
        "bank.address.tax_id": "null",
        "bank.inbox.email": "email",
        "bank.inbox.full_name": "name",
        "bank.inbox.parcel_address_id": "partial(2, 0)",
        "bank.inbox.mail_address_id": "email",
        "bank.booking.inbox_email": "email",
        "bank.booking.phone_id": "phone",
    }


def test_without_the_extension_nobody_gets_rights_back(cluster: Cluster, template: str, admin: Connection) -> None:
    with new_database(cluster, template) as other, other.connect() as connection:
        connection.execute("create table client (mail text); grant select on client to analyst")
        connection.execute("select nl2sql.mask('client', 'mail', 'email')")
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            connection.execute("drop extension nl2sql")
        connection.execute("drop extension nl2sql cascade")
        assert one(connection, "select has_table_privilege('analyst', 'client', 'select')") is False
        assert one(connection, "select to_regclass('public_masked.client')") is None
        connection.execute("drop owned by analyst, nl2sql_masker")
