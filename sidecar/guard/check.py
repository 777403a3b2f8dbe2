"""The check of one statement: parse, walk every node against what is allowed, render again.

What PostgreSQL gets is the re-rendered text, checked again until it stays the same, so that the statement it parses is
the one that was checked. The server's own rights remain the authority; this keeps honest mistakes and plain attacks
away from it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from sidecar.errors import SidecarError
from sidecar.guard import constructs, functions, relations
from sidecar.guard.scope import Scope

MAX_BYTES = 32_768
MAX_BRACKETS = 100  # sqlglot needs seconds for a few hundred
MAX_DEPTH = 6  # of square brackets, as of PostgreSQL's arrays; sqlglot's time doubles with each
RECURSION = 4_000
ROUNDS = 3

_NOT_SHOWN = "The proposal was dropped; nothing was run."
_ROOTS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Table)


@dataclass(frozen=True)
class Checked:
    """A statement that may go to the server: its normal form and the tables it reads."""

    sql: str
    tables: tuple[str, ...]


def check(sql: str, scope: Scope) -> Checked:
    """The normal form of exactly one SELECT inside the scope; raises NL401 to NL405."""
    with _deep_recursion():
        try:
            return _until_stable(sql, scope)
        except RecursionError:
            raise SidecarError(
                "NL404", "the statement is nested too deeply", detail=_NOT_SHOWN, hint="Ask for something simpler."
            ) from None


def _until_stable(sql: str, scope: Scope) -> Checked:
    """Check what is written, too, until reading and writing it again changes nothing.

    sqlglot writes some texts without quotes, as in `AS E'…'` and `date_part('…', x)`: what was checked as a text is
    then SQL that nobody has checked.
    """
    for _ in range(ROUNDS):
        checked = _check_once(sql, scope)
        if checked.sql == sql:
            return checked
        sql = checked.sql
    raise SidecarError(
        "NL404", "the statement has no stable form", detail=_NOT_SHOWN, hint="Ask for something simpler."
    )


def _check_once(sql: str, scope: Scope) -> Checked:
    tree = _parse(sql)
    constructs.refuse(tree, scope)
    functions.refuse(tree)
    tables = relations.resolve(tree, scope)
    return Checked(tree.sql(dialect="postgres", comments=False), tables)


def _parse(sql: str) -> exp.Expression:
    _refuse_unreadable(sql)
    try:
        tokens = sqlglot.tokenize(sql, dialect="postgres")
        _refuse_intricate(tokens)
        trees = [tree for tree in Postgres().parser().parse(tokens, sql) if tree is not None]
    except SqlglotError as error:
        reason = str(error).split("\n")[0].split(". Line")[0][:200]
        raise SidecarError(
            "NL404", f"the proposal is not SQL: {reason}", detail=_NOT_SHOWN, hint="Ask again in other words."
        ) from None
    if len(trees) != 1 or not isinstance(trees[0], _ROOTS) or _is_bare(trees[0]):
        raise SidecarError(
            "NL401",
            "the proposal is not exactly one SELECT",
            detail=_NOT_SHOWN,
            hint="Ask a question that data can answer.",
        )
    return trees[0]


def _refuse_unreadable(sql: str) -> None:
    """Before parsing: what would take too long, or can't be text in PostgreSQL."""
    try:
        reason = "has a NUL character" if "\x00" in sql else ""
        if len(sql.encode()) > MAX_BYTES:
            reason = f"is longer than {MAX_BYTES} bytes"
    except UnicodeEncodeError:
        reason = "is not valid Unicode"
    if reason:
        raise SidecarError(
            "NL404", f"the statement {reason}", detail=_NOT_SHOWN, hint="Ask for something simpler, in plain text."
        )


def _refuse_intricate(tokens: list[Token]) -> None:
    if sum(token.token_type == TokenType.L_BRACKET for token in tokens) > MAX_BRACKETS:
        raise SidecarError(
            "NL404",
            f"the statement has more than {MAX_BRACKETS} brackets",
            detail=_NOT_SHOWN,
            hint="Ask for something simpler.",
        )
    depth = deepest = 0
    for token in tokens:
        depth += (token.token_type == TokenType.L_BRACKET) - (token.token_type == TokenType.R_BRACKET)
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise SidecarError(
            "NL404",
            f"the statement has more than {MAX_DEPTH} brackets within each other",
            detail=_NOT_SHOWN,
            hint="Ask for something simpler.",
        )


def _is_bare(tree: exp.Expression) -> bool:
    """SELECT without a column: PostgreSQL takes it, but it answers nothing."""
    return isinstance(tree, exp.Select) and not tree.expressions


_recursion = threading.Lock()
_depth = {"users": 0, "before": 0}


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """Room for deeper nesting than Python's default allows; the limit is the process's, so count its users."""
    with _recursion:
        if _depth["users"] == 0:
            _depth["before"] = sys.getrecursionlimit()
            sys.setrecursionlimit(max(RECURSION, _depth["before"]))
        _depth["users"] += 1
    try:
        yield
    finally:
        with _recursion:
            _depth["users"] -= 1
            if _depth["users"] == 0:
                sys.setrecursionlimit(_depth["before"])
