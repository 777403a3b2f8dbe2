"""Say what the Python environment lacks, by pyproject.toml: `check_env.py EXTRA…`, run by the environment's Python.

Prints one missing requirement a line ("." stands for the sidecar itself); nothing when all is there.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from pip._vendor.packaging.requirements import Requirement  # the environment has pip before it has anything else

CHECKOUT = Path(__file__).resolve().parent.parent


def wanted(extras: Iterable[str]) -> list[str]:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]


def missing(requirements: Iterable[str]) -> Iterator[str]:
    for line in requirements:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield line
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield line


def installed_from_here(name: str) -> bool:
    """Whether the sidecar is installed in editable mode from this checkout, and not from where it once was."""
    try:
        origin = metadata.distribution(name).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return False
    path = unquote(urlparse(json.loads(origin or "{}").get("url", "")).path)
    return Path(path) == CHECKOUT


def main() -> int:
    lines = list(missing(wanted(sys.argv[1:])))
    if not installed_from_here("nl2sql-sidecar"):
        lines.append(".")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
