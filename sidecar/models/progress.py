"""Say on stderr how far a long step is: one line rewritten on a terminal, else a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

TERMINAL_INTERVAL = 0.2
LOG_INTERVAL = 10.0


class Progress:
    """Bytes done, rate and time left of one step."""

    def __init__(
        self,
        label: str,
        total: int | None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._total = total
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._interval = TERMINAL_INTERVAL if self._terminal else LOG_INTERVAL
        self._began: tuple[float, int] | None = None
        self._shown = clock()
        self._width = 0
        self._done = 0

    def update(self, done: int) -> None:
        """`done` is the number of bytes that are there, those of an earlier run included."""
        self._done = done
        now = self._clock()
        if self._began is None:
            self._began = (now, done)
        if now - self._shown >= self._interval:
            self._shown = now
            self._show(self._text(now))

    def finish(self) -> None:
        """The last line, with the figures of the whole step."""
        self._show(self._text(self._clock()))
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()

    def _text(self, now: float) -> str:
        began, offset = self._began or (now, 0)
        seconds = max(now - began, 1e-3)
        rate = (self._done - offset) / seconds
        text = f"{self._label}: {megabytes(self._done)}"
        if self._total:
            text += f" of {megabytes(self._total)} ({min(100, 100 * self._done // self._total)} %)"
        text += f", {rate / 1e6:.1f} MB/s"
        if self._total and self._done < self._total and rate > 0:
            text += f", {(self._total - self._done) / rate:.0f} s left"
        return text

    def _show(self, text: str) -> None:
        # Padding wipes the rest of a longer line before it.
        line = f"\r{text.ljust(self._width)}" if self._terminal else f"{text}\n"
        self._width = len(text)
        self._stream.write(line)
        self._stream.flush()


def megabytes(count: float) -> str:
    """A size for people: 491 MB, 3.6 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
