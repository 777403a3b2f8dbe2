"""A code compared with the words for it: they stand in a table of codes, or in the column's comment.

`status = 'Cancelled'` where the column holds CNCL and REL, and a table of codes has 'Cancelled' beside CNCL; or where
the comment says `C customer, V carrier`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from sidecar.guard.scope import Column, Table
from sidecar.repair import kinds
from sidecar.repair.binding import Reference, State, Statement
from sidecar.repair.closest import fold
from sidecar.repair.nodes import identifier

FEWEST = 2  # codes; a column with one value tells nothing by what it holds
# `C customer, V carrier` and `Y=large N=small`
_BETWEEN = re.compile(r"[,;，；、/()（）]|\s+(?=[^\s=:：]{1,12}\s*[=:：])")
_GLOSSED = re.compile(r"\s*(?P<code>[^\s=:：]{1,12})\s*[=:：\s–-]\s*(?P<text>\S.*)")
_COMPARED = (exp.EQ, exp.NEQ, exp.In)


@dataclass(frozen=True)
class _Codes:
    """A table with a column of codes and a column of the words for them."""

    table: Table
    code: Column
    text: Column


def mend(statement: Statement) -> str | None:
    for node in statement.tree.find_all(*_COMPARED):
        texts = node.expressions if isinstance(node, exp.In) else [node.expression]
        column = _column(node.this, statement)
        if column is None or not texts or not all(isinstance(text, exp.Literal) and text.is_string for text in texts):
            continue
        written = [str(text.this) for text in texts]
        held = column.stored or column.values
        if len(held) < FEWEST or any(text in held for text in written):
            continue
        if note := _glossed(node, column, texts) or _looked_up(node, column, written, statement):
            return note
    return None


def _column(node: exp.Expr, statement: Statement) -> Column | None:
    reference: Reference | None = statement.bound.get(id(node))
    table = reference.home.table if reference and reference.state is State.BOUND and reference.home else None
    if reference is None or table is None or kinds.kind(node, statement) not in (kinds.TEXT, None):
        return None
    return next((column for column in table.columns if column.name == reference.name), None)


def _glossed(node: exp.Expr, column: Column, texts: list[exp.Expr]) -> str | None:
    """By the column's comment, which says the words for each code."""
    held = column.stored or column.values
    glossed = map(_GLOSSED.fullmatch, _BETWEEN.split(column.comment or ""))
    said = {fold(found["text"].strip()): found["code"] for found in glossed if found}
    codes = [said.get(fold(str(text.this))) for text in texts]
    if not codes or any(code not in held for code in codes):
        return None
    for text, code in zip(texts, codes, strict=True):
        text.replace(exp.Literal.string(str(code)))
    return f"{node.this.sql('postgres')} holds codes: its comment says {', '.join(map(repr, codes))}"


def _looked_up(node: exp.Expr, column: Column, written: list[str], statement: Statement) -> str | None:
    """By a table of codes that has all codes of the column, and the words in another column."""
    found = [codes for table in statement.scope.tables for codes in _codes(table, column, written, statement)]
    if len(found) != 1:
        return None
    codes = found[0]
    plain = statement.scope.is_plain(codes.table)
    source = exp.Table(this=identifier(codes.table.name), db=None if plain else identifier(codes.table.schema))
    text = exp.Column(this=identifier(codes.text.name))
    literals = [exp.Literal.string(value) for value in written]
    query = exp.Select(expressions=[exp.Column(this=identifier(codes.code.name))])
    query.set("from_", exp.From(this=source))
    where = exp.In(this=text, expressions=literals) if len(literals) > 1 else exp.EQ(this=text, expression=literals[0])
    query.set("where", exp.Where(this=where))
    inside = exp.In(this=node.this.copy(), query=exp.Subquery(this=query))
    note = f"{node.this.sql('postgres')} holds codes: looked up in {codes.table.name} by {codes.text.name}"
    node.replace(exp.Not(this=inside) if isinstance(node, exp.NEQ) else inside)
    return note


def _codes(table: Table, column: Column, written: list[str], statement: Statement) -> list[_Codes]:
    held = set(column.stored or column.values)
    codes = [c for c in table.columns if c is not column and held <= set(c.stored)]
    texts = [c for c in table.columns if all(_holds(table, c, text, statement) for text in written)]
    pairs = [_Codes(table, code, text) for code in codes for text in texts if code is not text]
    return pairs if len(pairs) == 1 else []


def _holds(table: Table, column: Column, text: str, statement: Statement) -> bool:
    matched = any(
        value.value == text and (value.schema, value.table, value.column) == (table.schema, table.name, column.name)
        for value in statement.values
    )
    return matched or text in column.stored
