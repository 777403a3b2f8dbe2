"""An engine that always proposes the gold statement: python -m bench.gold_engine FOLDER [--language zh]

Listens on loopback as an OpenAI-compatible server. With it behind the sidecar, the accuracy of any arm says what the
pipeline does to statements that are right already: what is below 100 % was changed for the worse.

    python -m bench.gold_engine FOLDER
    NL2SQL_ENGINE_URL=http://127.0.0.1:8198/v1 python -m bench.accuracy FOLDER --model gold --arms all
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from bench.accuracy.suite import FIELDS, Suite, read_suite

PORT = 8198
LOGPROB = -0.01  # of each token: an engine that is sure is asked once


class Golds:
    """Gold statements by what their questions are asked with."""

    def __init__(self, suite: Suite) -> None:
        # several databases may be asked the same: the schema in the prompt tells them apart
        self._known = sorted(
            ((question.text, question.database, question.gold) for question in suite.questions),
            key=lambda known: -len(known[0]),
        )

    def find(self, prompt: str) -> str:
        """The gold of the longest question that stands in the prompt, of the database that does."""
        asked = [(database, gold) for text, database, gold in self._known if " ".join(text.split()) in prompt]
        return next((gold for database, gold in asked if database in prompt), asked[0][1] if asked else "")


def application(golds: Golds) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/chat/completions")
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        gold = golds.find(body["messages"][1]["content"])
        choices = [
            {
                "index": number,
                "message": {"role": "assistant", "content": gold},
                "logprobs": {"content": [{"token": gold, "logprob": LOGPROB}]},
                "finish_reason": "stop",
            }
            for number in range(body.get("n", 1))
        ]
        return {"model": "gold", "choices": choices, "usage": {"prompt_tokens": 0, "completion_tokens": 1}}

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        return {"data": [{"id": "gold"}]}

    return app


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language", choices=sorted(FIELDS), default="en")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    golds = Golds(read_suite(given.folder, given.language))
    uvicorn.run(application(golds), host="127.0.0.1", port=given.port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
