"""What the engine's log tells; the lines are vLLM's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.engine import log

STARTED = "(APIServer pid=7) INFO 11-22 14:13:54 [api_utils.py:286] non-default args: {'uds': '/run/e.sock'}\n"
LOADING = "(Worker pid=9) INFO 11-22 14:14:15 [cpu_model_runner.py:68] Starting to load model /m...\n"
LOADED = "(Worker pid=9) INFO 11-22 14:14:15 [default_loader.py:501] Loading weights took 2.69 seconds\n"
EAGER = (
    "(APIServer pid=7) WARNING 11-22 14:14:02 [vllm.py:1703] Enforce eager set, disabling torch.compile, CUDAGraphs\n"
)
CORE = "(EngineCore pid=8) ERROR 11-22 14:15:23 [core.py:1063] "
SECONDHAND = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "starting Python and vLLM"),
        (STARTED, "reading the model's configuration"),
        (STARTED + EAGER, "reading the model's configuration"),
        (STARTED + LOADING, "loading weights"),
        (STARTED + LOADING + LOADED, "preparing memory"),
    ],
)
def test_the_latest_step_is_told(text: str, expected: str) -> None:
    assert log.step(text) == expected


@pytest.mark.parametrize(
    ("line", "code", "hopeless", "advice"),
    [
        (
            "safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata",
            "NL304",
            True,
            "pull",
        ),
        ("ValueError: Model architectures ['X'] are not supported for now. Supported: ...", "NL304", True, "supports"),
        ("api_server.py: error: unrecognized arguments: --nonsense", "NL302", True, "engine_args"),
        ("RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory", "NL302", False, "memory"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "NL302", False, "memory"),
        ("OSError: [Errno 28] No space left on device", "NL302", False, "disk"),
        ("RuntimeError: something new", "NL302", False, "log"),
    ],
)
def test_an_end_is_diagnosed(line: str, code: str, hopeless: bool, advice: str) -> None:
    found = log.diagnose(STARTED + CORE + line + "\n" + CORE + SECONDHAND + "nanny: the engine ended with status 1\n")
    assert (found.code, found.hopeless, found.gist) == (code, hopeless, line)
    assert advice in found.action


def test_a_kill_without_words_points_to_memory() -> None:
    found = log.diagnose(STARTED + "nanny: the engine ended with status -9\n")
    assert found.gist == "nanny: the engine ended with status -9" and "memory ran out" in found.action


def test_an_empty_log_has_a_gist_too() -> None:
    assert log.diagnose("").gist


def test_only_the_lines_of_this_life_are_read(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "engine.log"
    assert log.rotate(path) == 0
    path.write_text("ValueError: of an earlier life\n")
    since = log.rotate(path)
    with path.open("a") as file:
        file.write("all is well\n")
    assert log.tail(path, since) == "all is well\n"
    assert path.stat().st_mode & 0o007 == 0


def test_a_large_log_makes_room(tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.write_bytes(b"x" * (log.MAX_BYTES + 1))
    assert log.rotate(path) == 0
    assert path.stat().st_size == 0 and (tmp_path / "engine.log.1").stat().st_size == log.MAX_BYTES + 1
