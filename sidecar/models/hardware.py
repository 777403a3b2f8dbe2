"""What this machine has: memory of the largest GPU, RAM (within the container's limit), free disk, a CPU's skills."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

GIB = 2**30
MIB = 2**20

MEMINFO = Path("/proc/meminfo")
CPUINFO = Path("/proc/cpuinfo")
CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Hardware:
    gpu_bytes: int
    available_bytes: int
    total_bytes: int
    bfloat16: bool = True  # whether GPU or CPU multiplies it


def probe() -> Hardware:
    """Measure now."""
    memory = _meminfo(MEMINFO)
    total, available = memory.get("MemTotal", 0), memory.get("MemAvailable", 0)
    limit = _cgroup_number(CGROUP / "memory.max")
    if limit is not None:
        used = _cgroup_number(CGROUP / "memory.current") or 0
        total, available = min(total, limit), min(available, max(0, limit - used))
    gpu = _gpu_bytes()
    return Hardware(gpu, available, total, gpu > 0 or multiplies_bfloat16())


def multiplies_bfloat16() -> bool:
    """Whether vLLM's matrix library has code for bfloat16 on this CPU: not on x86 without AVX-512, as most laptops are.

    There every product is emulated: a prompt takes a 0.5B several times as long as in float32 (docs/models.md).
    """
    try:
        lines = CPUINFO.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return True
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), None)
    return flags is None or "avx512bw" in flags  # only x86 calls them flags


def free_disk(folder: Path) -> int:
    """Bytes that may still be written where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _meminfo(path: Path) -> dict[str, int]:
    sizes = {}
    for line in path.read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if rest.endswith(" kB"):
            sizes[name] = int(rest.split()[0]) * 1024
    return sizes


def _cgroup_number(path: Path) -> int | None:
    """A limit of control groups version 2; None where there is none."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _gpu_bytes() -> int:
    """Memory of the largest GPU; nvidia-smi counts in MiB. No driver, no GPU."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return max((int(line) * MIB for line in output.split() if line.isdigit()), default=0)
