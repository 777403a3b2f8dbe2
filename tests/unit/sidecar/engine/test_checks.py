"""What a look at a model's folder finds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.engine.checks import check_folder
from sidecar.errors import SidecarError
from tests.support.tiny_model import make_tiny_model


def cut(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])


def test_a_whole_model_passes(tmp_path: Path) -> None:
    check_folder(make_tiny_model(tmp_path))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    (make_tiny_model(tmp_path) / name).unlink()
    with pytest.raises(SidecarError) as caught:
        check_folder(tmp_path)
    assert caught.value.sqlstate == "NL303" and name in caught.value.detail


BREAKS: list[Callable[[Path], object]] = [
    lambda folder: cut(folder / "config.json", 20),
    lambda folder: (folder / "config.json").write_text("[]"),
    lambda folder: cut(folder / "tokenizer.json", 100),
    lambda folder: cut(folder / "model.safetensors", 0),
    lambda folder: cut(folder / "model.safetensors", 50),
    lambda folder: cut(folder / "model.safetensors", 5000),
    lambda folder: (folder / "model.safetensors").write_bytes(b"\xff" * 4096),
    lambda folder: (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"[]"),
    lambda folder: (folder / "model.safetensors").write_bytes((7).to_bytes(8, "little") + b'{"a":1}'),
    lambda folder: (folder / "model.safetensors.index.json").write_text("{}"),
]


@pytest.mark.parametrize("damage", BREAKS)
def test_a_damaged_file_is_corrupt(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    damage(make_tiny_model(tmp_path))
    with pytest.raises(SidecarError) as caught:
        check_folder(tmp_path)
    assert caught.value.sqlstate == "NL304" and caught.value.hint


def test_every_part_of_a_cut_model_is_looked_at(tmp_path: Path) -> None:
    make_tiny_model(tmp_path)
    first = (tmp_path / "model.safetensors").rename(tmp_path / "model-1.safetensors")
    weights = {"a": first.name, "b": "model-2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    with pytest.raises(SidecarError, match="not there"):
        check_folder(tmp_path)
    (tmp_path / "model-2.safetensors").write_bytes(first.read_bytes())
    check_folder(tmp_path)
