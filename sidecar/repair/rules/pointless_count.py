"""A count of a table's rows by what tells each from the others is always 1: rows that refer to it are meant."""

from __future__ import annotations

from sqlglot import exp

from sidecar.glossary.words import is_han
from sidecar.guard.scope import Column, Table
from sidecar.repair import joins
from sidecar.repair.asked import most_asked
from sidecar.repair.binding import Level, Source, State, Statement
from sidecar.repair.keys import Keys, Step
from sidecar.repair.nodes import NAMING_WORDS, level_nodes, words


def mend(statement: Statement) -> str | None:
    """One level a call."""
    for level in statement.levels:
        source = level.sources[0] if len(level.sources) == 1 else None
        counts = _counts(level)
        if source is None or source.table is None or not counts:
            continue
        keys = _grouped_by(statement, level, source)
        step = _counted(statement, source.table, keys) if keys else None
        if step is None or _is_read_within(level, step.end):
            continue
        if joins.add(statement, level, source, (step,)) is not None:
            for count in counts:
                count.set("this", exp.Star())
            return f"each of {source.name} counts once: {step.end.name} is counted"
    return None


def _counts(level: Level) -> list[exp.Count]:
    """All counts of the level; none where one is of different values."""
    found = [node for node in level_nodes(level.select) if isinstance(node, exp.Count)]
    return [] if any(isinstance(count.this, exp.Distinct) for count in found) else found


def _grouped_by(statement: Statement, level: Level, source: Source) -> list[Column]:
    """Columns of the table, where the level groups by nothing else."""
    group = level.select.args.get("group")
    found = [statement.bound.get(id(key)) for key in group.expressions] if group else []
    names = [r.name for r in found if r and r.state is State.BOUND and r.home is source]
    columns = source.table.columns if source.table else ()
    return [c for c in columns if c.name in names] if names and len(names) == len(found) else []


def _counted(statement: Statement, table: Table, keys: list[Column]) -> Step | None:
    """The way to the table whose rows are meant: the one that the question names, or the only one that refers here."""
    by_key = bool(table.primary_key) and {*table.primary_key} <= {column.name for column in keys}
    if not by_key and not any(_names_a_row(table, column) for column in keys):
        return None
    steps = Keys(statement.scope).referring(table)
    if asked := most_asked([step.end for step in steps], statement.question, besides=table):
        named = [step for step in steps if step.end in asked]
        return named[0] if len(named) == 1 else None
    said_otherwise = not statement.question or is_han(statement.question)
    return steps[0] if len(steps) == 1 and (by_key or said_otherwise) else None


def _names_a_row(table: Table, column: Column) -> bool:
    """A name that no two rows share; another column may have no value twice by chance."""
    own = words(column.name)
    return column.unique and bool(own & NAMING_WORDS or own <= words(table.name))


def _is_read_within(level: Level, table: Table) -> bool:
    """Whether a nested query reads it already: then its rows are chosen there."""
    return any(node.name.lower() == table.name for node in level.select.find_all(exp.Table))
