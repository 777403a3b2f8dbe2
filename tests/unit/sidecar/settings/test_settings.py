"""Settings: arguments before environment before file before default; each is described, also in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from sidecar.settings import Settings

DOCS = Path(__file__).parents[4] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("NL2SQL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NL2SQL_CONFIG", str(tmp_path / "sidecar.toml"))


def test_order_of_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sidecar.toml").write_text('model = "file"\nembedder = "file"\nlog_level = "debug"\n')
    monkeypatch.setenv("NL2SQL_MODEL", "environment")
    monkeypatch.setenv("NL2SQL_EMBEDDER", "environment")
    found = Settings(embedder="argument")
    assert (found.embedder, found.model, found.log_level) == ("argument", "environment", "debug")
    assert found.max_connections == 2048


def test_no_file_is_no_error() -> None:
    assert Settings().model == "auto"


def test_unknown_setting_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "sidecar.toml").write_text('modle = "x"\n')
    with pytest.raises(ValidationError, match="modle"):
        Settings()


def test_lists_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NL2SQL_ALLOWED_USERS", '["postgres", "4711"]')
    assert Settings().allowed_users == ["postgres", "4711"]


@pytest.mark.parametrize(
    "wrong", [{"max_body_bytes": 1}, {"read_timeout": 0}, {"max_connections": 0}, {"engine_cpu_kv_gib": 0}]
)
def test_value_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_engine_files_stand_beside_the_socket() -> None:
    settings = Settings(socket=Path("/run/x/sidecar.sock"))
    assert settings.engine_socket_path == Path("/run/x/engine.sock")
    assert settings.engine_log_path == Path("/run/x/engine.log")
    assert Settings(engine_socket=Path("/e")).engine_socket_path == Path("/e")


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description[0].isupper() or field.description.split()[0].islower(), name
        assert field.description.endswith((".", "…")), name


def test_docs_list_the_settings() -> None:
    documented = set(re.findall(r"^\| `(?:NL2SQL_)?([A-Za-z_]+)`", DOCS.read_text(encoding="utf-8"), re.M))
    assert {name.lower() for name in documented} >= set(Settings.model_fields)
