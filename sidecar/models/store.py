"""Where models lie in the cache folder, and when one counts as whole.

    <cache>/models/<id>/             a whole model: its files and, written last, model.json with their sizes and hashes
    <cache>/models/.<id>.partial/    one in the making; renamed when it is whole
    <cache>/downloads/<id>/          what was fetched for it, kept across interruptions
    <cache>/locks/<id>.lock          held by the process that makes or removes it

The folder is `NL2SQL_CACHE_DIR`, else `NL2SQL_CACHE`, else `$XDG_CACHE_HOME/nl2sql`, else `~/.cache/nl2sql`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from sidecar.errors import SidecarError
from sidecar.places import default_cache

MANIFEST = "model.json"
MANIFEST_FORMAT = 1
LOCK_POLL_SECONDS = 0.3

State = Literal["ready", "partial", "missing", "corrupt"]


@dataclass(frozen=True)
class StoredFile:
    name: str
    bytes: int
    sha256: str


def path(model_id: str, *, cache: Path | None = None, verify: bool = False) -> Path:
    """The folder of a whole model, or NL303 (missing) or NL304 (corrupt)."""
    return Store(cache or default_cache()).path(model_id, verify=verify)


class Store:
    """The models in one cache folder."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache

    def folder(self, model_id: str) -> Path:
        return self.cache / "models" / model_id

    def staging(self, model_id: str) -> Path:
        return self.cache / "models" / f".{model_id}.partial"

    def downloads(self, model_id: str) -> Path:
        return self.cache / "downloads" / model_id

    def state(self, model_id: str) -> State:
        """A cheap look: sizes, no hashes."""
        try:
            self.path(model_id)
        except SidecarError as exc:
            if exc.sqlstate == "NL304":
                return "corrupt"
            remains = (self.folder(model_id), self.staging(model_id), self.downloads(model_id))
            return "partial" if any(folder.exists() for folder in remains) else "missing"
        return "ready"

    def path(self, model_id: str, *, verify: bool = False) -> Path:
        """The folder of a whole model; `verify` reads every byte, else only sizes are compared."""
        folder = self.folder(model_id)
        if not (folder / MANIFEST).is_file():
            raise SidecarError(
                "NL303",
                f'model "{model_id}" is not there',
                detail=f"{folder} has no whole model.",
                hint=f"Run: nl2sql-model pull {model_id}",
            )
        for file in _read_manifest(folder, model_id):
            _check(folder, file, model_id, verify)
        return folder

    def describe(self, model_id: str) -> dict[str, Any]:
        """The manifest of a whole model."""
        manifest: dict[str, Any] = json.loads((self.path(model_id) / MANIFEST).read_text(encoding="utf-8"))
        return manifest

    def fresh_staging(self, model_id: str) -> Path:
        """An empty folder to make a model in."""
        staging = self.staging(model_id)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        return staging

    def publish(self, model_id: str, facts: dict[str, Any]) -> Path:
        """Write the manifest of the staged model, then make it the model of this id in one step."""
        staging, folder = self.staging(model_id), self.folder(model_id)
        files = [asdict(file) for file in _inventory(staging)]
        manifest = {"format": MANIFEST_FORMAT, "id": model_id, **facts, "files": files}
        with (staging / MANIFEST).open("w", encoding="utf-8") as stream:
            json.dump(manifest, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        staging.rename(folder)
        return folder

    def remove(self, model_id: str) -> bool:
        """Delete a model and all that was fetched for it; whether there was anything."""
        # The manifest goes first: whatever interrupts this, no half-deleted model is taken for whole.
        (self.folder(model_id) / MANIFEST).unlink(missing_ok=True)
        found = False
        for folder in (self.folder(model_id), self.staging(model_id), self.downloads(model_id)):
            if folder.exists():
                shutil.rmtree(folder)
                found = True
        return found

    @contextmanager
    def lock(self, model_id: str, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
        """One process at a time makes or removes a model; the kernel frees the lock of one that dies."""
        file = self.cache / "locks" / f"{model_id}.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a+", encoding="ascii") as stream:
            _acquire(stream, on_wait)
            stream.truncate(0)
            stream.write(str(os.getpid()))
            stream.flush()
            yield


def _acquire(stream: IO[str], on_wait: Callable[[str], None] | None) -> None:
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if on_wait:
                stream.seek(0)
                on_wait(stream.read().strip() or "unknown")
                on_wait = None
            time.sleep(LOCK_POLL_SECONDS)


def _inventory(folder: Path) -> Iterator[StoredFile]:
    from sidecar.models.download import sha256_of

    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield StoredFile(str(file.relative_to(folder)), file.stat().st_size, sha256_of(file))


def _read_manifest(folder: Path, model_id: str) -> list[StoredFile]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return [StoredFile(**file) for file in manifest["files"]]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise _corrupt(model_id, f"{folder / MANIFEST} can't be read: {exc}.") from exc


def _check(folder: Path, file: StoredFile, model_id: str, verify: bool) -> None:
    target = folder / file.name
    size = target.stat().st_size if target.is_file() else None
    if size is None:
        raise _corrupt(model_id, f"{target} is missing.")
    if size != file.bytes:
        raise _corrupt(model_id, f"{target} has {size} bytes instead of {file.bytes}.")
    if verify:
        from sidecar.models.download import sha256_of

        if sha256_of(target) != file.sha256:
            raise _corrupt(model_id, f"{target} fails its SHA-256 check.")


def _corrupt(model_id: str, detail: str) -> SidecarError:
    hint = f"Run: nl2sql-model remove {model_id}; nl2sql-model pull {model_id}"
    return SidecarError("NL304", f'model "{model_id}" is damaged', detail=detail, hint=hint)
