"""Standing conditions: defined and refused, who sees them, what follows a rename, and the rows that answers count."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sidecar.engine.base import Sample
from tests.conftest import Connection, Database
from tests.support.answering_peer import answers
from tests.support.databases import new_database
from tests.support.peer import peer
from tests.support.sidecar import Sidecar, sidecar

SALES = """
    create schema sales;
    create table sales.region (region_id int primary key, region_name text not null);
    create table sales.invoice (
        invoice_id int primary key, region_id int references sales.region, amount numeric not null, kind text not null,
        removed_on date, is_void boolean not null default false);
    create table sales.line (invoice_id int references sales.invoice, line_no int, pieces int);
    create view sales.open_invoice as select * from sales.invoice;
    insert into sales.region values (1, 'north'), (2, 'south'), (3, 'west');
    insert into sales.invoice values
        (1, 1, 100, 'plain', null, false), (2, 1, 50, 'test', null, false), (3, 2, 70, 'plain', '2026-01-02', false),
        (4, 3, 30, 'plain', null, true), (5, 1, 20, 'plain', null, false);
    insert into sales.line values (1, 1, 5), (1, 2, 6), (3, 1, 7), (5, 1, 8);
"""


@pytest.fixture(scope="module")
def running(short_folder: Path) -> Iterator[Sidecar]:
    folder = short_folder / "filters"
    folder.mkdir()
    with sidecar(socket=folder / "sidecar.sock", socket_mode="0666") as service:
        yield service


@pytest.fixture
def service(running: Sidecar, admin: Connection) -> Sidecar:
    """A real sidecar whose model says what a test makes it say."""
    admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(running.settings.socket),))
    running.engine.reset()
    return running


@pytest.fixture
def boss(database: Database, admin: Connection) -> Iterator[Connection]:
    """An administrator who may not read the tables."""
    admin.execute(SALES)
    admin.execute("drop role if exists sales_boss; create role sales_boss login in role nl2sql_admin")
    with database.connect("sales_boss") as connection:
        yield connection
    admin.execute("drop owned by sales_boss; drop role sales_boss")


@pytest.fixture
def reader(database: Database, admin: Connection, boss: Connection) -> Iterator[Connection]:
    admin.execute("drop role if exists sales_reader; create role sales_reader login in role nl2sql_user")
    admin.execute(
        "grant usage on schema sales to sales_reader; grant select on all tables in schema sales to sales_reader"
    )
    admin.execute("alter role sales_reader set search_path = sales")
    with database.connect("sales_reader") as connection:
        yield connection
    admin.execute("drop owned by sales_reader; drop role sales_reader")


def define(connection: Connection, *arguments: str) -> int:
    row = connection.execute(f"select nl2sql.define_filter({', '.join(['%s'] * len(arguments))})".encode(), arguments)
    return int(row.fetchall()[0][0])


def ask(service: Sidecar, connection: Connection, question: str, *proposals: str, **options: Any) -> dict[str, Any]:
    service.engine.samples = [Sample(proposal, -0.01, 9, "stop") for proposal in proposals]
    answer = connection.execute("select nl2sql.ask(%s, %s)", (question, json.dumps(options))).fetchall()[0][0]
    return dict(answer)


def rows(service: Sidecar, connection: Connection, question: str, proposal: str) -> list[Any]:
    """What the answer gives, whatever stands in it."""
    return connection.execute(ask(service, connection, question, proposal)["sql"].encode()).fetchall()


COUNT = "select count(*) from invoice"


def test_only_rows_that_count(service: Sidecar, boss: Connection, reader: Connection) -> None:
    assert rows(service, reader, "how many invoices are there", COUNT) == [(5,)]
    define(boss, "sales.invoice", "removed_on is null", "removed invoices never count")
    define(boss, "sales.invoice", "not is_void")
    assert rows(service, reader, "how many invoices are there", COUNT) == [(3,)]
    answer = ask(service, reader, "how many invoices are there", COUNT)
    assert answer["filters"] == [
        {
            "table": "sales.invoice",
            "condition": condition,
            "note": note,
            "origin": "defined",
            "applied": True,
            "why": "it was put into the statement",
        }
        for condition, note in (("removed_on IS NULL", "removed invoices never count"), ("NOT is_void", None))
    ]
    assert answer["warnings"] == []
    prompt = service.engine.requests[-1][0][-1].content
    assert "  -- only rows with: removed_on IS NULL (removed invoices never count)\n" in prompt


# question, proposal, rows
PLACES = [
    ("total by region", "select region_id, sum(amount) from invoice group by 1 order by 1", [(1, 170), (3, 30)]),
    (
        "regions with their number of invoices",
        "select r.region_name, count(i.invoice_id) from region r left join invoice i on i.region_id = r.region_id"
        " group by 1 order by 1",
        [("north", 3), ("south", 0), ("west", 1)],
    ),
    (
        "regions with their number of invoices",
        "select r.region_name, count(i.invoice_id) from region r left join invoice i using (region_id)"
        " where i.removed_on is null group by 1 order by 1",
        [("north", 3), ("south", 0), ("west", 1)],
    ),
    (
        "regions without an invoice",
        "select region_name from region r where not exists (select 1 from invoice i where i.region_id = r.region_id)",
        [("south",)],
    ),
    (
        "regions without an invoice",
        "select region_name from region where region_id not in (select region_id from invoice)",
        [("south",)],
    ),
    ("regions", "select region_id from region except select region_id from invoice", [(2,)]),
    (
        "pieces by region",
        "with t as (select invoice_id, sum(pieces) as n from line group by 1)"
        " select i.region_id, sum(t.n) from invoice i join t on t.invoice_id = i.invoice_id group by 1 order by 1",
        [(1, 19)],
    ),
    (
        "pairs of invoices of one region",
        "select count(*) from invoice a join invoice b on a.region_id = b.region_id and a.invoice_id <= b.invoice_id",
        [(7,)],
    ),
    (
        "all regions and invoices",
        "select count(*) from invoice i full join region r on r.region_id = i.region_id",
        [(5,)],
    ),
    (
        "all regions and invoices",
        "select r.region_name, i.amount from invoice i right join region r on r.region_id = i.region_id"
        " where r.region_id = 2",
        [("south", None)],
    ),
    ("invoices", "select count(*) from invoice as i(a, b, c, d, e, f)", [(4,)]),
    ("invoices", "select count(*) from invoice where removed_on is not null", [(4,)]),
    ("invoices", "select count(*) from sales.invoice where removed_on is null", [(4,)]),
    ("average", "select count(*) from invoice where amount > (select avg(amount) from invoice)", [(1,)]),
    ("the view", "select count(*) from open_invoice", [(5,)]),
    # the question speaks of the others
    ("how many removed invoices are there", "select count(*) from invoice where removed_on is not null", [(1,)]),
    ("how many invoices, including removed ones", COUNT, [(5,)]),
    ("包括已删除的发票有多少", COUNT, [(5,)]),
    ("how many invoices without the removed ones", COUNT, [(4,)]),
]


@pytest.mark.parametrize("repair", ["on", "off"])
def test_wherever_the_table_is_read(service: Sidecar, boss: Connection, reader: Connection, repair: str) -> None:
    """Repair may be off: an administrator's word is no repair."""
    define(boss, "sales.invoice", "removed_on is null")
    reader.execute(f"set nl2sql.repair = {repair}".encode())
    for question, proposal, expected in PLACES:
        assert rows(service, reader, question, proposal) == expected, proposal


def test_what_the_question_speaks_of_is_told(service: Sidecar, boss: Connection, reader: Connection) -> None:
    define(boss, "sales.invoice", "removed_on is null")
    answer = ask(service, reader, "how many removed invoices are there", COUNT)
    (told,) = answer["filters"]
    assert (told["applied"], told["why"]) == (False, "the question speaks of the other rows: removed")
    assert "only rows" not in service.engine.requests[-1][0][-1].content
    assert ask(service, reader, "how many regions", "select count(*) from region")["filters"] == []
    service.engine.samples = [Sample(COUNT, -0.01, 9, "stop")]
    found = reader.execute("select stage, item, detail from nl2sql.trace('how many invoices')").fetchall()
    assert [row[1] for row in found if row[0] == "filter"] == ["sales.invoice", "1 added"]


def test_what_cannot_be_rewritten_is_doubtful(service: Sidecar, boss: Connection, reader: Connection) -> None:
    """Too many brackets for sqlglot, whose time may double with each."""
    define(boss, "sales.invoice", "removed_on is null")
    unread = f"select count(*) from invoice where amount > {'abs(' * 14}1{')' * 14}"
    answer = ask(service, reader, "how many invoices", unread)
    (told,) = answer["filters"]
    assert (told["applied"], told["why"].partition(" ")[0]) == (False, "the")
    assert [warning.partition(":")[0] for warning in answer["warnings"]] == ["NL205"]
    answer = ask(service, reader, "how many invoices", unread, "select count(invoice_id) from invoice", candidates=2)
    assert answer["filters"][0]["applied"] and answer["warnings"] == [], "another proposal is rather the answer"


REFUSED = [
    ("", "22023"),
    ("true", "22023"),
    ("removed_on is null group by kind", "22023"),
    ("removed_on is null; drop table sales.line", "NL401"),
    ("removed_on is null union select true", "22023"),
    ("removed_on is null) or (true", "NL404"),
    ("exists (select 1)", "22023"),
    ("invoice_id in (select invoice_id from sales.line)", "NL402"),
    ("line.pieces > 1", "42703"),
    ("pieces > 1", "42703"),
    ("removed_an is null", "42703"),
    ("amount > random()", "22023"),
    ("pg_sleep(1) is null", "NL403"),
    ("amount", "42804"),
    ("amount = 'much'", "22P02"),
    ("kind > 1", "42883"),
    ("sum(amount) > 1", "42803"),
    ("row_number() over (order by amount) = 1", "42P20"),
    ("ctid is null", "NL405"),
    ("invoice is null", "42703"),
    ("amount = $1", "NL405"),
    ("no condition at all", "NL404"),
]


def test_what_is_no_condition(service: Sidecar, boss: Connection) -> None:
    for condition, sqlstate in REFUSED:
        with pytest.raises(psycopg.Error) as refused:
            define(boss, "sales.invoice", condition)
        assert refused.value.sqlstate == sqlstate, (condition, refused.value)
        assert refused.value.diag.message_detail and refused.value.diag.message_hint, condition
    for table, sqlstate in (("sales.nothing", "42P01"), ("pg_class", "22023"), ("nl2sql.filters", "22023")):
        with pytest.raises(psycopg.Error) as refused:
            define(boss, table, "removed_on is null")
        assert refused.value.sqlstate == sqlstate


ACCEPTED = {
    "invoice.removed_on IS NULL -- of course": "removed_on IS NULL",
    "sales.invoice.amount>0 and kind not in ('test')": "amount > 0 AND kind NOT IN ('test')",
    "removed_on is null or removed_on > current_date": "removed_on IS NULL OR removed_on > current_date",
    "coalesce(is_void, false) = false": "COALESCE(is_void, false) = false",
}


def test_one_spelling_and_one_row(service: Sidecar, admin: Connection, boss: Connection, reader: Connection) -> None:
    for given, kept in ACCEPTED.items():
        number = define(boss, "sales.invoice", given, "as given")
        assert define(boss, "sales.invoice", kept, "as kept") == number
        assert reader.execute("select condition, note, problem from nl2sql.filters").fetchall() == [
            (kept, "as kept", None)
        ]
        assert admin.execute("select nl2sql.drop_filter(id) from nl2sql.filters").fetchall() == [(True,)]
    assert boss.execute("select nl2sql.drop_filter('sales.invoice')").fetchall() == [(False,)]
    define(boss, "sales.invoice", "not is_void")
    admin.execute("select nl2sql.define_filter('sales.open_invoice'::regclass, 'not is_void')")
    assert admin.execute("select nl2sql.drop_filter('sales.invoice'::regclass)").fetchall() == [(True,)]
    assert reader.execute("select relation::text from nl2sql.filters").fetchall() == [("open_invoice",)]
    with pytest.raises(psycopg.errors.UndefinedTable):
        boss.execute("select nl2sql.drop_filter('sales.nothing')")


def test_rights(service: Sidecar, admin: Connection, boss: Connection, reader: Connection) -> None:
    """Who may not read a column learns of no condition over it, only that one does not hold for him."""
    define(boss, "sales.invoice", "removed_on is null", "a secret note")
    for call in (
        "nl2sql.define_filter('sales.line', 'pieces > 0')",
        "nl2sql.drop_filter('sales.invoice')",
        "nl2sql.drop_filter(1)",
        "nl2sql.suggest_filters()",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"select {call}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        boss.execute("delete from nl2sql._filter")
    assert boss.execute("select count(*) from nl2sql.filters").fetchall() == [(0,)], "no right to read the table"
    admin.execute("revoke select on sales.invoice from sales_reader")
    admin.execute("grant select (invoice_id, amount) on sales.invoice to sales_reader")
    assert reader.execute("select count(*) from nl2sql.filters").fetchall() == [(0,)]
    assert reader.execute("select count(*) from nl2sql._filter").fetchall() == [(0,)]
    answer = ask(service, reader, "how many invoices", "select count(invoice_id) from invoice")
    assert answer["filters"] == []
    assert [w.partition(":")[0] for w in answer["warnings"]] == ["NL205"]
    assert "may not read" in answer["warnings"][0]
    assert not {"removed_on", "secret"} & set(json.dumps(answer).split())
    assert ask(service, reader, "how many lines", "select count(*) from line")["warnings"] == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select nl2sql._check_filter(1, 'true')")
    assert (
        reader.execute("select * from nl2sql._filters_of('postgres', array['sales.invoice'::regclass::oid])").fetchall()
        == []
    )


def test_masked_columns(service: Sidecar, admin: Connection, boss: Connection, reader: Connection) -> None:
    """A masked view has the conditions of its table, but for those over what it masks."""
    admin.execute("select nl2sql.mask('sales.invoice', 'kind', 'null')")
    define(boss, "sales.invoice", "removed_on is null")
    define(boss, "sales.invoice", "kind <> 'test'")
    admin.execute("select nl2sql.use_masked('sales_reader')")
    with psycopg.connect(reader.info.dsn, autocommit=True) as masked:
        answer = ask(service, masked, "how many invoices", "select count(*) from invoice")
        assert masked.execute(answer["sql"].encode()).fetchall() == [(4,)]
        assert [each["condition"] for each in answer["filters"]] == ["removed_on IS NULL"]
        assert "masked column" in answer["warnings"][0]


def test_it_follows_renames(service: Sidecar, admin: Connection, boss: Connection, reader: Connection) -> None:
    define(boss, "sales.invoice", "removed_on is null and amount > 0")
    admin.execute(
        'alter table sales.invoice rename to bill; alter table sales.bill rename column removed_on to "Gone On"'
    )
    known = "select relation::text, condition, problem from nl2sql.filters"
    assert reader.execute(known).fetchall() == [("bill", '"Gone On" IS NULL AND amount > 0', None)]
    assert admin.execute("select columns from nl2sql._filter").fetchall() == [(["Gone On", "amount"],)]
    assert rows(service, reader, "how many bills", "select count(*) from bill") == [(4,)]
    admin.execute("drop view sales.open_invoice; alter table sales.bill alter column amount type text")
    assert "another type" in reader.execute(known).fetchall()[0][2]
    answer = ask(service, reader, "how many bills", "select count(*) from bill")
    assert answer["filters"] == [] and "another type" in answer["warnings"][0]
    admin.execute('alter table sales.bill drop column "Gone On"')
    assert "dropped" in reader.execute(known).fetchall()[0][2]
    admin.execute("drop table sales.bill cascade")
    assert admin.execute("select count(*) from nl2sql._filter").fetchall() == [(0,)]


def test_on_record(service: Sidecar, admin: Connection, boss: Connection, reader: Connection) -> None:
    define(boss, "sales.invoice", "removed_on is null")
    define(boss, "sales.invoice", "removed_on is null", "a note")
    define(boss, "sales.line", "pieces > 0")
    boss.execute("select nl2sql.drop_filter('sales.invoice')")
    admin.execute("drop table sales.line")
    noted = admin.execute(
        "select record ->> 'action', record ->> 'role', (record ->> 'details')::jsonb ->> 'condition'"
        " from nl2sql._audit_outbox where record ->> 'action' like '%_filter' order by record -> 'at'"
    ).fetchall()
    assert noted == [
        ("define_filter", "sales_boss", "removed_on IS NULL"),
        ("define_filter", "sales_boss", "removed_on IS NULL"),
        ("define_filter", "sales_boss", "pieces > 0"),
        ("drop_filter", "sales_boss", "removed_on IS NULL"),
        ("drop_filter", admin.info.user, "pieces > 0"),
    ]


def test_dump_and_restore(
    database: Database, service: Sidecar, admin: Connection, boss: Connection, tmp_path: Path
) -> None:
    """Numbers of columns and OIDs change; the condition means the same. One whose column is gone stays behind."""
    admin.execute("create table sales.odd (gone int, done boolean, late boolean)")
    define(boss, "sales.odd", "not done", "as it was")
    define(boss, "sales.odd", "not late")
    admin.execute("alter table sales.odd drop column gone; alter table sales.odd drop column late")
    admin.execute("alter table sales.odd rename column done to finished")
    dump = tmp_path / "dump.sql"
    bin_ = database.cluster.bin
    subprocess.run([bin_ / "pg_dump", "--dbname", database.dsn(), "--file", dump], check=True)
    with new_database(database.cluster) as target:
        command = [bin_ / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", target.dsn()]
        subprocess.run([*command, "--file", dump], check=True, stdout=subprocess.DEVNULL)
        with target.connect() as restored:
            found = restored.execute("select relation::text, condition, note, problem from nl2sql.filters").fetchall()
            assert found == [("sales.odd", "NOT finished", "as it was", None)]
            assert restored.execute("select numbers from nl2sql._filter").fetchall() == [([1],)]
            restored.execute("select nl2sql.drop_filter(id) from nl2sql.filters")


COMMENTED = """
    comment on column sales.invoice.removed_on is 'set: the invoice was removed and no longer counts in any figure';
    comment on table sales.line is 'lines of invoices';
"""


def test_a_comment_is_heeded(service: Sidecar, admin: Connection, boss: Connection, reader: Connection) -> None:
    admin.execute(COMMENTED)
    assert rows(service, reader, "how many invoices are there", COUNT) == [(4,)]
    (told,) = ask(service, reader, "how many invoices are there", COUNT)["filters"]
    assert (told["condition"], told["origin"], told["applied"]) == ("removed_on IS NULL", "comment", True)
    suggested = "select relation::text, condition, score, in_force from nl2sql.suggest_filters()"
    assert admin.execute(suggested).fetchall() == [
        ("sales.invoice", "removed_on IS NULL", 0.95, True),
        ("sales.invoice", "NOT is_void", 0.8, False),
        ("sales.open_invoice", "removed_on IS NULL", 0.8, False),
        ("sales.open_invoice", "is_void IS NOT TRUE", 0.8, False),
    ]
    assert boss.execute(suggested).fetchall() == [], "no right to read the tables"
    reader.execute("set nl2sql.comment_filters = off")
    assert rows(service, reader, "how many invoices are there", COUNT) == [(5,)]
    accept = "select nl2sql.define_filter(relation, condition, note) from nl2sql.suggest_filters() where score > 0.9"
    admin.execute(accept)
    assert rows(service, reader, "how many invoices are there", COUNT) == [(4,)]
    assert admin.execute(accept).fetchall() == [], "what is defined is not suggested again"


def test_without_the_sidecar_nothing_is_defined(boss: Connection) -> None:
    with pytest.raises(psycopg.Error) as refused:
        define(boss, "sales.invoice", "removed_on is null")
    assert refused.value.sqlstate == "NL001"


def test_nonsense_from_the_sidecar_is_not_stored(database: Database, admin: Connection, boss: Connection) -> None:
    with peer(database.socket, answers()):
        assert define(boss, "sales.invoice", "removed_on is null") > 0
