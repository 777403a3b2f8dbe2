"""What the machine is measured to have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sidecar.models import hardware


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, first on the path; tests write its body."""
    program = tmp_path / "bin/nvidia-smi"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program


def install(program: Path, body: str) -> None:
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_this_machine() -> None:
    found = hardware.probe()
    kib = int(subprocess.check_output(["awk", "/^MemTotal/ { print $2 }", "/proc/meminfo"]))
    assert 0 < found.available_bytes <= found.total_bytes <= kib * 1024


def test_the_largest_gpu_counts(nvidia_smi: Path) -> None:
    install(nvidia_smi, "echo 15360; echo 24564")
    assert hardware.probe().gpu_bytes == 24564 * 2**20


@pytest.mark.parametrize("body", ["echo 'NVIDIA-SMI has failed' >&2; exit 9", "echo '[N/A]'", "echo"])
def test_a_driver_that_fails_is_no_gpu(nvidia_smi: Path, body: str) -> None:
    install(nvidia_smi, body)
    assert hardware.probe().gpu_bytes == 0


def test_a_containers_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(hardware, "CGROUP", tmp_path)
    found = hardware.probe()
    assert (found.total_bytes, found.available_bytes) == (1_000_000, 600_000)


@pytest.mark.parametrize("limit", ["max\n", None])
def test_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None) -> None:
    if limit:
        (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(hardware, "CGROUP", tmp_path)
    assert hardware.probe().total_bytes > 10**8


def test_free_disk_of_a_folder_yet_to_be_made(tmp_path: Path) -> None:
    assert hardware.free_disk(tmp_path / "not/yet/there") > 0


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512bw avx512vl\n", True),
        ("processor\t: 0\nflags\t\t: fpu fma avx f16c avx2\n", False),
        ("processor\t: 0\nFeatures\t: fp asimd bf16 i8mm\n", True),  # ARM
    ],
)
def test_which_processors_multiply_bfloat16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cpuinfo: str, expected: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    assert hardware.multiplies_bfloat16() is expected
    assert hardware.probe().bfloat16 is (expected or hardware.probe().gpu_bytes > 0)


def test_a_gpu_multiplies_bfloat16_whatever_the_processor_does(
    nvidia_smi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(nvidia_smi, "echo 12288")
    (tmp_path / "cpuinfo").write_text("flags : avx2\n")
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "cpuinfo")
    assert hardware.probe().bfloat16
