"""The guard's list of functions against the catalog of the running server: each is there, and is harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sidecar.guard.functions import builtin
from tests.conftest import Connection
from tests.support.databases import new_database
from tools.cluster import Cluster

# Not in older servers, for which a call ends in the planner's "function does not exist".
NEWER = (
    dict.fromkeys("regexp_count regexp_instr regexp_like regexp_substr".split(), 150000)
    | dict.fromkeys(
        "any_value array_sample array_shuffle date_add date_subtract erf erfc random_normal".split(), 160000
    )
    | dict.fromkeys("to_bin to_oct unicode_assigned uuid_extract_timestamp uuid_extract_version".split(), 170000)
    | {"jsonb_populate_record_valid": 170000}
    | dict.fromkeys("array_reverse array_sort casefold crc32 crc32c gamma lgamma uuidv4 uuidv7".split(), 180000)
)
# Volatile, but without any effect beyond their own result.
HARMLESS_VOLATILE = {
    *("random", "gen_random_uuid", "clock_timestamp", "timeofday"),
    *("array_sample", "array_shuffle", "random_normal", "uuidv4", "uuidv7"),
}
# Named like what is forbidden, but they tell of their argument alone.
TAME = {"pg_typeof", "pg_size_pretty", "pg_size_bytes", "pg_column_size", "pg_collation_for"}
# By name: what reads files, settings, sizes, definitions or rights, runs SQL text, reaches large objects, or needs
# unbounded memory. Whatever is named like these may not be on the list, not even if this server's version is tame.
FORBIDDEN = re.compile(
    r"pg_.*|lo_.*|has_.*|.*_to_xml.*|query_to.*|xml.*|xpath.*|ts_stat|ts_rewrite|.*setting|set_config|version|reg(class|proc|type|role|"
    r"namespace|oper|config|dictionary).*|to_reg.*|array_fill|setseed|nextval|setval|currval|lastval|txid.*|inet_(server|client).*|"
    r"current_(user|role|database|schema|schemas|catalog|query)|session_user|user|.*_is_visible|obj_description|col_description|"
    r"shobj_description|format_type|row_security_active|dblink.*|crosstab.*|connectby.*|.*(terminate|cancel|reload|sleep|advisory).*"
)
# The class of types that can hold a name of the server, code, or a door to other SQL.
FORBIDDEN_TYPES = (
    "{xml, regclass, regproc, regprocedure, regoper, regoperator, regtype, regrole, regnamespace, refcursor, internal,"
    " cstring, pg_lsn}"
)


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Connection]:
    """A database without the extension: its functions are no business of the guard."""
    with new_database(cluster) as found, found.connect() as connection:
        yield connection


def names(connection: Connection, condition: str) -> set[str]:
    """Listed functions of pg_catalog that meet the condition."""
    query = f"""
        select distinct proname::text from pg_proc as p
        where pronamespace = 'pg_catalog'::regnamespace and proname = any (%s) and ({condition})"""
    return {name for (name,) in connection.execute(query.encode(), (sorted(builtin()),)).fetchall()}


def test_each_exists(server: Connection) -> None:
    missing = set(builtin()) - names(server, "true")
    assert missing == {name for name, since in NEWER.items() if server.info.server_version < since}


def test_none_is_volatile(server: Connection) -> None:
    assert names(server, "provolatile = 'v'") == {
        name for name in HARMLESS_VOLATILE if NEWER.get(name, 0) <= server.info.server_version
    }


def test_none_has_the_rights_of_its_owner(server: Connection) -> None:
    assert names(server, "prosecdef") == set()


def test_all_may_be_called_by_anybody(server: Connection) -> None:
    """A function that PUBLIC may not execute is kept from users for a reason."""
    assert names(server, "not has_function_privilege('public', p.oid, 'execute')") == set()


def test_none_is_of_a_forbidden_kind() -> None:
    assert {name for name in builtin() if FORBIDDEN.fullmatch(name)} == TAME


@pytest.mark.parametrize(
    "name",
    ["pg_sleep", "lo_create", "query_to_xml", "set_config", "ts_stat", "pg_read_file", "current_setting", "version"],
)
def test_the_kinds_match_what_they_should(server: Connection, name: str) -> None:
    assert server.execute("select count(*) > 0 from pg_proc where proname = %s", (name,)).fetchone() == (True,)
    assert FORBIDDEN.fullmatch(name)
    assert name not in builtin()


def test_none_takes_or_gives_a_forbidden_type(server: Connection) -> None:
    # aggregates pass their state as internal; a call can't name it
    types = f"(array[prorettype] || proargtypes::oid[])::regtype[]::text[] && '{FORBIDDEN_TYPES}'::text[]"
    found = names(server, f"prokind = 'f' and {types} and not 'internal'::regtype = any (proargtypes::oid[])")
    # text(xml) and varchar(xml): a statement has no way to an xml value, since casts to xml are refused
    # pg_typeof() gives a regtype: only as a column of the result, or as a text
    assert found <= {"text", "varchar", "bpchar", "pg_typeof"}, found


def test_none_is_internal_to_the_server(server: Connection) -> None:
    """Triggers, input and output functions, handlers, selectivity estimators."""
    kinds = "prorettype in ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype, 'cstring'::regtype)"
    assert names(server, kinds) == set()
