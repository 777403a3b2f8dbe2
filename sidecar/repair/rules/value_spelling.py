"""A literal that its column can't hold, or that the question spells otherwise than the data: the stored spelling."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from sidecar.guard.scope import Column, Scope, Table
from sidecar.repair.binding import Reference, State, Statement, StoredValue
from sidecar.repair.closest import closest, fold

LISTED = 30  # the extension sends so many values of a closed list; one of that length may have been cut


def mend(statement: Statement) -> str | None:
    """All literals in one call."""
    notes = []
    for reference, literal, folds in _compared(statement):
        written = str(literal.this)
        stored = _stored(statement, reference, written)
        if stored is None or (folds and stored.lower() == written.lower()):
            continue
        before, after = (exp.Literal.string(text) for text in (written, stored))
        literal.replace(after)
        notes.append(f"{before.sql('postgres')} is stored as {after.sql('postgres')}")
    return "; ".join(dict.fromkeys(notes)) or None


def unstored(statement: Statement) -> Iterator[str]:
    """Literals that their column, all of whose values are known, does not hold."""
    for reference, literal, folds in _compared(statement):
        found = _column(reference)
        if found is None:
            continue
        table, column = found
        closed = _closed(column) or _referred(table, column, statement.scope)
        held = {_plain(value, column) for value in closed}
        written = _plain(str(literal.this), column)
        if held and written not in held and not (folds and written.lower() in {value.lower() for value in held}):
            yield f"{literal.sql('postgres')} is none of the values of {table.name}.{column.name}"


def _compared(statement: Statement) -> Iterator[tuple[Reference, exp.Literal, bool]]:
    """Columns with the literals that they must equal, and whether case does not count there."""
    for reference in statement.references:
        condition = reference.column.parent
        pattern = isinstance(condition, exp.Like | exp.ILike)
        for other in _others(reference.column):
            if isinstance(other, exp.Literal) and other.is_string and not (pattern and set(other.this) & set("%_\\")):
                yield reference, other, isinstance(condition, exp.ILike)


def _others(column: exp.Column) -> list[exp.Expr]:
    """What the column is compared with."""
    condition = column.parent
    if isinstance(condition, exp.EQ | exp.NEQ):
        return [condition.expression if condition.this is column else condition.this]
    if isinstance(condition, exp.In) and condition.this is column:
        return list(condition.expressions)
    return [condition.expression] if isinstance(condition, exp.Like | exp.ILike) and condition.this is column else []


def _stored(statement: Statement, reference: Reference, written: str) -> str | None:
    """The only stored value that can be meant, where the literal itself is none."""
    found = _column(reference)
    if found is None:
        return None
    table, column = found
    place = (table.schema, table.name, column.name)
    matched = {value.value for value in statement.values if _place(value) == place}
    if _plain(written, column) in {_plain(value, column) for value in matched | {*column.values, *column.stored}}:
        return None
    asked = fold(written.strip())
    sure = [value for value in statement.values if value.complete and _place(value) == place]
    meant = {value.value for value in sure if fold(value.value) == asked or _translates(value, asked)}
    meant |= {value for value in column.values if fold(value) == asked}
    if meant:
        return meant.pop() if len(meant) == 1 else None
    closed = _closed(column) or _referred(table, column, statement.scope)
    return None if written in closed or _is_padded(written, closed) else closest(asked, closed)


def _column(reference: Reference) -> tuple[Table, Column] | None:
    """The column of a table that is meant, unless case does not count in it."""
    table = reference.home.table if reference.home and reference.state is State.BOUND else None
    column = next((c for c in table.columns if c.name == reference.name), None) if table else None
    return (table, column) if table and column and "citext" not in column.type else None


def _translates(value: StoredValue, asked: str) -> bool:
    """Whether it was found by these very words in another script: 法国 for France."""
    return fold(value.phrase) == asked and not asked.isascii() and value.value.isascii()


def _closed(column: Column) -> tuple[str, ...]:
    """All that the column holds, where that is known."""
    return column.stored or (column.values if len(column.values) < LISTED else ())


def _referred(table: Table, column: Column, scope: Scope) -> tuple[str, ...]:
    """What the column may hold because it refers to another, by a declared key."""
    for key in table.foreign_keys:
        target = scope.find(key.schema, key.table) if key.columns == (column.name,) and key.score == 1 else None
        found = next((c for c in target.columns if c.name == key.references[0]), None) if target else None
        if found:
            return _closed(found)
    return ()


def _is_padded(written: str, closed: tuple[str, ...]) -> bool:
    """Whether it is stored with spaces around it: that is for who cleans the data, the statement is as it was asked."""
    return any(value.strip() == written.strip() and value != value.strip() for value in closed)


def _place(value: StoredValue) -> tuple[str, str, str]:
    return value.schema, value.table, value.column


def _plain(value: str, column: Column) -> str:
    """Spaces at the end do not count in character(n)."""
    return value.rstrip(" ") if column.type.startswith("character(") else value
