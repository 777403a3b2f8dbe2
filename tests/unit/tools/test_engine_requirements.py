"""What is installed for the engine where only PyPI's build of torch can be had."""

from __future__ import annotations

from tools.engine_requirements import without_torch


def test_torch_is_left_out_and_the_rest_kept() -> None:
    lines = [
        "numba==0.65.0",
        'torch==2.13.0+cpu; platform_machine != "never"',
        "torchvision",
        'only-elsewhere; sys_platform == "win32"',
        'bench-tools; extra == "bench"',
        'transformers[a]>=5; python_version >= "3.8"',
    ]
    assert without_torch(lines) == ["numba==0.65.0", "transformers[a]>=5"]
