"""POST /v1/audit: what a record may be, how long texts are cut, and what is said when records can't be kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.journal import segment
from tests.support.auditing import audit_record, post
from tests.support.sidecar import Sidecar, sidecar


@pytest.fixture(scope="module")
def service() -> Iterator[Sidecar]:
    with sidecar() as running:
        yield running


def kept(service: Sidecar, database: str) -> list[dict[str, Any]]:
    folder = service.settings.journal_path / f"db-{database}"
    entries = [entry for path in segment.paths(folder) for entry in segment.entries_from(path, 0, 10_000)]
    return [dict(entry.record) for entry in entries]


def row(service: Sidecar, database: str) -> dict[str, str]:
    rows: list[dict[str, str]] = service.http.get("/ready").json()["components"]
    return next(row for row in rows if row["component"] == f"audit journal {database}")


@pytest.mark.parametrize(
    "fields",
    [
        {"rows": 1.0},
        {"rows": -1},
        {"rows": True},
        {"milliseconds": "12"},
        {"in_recovery": 1},
        {"confidence": 1001},
        {"at": 2**63},
        {"tables": "shop.orders"},
        {"tables": [["shop.orders"]]},
        {"details": {"a": 1}},
        {"event": "other"},
        {"action": "Drop table"},
        {"id": "not-an-id"},
        {"sqlstate": "abc"},
        {"role": None},
        {"answer": "42"},
    ],
    ids=json.dumps,
)
def test_what_no_record_says(service: Sidecar, fields: dict[str, Any]) -> None:
    answer = post(service.http, "strict", audit_record(**fields))
    assert (answer.status_code, answer.json()["error"]["sqlstate"]) == (400, "NL106")
    assert next(iter(fields)) in answer.json()["error"]["message"]
    assert kept(service, "strict") == []


@pytest.mark.parametrize("missing", ["id", "event", "action", "at", "session_user", "role"])
def test_what_every_record_says(service: Sidecar, missing: str) -> None:
    record = audit_record()
    del record[missing]
    assert missing in post(service.http, "strict", record).json()["error"]["message"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"protocol": 1}', b'{"protocol": 1, "database": "x", "records": []}', b"\xff"]
)
def test_body_that_is_no_request(service: Sidecar, content: bytes) -> None:
    answer = service.http.post("/v1/audit", content=content)
    assert (answer.status_code, answer.json()["error"]["sqlstate"]) == (400, "NL106")


@pytest.mark.parametrize("text", [r'"\ud800"', r'"a\u0000b"'])
def test_text_that_no_database_holds(service: Sidecar, text: str) -> None:
    body = json.dumps({"protocol": 1, "database": "strict", "records": [audit_record(details="HERE")]})
    answer = service.http.post("/v1/audit", content=body.replace('"HERE"', text).encode())
    assert (answer.status_code, answer.json()["error"]["sqlstate"]) == (400, "NL106")
    assert kept(service, "strict") == []


def test_other_protocol(service: Sidecar) -> None:
    answer = service.http.post("/v1/audit", json={"protocol": 2, "database": "x", "records": [audit_record()]})
    assert answer.json()["error"]["sqlstate"] == "NL007"


def test_all_of_a_request_or_nothing(service: Sidecar) -> None:
    assert post(service.http, "whole", audit_record(), audit_record(rows="x")).status_code == 400
    assert kept(service, "whole") == []


def test_long_texts_are_cut(service: Sidecar) -> None:
    long = audit_record(question="销" * 8001, sql="x" * 100_000, role="r" * 301, tables=["t" * 400] * 2000)
    assert post(service.http, "long", long).status_code == 200
    record = kept(service, "long")[0]
    lengths = {name: len(record[name]) for name in ("question", "sql", "role", "tables")}
    assert lengths == {"question": 8000, "sql": 32_768, "role": 300, "tables": 1000}
    assert all(record[name].endswith("...") for name in ("question", "sql", "role"))
    assert record["tables"][-1] == "..."


def test_what_is_not_known_is_left_out(service: Sidecar) -> None:
    record = audit_record(client_addr=None, rows=0, in_recovery=False, member_of=[])
    post(service.http, "sparse", record)
    del record["client_addr"]
    assert kept(service, "sparse") == [record]


def test_each_database_has_its_own(service: Sidecar) -> None:
    for name in ("../a", "..", "ünï", "A", "a"):
        assert post(service.http, name, audit_record()).status_code == 200
    folders = {path.name for path in service.settings.journal_path.iterdir() if path.is_dir()}
    assert {"db-..%2Fa", "db-..", "db-%C3%BCn%C3%AF", "db-A", "db-a"} <= folders
    assert row(service, "../a")["detail"].startswith("1 record waits")


def test_spool_is_full() -> None:
    with sidecar(audit_spool_bytes=100_000) as service:
        while (answer := post(service.http, "x", audit_record(details="d" * 20_000))).status_code == 200:
            pass
        error = answer.json()["error"]
        assert (answer.status_code, error["sqlstate"]) == (503, "NL601")
        assert error["message"] == "the audit record can't be stored: 100000 bytes of records wait for the database"
        assert all(error[name] for name in ("detail", "hint"))
        assert row(service, "x")["state"] == "dead"
        assert post(service.http, "x", audit_record()).status_code == 200
        assert row(service, "x")["state"] == "waiting"


def test_wrong_key(tmp_path: Path) -> None:
    with sidecar(state_dir=tmp_path) as service:
        post(service.http, "x", audit_record())
    (tmp_path / "audit" / "key").write_bytes(bytes(32))
    with sidecar(state_dir=tmp_path) as service:
        answer = post(service.http, "x", audit_record())
        assert answer.json()["error"]["sqlstate"] == "NL601"
        head = service.http.post("/v1/audit/head", json={"protocol": 1, "database": "x"})
        assert head.json()["error"]["sqlstate"] == "NL602"


def test_half_a_key(tmp_path: Path) -> None:
    with sidecar(state_dir=tmp_path) as service:
        (tmp_path / "audit" / "key").write_bytes(b"half")
        answer = post(service.http, "x", audit_record())
        assert (answer.status_code, answer.json()["error"]["sqlstate"]) == (503, "NL601")
    (tmp_path / "audit" / "db-x").mkdir()
    with sidecar(state_dir=tmp_path) as service:
        assert post(service.http, "x", audit_record()).status_code == 503
