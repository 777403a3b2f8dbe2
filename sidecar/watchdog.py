"""Tells when the event loop stands still: while one request holds it, nobody else is answered."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback

log = logging.getLogger("sidecar")

INTERVAL = 1.0  # seconds between two looks
PATIENCE = 0.5  # seconds until it counts as standing still


class Watchdog:
    """A thread that asks the loop for a sign of life, and logs what it is doing instead."""

    def __init__(self, interval: float = INTERVAL, patience: float = PATIENCE) -> None:
        self._interval, self._patience = interval, patience
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the running loop and the thread it is in."""
        watched = asyncio.get_running_loop(), threading.get_ident()
        self._thread = threading.Thread(target=self._watch, args=watched, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        while not self._ended.wait(self._interval):
            alive = threading.Event()
            try:
                loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # it is closed
                return
            if not alive.wait(self._patience) and not self._ended.is_set():
                log.error("the event loop stands still: nobody is answered", extra={"fields": {"in": _doing(thread)}})
                alive.wait()


def _doing(thread: int) -> list[str]:
    """The innermost calls of a thread, the last one first."""
    frame = sys._current_frames().get(thread)
    calls = traceback.extract_stack(frame)[-8:] if frame else []
    return [f"{call.name} ({call.filename}:{call.lineno})" for call in reversed(calls)]
