"""A look at a model's folder before an engine is started on it: seconds saved, and a clear word on what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sidecar.engine import faults

HEADER_LIMIT = 100_000_000


def check_folder(folder: Path) -> None:
    """Raise NL303 if a file is missing, NL304 if one is cut short or not what its name says."""
    for name in ("config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise faults.model_missing(folder, name)
        _read_json(folder / name)
    for path in _weight_files(folder):
        if not path.is_file():
            raise faults.model_missing(folder, path.name)
        check_safetensors(path)


def check_safetensors(path: Path) -> None:
    """Compare a safetensors file's size with what its header promises."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(HEADER_LIMIT, size - 8):
            raise faults.model_corrupt(f"{path} is cut short: {size} bytes, a header of {length}.")
        header = _parse(file.read(length), path)
    try:
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise faults.model_corrupt(f"{path} has a header that is not of safetensors.") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise faults.model_corrupt(f"{path} has {size} bytes instead of {expected}.")


def _weight_files(folder: Path) -> list[Path]:
    """The files with weights: by the index where there is one, else all that there are."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        weights = _read_json(index).get("weight_map")
        if not isinstance(weights, dict):
            raise faults.model_corrupt(f"{index} has no weight_map.")
        return [folder / str(name) for name in sorted(set(weights.values()))]
    return sorted(folder.glob("*.safetensors")) or [folder / "model.safetensors"]


def _read_json(path: Path) -> dict[str, Any]:
    return _parse(path.read_bytes(), path)


def _parse(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise faults.model_corrupt(f"{path} is not valid JSON.") from error
    if not isinstance(value, dict):
        raise faults.model_corrupt(f"{path} is not a JSON object.")
    return value
