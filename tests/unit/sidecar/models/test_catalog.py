"""Every entry of the shipped catalog, and the choice by hardware."""

from __future__ import annotations

import re

import pytest

from sidecar.errors import SidecarError
from sidecar.models import catalog
from sidecar.models.catalog import HuggingFaceSource, LocalSource, PyPISource
from sidecar.models.hardware import GIB, Hardware

CATALOG = catalog.load()
REMOTE = [
    (model.id, source)
    for model in CATALOG.models.values()
    for source in model.sources
    if not isinstance(source, LocalSource)
]
LARGE, MIDDLE, SMALL = (f"qwen2.5-coder-{size}-instruct" for size in ("7b", "1.5b", "0.5b"))


@pytest.mark.parametrize(
    ("gpu", "available", "expected"),
    [
        (0, 23 * GIB, MIDDLE),
        (0, 8 * GIB, MIDDLE),
        (0, 8 * GIB - 1, SMALL),
        (0, 0, SMALL),
        (16 * 10**9, 4 * GIB, LARGE),
        (15360 * 2**20, 64 * GIB, LARGE),  # what nvidia-smi says of a 16 GB card
        (12288 * 2**20, 64 * GIB, MIDDLE),
        (143771 * 2**20, 2 * GIB, LARGE),
    ],
)
def test_default_by_hardware(gpu: int, available: int, expected: str) -> None:
    assert CATALOG.default_for(Hardware(gpu, available, 128 * GIB)).id == expected


@pytest.mark.parametrize(("bfloat16", "expected"), [(True, MIDDLE), (False, SMALL)])
def test_a_processor_that_would_emulate_every_product_gets_the_small_one(bfloat16: bool, expected: str) -> None:
    assert CATALOG.default_for(Hardware(0, 64 * GIB, 64 * GIB, bfloat16)).id == expected


def test_eight_bits_on_a_small_gpu_only() -> None:
    model = CATALOG.get(LARGE)
    assert "fp8" in model.args_for(Hardware(16 * 10**9, GIB, GIB))
    assert "fp8" not in model.args_for(Hardware(24 * 10**9, GIB, GIB))


def test_an_unknown_id_names_the_known_ones() -> None:
    with pytest.raises(SidecarError, match="gpt-9") as caught:
        CATALOG.get("gpt-9")
    assert caught.value.sqlstate == "NL303" and SMALL in caught.value.detail


@pytest.mark.parametrize("model", CATALOG.models.values(), ids=lambda model: model.id)
def test_an_entry_is_complete(model: catalog.Model) -> None:
    assert model.kind in ("generator", "embedder") and model.licence and model.parameters > 10**6
    assert model.memory_gib > 0 and model.chat_template and model.prompt_family
    assert isinstance(model.sources[0], LocalSource)
    assert not model.gpu or model.gpu_gb > 0


@pytest.mark.parametrize(("model_id", "source"), REMOTE, ids=[f"{m}-{type(s).__name__}-{s.format}" for m, s in REMOTE])
def test_a_source_is_pinned_and_its_figures_agree(model_id: str, source: HuggingFaceSource | PyPISource) -> None:
    payload = sum(file.bytes or 0 for file in source.files)
    names = {file.name for file in source.files}
    assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256) for file in source.files if file.sha256)
    assert 0.8 * payload < source.download_bytes < 1.01 * payload + 10_000
    assert source.disk_bytes >= 0.99 * payload
    if source.format == "safetensors":
        assert {"config.json", "tokenizer.json"} <= names and any(name.endswith(".safetensors") for name in names)
    else:
        assert len(names) == 1 and source.files[0].sha256
    if isinstance(source, HuggingFaceSource):
        assert re.fullmatch(r"[0-9a-f]{40}", source.revision)
    else:
        assert all(file.sha256 and file.bytes for file in source.files)
        assert not source.parts or sum(part.bytes for part in source.parts) == payload
