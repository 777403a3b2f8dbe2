"""Tables of one name in several schemas: the one that has the columns, or that the question tells from the others."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.guard.scope import Table
from sidecar.repair.asked import telling_words
from sidecar.repair.binding import Reference, Source, State, Statement
from sidecar.repair.closest import fold, singular_words
from sidecar.repair.nodes import folded, identifier


def mend_unknown(statement: Statement) -> str | None:
    """A name that the search path does not lead to, but that tables of the scope have."""
    for node in statement.unknown_tables:
        name = folded(node.this) or ""
        found = [] if node.args.get("catalog") else _namesakes(statement, name)
        if node.args.get("db") or not found:
            continue
        source = next((s for level in statement.levels for s in level.sources if s.node is node), None)
        meant = _meant(statement, found, _asked_of(statement, source) if source else set())
        if meant:
            return _put(statement, node, meant)
    return None


def mend(statement: Statement, problem: Reference) -> str | None:
    """A column that the table lacks and its only namesake has, with all others that are asked of it."""
    if problem.state is not State.MISSING or problem.level.opaque:
        return None
    for source in [problem.home] if problem.home else problem.level.sources:
        if source is None or source.table is None or source not in problem.level.sources:
            continue
        others = [t for t in _namesakes(statement, source.table.name) if t is not source.table]
        wanted = _asked_of(statement, source) | {problem.name}
        fitting = [table for table in others if wanted <= {column.name for column in table.columns}]
        if len(fitting) == 1 and not _is_qualified_by_schema(statement):
            return _put(statement, source.node, fitting[0])
    return None


def mend_asked(statement: Statement) -> str | None:
    """A plain name where the question has words of a namesake's schema or comment, and none of the table's own."""
    for level in statement.levels:
        for source in level.sources:
            table = source.table
            if table is None or source.node.args.get("db") or len(found := _namesakes(statement, table.name)) < 2:
                continue
            wanted = _asked_of(statement, source)
            fitting = [other for other in found if wanted <= {column.name for column in other.columns}]
            meant = _most_told(statement, fitting, found)
            if meant and meant is not table and not _is_qualified_by_schema(statement):
                return _put(statement, source.node, meant)
    return None


def _namesakes(statement: Statement, name: str) -> list[Table]:
    return [table for table in statement.scope.tables if table.name == name]


def _asked_of(statement: Statement, source: Source) -> set[str]:
    """Columns that bind to the entry, or are written under its name; plain ones if nothing else could have them."""
    level = next(level for level in statement.levels if source in level.sources)
    alone = len(level.sources) == 1
    own = [r for r in statement.references if r.home is source or (r.qualifier or "") == source.name]
    own += [r for r in statement.references if r.level is level and alone and not r.qualifier]
    return {reference.name for reference in own if reference.state is not State.OUTPUT}


def _meant(statement: Statement, found: list[Table], wanted: set[str]) -> Table | None:
    fitting = [table for table in found if wanted <= {column.name for column in table.columns}]
    return fitting[0] if len(fitting) == 1 else _most_told(statement, fitting, found)


def _most_told(statement: Statement, fitting: list[Table], found: list[Table]) -> Table | None:
    """The only one that the question has words of, which no namesake has."""
    asked = set(singular_words(fold(statement.question)))
    own = {id(table): _words(table) for table in found}
    told = []
    for table in found:
        others = set().union(*(own[id(other)] for other in found if other is not table))
        if (own[id(table)] - others) & asked:
            told.append(table)
    return told[0] if len(told) == 1 and told[0] in fitting else None


def _words(table: Table) -> set[str]:
    """Of its schema and its comment."""
    schema = " ".join(re.split(r"[\W_\d]+", table.schema))
    return telling_words(f"{schema} {table.comment or ''}")


def _is_qualified_by_schema(statement: Statement) -> bool:
    return any(column.args.get("db") for column in statement.tree.find_all(exp.Column))


def _put(statement: Statement, node: exp.Expr, table: Table) -> str:
    plain = statement.scope.is_plain(table) and table.name not in statement.cte_names
    node.set("db", None if plain else identifier(table.schema))
    return f"table {table.name} is {table.full_name}"
