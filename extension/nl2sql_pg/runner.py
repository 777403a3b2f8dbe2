"""Runs one SELECT for the caller: read-only, within limits, as nobody else, and always undone.

Everything that only the text of the statement decides stays inside: it must be SQL by itself and stand in brackets,
where only a SELECT can stand. Cells are cut and bytes are counted in SQL: a huge value that reached Python under the
memory limit would end the backend.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.bridge import QUERY_CANCELED, Database
from nl2sql_pg.confinement import MEMORY, Timer, Unconfined, grow_stack, is_superuser, memory_limit, time_limit
from nl2sql_pg.errors import Refusal, ServerError
from nl2sql_pg.leavings import HELD, give_back
from nl2sql_pg.plans import Plan, read_plan

LINE_CHARS = 262_144  # of one row as JSON
MAX_NAME = 63  # bytes
TEXTS = (25, 1043)  # type OIDs of text and varchar: cells that can be cut and are still what they were

# What a statement runs under, besides what the function around it sets; undone with the subtransaction.
_SETTINGS = f"""
    select nl2sql._limit_temporary_files(), set_config('search_path', $1, true),
        set_config('standard_conforming_strings', 'on', true), set_config('row_security', 'on', true),
        set_config('client_min_messages', 'error', true),
        set_config('work_mem', '16MB', true), set_config('max_parallel_workers_per_gather', '0', true),
        set_config('jit', 'off', true), set_config('lock_timeout', '1s', true),
        set_config('extra_float_digits', '1', true),
        pg_size_bytes(current_setting('max_stack_depth')) as stack, {HELD}
"""


@dataclass(frozen=True)
class Limits:
    """How long a statement may run and how much it may give and take."""

    seconds: float
    rows: int
    bytes: int
    cell_chars: int = 65_536


@dataclass(frozen=True)
class Column:
    """A column of a result under a name of its own, with its type as the server numbers it."""

    name: str
    type: int
    modifier: int


@dataclass(frozen=True)
class Result:
    """Rows as JSON in text; `cut`: there were more, `shortened`: of some cells only the beginning is there.

    `broken`: a row was too long as a whole, its text ends somewhere.
    """

    rows: list[str]
    cut: bool
    shortened: bool = False
    broken: bool = False


class Room:
    """What may be done with a statement while the limits hold."""

    def __init__(self, db: Database, limits: Limits) -> None:
        self._db = db
        self._limits = limits

    def plan(self, sql: str) -> Plan:
        """The planner's word on the statement."""
        return read_plan(self._db.explained(sql))

    def columns(self, sql: str) -> list[Column]:
        """What columns it has; names that stand there twice are numbered."""
        # a subquery under WHERE false is analysed, but neither planned nor run
        found = self._db.select(f"select * from (\n{sql}\n) as nl2sql_answer where false", 1).columns
        names = unique([name for name, _, _ in found])
        return [Column(name, *kind) for name, (_, *kind) in zip(names, found, strict=True)]

    def records(self, sql: str, columns: Sequence[Column]) -> Result:
        """Its rows as JSON objects."""
        record = f"nl2sql_{os.urandom(8).hex()}"  # no column has this name
        if not columns:
            return self._fetch(sql, columns, "'{}'")
        cells = ", ".join(f"{self._cell(n, column)} as {quoted(column.name)}" for n, column in enumerate(columns))
        return self._fetch(sql, columns, f"pg_catalog.row_to_json((select {record} from (select {cells}) as {record}))")

    def texts(self, sql: str, columns: Sequence[Column]) -> Result:
        """Its rows as JSON arrays of the text of each cell."""
        cells = ", ".join(f"{self._cell(n, column)}::pg_catalog.text" for n, column in enumerate(columns))
        return self._fetch(sql, columns, f"pg_catalog.to_json(array[{cells}]::pg_catalog.text[])")

    def _cell(self, number: int, column: Column) -> str:
        cell = f"q.c{number}"
        return f"pg_catalog.left({cell}::pg_catalog.text, {self._limits.cell_chars})" if is_text(column) else cell

    def _fetch(self, sql: str, columns: Sequence[Column], line: str) -> Result:
        limits = self._limits
        found = self._db.select(_rows_query(sql, columns, line, limits), limits.rows + 1).rows
        within = [row for row in found[: limits.rows] if row["line"] is not None]
        return Result(
            rows=[row["line"] for row in within],
            cut=len(within) < len(found),
            shortened=any(row["shortened"] for row in within),
            broken=any(row["size"] > LINE_CHARS for row in within),
        )


def _rows_query(sql: str, columns: Sequence[Column], line: str, limits: Limits) -> str:
    """One text a row; NULL from where the bytes are too many."""
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    texts = [f"q.c{number}" for number, column in enumerate(columns) if is_text(column)]
    long = " or ".join(f"pg_catalog.length({cell}::pg_catalog.text) > {limits.cell_chars}" for cell in texts) or "false"
    return f"""
        select case when x.bytes <= {limits.bytes} then pg_catalog.left(x.line, {LINE_CHARS}) end as line,
            pg_catalog.length(x.line) as size, x.shortened
        from (
            select l.line, l.shortened,
                pg_catalog.sum(pg_catalog.octet_length(l.line)) over (rows unbounded preceding) as bytes
            from (
                select {line}::pg_catalog.text as line, coalesce({long}, false) as shortened
                from (\n{sql}\n) as q{f"({names})" if names else ""}) as l) as x"""


@contextlib.contextmanager
def confined(db: Database, search_path: str, limits: Limits) -> Iterator[Room]:
    """Room for one statement; raises Unconfined where it can't be confined, 42501 for a superuser."""
    refuse_superuser()
    timer, before = Timer(), None
    try:
        with db.undone():
            before = _settle(db, search_path)
            db.hold()
            grow_stack(before["stack"])
            with time_limit(limits.seconds) as timer, memory_limit(MEMORY):
                yield Room(db, limits)
    except MemoryError:
        raise ServerError("53200", "out of memory") from None
    except ServerError as error:
        if timer.fired and error.sqlstate == QUERY_CANCELED:
            raise ServerError("54000", f"it ran for more than {limits.seconds:g} s") from None
        raise
    finally:
        if timer.fired:
            db.swallow_cancel()
        if before is not None:
            give_back(db, before)


def refuse_superuser() -> None:
    """Raise 42501 if the role is one: nothing in the server would hold a statement back."""
    if is_superuser():
        raise Refusal(
            "42501",
            "a superuser may not run statements through nl2sql",
            detail="Nothing in the server would hold a statement back that runs as a superuser. Nothing was run.",
            hint="SET ROLE to a role that may read the tables, and run it again.",
        )


def _settle(db: Database, search_path: str) -> dict[str, Any]:
    try:
        return db.rows(_SETTINGS, ["text"], [search_path])[0]
    except ServerError as error:
        if error.final:
            raise
        raise Unconfined(f"its settings can't be made: {error.message}") from None


def is_text(column: Column) -> bool:
    return column.type in TEXTS


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def unique(names: Sequence[str]) -> list[str]:
    """Each name once: the second `count` is `count_2`."""
    given: list[str] = []
    for name in names:
        new, number = name, 1
        while new in given or (number > 1 and new in names):
            number += 1
            suffix = f"_{number}"
            new = name.encode()[: MAX_NAME - len(suffix)].decode(errors="ignore") + suffix
        given.append(new)
    return given
