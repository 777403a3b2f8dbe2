"""Repair in processes of its own: what takes too long is ended, what is deep is not even begun, and others go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from sidecar.repair.repair import Repaired, repair
from sidecar.rewriting import Rewriter
from tests.support.shop import shop_scope

MISSPELT = "select region_nam from regions"
MENDED = Repaired("SELECT region_name FROM regions", ("region_nam is region_name",))
# Sixty-four scalar subqueries, each with a name to look for: sqlglot reads it soon, the rules take their time.
LONG = "select " + ", ".join(f"(select max(region_nam{n}) from regions)" for n in range(150)) + " from orders"


def run(work: Callable[[Rewriter], Awaitable[None]], seconds: float = 10.0) -> None:
    async def whole() -> None:
        rewriter = Rewriter(seconds)
        await rewriter.start()
        try:
            await work(rewriter)
        finally:
            await rewriter.stop()

    asyncio.run(whole())


def test_the_same_as_here() -> None:
    async def work(rewriter: Rewriter) -> None:
        assert await rewriter.repair(MISSPELT, shop_scope()) == MENDED == repair(MISSPELT, shop_scope())

    run(work)


def test_what_takes_too_long_is_ended_and_stays_as_it_is() -> None:
    async def work(rewriter: Rewriter) -> None:
        assert await rewriter.repair(LONG, shop_scope()) == Repaired(LONG)
        # its process is gone, and another one in its place
        for _ in range(20):
            if await rewriter.repair("select 1", shop_scope()) == Repaired("select 1"):
                break

    run(work, seconds=0.01)


def test_who_does_not_wait_any_more_ends_it() -> None:
    async def work(rewriter: Rewriter) -> None:
        waiting = asyncio.ensure_future(rewriter.repair(LONG, shop_scope()))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await rewriter.repair(MISSPELT, shop_scope()) == MENDED

    run(work)


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "date(" * 26 + "'2020-01-01'" + ")" * 26,
        "select " + "int4(" * 13 + "'1'" + ")" * 13,
        "select " + "array[" * 30 + "1" + "]" * 30,
        "select " + "(" * 3000 + "1" + ")" * 3000,
        MISSPELT + " " * 8000,
    ],
    ids=["types", "calls", "arrays", "brackets", "blanks"],
)
def test_what_is_intricate_is_not_read(sql: str) -> None:
    """sqlglot would double its time with each of the brackets."""
    began = time.process_time()
    assert repair(sql, shop_scope(), refused=True) == Repaired(sql)
    assert time.process_time() - began < 0.5
