"""The command line's arguments."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.accuracy.suite import FIELDS

DEFAULT_MODEL = "qwen2.5-coder-0.5b-instruct"


def read_arguments(description: str, given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.accuracy", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _add_source(parser)
    _add_slice(parser)
    _add_asking(parser)
    arguments = parser.parse_args(given)
    if min(arguments.every, arguments.callers, 1 if arguments.limit is None else arguments.limit) < 1:
        parser.error("--every, --limit and --callers take numbers from 1")
    if (arguments.folder is None) == (arguments.dsn is None):
        parser.error("name a folder, or --dsn and --suite")
    return arguments


def _add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", help="questions.jsonl or train.jsonl, and dumps/*.sql or *.sql.gz"
    )
    parser.add_argument("--dsn", help="instead of a folder: a database with nl2sql, asked as this role")
    parser.add_argument("--suite", default="default", help="with --dsn: a suite stored by nl2sql.add_case()")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="as the sidecar's setting `model`")
    parser.add_argument("--socket", type=Path, help="a running sidecar, instead of starting one with --model")


def _add_slice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--language", choices=sorted(FIELDS), default="en", help="syn: English in other words")
    parser.add_argument("--no-keys", action="store_true", help="drop all foreign keys from the databases first")
    parser.add_argument("--databases", default="", help="only questions about these, comma-separated")
    parser.add_argument("--every", type=int, default=1, help="only every n-th question")
    parser.add_argument("--limit", type=int, help="at most so many questions")


def _add_asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arms", default="plain,all", help="comma-separated; plain is always among them")
    parser.add_argument("--arm", action="append", default=[], help="an own one over `all`: 'name:samples=8;values=off'")
    parser.add_argument("--callers", type=int, default=8, help="sessions that ask at once (default 8)")
    parser.add_argument("--timeout", type=float, default=120, help="seconds an answer may take (default 120)")
    parser.add_argument("--fresh", action="store_true", help="ask again what older code or settings have answered")
    parser.add_argument("--score-only", action="store_true", help="ask nothing; report on the answers there are")
    parser.add_argument("--keep", action="store_true", help="leave sidecar and PostgreSQL running")
    parser.add_argument("--out", type=Path, help="folder of the report")
