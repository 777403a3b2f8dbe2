"""A library that misses another one loads with a stand-in, as the linker and the loader of this machine have it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import without_cuda

pytestmark = pytest.mark.skipif(not (shutil.which("cc") and shutil.which("readelf")), reason="needs a C compiler")

ENGINE = "int big_start(void) { return 0; } int big_stop(void) { return 0; }"
LOOSE = "int loose_go(void) { return 0; }"
USER = """
int big_start(void); int big_stop(void); int loose_go(void);
int use(void) { return big_start() + big_stop() + loose_go(); }
int alone(void) { return 7; }
"""


def compiled(path: Path, source: str, *options: str) -> Path:
    command = [
        "cc",
        "-shared",
        "-fPIC",
        "-x",
        "c",
        "-",
        "-x",
        "none",
        "-o",
        str(path),
        f"-Wl,-soname,{path.name}",
        *options,
    ]
    subprocess.run(command, input=source, text=True, check=True)
    return path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """torch, linked to a library with versions and to one without, both gone."""
    folder = tmp_path / "torch" / "lib"
    folder.mkdir(parents=True)
    script = tmp_path / "big.map"
    script.write_text("libbig.so.13 { global: *; };")
    big = compiled(folder / "libbig.so.13", ENGINE, f"-Wl,--version-script,{script}")
    loose = compiled(folder / "libloose.so.2", LOOSE)
    compiled(folder / "libuser.so", USER, str(big), str(loose), "-Wl,-rpath,$ORIGIN")
    big.unlink()
    loose.unlink()
    return tmp_path


def test_it_loads_and_what_is_missing_returns_errors(site: Path) -> None:
    library = site / "torch" / "lib" / "libuser.so"
    with pytest.raises(OSError, match=r"libbig\.so\.13|libloose\.so\.2"):
        ctypes.CDLL(str(library))
    assert without_cuda.make_stand_ins(site) == ["libbig.so.13", "libloose.so.2"]
    loaded = ctypes.CDLL(str(library))
    assert loaded.alone() == 7
    assert loaded.use() == 3


def test_a_library_that_is_there_stays(site: Path) -> None:
    other = site / "nvidia" / "cu13" / "lib"
    other.mkdir(parents=True)
    compiled(other / "libloose.so.2", LOOSE)
    assert without_cuda.make_stand_ins(site) == ["libbig.so.13"]


def test_the_metadata_asks_for_cuda_no_more(tmp_path: Path) -> None:
    metadata = tmp_path / "torch-2.13.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    kept = "Name: torch\nRequires-Dist: sympy>=1.13.3\nRequires-Dist: jinja2\n"
    metadata.write_text(kept + "Requires-Dist: nvidia-cudnn-cu13==9\nRequires-Dist: cuda-toolkit[x]==13\n")
    without_cuda.drop_requirements(tmp_path)
    assert metadata.read_text() == kept
