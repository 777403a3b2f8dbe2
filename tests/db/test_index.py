"""The schema index: what queues a relation, what is stored, how it ranks, and that it stands in nobody's way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.errors import Diagnostic

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.answering_peer import DIMENSION, EMBEDDER, answers, bodies, embed
from tests.support.asking import ask
from tests.support.databases import new_database
from tests.support.full_disk import file_size_limit, full_disk
from tests.support.peer import http, peer, says
from tools.cluster import Cluster

EMPTY_QUEUE = "delete from nl2sql._index_queue"
QUEUED = "select distinct relid::regclass::text from nl2sql._index_queue order by 1"
REFRESH = "select nl2sql.refresh_index()"


def refresh(database: Database, admin: Connection, everything: bool = False) -> int:
    with peer(database.socket, answers()):
        row = admin.execute("select nl2sql.refresh_index(%s)", (everything,)).fetchone()
    assert row is not None
    return int(row[0])


def test_drop_does_not_wait_for_a_refresh(database: Database, admin: Connection) -> None:
    """Neither DROP waits for rows that a refresh_index() still holds; the next one removes what they had to leave."""
    admin.execute("create table kept (id int, old text); create table gone (id int); create table tag (id int)")
    refresh(database, admin)
    with database.connect() as other, other.transaction():
        other.execute("select from nl2sql._index for update")
        admin.execute("set lock_timeout = '1s'")
        admin.execute("drop table gone")
        admin.execute("alter table kept drop column old")
    refresh(database, admin)
    left = admin.execute("select names from nl2sql._index where names ~ 'gone|kept' order by 1").fetchall()
    assert left == [("kept",), ("kept id",)]
    assert admin.execute("select count(*) from nl2sql._index_queue").fetchone() == (0,)


def test_table_that_went_while_it_was_embedded(admin: Connection) -> None:
    admin.execute("create table gone (id int)")
    pending = "select jsonb_agg(to_jsonb(p)) from nl2sql._index_pending(9) as p"
    entries = admin.execute(pending.encode()).fetchone()
    admin.execute("drop table gone")
    assert entries is not None
    stored = admin.execute(
        "select nl2sql._index_store(%s, null, 0)", (psycopg.types.json.Jsonb(entries[0]),)
    ).fetchone()
    assert stored == (0,)


def status(connection: Connection) -> tuple[str, str]:
    row = connection.execute("select state, detail from nl2sql.status() where component = 'index'").fetchone()
    assert row is not None
    return row[0], row[1]


SHAPES = """
        create type mood as enum ('sad', 'happy');
        create table base (id int primary key, feeling mood, extra text);
        create table other (id int);
        create table typed (feelings mood);
        create table parent (id int) partition by range (id);
        create table child partition of parent for values from (0) to (10);
        create view seen as select id from base;
        create materialized view stored as select id from base;
"""


@pytest.fixture
def shapes(admin: Connection) -> Connection:
    """A connection to a database with a relation of each kind."""
    admin.execute(SHAPES)
    return admin


@pytest.fixture(scope="module")
def undone(cluster: Cluster, template: str) -> Iterator[Connection]:
    """The same for tests that undo what they do."""
    with new_database(cluster, template) as found, found.connect() as connection:
        connection.execute(SHAPES)
        connection.execute(EMPTY_QUEUE)
        yield connection


QUEUEING = {
    "create_table": ("create table fresh (id int)", ["fresh"]),
    "create_table_with_key": ("create table fresh (id int primary key, base_id int references base)", ["fresh"]),
    "create_table_as": ("create table fresh as select 1 as n", ["fresh"]),
    "select_into": ("select 1 as n into fresh", ["fresh"]),
    "create_view": ("create view fresh as select 1 as n", ["fresh"]),
    "replace_view": ("create or replace view seen as select id, 1 as more from base", ["seen"]),
    "create_materialized_view": ("create materialized view fresh as select 1 as n", ["fresh"]),
    "create_partitioned_table": ("create table fresh (id int) partition by list (id)", ["fresh"]),
    "create_schema_with_table": ("create schema inner_one create table fresh (id int)", ["inner_one.fresh"]),
    "add_column": ("alter table base add column more int", ["base"]),
    "rename_column": ("alter table base rename column extra to spare", ["base"]),
    "rename_table": ("alter table base rename to basis", ["basis"]),
    "rename_view_column": ("alter view seen rename column id to number", ["seen"]),
    "change_type": ("alter table base alter column extra type varchar(9)", ["base"]),
    "add_check": ("alter table base add check (extra in ('a', 'b'))", ["base"]),
    "drop_column": ("alter table base drop column extra", ["base"]),
    "comment_on_table": ("comment on table base is 'words'", ["base"]),
    "comment_on_column": ("comment on column base.extra is 'words'", ["base"]),
    "comment_on_view": ("comment on view seen is 'words'", ["seen"]),
    "comment_taken_away": ("comment on table base is null", ["base"]),
    "enum_label": ("alter type mood add value 'calm'", ["base", "typed"]),
    "enum_rename": ("alter type mood rename value 'sad' to 'blue'", ["base", "typed"]),
    "temporary_table": ("create temp table passing (id int)", []),
    "temporary_view": ("create temp view passing as select 1", []),
    "partition": ("create table child_2 partition of parent for values from (10) to (20)", []),
    "index": ("create index on base (extra)", []),
    "sequence": ("create sequence counter", []),
    "comment_on_index": ("comment on index base_pkey is 'words'", []),
    "function": ("create function f() returns int language sql as 'select 1'", []),
    "another_extension": ("create extension pageinspect", []),
}


@pytest.mark.parametrize(("ddl", "expected"), QUEUEING.values(), ids=QUEUEING)
def test_ddl_queues(undone: Connection, ddl: str, expected: list[str]) -> None:
    with undone.transaction(force_rollback=True):
        undone.execute(ddl.encode())
        assert [name for (name,) in undone.execute(QUEUED).fetchall()] == expected


def test_ddl_by_a_role_without_rights(shapes: Connection) -> None:
    """The triggers run for everybody, also for those who may not even use the schema nl2sql."""
    shapes.execute("create role passer_by; create schema theirs authorization passer_by; set role passer_by")
    shapes.execute("create table theirs.own (id int); alter table theirs.own add column b int")
    shapes.execute("reset role")
    assert ("theirs.own",) in shapes.execute(QUEUED).fetchall()
    shapes.execute("set role passer_by; drop table theirs.own; reset role")
    shapes.execute("drop schema theirs; drop role passer_by")


def test_a_drop_removes_rows(database: Database, shapes: Connection) -> None:
    refresh(database, shapes)
    before = "select count(*) from nl2sql._index where relid = %s"
    (oid,) = shapes.execute("select 'typed'::regclass::oid").fetchone() or ()
    assert shapes.execute(before, (oid,)).fetchone() == (2,)
    shapes.execute("drop table typed")
    assert shapes.execute(before, (oid,)).fetchone() == (0,)
    shapes.execute("drop table base cascade")
    assert shapes.execute("select count(distinct relid) from nl2sql._index").fetchone() == (2,)  # other, parent


def test_a_dropped_column_leaves_every_text(database: Database, shapes: Connection) -> None:
    refresh(database, shapes)
    assert "extra" in index_text(shapes)
    shapes.execute("alter table base drop column extra")
    refresh(database, shapes)
    assert "extra" not in index_text(shapes)


def index_text(connection: Connection) -> str:
    row = connection.execute("select string_agg(document || ' ' || names, ' ') from nl2sql._index").fetchone()
    return str(row and row[0])


def test_an_undone_change_is_not_queued(shapes: Connection) -> None:
    shapes.execute("delete from nl2sql._index_queue")
    with shapes.transaction(force_rollback=True):
        shapes.execute("create table gone (id int)")
        assert shapes.execute(QUEUED).fetchall() == [("gone",)]
    assert shapes.execute(QUEUED).fetchall() == []


def test_concurrent_ddl_does_not_wait(database: Database, shapes: Connection) -> None:
    """Four open transactions with DDL of every kind, on rows that are queued and indexed: none waits for another."""
    refresh(database, shapes)
    work = [
        "create table a1 (id int); comment on table other is 'x'",
        "create table a2 (id int); comment on column typed.feelings is 'y'",
        "drop materialized view stored; create table a3 (id int)",
        "comment on table parent is 'z'; create view a4 as select 1",
    ]
    connections = [psycopg.connect(database.dsn()) for _ in work]
    try:
        started = time.monotonic()
        for connection, ddl in zip(connections, work, strict=True):
            connection.execute("set local lock_timeout = '500ms'")
            connection.execute(ddl.encode())
        assert time.monotonic() - started < 2
        for connection in connections:
            connection.commit()
    finally:
        for connection in connections:
            connection.close()
    assert {name for (name,) in shapes.execute(QUEUED)} == {"a1", "a2", "a3", "a4", "other", "parent", "typed"}


def test_a_change_while_the_index_is_stored_stays_queued(database: Database, shapes: Connection) -> None:
    """Committed between reading and storing, with a queue number that was given out before the others."""
    refresh(database, shapes)
    with database.connect() as slow, slow.transaction():
        slow.execute("comment on table other is 'written late'")
        shapes.execute(
            "comment on table typed is 'written early';"
            " insert into nl2sql._index_queue (relid) values ('other'::regclass)"
        )
        (head,) = shapes.execute("select nl2sql._index_queue_head()").fetchone() or ()
        pending = shapes.execute("""
            select jsonb_agg(to_jsonb(p))::text from nl2sql._index_pending(32) as p""").fetchone()
    assert pending and "written late" not in pending[0]
    shapes.execute("select nl2sql._index_store(%s::jsonb, null, %s)", (pending[0], head))
    assert shapes.execute(QUEUED).fetchall() == [("other",)]
    assert refresh(database, shapes) == 1
    assert "written late" in index_text(shapes)


BREAKAGES = {
    "queue_renamed": "alter table nl2sql._index_queue rename to elsewhere",
    "column_renamed": "alter table nl2sql._index_queue rename column relid to other_name",
    "numbers_used_up": "alter table nl2sql._index_queue alter column id set maxvalue 1000000000; "
    "select setval('nl2sql._index_queue_id_seq', 1000000000)",
    "constraint": "alter table nl2sql._index_queue add check (relid = 0) not valid",
}


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
def test_ddl_succeeds_with_a_broken_queue(shapes: Connection, breakage: str) -> None:
    shapes.execute("alter event trigger nl2sql_on_ddl disable; alter event trigger nl2sql_on_drop disable")
    shapes.execute(breakage.encode())
    shapes.execute("alter event trigger nl2sql_on_ddl enable; alter event trigger nl2sql_on_drop enable")
    notices = collect_notices(shapes)
    shapes.execute("create table in_spite (id int, b int)")
    shapes.execute("alter table in_spite drop column b")
    assert shapes.execute("select to_regclass('in_spite') is not null").fetchone() == (True,)
    assert {(severity, code) for severity, code, *_ in notices} == {("WARNING", "NL203")}
    assert all(all(fields) for fields in notices)


def collect_notices(connection: Connection) -> list[tuple[str | None, ...]]:
    """Severity, SQLSTATE, MESSAGE, DETAIL and HINT of what the server says from now on."""
    notices: list[tuple[str | None, ...]] = []

    def note(said: Diagnostic) -> None:
        notices.append((said.severity, said.sqlstate, said.message_primary, said.message_detail, said.message_hint))

    connection.add_notice_handler(note)
    return notices


def test_a_drop_succeeds_with_a_broken_index(shapes: Connection) -> None:
    shapes.execute("alter table nl2sql._index rename to elsewhere")
    notices = collect_notices(shapes)
    shapes.execute("drop table other")
    assert shapes.execute("select to_regclass('other') is null").fetchone() == (True,)
    assert [code for _, code, *_ in notices] == ["NL203"]


# What is stored.


def test_refresh_stores_every_relation(database: Database, shapes: Connection) -> None:
    assert status(shapes)[0] == "empty"
    assert refresh(database, shapes) == 6  # base, other, typed, parent, seen, stored
    assert status(shapes) == ("fresh", "6 of 6 relations indexed, 6 with embeddings, 0 changed since")
    rows = shapes.execute("select relid::regclass::text, attnum, document, embedder, dimension, embedding::text"
                          " from nl2sql._index order by 1, 2").fetchall()  # fmt: skip
    assert len(rows) == 6 + 3 + 1 + 1 + 1 + 1 + 1
    for _, _, document, embedder, dimension, vector in rows:
        assert (embedder, dimension) == (EMBEDDER, DIMENSION)
        stored = [float(x) for x in vector.strip("[]").split(",")]
        assert stored == pytest.approx(embed(document), abs=1e-5)
    texts = {(name, attnum): document for name, attnum, document, *_ in rows}
    assert texts["base", 0] == "base. columns: id, feeling, extra"
    assert texts["base", 2] == "base feeling. public.mood. values: sad, happy"
    words = shapes.execute(
        "select word, attnum, share from nl2sql._index_word where relid = 'base'::regclass order by 2"
    )
    assert words.fetchall() == [("base", 0, 1.0), ("id", 1, 0.0), ("feel", 2, 0.0), ("extra", 3, 0.0)]
    assert refresh(database, shapes) == 0
    assert refresh(database, shapes, everything=True) == 6


def test_only_what_changed_is_embedded_again(database: Database, shapes: Connection) -> None:
    refresh(database, shapes)
    shapes.execute("comment on column base.extra is 'odds and ends'")
    assert status(shapes)[0] == "behind"
    with peer(database.socket, answers()) as listening:
        shapes.execute(REFRESH)
    (body,) = bodies(listening.requests, "/v1/embed")
    assert len(body["texts"]) == 4
    assert "base extra. odds and ends. text" in body["texts"]
    assert status(shapes)[0] == "fresh"


def test_many_relations_and_a_queue_of_strangers(database: Database, admin: Connection) -> None:
    """More than one step, behind queue entries that lead to nothing."""
    admin.execute("insert into nl2sql._index_queue (relid) select n from generate_series(1, 200) as n")
    admin.execute("""
        create table parent (id int) partition by range (id);
        do $$ begin
            for n in 1..50 loop
                execute format('create table part_%s partition of parent for values from (%s) to (%s)', n, n, n + 1);
                execute format('create table t%s (id int, c%s text)', n, n);
            end loop;
        end $$;
        insert into nl2sql._index_queue (relid) select oid from pg_class where relname ~ '^part_' ;
    """)
    assert refresh(database, admin) == 51
    assert status(admin)[0] == "fresh"
    admin.execute("insert into nl2sql._index_queue (relid) select oid from pg_class where relname ~ '^part_'")
    admin.execute("comment on table t50 is 'changed'")
    assert refresh(database, admin) == 1
    assert status(admin)[0] == "fresh"


def test_a_table_that_becomes_a_partition_leaves_the_queue(database: Database, shapes: Connection) -> None:
    shapes.execute(
        "create table joining (id int); alter table parent attach partition joining for values from (50) to (60)"
    )
    refresh(database, shapes)
    assert shapes.execute(QUEUED).fetchall() == []


# How it ranks.


def make_many(admin: Connection, count: int = 42) -> None:
    admin.execute(
        f"""
        do $$ begin
            for n in 1..{count} loop
                execute format('create table filler_%s (id int primary key, payload_%s text)', n, n);
            end loop;
        end $$;
        create table invoices (id int primary key, due_date date, customer_ref int);
        comment on table invoices is 'bills that were sent out';
        create table penguins (id int primary key, species text, weight_kg numeric);
        grant select on all tables in schema public to analyst;
    """.encode()
    )


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "not_indexed"])
@pytest.mark.parametrize(
    ("question", "table"), [("weight of penguins", "penguins"), ("which bills were sent", "invoices")]
)
def test_a_large_scope_is_ranked(
    database: Database, admin: Connection, analyst: Connection, indexed: bool, question: str, table: str
) -> None:
    make_many(admin)
    if indexed:
        refresh(database, admin)
    sent = ask(database, analyst, question)
    assert b"/v1/embed" in sent.requests[0]
    asked, *live = [body["texts"] for body in bodies(sent.requests, "/v1/embed")]
    assert asked == [question]
    assert live == [] if indexed else len(live[0]) > 40
    assert len(sent.tables) == 40
    assert table in sent.tables


def test_a_table_made_a_second_ago_is_found_in_a_large_scope(
    database: Database, admin: Connection, analyst: Connection
) -> None:
    make_many(admin)
    refresh(database, admin)
    admin.execute("select nl2sql.set_setting('max_tables', '2'); grant create on schema public to analyst")
    with analyst.transaction(force_rollback=True):
        analyst.execute("create table walruses (id int, tusk_length int)")
        assert "walruses" in ask(database, analyst, "longest tusk of the walruses").tables
    with analyst.transaction():
        analyst.execute("set transaction read only")
        assert "penguins" in ask(database, analyst, "species of penguins").tables


DISTANCES = "select relid::regclass::text from nl2sql._distances(%s::oid[], %s, %s) order by distance"


def oids(connection: Connection) -> list[int]:
    rows = connection.execute("select relid::bigint from nl2sql._readable('search_path', '{public}', null)")
    return [relid for (relid,) in rows.fetchall()]


def test_distances_are_exact(database: Database, admin: Connection, analyst: Connection) -> None:
    make_many(admin, 10)
    refresh(database, admin)
    vector = str(embed("penguins species weight kg"))
    rows = analyst.execute(DISTANCES.encode(), (oids(analyst), vector, EMBEDDER)).fetchall()
    exact = admin.execute("""
        select relid::regclass::text from nl2sql._index where attnum = 0
        order by embedding <=> %s::vector""", (vector,)).fetchall()  # fmt: skip
    assert rows[0] == ("penguins",)
    assert len(exact) == 15
    assert rows == exact


def test_vectors_of_another_model_are_not_compared(database: Database, admin: Connection, analyst: Connection) -> None:
    refresh(database, admin)
    for vector, embedder, compared in (
        (embed("orders"), EMBEDDER, True),
        (embed("orders"), "another model", False),
        (embed("orders", 16), EMBEDDER, False),
    ):
        rows = analyst.execute(DISTANCES.encode(), (oids(analyst), str(vector), embedder)).fetchall()
        assert bool(rows) is compared


CANDIDATES = """
    select relid::regclass::text, distance, words
    from nl2sql._candidates(
        'database', '{}', array(select relid from nl2sql._readable('database', '{}', nl2sql._many())), %s, %s, %s, '{}')
"""


def candidates(connection: Connection, question: str) -> dict[str, Any]:
    rows = connection.execute(CANDIDATES.encode(), (question, str(embed(question)), EMBEDDER)).fetchall()
    return {name: (distance, words) for name, distance, words in rows}


def test_what_is_hidden_moves_nothing(database: Database, admin: Connection, analyst: Connection) -> None:
    """The same candidates, distances and weights, whether or not tables exist that the caller may not read."""
    make_many(admin, 10)
    refresh(database, admin)
    before = candidates(analyst, "species of the penguins")
    assert before["penguins"][1].keys() == {"penguin", "speci"}
    admin.execute("""
        do $$ begin
            for n in 1..30 loop
                execute format('create table penguins_%s (id int primary key, species text)', n);
            end loop;
        end $$;
        create table half_hidden (id int, penguins text);
        grant select (id) on half_hidden to analyst;
    """)
    refresh(database, admin)
    after = candidates(analyst, "species of the penguins")
    del after["half_hidden"]
    # one more readable table moves the weight of every word by the same, hidden ones by nothing
    assert {name: distance for name, (distance, _) in after.items()} == {n: d for n, (d, _) in before.items()}
    assert {name: set(words) for name, (_, words) in after.items()} == {n: set(w) for n, (_, w) in before.items()}
    ratio = {w[0] for _, words in after.values() for w in words.values()}
    assert len(ratio) == len({w[0] for _, words in before.values() for w in words.values()})


def test_words_of_hidden_columns_are_no_candidates(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("create table half_hidden (id int, walrus text); grant select (id) on half_hidden to analyst")
    refresh(database, admin)
    assert candidates(analyst, "walrus")["half_hidden"][1] == {}
    assert candidates(admin, "walrus")["half_hidden"][1].keys() == {"walrus"}
    found = analyst.execute("select count(*) from nl2sql._index_word where word = 'walrus'").fetchone()
    assert found == (0,)


def test_a_scope_of_very_many_relations(database: Database, admin: Connection, analyst: Connection) -> None:
    """The vector index preselects, and words that nearly all have are left out; of the caller's own relations only."""
    make_many(admin, 160)
    admin.execute("create table penguins_hidden (id int, species text)")
    refresh(database, admin)
    few = candidates(analyst, "species of the filler penguins")
    admin.execute("create or replace function nl2sql._many() returns int immutable language sql as 'select 20'")
    many = candidates(analyst, "species of the filler penguins")
    assert any("filler" in words for _, words in few.values())
    assert not any("filler" in words for _, words in many.values())
    assert many["penguins"][1].keys() == few["penguins"][1].keys() == {"penguin", "speci"}
    # a vector index may overlook some: what it finds instead of them has its true distance, too
    shared = many.keys() & few.keys()
    assert 150 <= len(many) <= len(few) + 5 and len(shared) >= 140
    assert all(many[name][0] == few[name][0] is not None for name in shared)


def test_words_follow_a_change(database: Database, admin: Connection) -> None:
    admin.execute("create table tall (id int, height int)")
    refresh(database, admin)
    admin.execute("alter table tall rename height to stature; comment on table tall is '身高记录'")
    refresh(database, admin)
    words = admin.execute("select word from nl2sql._index_word where relid = 'tall'::regclass order by word").fetchall()
    assert {"statur", "tall", "身高", "高记", "记录"} <= {word for (word,) in words}
    assert ("height",) not in words
    admin.execute("alter table tall drop column stature")
    assert admin.execute("select count(*) from nl2sql._index_word where word = 'statur'").fetchone() == (0,)


def test_a_scope_of_one_schema(database: Database, admin: Connection, analyst: Connection) -> None:
    make_many(admin, 5)
    admin.execute("create schema other; create table other.penguins_too (id int, species text)")
    admin.execute("grant usage on schema other to analyst; grant select on other.penguins_too to analyst")
    refresh(database, admin)
    query = CANDIDATES.replace("'database', '{}'", "'search_path', '{other}'")
    rows = analyst.execute(query.encode(), ("penguins", None, None)).fetchall()
    assert [name for name, *_ in rows] == ["other.penguins_too"]


def test_the_vector_index_serves_nearest_neighbours(database: Database, admin: Connection) -> None:
    admin.execute("create role analyst"), make_many(admin, 30)  # type: ignore[func-returns-value]
    refresh(database, admin)
    admin.execute("set enable_seqscan = off")
    query = f"""select relid::regclass::text from nl2sql._index where dimension = 384 and attnum = 0
        order by embedding::vector(384) <=> '{embed("penguin species")}' limit 1"""
    plan = "\n".join(line for (line,) in admin.execute(f"explain {query}".encode()))
    assert "_index_embedding_384" in plan
    assert admin.execute(query.encode()).fetchone() == ("penguins",)
    admin.execute("drop owned by analyst; drop role analyst")


# When it can't be stored.


def test_without_a_sidecar(admin: Connection) -> None:
    admin.execute("create table waiting (id int)")
    assert refused(admin, REFRESH).sqlstate == "NL001"


def test_without_an_embedder(database: Database, admin: Connection) -> None:
    admin.execute("create table waiting (id int)")
    error = {
        "sqlstate": "NL310",
        "message": "the embedding model is missing",
        "detail": "No vectors.",
        "hint": "Pull it.",
    }
    with peer(database.socket, says(http({"protocol": 1, "error": error}, status=503))):
        assert refused(admin, REFRESH).sqlstate == "NL310"


BAD_EMBEDDINGS: dict[str, list[object]] = {
    "too_few": [],
    "no_list": ["x"],
    "text_inside": [["x"] * 384],
    "empty": [[]],
    "null": [None],
    "infinite": [[1e999] * 384],
    "flag": [[True] * 384],
}


@pytest.mark.parametrize("vectors", BAD_EMBEDDINGS.values(), ids=BAD_EMBEDDINGS)
def test_bad_embeddings_are_refused(database: Database, admin: Connection, vectors: list[object]) -> None:
    admin.execute("create view only_one as select 1 as n")

    def behave(connection: object, request: bytes) -> None:
        count = len(bodies([request], "/v1/embed")[0]["texts"])
        answer = {"protocol": 1, "embedder": "e", "dimension": 384, "embeddings": vectors * count}
        connection.sendall(http(answer))  # type: ignore[attr-defined]

    with peer(database.socket, behave):
        assert refused(admin, REFRESH).sqlstate == "NL005"
    assert admin.execute("select count(*) from nl2sql._index").fetchone() == (0,)


def fill(admin: Connection) -> None:
    admin.execute("""
        do $$ begin
            for n in 1..40 loop
                execute format('create table wide_%s (%s)', n,
                    (select string_agg(format('column_%s_of_%s text', c, n), ', ') from generate_series(1, 20) as c));
            end loop;
        end $$""")


def test_disk_full_under_the_index(database: Database, admin: Connection) -> None:
    folder = database.socket.parent / "tiny"
    with full_disk(database.cluster, admin, "nl2sql._index", folder) as full:
        assert_survives(database, admin, full)


def test_file_too_large_under_the_index(database: Database, admin: Connection) -> None:
    assert_survives(database, admin, lambda: file_size_limit(database.cluster, admin, "nl2sql._index"))


def assert_survives(database: Database, admin: Connection, full: Callable) -> None:  # type: ignore[type-arg]
    """NL203 while there is no room, the same session and server afterwards, and then a whole index."""
    (started, pid) = admin.execute("select pg_postmaster_start_time(), pg_backend_pid()").fetchone() or ()
    fill(admin)
    with full(), peer(database.socket, answers()):
        error = refused(admin, REFRESH)
        assert error.sqlstate == "NL203"
        assert "could not extend file" in str(error.diag.message_detail)
        admin.execute("create table meanwhile (id int)")
    assert admin.execute("select count(*) from nl2sql._index").fetchone() == (0,)
    assert refresh(database, admin) == 41
    assert status(admin)[0] == "fresh"
    assert admin.execute("select pg_postmaster_start_time(), pg_backend_pid()").fetchone() == (started, pid)


def test_ddl_asks_about_what_it_touched_only(shapes: Connection) -> None:
    """Not about every relation of the database: with 10 000 tables that took seconds for each DDL."""
    with shapes.transaction():
        shapes.execute("set local track_functions = 'all'; create table touched (id int)")
        calls = shapes.execute("""
            select coalesce(sum(calls), 0) from pg_stat_xact_user_functions where funcname = '_is_user_relation'
        """).fetchone()  # fmt: skip
    assert calls is not None
    assert calls[0] < 10
