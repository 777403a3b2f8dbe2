"""Bind, let the rules put right what can't bind, bind again, until every name has a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from sidecar.guard.scope import Scope
from sidecar.repair.binding import Reference, Statement, bind
from sidecar.repair.rules import (
    bridge_table,
    group_by,
    join_key,
    missing_join,
    nearest_name,
    nearest_table,
    output_alias,
    wrong_qualifier,
)

MAX_REPAIRS = 12  # a statement with more wrong in it is not worth mending

# What changes least comes first: a spelling, a place, a join condition, then tables that were not there.
_OF_ONE_NAME: tuple[Callable[[Statement, Reference], str | None], ...] = (
    output_alias.mend,
    nearest_name.mend_spelling,
    join_key.mend,
    wrong_qualifier.mend,
    bridge_table.mend,
    missing_join.mend_lookup,
    nearest_name.mend_words,
    missing_join.mend,
    nearest_name.mend,
)
# Where all names bind.
_OF_THE_WHOLE: tuple[Callable[[Statement], str | None], ...] = (join_key.mend_types, group_by.mend)


@dataclass(frozen=True)
class Repaired:
    """A statement, and what was done to it."""

    sql: str
    notes: tuple[str, ...] = ()


def repair(sql: str, scope: Scope) -> Repaired:
    """The statement with every name bound; as it was given, without notes, if nothing is wrong or it can't be mended.

    The statement must be one that the guard could read; the result is for the guard to check again.
    """
    try:
        return _repair(sql, scope) or Repaired(sql)
    # the proposal is still there as the model wrote it, and the server will say what is wrong with it
    except Exception:
        return Repaired(sql)


def _repair(sql: str, scope: Scope) -> Repaired | None:
    tree = _parse(sql)
    notes: list[str] = []
    while tree is not None and len(notes) <= MAX_REPAIRS:
        statement = bind(tree, scope)
        note = _mend(statement)
        if note is None:
            still_wrong = statement.problems() or statement.unknown_tables
            return None if still_wrong or not notes else Repaired(tree.sql(dialect="postgres"), tuple(notes))
        notes.append(note)
    return None


def _parse(sql: str) -> exp.Expr | None:
    trees = Postgres().parse(sql)
    return trees[0] if len(trees) == 1 else None


def _mend(statement: Statement) -> str | None:
    """The first repair that a rule has to offer."""
    if statement.unknown_tables:
        return nearest_table.mend(statement)
    problems = statement.problems()
    for problem in problems:
        for rule in _OF_ONE_NAME:
            if note := rule(statement, problem):
                return note
    return None if problems else next((note for rule in _OF_THE_WHOLE if (note := rule(statement))), None)
