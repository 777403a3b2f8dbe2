"""A suite: questions with a gold statement each, read from a folder (docs/accuracy.md says of which form)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import ToolError

DUMPS = ("*.sql", "*.sql.gz")
FILES = ("questions.jsonl", "train.jsonl")
FIELDS = {"en": "question", "zh": "question_zh", "syn": "question_syn"}


@dataclass(frozen=True)
class OrderKeys:
    """A statement whose last `count` columns are what the gold is ordered by: it tells ties from order."""

    sql: str
    count: int


@dataclass(frozen=True)
class Question:
    """One question in one language, and how its answer is judged."""

    id: str
    database: str
    text: str
    gold: str
    ordered: bool
    search_path: tuple[str, ...]
    order_keys: OrderKeys | None = None
    weak: bool = False  # the gold returns no row, or one row of 0 or NULL: a wrong statement may, too
    limit_tie: bool = False  # the gold's LIMIT cuts through equal rows: several answers are right

    @property
    def strict(self) -> bool:
        """Whether a match says for certain that the answer is right, and a mismatch that it is wrong."""
        return not self.weak and not self.limit_tie


@dataclass(frozen=True)
class Suite:
    """Questions, and the dumps of the databases they are about."""

    name: str
    questions: tuple[Question, ...]
    dumps: tuple[Path, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes when a dump does."""
        seen = hashlib.sha256()
        for path in self.dumps:
            found = path.stat()
            seen.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
        return seen.hexdigest()[:16]


def read_suite(folder: Path, language: str) -> Suite:
    """All questions of a folder that have a gold statement and are there in this language."""
    folder = folder.resolve()
    source = next((folder / name for name in FILES if (folder / name).exists()), None)
    if source is None:
        raise ToolError(f"{folder} has no {' or '.join(FILES)}", hint="name a folder as docs/accuracy.md describes it")
    answered = [entry for entry in entries(source) if entry.get("gold_pg")]
    spoken = [entry for entry in answered if entry.get(FIELDS[language])] or answered[:1]
    questions = tuple(read_question(entry, language) for entry in spoken)
    dumps = tuple(sorted(path for kind in DUMPS for path in (folder / "dumps").glob(kind)))
    return Suite(f"{folder.parent.name}-{folder.name}", questions, dumps)


def entries(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def read_question(entry: dict[str, Any], language: str) -> Question:
    """One line of the file; raises ToolError for one without a question in this language or with another rule."""
    text = entry.get(FIELDS[language])
    if not text:
        raise ToolError(f"{entry['id']} has no {FIELDS[language]}", hint="choose another --language")
    if entry.get("rule", "bench") != "bench":
        raise ToolError(f"{entry['id']} is judged by a rule that is not known here", hint="see docs/accuracy.md")
    keys = entry.get("order_keys")
    return Question(
        id=entry["id"],
        database=entry["db"],
        text=text,
        gold=entry["gold_pg"],
        ordered=bool(entry.get("ordered")),
        search_path=tuple(part.strip() for part in entry["search_path"].split(",")),
        order_keys=OrderKeys(keys["sql"], keys["n"]) if keys else None,
        weak=bool(entry.get("weak")),
        limit_tie=entry.get("limit_tie", False) is not False,  # null: nobody could tell
    )


def choose(
    questions: Collection[Question], databases: Collection[str] = (), every: int = 1, limit: int | None = None
) -> list[Question]:
    """A slice: every n-th of the questions about these databases, at most `limit`."""
    known = {question.database for question in questions}
    if unknown := sorted(set(databases) - known):
        raise ToolError(
            f"no question is about {', '.join(unknown)}", hint=f"the databases are {', '.join(sorted(known))}"
        )
    kept = [question for question in questions if not databases or question.database in databases]
    return kept[::every][:limit]
