"""A schema as text: CREATE TABLE with keys, comments and listed values, each line of it short."""

from __future__ import annotations

from sidecar.guard.names import quote
from sidecar.guard.scope import Column, ForeignKey, Scope, Table

SHOWN_VALUES = 12


def render_schema(scope: Scope) -> str:
    """DDL of all tables in a fixed order, so that equal scopes give equal text."""
    tables = sorted(scope.tables, key=lambda table: (table.schema, table.name))
    return "\n\n".join(_table(table, scope) for table in tables)


def name_in(scope: Scope, table: Table) -> str:
    """A table's name as a statement must write it."""
    if scope.is_plain(table):
        return quote(table.name)
    return f"{quote(table.schema)}.{quote(table.name)}"


def _table(table: Table, scope: Scope) -> str:
    single = {key.columns[0]: key for key in table.foreign_keys if len(key.columns) == 1}
    lines = [_column(column, table, single.get(column.name), scope) for column in table.columns]
    if len(table.primary_key) > 1:
        lines.append(f"  PRIMARY KEY ({_names(table.primary_key)})")
    lines += [
        f"  FOREIGN KEY ({_names(key.columns)}) REFERENCES {_target(key, scope)}"
        for key in table.foreign_keys
        if len(key.columns) > 1
    ]
    comment = f" -- {table.comment}" if table.comment else ""
    kind = "VIEW" if "view" in table.kind else "TABLE"
    return f"CREATE {kind} {name_in(scope, table)} ({comment}\n" + "\n".join(lines) + "\n);"


def _column(column: Column, table: Table, key: ForeignKey | None, scope: Scope) -> str:
    text = f"  {quote(column.name)} {column.type}"
    if table.primary_key == (column.name,):
        text += " PRIMARY KEY"
    if key:
        text += f" REFERENCES {_target(key, scope)}"
    notes = [column.comment] if column.comment else []
    if column.values:
        more = ", …" if len(column.values) > SHOWN_VALUES else ""
        notes.append("one of " + ", ".join(map(_literal, column.values[:SHOWN_VALUES])) + more)
    return text + "," + (f" -- {'; '.join(notes)}" if notes else "")


def _target(key: ForeignKey, scope: Scope) -> str:
    table = scope.find(key.schema, key.table)
    name = name_in(scope, table) if table else f"{quote(key.schema)}.{quote(key.table)}"
    return f"{name}({_names(key.references)})"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(map(quote, names))


def _literal(value: str) -> str:
    return "'" + " ".join(value.split()).replace("'", "''")[:60] + "'"
