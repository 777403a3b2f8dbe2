"""The only module that touches plpy: queries under the caller's rights, interrupts, the server's errors."""

from __future__ import annotations

import ctypes
import json
import re
from collections.abc import Sequence
from typing import Any

from nl2sql_pg.errors import ServerError


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
                plpy.execute(plpy.prepare("select set_config('search_path', $1, true)", ["text"]), [search_path])
                plpy.prepare(sql, [])
                analysed = True
                plan = plpy.cursor(f"explain (format json) select * from (\n{sql}\n) as nl2sql_answer").fetch(1)[0]
                raise _Rollback(next(iter(plan.values())))
        except _Rollback as done:
            return json.loads(done.result)
        except plpy.SPIError as error:
            raise self._server_error(error, planning=analysed) from None

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
