"""Where Hugging Face keeps the files of a repository at a revision."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from sidecar.models import download
from sidecar.models.catalog import HuggingFaceSource

DEFAULT_ENDPOINT = "https://huggingface.co"


def fetch(source: HuggingFaceSource, folder: Path, report: Callable[[int], None]) -> None:
    """Bring every file of the source into `folder`; `HF_ENDPOINT` names a mirror, as it does for their own tools."""
    endpoint = (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
    done = 0
    for file in source.files:
        url = f"{endpoint}/{source.repository}/resolve/{source.revision}/{quote(file.name)}"
        target = folder / file.name
        download.fetch(url, target, file, download.shifted(report, done))
        done += target.stat().st_size
