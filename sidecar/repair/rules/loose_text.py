"""A pattern on a text with a nondeterministic collation, which PostgreSQL refuses when it runs: read by its bytes.

Such a collation mostly takes capitals and small letters for the same, so the pattern does, too.
"""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Reference, State, Statement

_PATTERNS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.Like: exp.ILike,
    exp.ILike: exp.ILike,
    exp.RegexpLike: exp.RegexpILike,
    exp.RegexpILike: exp.RegexpILike,
    exp.SimilarTo: exp.SimilarTo,
}
_ON_PARTS = (exp.SplitPart, exp.Replace, exp.RegexpReplace, exp.RegexpExtract)
_BY_NAME = frozenset("starts_with regexp_match regexp_matches regexp_count regexp_like regexp_substr replace".split())
_THROUGH = (exp.Lower, exp.Upper, exp.Trim, exp.Paren)


def mend(statement: Statement) -> str | None:
    """All in one call."""
    names = [reference.name for reference in statement.references if _is_loose(reference) and _mend(reference)]
    return f"{', '.join(dict.fromkeys(names))} is compared loosely: patterns read it by its bytes" if names else None


def _is_loose(reference: Reference) -> bool:
    table = reference.home.table if reference.home and reference.state is State.BOUND else None
    return table is not None and any(c.name == reference.name and not c.deterministic for c in table.columns)


def _mend(reference: Reference) -> bool:
    column = reference.column
    node: exp.Expr = column
    while isinstance(node.parent, _THROUGH) and node.parent.this is node:
        node = node.parent
    around = node.parent
    if around is None:
        return False
    if type(around) in _PATTERNS and around.this is node:
        _collate(column)
        if type(around) is not _PATTERNS[type(around)]:
            around.replace(_PATTERNS[type(around)](this=around.this.copy(), expression=around.expression.copy()))
        return True
    if isinstance(around, exp.StrPosition) and around.this is node:
        sought = around.args["substr"]
        _collate(column)
        if not isinstance(node, exp.Lower | exp.Upper):
            around.set("this", exp.Lower(this=around.this.copy()))
            around.set("substr", exp.Lower(this=sought.copy()))
        return True
    if isinstance(around, exp.Anonymous) and around.name.lower() == "strpos" and around.expressions[0] is node:
        _collate(column)
        around.set("expressions", [exp.Lower(this=each.copy()) for each in around.expressions])
        return True
    by_name = isinstance(around, exp.Anonymous) and around.name.lower() in _BY_NAME
    if by_name or isinstance(around, _ON_PARTS):
        _collate(column)
        return True
    return False


def _collate(column: exp.Expr) -> None:
    column.replace(exp.Collate(this=column.copy(), expression=exp.Identifier(this="C", quoted=True)))
