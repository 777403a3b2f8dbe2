"""One line rewritten on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io
import itertools

from sidecar.models.progress import Progress, megabytes


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(stream: io.StringIO, seconds: int) -> str:
    """10 MB a second; 20 MB were there from an earlier run."""
    clock = Clock()
    progress = Progress("model", 200_000_000, stream, clock)
    for second in range(seconds + 1):
        clock.now = float(second)
        progress.update(20_000_000 + second * 10_000_000)
    progress.finish()
    return stream.getvalue()


def test_a_log_gets_a_line_every_ten_seconds_and_one_at_the_end() -> None:
    assert run(io.StringIO(), 18).splitlines() == [
        "model: 120 MB of 200 MB (60 %), 10.0 MB/s, 8 s left",
        "model: 200 MB of 200 MB (100 %), 10.0 MB/s",
    ]


def test_a_terminal_gets_one_line_rewritten() -> None:
    text = run(Terminal(), 18)
    assert text.count("\n") == 1 and text.endswith("\n") and text.count("\r") == 19
    lines = text.rstrip("\n").split("\r")[1:]
    assert all(len(later) >= len(earlier.rstrip()) for earlier, later in itertools.pairwise(lines)), "no remains"


def test_without_a_total_there_is_no_share() -> None:
    stream = io.StringIO()
    progress = Progress("model", None, stream, Clock())
    progress.update(5_000_000)
    progress.finish()
    assert stream.getvalue() == "model: 5 MB, 0.0 MB/s\n"


def test_sizes_for_people() -> None:
    assert [megabytes(n) for n in (491_400_064, 3_554_214_752, 0)] == ["491 MB", "3.6 GB", "0 MB"]
