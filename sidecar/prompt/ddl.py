"""A schema as text: CREATE TABLE with keys, comments and listed values, each line of it short."""

from __future__ import annotations

import re

from sidecar.guard import names
from sidecar.guard.scope import Column, Filter, ForeignKey, Scope, Table
from sidecar.prompt.text import one_line

SHOWN_VALUES = 12
_SINCE_1970 = {
    "epoch_s": "seconds since 1970",
    "epoch_ms": "milliseconds since 1970",
    "epoch_us": "microseconds since 1970",
}
_TOLD = re.compile(r"1970|epoch|unix|seconds|秒", re.I)


def render_schema(scope: Scope) -> str:
    """DDL of all tables in a fixed order, so that equal scopes give equal text."""
    tables = sorted(scope.tables, key=lambda table: (table.schema, table.name))
    return "\n\n".join(_table(table, scope) for table in tables)


def quote(name: str) -> str:
    """A name as a statement must write it, on one line whatever it holds."""
    return one_line(names.quote(name))


def name_in(scope: Scope, table: Table) -> str:
    """A table's name as a statement must write it."""
    if scope.is_plain(table):
        return quote(table.name)
    return f"{quote(table.schema)}.{quote(table.name)}"


def _table(table: Table, scope: Scope) -> str:
    lines = [_column(column) for column in table.columns]
    if table.primary_key:
        lines.append((f"PRIMARY KEY ({_names(table.primary_key)})", ""))
    lines += [(f"FOREIGN KEY ({_names(k.columns)}) REFERENCES {_target(k, scope)}", "") for k in table.foreign_keys]
    comment = f" -- {one_line(table.comment)}" if table.comment else ""
    kind = "VIEW" if "view" in table.kind else "TABLE"
    body = "\n".join(
        f"  {text}{',' if number < len(lines) else ''}{note}" for number, (text, note) in enumerate(lines, 1)
    )
    filters = "".join(f"\n  -- only rows with: {_standing(each)}" for each in table.filters)
    return f"CREATE {kind} {name_in(scope, table)} ({comment}{filters}\n{body}\n);"


def _standing(each: Filter) -> str:
    note = f" ({one_line(each.note)})" if each.note else ""
    return one_line(each.condition) + note


def _column(column: Column) -> tuple[str, str]:
    """A column's definition, and what stands behind it as a comment."""
    notes = [one_line(column.comment)] if column.comment else []
    if (unit := _SINCE_1970.get(column.form or "")) and not _TOLD.search(column.comment or ""):
        notes.append(unit)
    if column.values:
        more = ", …" if len(column.values) > SHOWN_VALUES else ""
        notes.append("one of " + ", ".join(map(_literal, column.values[:SHOWN_VALUES])) + more)
    elif column.samples:
        notes.append("e.g. " + ", ".join(map(_literal, column.samples)))
    return f"{quote(column.name)} {one_line(column.type)}", f" -- {'; '.join(notes)}" if notes else ""


def _target(key: ForeignKey, scope: Scope) -> str:
    table = scope.find(key.schema, key.table)
    name = name_in(scope, table) if table else f"{quote(key.schema)}.{quote(key.table)}"
    return f"{name}({_names(key.references)})"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quote, columns))


def _literal(value: str) -> str:
    return "'" + " ".join(one_line(value).split()).replace("'", "''")[:60] + "'"
