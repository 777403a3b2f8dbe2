"""Repair in processes of its own: what sqlglot takes too long for ends with its process, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from sidecar import logs
from sidecar.filters.holding import Held, hold, unread
from sidecar.guard.scope import Scope
from sidecar.periods import Period
from sidecar.prompt.render import ValueMatch
from sidecar.repair.repair import Repaired, repair

log = logging.getLogger("sidecar")

R = TypeVar("R")

SECONDS = 0.5  # for one statement; nineteen of twenty take less than 5 ms
PROCESSES = max(2, min(4, os.cpu_count() or 2))
MEMORY = 2_000_000_000  # bytes of address space for each

# A clean process that has read what the workers need, and makes each of them in milliseconds.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["sidecar.__main__", "sidecar.repair.repair", "sidecar.filters.holding"])


class Rewriter:
    """As repair(), for as long as it may take; a statement that takes longer stays as it is, and the log says so."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._starting: asyncio.Future[ProcessPool] | None = None

    async def start(self) -> None:
        """Start the processes, so that the first question does not wait for them."""
        await self._running()
        await asyncio.gather(*(self.repair("SELECT 1", Scope(())) for _ in range(PROCESSES)))

    async def stop(self) -> None:
        starting, self._starting = self._starting, None
        if starting:
            pool = await starting
            pool.stop()  # type: ignore[no-untyped-call]
            await asyncio.to_thread(pool.join)

    async def repair(
        self,
        sql: str,
        scope: Scope,
        values: Sequence[ValueMatch] = (),
        question: str = "",
        period: Period | None = None,
        told: bool = True,
        refused: bool = False,
    ) -> Repaired:
        """The statement put right; never raises for what is in it."""
        arguments = (sql, scope, tuple(values), question, period, told, refused)
        return await self._done(repair, arguments) or Repaired(sql)

    async def hold(self, sql: str, scope: Scope, tables: Sequence[str], question: str = "") -> Held:
        """As hold(); never raises for what is in it."""
        filtered = [table for table in scope.tables if table.filters and table.full_name in tables]
        if not any(table.filters for table in scope.tables):
            return Held(sql)
        return await self._done(hold, (sql, scope, tuple(tables), question)) or unread(sql, filtered)

    async def _done(self, work: Callable[..., R], arguments: tuple[Any, ...]) -> R | None:
        """What the work gives; None where it took too long, or its process died."""
        pool = await self._running()
        job = pool.schedule(work, args=arguments, timeout=self._seconds)
        try:
            done: R = await asyncio.wrap_future(job)
            return done
        except TimeoutError:
            log.warning("repair took too long and was ended", extra={"fields": {"seconds": self._seconds}})
        except ProcessExpired as error:
            log.warning("a repair process died", extra={"fields": {"exit_code": error.exitcode}})
        except asyncio.CancelledError:
            job.cancel()  # type: ignore[no-untyped-call]
            raise
        return None

    async def _running(self) -> ProcessPool:
        """The pool, started by who comes first; who does not need it does not wait for that."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(asyncio.to_thread(_started))
        return await asyncio.shield(self._starting)


def _started() -> ProcessPool:
    """A pool that has done something: it makes its processes with the first job."""
    pool = ProcessPool(PROCESSES, initializer=_confine, context=_CONTEXT)
    pool.schedule(repair, args=("SELECT 1", Scope(()))).result()
    return pool


def _confine() -> None:
    logs.configure("error")  # what sqlglot finds odd in a statement is nobody's concern
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    with contextlib.suppress(OSError):
        os.nice(5)  # the engine's threads wait for each other
