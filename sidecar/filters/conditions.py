"""Conditions as facts about columns: what says the same in other words is the same fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from sqlglot import exp

from sidecar.repair.meaning import understood
from sidecar.repair.nodes import conjuncts, folded
from sidecar.repair.reading import read
from sidecar.repair.writing import write

# Numbers and letters that stand for yes and no.
YES = frozenset({"1", "y", "yes", "t", "true"})
NO = frozenset({"0", "n", "no", "f", "false"})

_OPPOSITE = {
    "null": "set",
    "true": "not true",
    "false": "not false",
    "in": "not in",
}
_OPPOSITE |= {other: one for one, other in _OPPOSITE.items()}
# What differs only where the column is NULL.
_ALIKE = {"not true": "false", "not false": "true"}


@dataclass(frozen=True)
class Fact:
    """One condition: of a column `null`, `set`, `true`, `in` some values and so on; `other` with its text else."""

    kind: str
    column: str
    values: frozenset[str] = frozenset()

    @property
    def opposite(self) -> Fact | None:
        """What holds where this does not."""
        other = _OPPOSITE.get(self.kind)
        return replace(self, kind=other) if other else None

    @property
    def loose(self) -> Fact:
        """The fact whatever is to be of NULL."""
        return replace(self, kind=_ALIKE.get(self.kind, self.kind))


@cache
def conjuncts_of(condition: str) -> tuple[exp.Expr, ...] | None:
    """What the condition joins by AND; None where sqlglot reads another one than PostgreSQL does. Not to be changed."""
    sql = f"SELECT 1 WHERE {condition}"
    tree, foreign = read(sql)
    if tree is None or foreign or not understood(sql, write(tree)):
        return None
    where = tree.args.get("where")
    return tuple(part.unnest() for part in conjuncts(where.this.unnest())) if where else None


def fact(condition: exp.Expr) -> Fact:
    """What a condition says, its columns by their bare names."""
    node = condition.unnest()
    if isinstance(node, exp.Not):
        inner = fact(node.this)
        return _turned(inner, isinstance(node.this.unnest(), exp.Is)) or _other(node)
    if isinstance(node, exp.Column):
        return Fact("true", _name(node))
    if isinstance(node, exp.Is):
        return _state(node) or _other(node)
    if isinstance(node, exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ):
        found = _comparison(node)
        if found and isinstance(node, exp.NEQ | exp.NullSafeNEQ):
            found = _turned(found, isinstance(node, exp.NullSafeNEQ))
        return found or _other(node)
    if isinstance(node, exp.In) and (name := _column(node.this)) and not node.args.get("query"):
        values = [_value(item) for item in node.expressions]
        return _other(node) if None in values else Fact("in", name, frozenset(v for v in values if v is not None))
    return _other(node)


def bare(condition: exp.Expr) -> exp.Expr:
    """A copy whose columns have no table's name."""
    copied = condition.copy()
    for column in list(copied.find_all(exp.Column)):
        column.set("table", None)
        column.set("db", None)
    return copied


def _turned(found: Fact, with_null: bool) -> Fact | None:
    """Its negation; one of a truth value that is NULL is no truth unless IS says so."""
    if found.kind in ("true", "false") and not with_null:
        return replace(found, kind="false" if found.kind == "true" else "true")
    return found.opposite


def _state(node: exp.Is) -> Fact | None:
    name = _column(node.this)
    if name is None:
        return None
    if isinstance(node.expression, exp.Null):
        # sqlglot has IS NOT NULL as a node of its own, or within NOT, as the version is
        return Fact("set" if node.args.get("negate") else "null", name)
    if isinstance(node.expression, exp.Boolean):
        # IS TRUE counts as the column itself, since neither takes NULL; so IS FALSE as its being false
        state = Fact("true" if node.expression.this else "false", name)
        return state.opposite if node.args.get("negate") else state
    return None


def _comparison(node: exp.Expr) -> Fact | None:
    one, other = node.this.unnest(), node.expression.unnest()
    if _column(one) is None:
        one, other = other, one
    name = _column(one)
    if name is None:
        return None
    if isinstance(other, exp.Boolean):
        return Fact("true" if other.this else "false", name)
    value = _value(other)
    return None if value is None else Fact("in", name, frozenset({value}))


def _column(node: exp.Expr | None) -> str | None:
    """The name of a column, with a value for NULL or without."""
    inner = node.unnest() if node is not None else None
    if isinstance(inner, exp.Coalesce) and all(isinstance(e, exp.Literal | exp.Boolean) for e in inner.expressions):
        inner = inner.this
    return _name(inner) if isinstance(inner, exp.Column) else None


def _value(node: exp.Expr) -> str | None:
    """A literal's text, whatever type it is given."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return str(node.this) if isinstance(node, exp.Literal) else None


def _name(column: exp.Column) -> str:
    return folded(column.this) or ""


def _other(node: exp.Expr) -> Fact:
    return Fact("other", write(bare(node)))
