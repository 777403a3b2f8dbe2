"""The pairs of tests/contract: {about, exchanges: [{request, engine: what the scripted engine says, response}]}."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "contract"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "openapi")


def exchanges(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["exchanges"]
    return found
