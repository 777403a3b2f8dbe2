"""What PL/Python gives a function, as far as nl2sql_pg uses it: answers by the text of the query."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

from nl2sql_pg import bridge, planning
from nl2sql_pg.confinement import Timer
from nl2sql_pg.server_tree import Tree

Rows = list[dict[str, Any]]


class SPIError(Exception):
    def __init__(self, sqlstate: str, message: str, hint: str | None = None, planning: bool = False) -> None:
        super().__init__(message)
        self.planning = planning  # raised by the planner; else by the analysis before it
        self.sqlstate = sqlstate
        self.spidata = (None, None, hint, None, None)


NOTHING_CAPTURED: dict[str, Rows] = {"nl2sql._captured(": [{"captured": None}]}
NO_UNDECLARED_KEYS: dict[str, Rows] = {"nl2sql._key_columns(": [], "nl2sql._known_joins(": []}
NO_LABELS: dict[str, Rows] = {"nl2sql._label_columns(": []}
NO_FILTERS: dict[str, Rows] = {"nl2sql._filters_of(": [], "nl2sql._masked_columns(": []}

# How Database.explain() wraps a statement.
EXPLAIN, EXPLAINED = "explain (format json) select * from (\n", "\n) as nl2sql_answer"

Plans = dict[str, float | SPIError]


@contextlib.contextmanager
def no_server() -> Iterator[None]:
    """What the bridge does to the server's own state has nothing to act on outside of a backend."""
    with contextlib.ExitStack() as stack:
        for name in ("hold_role", "hold_read_only", "set_read_only", "leave_superuser"):
            stack.enter_context(mock.patch.object(bridge, name, lambda *_: False))
        stack.enter_context(mock.patch.object(bridge, "less_stack", contextlib.nullcontext))
        stack.enter_context(mock.patch.object(bridge, "read_tree", lambda sql: Tree("")))
        stack.enter_context(mock.patch.object(planning, "time_limit", lambda seconds: contextlib.nullcontext(Timer())))
        yield


class FakePlpy:
    """`answers` maps a part of a query to its rows; `plans` a statement to its plan's cost or the planner's error."""

    SPIError = SPIError

    def __init__(self, answers: dict[str, Rows], plans: Plans | None = None) -> None:
        self.answers = {
            **NO_FILTERS,
            **answers,
            "select 1": [{"?column?": 1}],
            "set_config": [{"reader": 0, "stack": 0}],
            "transaction_read_only": [{"state": "on"}],
            "client_connection_check_interval": [{"every": "0"}],
            "nl2sql._has_code_of_others(": [{"others": False}],
            "has_function_privilege('nl2sql._ask(": [{"may": False}],
            **NO_UNDECLARED_KEYS,
            **NO_LABELS,
            **NOTHING_CAPTURED,
        }
        self.plans = plans or {}
        self.logged: list[str] = []
        self.executed: list[tuple[str, list[Any]]] = []

    def prepare(self, query: str, types: list[str]) -> str:
        plan = self.plans.get(query)
        if isinstance(plan, SPIError) and not plan.planning:
            raise plan
        return query

    def execute(self, query: str, values: list[Any]) -> Rows:
        self.executed.append((query, values))
        found = next(rows for part, rows in self.answers.items() if part in query)
        if isinstance(found, SPIError):
            raise found
        return found

    @contextlib.contextmanager
    def subtransaction(self) -> Iterator[None]:
        yield

    def cursor(self, query: str) -> FakePlpy:
        cost = self.plans[query.removeprefix(EXPLAIN).removesuffix(EXPLAINED)]
        if isinstance(cost, SPIError):
            raise cost
        self._plan = {
            "QUERY PLAN": json.dumps([{"Plan": {"Node Type": "Result", "Total Cost": cost, "Plan Rows": 1}}], indent=2)
        }
        return self

    def fetch(self, count: int) -> Rows:
        return [self._plan]

    def log(self, text: str) -> None:
        self.logged.append(text)
