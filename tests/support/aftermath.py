"""What a statement has left behind: in the database, in the session that ran it, in files, and in what came back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.conftest import Connection

CANARY = re.compile(r"canary\w*", re.IGNORECASE)
TABLES = ("orders", "journal", "vault", "customers", "notes", "planted.loot", "planted.bait", "order_totals")

_DIGESTS = ", ".join(
    f"'{table}', (select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} as t)"
    for table in TABLES
)
# Catalogs whose rows change when something is made, changed, granted or dropped.
_CATALOGS = ", ".join(
    f"'{catalog}', (select md5(coalesce(string_agg(md5(row(t.*)::text), '' order by t.{key}), '')) from {catalog} as t"
    f" where {condition})"
    for catalog, key, condition in (
        ("pg_proc", "oid", "oid >= 16384"),
        ("pg_operator", "oid", "oid >= 16384"),
        ("pg_trigger", "oid", "true"),
        ("pg_policy", "oid", "true"),
        ("pg_namespace", "oid", "nspname !~ '^pg_(toast_)?temp_'"),
        ("pg_authid", "oid", "true"),
        ("pg_auth_members", "roleid, t.member", "true"),
        ("pg_db_role_setting", "setdatabase, t.setrole", "true"),
        ("pg_largeobject", "loid, t.pageno", "true"),
        ("pg_largeobject_metadata", "oid", "true"),
        ("pg_description", "objoid, t.classoid, t.objsubid", "objoid >= 16384"),
        ("pg_extension", "oid", "true"),
        ("pg_replication_slots", "slot_name", "true"),
        ("pg_prepared_xacts", "gid", "true"),
        ("tally", "last_value", "true"),
    )
)
# Not pages and tuples of a relation: vacuum, too, changes these.
DATABASE = f"""
    select jsonb_build_object({_DIGESTS}, {_CATALOGS},
        'relations', (select md5(string_agg(concat_ws(' ', c.oid, c.relname, c.relkind, c.relrowsecurity, c.relhasrules,
            c.relnatts, c.relowner, c.relacl, c.relfilenode), '' order by c.oid))
            from pg_class as c where c.oid >= 16384),
        'advisory locks', (select count(*) from pg_locks where locktype = 'advisory' and objid <> 999),
        'started', pg_postmaster_start_time(),
        'settings on disk', md5(pg_read_file('postgresql.auto.conf')),
        'exported snapshots', (select count(*) from pg_ls_dir('pg_snapshots')))
"""
SESSION = """
    select jsonb_build_object(
        'roles', array[current_user::text, session_user::text],
        'settings', (select md5(string_agg(name || '=' || coalesce(setting, ''), '|' order by name)) from pg_settings
            where name !~ '[.]'),
        'own settings', array[nullif(current_setting('evil.mark', true), ''),
            nullif(current_setting('nl2sql.socket_path', true), '')],
        'prepared', (select array_agg(name order by name) from pg_prepared_statements where from_sql),
        'cursors', (select array_agg(name order by name) from pg_cursors where name !~ '^<unnamed|^_psycopg'),
        'listening', array(select pg_listening_channels() order by 1),
        'advisory locks', (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
        'temporary objects', (select count(*) from pg_class where relnamespace = pg_my_temp_schema()))
"""


@dataclass(frozen=True)
class Heard:
    """All that a client has got: rows or an error, with notices."""

    sqlstate: str | None
    text: str
    notices: list[str] = field(default_factory=list)

    @property
    def leaks(self) -> list[str]:
        return [found for text in (self.text, *self.notices) for found in CANARY.findall(text)]


def hear(connection: Connection, query: str, values: tuple[Any, ...] = ()) -> Heard:
    """Run one query; errors are heard, not raised."""
    notices: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        notices.append(fields(diagnostic))

    connection.add_notice_handler(note)
    try:
        return Heard(None, str(connection.execute(query.encode(), values).fetchall()), notices)
    except psycopg.Error as error:
        return Heard(error.sqlstate or "?", f"{error} {fields(error.diag)}", notices)
    finally:
        connection.remove_notice_handler(note)


def fields(diagnostic: psycopg.errors.Diagnostic) -> str:
    """Every field of an error or a notice."""
    names = [name for name in dir(diagnostic) if not name.startswith("_")]
    return " ".join(str(value) for name in names if (value := getattr(diagnostic, name)) is not None)


def in_database(watcher: Connection) -> dict[str, Any]:
    """As a superuser in a session of its own sees it, notifications included."""
    found = _one(watcher, DATABASE)
    return {**found, "told": [note.payload for note in watcher.notifies(timeout=0)], "files": files()}


def in_session(connection: Connection) -> dict[str, Any]:
    return _one(connection, SESSION)


def files() -> list[str]:
    return sorted(str(path) for path in Path("/tmp").glob("nl2sql_attack*"))


def peak_kilobytes(pid: int) -> int:
    """The most memory a backend has had at once."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])


def forget_peak(pid: int) -> None:
    """Count the peak anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _one(connection: Connection, query: str) -> dict[str, Any]:
    row = connection.execute(query.encode()).fetchone()
    assert row
    return dict(row[0])
