"""A flag that the question says does not matter: "customers, active or not" with `active = true`."""

from __future__ import annotations

import re

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import State, Statement
from sidecar.repair.closest import fold, is_short_for, singular_words
from sidecar.repair.nodes import all_of, conjuncts, words

_OR_NOT = re.compile(
    r"\b(?:is|are|whether|,|;|\() ?(\w+) or (?:not|no longer|in\1|un\1|non-?\1)\b|\b(\w+) or not\b", re.I
)


def mend(statement: Statement) -> str | None:
    """All conditions on such a flag, wherever they stand alone beside others."""
    either = {fold(found[1] or found[2]) for found in _OR_NOT.finditer(statement.question)}
    if not either:
        return None
    for level in statement.levels:
        where = level.select.args.get("where")
        conditions = conjuncts(where.this) if where else []
        kept = [condition for condition in conditions if not _is_flag(condition, either, statement)]
        if len(kept) < len(conditions):
            level.select.set("where", exp.Where(this=all_of(kept)) if kept else None)
            return f"{' or '.join(sorted(either))} does not matter, as the question says"
    return None


def _is_flag(condition: exp.Expr, either: set[str], statement: Statement) -> bool:
    """Whether it holds a column of truth values to one of them, and the column is called by such a word."""
    column = condition.this if isinstance(condition, exp.Not | exp.EQ | exp.Is | exp.NEQ) else condition
    if not isinstance(condition, exp.Not | exp.Column) and not isinstance(condition.expression, exp.Boolean):
        return False
    reference = statement.bound.get(id(column))
    if reference is None or reference.state is not State.BOUND or kinds.kind(column, statement) != kinds.BOOLEAN:
        return False
    named = set(singular_words(fold(" ".join(words(reference.name)))))
    return any(word in named or any(is_short_for(name, word) for name in named) for word in either)
