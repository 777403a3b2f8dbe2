"""Answers with their verdicts: what reports are made from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.accuracy.arms import Arm
from bench.accuracy.asking import Answer, Answers
from bench.accuracy.figures import Share
from bench.accuracy.scoring import Verdict, judge_all
from bench.accuracy.suite import Question

NOTHING = Verdict("none")


@dataclass(frozen=True)
class Item:
    """One question, the answer of one arm, and what it is worth."""

    question: Question
    answer: Answer
    verdict: Verdict


@dataclass(frozen=True)
class ArmResults:
    """All that one arm has answered."""

    arm: Arm
    items: list[Item]

    def only_strict(self) -> ArmResults:
        return ArmResults(self.arm, [item for item in self.items if item.question.strict])

    @property
    def right(self) -> Share:
        return self.share(lambda verdict: verdict.right)

    @property
    def lenient(self) -> Share:
        return self.share(lambda verdict: verdict.lenient)

    @property
    def valid(self) -> Share:
        return self.share(lambda verdict: verdict.valid)

    def share(self, test: Callable[[Verdict], bool]) -> Share:
        return Share(sum(test(item.verdict) for item in self.items), len(self.items))

    @property
    def verdicts(self) -> dict[str, bool]:
        return {item.question.id: item.verdict.right for item in self.items}

    @property
    def pairs(self) -> list[tuple[float, bool]]:
        """(confidence, right) of the answers that have a confidence."""
        found = ((item.answer.confidence, item.verdict.right) for item in self.items if item.answer.sql)
        return [(min(1.0, max(0.0, c)), right) for c, right in found if c is not None]

    @property
    def codes(self) -> list[str]:
        return sorted({item.answer.code for item in self.items})

    def times(self, stage: str | None = None) -> list[float]:
        """Milliseconds: of a stage, or what the client waited."""
        found = (item.answer.timing(stage) if stage else item.answer.milliseconds for item in self.items)
        return [value for value in found if value is not None]

    def engine_ratios(self, plain: ArmResults) -> list[float]:
        """Engine time of each answer beside that of the plain arm's answer to the same question."""
        theirs = {item.question.id: item.answer.timing("engine") for item in plain.items}
        pairs = ((item.answer.timing("engine"), theirs.get(item.question.id)) for item in self.items)
        return [own / other for own, other in pairs if own is not None and other]

    def tokens(self, kind: str) -> list[float]:
        found = (item.answer.tokens(kind) for item in self.items)
        return [float(value) for value in found if value is not None]


@dataclass(frozen=True)
class Run:
    """What was asked, of which model, on which machine state; the head of a report."""

    suite: str
    model: str
    language: str
    keys: bool
    chosen: str  # which slice
    callers: int
    arms: list[ArmResults] = field(default_factory=list)

    @property
    def plain(self) -> ArmResults:
        return self.arms[0]

    @property
    def best(self) -> ArmResults:
        """The arm that details are shown of: `all` if it was asked, else the last one."""
        return next((arm for arm in self.arms if arm.arm.name == "all"), self.arms[-1])


def judged(
    dsn: str, questions: Sequence[Question], arms: Sequence[Arm], answers: Mapping[str, Answers]
) -> list[ArmResults]:
    """Verdicts on all arms' answers; each gold runs once, and equal statements are judged once."""
    asked = {question.id: (question, set[str]()) for question in questions}
    for stored in answers.values():
        for question in questions:
            if question.id in stored.by_id:
                asked[question.id][1].add(stored.by_id[question.id].sql)
    verdicts = judge_all(dsn, asked)

    def items(stored: Answers) -> list[Item]:
        found = ((question, stored.by_id[question.id]) for question in questions if question.id in stored.by_id)
        return [Item(q, a, verdicts.get((q.id, a.sql), NOTHING)) for q, a in found]

    return [ArmResults(arm, items(answers[arm.name])) for arm in arms]


def write_items(path: Path, results: ArmResults) -> None:
    """A line a question, for looking at single answers; the form that score.py-like tools read (id, sql)."""
    with path.open("w", encoding="utf-8") as file:
        for item in results.items:
            line = {
                "id": item.question.id,
                "db": item.question.database,
                "question": item.question.text,
                "gold": item.question.gold,
                "sql": item.answer.sql,
                "result": item.verdict.result,
                "lenient": item.verdict.lenient,
                "error": item.verdict.error or item.answer.error,
                "confidence": item.answer.confidence,
                "signals": item.answer.said.get("signals"),
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
