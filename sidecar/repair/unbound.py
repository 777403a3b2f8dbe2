"""How much of a text does not bind, by PostgreSQL's own grammar: a quick count, for which of two spellings is meant."""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.guard.grammar import NotSql, TooDeep, parsed, statements
from sidecar.guard.nodes import Node, walk
from sidecar.guard.scope import Scope, Table

TABLE = 4  # what a table that is not there costs
NOWHERE = 2  # a column that no table of the scope has; 1 if another one has it
MAX_NODES = 4_000


def unbound(sql: str, scope: Scope) -> int | None:
    """How many names have no place, or were read as a value of the session; None where it is no statement."""
    try:
        found = statements(parsed(sql))
        return sum(_Count(statement, scope).total() for statement in found) if found else None
    except (NotSql, TooDeep, RecursionError):
        return None


class _Count:
    def __init__(self, statement: dict[str, object], scope: Scope) -> None:
        self._scope = scope
        self._nodes: list[Node] = []
        for node in walk(statement):
            self._nodes.append(node)
            if len(self._nodes) > MAX_NODES:
                raise TooDeep
        self._own = set(self._given_names())
        self._columns: dict[str, set[str] | None] = {}  # by what they are qualified with; None: not known
        self._missing = 0
        for node in self._nodes:
            self._source(node)
        self._known = {name for names in self._columns.values() for name in names or ()}

    def total(self) -> int:
        names = [node.names("fields") for node in self._nodes if node.kind == "ColumnRef"]
        names += [[name] for node in self._nodes if node.kind == "JoinExpr" for name in node.names("usingClause")]
        lost = [self._is_elsewhere(each[-1]) for each in names if self._is_lost(each)]
        columns = sum(1 if elsewhere else NOWHERE for elsewhere in lost)
        return self._missing * TABLE + columns + sum(map(self._is_misread, self._nodes))

    def _is_elsewhere(self, name: str) -> bool:
        return any(column.name == name for table in self._scope.tables for column in table.columns)

    def _given_names(self) -> Iterator[str]:
        for node in self._nodes:
            if node.kind == "ResTarget" and node.fields.get("name"):
                yield node.fields["name"]
            elif node.kind == "CommonTableExpr":
                yield node.fields["ctename"]
                yield from node.names("aliascolnames")
            elif node.kind == "Alias":
                yield node.fields["aliasname"]
                yield from node.names("colnames")
            elif node.kind == "FuncCall":
                yield from node.names("funcname")[-1:]  # what its column is called

    def _source(self, node: Node) -> None:
        alias = node.fields.get("alias", {}).get("aliasname")
        if node.kind == "RangeVar":
            schema, name = node.fields.get("schemaname"), node.fields["relname"]
            table = self._scope.find(schema, name)
            if table is None and (schema or name not in self._own):
                self._missing += 1
            self._add(alias or name, None if schema is None and name in self._own and not table else table)
        elif node.kind in ("RangeSubselect", "RangeFunction", "RangeTableFunc") and alias:
            self._add(alias, None)

    def _add(self, name: str, table: Table | None) -> None:
        columns = {column.name for column in table.columns} if table else None
        before = self._columns.get(name, set())
        self._columns[name] = None if columns is None or before is None else before | columns

    def _is_lost(self, names: list[str]) -> bool:
        if not names:
            return False
        if len(names) == 1:
            return not self._is_known(names[0])
        if len(names) > 2:
            table = self._scope.find(names[-3], names[-2])
            return table is None or all(column.name != names[-1] for column in table.columns)
        qualifier, name = names
        if qualifier not in self._columns:
            return True
        columns = self._columns[qualifier]
        return name not in columns if columns is not None else not self._is_known(name)

    def _is_known(self, name: str) -> bool:
        return name in self._known or name in self._own or name in self._columns

    def _is_misread(self, node: Node) -> bool:
        """USER, CURRENT_DATE and the like where the schema has that name."""
        if node.kind != "SQLValueFunction":
            return False
        word = str(node.fields.get("op")).removeprefix("SVFOP_").removesuffix("_N").lower()
        return word in self._known or any(table.name == word for table in self._scope.tables)
