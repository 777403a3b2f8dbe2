"""Write a safetensors file tensor by tensor, so that memory holds a slice of one tensor and never the model.

The library's own writer wants every tensor in memory at once, and numpy has no bfloat16 to give it. The format is
small: eight bytes of header length, a JSON header with the place of each tensor, then the bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

BF16_BYTES = 2


@dataclass(frozen=True)
class TensorPlan:
    """One tensor to write: its name, its shape, and a function that yields its values in order, in float32 pieces."""

    name: str
    shape: tuple[int, ...]
    pieces: Callable[[], Iterator[FloatArray]]

    @property
    def bytes(self) -> int:
        return prod(self.shape) * BF16_BYTES


def to_bfloat16(values: FloatArray) -> bytes:
    """The upper half of each float32, rounded to nearest even as torch does."""
    import numpy as np

    if not np.isfinite(values).all():
        raise ValueError("a weight is not a finite number")
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))
    return (rounded >> np.uint32(16)).astype("<u2").tobytes()


def header_bytes(plans: Iterable[TensorPlan]) -> bytes:
    """The header, padded with spaces so that the tensors start at a multiple of eight."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for plan in plans:
        header[plan.name] = {
            "dtype": "BF16",
            "shape": list(plan.shape),
            "data_offsets": [offset, offset + plan.bytes],
        }
        offset += plan.bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write(path: Path, plans: list[TensorPlan], progress: Callable[[int], None] | None = None) -> None:
    """Write all tensors as bfloat16; `progress` gets the bytes written so far."""
    with path.open("wb") as file:
        for block in _blocks(plans):
            file.write(block)
            if progress:
                progress(file.tell())
        file.flush()
        os.fsync(file.fileno())


def _blocks(plans: list[TensorPlan]) -> Iterator[bytes]:
    yield header_bytes(plans)
    for plan in plans:
        written = 0
        for piece in plan.pieces():
            block = to_bfloat16(piece)
            written += len(block)
            yield block
        if written != plan.bytes:
            raise ValueError(f"tensor {plan.name} has {written} bytes instead of {plan.bytes}")
