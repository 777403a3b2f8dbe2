"""Make PyPI's torch, a build for CUDA, load without CUDA's libraries; run by the Python that has torch.

PyPI has no other build, and the libraries take four gigabytes that a machine without a GPU never uses. torch does not
start without them, as the dynamic linker looks for every function that it may call. So each library that is missing is
stood in for by one whose functions all return an error, made by the C compiler; and torch's metadata no longer asks for
the packages, so that pip does not fetch them after all. CUDA's small runtime is the real one: it says that there is no
GPU.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

CUDA_PACKAGES = re.compile(r"Requires-Dist: (cuda-|nvidia-|triton)")
# Of every machine: the C and C++ libraries, the loader.
PLAIN = re.compile(r"(lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|gomp)|ld-linux.*)\.so[.\d]*$")
# What CUDA's driver brings; torch looks for it at run time only.
DRIVER = "libcuda.so.1"

Symbols = dict[str, set[str]]  # by version; "" where there is none


def readelf(*arguments: str | Path) -> list[str]:
    return subprocess.run(["readelf", "-W", *arguments], capture_output=True, text=True, check=True).stdout.splitlines()


def needed(library: Path) -> set[str]:
    return {line.split("[")[1].rstrip("]") for line in readelf("-d", library) if "(NEEDED)" in line}


def undefined(library: Path) -> Symbols:
    """Names that the library takes from others, by the version it asks for."""
    found: Symbols = defaultdict(set)
    for line in readelf("--dyn-syms", library):
        fields = line.split()
        if len(fields) > 7 and fields[6] == "UND" and fields[4] == "GLOBAL":
            name, _, version = fields[7].partition("@")
            found[version].add(name)
    return found


def defined(library: Path) -> set[str]:
    rows = (line.split() for line in readelf("--dyn-syms", library))
    return {row[7].partition("@")[0] for row in rows if len(row) > 7 and row[6] not in ("UND", "Ndx")}


def versions(library: Path) -> dict[str, set[str]]:
    """The versions that it asks for of each library."""
    found: dict[str, set[str]] = defaultdict(set)
    file = ""
    for line in readelf("-V", library):
        if match := re.search(r"File: (\S+)", line):
            file = match[1]
        elif file and (match := re.search(r"Name: (\S+)\s+Flags", line)):
            found[file].add(match[1])
    return found


def stand_in(library: Path, symbols: Symbols) -> None:
    """A library of that name whose functions all return 1: an error, in each of these interfaces."""
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stub.c"), Path(folder, "stub.map")
        names = sorted(set().union(*symbols.values()))
        source.write_text("".join(f"int {name}(void) {{ return 1; }}\n" for name in names))
        nodes = [
            f"{version} {{ global: {'; '.join(sorted(of))}; }};" for version, of in symbols.items() if version and of
        ]
        script.write_text("\n".join(nodes))
        command = ["cc", "-shared", "-fPIC", "-O1", "-w", "-fno-builtin", f"-Wl,-soname,{library.name}"]
        command += [f"-Wl,--version-script,{script}"] if nodes else []
        subprocess.run([*command, "-o", str(library), str(source)], check=True)


def missing(libraries: Iterable[Path], present: Iterable[Path]) -> list[str]:
    there = {path.name for path in present}
    wanted = set().union(*(needed(library) for library in libraries))
    return sorted(name for name in wanted - there if not PLAIN.match(name) and name != DRIVER)


def make_stand_ins(site: Path) -> list[str]:
    """In torch's own folder, where it looks last; the names of what was made."""
    folder = site / "torch" / "lib"
    own = sorted(folder.glob("*.so"))
    present = [*folder.glob("*.so*"), *(site / "nvidia").glob("*/lib/*.so*")]
    names = missing(own, present)
    by_library = {library: (undefined(library), versions(library)) for library in own}
    known = set().union(*(defined(path) for path in present))
    # which library these come from is written nowhere; the linker takes them from any
    loose = set().union(*(symbols[""] for symbols, _ in by_library.values())) - known
    loose = {name for name in loose if re.fullmatch(r"[A-Za-z]\w*", name) and not name.startswith("_Z")}
    for name in names:
        symbols: Symbols = {"": loose}
        for found, asked in by_library.values():
            for version in asked.get(name, ()):
                symbols[version] = symbols.get(version, set()) | found[version]
        stand_in(folder / name, symbols)
    return names


def drop_requirements(site: Path) -> None:
    for metadata in site.glob("torch-*.dist-info/METADATA"):
        lines = metadata.read_text(encoding="utf-8").splitlines(keepends=True)
        metadata.write_text("".join(line for line in lines if not CUDA_PACKAGES.match(line)), encoding="utf-8")


def main() -> int:
    site = Path(sysconfig.get_path("platlib"))
    drop_requirements(site)
    print("stands in for", ", ".join(make_stand_ins(site)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
