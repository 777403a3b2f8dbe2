"""A loop that stands still is told of, with what holds it."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from sidecar.watchdog import Watchdog


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def watched(seconds: float) -> None:
    watchdog = Watchdog(interval=0.05, patience=0.2)
    watchdog.start()
    await asyncio.sleep(0.1)
    hold_the_loop(seconds)
    await asyncio.sleep(0.1)
    watchdog.stop()


def test_who_holds_it_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "sidecar"):
        asyncio.run(watched(0.8))
    (record,) = caplog.records
    assert "hold_the_loop" in record.fields["in"][0]  # type: ignore[attr-defined]


def test_a_moment_is_none(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "sidecar"):
        asyncio.run(watched(0.0))
    assert caplog.records == []
