"""Rows grouped by a part of today, which is one group: by that part of the only date in FROM."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair import kinds
from sidecar.repair.binding import Level, Statement
from sidecar.repair.nodes import TODAY, level_nodes


def mend(statement: Statement) -> str | None:
    for level in statement.levels:
        constant = next((key for key in _keys(level, statement) if _is_part_of_today(key)), None)
        moment = kinds.only_moment(level) if constant is not None else None
        if constant is not None and moment is not None:
            return _put(moment, constant, level)
    return None


def _keys(level: Level, statement: Statement) -> list[exp.Expr]:
    group = level.select.args.get("group")
    return [level.behind(key, statement.bound) for key in group.expressions] if group else []


def _is_part_of_today(key: exp.Expr) -> bool:
    return (
        isinstance(key, exp.Extract | exp.TimestampTrunc) and key.find(*TODAY) is not None and not key.find(exp.Column)
    )


def _put(moment: exp.Column, constant: exp.Expr, level: Level) -> str:
    before, written = constant.sql(dialect="postgres"), constant.copy()
    for today in list(written.find_all(*TODAY)):
        today.replace(moment.copy())
    for part in [*level.select.expressions, *(level.select.args.get(name) for name in ("group", "having", "order"))]:
        for same in [node for node in (part, *level_nodes(part)) if node == constant] if part else ():
            same.replace(written.copy())
    return f"{before} is the same for all rows: {written.sql(dialect='postgres')}"
