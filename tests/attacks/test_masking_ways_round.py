"""Ways round a mask that need no hole in the view itself: managing policies, changing the table beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.databases import new_database
from tools.cluster import Cluster

ROLES = ("keeper", "clerk", "stranger", "registrar")
CLEAR = "person7@corp.example"


@pytest.fixture(scope="module")
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    with new_database(cluster, template) as made:
        yield made


@pytest.fixture(scope="module")
def boss(database: Database) -> Iterator[Connection]:
    """A superuser. `keeper` owns the tables, `clerk` reads them, `stranger` does not, `registrar` manages policies."""
    with database.connect() as connection:
        for role in ROLES:
            connection.execute(f"drop role if exists {role}; create role {role} login")
        connection.execute("grant nl2sql_user to keeper, clerk, stranger; grant nl2sql_admin to registrar")
        yield connection
        for role in ROLES:
            connection.execute(f"drop owned by {role} cascade; drop role {role}")


@pytest.fixture
def shop(boss: Connection) -> Iterator[Connection]:
    """The superuser's connection, with a table to be masked."""
    boss.execute("""
        create schema shop authorization keeper;
        create schema stall authorization stranger;
        grant usage on schema shop to clerk, registrar;
        grant usage on schema stall to clerk;
        set role keeper;
        create table shop.customer (id int primary key, email text, name text, born int);
        insert into shop.customer select n, 'person' || n || '@corp.example', 'Name ' || n, 2147483647 - n
            from generate_series(1, 100) as n;
        grant select on shop.customer to clerk;
        reset role""")
    yield boss
    boss.execute("reset role; drop schema if exists shop, stall, own, shop_masked, stall_masked cascade")


@pytest.fixture
def keeper(shop: Connection, database: Database) -> Iterator[Connection]:
    with database.connect("keeper") as connection:
        yield connection


@pytest.fixture
def clerk(shop: Connection, database: Database) -> Iterator[Connection]:
    with database.connect("clerk") as connection:
        yield connection


@pytest.fixture
def stranger(shop: Connection, database: Database) -> Iterator[Connection]:
    with database.connect("stranger") as connection:
        yield connection


@pytest.fixture
def registrar(shop: Connection, database: Database) -> Iterator[Connection]:
    with database.connect("registrar") as connection:
        yield connection


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def state_of(connection: Connection, query: str) -> str:
    """The SQLSTATE, if what is said is complete."""
    try:
        connection.execute(query)
    except psycopg.Error as error:
        diagnosis = error.diag
        own = diagnosis.message_detail and diagnosis.message_hint
        return str(diagnosis.sqlstate) if own else f"{diagnosis.sqlstate} without detail and hint: {error}"
    return "done"


def told(connection: Connection, statement: str) -> list[str]:
    said: list[str] = []
    handler = lambda notice: said.append(f"{notice.severity}: {notice.message_primary}")  # noqa: E731
    connection.add_notice_handler(handler)
    connection.execute(statement)
    connection.remove_notice_handler(handler)
    return [line for line in said if line.startswith("WARNING")]


MASK = "select * from nl2sql.mask('shop.customer', 'email', 'email')"


@pytest.mark.parametrize("by", ["registrar", "public"])
def test_an_administrator_who_reads_the_view_changes_no_mask(shop: Connection, registrar: Connection, by: str) -> None:
    shop.execute(f"grant select on shop.customer to {by}")
    registrar.execute(MASK)
    for statement in (
        "select nl2sql.mask('shop.customer', 'email', 'partial(10, 0)')",
        "select nl2sql.unmask('shop.customer', 'email')",
    ):
        assert state_of(registrar, statement) == "42501"
    assert rows(registrar, "select email from shop_masked.customer where id = 7") == [("per****@corp.example",)]
    assert state_of(registrar, "select nl2sql.mask('shop.customer', 'name', 'null')") == "done"


def test_an_administrator_who_does_not_read_it_may(registrar: Connection, clerk: Connection) -> None:
    registrar.execute(MASK)
    registrar.execute("select nl2sql.mask('shop.customer', 'email', 'null')")
    assert rows(clerk, "select email from shop_masked.customer where id = 7") == [(None,)]
    registrar.execute("select nl2sql.unmask('shop.customer', 'email')")
    assert rows(clerk, "select email from shop.customer where id = 7") == [(CLEAR,)]


def test_a_reader_of_one_column_is_a_reader(shop: Connection, registrar: Connection) -> None:
    registrar.execute(MASK)
    shop.execute("grant select (email) on shop_masked.customer to registrar")
    assert state_of(registrar, "select nl2sql.unmask('shop.customer', 'email')") == "42501"


def test_a_generated_column_is_unmasked_last(shop: Connection, registrar: Connection) -> None:
    shop.execute(
        "alter table shop.customer add column host text generated always as (split_part(email, '@', 2)) stored"
    )
    registrar.execute("select nl2sql.mask('shop.customer', 'host', 'null')")
    registrar.execute(MASK)
    assert state_of(registrar, "select nl2sql.unmask('shop.customer', 'host')") == "0A000"
    registrar.execute("select nl2sql.unmask('shop.customer', 'email')")
    registrar.execute("select nl2sql.unmask('shop.customer', 'host')")


VIEW_ROWS = "select count(*) from shop_masked.customer"


def test_usage_follows_that_of_the_schema(
    shop: Connection, registrar: Connection, stranger: Connection, clerk: Connection
) -> None:
    """Who was kept out by the schema is kept out, whatever he holds on the table."""
    shop.execute("grant select on shop.customer to public")
    registrar.execute(MASK)
    assert rows(clerk, VIEW_ROWS) == [(100,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stranger.execute(VIEW_ROWS)
    shop.execute("grant usage on schema shop to stranger")
    assert rows(stranger, VIEW_ROWS) == [(100,)]
    shop.execute("revoke usage on schema shop from stranger")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stranger.execute(VIEW_ROWS)
    shop.execute("grant usage on schema shop_masked to stranger; grant usage on schema shop to public")
    shop.execute("revoke usage on schema shop from public")
    assert rows(stranger, VIEW_ROWS) == [(100,)]


def test_mask_waits_for_row_security_that_is_being_made(
    shop: Connection, keeper: Connection, registrar: Connection, clerk: Connection
) -> None:
    with keeper.transaction():
        keeper.execute("alter table shop.customer enable row level security")
        keeper.execute("create policy few on shop.customer for select using (id <= 3)")
        masking = threading.Thread(target=registrar.execute, args=(MASK,))
        masking.start()
        wait_for_lock(shop, registrar)
    masking.join()
    assert rows(clerk, VIEW_ROWS) == [(3,)]


def wait_for_lock(watcher: Connection, waiting: Connection) -> None:
    query = "select wait_event_type from pg_stat_activity where pid = %s"
    for _ in range(500):
        if watcher.execute(query, (waiting.info.backend_pid,)).fetchone() == ("Lock",):
            return
        watcher.execute("select pg_sleep(0.01)")
    raise AssertionError("mask() did not wait")


def test_an_old_snapshot_masks_nothing(registrar: Connection) -> None:
    with registrar.transaction(force_rollback=True):
        registrar.execute("set transaction isolation level repeatable read")
        assert state_of(registrar, MASK) == "0A000"


def test_the_owner_takes_a_right_for_good(keeper: Connection, registrar: Connection, clerk: Connection) -> None:
    registrar.execute(MASK)
    assert told(keeper, "revoke all on shop.customer from clerk") == [
        "WARNING: REVOKE on shop.customer does not reach the masked view of it"
    ]
    keeper.execute("select nl2sql.revoke_masked('shop.customer', 'clerk')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        clerk.execute(VIEW_ROWS)
    registrar.execute("select nl2sql.unmask('shop.customer', 'email')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        clerk.execute("select email from shop.customer")


def test_taking_rights_is_for_the_owner(shop: Connection, registrar: Connection, stranger: Connection) -> None:
    shop.execute("grant usage on schema shop to stranger; grant select on shop.customer to public")
    taking = "select nl2sql.revoke_masked('shop.customer', '-')"
    assert state_of(registrar, taking) == "42704"
    registrar.execute(MASK)
    assert state_of(stranger, taking) == "42501"
    assert state_of(registrar, "select nl2sql.revoke_masked('shop.customer', null)") == "22023"
    assert rows(stranger, VIEW_ROWS) == [(100,)]
    registrar.execute(taking)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stranger.execute(VIEW_ROWS)


PARENTS = {
    "inherit": ("create table shop.parent (email text)", "alter table shop.customer inherit shop.parent"),
    "attach": (
        "create table shop.parent (like shop.customer) partition by range (id)",
        "alter table shop.parent attach partition shop.customer default",
    ),
    "two parents": (
        "create table shop.parent (email text)",
        "create table shop.child () inherits (shop.customer, shop.parent)",
    ),
    "a child's": (
        "create table shop.parent (email text); create table shop.child () inherits (shop.customer)",
        "alter table shop.child inherit shop.parent",
    ),
    "a grandchild's": (
        "create table shop.parent (email text); create table shop.child () inherits (shop.customer);"
        "create table shop.grandchild () inherits (shop.child)",
        "alter table shop.grandchild inherit shop.parent",
    ),
}


@pytest.mark.parametrize("way", PARENTS)
def test_no_parent_shows_a_masked_table(keeper: Connection, registrar: Connection, way: str) -> None:
    before, after = PARENTS[way]
    keeper.execute(before)
    registrar.execute(MASK)
    assert state_of(keeper, after) == "0A000"
    registrar.execute("select nl2sql.unmask('shop.customer', 'email')")
    assert state_of(keeper, after) == "done"
    # the other way round: there is a parent already
    assert state_of(registrar, MASK) in ("42809", "0A000")


def test_own_children_are_fine(keeper: Connection, registrar: Connection) -> None:
    registrar.execute(MASK)
    keeper.execute("create table shop.child () inherits (shop.customer)")
    keeper.execute("create table shop.grandchild () inherits (shop.child)")
    keeper.execute(
        "alter table shop.grandchild inherit shop.customer; alter table shop.grandchild no inherit shop.child"
    )


def shown_to_a_model(connection: Connection, relation: str) -> str:
    """Whatever a question would take from statistics: descriptions of columns, and values."""
    told = rows(connection, f"select nl2sql._describe(array['{relation}'::regclass]::oid[])::text")
    schema, name = relation.split(".")
    return str(told + rows(connection, f"select * from nl2sql._frequent_values('{{{schema}}}', '{{{name}}}')"))


COPIES = ("shop.customer", "shop.child", "shop.kept", "shop.copied")


def test_no_model_is_shown_masked_values(shop: Connection, keeper: Connection, registrar: Connection) -> None:
    """Even if the owner of the table asks, who sees them in clear."""
    shop.execute("grant nl2sql_admin to keeper")
    keeper.execute("""
        create table shop.child () inherits (shop.customer);
        create view shop.seen as select email as letters from shop.customer;
        create materialized view shop.kept as select letters, 'town' || length(letters) as town from shop.seen;
        insert into shop.customer select n, 'person7@corp.example', 'Namesake', 1 from generate_series(101, 200) as n;
        insert into shop.child select n, 'person7@corp.example', 'Namesake', 1 from generate_series(201, 300) as n;
        refresh materialized view shop.kept;
        create table shop.copied as select * from shop.customer;
        analyze shop.customer; analyze shop.child; analyze shop.kept; analyze shop.copied""")
    stored = [("shop.customer", "email"), ("shop.child", "email"), ("shop.kept", "letters"), ("shop.copied", "email")]
    for relation, column in stored:
        keeper.execute(f"select nl2sql.index_values('{relation}', '{column}')")
    assert [relation for relation in COPIES if CLEAR in shown_to_a_model(keeper, relation)] == list(COPIES)
    registrar.execute(MASK)
    # a table that was filled from it once is one of its own
    assert [relation for relation in COPIES if CLEAR in shown_to_a_model(keeper, relation)] == ["shop.copied"]
    assert "Namesake" in shown_to_a_model(keeper, "shop.customer")
    assert rows(shop, "select distinct relid::regclass::text from nl2sql._value") == [("shop.copied",)]
    for relation, column in stored[:3]:
        assert state_of(keeper, f"select nl2sql.index_values('{relation}', '{column}')") == "42501"
    keeper.execute(
        "alter table shop.copied alter column id set not null; alter table shop.copied inherit shop.customer"
    )
    assert rows(shop, "select count(*) from nl2sql._value") == [(0,)]
    shop.execute("revoke nl2sql_admin from keeper")


def test_create_schema_is_watched(shop: Connection, keeper: Connection, registrar: Connection) -> None:
    registrar.execute(MASK)
    shop.execute(f"grant create on database {shop.info.dbname} to keeper")
    making = """
        create schema own
            create view seen as select email from shop.customer
            grant select on own.seen to clerk
            grant select on shop.customer to stranger"""
    assert sorted(told(keeper, making)) == [
        "WARNING: clerk now sees masked columns of shop.customer in clear",
        "WARNING: own.seen reads masked columns of shop.customer in clear",
        "WARNING: stranger now sees masked columns of shop.customer in clear",
    ]


def test_a_rule_that_makes_a_view_is_watched(keeper: Connection, registrar: Connection) -> None:
    registrar.execute(MASK)
    keeper.execute("create table shop.seen (email text)")
    rule = 'create rule "_RETURN" as on select to shop.seen do instead select email from shop.customer'
    if keeper.info.server_version >= 160_000:
        with pytest.raises(psycopg.errors.WrongObjectType):  # only a view has such a rule
            keeper.execute(rule)
        keeper.execute("drop table shop.seen; create view shop.seen as select 'none' as email")
        rule = rule.replace("create rule", "create or replace rule")
    assert told(keeper, rule) == ["WARNING: shop.seen reads masked columns of shop.customer in clear"]


def test_rights_on_an_attached_partition_are_taken(
    shop: Connection, keeper: Connection, registrar: Connection, clerk: Connection
) -> None:
    keeper.execute("""
        create table shop.log (n int, email text) partition by list (n);
        create table shop.log_1 (n int, email text);
        grant select on shop.log, shop.log_1 to clerk""")
    registrar.execute("select nl2sql.mask('shop.log', 'email', 'email')")
    assert rows(clerk, "select * from shop.log_1") == []
    keeper.execute("alter table shop.log attach partition shop.log_1 for values in (1)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        clerk.execute("select * from shop.log_1")


def test_what_others_made_before_is_told(
    shop: Connection, keeper: Connection, registrar: Connection, stranger: Connection
) -> None:
    keeper.execute("create unique index on shop.customer (email)")
    shop.execute("grant usage on schema shop to stranger")
    keeper.execute("grant select, references, trigger on shop.customer to stranger")
    stranger.execute("""
        create materialized view stall.kept as select email from shop.customer;
        create function stall.note() returns trigger language plpgsql as 'begin return new; end';
        create trigger watching after insert on shop.customer for each row execute function stall.note();
        create table stall.guess (email text constraint telling references shop.customer (email))""")
    keeper.execute("create materialized view shop.kept as select email from shop.customer")
    registrar.execute("select nl2sql.mask('shop.customer', 'name', 'null')")
    registrar.execute("select nl2sql.unmask('shop.customer', 'name')")
    said = told(registrar, MASK)
    kept = [(relation, change) for relation, role, change in rows(registrar, MASK) if role == "stranger"]
    expected = [
        ("shop.customer", "trigger watching keeps seeing each row that is written"),
        ("stall.guess", "foreign key telling keeps telling whether a value is there"),
        ("stall.kept", "keeps a copy in clear: the materialized view is its own"),
    ]
    assert sorted(kept) == expected
    assert sorted(said) == [f"WARNING: {relation}, of stranger: {change}" for relation, change in expected]
    found = rows(registrar, "select clear_text_roles @> '{stranger}' from nl2sql.masking_policy")
    assert found == [(True,)]
    shop.execute("drop materialized view stall.kept")
    assert rows(registrar, "select clear_text_roles @> '{stranger}' from nl2sql.masking_policy") == [(False,)]


NUMBERS = {
    "small": ("int2", "number(1000)", "32767", "32767"),
    "lowest": ("int2", "number(1000)", "-32768", "-32768"),
    "middle": ("int", "number(1000)", "2147483646", "2147483647"),
    "large": ("int8", "number(1000)", "9223372036854775807", "9223372036854775807"),
    "four digits": ("numeric(4)", "number(1000)", "9999", "9999"),
    "with a scale": ("numeric(5, 2)", "number(10)", "-999.99", "-999.99"),
    "scale alone": ("numeric(2, 2)", "number(1)", "0.99", "0.99"),
    "negative scale": ("numeric(2, -3)", "number(10000)", "99000", "99000"),
    "any digits": ("numeric", "number(1000)", "9999", "10000"),
    "well within": ("int", "number(1000)", "51234", "51000"),
    "nothing": ("int", "number(1000)", "null", "None"),
}


def test_a_masked_number_fits_its_type(shop: Connection, registrar: Connection, clerk: Connection) -> None:
    columns = ", ".join(f'"{name}" {case[0]}' for name, case in NUMBERS.items())
    shop.execute(f"create table shop.pay ({columns}); grant select on shop.pay to clerk")
    shop.execute(f"insert into shop.pay values ({', '.join(case[2] for case in NUMBERS.values())})")
    for name, case in NUMBERS.items():
        registrar.execute("select nl2sql.mask('shop.pay', %s, %s)", (name, case[1]))
    shown = dict(zip(NUMBERS, map(str, rows(clerk, "select * from shop_masked.pay")[0]), strict=True))
    assert shown == {name: case[3] for name, case in NUMBERS.items()}
    # discover_pii() asks as the administrator himself
    assert (
        state_of(registrar, "select nl2sql._mask_expression('shop.pay'::regclass, 1::int2, 'number(1000)')") == "done"
    )


# Names and rights that change after a column was masked.

SEEN = "select array_agg(id order by id) from {}"


def seen(boss: Connection, role: str, relation: str) -> object:
    boss.execute(f"set role {role}")
    try:
        return rows(boss, SEEN.format(relation))[0][0]
    finally:
        boss.execute("reset role")


def test_roles_that_swap_their_names_keep_their_rows(
    shop: Connection, keeper: Connection, registrar: Connection
) -> None:
    """A policy names roles, not what they are called at the moment; a comparison with a name is one with a name."""
    shop.execute("grant usage on schema shop to stranger; grant select on shop.customer to stranger")
    keeper.execute("""
        alter table shop.customer enable row level security;
        create policy low on shop.customer for select to clerk using (id <= 2);
        create policy "hi%gh's" on shop.customer for select to stranger, keeper using (id >= 99);
        create policy named on shop.customer for select using (current_user = 'stranger' and id = 50);
        create policy no_end on shop.customer as restrictive to clerk using (id <> 1)""")
    shop.execute(
        "create role outsider; grant usage on schema shop to outsider; grant select on shop.customer to outsider"
    )
    readers = ("clerk", "stranger", "outsider")
    expected = [[2], [50, 99, 100], None]
    assert [seen(shop, role, "shop.customer") for role in readers] == expected
    registrar.execute(MASK)
    assert [seen(shop, role, "shop_masked.customer") for role in readers] == expected
    swap = "alter role clerk rename to spare; alter role stranger rename to clerk; alter role spare rename to stranger"
    shop.execute(swap)
    try:
        # whoever is called stranger now was clerk
        assert [seen(shop, role, "shop_masked.customer") for role in readers] == [[99, 100], [2, 50], None]
        keeper.execute("create policy more on shop.customer for select to outsider using (id = 7)")
        assert seen(shop, "outsider", "shop_masked.customer") == [7]
        # the view goes with a column and is made anew: for the same readers
        shop.execute("revoke select on shop_masked.customer from clerk")
        keeper.execute("alter table shop.customer drop column born cascade")
        assert seen(shop, "stranger", "shop_masked.customer") == [2, 50]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            seen(shop, "clerk", "shop_masked.customer")
    finally:
        shop.execute(swap)
        shop.execute("drop owned by outsider cascade; drop role outsider")


def test_a_renamed_schema_leaves_no_name_to_take(
    shop: Connection, registrar: Connection, clerk: Connection, database: Database
) -> None:
    registrar.execute(MASK)
    shop.execute(f"alter role clerk in database {shop.info.dbname} set search_path = shop, public")
    registrar.execute("select nl2sql.use_masked('clerk')")
    shop.execute(f"grant create on database {shop.info.dbname} to stranger")
    try:
        shop.execute("alter schema shop rename to store")
        with database.connect("stranger") as trojan, pytest.raises(psycopg.errors.DuplicateSchema):
            trojan.execute("create schema shop_masked")
        with database.connect("clerk") as later:
            assert rows(later, "select current_schemas(false)") == [(["store_masked", "public"],)]
            assert rows(later, "select email from customer where id = 7") == [("per****@corp.example",)]
        shop.execute("alter schema store rename to shop")
        with database.connect("clerk") as later:
            assert rows(later, "select email from customer where id = 7") == [("per****@corp.example",)]
    finally:
        shop.execute(f"alter role clerk in database {shop.info.dbname} reset search_path")
        shop.execute("drop schema if exists store, store_masked cascade")


@pytest.mark.parametrize(
    "change",
    [
        "reassign owned by keeper to stranger",
        "alter table shop.customer owner to stranger",
        "alter view shop_masked.customer owner to stranger",
    ],
)
def test_another_owner_is_on_record(shop: Connection, registrar: Connection, change: str) -> None:
    registrar.execute(MASK)
    shop.execute("select nl2sql._audit_look()")
    shop.execute("begin")
    shop.execute(change)
    shop.execute("select nl2sql._audit_look()")
    noted = rows(shop, "select record::text from nl2sql._audit_outbox order by noted_at desc limit 3")
    shop.execute("rollback")
    assert any("rights_change" in str(line) and "owner stranger" in str(line) for line in noted)


MASKS_HELD = """
    select array_agg(p.proname::text order by p.proname) from pg_proc as p cross join aclexplode(p.proacl) as x
    where x.grantee = 'clerk'::regrole and p.pronamespace = 'nl2sql'::regnamespace and p.proname ~ 'mask'"""


def test_masks_go_with_the_last_view_that_calls_them(
    shop: Connection, keeper: Connection, registrar: Connection
) -> None:
    shop.execute("revoke nl2sql_user from clerk; grant execute on function nl2sql.mask_null(anyelement) to clerk")
    keeper.execute("create table shop.other (email text, born date); grant select on shop.other to clerk")
    registrar.execute("select nl2sql.mask('shop.customer', 'email', 'hash')")
    registrar.execute("select nl2sql.mask('shop.customer', 'name', 'null')")
    registrar.execute("select nl2sql.mask('shop.other', 'email', 'email')")
    registrar.execute("select nl2sql.mask('shop.customer', 'email', 'email')")
    assert rows(shop, MASKS_HELD) == [(["mask_email", "mask_null"],)]
    registrar.execute("select nl2sql.unmask('shop.customer', 'email')")
    registrar.execute("select nl2sql.unmask('shop.customer', 'name')")
    assert rows(shop, MASKS_HELD) == [(["mask_email", "mask_null"],)]
    keeper.execute("select nl2sql.revoke_masked('shop.other', 'clerk')")
    assert rows(shop, MASKS_HELD) == [(["mask_null"],)], "what an administrator granted stays"
    shop.execute("grant nl2sql_user to clerk; revoke execute on function nl2sql.mask_null(anyelement) from clerk")


IMPOSTOR = "alter role nl2sql_masker rename to forgotten; create role nl2sql_masker login"
TAMPERED = {
    "login": ("alter role nl2sql_masker login", "alter role nl2sql_masker nologin"),
    "another": (IMPOSTOR, "drop role nl2sql_masker; alter role forgotten rename to nl2sql_masker"),
}


@pytest.mark.parametrize("way", TAMPERED)
def test_who_makes_roles_does_not_become_the_masker(
    shop: Connection, keeper: Connection, registrar: Connection, way: str
) -> None:
    """Before PostgreSQL 16, CREATEROLE is enough to alter, rename and replace a role; then it takes ADMIN OPTION."""
    registrar.execute(MASK)
    done, undone = TAMPERED[way]
    shop.execute("alter role stranger createrole")
    if shop.info.server_version >= 160_000:
        shop.execute("set role stranger")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.execute(done)
        # how it can come about all the same
        shop.execute("reset role; grant nl2sql_masker to stranger with admin option, inherit false, set false")
    shop.execute("set role stranger")
    try:
        shop.execute(done)
        shop.execute("reset role")
        keeper.execute("create table shop.other (email text); create table shop.plain (n int)")
        assert state_of(registrar, "select nl2sql.mask('shop.other', 'email', 'null')") == "42501"
        # what follows the table would give the rights to that role
        assert state_of(keeper, "alter table shop.customer rename column name to title") == "42501"
        assert state_of(keeper, "alter table shop.customer add column more int") == "done"
    finally:
        shop.execute(f"reset role; alter role stranger nocreaterole; {undone}")
        if shop.info.server_version >= 160_000:
            shop.execute("revoke nl2sql_masker from stranger")


def test_samples_of_a_view_are_for_who_can_reach_it(shop: Connection, registrar: Connection) -> None:
    shop.execute("insert into shop.customer select n, 'x', 'often', 1 from generate_series(200, 400) as n")
    shop.execute("grant select on shop.customer to public; analyze shop.customer")
    registrar.execute(MASK)
    oids = "array['shop_masked.customer'::regclass::oid]"
    for role, found in (("clerk", True), ("stranger", False)):
        samples = f"select count(*) > 0 from nl2sql._masked_samples('{role}', {oids})"
        values = f"select count(*) > 0 from nl2sql._masked_frequent_values('{role}', '{{shop_masked}}', '{{customer}}')"
        assert (rows(shop, samples), rows(shop, values)) == ([(found,)], [(found,)]), role
