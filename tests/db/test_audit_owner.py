"""Roles that may write every table: they switch no audit off, lose no record and forge none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused

TABLES = (
    "setting", "role_limit", "_audit_outbox", "_audit_alert", "_audit_chain", "_audit_state", "_audit", "_audit_other",
    "_mask", "_mask_view", "_mask_taken", "_mask_clear", "_mask_busy", "_mask_usage", "_mask_execute", "_mask_key",
    "_feedback", "_filter", "_example", "_example_object", "_term", "join_rule", "label_rule", "_index", "_index_word",
    "_index_queue", "_value", "_value_column", "_known_relation", "_known_value",
)  # fmt: skip


def test_no_table_is_forgotten(admin: Connection) -> None:
    mine = """
        select c.relname from pg_class as c join pg_depend as d on d.objid = c.oid and d.deptype = 'e'
        where c.relnamespace = 'nl2sql'::regnamespace and c.relkind in ('r', 'p')
            and d.classid = 'pg_class'::regclass"""
    assert {row[0] for row in admin.execute(mine).fetchall()} == {*TABLES, "cases"}


@pytest.fixture
def writer(database: Database, admin: Connection) -> Iterator[Connection]:
    """Whoever runs the loads: rights on all data, none on nl2sql."""
    admin.execute("create role loader login in role pg_write_all_data, pg_read_all_data")
    try:
        with database.connect("loader") as connection:
            yield connection
    finally:
        admin.execute("drop owned by loader; drop role loader")


@pytest.mark.parametrize("replication_role", ["origin", "replica"])
def test_who_writes_everything_does_not_write_these(
    admin: Connection, writer: Connection, replication_role: str
) -> None:
    admin.execute("grant set on parameter session_replication_role to loader")
    writer.execute(f"set session_replication_role = {replication_role}".encode())
    for table in TABLES:
        for statement in (
            f"insert into nl2sql.{table} overriding system value select * from nl2sql.{table} where false",
            f"delete from nl2sql.{table} where false",
        ):
            error = refused(writer, statement)
            assert error.sqlstate == "42501" and error.diag.message_detail and error.diag.message_hint
            assert str(error.diag.message_primary).startswith("permission denied: nl2sql.")


def test_audit_is_not_switched_off(admin: Connection, writer: Connection) -> None:
    off = "insert into nl2sql.setting (name, value) values ('audit', 'off')"
    upsert = f"{off} on conflict (name) do update set value = 'off'"
    for statement in (off, upsert, "update nl2sql.setting set value = 'off'"):
        assert refused(writer, statement).sqlstate == "42501"
    writer.execute("prepare switch as " + off)
    assert refused(writer, "execute switch").sqlstate == "42501"
    copied = "copy nl2sql.setting (name, value) from stdin"
    with pytest.raises(Exception, match="permission denied"), writer.cursor().copy(copied) as copy:
        copy.write_row(("audit", "off"))


def test_functions_of_the_extension_still_write(admin: Connection) -> None:
    admin.execute("create role boss login in role nl2sql_admin")
    admin.execute("set role boss")
    try:
        admin.execute("select nl2sql.set_setting('max_tables', '9')")
    finally:
        admin.execute("reset role")
        admin.execute("drop owned by boss; drop role boss")


def test_a_missing_trigger_is_told_and_mended(admin: Connection) -> None:
    bare = "select p::text from nl2sql._audit_unprotected() as p"
    for table in TABLES:
        admin.execute(f"alter table nl2sql.{table} disable trigger audit_own".encode())
        assert admin.execute(bare).fetchall() == [(f"nl2sql.{table}",)]
        admin.execute("select nl2sql._audit_look()")
        assert admin.execute(bare).fetchall() == []
