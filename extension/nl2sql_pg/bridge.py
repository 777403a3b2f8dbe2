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
    Unconfined,
    grow_stack,
    hold_read_only,
    hold_role,
    leave_superuser,
    less_stack,
    memory_limit,
    set_read_only,
)
from nl2sql_pg.errors import ServerError
from nl2sql_pg.presence import caller_is_gone, report_it
from nl2sql_pg.server_tree import Tree, read_tree

QUERY_CANCELED = "57014"
MAX_TEXT = 65_536  # characters of a statement in its normal form: given ones have at most half of it
PARSE_MEMORY = 128_000_000  # more bytes for parsing one, views expanded

_PLAN_SETTINGS = """
    select pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('lock_timeout', '1s', true),
        pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_stack_depth')) as stack,
        (select r.oid from pg_catalog.pg_roles as r where r.rolname = 'pg_read_all_data') as reader
"""
_PATH = "select pg_catalog.current_setting('search_path') as path"
_SET_PATH = "select pg_catalog.set_config('search_path', $1, true)"
_READ_ONLY = "select pg_catalog.current_setting('transaction_read_only') as state"


@dataclass(frozen=True)
class Selected:
    """Rows, and (name, type OID, type modifier) of each column in their order: two may have one name."""

    rows: list[dict[str, Any]]
    columns: list[tuple[str, int, int]]


# Plans of fixed queries, kept for the session: PostgreSQL makes them anew where the role or the schema has changed.
_plans: dict[str, Any] = {}


class _Rollback(Exception):
    """Leaves a subtransaction undone."""


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

    @contextlib.contextmanager
    def own_path(self) -> Iterator[None]:
        """For a query of our own amid a text of the caller's: an operator on his path could stand for one in it."""
        before = self.value(_PATH)
        self.rows(_SET_PATH, ["text"], ["pg_catalog, pg_temp"])
        yield
        self.rows(_SET_PATH, ["text"], [before])

    @contextlib.contextmanager
    def held(self, search_path: str) -> Iterator[None]:
        """As undone(), with the caller's path, no role to take and nothing to write: for a text of others."""
        with self.undone():
            self._hold_text(search_path)
            yield

    def parse(self, sql: str) -> Tree:
        """The server's tree of a text that is SQL by itself: it can't break out of brackets around it.

        Raises ServerError where it is none, or longer than anything that is asked for: the server's scanner and parser
        look for no interrupt, and some texts take them a time that grows with the square of their length.
        """
        if len(sql) > MAX_TEXT:
            raise ServerError("54000", f"the statement has more than {MAX_TEXT} characters")
        try:
            with less_stack(), memory_limit(PARSE_MEMORY):
                self._plpy.prepare(sql, [])
            return read_tree(sql)
        except MemoryError:
            raise ServerError("53200", "out of memory") from None
        except self._plpy.SPIError as error:
            raise self._server_error(error) from None

    def explained(self, sql: str) -> str:
        """The planner's JSON for one SELECT; a cursor takes exactly one statement that returns rows."""
        try:
            line = self._plpy.cursor(f"explain (format json) select * from (\n{sql}\n) as nl2sql_answer").fetch(1)[0]
            return str(next(iter(line.values())))
        except MemoryError:
            raise ServerError("53200", "out of memory") from None
        except self._plpy.SPIError as error:
            raise self._server_error(error, planning=True) from None

    def as_subquery(self, sql: str) -> None:
        """Raise ServerError unless it can stand as a subquery; nothing is planned or run."""
        try:
            self._plpy.prepare(f"select * from (\n{sql}\n) as nl2sql_answer", [])
        except self._plpy.SPIError as error:
            raise self._server_error(error) from None

    def _hold_text(self, search_path: str) -> None:
        """hold(), before a text of others is parsed or planned in a subtransaction that is undone.

        A constant's type may have an input function or a constraint of another role's, which runs while it is parsed;
        planning runs functions, too. A superuser becomes a role that may only read: no one would hold him back.
        """
        row = self.rows(_PLAN_SETTINGS, ["text"], [search_path])[0]
        try:
            leave_superuser(row["reader"])
            grow_stack(row["stack"])
            self.hold()
        except Unconfined as reason:
            raise ServerError("0A000", f"nothing that others wrote may be parsed here: {reason}") from None

    def hold(self) -> None:
        """No role can be taken and nothing written until the subtransaction around ends; raises Unconfined."""
        hold_role()
        hold_read_only()
        if self.value(_READ_ONLY) != "on":
            raise Unconfined("it can't be made read-only")

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """A subtransaction that is undone whatever happens in it."""
        with contextlib.suppress(_Rollback), self._plpy.subtransaction():
            yield
            raise _Rollback

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

        A terminated backend does not come back from here, nor one whose client is gone: PostgreSQL ends the process.
        """
        if caller_is_gone():
            report_it()
        if self._interrupted is None or self._interrupted.value:
            self.rows("select 1")

    def log(self, text: str) -> None:
        """To the server's log, not to the client."""
        self._plpy.log(text)

    def _server_error(self, error: Any, planning: bool = False) -> ServerError:
        data = getattr(error, "spidata", None) or (None, None, None)
        message = re.sub(r"^spiexceptions\.\w+: ", "", str(error))
        return ServerError(getattr(error, "sqlstate", None) or "XX000", message, data[2], planning)
