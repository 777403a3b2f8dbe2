"""nl2sql-model as a person at a shell sees it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from sidecar.models import catalog
from sidecar.models.store import Store
from tests.unit.sidecar.models.conftest import FileServer

ID = "qwen2.5-coder-0.5b-instruct"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidecar.models.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})


def test_list_shows_every_model_and_one_default(cache: Path) -> None:
    lines = run("list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(catalog.load().models)
    assert sum("(default)" in line for line in lines) == 1 and all("missing" in line for line in lines)


def test_list_as_json(cache: Path) -> None:
    rows = json.loads(run("list", "--json").stdout)
    assert {row["id"] for row in rows} == set(catalog.load().models)
    assert [row["id"] for row in rows if row["default"]] == [run("default").stdout.strip()]


def test_pull_path_remove(cache: Path, tiny_gguf: Path) -> None:
    pulled = run("pull", ID, "--from", str(tiny_gguf), "--force")
    folder = cache / "models" / ID
    assert (pulled.returncode, pulled.stdout) == (0, f"{folder}\n") and "to safetensors" in pulled.stderr
    assert run("path", "--verify", ID).stdout == f"{folder}\n"
    assert run("remove", ID).stdout == f"{ID}: removed\n"
    assert run("remove", ID).stdout == f"{ID}: was not there\n"


def test_a_missing_model_says_what_to_do(cache: Path) -> None:
    found = run("path", ID)
    assert found.returncode == 1 and found.stdout == ""
    assert found.stderr.splitlines() == [
        f'nl2sql-model: NL303: model "{ID}" is not there',
        f"DETAIL: {cache}/models/{ID} has no whole model.",
        f"HINT: Run: nl2sql-model pull {ID}",
    ]


@pytest.mark.parametrize("arguments", [["path", "gpt-9"], ["pull", "gpt-9"], ["remove", "gpt-9"]])
def test_an_unknown_model(cache: Path, arguments: list[str]) -> None:
    found = run(*arguments)
    assert found.returncode == 1 and "NL303" in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize("arguments", [[], ["fetch"], ["remove"], ["pull", ID, "all-minilm-l6-v2", "--from", "x"]])
def test_wrong_usage(cache: Path, arguments: list[str]) -> None:
    found = run(*arguments)
    assert found.returncode == 2 and found.stderr and "Traceback" not in found.stderr


def test_an_unusable_cache_is_a_clean_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = run("--cache", str(tmp_path / "file/cache"), "pull", "all-minilm-l6-v2", "--force")
    assert found.returncode == 1 and "NL303" in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_waiting(cache: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sidecar.models.cli", "pull", ID, "--force"]
    with Store(cache).lock(ID):
        # a run in the background has SIGINT ignored, and its children would inherit that
        restore = partial(signal.signal, number, signal.SIG_DFL)
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=restore)
        assert process.stderr is not None and "waiting for process" in process.stderr.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "interrupted" in errors and "Traceback" not in errors


def test_a_download_shows_progress(cache: Path, server: FileServer) -> None:
    found = run(
        "pull",
        "all-minilm-l6-v2",
        HF_ENDPOINT=server.url,
        PIP_NO_INDEX="1",
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
    )
    assert found.returncode == 1 and "92 MB from Hugging Face" in found.stderr and "HINT" in found.stderr
