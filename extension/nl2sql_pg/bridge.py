"""The only module that touches plpy: queries under the caller's rights, interrupts, the server's errors."""

from __future__ import annotations

import contextlib
import ctypes
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.confinement import Timer, Unconfined, hold_role, memory_limit, time_limit
from nl2sql_pg.errors import ServerError

FETCH = 20  # rows at a time, so that a byte limit is noticed early
QUERY_CANCELED = "57014"

_PLAN_SETTINGS = """
    select set_config('search_path', $1, true), set_config('transaction_read_only', 'on', true)
"""
# What a statement runs under, besides what the function around it sets; undone with the subtransaction.
_RUN_SETTINGS = """
    select nl2sql._limit_temporary_files(), set_config('search_path', $1, true),
        set_config('standard_conforming_strings', 'on', true), set_config('row_security', 'on', true),
        set_config('transaction_read_only', 'on', true), set_config('client_min_messages', 'error', true),
        set_config('work_mem', '16MB', true), set_config('max_parallel_workers_per_gather', '0', true),
        set_config('jit', 'off', true)
"""


@dataclass(frozen=True)
class Limits:
    """How long a statement may run and how much it may give and take."""

    seconds: float
    rows: int
    bytes: int
    cell_chars: int = 65_536
    memory_bytes: int = 384_000_000


@dataclass(frozen=True)
class Result:
    """Rows as JSON objects in text, columns in their order; `cut` if there were more than the limits let through."""

    rows: list[str]
    cut: bool


_VIEW = "create temporary view nl2sql_reads as select 1 as one from"
_DEPENDENCIES = """
    select distinct n.nspname::text as schema, c.relname::text as table, coalesce(a.attname::text, '') as column
    from pg_catalog.pg_rewrite as r
        join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
        join pg_catalog.pg_class as c on c.oid = d.refobjid and c.oid <> r.ev_class
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        cross join pg_catalog.unnest(array[0, d.refobjsubid]) as part (attnum)
        left join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = part.attnum and part.attnum <> 0
    where r.ev_class = 'pg_temp.nl2sql_reads'::pg_catalog.regclass
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    order by 1, 2, 3
"""


class _Rollback(Exception):
    """Leaves a subtransaction undone, carrying what was read in it."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


def _interrupt_flag() -> ctypes.c_int | None:
    """The backend's InterruptPending (src/include/miscadmin.h), None where the binary does not show it."""
    try:
        return ctypes.c_int.in_dll(ctypes.CDLL(None), "InterruptPending")
    except ValueError:
        return None


class Database:
    """The session that asks. Keeps no data from one call to the next: roles change within a session."""

    def __init__(self, plpy: Any) -> None:
        self._plpy = plpy
        self._interrupted = _interrupt_flag()

    def rows(self, query: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a fixed query as the caller. `query` never has text of a user or a model in it."""
        try:
            return list(self._plpy.execute(self._plpy.prepare(query, list(types)), list(values)))
        except self._plpy.SPIError as error:
            raise self._server_error(error) from None

    def value(self, query: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> Any:
        """The first column of the first row."""
        row = self.rows(query, types, values)[0]
        return next(iter(row.values()))

    def json(self, query: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> Any:
        """As value(), of a query that returns jsonb."""
        return json.loads(self.value(query, types, values))

    def explain(self, sql: str, search_path: str) -> Any:
        """The planner's JSON for one SELECT, as the caller, in a subtransaction that is always undone.

        Whatever the text says: it must be SQL by itself, and stand as a subquery. There only a SELECT can stand that
        neither writes nor makes anything; EXPLAIN alone would take an UPDATE or CREATE TABLE AS, too. A cursor takes
        exactly one statement that returns rows.
        """
        plpy, analysed = self._plpy, False
        try:
            with plpy.subtransaction():
                plpy.execute(plpy.prepare(_PLAN_SETTINGS, ["text"]), [search_path])
                plpy.prepare(sql, [])
                analysed = True
                with contextlib.suppress(Unconfined):  # planning may run functions that are not volatile
                    hold_role()
                plan = plpy.cursor(f"explain (format json) select * from (\n{sql}\n) as nl2sql_answer").fetch(1)[0]
                raise _Rollback(next(iter(plan.values())))
        except _Rollback as done:
            return json.loads(done.result)
        except plpy.SPIError as error:
            raise self._server_error(error, planning=analysed) from None

    def reads(self, sql: str, search_path: str) -> list[dict[str, str]]:
        """Relations and columns that the server binds in one SELECT: {schema, table, column}, column '' for a relation.

        A view would depend on exactly these, so one is made of it and undone; nothing is planned or run. As in
        explain(), what is SQL by itself can't break out of the brackets.
        """
        plpy = self._plpy
        try:
            with plpy.subtransaction():
                plpy.execute(plpy.prepare("select set_config('search_path', $1, true)", ["text"]), [search_path])
                plpy.prepare(sql, [])
                plpy.execute(plpy.prepare(f"{_VIEW} (\n{sql}\n) as nl2sql_answer", []), [])
                raise _Rollback([dict(row) for row in plpy.execute(plpy.prepare(_DEPENDENCIES, []), [])])
        except _Rollback as done:
            found: list[dict[str, str]] = done.result
            return found
        except plpy.SPIError as error:
            raise self._server_error(error) from None

    def run(self, sql: str, search_path: str, limits: Limits) -> Result:
        """Rows of one SELECT, read-only, as the caller, in a subtransaction that is always undone.

        Raises ServerError, whose `final` is False where the statement ran into its own time limit, and
        confinement.Unconfined where the limits can't be set: then nothing was run.
        """
        timer = Timer()
        try:
            with self._plpy.subtransaction():
                self._plpy.execute(self._plpy.prepare(_RUN_SETTINGS, ["text"]), [search_path])
                self._plpy.prepare(sql, [])
                hold_role()
                with time_limit(limits.seconds) as timer, memory_limit(limits.memory_bytes):
                    result = self._fetch(sql, limits)
                raise _Rollback(result)
        except _Rollback as done:
            ran: Result = done.result
            return ran
        except MemoryError:
            raise ServerError("53200", "out of memory") from None
        except self._plpy.SPIError as error:
            failed = self._server_error(error, planning=True)
            if timer.fired and failed.sqlstate == QUERY_CANCELED:
                raise ServerError("54000", f"it ran for more than {limits.seconds:g} s") from None
            raise failed from None
        finally:
            if timer.fired:
                self._swallow_own_cancel()

    def _fetch(self, sql: str, limits: Limits) -> Result:
        # Cells are cut in SQL: a huge one that reached Python under the memory limit would end the backend.
        line = f"left(row_to_json(nl2sql__row)::text, {limits.cell_chars})"
        cursor = self._plpy.cursor(f"select {line} as line from (\n{sql}\n) as nl2sql__row")
        rows: list[str] = []
        size = 0
        while batch := cursor.fetch(FETCH):
            for row in batch:
                size += len(row["line"])
                if len(rows) == limits.rows or size > limits.bytes:
                    return Result(rows, True)
                rows.append(row["line"])
        return Result(rows, False)

    def _swallow_own_cancel(self) -> None:
        """The timer may have gone off once more after the statement ended: its cancel must not hit what follows."""
        try:
            with self._plpy.subtransaction():
                self._plpy.execute(self._plpy.prepare("select 1", []), [])
        except self._plpy.SPIError as error:
            if getattr(error, "sqlstate", None) != QUERY_CANCELED:
                raise

    def check_interrupts(self) -> None:
        """Raise ServerError if the statement was cancelled or ran out of time; cheap when it was not.

        A terminated backend does not come back from here: PostgreSQL ends the process itself.
        """
        if self._interrupted is None or self._interrupted.value:
            self.rows("select 1")

    def log(self, text: str) -> None:
        """To the server's log, not to the client."""
        self._plpy.log(text)

    def _server_error(self, error: Any, planning: bool = False) -> ServerError:
        data = getattr(error, "spidata", None) or (None, None, None)
        message = re.sub(r"^spiexceptions\.\w+: ", "", str(error))
        return ServerError(getattr(error, "sqlstate", None) or "XX000", message, data[2], planning)
