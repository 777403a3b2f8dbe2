"""Runs psql, the client that everybody has, without anybody's ~/.psqlrc."""

from __future__ import annotations

import csv
import io
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

# What no cell of a demo holds.
NULL = "NULL\x01"


@dataclass(frozen=True)
class Psql:
    """One way into one database."""

    program: Path
    dsn: str

    def run(self, script: str, *options: str, variables: dict[str, str] | None = None) -> str:
        """Send a script through standard input and return the output; the first error ends it and is raised."""
        settings = [f"--set={name}={value}" for name, value in (variables or {}).items()]
        command = [
            str(self.program),
            "-X",
            "-q",
            "--set=ON_ERROR_STOP=1",
            "--set=SHOW_CONTEXT=never",
            *settings,
            *options,
            "-d",
            self.dsn,
        ]
        # Settings of the caller's own connections (PGOPTIONS, PGSERVICE, …) are none of ours.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        done = subprocess.run(
            command,
            input=script,
            capture_output=True,
            check=False,
            encoding="utf-8",
            env=env | {"PGCLIENTENCODING": "UTF8"},
        )
        if done.returncode:
            raise ToolError(done.stderr.strip())
        return done.stdout

    def value(self, query: str, **variables: str) -> str:
        """The one value of a query, as text."""
        return self.run(query, "-A", "-t", variables=variables).removesuffix("\n")

    def rows(self, query: str) -> list[list[str | None]]:
        """The rows of a query, as text and None."""
        text = self.run(query, "--csv", "-t", "-P", f"null={NULL}")
        reader = csv.reader(io.StringIO(text))
        return [[None if cell == NULL else cell for cell in row] for row in reader]
