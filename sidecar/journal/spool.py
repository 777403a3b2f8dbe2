"""The records of one database on disk: appended in order, read for delivery, removed once delivered.

Nothing here is safe for several threads; `Ledger` calls it from one of its own.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.errors import SidecarError
from sidecar.journal import segment
from sidecar.journal.chain import Entry, Head, Record, canonical, sign
from sidecar.journal.faults import full, not_written
from sidecar.journal.files import read_object, sync_folder, write_all, write_whole
from sidecar.journal.key import name_of
from sidecar.journal.recovery import Recovered, read_spool

log = logging.getLogger("sidecar.journal")

SEGMENT_BYTES = 8 << 20
MARK_INTERVAL = 1.0
IN_MEMORY = 2000  # entries kept, or read ahead, for delivery


@dataclass
class _File:
    path: Path
    before: int  # seq of the last entry before its first
    size: int


class Spool:
    """Call recover() first. Errors: OSError from the disk, or SidecarError NL601 where a person must act."""

    def __init__(self, folder: Path, key: bytes, limit: int) -> None:
        self.folder = folder
        self._key = key
        self._key_name = name_of(key)
        self._limit = limit
        self._files: list[_File] = []
        self._number = 0
        self._open: int | None = None
        self._untidy = False  # the newest file may have bytes beyond what was acknowledged
        self._late: list[Entry] = []  # written and acknowledged; a power cut could still take them
        self._late_bytes = 0  # of them in the newest file, not counted in its size
        self._ahead: deque[Entry] = deque()
        self.head = Head.new()
        self.delivered = 0
        self._marked_at = 0.0

    @property
    def waiting(self) -> int:
        return self.head.seq - self.delivered

    @property
    def size(self) -> int:
        return sum(file.size for file in self._files)

    def recover(self) -> None:
        """Take up what an earlier process left; a torn end is cut, and what is damaged is signed anew."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        found = read_spool(self.folder, self._key)
        if found is None:
            return
        self._take(found)
        reason = found.damage or self._contradiction()
        if reason:
            log.error("audit spool damaged", extra={"fields": {"spool": str(self.folder), "reason": reason}})
            self._begin_chain([entry.record for entry in found.sound if entry.seq > self.delivered])

    def _take(self, found: Recovered) -> None:
        self.head = found.head
        self._files = [_File(path, before, path.stat().st_size) for path, before in found.files]
        self._number = segment.number_of(self._files[-1].path)
        mark = read_object(self.folder / "delivered.json")
        marked = int(mark.get("seq", 0)) if mark.get("chain") == self.head.chain else 0
        self.delivered = max(self._files[0].before, min(marked, self.head.seq))

    def _contradiction(self) -> str | None:
        """Whether more is known to have been signed than was found: its numbers must not be given out twice."""
        for name in ("delivered.json", "head.json"):
            mark = read_object(self.folder / name)
            if mark.get("chain") == self.head.chain and int(mark.get("seq", 0)) > self.head.seq:
                return f"{name} knows entry {mark['seq']}, the last one found is {self.head.seq}"
        return None

    def append(self, records: Sequence[Record], *, durable: bool = True) -> None:
        """Sign and write records; they are on the disk when it returns, and none is when it raises.

        Without `durable` they are with the operating system when it returns, and on the disk after the next sync().
        """
        entries, head = [], self.head
        for record in records:
            entries.append(sign(self._key, head, record))
            head = entries[-1].head
        content = b"".join(map(segment.line_of, entries))
        if self.size + len(content) > self._limit:
            raise full(self.folder, self._limit)
        try:
            self._write(content, durable)
        except OSError as error:
            self._abandon()
            raise not_written(self.folder, error) from error
        self._late = [] if durable else [*self._late, *entries]
        self.head = head
        self._keep_in_memory(entries)

    def _write(self, content: bytes, durable: bool) -> None:
        self._prepare()
        assert self._open is not None
        write_all(self._open, content)
        self._late_bytes += len(content)
        if durable:
            self._sync_file()

    def _prepare(self) -> None:
        """Have a file to write to, in which all that was acknowledged stands before what comes."""
        self._tidy()
        if self._open is not None and self._files[-1].size + self._late_bytes < SEGMENT_BYTES:
            return
        if self._open is not None and self._late:
            self._sync_file()
            self._late = []
        before = Head(self._late[0].chain, self._late[0].seq - 1, self._late[0].prev) if self._late else self.head
        self._begin_file(before, self._late)
        self._late = []

    def sync(self) -> None:
        """Return once all that was acknowledged is on the disk; raises NL601, and the next call tries again."""
        if not self._late:
            return
        try:
            self._prepare()
            if self._late_bytes:
                self._sync_file()
        except OSError as error:
            self._abandon()
            raise not_written(self.folder, error) from error
        self._late = []

    def _sync_file(self) -> None:
        assert self._open is not None
        written, self._late_bytes = self._late_bytes, 0  # where it fails nobody knows what of them is on the disk
        os.fdatasync(self._open)
        self._files[-1].size += written

    def _begin_file(self, before: Head, entries: Sequence[Entry] = (), *, replaces: bool = False) -> None:
        """A new newest file, on the disk with its entries when it returns."""
        path = segment.path_of(self.folder, self._number + 1)
        header = segment.Header(before, self._key_name, replaces)
        opened = segment.create(path, header, list(entries))
        self._close()
        self._late_bytes = 0
        self._open, self._number = opened, self._number + 1
        self._files.append(_File(path, before.seq, path.stat().st_size))

    def _abandon(self) -> None:
        """After a failed write nobody knows what the disk has of it: cut it off and use another file.

        What was acknowledged before stays where it is if it can be synced; else it is written anew from memory.
        """
        if self._open is not None and self._late and self._late_bytes:
            with contextlib.suppress(OSError):
                os.ftruncate(self._open, self._files[-1].size + self._late_bytes)
                self._sync_file()
                self._late = []
        self._late_bytes = 0
        self._close()
        self._untidy = bool(self._files)
        with contextlib.suppress(OSError):
            self._tidy()

    def _tidy(self) -> None:
        if self._untidy:
            with self._files[-1].path.open("r+b") as file:
                file.truncate(self._files[-1].size)
                os.fsync(file.fileno())
            self._untidy = False

    def _close(self) -> None:
        if self._open is not None:
            os.close(self._open)
            self._open = None

    def close(self) -> None:
        with contextlib.suppress(OSError, SidecarError):
            self.sync()
        self._close()
        if self.head.seq:
            with contextlib.suppress(OSError):
                self._write_mark()

    def _keep_in_memory(self, entries: Sequence[Entry]) -> None:
        """Spare the delivery a look at the disk while it keeps up."""
        known = self._ahead[-1].seq if self._ahead else self.delivered
        if known == entries[0].seq - 1 and len(self._ahead) + len(entries) <= IN_MEMORY:
            self._ahead.extend(entries)

    def pending(self, most: int) -> list[Entry]:
        """The next entries to deliver, in order; the database gets none that a power cut could still take from here."""
        self.sync()
        if not self._ahead and self.waiting:
            self._read_ahead()
        return [self._ahead[i] for i in range(min(most, len(self._ahead)))]

    def _read_ahead(self) -> None:
        most, seq = min(IN_MEMORY, self.waiting), self.delivered
        for file, following in zip(self._files, [*self._files[1:], None], strict=True):
            if most > 0 and (following is None or following.before > seq):
                found = segment.entries_from(file.path, seq - file.before, most)
                self._ahead.extend(found)
                most, seq = most - len(found), seq + len(found)
        if not self._ahead:
            raise OSError(errno.EIO, f"entry {seq + 1} can't be read back", str(self.folder))

    def mark_delivered(self, seq: int) -> None:
        """The database has everything up to `seq`; files that have nothing else go."""
        self.delivered = seq
        while self._ahead and self._ahead[0].seq <= seq:
            self._ahead.popleft()
        if time.monotonic() - self._marked_at >= MARK_INTERVAL:
            self._write_mark()
        while len(self._files) > 1 and self._files[1].before <= seq:
            self._files[0].path.unlink(missing_ok=True)
            self._files.pop(0)

    def _write_mark(self) -> None:
        """Not each time: the next sync would pay for it, and what is delivered again is only ignored."""
        self._marked_at = time.monotonic()
        mark = {"chain": self.head.chain, "seq": self.delivered}
        write_whole(self.folder / "delivered.json", canonical(mark), durable=False)

    def anchor(self) -> None:
        """Write the head beside the spool, for whoever copies it elsewhere."""
        self.sync()
        head = {"chain": self.head.chain, "seq": self.head.seq, "hash": self.head.hash}
        write_whole(self.folder / "head.json", canonical(head) + b"\n")

    def begin_chain(self, reason: str, change: Callable[[Record], Record] | None = None) -> None:
        """Sign what waits anew, as a chain of its own, changed as the database needs it.

        For a database that has other entries under these numbers, or that can't store what was signed.
        """
        self.sync()
        log.error("audit chain ended", extra={"fields": {"spool": str(self.folder), "reason": reason}})
        waiting: list[Record] = []
        for file in self._files:
            for entry in segment.entries_from(file.path, max(0, self.delivered - file.before), self.head.seq):
                if self.delivered < entry.seq <= self.head.seq:
                    waiting.append(change(entry.record) if change else entry.record)
        self._begin_chain(waiting)

    def _begin_chain(self, waiting: Sequence[Record]) -> None:
        self._remember_finished()
        first = head = Head.new()
        entries = []
        for record in waiting:
            entries.append(sign(self._key, head, record))
            head = entries[-1].head
        old = list(self._files)
        self._begin_file(first, entries, replaces=True)
        self.head, self.delivered, self._files = head, 0, self._files[-1:]
        self._untidy = False
        self._ahead.clear()
        for file in old:
            segment.put_aside(file.path)
        sync_folder(self.folder)

    def _remember_finished(self) -> None:
        """Keep the last delivered entry of a chain that ends, so that its tail can't be cut unseen."""
        if not self.delivered:
            return
        last = {"chain": self.head.chain, "seq": self.delivered, "hash": self.hash_at(self.delivered)}
        content = {"heads": [*self.finished(), last]}
        write_whole(self.folder / "finished.json", canonical(content))

    def hash_at(self, seq: int) -> str | None:
        """The hash of an entry; None of one that was never signed here, or is gone from the disk."""
        if seq >= self.head.seq:
            return self.head.hash if seq == self.head.seq else None
        for entry in self._ahead:
            if entry.seq == seq:
                return entry.hash
        for file in reversed(self._files):
            if file.before == seq:
                header = segment.read_header(file.path)
                return header.head.hash if header else None
            if file.before < seq:
                found = segment.entries_from(file.path, seq - file.before - 1, 1)
                return found[0].hash if found else None
        return None

    def finished(self) -> list[dict[str, Any]]:
        """Heads of chains that ended, all of them delivered."""
        heads = read_object(self.folder / "finished.json").get("heads", [])
        return [head for head in heads if head.get("chain") != self.head.chain]

    def heads(self) -> list[dict[str, Any]]:
        """Every chain this spool has signed: its head, and how far the database has confirmed it."""
        self.sync()
        ended = [{**head, "delivered": head["seq"]} for head in self.finished()]
        if not self.head.seq:
            return ended
        now = self.head
        return [*ended, {"chain": now.chain, "seq": now.seq, "hash": now.hash, "delivered": self.delivered}]
