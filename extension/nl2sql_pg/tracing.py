"""What happened on the way of one question, as rows for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nl2sql_pg.attempts import Attempt, Trail
from nl2sql_pg.errors import Failure

Row = dict[str, Any]


def rows(trail: Trail, failure: Failure | None) -> list[Row]:
    """Every stage in its order: what was found, the prompts, the candidates, the choice or the error, the times."""
    steps = [
        *_tables(trail),
        *_filters(trail),
        *_told(trail, "values", "value"),
        *_told(trail, "examples", "example"),
        *_told(trail, "terms", "term"),
        *_prompts(trail),
        *_candidates(trail),
        *_end(trail, failure),
        *_times(trail),
    ]
    return [{"step": number, **step} for number, step in enumerate(steps, 1)]


def _row(stage: str, item: str, detail: str, ms: float | None = None) -> Row:
    return {"stage": stage, "item": item, "detail": detail, "ms": ms}


def _tables(trail: Trail) -> Iterator[Row]:
    reasons = {reason["table"]: reason for reason in trail.told.get("reasons", [])}
    for table in trail.told.get("tables", []):
        name = f"{table['schema']}.{table['name']}"
        yield _row("table", name, _figures({k: v for k, v in reasons.get(name, {}).items() if k != "table"}))


def _filters(trail: Trail) -> Iterator[Row]:
    for table in trail.told.get("tables", []):
        for each in table.get("filters", ()):
            yield _row("filter", f"{table['schema']}.{table['name']}", _figures(each))
    for each in trail.told.get("unheld", []):
        yield _row("filter", each["table"], f"does not hold here: {each['why']}")


def _told(trail: Trail, kind: str, stage: str) -> Iterator[Row]:
    for item in trail.told.get(kind, []):
        title = item.get("phrase") or item.get("question") or item.get("term") or ""
        yield _row(stage, title, _figures({k: v for k, v in item.items() if v != title}))


def _prompts(trail: Trail) -> Iterator[Row]:
    for number, prompt in enumerate(trail.prompts, 1):
        for message in prompt:
            yield _row("prompt", f"{number} {message['role']}", message["content"])


def _candidates(trail: Trail) -> Iterator[Row]:
    for number, attempt in enumerate(trail.attempts, 1):
        yield _row("candidate", f"{number} {_kind(attempt)}", attempt.sql or attempt.raw)
        if (attempt.repairs or attempt.refined or attempt.period) and attempt.raw:
            yield _row("repair", f"{number} as written", attempt.raw)
        for note in (*attempt.repairs, *attempt.refined):
            yield _row("repair", str(number), note)
        if attempt.period:
            yield _row("repair", f"{number} period", attempt.period)
        for doubt in attempt.doubts:
            yield _row("doubt", str(number), doubt)
        for found in attempt.filters:
            word = f": {found['word']}" if found["word"] else ""
            yield _row("filter", f"{number} {found['state']}{word}", f"{found['table']}: {found['condition']}")
        yield _row("judgement", str(number), _judgement(attempt))


def _kind(attempt: Attempt) -> str:
    return "greedy" if attempt.greedy else "sample"


def _judgement(attempt: Attempt) -> str:
    if attempt.error:
        return f"{attempt.error['sqlstate']}: {attempt.error['message']}"
    result = "no content" if attempt.empty else attempt.rows
    return _figures(
        {
            "logprob": attempt.logprob,
            "plan_cost": attempt.cost,
            "result": result,
            "missed": attempt.missed,
            "unasked": attempt.unasked,
            "unread": attempt.unread,
            "retold": attempt.retold,
        }
    )


def _end(trail: Trail, failure: Failure | None) -> Iterator[Row]:
    if trail.choice:
        yield _row("choice", trail.choice["sql"], _figures({k: v for k, v in trail.choice.items() if k != "sql"}))
    for warning in trail.warnings:
        yield _row("warning", warning.partition(":")[0], warning)
    if failure:
        fields = failure.fields()
        yield _row("error", f"{failure.sqlstate}: {failure.message}", fields.get("detail", ""))
        yield _row("error", "hint", fields.get("hint", ""))


def _times(trail: Trail) -> Iterator[Row]:
    for stage, milliseconds in trail.timings.items():
        yield _row("time", stage, "", milliseconds)
    yield _row("tokens", "prompt", str(trail.usage.get("prompt_tokens", 0)))
    yield _row("tokens", "completion", str(trail.usage.get("completion_tokens", 0)))


def _figures(items: dict[str, Any]) -> str:
    """`name: value` pairs; what is not known is left out."""
    return ", ".join(f"{name}: {_plain(value)}" for name, value in items.items() if value is not None)


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
