"""Classes of answers that are not right: by SQLSTATE, and by what they look like beside the gold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import expressions as exp
from sqlglot.errors import SqlglotError

from bench.accuracy.results import Item

WORDS = {
    "42703": "unknown column",
    "42P01": "unknown table or alias",
    "42803": "grouping",
    "42883": "types do not fit an operator or function",
    "42601": "syntax",
    "42702": "ambiguous column",
    "42P10": "bad column reference",
    "42804": "types do not fit",
    "22P02": "bad literal",
    "57014": "ran too long",
    "NL003": "no answer in time",
    "NL305": "engine error",
    "NL306": "no answer in time",
    "NL308": "answer cut at the token limit",
    "NL401": "not one SELECT",
    "NL402": "a table outside the scope",
    "NL406": "no valid answer",
}
INNER_CODE = re.compile(r"\bfailed with (\w{5}):")


def by_state(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Answers that do not run, or questions without an answer, by SQLSTATE; the most frequent first."""
    groups = defaultdict(list)
    for item in items:
        if not item.verdict.valid:
            groups[state(item)].append(item)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def state(item: Item) -> str:
    """The code; of a question that found no valid answer also the one that stood against the last proposal."""
    if item.verdict.result == "invalid":
        return item.verdict.error.split(":", 1)[0]
    code = item.answer.error.get("sqlstate", "no code")
    inner = INNER_CODE.search(item.answer.error.get("detail", ""))
    return f"{code}/{inner[1]}" if inner else code


def described(code: str) -> str:
    return ", ".join(WORDS[part] for part in code.split("/") if part in WORDS)


def by_kind(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Answers that run and are wrong, by the first difference from the gold that explains much."""
    groups = defaultdict(list)
    for item in items:
        if item.verdict.result == "wrong":
            groups[kind(item.answer.sql, item.question.gold, item.verdict.lenient)].append(item)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def kind(found: str, gold: str, lenient: bool) -> str:
    if lenient:
        return "right rows, further columns"
    try:
        answer, wanted = (sqlglot.parse_one(text, read="postgres") for text in (found, gold))
    except SqlglotError:
        return "other"
    for name, feature in FEATURES.items():
        if feature(answer) != feature(wanted):
            return name
    return "other"


def tables(tree: exp.Expr) -> set[str]:
    return {table.name.lower() for table in tree.find_all(exp.Table)}


def width(tree: exp.Expr) -> int:
    return len(tree.selects) if isinstance(tree, exp.Query) else 0


def columns(tree: exp.Expr) -> set[str]:
    return {column.name.lower() for part in selected(tree) for column in part.find_all(exp.Column)}


def selected(tree: exp.Expr) -> list[exp.Expr]:
    return list(tree.selects) if isinstance(tree, exp.Query) else []


def aggregates(tree: exp.Expr) -> list[str]:
    return sorted(node.key for node in tree.find_all(exp.AggFunc))


def literals(tree: exp.Expr) -> list[str]:
    return sorted(node.name for node in tree.find_all(exp.Literal))


FEATURES: dict[str, Callable[[exp.Expr], object]] = {
    "other tables": tables,
    "another number of columns": width,
    "other columns selected": columns,
    "other aggregates": aggregates,
    "a set operation more or less": lambda tree: tree.find(exp.SetOperation) is not None,
    "DISTINCT more or less": lambda tree: tree.find(exp.Distinct) is not None,
    "other literals": literals,
    "grouping": lambda tree: tree.find(exp.Group) is not None,
    "order or limit": lambda tree: (tree.find(exp.Order) is not None, tree.find(exp.Limit) is not None),
}
