"""A line that says how far a run is and when it will be done."""

from __future__ import annotations

import sys
import time

ON_A_TERMINAL, IN_A_LOG = 0.5, 15.0  # seconds between two lines


class Progress:
    """Counts answers; the rate is that of this run, not of what an earlier one has left."""

    def __init__(self, name: str, total: int, done: int = 0) -> None:
        self.name, self.total, self.done = name, total, done
        self.asked = self.errors = 0
        self.began = self.said = time.monotonic()
        self.terminal = sys.stdout.isatty()
        if done:
            print(f"  {name}: {done} of {total} answers are there already", flush=True)

    def count(self, valid: bool) -> None:
        self.done += 1
        self.asked += 1
        self.errors += not valid
        if time.monotonic() - self.said >= (ON_A_TERMINAL if self.terminal else IN_A_LOG):
            self.say()

    def say(self) -> None:
        self.said = time.monotonic()
        rate = self.asked / max(self.said - self.began, 0.001)
        left = duration((self.total - self.done) / rate) if rate else "?"
        text = f"  {self.name}: {self.done}/{self.total}  {rate:.2f}/s  errors {self.errors}  ETA {left}"
        print(f"\r{text}\033[K" if self.terminal else text, end="" if self.terminal else "\n", flush=True)

    def close(self) -> None:
        self.say()
        if self.terminal:
            print()


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
