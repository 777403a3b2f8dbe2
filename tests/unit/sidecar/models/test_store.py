"""What counts as a whole model, and one process at a time."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.models import store as store_module
from sidecar.models.store import MANIFEST, Store
from sidecar.places import default_cache

ID = "qwen2.5-coder-0.5b-instruct"


@pytest.fixture
def store(cache: Path) -> Store:
    return Store(cache)


@pytest.fixture
def model(store: Store) -> Path:
    staging = store.fresh_staging(ID)
    (staging / "sub").mkdir()
    (staging / "config.json").write_text("{}")
    (staging / "sub/weights").write_bytes(b"0123456789")
    return store.publish(ID, {"source": "test"})


def error(store: Store, **options: bool) -> SidecarError:
    with pytest.raises(SidecarError) as caught:
        store.path(ID, **options)
    assert caught.value.detail and caught.value.hint
    return caught.value


def test_a_published_model_is_whole(store: Store, model: Path) -> None:
    assert store.path(ID, verify=True) == model == store_module.path(ID)
    assert store.state(ID) == "ready" and store.describe(ID)["source"] == "test"
    assert [file["name"] for file in store.describe(ID)["files"]] == ["config.json", "sub/weights"]
    assert not store.staging(ID).exists()


def test_a_missing_model(store: Store) -> None:
    found = error(store)
    assert found.sqlstate == "NL303" and found.hint == f"Run: nl2sql-model pull {ID}"
    assert store.state(ID) == "missing"


def test_a_folder_without_manifest_is_not_a_model(store: Store, model: Path) -> None:
    (model / MANIFEST).unlink()
    assert error(store).sqlstate == "NL303" and store.state(ID) == "partial"


@pytest.mark.parametrize("data", [None, b"012345678", b"01234567890"])
def test_another_size_is_seen_without_reading(store: Store, model: Path, data: bytes | None) -> None:
    (model / "sub/weights").unlink()
    if data is not None:
        (model / "sub/weights").write_bytes(data)
    assert error(store).sqlstate == "NL304" and store.state(ID) == "corrupt"


def test_other_bytes_are_seen_by_verify(store: Store, model: Path) -> None:
    (model / "sub/weights").write_bytes(b"0123456780")
    assert store.path(ID) == model
    assert error(store, verify=True).sqlstate == "NL304"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": [{"name": "x"}]}'])
def test_a_damaged_manifest(store: Store, model: Path, text: str) -> None:
    (model / MANIFEST).write_text(text)
    assert error(store).sqlstate == "NL304"


def test_remove_takes_everything(store: Store, model: Path) -> None:
    store.downloads(ID).mkdir(parents=True)
    assert store.remove(ID) is True and store.state(ID) == "missing"
    assert store.remove(ID) is False


def test_publishing_replaces_an_older_model(store: Store, model: Path) -> None:
    (store.fresh_staging(ID) / "config.json").write_text("new")
    store.publish(ID, {})
    assert (store.path(ID, verify=True) / "config.json").read_text() == "new"
    assert not (model / "sub").exists()


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("NL2SQL_CACHE", "NL2SQL_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache/nl2sql"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert default_cache() == Path("/x/nl2sql")
    monkeypatch.setenv("NL2SQL_CACHE", "/y")
    assert default_cache() == Path("/y")


HOLDER = """
import sys, time
from pathlib import Path
from sidecar.models.store import Store
with Store(Path(sys.argv[1])).lock("m"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_waits_and_takes_over_from_a_killed_one(store: Store) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(store.cache)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        waited: list[str] = []
        began = time.monotonic()

        def on_wait(pid: str) -> None:
            waited.append(pid)
            os.kill(holder.pid, signal.SIGKILL)

        with store.lock("m", on_wait):
            assert waited == [str(holder.pid)] and time.monotonic() - began < 10
    finally:
        holder.kill()
        holder.communicate()


def _add_line(cache: str, log: str) -> None:
    with Store(Path(cache)).lock("m"):
        lines = Path(log).read_text()
        time.sleep(0.05)
        Path(log).write_text(lines + "x")


def test_no_two_hold_the_lock(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_line, args=(str(store.cache), str(log))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert log.read_text() == "xxxx"


def test_the_manifest_is_the_last_file_written(store: Store, model: Path) -> None:
    times = {path.name: path.stat().st_mtime_ns for path in model.rglob("*") if path.is_file()}
    assert max(times, key=lambda name: times[name]) == MANIFEST
    assert json.loads((model / MANIFEST).read_text())["format"] == 1
