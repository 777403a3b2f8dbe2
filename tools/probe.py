"""Exit with 0 if the sidecar of $NL2SQL_SOCKET can answer questions: for health checks of containers."""

from __future__ import annotations

import http.client
import os
import sys
from pathlib import Path

from tools.unix_http import get_json


def main() -> int:
    path = Path(os.environ.get("NL2SQL_SOCKET", "/run/nl2sql/sidecar.sock"))
    try:
        return 0 if get_json(path, "/ready", timeout=5)["ready"] else 1
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
