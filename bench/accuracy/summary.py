"""The table of arms on a terminal."""

from __future__ import annotations

from bench.accuracy.figures import percentile
from bench.accuracy.results import ArmResults, Run

HEAD = ("arm", "n", "exec %", "95 %", "strict %", "lenient %", "valid %", "p50 s", "p95 s", "engine p50 s")


def summary(run: Run) -> str:
    """One line an arm."""
    rows = [HEAD, *(row(results) for results in run.arms)]
    widths = [max(len(line[i]) for line in rows) for i in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in rows
    )


def row(results: ArmResults) -> tuple[str, ...]:
    low, high = results.right.interval
    strict = results.only_strict().right
    waited, engine = results.times(), results.times("engine")
    return (
        results.arm.name,
        str(len(results.items)),
        str(results.right),
        f"{low:.1f}-{high:.1f}",
        f"{strict} of {strict.total}",
        str(results.lenient),
        str(results.valid),
        f"{percentile(waited, 0.5) / 1000:.2f}",
        f"{percentile(waited, 0.95) / 1000:.2f}",
        f"{percentile(engine, 0.5) / 1000:.2f}",
    )
