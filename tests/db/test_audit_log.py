"""The log as auditors see it, and that no change of it goes unseen: real service, real chain, hostile superuser."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection
from tests.db.test_question_errors import refused
from tests.support.auditing import eventually
from tests.support.live_audit import Audited, audited
from tools.cluster import Cluster

ASK = "select nl2sql('how many orders are there')"
PROBLEMS = "select problem from nl2sql.audit_verify()"


@pytest.fixture(scope="module")
def live(cluster: Cluster, template: str) -> Iterator[Audited]:
    with audited(cluster, template) as running:
        with running.database.connect() as admin:
            admin.execute("create table orders (id int); create table secrets (id int)")
            admin.execute("create role asker login in role nl2sql_user; grant select on orders to asker")
            admin.execute("create role watcher login in role nl2sql_auditor")
            admin.execute("create role boss login in role nl2sql_admin")
        with running.database.connect("asker") as asker:
            for _ in range(20):
                asker.execute(ASK)
        running.settle()
        yield running
        with running.database.connect() as admin:
            admin.execute("drop owned by asker, watcher, boss; drop role asker, watcher, boss")


@pytest.fixture
def admin(live: Audited) -> Iterator[Connection]:
    with live.database.connect() as connection:
        yield connection


@pytest.fixture
def asker(live: Audited) -> Iterator[Connection]:
    with live.database.connect("asker") as connection:
        yield connection


@pytest.fixture
def watcher(live: Audited) -> Iterator[Connection]:
    with live.database.connect("watcher") as connection:
        yield connection


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row and row[0]


# What is in it.


def test_questions_are_in_the_log(live: Audited, watcher: Connection) -> None:
    rows = watcher.execute(
        "select event, action, role, session_role, question, sql, verdict, member_of, confidence"
        " from nl2sql.audit_log where role = 'asker' order by at limit 2"
    ).fetchall()
    common = ("ask", "asker", "asker", "how many orders are there")
    assert rows[0] == ("intent", *common, None, None, ["nl2sql_user"], None)
    assert rows[1][:5] == ("outcome", *common) and rows[1][5:7] == ("SELECT 1", "answered")
    assert 0 < rows[1][8] <= 1000


def test_every_intent_has_one_outcome(live: Audited, admin: Connection) -> None:
    pairs = """
        select array_agg(event order by event) from nl2sql._audit where action = 'ask' group by id"""
    assert {tuple(events) for (events,) in admin.execute(pairs)} == {("intent", "outcome")}


def test_columns_have_their_types(watcher: Connection) -> None:
    row = watcher.execute(
        "select at, pid, backend_start, in_recovery, tables, milliseconds, id, seq, hash from nl2sql.audit_log"
        " where event = 'outcome' limit 1"
    )
    types = [column.type_display for column in row.description or []]
    assert types == ["timestamptz", "int8", "timestamptz", "bool", "text[]", "int8", "uuid", "int8", "text"]
    (found,) = row.fetchall()
    assert found[2] < found[0] and found[3] is False


def test_time_zone_and_style_change_nothing(live: Audited, watcher: Connection) -> None:
    watcher.execute("set timezone = 'Asia/Kathmandu'; set datestyle = 'sql, dmy'; set bytea_output = 'escape'")
    assert value(watcher, "select count(*) from nl2sql.audit_log where at > now() - interval '1 hour'") >= 40
    assert watcher.execute(PROBLEMS).fetchall() == []


def test_administrators_are_on_record(live: Audited) -> None:
    with live.database.connect("boss") as boss:
        boss.execute("select nl2sql.set_setting('max_tables', '7')")
        boss.execute("begin; select nl2sql.set_setting('max_tables', '8'); rollback")
        boss.execute("select nl2sql.define_term('active customer', 'ordered lately')")
        boss.execute("select nl2sql.define_join('orders', '{id}', 'secrets', '{id}', false)")
    live.settle()
    with live.database.connect("watcher") as watcher:
        rows = watcher.execute(
            "select action, details::jsonb from nl2sql.audit_log"
            " where role = 'boss' and event = 'event' order by at, seq"
        ).fetchall()
    assert [action for action, _ in rows] == ["set_setting", "define_term", "define_join"]
    assert rows[0][1] == {"name": "max_tables", "value": "7"}, "what was rolled back was not done"
    assert rows[2][1]["from_columns"] == ["id"] and rows[2][1]["allowed"] is False


def test_nothing_is_left_in_the_outbox_and_nothing_twice(live: Audited, admin: Connection) -> None:
    live.settle()
    assert value(admin, "select count(*) from nl2sql._audit_outbox") == 0
    doubled = "select count(*) from (select id, event from nl2sql._audit group by id, event having count(*) > 1) as d"
    assert value(admin, doubled) == 0


# Who looks at it.


def reads(admin: Connection) -> int:
    return int(value(admin, "select count(*) from nl2sql._audit where action = 'audit_read'"))


def test_reading_is_on_record(live: Audited, admin: Connection, watcher: Connection) -> None:
    before = reads(admin)
    watcher.execute("select count(*) from nl2sql.audit_log where role = 'asker'")
    live.settle()
    assert reads(admin) == before + 1, "once a statement, however many rows"
    last = "select record ->> 'role', record ->> 'sql' from nl2sql._audit where action = 'audit_read' order by at desc"
    assert admin.execute(last).fetchone() == ("watcher", "select count(*) from nl2sql.audit_log where role = 'asker'")


def test_reading_in_a_read_only_transaction_that_is_undone(
    live: Audited, admin: Connection, watcher: Connection
) -> None:
    before = reads(admin)
    watcher.execute("begin transaction read only")
    assert watcher.execute("select * from nl2sql.audit_log limit 1").fetchall()
    watcher.execute("rollback")
    live.settle()
    assert reads(admin) == before + 1


@contextlib.contextmanager
def without_sidecar(live: Audited, admin: Connection) -> Iterator[None]:
    """The database looks for it where nobody is."""
    admin.execute("select nl2sql.set_setting('socket_path', '/nonexistent/s.sock')")
    try:
        yield
    finally:
        admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(live.database.socket),))


@pytest.mark.parametrize("query", ["select * from nl2sql.audit_log limit 1", "select * from nl2sql.alert", PROBLEMS])
def test_no_record_no_reading(live: Audited, admin: Connection, watcher: Connection, query: str) -> None:
    with without_sidecar(live, admin):
        assert refused(watcher, query).sqlstate == "NL601"


def test_a_leaky_function_sees_nothing_first(live: Audited, admin: Connection) -> None:
    """A condition of the reader's own runs behind the record of the reading."""
    admin.execute(
        "create function pg_temp.peep(text) returns boolean language plpgsql cost 0.0001 as"
        " $$ begin raise notice 'seen %', $1; return true; end $$"
    )
    seen: list[str] = []
    admin.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
    query = "select count(*) from nl2sql.audit_log where pg_temp.peep(question)"
    with without_sidecar(live, admin):
        assert refused(admin, query).sqlstate == "NL601"
    assert seen == []
    admin.execute(query.encode())
    assert "seen how many orders are there" in seen


def test_pruning_through_the_view(watcher: Connection) -> None:
    plan = watcher.execute("explain select * from nl2sql.audit_log where at > now() - interval '1 hour' and role = 'x'")
    text = "\n".join(line for (line,) in plan)
    assert "Index" in text and "Seq Scan on _audit" not in text


@pytest.mark.parametrize("role", ["nl2sql_user", "nl2sql_developer", "nl2sql_admin", "nl2sql_sidecar"])
def test_nobody_else_reads(admin: Connection, role: str) -> None:
    admin.execute("begin")
    admin.execute(f"create role someone in role {role}; set local role someone".encode())
    for query in (
        "select * from nl2sql.audit_log", "select * from nl2sql.alert", "select * from nl2sql._audit",
        "select * from nl2sql._audit_outbox", "select nl2sql.audit_verify()", "select nl2sql.audit_retain()",
        "select nl2sql._audit_note('mask', '{}')", "table nl2sql._audit_other", "select nl2sql.audit_heads()",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege), admin.transaction():
            admin.execute(query.encode())
    admin.execute("rollback")


WRITES = [
    "insert into nl2sql._audit select * from nl2sql._audit", "update nl2sql._audit set action = 'x'",
    "delete from nl2sql._audit", "truncate nl2sql._audit", "select nl2sql._audit_append('[]')",
    "select nl2sql.audit_retain()", "alter table nl2sql._audit disable trigger all", "select nl2sql._audit_look()",
    "select * from nl2sql._audit", "select * from orders", "select nl2sql('how many')",
    "drop table nl2sql._audit_other",
]  # fmt: skip


@pytest.mark.parametrize("statement", WRITES)
def test_the_auditor_reads_and_does_nothing_else(watcher: Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        watcher.execute(statement.encode())


# Nobody changes it by mistake; whoever does it on purpose is found out.

PARTITION = "(select format('nl2sql._audit_%s', to_char(now() at time zone 'utc', 'YYYY_MM')))"


@pytest.fixture
def month(admin: Connection) -> str:
    """The partition of today."""
    return str(value(admin, f"select {PARTITION}"))


def test_every_partition_is_append_only(admin: Connection, month: str) -> None:
    admin.execute("set session_replication_role = replica")
    for table in ("nl2sql._audit", month, "nl2sql._audit_other"):
        for statement in (
            "update {} set action = 'x'",
            "delete from {}",
            "truncate {}",
            "delete from only {} where false",
        ):
            error = refused(admin, statement.format(table))
            assert error.sqlstate == "42501" and "append-only" in str(error.diag.message_primary)


def test_partitions_are_made_ahead(admin: Connection) -> None:
    wanted = """
        select to_regclass('nl2sql._audit_' || to_char(now() at time zone 'utc' + n * interval '1 month', 'YYYY_MM'))
            is not null from generate_series(0, 3) as n"""
    assert admin.execute(wanted).fetchall() == [(True,)] * 4
    assert admin.execute("select nl2sql._audit_unprotected()").fetchall() == []


def test_it_verifies(live: Audited, watcher: Connection) -> None:
    assert watcher.execute(PROBLEMS).fetchall() == []
    assert watcher.execute("select * from nl2sql.audit_verify(now() - interval '1 minute', now())").fetchall() == []
    assert watcher.execute("select * from nl2sql.audit_verify('infinity', null)").fetchall() == []


MIDDLE = "chain = (select chain from nl2sql._audit_chain) and seq = 20"
TAMPERED = {
    "a question changed": f"update t set record = jsonb_set(record, '{{question}}', '\"other\"') where {MIDDLE}",
    "a role changed in the column only": f"update t set role = 'nobody' where {MIDDLE}",
    "a time changed in the column only": f"update t set at = at + interval '1 microsecond' where {MIDDLE}",
    "both changed alike": f"update t set role = 'x', record = jsonb_set(record, '{{role}}', '\"x\"') where {MIDDLE}",
    "a hash changed": f"update t set hash = sha256('x') where {MIDDLE}",
    "a field added": f"update t set record = record || '{{\"rows\": 1}}' where {MIDDLE}",
    "a field removed": f"update t set record = record - 'question' where {MIDDLE}",
    "an entry removed": f"delete from t where {MIDDLE}",
    "the first entry removed": "delete from t where seq = 1",
    "the tail cut": "delete from t where seq > (select max(seq) - 3 from t)",
    "the tail cut, and the head with it":
        "with gone as (delete from t where seq > 10 returning 1) update nl2sql._audit_chain set seq = 10",
    "all removed": "with gone as (delete from t returning 1) delete from nl2sql._audit_chain",
    "two swapped":
        "/* without its index */ update t set seq = case seq when 20 then 21 else 20 end where seq in (20, 21)",
    "one doubled": "/* without its index */ "
        "insert into t select chain, seq, at + interval '1 second', id, event, action, role, session_role, sqlstate,"
        " prev, hash, record from t where seq = 20",
    "one forged at the end":
        "insert into t select chain, (select max(seq) + 1 from t), at, id, event, action, role, session_role, sqlstate,"
        " hash, sha256('x'), record from t where seq = 20",
    "gone as if by retention":
        "with gone as (delete from t where seq <= 10 returning seq, hash)"
        " update nl2sql._audit_chain set dropped_seq = 10, dropped_hash = (select hash from gone where seq = 10)",
}  # fmt: skip


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_a_superuser_is_found_out(admin: Connection, month: str, statement: str) -> None:
    """He can disable the triggers; he can't sign."""
    admin.execute("begin")
    admin.execute(f"alter table {month} disable trigger all".encode())
    admin.execute(f"create temporary view t as select * from {month}".encode())
    if "without its index" in statement:
        admin.execute(f"drop index {month}_once".encode())
    assert admin.execute(statement.encode()).rowcount > 0
    admin.execute("select nl2sql._audit_protect(%s)", (month,))
    found = [problem for (problem,) in admin.execute(PROBLEMS)]
    admin.execute("rollback")
    assert found


MALFORMED = {
    "an empty hash": "update t set hash = '' where seq = 10",
    "a short hash before it": "update t set prev = 'x' where seq = 10",
    "a record that is no object": "update t set record = '[1]' where seq = 10",
    "a number that no record has": "update t set record = record || '{\"rows\": 1e400}' where seq = 10",
    "a record within the record": "update t set record = record || '{\"rows\": {\"a\": [[1]]}}' where seq = 10",
    "a record that is too large":
        "update t set record = record || jsonb_build_object('sql', repeat('x', 9000000)) where seq = 10",
    "a number below the first": "update t set seq = -10 where seq = 10",
    "a head of retention without a hash":
        "with gone as (delete from t where seq <= 10)"
        " update nl2sql._audit_chain set dropped_seq = 10, dropped_hash = ''",
}  # fmt: skip


@pytest.mark.parametrize("statement", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_entry_hides_no_other(admin: Connection, month: str, statement: str) -> None:
    """Nor does it end the verification: NL602 would be less alarming than what there is to say."""
    admin.execute("begin")
    admin.execute(f"alter table {month} disable trigger all".encode())
    admin.execute(f"create temporary view t as select * from {month}".encode())
    assert admin.execute(statement.encode()).rowcount > 0
    admin.execute("update t set role = 'x' where seq = 15")
    admin.execute("select nl2sql._audit_protect(%s)", (month,))
    found = admin.execute("select seq, problem from nl2sql.audit_verify()").fetchall()
    admin.execute("rollback")
    assert (15, "the columns beside the record differ from it") in found
    assert {seq for seq, _ in found if seq != 15} & {10, -10, 11, None}
    assert {seq for seq, _ in found} <= {None, -10, 10, 11, 15}


def test_missing_triggers_are_told_noted_and_mended(live: Audited, admin: Connection, month: str) -> None:
    admin.execute("begin")
    admin.execute(f"drop trigger audit_keep on {month}".encode())
    problems = [problem for (problem,) in admin.execute(PROBLEMS)]
    admin.execute("commit")
    assert problems == [f"{month} lacks a trigger that keeps it append-only"]
    eventually(lambda: value(admin, "select count(*) from nl2sql._audit_unprotected()") == 0)
    live.settle()
    said = "select count(*) from nl2sql._audit where action = 'audit_unprotected'"
    assert value(admin, said) == 1
    said = "select record -> 'tables' from nl2sql._audit where action = 'drop' and record::text ~ 'audit_keep'"
    assert value(admin, said) == [f"trigger audit_keep on {month}"]


def test_a_verification_that_finds_something_raises_an_alert(live: Audited, admin: Connection, month: str) -> None:
    admin.execute("begin")
    admin.execute(f"alter table {month} disable trigger all".encode())
    admin.execute(f"update {month} set role = 'nobody' where {MIDDLE}".encode())
    assert admin.execute(PROBLEMS).fetchall()
    admin.execute("rollback")
    live.settle()
    assert value(admin, "select count(*) from nl2sql._audit_alert where kind = 'verify'") >= 1


# Retention.

OLD = """
    select nl2sql._audit_partition('2024-03-15 12:00+00'), nl2sql._audit_partition('2024-04-15 12:00+00')"""


def test_retention(live: Audited, admin: Connection) -> None:
    """Old months with entries that the service has signed itself, sent with old times."""
    admin.execute(OLD)
    moments = [
        "2024-03-10T00:00:00",
        "2024-03-31T23:59:59",
        "2024-04-01T00:00:01",
        "2024-03-31T23:59:58",
        "2024-04-20T00:00:00",
    ]
    live.sidecar.post("/v1/audit", {"database": live.database.name, "records": [old_record(admin, m) for m in moments]})
    live.settle()
    assert admin.execute(PROBLEMS).fetchall() == []
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="too few"):
        admin.execute("select nl2sql.audit_retain(6)")
    rows = admin.execute("select partition, entries from nl2sql.audit_retain(12, true)").fetchall()
    assert rows == [("_audit_2024_03", 3), ("_audit_2024_04", 2)]
    first = "select nl2sql.audit_retain(extract(year from age(now(), '2024-04-01'))::int * 12"
    admin.execute(f"{first} + extract(month from age(now(), '2024-04-01'))::int)".encode())
    assert value(admin, "select to_regclass('nl2sql._audit_2024_03') is null")
    assert value(admin, "select to_regclass('nl2sql._audit_2024_04') is not null")
    live.settle()
    assert admin.execute(PROBLEMS).fetchall() == [], "what the last dropped month left behind is no problem"
    admin.execute("select nl2sql.audit_retain()")
    live.settle()
    assert value(admin, "select to_regclass('nl2sql._audit_2024_04') is null")
    assert admin.execute(PROBLEMS).fetchall() == []
    assert value(admin, "select dropped_seq > 0 from nl2sql.audit_heads()")


def old_record(admin: Connection, moment: str) -> dict[str, Any]:
    row = admin.execute(
        "select nl2sql._audit_session('asker') || jsonb_build_object('event', 'event', 'action', 'ask',"
        " 'at', nl2sql._audit_microseconds((%s || '+00')::timestamptz))",
        (moment,),
    ).fetchone()
    assert row is not None
    return dict(row[0])


# Alerts.


def test_alerts(live: Audited, admin: Connection, asker: Connection, watcher: Connection) -> None:
    heard: list[dict[str, Any]] = []
    with live.database.connect("asker") as listener:
        listener.execute("listen nl2sql_alert")
        with live.database.connect("boss") as boss:
            boss.execute("select nl2sql.set_setting('alert_refusals', '3')")
        for _ in range(4):
            refused(asker, "select nl2sql('  ')")
        live.settle()
        heard += [json.loads(note.payload) for note in listener.notifies(timeout=2, stop_after=2)]
    rows = watcher.execute("select kind, action, role, detail from nl2sql.alert").fetchall()
    assert ("policy", "set_setting", "boss", '{"name": "alert_refusals", "value": "3"}') in rows
    bursts = [row for row in rows if row[0] == "burst" and "refused" in row[3]]
    assert bursts == [("burst", "ask", "asker", "3 refused actions within a minute")]
    assert {"policy", "burst"} <= {alert["kind"] for alert in heard}
    assert all(set(alert) == {"alert", "kind"} for alert in heard), "anybody may listen"


def test_a_denied_object_raises_an_alert(live: Audited, admin: Connection) -> None:
    record = old_record(admin, "2026-11-22T12:00:00") | {"event": "outcome", "sqlstate": "42501", "action": "run"}
    guard = old_record(admin, "2026-11-22T12:00:00") | {"event": "outcome", "sqlstate": "NL405", "action": "run"}
    live.sidecar.post("/v1/audit", {"database": live.database.name, "records": [record, guard]})
    live.settle()
    found = "select kind from nl2sql._audit_alert where record_id = any (%s) order by kind"
    assert admin.execute(found, ([record["id"], guard["id"]],)).fetchall() == [("denied",), ("guard",)]


def changes(admin: Connection, action: str) -> list[dict[str, Any]]:
    query = "select (record ->> 'details')::jsonb from nl2sql._audit where action = %s order by at, seq"
    return [details for (details,) in admin.execute(query, (action,))]


def test_memberships_are_on_record(live: Audited, admin: Connection) -> None:
    admin.execute("create role go_between; create role climber login; grant nl2sql_admin to go_between")
    admin.execute("grant go_between to climber")
    eventually(lambda: any("climber is a member of go_between" in c["added"] for c in changes(admin, "role_change")))
    if admin.info.server_version >= 160_000:
        admin.execute("grant go_between to climber with inherit false, set false")
        line = "climber is a member of go_between without inherit without set"
        eventually(lambda: any(line in c["added"] for c in changes(admin, "role_change")))
    admin.execute("alter role climber bypassrls")
    eventually(lambda: any("climber passes row security" in c["added"] for c in changes(admin, "role_change")))
    admin.execute("drop role climber, go_between")
    eventually(lambda: any("climber passes row security" in c["removed"] for c in changes(admin, "role_change")))
    assert value(admin, "select count(*) from nl2sql._audit_alert where kind = 'rights'")


def test_rights_and_ddl_are_on_record(live: Audited, admin: Connection) -> None:
    admin.execute("grant select on nl2sql._audit to boss")
    admin.execute("revoke select on nl2sql._audit from boss")
    admin.execute("begin; grant execute on function nl2sql._audit_append(jsonb) to boss; rollback")
    admin.execute("do $$ begin execute 'grant execute on function nl2sql._audit_look() to boss'; end $$")
    admin.execute("revoke execute on function nl2sql._audit_look() from boss")
    admin.execute("grant select on orders to boss; revoke select on orders from boss")
    admin.execute("create table nl2sql.planted (id int); drop table nl2sql.planted")
    admin.execute(
        "alter event trigger nl2sql_on_audited_drop disable; alter event trigger nl2sql_on_audited_drop enable"
    )
    live.settle()
    found = [(c["added"], c["removed"]) for c in changes(admin, "rights_change")]
    assert (["nl2sql._audit: boss=r/postgres"], []) in found and ([], ["nl2sql._audit: boss=r/postgres"]) in found
    assert (["nl2sql._audit_look(): boss=X/postgres"], []) in found
    assert "_audit_append" not in str(found) and "orders" not in str(found)
    statement = (
        "select record ->> 'sql' from nl2sql._audit where action = 'rights_change' and record ->> 'sql' ~ '^grant'"
    )
    assert value(admin, statement) == "grant select on nl2sql._audit to boss"
    assert value(admin, "select count(*) from nl2sql._audit where action = 'ddl' and record::text ~ 'planted'") == 1
    assert value(admin, "select count(*) from nl2sql._audit where action = 'drop' and record::text ~ 'planted'") == 1


def test_other_peoples_ddl_is_not(live: Audited, admin: Connection, asker: Connection) -> None:
    live.settle()
    before = value(admin, "select count(*) from nl2sql._audit where event = 'event'")
    asker.execute("create temporary table mine (id int); alter table mine add x int; drop table mine")
    live.settle()
    assert value(admin, "select count(*) from nl2sql._audit where event = 'event'") == before


# Delivery.


def test_delivered_again_and_out_of_step(admin: Connection) -> None:
    """Nothing twice, nothing lost, and a hole is told of."""
    admin.execute("begin")
    chain = "00000000-0000-4000-8000-000000000001"
    entries = [
        {
            "chain": chain,
            "seq": n,
            "prev": "00" * 32,
            "hash": "11" * 32,
            "record": old_record(admin, "2026-11-22T12:00:00"),
        }
        for n in (1, 2, 3, 7)
    ]
    append = "select (nl2sql._audit_append(%s) ->> 'stored')::int"
    assert value(admin, append, json.dumps(entries[:2])) == 2
    assert value(admin, append, json.dumps(entries[:3])) == 3
    assert value(admin, append, json.dumps(entries[:1])) == 3
    assert value(admin, append, json.dumps(entries[3:])) == 7
    assert value(admin, "select count(*) from nl2sql._audit where chain = %s", chain) == 4
    told = "select detail from nl2sql._audit_alert where kind = 'audit' and detail like '%%' || %s || '%%'"
    assert value(admin, told, chain) == f"entries after 3 of chain {chain} are missing"
    admin.execute("rollback")


@pytest.mark.parametrize("at", [-(2**63), -1, 0, 4_102_444_800_000_000, 2**63 - 1])
def test_a_clock_that_is_off_refuses_no_record(admin: Connection, at: int) -> None:
    admin.execute("begin")
    record = old_record(admin, "2026-11-22T12:00:00") | {"at": at}
    entry = {"chain": record["id"], "seq": 1, "prev": "00" * 32, "hash": "11" * 32, "record": record}
    admin.execute("select nl2sql._audit_append(%s)", (json.dumps([entry]),))
    assert (
        value(admin, "select tableoid::regclass::text from nl2sql._audit where id = %s", record["id"])
        == "nl2sql._audit_other"
    )
    assert not admin.execute("select from nl2sql._audit_page(%s, 0, 1, 1) where differs", (record["id"],)).fetchall()
    admin.execute("rollback")


def test_a_partition_that_is_in_use_delays_nobody_for_long(live: Audited, admin: Connection) -> None:
    """Somebody reads the whole log while a month's partition is missing: the record goes to the rest."""
    with live.database.connect() as reader:
        reader.execute("begin; select count(*) from nl2sql._audit")
        admin.execute("begin")
        admin.execute("set local lock_timeout = '10s'")
        record = old_record(admin, "2026-06-15T12:00:00")
        entry = {"chain": record["id"], "seq": 1, "prev": "00" * 32, "hash": "11" * 32, "record": record}
        admin.execute("select nl2sql._audit_append(%s)", (json.dumps([entry]),))
        assert (
            value(admin, "select tableoid::regclass::text from nl2sql._audit where id = %s", record["id"])
            == "nl2sql._audit_other"
        )
        admin.execute("rollback")


def test_many_at_once(live: Audited, admin: Connection) -> None:
    def ask() -> None:
        with live.database.connect("asker") as connection:
            for _ in range(5):
                connection.execute(ASK)

    before = value(admin, "select count(*) from nl2sql._audit where action = 'ask'")
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    live.settle()
    assert value(admin, "select count(*) from nl2sql._audit where action = 'ask'") == before + 80
    assert admin.execute(PROBLEMS).fetchall() == []
