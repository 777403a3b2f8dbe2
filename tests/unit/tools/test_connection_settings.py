"""What the cluster tool hands to shells and clients must survive every path and name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg.conninfo
import pytest

from tools.cluster import exports, find_pg_config, quote_conf, quote_dsn
from tools.errors import ToolError

AWKWARD = ["plain", "two words", "it's", 'a "quoted" one', "$HOME `id` \\ *", "ünïcödé 数据", ""]


@pytest.mark.parametrize("value", AWKWARD)
def test_exports_survive_the_shell(value: str) -> None:
    script = exports({"PGHOST": value, "PGUSER": "x"}) + '\nprintf %s "$PGHOST"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == value


@pytest.mark.parametrize("value", AWKWARD)
def test_dsn_values_survive_libpq(value: str) -> None:
    parsed = psycopg.conninfo.conninfo_to_dict(f"dbname={quote_dsn(value)} user='u'")
    assert parsed.get("dbname", "") == value


def test_quotes_in_the_configuration_are_doubled() -> None:
    assert quote_conf("it's") == "it''s"


def test_pg_config_of_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_CONFIG", "/opt/my pg/bin/pg_config")
    assert find_pg_config() == Path("/opt/my pg/bin/pg_config")


def test_a_pg_config_that_does_not_run_is_named(tmp_path: Path) -> None:
    from tools.cluster import bin_folder

    with pytest.raises(ToolError, match="pg_config does not run") as caught:
        bin_folder(tmp_path / "pg_config")
    assert "PG_CONFIG" in caught.value.hint
