"""An HTTP server on a Unix socket that answers what a test tells it to, bytes and timing included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Scripted:
    """What the server has seen."""

    socket: Path
    requests: list[tuple[str, Any]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)


def reply(status: int, body: object) -> Answer:
    """A whole answer; text goes out as it is, anything else as JSON."""
    content = (body if isinstance(body, str) else json.dumps(body)).encode()

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)

    return answer


async def close_midway(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half an answer, then the end of the connection."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")


@asynccontextmanager
async def scripted_server(folder: Path, *answers: Answer | None) -> AsyncIterator[Scripted]:
    """One answer per request, the last one for all that follow; None keeps silent until the client hangs up."""
    seen = Scripted(folder / "scripted.sock")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.requests.append(await _read_request(reader))
        answer = answers[min(len(seen.requests), len(answers)) - 1]
        if answer is None:
            await reader.read()
            seen.hung_up.set()
        else:
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, seen.socket)
    try:
        yield seen
    finally:
        server.close()


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next((int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length")), 0)
    body = await reader.readexactly(length)
    return head.split()[1], json.loads(body) if body else None
