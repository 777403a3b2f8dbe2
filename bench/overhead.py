"""What nl2sql() costs beside the engine: python -m bench.overhead [--calls 50] [--dsn …]

Asks one demo question again and again, warm, through nl2sql.ask(), and takes the engine's own time, as the sidecar
measured it, from the time the client waited. Prints medians and 95th percentiles in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import psycopg

QUESTION = "How many orders are there in each sales channel?"


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def line(name: str, values: Sequence[float]) -> str:
    return f"{name:<22} median {statistics.median(values):8.1f} ms   p95 {percentile(values, 0.95):8.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--dsn", default="", help='a connection string; default: the environment, see "make env"')
    arguments = parser.parse_args()
    waited: list[float] = []
    stages: dict[str, list[float]] = {}
    with psycopg.connect(arguments.dsn, autocommit=True) as connection:
        for call in range(arguments.calls + 2):
            started = time.perf_counter()
            row = connection.execute("select nl2sql.ask(%s) -> 'timings'", (QUESTION,)).fetchone()
            assert row
            if call < 2:
                continue  # the first calls load Python and fill the engine's prefix cache
            waited.append((time.perf_counter() - started) * 1000)
            for stage, milliseconds in row[0].items():
                stages.setdefault(stage, []).append(milliseconds)
    overhead = [total - engine for total, engine in zip(waited, stages["engine"], strict=True)]
    print(f"{len(waited)} calls")
    print(line("client waited", waited))
    print(line("without the engine", overhead))
    for stage, values in stages.items():
        print(line(f"  {stage}", values))


if __name__ == "__main__":
    main()
