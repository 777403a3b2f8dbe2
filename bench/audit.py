"""What it costs to keep an audit record: python -m bench.audit [--seconds 5] [--callers 1 12 200] [--state-dir …]

Starts the sidecar's service without an engine on a socket of its own, once with its journal on a disk and once on a
file system in memory (where a sync costs nothing), and lets callers post a record after another, as backends do: a
connection a call, without a pause. Prints calls a second and the time of a call.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import tempfile
import threading
import time
import uuid
from pathlib import Path

from bench.overhead import percentile
from bench.service import Service

MEMORY = Path("/dev/shm")
THREADS = 25


def request() -> bytes:
    """One intent, about as long as real ones are."""
    record = {
        "id": str(uuid.uuid4()),
        "event": "intent",
        "action": "query",
        "at": time.time_ns() // 1000,
        "session_user": "bi_reader",
        "role": "bi_reader",
        "member_of": ["nl2sql_user", "sales"],
        "client_addr": "10.1.2.3",
        "application_name": "psql",
        "pid": 4711,
        "question": "total revenue by region and month in the last quarter",
        "sql": "SELECT r.region_name, sum(o.total_amount) FROM orders o JOIN regions r USING (region_id) GROUP BY 1",
        "tables": ["shop.orders", "shop.regions"],
    }
    body = json.dumps({"protocol": 1, "database": "bench", "records": [record]}).encode()
    head = (
        "POST /v1/audit HTTP/1.1\r\nHost: sidecar\r\nContent-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def post(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(request())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not stored: {answer.decode(errors='replace')}")


def call(path: str, until: float, times: list[float]) -> None:
    while time.monotonic() < until:
        started = time.perf_counter()
        post(path)
        times.append((time.perf_counter() - started) * 1000)


def callers(path: str, threads: int, until: float) -> list[float]:
    """One process of callers; the time of each of their calls in milliseconds."""
    times: list[float] = []
    running = [threading.Thread(target=call, args=(path, until, times)) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return times


def measure(path: str, count: int, seconds: float) -> list[float]:
    shares = [min(THREADS, count - start) for start in range(0, count, THREADS)]
    until = time.monotonic() + seconds
    with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
        until = time.monotonic() + seconds + 0.5
        found = pool.starmap(callers, [(path, share, until) for share in shares])
    return [milliseconds for times in found for milliseconds in times]


def run(where: Path, name: str, counts: list[int], seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="nl2sql-bench-", dir=where) as state, Service(Path(state)) as service:
        path = str(service.socket)
        post(path)  # the first one makes the key and the file
        for count in counts:
            times = measure(path, count, seconds)
            print(
                f"{name:<8} {count:>4} callers  {len(times) / seconds:8.0f} calls/s"
                f"   p50 {percentile(times, 0.5):7.2f} ms   p99 {percentile(times, 0.99):7.2f} ms",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 12, 200])
    parser.add_argument("--state-dir", type=Path, default=Path(), help="a folder on the disk to measure; default: here")
    arguments = parser.parse_args()
    run(arguments.state_dir.resolve(), "disk", arguments.callers, arguments.seconds)
    run(MEMORY, "no sync", arguments.callers, arguments.seconds)


if __name__ == "__main__":
    main()
