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


def test_of_cuda_only_the_runtime_is_kept() -> None:
    lines = [
        "sympy>=1.13.3",
        'cuda-toolkit[cublas,cudart,cupti]==13.0.3; sys_platform != "never"',
        "cuda-bindings<14,>=13.0.3",
        "nvidia-cudnn-cu13==9.20.0.48",
        "triton==3.7.1",
    ]
    assert without_torch(lines) == ["sympy>=1.13.3", "cuda-toolkit[cudart,cupti]==13.0.3"]
