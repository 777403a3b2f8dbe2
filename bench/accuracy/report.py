"""The report on a run, section by section."""

from __future__ import annotations

import math
import platform
from collections import defaultdict
from collections.abc import Callable, Sequence

from bench.accuracy import mistakes
from bench.accuracy.document import Block, Document, Listing, Plot, Section, Table
from bench.accuracy.figures import Share, calibration_error, coverage, paired, percentile, reliability
from bench.accuracy.plots import Bar, bars, coverage_plot, latency_plot, reliability_plot
from bench.accuracy.results import ArmResults, Item, Run
from bench.accuracy.shapes import SHAPES, shapes

LANGUAGES = {"en": "English", "zh": "Chinese", "syn": "English in other words"}
THRESHOLDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
EXAMPLES = 3


def make_report(run: Run) -> Document:
    makers = (head, arms, pairs, calibration, time_and_tokens, databases, query_shapes, not_valid, wrong)
    return Document(f"Accuracy: {run.suite}, {run.model}", [maker(run) for maker in makers])


def head(run: Run) -> Section:
    rows = [
        ("questions", run.chosen),
        ("language", LANGUAGES.get(run.language, run.language)),
        ("foreign keys", "as declared" if run.keys else "all dropped"),
        ("callers at once", str(run.callers)),
        ("machine", platform.platform()),
        ("details below are of", run.best.arm.name),
    ]
    blocks: list[Block] = [Table(("what", ""), rows, numbers=False)]
    blocks += [warning for warning in (unfinished(run), mixed(run), gold_trouble(run)) if warning]
    return Section("What was asked", blocks)


def unfinished(run: Run) -> str:
    counts = {results.arm.name: len(results.items) for results in run.arms}
    if len(set(counts.values())) == 1:
        return ""
    return "Not every arm has answered every question: " + ", ".join(f"{name} {n}" for name, n in counts.items()) + "."


def mixed(run: Run) -> str:
    """A figure of two states of the code is none of either."""
    codes = {results.arm.name: results.codes for results in run.arms}
    if len({code for found in codes.values() for code in found}) <= 1:
        return ""
    told = ", ".join(f"{name} {'+'.join(found)}" for name, found in codes.items())
    return f"The answers are of different states of the code (--fresh asks again): {told}."


def gold_trouble(run: Run) -> str:
    failed = {i.question.id for arm in run.arms for i in arm.items if i.verdict.result == "gold failed"}
    return f"The gold of {len(failed)} questions failed here: is the data loaded?" if failed else ""


def arms(run: Run) -> Section:
    drawn = [Bar(a.arm.name, a.right.percent, a.right.interval, a.valid.percent) for a in run.arms if a.items]
    table = Table(
        ("arm", "n", "exec % (95 %)", "strict n", "strict exec % (95 %)", "lenient %", "valid %"),
        [
            (
                a.arm.name,
                str(len(a.items)),
                a.right.with_interval,
                str(len(a.only_strict().items)),
                a.only_strict().right.with_interval,
                str(a.lenient),
                str(a.valid),
            )
            for a in run.arms
        ],
    )
    return Section(
        "Arms",
        [
            "exec: the rows are those of the gold. strict: without questions whose gold cuts a tie, or is empty, 0 or "
            "NULL. lenient: further columns are allowed. valid: the statement runs.",
            table,
            Plot(bars(drawn), "exec % with its 95 % interval; the thin bar is valid %"),
            Table(
                ("arm", "what it is", "settings"),
                [(a.arm.name, a.arm.meaning, a.arm.settings) for a in run.arms],
                False,
            ),
        ],
    )


def pairs(run: Run) -> Section:
    """Each arm against the plain one, question by question."""
    rows = []
    for results in run.arms[1:]:
        found = paired(run.plain.verdicts, results.verdicts)
        sign = f"{found.difference:+.1f}" if found.questions else "–"
        rows.append(
            (results.arm.name, str(found.questions), str(found.wins), str(found.losses), sign, f"{found.p_value:.4f}")
        )
    head_row = ("arm", "questions in both", "only this right", "only plain right", "points", "p (McNemar, exact)")
    return Section("Against the plain arm", [Table(head_row, rows)] if rows else ["Only the plain arm was asked."])


def calibration(run: Run) -> Section:
    best = run.best
    found = best.pairs
    if not found:
        return Section("Confidence", ["No answer has a confidence."])
    bins = reliability(found)
    table = Table(
        ("confidence", "answers", "mean confidence", "right %"),
        [(f"{b.low:.1f} to {b.high:.1f}", str(b.count), f"{b.confidence:.3f}", f"{100 * b.right:.1f}") for b in bins],
    )
    curve = coverage(found, len(best.items), sorted({c for c, _ in found}))
    points = [(c.answered.hits / c.answered.total, c.right.hits / c.right.total) for c in curve if c.right.total]
    kept = coverage(found, len(best.items), THRESHOLDS)
    return Section(
        f"Confidence ({best.arm.name})",
        [
            "Expected calibration error (ECE) over ten bins of equal width: "
            + ", ".join(f"{a.arm.name} {calibration_error(reliability(a.pairs)):.3f}" for a in run.arms if a.pairs)
            + ".",
            table,
            Plot(
                reliability_plot([(b.confidence, b.right, b.count) for b in bins]),
                "right against confidence; on the line is calibrated",
            ),
            Table(
                ("withheld below", "answered %", "right % of those"),
                [(f"{c.threshold:g}", str(c.answered), str(c.right)) for c in kept],
            ),
            Plot(coverage_plot(points), "what is right when less is answered"),
        ],
    )


def time_and_tokens(run: Run) -> Section:
    rows = []
    for a in run.arms:
        waited, engine = a.times(), a.times("engine")
        shares = [f"{percentile(waited, p) / 1000:.2f}" for p in (0.5, 0.95, 0.99)]
        ratio = percentile(engine, 0.5) / percentile(run.plain.times("engine"), 0.5) if engine else math.nan
        ratios = a.engine_ratios(run.plain)
        costs = [number(ratio, 2), number(percentile(ratios, 0.5) if ratios else math.nan, 2)]
        tokens = [mean(a.tokens(kind)) for kind in ("prompt", "completion")]
        rows.append((a.arm.name, *shares, f"{percentile(engine, 0.5) / 1000:.2f}", *costs, *tokens))
    best = run.best
    curves = [[v / 1000 for v in best.times()], [v / 1000 for v in run.plain.times()]]
    return Section(
        "Time and tokens",
        [
            f"Seconds that a client waited with {run.callers} of them asking at once; the engine includes its queue.",
            Table(
                (
                    *("arm", "p50 s", "p95 s", "p99 s", "engine p50 s", "of plain", "of plain, a question"),
                    *("prompt tokens", "completion tokens"),
                ),
                rows,
            ),
            Plot(latency_plot(curves), f"answers within so many seconds: {best.arm.name}, and plain (second colour)"),
        ],
    )


def mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.0f}" if values else "–"


def number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def databases(run: Run) -> Section:
    names = sorted({item.question.database for item in run.best.items})
    return grouped(run, "By database", "database", names, lambda item: (item.question.database,))


def query_shapes(run: Run) -> Section:
    present = {shape for item in run.best.items for shape in shapes(item.question.gold)}
    names = [shape for shape in SHAPES if shape in present]
    return grouped(run, "By shape of the gold", "shape", names, lambda item: shapes(item.question.gold))


def grouped(run: Run, title: str, what: str, names: Sequence[str], groups: Callable[[Item], Sequence[str]]) -> Section:
    """exec % of each arm in each group, and a drawing of the detailed arm."""
    shares = [group_shares(results, groups) for results in run.arms]
    best = shares[run.arms.index(run.best)]
    rows = [
        (name, str(best.get(name, Share(0, 0)).total), *(str(share.get(name, Share(0, 0))) for share in shares))
        for name in names
    ]
    drawn = [Bar(name, best[name].percent, best[name].interval) for name in names if name in best]
    return Section(
        title,
        [
            Table((what, "n", *(f"{results.arm.name} %" for results in run.arms)), rows),
            Plot(bars(drawn), f"exec %, {run.best.arm.name}"),
        ],
    )


def group_shares(results: ArmResults, groups: Callable[[Item], Sequence[str]]) -> dict[str, Share]:
    members = defaultdict(list)
    for item in results.items:
        for name in groups(item):
            members[name].append(item.verdict.right)
    return {name: Share(sum(found), len(found)) for name, found in members.items()}


def not_valid(run: Run) -> Section:
    groups = mistakes.by_state(run.best.items)
    counts = [mistakes.by_state(results.items) for results in run.arms]
    codes = sorted({code for found in counts for code in found}, key=lambda c: -len(groups.get(c, [])))
    rows = [(code, mistakes.described(code), *(str(len(found.get(code, []))) for found in counts)) for code in codes]
    head_row = ("SQLSTATE", "meaning", *(results.arm.name for results in run.arms))
    blocks: list[Block] = [Table(head_row, rows)] if rows else ["Every answer of every arm runs."]
    return Section("No answer, or one that does not run", [*blocks, *examples(groups)])


def wrong(run: Run) -> Section:
    groups = mistakes.by_kind(run.best.items)
    counts = [mistakes.by_kind(results.items) for results in run.arms]
    kinds = sorted({name for found in counts for name in found}, key=lambda k: -len(groups.get(k, [])))
    rows = [(name, *(str(len(found.get(name, []))) for found in counts)) for name in kinds]
    head_row = ("first difference from the gold", *(results.arm.name for results in run.arms))
    blocks: list[Block] = [Table(head_row, rows)] if rows else ["Every answer that runs is right."]
    return Section("Runs, and is wrong", [*blocks, *examples(groups)])


def examples(groups: dict[str, list[Item]]) -> list[Block]:
    """A few of the detailed arm's for each group."""
    return [Listing(f"{name}\n\n" + "\n\n".join(map(example, items[:EXAMPLES]))) for name, items in groups.items()]


def example(item: Item) -> str:
    error = item.verdict.error or " ".join(item.answer.error.get(name, "") for name in ("message", "detail"))
    lines = [f"{item.question.id}  {item.question.text}", f"gold   {item.question.gold}"]
    lines += [f"answer {' '.join(item.answer.sql.split())}"] if item.answer.sql else []
    return "\n".join([*lines, f"error  {error}"] if error.strip() else lines)
