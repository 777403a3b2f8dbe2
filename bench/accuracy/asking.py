"""Asks the questions of a suite through nl2sql.ask(), several callers at once, and keeps each answer in a file.

The file (one a arm) is only ever appended to, a line an answer. What has an answer there is not asked again, so that a
run that was stopped goes on where it was.
"""

from __future__ import annotations

import datetime
import json
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.accuracy.arms import Arm
from bench.accuracy.progress import Progress
from bench.accuracy.scoring import quoted_path
from bench.accuracy.suite import Question
from tools.errors import ToolError

# Of the way to the engine, or of a half-installed program: asked again, and never kept as an answer.
PASSING = ("NL001", "NL002", "NL004", "NL007", "NL009", "NL106", "NL301", "NL302", "NL307")
PASSING_CLASSES = ("08", "53", "57P")
TRIES = 5
PAUSE = 2.0
HOPELESS = 10  # so many in a row: somebody has to look


@dataclass
class Answer:
    """What ask() said to one question: an object, or an error with its four fields."""

    id: str
    milliseconds: float
    said: dict[str, Any] = field(default_factory=dict)
    error: dict[str, str] = field(default_factory=dict)
    code: str = ""  # of what was asked: see target.code_digest
    settings: str = ""
    at: str = ""

    @property
    def sql(self) -> str:
        return str(self.said.get("sql") or "")

    @property
    def confidence(self) -> float | None:
        value = self.said.get("confidence")
        return None if value is None else float(value)

    def timing(self, stage: str) -> float | None:
        return (self.said.get("timings") or {}).get(stage)

    def tokens(self, kind: str) -> int | None:
        return (self.said.get("usage") or {}).get(f"{kind}_tokens")

    @property
    def passing(self) -> bool:
        state = self.error.get("sqlstate", "")
        return state in PASSING or state.startswith(PASSING_CLASSES)


class Answers:
    """The answers of one arm, in memory and in their file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_id: dict[str, Answer] = {}
        self._lock = threading.Lock()
        if path.exists():
            self._read()

    def _read(self) -> None:
        whole, _, torn = self.path.read_text(encoding="utf-8").rpartition("\n")
        if torn:  # the last line of a run that was killed while it wrote
            self.path.write_text(whole + "\n" if whole else "", encoding="utf-8")
        for line in whole.splitlines():
            answer = Answer(**json.loads(line))
            self.by_id[answer.id] = answer

    def add(self, answer: Answer) -> None:
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(vars(answer), ensure_ascii=False) + "\n")
            self.by_id[answer.id] = answer

    def missing(self, questions: Sequence[Question]) -> list[Question]:
        return [question for question in questions if question.id not in self.by_id]

    def older(self, code: str, settings: str) -> list[Answer]:
        """What other code or other settings have answered."""
        return [answer for answer in self.by_id.values() if (answer.code, answer.settings) != (code, settings)]

    def drop_older(self, code: str, settings: str) -> int:
        """Forget what other code or other settings have answered; the old file is kept beside the new one."""
        stale = self.older(code, settings)
        if stale:
            kept = [answer for answer in self.by_id.values() if answer not in stale]
            self.path.replace(self.path.with_suffix(f".{int(time.time())}.old"))
            self.by_id = {}
            for answer in kept:
                self.add(answer)
        return len(stale)


@dataclass(frozen=True)
class Asking:
    """One arm to be asked."""

    dsn: str
    arm: Arm
    code: str
    callers: int
    timeout: float

    def run(self, questions: Sequence[Question], answers: Answers) -> int:
        """Ask what has no answer yet; how many are still without one."""
        todo = answers.missing(questions)
        if todo:
            self._run_callers(todo, answers, Progress(self.arm.name, len(questions), len(questions) - len(todo)))
        return len(answers.missing(questions))

    def _run_callers(self, todo: Sequence[Question], answers: Answers, progress: Progress) -> None:
        waiting: queue.SimpleQueue[Question] = queue.SimpleQueue()
        for question in todo:
            waiting.put(question)
        shared = _Shared(waiting, answers, progress)
        threads = [threading.Thread(target=self._call, args=(shared,)) for _ in range(min(self.callers, len(todo)))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            print("\nstopping; the questions on their way are still answered", flush=True)
            shared.stop.set()
            for thread in threads:
                thread.join()
            raise
        progress.close()
        if shared.trouble:
            raise ToolError(shared.trouble, hint="what was answered is kept; put it right and run this again")

    def _call(self, shared: _Shared) -> None:
        """One caller: its own connection, one question after another."""
        connection: psycopg.Connection[Any] | None = None
        while not shared.stop.is_set():
            try:
                question = shared.waiting.get_nowait()
            except queue.Empty:
                break
            for attempt in range(TRIES):
                answer, connection = self._ask(connection, question)
                if not answer.passing or shared.stop.is_set():
                    break
                time.sleep(PAUSE * (attempt + 1))
            shared.take(answer)
        if connection:
            connection.close()

    def _ask(
        self, connection: psycopg.Connection[Any] | None, question: Question
    ) -> tuple[Answer, psycopg.Connection[Any] | None]:
        answer = Answer(
            question.id,
            0,
            code=self.code,
            settings=self.arm.settings,
            at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
        began = time.perf_counter()
        try:
            if connection is None or connection.closed or connection.broken:
                connection = self.connect()
            connection.execute("select set_config('search_path', %s, false)", (quoted_path(question.search_path),))
            began = time.perf_counter()
            row = connection.execute("select nl2sql.ask(%s)", (question.text,)).fetchone()
            answer.said = row[0] if row else {}
        except psycopg.Error as error:
            answer.error = four_fields(error)
        answer.milliseconds = round((time.perf_counter() - began) * 1000, 1)
        return answer, connection

    def connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.dsn, autocommit=True)
        preferences = {"timeout": f"{self.timeout:g}s"} | self.arm.preferences
        for name, value in preferences.items():
            connection.execute("select set_config(%s, %s, false)", (f"nl2sql.{name}", value))
        return connection


@dataclass
class _Shared:
    """What the callers of one arm have in common."""

    waiting: queue.SimpleQueue[Question]
    answers: Answers
    progress: Progress
    stop: threading.Event = field(default_factory=threading.Event)
    trouble: str = ""
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, answer: Answer) -> None:
        with self.lock:
            if not answer.passing:
                self.failed = 0
                self.answers.add(answer)
                self.progress.count(valid=not answer.error)
                return
            self.failed += 1
            if self.failed >= HOPELESS and not self.stop.is_set():
                self.trouble = f"{HOPELESS} questions in a row could not be asked: {answer.error['message']}"
                self.stop.set()


def four_fields(error: psycopg.Error) -> dict[str, str]:
    fields = {
        "sqlstate": error.sqlstate or "08000",  # psycopg has none where the connection itself is gone
        "message": error.diag.message_primary or str(error).strip(),
        "detail": error.diag.message_detail,
        "hint": error.diag.message_hint,
    }
    return {name: value for name, value in fields.items() if value}
