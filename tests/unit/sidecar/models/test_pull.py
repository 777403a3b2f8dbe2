"""From the catalog's sources to a whole model: order, conversion, interruption, room."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.models import catalog, hardware
from sidecar.models.catalog import File, HuggingFaceSource, LocalSource, Model
from sidecar.models.hardware import GIB, Hardware
from sidecar.models.pull import check_memory, fetch_source, pull
from sidecar.models.store import Store
from tests.unit.sidecar.models.conftest import FileServer

ID = "qwen2.5-coder-0.5b-instruct"
CONFIG = b'{"model_type": "qwen2"}'


@pytest.fixture
def store(cache: Path) -> Store:
    return Store(cache)


@pytest.fixture
def hub(server: FileServer, tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """Hugging Face's paths: a GGUF repository and one with other files."""
    server.files["/tiny/gguf/resolve/r1/tiny.gguf"] = tiny_gguf.read_bytes()
    server.files["/tiny/plain/resolve/r2/config.json"] = CONFIG
    server.files["/tiny/plain/resolve/r2/sub/model.safetensors"] = bytes(1000)
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    return server


def gguf_source(data: bytes) -> HuggingFaceSource:
    file = File("tiny.gguf", len(data), hashlib.sha256(data).hexdigest())
    return HuggingFaceSource("tiny/gguf", "r1", "gguf", (file,), len(data), 4 * len(data))


def plain_source() -> HuggingFaceSource:
    files = (File("config.json"), File("sub/model.safetensors", 1000, hashlib.sha256(bytes(1000)).hexdigest()))
    return HuggingFaceSource("tiny/plain", "r2", "safetensors", files, 1000, 1000)


def model(*sources: catalog.Source) -> Model:
    return replace(catalog.load().get(ID), sources=sources)


def test_safetensors_are_taken_as_they_are(hub: FileServer, store: Store) -> None:
    folder = pull(model(plain_source()), store)
    assert (folder / "config.json").read_bytes() == CONFIG and (folder / "sub/model.safetensors").stat().st_size == 1000
    manifest = store.describe(ID)
    assert manifest["revision"] == "r2" and "tiny/plain" in manifest["source"]
    recorded = {file["name"]: file["sha256"] for file in manifest["files"]}
    assert recorded["config.json"] == hashlib.sha256(CONFIG).hexdigest(), "trusted on first use, then recorded"
    assert not store.downloads(ID).exists()


def test_gguf_is_converted_and_the_download_dropped(hub: FileServer, store: Store, tiny_gguf: Path) -> None:
    folder = pull(model(gguf_source(tiny_gguf.read_bytes())), store)
    assert {"model.safetensors", "config.json", "tokenizer.json", "model.json"} <= {
        path.name for path in folder.iterdir()
    }
    assert store.path(ID, verify=True) == folder and not store.downloads(ID).exists()


def test_the_download_is_kept_on_demand_and_not_fetched_twice(hub: FileServer, store: Store, tiny_gguf: Path) -> None:
    wanted = model(gguf_source(tiny_gguf.read_bytes()))
    pull(wanted, store, keep_download=True)
    asked = len(hub.ranges)
    assert fetch_source(wanted, store).read_bytes() == tiny_gguf.read_bytes() and len(hub.ranges) == asked


def test_a_whole_model_is_left_alone(hub: FileServer, store: Store) -> None:
    pull(model(plain_source()), store)
    asked = len(hub.ranges)
    pull(model(plain_source()), store)
    assert len(hub.ranges) == asked


def test_a_damaged_model_is_made_anew(hub: FileServer, store: Store) -> None:
    folder = pull(model(plain_source()), store)
    (folder / "sub/model.safetensors").write_bytes(b"")
    assert store.state(ID) == "corrupt"
    pull(model(plain_source()), store)
    assert store.path(ID, verify=True) == folder


def test_the_next_source_steps_in(hub: FileServer, store: Store, tiny_gguf: Path) -> None:
    said: list[str] = []
    hub.statuses = [404]
    pull(model(plain_source(), gguf_source(tiny_gguf.read_bytes())), store, say=said.append)
    assert store.describe(ID)["revision"] == "r1"
    assert any("trying the next source" in line for line in said)


def test_a_host_that_is_down_is_tried_once(store: Store, monkeypatch: pytest.MonkeyPatch, tiny_gguf: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    said: list[str] = []
    with pytest.raises(SidecarError, match=r"127\.0\.0\.1 can't be fetched"):
        pull(model(plain_source(), gguf_source(tiny_gguf.read_bytes())), store, say=said.append)
    assert sum("can't be fetched" in line for line in said) == 1


def test_all_sources_failing_names_each(hub: FileServer, store: Store, tiny_gguf: Path) -> None:
    hub.files.clear()
    with pytest.raises(SidecarError, match="no source could deliver") as caught:
        pull(model(plain_source(), gguf_source(tiny_gguf.read_bytes())), store)
    assert "tiny/plain" in caught.value.detail and "tiny/gguf" in caught.value.detail
    assert caught.value.sqlstate == "NL303" and store.state(ID) != "ready"


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_local_gguf(store: Store, tiny_gguf: Path, as_folder: bool) -> None:
    origin = tiny_gguf.parent if as_folder else tiny_gguf
    assert (pull(model(), store, origin=origin) / "model.safetensors").is_file()
    assert tiny_gguf.exists(), "the user's file is not ours to remove"


def test_a_local_folder_with_safetensors(store: Store, tmp_path: Path) -> None:
    origin = tmp_path / "own"
    origin.mkdir()
    (origin / "config.json").write_bytes(CONFIG)
    assert (pull(model(), store, origin=origin) / "config.json").read_bytes() == CONFIG


def test_a_local_path_without_a_model(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match="has no model") as caught:
        pull(model(), store, origin=tmp_path / "nowhere")
    assert caught.value.sqlstate == "NL303"


def test_a_file_with_a_known_name_must_be_that_file(store: Store, tiny_gguf: Path) -> None:
    with pytest.raises(SidecarError, match="SHA-256") as caught:
        pull(model(gguf_source(b"other")), store, origin=tiny_gguf)
    assert caught.value.sqlstate == "NL304"


def test_the_mirror_folder_comes_first(
    hub: FileServer, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror/m").mkdir(parents=True)
    (tmp_path / "mirror/m/config.json").write_bytes(b"{}")
    monkeypatch.setenv("NL2SQL_MODEL_MIRROR", str(tmp_path / "mirror"))
    pull(model(LocalSource("$NL2SQL_MODEL_MIRROR/m"), plain_source()), store)
    assert hub.ranges == [] and store.describe(ID)["source"].startswith("local path")


def test_too_little_disk_is_said_before_the_download(
    hub: FileServer, store: Store, tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "free_disk", lambda folder: 200_000_000)
    with pytest.raises(SidecarError, match="too little disk space") as caught:
        pull(model(gguf_source(tiny_gguf.read_bytes())), store)
    assert caught.value.sqlstate == "NL303" and "200 MB are free" in caught.value.detail and hub.ranges == []


@pytest.mark.parametrize(
    ("model_id", "machine", "words"),
    [
        (ID, Hardware(0, GIB, 2 * GIB), "It needs 4 GiB and this machine has 2.0 GiB"),
        ("qwen2.5-coder-7b-instruct", Hardware(0, 64 * GIB, 64 * GIB), "It needs 16 GB and there is no GPU"),
        ("qwen2.5-coder-7b-instruct", Hardware(8 * 10**9, 64 * GIB, 64 * GIB), "the largest GPU has 8.0 GB"),
    ],
)
def test_too_little_memory_is_said_with_figures(model_id: str, machine: Hardware, words: str) -> None:
    with pytest.raises(SidecarError, match="too little") as caught:
        check_memory(catalog.load().get(model_id), machine, lambda text: None)
    assert caught.value.sqlstate == "NL303" and words in caught.value.detail


def test_memory_that_is_only_taken_now_is_a_warning() -> None:
    said: list[str] = []
    check_memory(catalog.load().get(ID), Hardware(0, GIB, 24 * GIB), said.append)
    assert len(said) == 1 and said[0].startswith("warning")


def test_a_cache_that_cant_be_written(hub: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SidecarError, match="can't be written") as caught:
        pull(model(plain_source()), Store(tmp_path / "file/cache"))
    assert caught.value.sqlstate == "NL303" and "Not a directory" in caught.value.detail


PULLER = """
import signal, sys, json
from pathlib import Path
from tests.unit.sidecar.models.test_pull import model, gguf_source
from sidecar.models.pull import pull
from sidecar.models.store import Store
from sidecar.models import gguf
source = gguf_source(Path(sys.argv[2]).read_bytes())
if sys.argv[3] == "slow":
    import time
    whole = gguf._dump
    gguf._dump = lambda path, content: (print("converting", flush=True), time.sleep(60), whole(path, content))
pull(model(source), Store(Path(sys.argv[1])))
"""


def test_killed_while_converting_the_next_pull_makes_it_whole(hub: FileServer, store: Store, tiny_gguf: Path) -> None:
    command = [sys.executable, "-c", PULLER, str(store.cache), str(tiny_gguf)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([*command, "slow"], stdout=subprocess.PIPE, text=True, env=environment) as first:
        assert first.stdout is not None and first.stdout.readline() == "converting\n"
        assert store.state(ID) == "partial"
        first.send_signal(signal.SIGKILL)
    asked = len(hub.ranges)
    subprocess.run([*command, "fast"], check=True, env=environment, timeout=60)
    assert store.path(ID, verify=True) and len(hub.ranges) == asked, "the download was there already"


def test_two_pulls_at_once_fetch_once(hub: FileServer, store: Store, tiny_gguf: Path) -> None:
    command = [sys.executable, "-c", PULLER, str(store.cache), str(tiny_gguf), "fast"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    began = time.monotonic()
    pulls = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [process.wait(120) for process in pulls] == [0, 0, 0], time.monotonic() - began
    assert hub.ranges == [None] and store.state(ID) == "ready"


def test_the_manifest_holds_no_path_of_this_machine(hub: FileServer, store: Store) -> None:
    folder = pull(model(plain_source()), store)
    assert str(store.cache) not in json.dumps(store.describe(ID))
    shutil.move(folder, folder.with_name("elsewhere"))
    assert store.state(ID) == "missing"
