"""An engine's answers, kept: python -m bench.replay --engine SOCKET --store FILE

Listens on loopback as an OpenAI-compatible server. What was asked before, word for word, is answered from the file;
the rest by the engine behind it. So a changed rule is measured on the very proposals that the old one was given, and in
a fraction of the time:

    python -m bench.replay --engine .nl2sql/accuracy/run/sidecar/engine.sock --store /tmp/answers.jsonl
    NL2SQL_ENGINE_URL=http://127.0.0.1:8199/v1 python -m bench.accuracy FOLDER --model …
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

PORT = 8199
UNTOLD = ("cache_salt",)  # each sidecar has its own; here they may share the engine's cached prefixes


class Store:
    """Answers by a digest of what was asked, in a file that only grows."""

    def __init__(self, path: Path) -> None:
        self._answers: dict[str, str] = {}
        if path.exists():
            with path.open(encoding="utf-8") as lines:
                self._answers = {kept["asked"]: kept["answer"] for kept in map(json.loads, lines)}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def find(self, asked: str) -> str | None:
        return self._answers.get(asked)

    def keep(self, asked: str, answer: str) -> None:
        self._answers[asked] = answer
        self._file.write(json.dumps({"asked": asked, "answer": answer}) + "\n")
        self._file.flush()


def digest(path: str, body: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{path} {json.dumps(body, sort_keys=True)}".encode()).hexdigest()


def application(engine: httpx.AsyncClient, store: Store) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/{path:path}")
    async def answer(path: str, request: Request) -> Response:
        body = {name: value for name, value in (await request.json()).items() if name not in UNTOLD}
        asked = digest(path, body)
        known = store.find(asked)
        if known is not None:
            return Response(known, media_type="application/json")
        found = await engine.post(f"v1/{path}", json=body)
        if found.status_code == httpx.codes.OK:
            store.keep(asked, found.text)
        return Response(found.content, found.status_code, media_type="application/json")

    @app.get("/v1/models")
    async def models() -> Response:
        found = await engine.get("v1/models")
        return Response(found.content, found.status_code, media_type="application/json")

    return app


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", type=Path, required=True, help="Unix socket of a running vLLM")
    parser.add_argument("--store", type=Path, required=True, help="file of the answers")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    transport = httpx.AsyncHTTPTransport(uds=str(given.engine))
    engine = httpx.AsyncClient(base_url="http://engine/", transport=transport, timeout=None, trust_env=False)
    uvicorn.run(application(engine, Store(given.store)), host="127.0.0.1", port=given.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
