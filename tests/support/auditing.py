"""Records as backends send them, and callers that send many at once."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx


def audit_record(event: str = "event", **fields: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "event": event,
        "action": "query",
        "at": time.time_ns() // 1000,
        "session_user": "bi_reader",
        "role": "bi_reader",
        **fields,
    }


def client_of(socket: Path) -> httpx.Client:
    transport = httpx.HTTPTransport(uds=str(socket))
    return httpx.Client(transport=transport, base_url="http://sidecar", timeout=20, trust_env=False)


def post(http: httpx.Client, database: str, *records: dict[str, Any]) -> httpx.Response:
    return http.post("/v1/audit", json={"protocol": 1, "database": database, "records": list(records)})


class Callers:
    """Post one record after another until the block ends; `acknowledged` has the ids of those that were accepted."""

    def __init__(self, count: int, socket: Path, database: str) -> None:
        self.acknowledged: list[str] = []
        self.refused = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(socket, database)) for _ in range(count)]

    def _call(self, socket: Path, database: str) -> None:
        with client_of(socket) as http:
            while not self._stop.is_set():
                self._one(http, database)

    def _one(self, http: httpx.Client, database: str) -> None:
        record = audit_record()
        try:
            answer = post(http, database, record)
        except httpx.HTTPError:
            self.refused += 1
            time.sleep(0.05)
            return
        if answer.status_code == 200:
            self.acknowledged.append(record["id"])
        else:
            self.refused += 1
        time.sleep(0.1)

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def eventually(condition: Callable[[], bool], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)
