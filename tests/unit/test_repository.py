"""What holds for every file: no path of one machine, nothing huge, a docstring, nothing left to do."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN_PATH = re.compile(r"(?<![\w~.$}/])/(?:home|work|Users)/[\w.-]+")
LARGEST = 2_000_000


def tracked() -> list[Path]:
    """Files of the repository: known to git, or new and not ignored; all files where there is no git."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        return [path for path in ROOT.rglob("*") if path.is_file() and ".nl2sql" not in path.parts]
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


FILES = tracked()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_are_files() -> None:
    assert len(PYTHON) > 60


def test_no_path_of_one_machine() -> None:
    # docker/ names folders of its images, which are the same everywhere
    files = [path for path in FILES if not relative(path).startswith("docker/")]
    assert {relative(p): OWN_PATH.findall(text_of(p)) for p in files if OWN_PATH.search(text_of(p))} == {}


def test_nothing_huge() -> None:
    assert [relative(path) for path in FILES if path.stat().st_size > LARGEST] == []


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_python_file_says_what_it_is(path: Path) -> None:
    tree = ast.parse(text_of(path))
    assert ast.get_docstring(tree) or not tree.body


def test_nothing_left_to_do() -> None:
    words = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    assert [relative(path) for path in FILES if words.search(text_of(path))] == []


def test_text_ends_with_a_line_end() -> None:
    suffixes = {".py", ".sql", ".md", ".toml", ".txt", ".j2", ".sh", ".json"}
    ends = {relative(p): text_of(p)[-1:] for p in FILES if p.suffix in suffixes and p.stat().st_size}
    assert {name for name, end in ends.items() if end != "\n"} == set()
