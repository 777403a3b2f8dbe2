"""Situations from bug reports, asked: python -m bench.situations FOLDER [--model …] [--only case_01,case_08]

FOLDER holds `cases.jsonl` and the SQL files that it names: each makes one situation in a database of its own, and the
questions are asked as its role, with its settings. Where a question has a gold statement, the rows of the answer are
compared with the gold's; what has none is shown for a reader. Needs the extension installed, and the model.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from bench.accuracy.comparing import same_answer
from bench.accuracy.scoring import Outcome, Runner
from bench.accuracy.target import CHECKOUT, SETTINGS, Sidecar, Target, code_digest, connect_sidecar
from tools.cluster import Cluster
from tools.errors import ToolError

ROOT = CHECKOUT / ".nl2sql" / "situations"
MODEL = "qwen2.5-coder-1.5b-instruct"
SURE = 0.8  # a wrong answer at or above it misleads
CALLERS = 4  # situations asked at once


class Situation:
    """One database with one case's schema, asked as its role."""

    def __init__(self, cluster: Cluster, case: dict[str, Any], folder: Path) -> None:
        self._cluster, self.case, self._folder = cluster, case, folder
        self.admin = cluster.dsn(case["id"])

    def make(self, socket: Path) -> None:
        with psycopg.connect(self._cluster.dsn(), autocommit=True) as connection:
            connection.execute(f"drop database if exists {self.case['id']} with (force)".encode())
            connection.execute(f"create database {self.case['id']}".encode())
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute("create extension nl2sql cascade")
        made = subprocess.run(
            [self._cluster.bin / "psql", "-X", "-q", "-d", self.admin, "-f", self._folder / self.case["file"]],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise ToolError(f"{self.case['file']} does not load: {made.stderr.strip()}", hint="mend it first")
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"alter role {self.case['role']} login".encode())
            connection.execute("analyze")
            connection.execute("select nl2sql.set_setting('max_timeout', '3600s')")
        connect_sidecar(Target(self.admin, self.reader({})), socket)

    def reader(self, settings: dict[str, str]) -> str:
        """Connection string of the role, with the case's settings and those of one question."""
        given = {"nl2sql.timeout": "900s", **self.case["settings"], **settings}
        options = " ".join(f"-c {name}={value}" for name, value in given.items())
        return f"{self._cluster.dsn(self.case['id'], self.case['role'])} options='{options}'"

    def questions(self) -> Iterator[dict[str, Any]]:
        return (question for question in self.case["questions"] if question.get("question"))

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer beside the gold: what was said, its confidence, and the verdict."""
        dsn = self.reader(question.get("settings", {}))
        path = [part.strip() for part in question.get("search_path", self.case["search_path"]).split(",")]
        runner = Runner(dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("select set_config('search_path', %s, false)", (", ".join(path),))
            try:
                row = connection.execute("select nl2sql.ask(%s)", (question["question"],)).fetchone()
                said = row[0] if row else {}
            except psycopg.Error as error:
                words = {"sql": None, "confidence": None, "refused": f"{error.sqlstate}: {error.diag.message_primary}"}
                return words | {"verdict": "refused"}
        verdict = "to be read"
        if gold := question.get("gold_sql"):
            wanted, found = runner.run(gold, path), runner.run(said["sql"], path)
            verdict = judged(wanted, found, question.get("gold_ordered", False))
        runner.close()
        return {"sql": said["sql"], "confidence": said["confidence"], "verdict": verdict, "said": said}


def judged(gold: Outcome, found: Outcome, ordered: bool) -> str:
    """Right, right with further columns, or wrong; what does not run is wrong."""
    if gold.error:
        return f"gold failed: {gold.error}"
    if found.error:
        return f"does not run: {found.error}"
    ties = [(n, n + 1) for n in range(len(gold.rows))] if ordered else None
    widths = (gold.width, found.width)
    if same_answer(gold.rows, found.rows, widths, ties, lenient=False):
        return "right"
    return "right, wider" if same_answer(gold.rows, found.rows, widths, ties, lenient=True) else "wrong"


def ask_all(situation: Situation) -> list[dict[str, Any]]:
    """All questions of one situation, shown as they are answered."""
    answered = []
    for question in situation.questions():
        answer = situation.ask(question)
        show(situation.case, question, answer)
        answered.append({"case": situation.case["id"], **question, **answer})
    return answered


def read_cases(folder: Path, only: list[str]) -> list[dict[str, Any]]:
    with (folder / "cases.jsonl").open(encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    return [case for case in cases if case.get("questions") and (not only or case["id"] in only)]


def show(case: dict[str, Any], question: dict[str, Any], answer: dict[str, Any]) -> None:
    confidence = answer["confidence"]
    sure = "    -" if confidence is None else f"{confidence:5.2f}"
    mark = " !" if answer["verdict"] in ("wrong", "to be read") and (confidence or 0) >= SURE else ""
    print(f"{case['id']} {sure} {answer['verdict']}{mark}: {question['question']}", flush=True)
    print(f"      {answer['sql'] or answer['refused']}", flush=True)
    if answer["verdict"] == "to be read" or answer["verdict"] == "refused":
        print(f"      wanted: {question.get('expected_behaviour') or question.get('gold_sql')}", flush=True)
    for warning in answer.get("said", {}).get("warnings", []):
        print(f"      warning: {warning}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--only", default="", help="ids of cases, comma-separated")
    parser.add_argument("--out", type=Path, default=ROOT / "answers.jsonl")
    given = parser.parse_args()
    cases = read_cases(given.folder, [name for name in given.only.split(",") if name])
    with Cluster(ROOT, settings=SETTINGS) as cluster, given.out.open("w", encoding="utf-8") as out:
        sidecar = Sidecar(cluster)
        sidecar.start(given.model, code_digest())
        try:
            situations = [Situation(cluster, case, given.folder) for case in cases]
            for situation in situations:  # one by one: they make the same role
                situation.make(sidecar.process.socket)
            with ThreadPoolExecutor(CALLERS) as pool:
                answered = [answer for part in pool.map(ask_all, situations) for answer in part]
        finally:
            sidecar.process.stop()
        for answer in answered:
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    counted = Counter(answer["verdict"] for answer in answered)
    print(", ".join(f"{verdict}: {number}" for verdict, number in sorted(counted.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
