"""The engine's log file: kept small, and read for how far a start is and why an engine ended."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sidecar.engine import faults

MAX_BYTES = 10_000_000
TAIL_BYTES = 65_536

# What vLLM writes when a step begins, and what that step is called in status().
STEPS = (
    ("non-default args", "reading the model's configuration"),
    ("Initializing a V1 LLM engine", "starting the engine's processes"),
    ("Starting to load model", "loading weights"),
    ("Loading weights took", "preparing memory"),
    ("Dynamo bytecode transform", "compiling"),
    ("Compiling a graph", "compiling"),
    ("Capturing CUDA graphs", "capturing CUDA graphs"),
    ("KV cache size", "warming up"),
    ("Starting vLLM server", "starting the engine's server"),
    ("Application startup complete", "making the first token"),
)
PREFIX = re.compile(r"^(?:\([^)]*pid=\d+\) )?(?:(?:ERROR|WARNING|INFO) [\d:. -]+\[[^\]]*\] ?)?")
EXCEPTION = re.compile(r"^(?:[\w.]+(?:Error|Exception|Interrupt)\b.*|.*: error: .*|nanny: .*: .*)$")
# Errors that only report that another process failed; the reason stands above them.
SECONDHAND = ("Engine core initialization failed", "WorkerProc initialization failed", "EngineDeadError", "cancelled")


@dataclass(frozen=True)
class Diagnosis:
    """Why a life ended, what to do, and whether another try could go better."""

    gist: str
    action: str
    code: str = "NL302"
    hopeless: bool = False


READ_LOG = "See the end of the engine's log."
INSTALL = "Install the engine: `pip install .[cpu]` or `.[gpu]`."
FREE_MEMORY = "Free memory, lower engine_cpu_kv_gib, or take a smaller model."
# Words in the log, in order of precedence: code, what to do, whether a restart is pointless.
KNOWN = (
    (r"SafetensorError|while deserializing header|is not a valid JSON file", "NL304", faults.PULL_AGAIN, True),
    (r"are not supported for now|does not recognize this arch", "NL304", "Take a model that vLLM supports.", True),
    (r"No module named 'vllm|nanny: .*No such file", "NL302", INSTALL, True),
    (r"error: (unrecognized arguments|argument )", "NL302", "Correct engine_args in the sidecar's settings.", True),
    (r"out of memory|[Cc]an(no|')t allocate memory|MemoryError|less than desired", "NL302", FREE_MEMORY, False),
    (r"No space left on device", "NL302", "Free space on the disk that it names.", False),
    (r"ended with status (-9|137)", "NL302", f"If nobody killed it, memory ran out. {FREE_MEMORY}", False),
)


def rotate(path: Path) -> int:
    """Make room before a start: a large log becomes `.1`. Gives the offset where the new life's lines begin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > MAX_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    # Not world-readable: vLLM may quote requests in its errors.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640))
    return path.stat().st_size


def tail(path: Path, since: int) -> str:
    """The last lines of one life."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(since, end - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def step(text: str) -> str:
    """What a starting engine is doing, by the latest step that its log names."""
    latest = max(STEPS, key=lambda row: text.rfind(row[0]))
    return latest[1] if latest[0] in text else "starting Python and vLLM"


def diagnose(text: str) -> Diagnosis:
    """Read the reason of an end out of the log."""
    gist = _gist(text)
    for pattern, code, action, hopeless in KNOWN:
        if re.search(pattern, text):
            return Diagnosis(gist, action, code, hopeless)
    return Diagnosis(gist, READ_LOG)


def _gist(text: str) -> str:
    """The first exception that is not about another one, else the last line."""
    lines = [PREFIX.sub("", line).strip() for line in text.splitlines()]
    errors = [line for line in lines if EXCEPTION.match(line)]
    first_hand = [line for line in errors if not any(words in line for words in SECONDHAND)]
    told = first_hand or errors or [line for line in lines if line]
    return faults.shorten(told[0] if errors else told[-1]) if told else "It wrote nothing."
