"""Many callers at once share syncs; none hears before its record is on the disk, and one that leaves stops nobody."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.journal.chain import problems
from sidecar.journal.journal import Journal
from sidecar.journal.ledger import Ledger
from sidecar.journal.spool import Spool

KEY = bytes(range(32))


class Syncs:
    """Slow ones, counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: OSError | None = None) -> None:
        self.count = 0
        self.error = error
        self._real = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, number: int) -> None:
        time.sleep(0.02)
        if self.error:
            raise self.error
        self._real(number)
        self.count += 1


def ledger(folder: Path) -> Ledger:
    return Ledger("x", Spool(folder / "db-x", KEY, 10**9))


def test_callers_share_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Syncs(monkeypatch)

    async def run() -> list[int]:
        book = ledger(tmp_path)

        async def call(number: int) -> int:
            await book.record([{"id": str(number)}])
            return book.spool.head.seq

        seen = await asyncio.gather(*(call(number) for number in range(200)))
        entries = await book.pending(1000)
        assert problems(KEY, entries, None) == []
        assert sorted(int(entry.record["id"]) for entry in entries) == list(range(200))
        await book.close()
        return seen

    seen = asyncio.run(run())
    assert syncs.count <= 3
    assert min(seen) >= 1  # nobody heard before a sync


def test_a_caller_that_leaves_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Syncs(monkeypatch)

    async def run() -> list[str]:
        book = ledger(tmp_path)
        calls = [asyncio.create_task(book.record([{"id": str(number)}])) for number in range(6)]
        await asyncio.sleep(0.005)
        calls[0].cancel()
        calls[3].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        found = [str(entry.record["id"]) for entry in await book.pending(10)]
        await book.close()
        return found

    assert asyncio.run(run()) == ["0", "1", "2", "3", "4", "5"]


def test_a_failed_sync_fails_all_who_wait_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Syncs(monkeypatch, OSError(5, "Input/output error"))

    async def run() -> None:
        book = ledger(tmp_path)
        calls = [asyncio.create_task(book.record([{"id": str(number)}])) for number in range(5)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(error, SidecarError) and error.sqlstate == "NL601" for error in found)
        assert book.trouble is not None
        syncs.error = None
        await book.record([{"id": "after"}])
        assert book.trouble is None
        assert [entry.record["id"] for entry in await book.pending(10)] == ["after"]
        await book.close()

    asyncio.run(run())


def test_states_say_what_waits(tmp_path: Path) -> None:
    async def run() -> None:
        first = Journal(tmp_path / "audit", [], 10**9, 1)
        await first.start()
        await first.record("shop", [{"id": "1"}, {"id": "2"}])
        await first.stop()
        second = Journal(tmp_path / "audit", [f"host={tmp_path} dbname=other"], 10**9, 0.05)
        await second.start()
        await asyncio.sleep(0.3)
        states = second.states()
        await second.stop()
        assert list(states) == ["audit journal other", "audit journal shop"]
        assert states["audit journal shop"].state == "waiting"
        assert states["audit journal shop"].detail == "2 records wait, and none is delivered"
        assert "shop" in states["audit journal shop"].action
        assert states["audit journal other"].state == "restarting"
        assert "state_dir" in states["audit journal other"].action

    asyncio.run(run())


def test_folder_of_another_user(tmp_path: Path) -> None:
    (tmp_path / "audit").symlink_to(tmp_path)
    with pytest.raises(SidecarError, match="is a link"):
        Journal(tmp_path / "audit", [], 10**9, 1).open()


def test_folder_that_can_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SidecarError, match="Not a directory") as caught:
        Journal(tmp_path / "file" / "audit", [], 10**9, 1).open()
    assert (caught.value.sqlstate, "state_dir" in caught.value.hint) == ("NL601", True)
