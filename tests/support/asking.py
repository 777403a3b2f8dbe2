"""Ask a question through the extension and look at what it sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.conftest import Connection, Database
from tests.support.answering_peer import answers, bodies
from tests.support.peer import peer


@dataclass(frozen=True)
class Sent:
    """Everything that left the backend for one question."""

    requests: list[bytes]

    @property
    def scope(self) -> dict[str, Any]:
        scope: dict[str, Any] = bodies(self.requests)[-1]["scope"]
        return scope

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Tables of the scope by their name; by schema.name where a name stands twice."""
        tables = self.scope["tables"]
        names = [table["name"] for table in tables]
        return {t["name"] if names.count(t["name"]) == 1 else f"{t['schema']}.{t['name']}": t for t in tables}

    @property
    def text(self) -> str:
        """All bodies of all requests, for looking for what should not be there."""
        return "\n".join(
            json.dumps(json.loads(request.partition(b"\r\n\r\n")[2]), ensure_ascii=False) for request in self.requests
        )


def ask(database: Database, connection: Connection, question: str = "how many are there", **options: Any) -> Sent:
    with peer(database.socket, answers()) as listening:
        connection.execute("select nl2sql.ask(%s, %s)", (question, json.dumps(options)))
    return Sent(listening.requests)
