"""A statement as it is beside what nl2sql makes of it: rows, types of columns, and errors must be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql as composed

from sidecar.errors import SidecarError
from sidecar.guard.check import check
from sidecar.guard.scope import Scope
from sidecar.repair.meaning import understood
from sidecar.repair.reading import read
from sidecar.repair.writing import write

MOST_ROWS = 500
MILLISECONDS = 500

Connection = psycopg.Connection[Any]
Outcome = tuple[str, Any, Any]  # ("rows", types, rows) or ("error", SQLSTATE, None)


@dataclass
class Comparison:
    """What was compared, by kind, and each difference in words."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def compare(
        self, connection: Connection, statement: str, scope: Scope, run: Callable[[str], Outcome] | None = None
    ) -> None:
        """`run` gives what nl2sql.run() makes of it, with rows as JSON."""
        self.counts["statements"] += 1
        try:
            checked = check(statement, scope).sql
        except SidecarError as refused:
            self.counts[f"refused {refused.sqlstate}"] += 1
            return
        # one transaction: now() stays
        with connection.transaction(force_rollback=True):
            self._compare(connection, statement, checked, run)

    def _compare(
        self, connection: Connection, statement: str, checked: str, run: Callable[[str], Outcome] | None
    ) -> None:
        plain = outcome(connection, statement)
        self.counts["allowed, with rows" if plain[0] == "rows" else "allowed, error of the server"] += 1
        if plain[:2] == ("error", "57014"):
            self.counts["too slow to compare"] += 1
            return
        self._hold("as it is let through", statement, checked, plain, outcome(connection, checked))
        again = _rewritten(statement)
        if again is not None:
            self.counts["understood by sqlglot"] += 1
            # a name that nobody gave a column may be another: substr() is substring()
            self._hold(
                "as sqlglot writes it", statement, again, _nameless(plain), _nameless(outcome(connection, again))
            )
        if run is not None and plain[0] == "rows" and _has_distinct_names(plain):
            direct = as_json(connection, statement)
            if direct[1] != "57014":
                self.counts["through run()"] += 1
                self._hold("through run()", statement, checked, direct, run(statement))

    def _hold(self, how: str, statement: str, other: str, one: Outcome, two: Outcome) -> None:
        if one != two:
            self.differences.append(f"{how}:\n  {statement}\n  {other}\n  {str(one)[:300]}\n  {str(two)[:300]}")


def _has_distinct_names(found: Outcome) -> bool:
    """A JSON object can't have one name twice; run() numbers them."""
    names = [name for _, name in found[1]]
    return len(set(names)) == len(names)


def _nameless(found: Outcome) -> Outcome:
    return found[0], [kind for kind, _ in found[1]] if found[0] == "rows" else found[1], found[2]


def _rewritten(statement: str) -> str | None:
    """What repair would write if it changed nothing, where it would touch the statement at all."""
    try:
        tree, foreign = read(statement)
        again = write(tree) if tree is not None and not foreign else None
    except Exception:  # repair() leaves such a statement alone
        return None
    return again if again is not None and understood(statement, again) else None


def outcome(connection: Connection, statement: str) -> Outcome:
    """Types of the columns, and rows as text in any order."""
    try:
        with connection.transaction(force_rollback=True), connection.cursor() as cursor:
            cursor.execute(f"set local statement_timeout = {MILLISECONDS}".encode())
            cursor.execute(statement.rstrip("; \n").encode())
            types = [(column.type_code, column.name) for column in cursor.description or ()]
            return "rows", types, sorted(map(repr, cursor.fetchmany(MOST_ROWS)))
    except psycopg.Error as error:
        return "error", error.sqlstate, None


def as_json(connection: Connection, statement: str) -> Outcome:
    """As nl2sql.run() gives rows."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"set local statement_timeout = {MILLISECONDS}".encode())
            whole = composed.SQL("select to_jsonb(r)::text from ({}\n) as r").format(
                composed.SQL(statement.rstrip("; \n"))
            )
            return "rows", None, sorted(row for (row,) in connection.execute(whole).fetchall())
    except psycopg.Error as error:
        return "error", error.sqlstate, None
