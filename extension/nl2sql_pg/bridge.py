"""The only module that touches plpy: queries under the caller's rights, interrupts, the server's errors."""

from __future__ import annotations

import contextlib
import ctypes
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.confinement import (
    MEMORY,
    Timer,
    Unconfined,
    grow_stack,
    hold_read_only,
    hold_role,
    leave_superuser,
    memory_limit,
    set_read_only,
    time_limit,
)
from nl2sql_pg.errors import ServerError

QUERY_CANCELED = "57014"
PLAN_SECONDS = 2  # for planning one statement

_PLAN_SETTINGS = """
    select set_config('search_path', $1, true),
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_stack_depth')) as stack,
        (select r.oid from pg_catalog.pg_roles as r where r.rolname = 'pg_read_all_data') as reader
"""
_READ_ONLY = "select pg_catalog.current_setting('transaction_read_only') as state"


@dataclass(frozen=True)
class Selected:
    """Rows, and (name, type OID, type modifier) of each column in their order: two may have one name."""

    rows: list[dict[str, Any]]
    columns: list[tuple[str, int, int]]


# Before any query of our own that follows the caller's: an operator on his path could stand for one in it.
_OWN_PATH = "select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)"
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


# Plans of fixed queries, kept for the session: PostgreSQL makes them anew where the role or the schema has changed.
_plans: dict[str, Any] = {}


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
            if (plan := _plans.get(query)) is None:
                plan = _plans[query] = self._plpy.prepare(query, list(types))
            return list(self._plpy.execute(plan, list(values)))
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
        exactly one statement that returns rows. The planner computes what is constant: a statement of nothing but
        large factorials would keep it busy for an hour, one of long texts would fill the memory.
        """
        timer = Timer()
        try:
            with contextlib.ExitStack() as stack:
                with contextlib.suppress(Unconfined):
                    timer = stack.enter_context(time_limit(PLAN_SECONDS))
                return self._planned(sql, search_path)
        except MemoryError:
            raise ServerError("53200", "out of memory") from None
        except Unconfined as reason:
            raise ServerError("0A000", f"nothing that others wrote may be planned here: {reason}") from None
        except ServerError as error:
            if timer.fired and error.sqlstate == QUERY_CANCELED:
                raise ServerError("54000", f"planning it took more than {PLAN_SECONDS} s") from None
            raise
        finally:
            if timer.fired:
                self.swallow_cancel()

    def _planned(self, sql: str, search_path: str) -> Any:
        plpy, analysed = self._plpy, False
        try:
            with plpy.subtransaction():
                self._hold_text(search_path)
                with memory_limit(MEMORY):
                    plpy.prepare(sql, [])
                    analysed = True
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
                before = self._hold_text(search_path)
                plpy.prepare(sql, [])
                set_read_only(before)  # not even a temporary view can be made read-only
                plpy.execute(plpy.prepare(f"{_VIEW} (\n{sql}\n) as nl2sql_answer", []), [])
                plpy.execute(_OWN_PATH)
                raise _Rollback([dict(row) for row in plpy.execute(plpy.prepare(_DEPENDENCIES, []), [])])
        except _Rollback as done:
            found: list[dict[str, str]] = done.result
            return found
        except plpy.SPIError as error:
            raise self._server_error(error) from None

    def bind(self, sql: str, search_path: str) -> None:
        """Raise ServerError unless the server can bind the names of one statement; nothing is planned or run."""
        with self.undone():
            self._hold_text(search_path)
            self.admit(sql)

    def _hold_text(self, search_path: str) -> bool:
        """hold(), before a text of others is parsed or planned in a subtransaction that is undone.

        A constant's type may have an input function or a constraint of another role's, which runs while it is parsed;
        planning runs functions, too. A superuser becomes a role that may only read: no one would hold him back.
        """
        row = self._plpy.execute(self._plpy.prepare(_PLAN_SETTINGS, ["text"]), [search_path])[0]
        try:
            leave_superuser(row["reader"])
            grow_stack(row["stack"])
            return self.hold()
        except Unconfined as reason:
            raise ServerError("0A000", f"nothing that others wrote may be parsed here: {reason}") from None

    def hold(self) -> bool:
        """No role can be taken and nothing written until the subtransaction around ends; raises Unconfined.

        Returns whether it was read-only already.
        """
        hold_role()
        before = hold_read_only()
        if self._plpy.execute(self._plpy.prepare(_READ_ONLY, []), [])[0]["state"] != "on":
            raise Unconfined("it can't be made read-only")
        return before

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """A subtransaction that is undone whatever happens in it."""
        with contextlib.suppress(_Rollback), self._plpy.subtransaction():
            yield
            raise _Rollback(None)

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing can be written until the block ends; then it is as it was before.

        Not by a SET clause on the function: from PostgreSQL 16 on, transaction_read_only can't stand in one.
        """
        try:
            before = hold_read_only()
        except Unconfined as reason:
            raise ServerError("0A000", f"nothing that others wrote may be read here: {reason}") from None
        try:
            yield
        finally:
            set_read_only(before)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """As undone(), and nothing can write in it."""
        with self.undone(), self.read_only():
            yield

    def admit(self, sql: str) -> None:
        """Raise ServerError unless the text is SQL by itself: what is can't break out of brackets around it."""
        try:
            self._plpy.prepare(sql, [])
        except self._plpy.SPIError as error:
            raise self._server_error(error) from None

    def select(self, query: str, most: int) -> Selected:
        """Up to so many rows of one statement, and what columns it has, once the executor has let go of its memory."""
        plpy = self._plpy
        try:
            plan = plpy.prepare(query, [])
            plpy.cursor(plan).close()  # takes exactly one statement that returns rows; execute() takes several
            result = plpy.execute(plan, [], most)
            kinds = zip(result.colnames(), result.coltypes(), result.coltypmods(), strict=True)
            return Selected([dict(row) for row in result], list(kinds))
        except MemoryError:
            raise ServerError("53200", "out of memory") from None
        except plpy.SPIError as error:
            raise self._server_error(error, planning=True) from None

    def deallocate(self, name: str) -> None:
        """Drop one prepared statement of the session."""
        quoted = name.replace('"', '""')
        try:
            self._plpy.execute(f'deallocate "{quoted}"')
        except self._plpy.SPIError as error:
            raise self._server_error(error) from None

    def swallow_cancel(self) -> None:
        """A timer may have gone off once more after the statement ended: its cancel must not hit what follows."""
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
