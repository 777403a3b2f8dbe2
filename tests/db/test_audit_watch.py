"""Roles and rights stay watched, and actions on record, whatever locks others hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar.journal.delivery import Delivery
from tests.conftest import Connection
from tests.support.auditing import eventually
from tests.support.live_audit import Audited, audited
from tools.cluster import Cluster


@pytest.fixture(scope="module")
def live(cluster: Cluster, template: str) -> Iterator[Audited]:
    with audited(cluster, template) as running:
        with running.database.connect() as admin:
            admin.execute("create role visitor login; create role granter login")
        running.settle()
        yield running
        with running.database.connect() as admin:
            admin.execute("drop owned by visitor, granter cascade; drop role visitor, granter")


@pytest.fixture
def admin(live: Audited) -> Iterator[Connection]:
    with live.database.connect() as connection:
        yield connection


def noted(admin: Connection, action: str, text: str) -> bool:
    query = "select exists (select from nl2sql._audit where action = %s and record::text ~ %s)"
    row = admin.execute(query, (action, text)).fetchone()
    return row == (True,)


def head(live: Audited) -> int:
    """The number of the last record that was signed."""
    found = live.sidecar.post("/v1/audit/head", {"database": live.database.name})["heads"]
    return int(found[0]["seq"])


def test_an_advisory_lock_stops_no_look(live: Audited, admin: Connection) -> None:
    with live.database.connect("visitor") as visitor:
        visitor.execute("select pg_advisory_lock(oid::bigint) from pg_class where relname = '_audit_state'")
        visitor.execute("select pg_advisory_lock_shared(n) from generate_series(1, 50) as n")
        admin.execute("alter role visitor createrole")
        eventually(lambda: noted(admin, "role_change", "visitor creates roles"))


def test_an_open_grant_blocks_nobody(live: Audited, admin: Connection) -> None:
    """Neither other grants, nor the look, nor what administrators do."""
    with live.database.connect() as other:
        other.execute("begin")
        other.execute("grant select on nl2sql.settings to granter")
        admin.execute("set lock_timeout = '2s'")
        admin.execute("grant select on nl2sql.alert to visitor")
        admin.execute("select nl2sql.set_setting('max_tables', '11')")
        admin.execute("alter role visitor bypassrls")
        eventually(lambda: noted(admin, "rights_change", "nl2sql.alert: visitor=r"))
        eventually(lambda: noted(admin, "set_setting", "max_tables"))
        eventually(lambda: noted(admin, "role_change", "visitor passes row security"))
        assert not noted(admin, "rights_change", "granter=r")
        other.execute("commit")
    eventually(lambda: noted(admin, "rights_change", "granter=r"))
    admin.execute("revoke select on nl2sql.alert from visitor; revoke select on nl2sql.settings from granter")
    eventually(lambda: admin.execute("select from nl2sql._audit_state where kind ~ '^rights:'").fetchall() == [])


def test_a_look_that_is_held_up_raises_an_alert_and_holds_up_nothing(live: Audited, admin: Connection) -> None:
    with live.database.connect() as other:
        other.execute("begin")
        other.execute("select from nl2sql._audit_state where kind = 'look' for update")
        admin.execute("select nl2sql.set_setting('max_tables', '12')")
        eventually(lambda: noted(admin, "set_setting", '"12'))
        eventually(lambda: noted(admin, "audit_gap", "can't be watched"))
        kinds = "select kind, sqlstate from nl2sql._audit_alert where action = 'audit_gap'"
        assert admin.execute(kinds).fetchall() == [("audit", "55P03")]
        other.execute("rollback")
    admin.execute("alter role visitor nobypassrls")
    eventually(lambda: noted(admin, "role_change", '"removed.*visitor passes row security'))


def test_a_locked_outbox_holds_up_the_delivery_and_raises_an_alert(
    live: Audited, admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write every table may lock it, too: no trigger tells of that."""
    monkeypatch.setattr(Delivery, "lock_timeout", "100ms")
    sidecars = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nl2sql-sidecar'"
    admin.execute("grant pg_write_all_data to visitor")
    with live.database.connect("visitor") as visitor:
        live.settle()
        signed = head(live)
        visitor.execute("begin; lock table nl2sql._audit_outbox in access exclusive mode")
        admin.execute(sidecars)  # the next connection has the short timeout
        eventually(lambda: head(live) > signed)
        visitor.execute("commit")
    admin.execute("select nl2sql.set_setting('max_tables', '13')")
    eventually(lambda: noted(admin, "set_setting", '"13'))
    eventually(lambda: noted(admin, "audit_gap", "could not be delivered"))
    admin.execute("revoke pg_write_all_data from visitor")


@pytest.mark.parametrize("number", [1, 9223372036854775807])
def test_numbers_of_alerts_that_somebody_sets_stop_nothing(live: Audited, admin: Connection, number: int) -> None:
    """Who may write everything may set any sequence; no trigger tells of that."""
    admin.execute("grant pg_write_all_data to visitor")
    live.settle()
    with live.database.connect("visitor") as visitor:
        visitor.execute("select setval('nl2sql._audit_alert_id_seq', %s)", (number,))
    admin.execute("revoke pg_write_all_data from visitor")
    told = "select count(*) from nl2sql._audit_alert where detail ~ 'numbers of alerts'"
    before = admin.execute(told).fetchone()
    admin.execute("select nl2sql.set_setting('max_tables', '14')")
    eventually(lambda: admin.execute(told).fetchone() != before)
    live.settle()


def test_huge_feedback_is_cut_before_it_waits(live: Audited, admin: Connection) -> None:
    """Two rows that don't fit into one value together would stop the uptake of everything."""
    huge = "jsonb_build_object('correct', false, 'question', repeat('q', 2000000), 'sql', repeat('s', 2000000))"
    lists = "jsonb_build_object('tables', array_fill(repeat('t', 2000), array[1500]), 'extra', repeat('e', 2000000))"
    admin.execute("begin")
    admin.execute(f"select nl2sql._feedback_store({huge} || {lists}, '[]')".encode())
    row = admin.execute("select record from nl2sql._audit_outbox where record ->> 'action' = 'feedback'").fetchone()
    admin.execute("rollback")
    assert row
    record = row[0]
    assert [len(record[name]) for name in ("question", "sql", "details")] == [32768] * 3
    assert len(record["tables"]) == 1000 and max(map(len, record["tables"])) == 300


def test_the_outbox_is_read_in_portions(live: Audited, admin: Connection) -> None:
    admin.execute("begin")
    fill = """
        insert into nl2sql._audit_outbox (record)
        select nl2sql._audit_session('visitor')
            || jsonb_build_object('event', 'event', 'action', 'x', 'details', repeat('d', %s))
        from generate_series(1, %s)"""
    admin.execute(fill, (900_000, 9))
    portion = admin.execute("select jsonb_array_length(nl2sql._audit_outbox(500))").fetchone()
    assert portion == (4,)
    admin.execute("delete from nl2sql._audit_outbox")
    admin.execute(fill, (9_000_000, 2))
    row = admin.execute("select nl2sql._audit_outbox(500)").fetchone()
    admin.execute("rollback")
    assert row and [record["details"][:24] for record in row[0]] == ["left out: a record of 90"]
    assert {"id", "event", "action", "at", "session_user", "role"} <= set(row[0][0])


def test_users_name_no_action_of_the_database(live: Audited, admin: Connection) -> None:
    admin.execute("grant nl2sql_user to visitor")
    with live.database.connect("visitor") as visitor:
        told = visitor.execute("select nl2sql._typed('role_change', 'q', '{}', nl2sql._caller())").fetchone()
    assert told and told[0]["error"]["sqlstate"] == "22023"
    admin.execute("revoke nl2sql_user from visitor")
    kinds = "select nl2sql._audit_alert_kind(a, e, null, null) from unnest(%s::text[]) as a, unnest(%s::text[]) as e"
    actions = ["role_change", "rights_change", "ddl", "drop", "audit_gap", "set_setting"]
    assert {k for (k,) in admin.execute(kinds, (actions, ["intent", "outcome"]))} == {None}
    assert None not in {k for (k,) in admin.execute(kinds, (actions, ["event"]))}
