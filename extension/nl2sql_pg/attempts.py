"""One proposal of the model on its way, and what happened on the way of one question."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from nl2sql_pg.client import finite


@dataclass
class Attempt:
    """One candidate of the model: what it wrote, what stands against it, and what it gave when it was tried.

    `rows` is a digest of its result, None where it was not run; `empty` says whether there was no row in it.
    `missed` counts words of the question that name something in the schema, of which it reads nothing, and `unasked`
    tables it reads that no word of the question names; `unread` is the share of the question's words that stand for
    nothing it reads; 0 where the sidecar does not say. `doubts` says what in it is doubtful though the server takes it.
    """

    raw: str
    sql: str | None
    tables: list[str]
    logprob: float | None
    error: dict[str, str] | None
    repairs: list[str] = field(default_factory=list)
    refined: list[str] = field(default_factory=list)  # told in the form that the question asks for; nothing was wrong
    period: str | None = None  # the condition that holds it to the period which the question counts from today
    cost: float | None = None  # of its plan; None where there is none
    confidential: bool = False  # the error's words may quote stored data: for the caller, not for the model
    greedy: bool = False  # the model's first choice of words throughout; else a sample
    plan_rows: int = 0  # the most that a step of its plan is expected to give
    tried: bool = False  # whether it was run, read-only and undone
    rows: str | None = None
    empty: bool = False
    missed: int = 0
    unasked: int = 0
    unread: float = 0.0
    doubts: list[str] = field(default_factory=list)
    filters: list[dict[str, str | None]] = field(default_factory=list)  # {table, condition, state, word}
    retold: float | None = None  # mean log-probability a token of the question, as what the statement answers

    @property
    def usable(self) -> bool:
        """Whether the server planned it, and nothing was found against it since."""
        return self.cost is not None and self.error is None

    @property
    def doubtful(self) -> bool:
        """Whether a standing condition that should hold could not be put into it."""
        return any(each["state"] == "unread" for each in self.filters)

    def summary(self) -> dict[str, Any]:
        """As `ask()` shows it."""
        problem = self.error and {name: self.error[name] for name in ("sqlstate", "message")}
        return {
            "sql": self.sql or self.raw,
            "logprob": self.logprob,
            "cost": self.cost,
            "error": problem,
            "repairs": self.repairs,
            "refined": self.refined,
            "period": self.period,
            "doubts": self.doubts,
        }


def read_attempt(candidate: dict[str, Any], greedy: bool) -> Attempt:
    """A candidate of /v1/generate; raises KeyError, TypeError or ValueError where it is none."""
    error, sql, logprob = candidate["error"], candidate["sql"], candidate["logprob"]
    if (sql is None) == (error is None) or not isinstance(sql, str | None) or not isinstance(candidate["raw"], str):
        raise ValueError("a candidate has either SQL or an error")
    linking = {"missed": 0, "unasked": 0, "unread": 0.0} | (candidate.get("linking") or {})
    return Attempt(
        raw=candidate["raw"],
        sql=sql,
        tables=[str(table) for table in candidate["tables"]],
        logprob=None if logprob is None else finite(logprob),
        error=error and {name: str(error[name]) for name in ("sqlstate", "message", "detail", "hint")},
        repairs=[str(note) for note in candidate["repairs"]],
        refined=[str(note) for note in candidate.get("refined", [])],
        period=None if (period := candidate.get("period")) is None else str(period),
        greedy=greedy,
        missed=int(finite(linking["missed"])),
        unasked=int(finite(linking["unasked"])),
        unread=finite(linking["unread"]),
        doubts=[str(doubt) for doubt in candidate.get("doubts", [])],
        filters=[_read_filter(each) for each in candidate.get("filters", ())],
    )


def _read_filter(found: dict[str, Any]) -> dict[str, str | None]:
    if found["state"] not in ("added", "present", "asked", "unread"):
        raise ValueError("a standing condition is in another state")
    word = found.get("word")
    read = {name: str(found[name]) for name in ("table", "condition", "state")}
    return {**read, "word": None if word is None else str(word)}


@dataclass
class Trail:
    """What happened on the way to an answer. Times in milliseconds, by stage."""

    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    timings: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    prompts: list[list[dict[str, str]]] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # what the model was told, by kind
    choice: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    started: float = field(default_factory=time.monotonic)

    def add_time(self, stage: str, milliseconds: float) -> None:
        self.timings[stage] = round(self.timings.get(stage, 0.0) + milliseconds, 1)

    def timed(self, stage: str, since: float) -> None:
        self.add_time(stage, (time.monotonic() - since) * 1000)

    @property
    def tried(self) -> list[str]:
        """The statements that were run to see what they give."""
        return list(dict.fromkeys(attempt.sql for attempt in self.attempts if attempt.tried and attempt.sql))

    def use(self, tokens: dict[str, Any]) -> None:
        """Add the tokens of one request."""
        for name in ("prompt_tokens", "completion_tokens"):
            self.usage[name] = self.usage.get(name, 0) + int(tokens[name])
