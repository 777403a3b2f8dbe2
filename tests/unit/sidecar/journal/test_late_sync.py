"""Outcomes are acknowledged before they are synced: nothing of them is lost but by a power cut, and never an intent."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.journal import spool
from sidecar.journal.chain import Record, problems
from sidecar.journal.ledger import LATE, Ledger
from sidecar.journal.spool import Spool

KEY = bytes(range(32))


def record(number: int, event: str = "outcome") -> Record:
    return {"id": str(number), "event": event, "question": f"question {number}"}


def opened(folder: Path) -> Spool:
    made = Spool(folder / "db-x", KEY, 10**9)
    made.recover()
    return made


def begun(folder: Path) -> Spool:
    made = opened(folder)
    made.append([record(1, "intent")])
    made.append([record(2)], durable=False)
    return made


def numbers(found: Spool) -> list[str]:
    entries = found.pending(10_000)
    assert problems(KEY, entries, None) == []
    return [str(entry.record["id"]) for entry in entries]


class Disk:
    """Counts syncs, and refuses them while `broken`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.syncs, self.broken, self._real = 0, False, os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, number: int) -> None:
        if self.broken:
            raise OSError(5, "Input/output error")
        self.syncs += 1
        self._real(number)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_outlives_the_process(tmp_path: Path, disk: Disk) -> None:
    begun(tmp_path)  # never closed, as after kill -9
    assert disk.syncs == 1
    assert numbers(opened(tmp_path)) == ["1", "2"]


def test_the_next_intent_syncs_both(tmp_path: Path, disk: Disk) -> None:
    found = begun(tmp_path)
    found.append([record(3, "intent")])
    assert disk.syncs == 2
    found.sync()
    assert disk.syncs == 2


def test_is_synced_before_the_database_has_it(tmp_path: Path, disk: Disk) -> None:
    assert numbers(begun(tmp_path)) == ["1", "2"]
    assert disk.syncs == 2


def test_the_disk_fails_later(tmp_path: Path, disk: Disk) -> None:
    """What was acknowledged is written anew, to another file, as soon as the disk takes it."""
    found = begun(tmp_path)
    disk.broken = True
    for _ in range(2):
        with pytest.raises(SidecarError, match="Input/output"):
            found.append([record(9, "intent")])
    disk.broken = False
    found.sync()
    assert numbers(opened(tmp_path)) == ["1", "2"]
    found.append([record(3, "intent")])
    found.close()
    assert numbers(opened(tmp_path)) == ["1", "2", "3"]


def test_no_room_for_what_follows(tmp_path: Path) -> None:
    found = begun(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "db-x" / "00000001.jsonl").stat().st_size + 50, hard))
    try:
        with pytest.raises(SidecarError, match="File too large"):
            found.append([record(9, "intent")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert numbers(opened(tmp_path)) == ["1", "2"]
    found.append([record(3)], durable=False)
    found.close()
    assert numbers(opened(tmp_path)) == ["1", "2", "3"]


def test_a_new_file_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SEGMENT_BYTES", 400)
    found = opened(tmp_path)
    for number in range(10):
        found.append([record(number)], durable=False)
    assert len(list((tmp_path / "db-x").glob("*.jsonl"))) > 2
    assert numbers(opened(tmp_path)) == [str(number) for number in range(10)]


def test_nobody_calls_again(tmp_path: Path, disk: Disk) -> None:
    async def one_action() -> None:
        ledger = Ledger("x", Spool(tmp_path / "db-x", KEY, 10**9))
        await ledger.record([record(1, "intent")])
        await ledger.record([record(2)])
        assert disk.syncs <= 1  # the first one made the file
        before = disk.syncs
        await asyncio.sleep(LATE * 4)
        assert disk.syncs == before + 1
        await ledger.close()

    asyncio.run(one_action())
