"""From a name in the settings to a folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.models import resolve
from sidecar.models.hardware import GIB, Hardware
from sidecar.models.store import Store

SMALL, MIDDLE, LARGE = (f"qwen2.5-coder-{size}-instruct" for size in ("0.5b", "1.5b", "7b"))
CPU = Hardware(0, 16 * GIB, 24 * GIB)
BUSY = Hardware(0, 2 * GIB, 24 * GIB)
GPU = Hardware(80 * 10**9, 64 * GIB, 64 * GIB)


def put(cache: Path, *ids: str) -> None:
    for model_id in ids:
        staging = Store(cache).fresh_staging(model_id)
        (staging / "config.json").write_text("{}")
        Store(cache).publish(model_id, {})


def test_an_id(cache: Path) -> None:
    put(cache, SMALL)
    found = resolve(SMALL)
    assert found.path == cache / "models" / SMALL and (found.kind, found.family) == ("generator", "qwen")


@pytest.mark.parametrize(
    ("hardware", "present", "expected"),
    [
        (CPU, [SMALL, MIDDLE, LARGE], MIDDLE),
        (CPU, [SMALL], SMALL),
        (BUSY, [MIDDLE], MIDDLE),
        (BUSY, [SMALL, MIDDLE], SMALL),
        (GPU, [SMALL, MIDDLE], MIDDLE),
        (GPU, [SMALL, LARGE], LARGE),
    ],
)
def test_auto_takes_the_default_or_else_the_best_that_is_there(
    cache: Path, hardware: Hardware, present: list[str], expected: str
) -> None:
    put(cache, "all-minilm-l6-v2", *present)
    assert resolve("auto", hardware=hardware).id == expected


@pytest.mark.parametrize("present", [[], [LARGE], ["all-minilm-l6-v2"]])
def test_auto_with_nothing_that_can_run_names_the_default(cache: Path, present: list[str]) -> None:
    put(cache, *present)
    with pytest.raises(SidecarError) as caught:
        resolve("auto", hardware=CPU)
    assert caught.value.sqlstate == "NL303" and caught.value.hint == f"Run: nl2sql-model pull {MIDDLE}"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("qwen3", ("generator", "qwen")), ("llama", ("generator", "generic")), ("bert", ("embedder", "none"))],
)
def test_a_folder_of_the_users_own(tmp_path: Path, kind: str, expected: tuple[str, str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    found = resolve(str(tmp_path))
    assert (found.kind, found.family) == expected and found.path == tmp_path


@pytest.mark.parametrize(("text", "code"), [(None, "NL303"), ("{", "NL304"), ("[]", "NL304")])
def test_a_folder_without_a_model(tmp_path: Path, text: str | None, code: str) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(SidecarError) as caught:
        resolve(str(tmp_path))
    assert caught.value.sqlstate == code and caught.value.hint


def test_importing_the_package_is_cheap() -> None:
    code = (
        "import sys, sidecar.models; print(*sorted({'numpy', 'gguf', 'httpx', 'torch', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""
