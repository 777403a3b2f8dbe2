#!/usr/bin/env python3
"""Join sql/ into the scripts that CREATE EXTENSION and ALTER EXTENSION UPDATE run.

    build.py [--out DIR]    write nl2sql--X.sql, and nl2sql--W--X.sql for every released version W
    build.py check          check numbering and the hashes of released run-once files
    build.py release        record the run-once files in work as released with this version
    build.py version        print the version

An install script is sql/head.sql, every file of sql/changes/ and every file of sql/functions/. An update script has the
changes newer than the version it starts from, and all functions: so an updated database equals a fresh one.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Puts this version's Python package first, also in a session that has loaded another version's before. PostgreSQL
# replaces MODULE_PATHNAME by the control file's module_pathname.
PYTHON_PRELUDE = """\
import sys
if sys.path[0] != 'MODULE_PATHNAME':
    sys.path[:] = ['MODULE_PATHNAME'] + [p for p in sys.path if p != 'MODULE_PATHNAME']
    for name in [m for m in sys.modules if m.partition('.')[0] == 'nl2sql_pg']:
        del sys.modules[name]
"""


class BuildError(Exception):
    """The sources break a rule of the upgrade machinery."""


@dataclass(frozen=True)
class Change:
    """A run-once file and the version that brought it first."""

    path: Path
    first_version: tuple[int, ...]


def parse_version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def read_version(root: Path = ROOT) -> str:
    control = (root / "extension" / "nl2sql.control.in").read_text(encoding="utf-8")
    found = re.search(r"^default_version = '(\d+\.\d+\.\d+)'$", control, re.M)
    if not found:
        raise BuildError("extension/nl2sql.control.in: no default_version of the form 1.2.3")
    return found[1]


def read_manifest(root: Path) -> dict[str, tuple[str, str]]:
    """{file: (first version, sha256)} of the released run-once files."""
    lines = (root / "sql" / "changes" / "manifest.txt").read_text(encoding="utf-8").splitlines()
    entries = (line.split() for line in lines if line and not line.startswith("#"))
    return {name: (version, digest) for name, version, digest in entries}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def numbered(folder: Path) -> list[Path]:
    """The folder's SQL files in order; a number may stand for one file only."""
    files = sorted(folder.glob("*.sql"))
    for path in files:
        if not re.fullmatch(r"\d{3}_[a-z0-9_]+\.sql", path.name):
            raise BuildError(f"{path.name}: a file is named like 010_what_it_does.sql")
    numbers = [path.name[:3] for path in files]
    doubled = sorted({n for n in numbers if numbers.count(n) > 1})
    if doubled:
        raise BuildError(f"{folder.name}/: numbers used twice: {', '.join(doubled)}")
    return files


def read_changes(root: Path) -> list[Change]:
    """Run-once files with their first versions; refuses a released file that has changed."""
    manifest, current = read_manifest(root), read_version(root)
    files = numbered(root / "sql" / "changes")
    gone = sorted(set(manifest) - {path.name for path in files})
    if gone:
        raise BuildError(f"released run-once files are missing: {', '.join(gone)}")
    changes = []
    for path in files:
        version, digest = manifest.get(path.name, (current, ""))
        if digest and digest != sha256(path):
            raise BuildError(f"{path.name} was released with {version} and may not change; write a new file instead")
        changes.append(Change(path, parse_version(version)))
    return changes


def render(path: Path) -> str:
    """One source file, with the Python prelude in every PL/Python body."""
    text = path.read_text(encoding="utf-8").replace("as $python$\n", f"as $python$\n{PYTHON_PRELUDE}")
    return f"-- {path.parent.name}/{path.name}\n{text.rstrip()}\n"


def script(root: Path, start: tuple[int, ...] | None) -> str:
    """The install script, or the update script from version `start`."""
    changes = [c.path for c in read_changes(root) if start is None or c.first_version > start]
    head = (root / "sql" / "head.sql").read_text(encoding="utf-8").replace("@VERSION@", read_version(root))
    if start is not None:
        head = head.replace("CREATE EXTENSION nl2sql CASCADE", "ALTER EXTENSION nl2sql UPDATE")
    return "\n".join([head, *map(render, changes + numbered(root / "sql" / "functions"))])


def build(root: Path, out: Path) -> list[Path]:
    """Write all scripts of this version; returns their paths."""
    version = read_version(root)
    released = {v for v, _ in read_manifest(root).values()} - {version}
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("nl2sql--*.sql"):
        old.unlink()
    scripts = {f"nl2sql--{version}.sql": script(root, None)}
    scripts |= {f"nl2sql--{w}--{version}.sql": script(root, parse_version(w)) for w in released}
    for name, text in scripts.items():
        (out / name).write_text(text, encoding="utf-8")
    return [out / name for name in sorted(scripts)]


def release(root: Path) -> None:
    """Freeze the run-once files in work."""
    manifest, version = read_manifest(root), read_version(root)
    new = [c.path for c in read_changes(root) if c.path.name not in manifest]
    with (root / "sql" / "changes" / "manifest.txt").open("a", encoding="utf-8") as out:
        out.writelines(f"{path.name} {version} {sha256(path)}\n" for path in new)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", default="build", choices=("build", "check", "release", "version"))
    parser.add_argument("--out", type=Path, default=ROOT / "extension" / "build")
    arguments = parser.parse_args()
    try:
        if arguments.action == "version":
            print(read_version())
        elif arguments.action == "check":
            script(ROOT, None)
        elif arguments.action == "release":
            release(ROOT)
        else:
            build(ROOT, arguments.out)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
