"""How right the answers are: python -m bench.accuracy FOLDER [--model …] [--arms plain,+repair,all]

Sets up its own PostgreSQL with the folder's databases, starts a sidecar, asks every question through nl2sql.ask() and
compares the rows with those of the gold statement. Answers are kept below .nl2sql/accuracy; a run that was stopped goes
on where it was. Writes report.md, report.html and one jsonl of verdicts an arm. docs/accuracy.md explains the figures.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.accuracy.arms import Arm, own_arm, read_arms
from bench.accuracy.asking import Answers, Asking
from bench.accuracy.cases import stored_suite
from bench.accuracy.command import read_arguments
from bench.accuracy.document import as_markdown, as_page
from bench.accuracy.report import make_report
from bench.accuracy.results import Run, judged, write_items
from bench.accuracy.suite import choose, read_suite
from bench.accuracy.summary import summary
from bench.accuracy.target import (
    ROOT,
    Databases,
    Sidecar,
    Target,
    alone,
    code_digest,
    connect_sidecar,
    open_cluster,
    protect,
)
from tools.cluster import Cluster
from tools.errors import ToolError


class Bench:
    """One call of the command; what it keeps lies in `root`."""

    def __init__(self, arguments: argparse.Namespace, root: Path = ROOT) -> None:
        self.arguments = arguments
        own = arguments.folder is None
        self.suite = (
            stored_suite(arguments.dsn, arguments.suite) if own else read_suite(arguments.folder, arguments.language)
        )
        databases = [name for name in arguments.databases.split(",") if name]
        self.questions = choose(self.suite.questions, databases, arguments.every, arguments.limit)
        self.arms = [*read_arms(arguments.arms), *(own_arm(text) for text in arguments.arm)]
        self.code = code_digest()
        self.folder = root / "answers" / self.name()
        self.out = arguments.out or root / "reports" / self.name()
        self.answers = {arm.name: Answers(self.folder / f"{arm.name}.jsonl") for arm in self.arms}

    def name(self) -> str:
        """Answers are told apart by suite, model, language and keys."""
        keys = "-nokeys" if self.arguments.no_keys else ""
        return f"{self.suite.name}/{Path(self.arguments.model).name}-{self.arguments.language}{keys}"

    def run_here(self, cluster: Cluster) -> Run:
        """On the folder's databases in this cluster, with a sidecar of our own unless there is one."""
        target = Databases(cluster).prepare(self.suite, keys=not self.arguments.no_keys)
        sidecar = Sidecar(cluster)
        try:
            if self.left():
                if not self.arguments.socket:
                    sidecar.start(self.arguments.model, self.code)
                connect_sidecar(target, self.arguments.socket or sidecar.process.socket)
            return self.run_on(target)
        finally:
            if not self.arguments.keep:
                sidecar.process.stop()

    def run_on(self, target: Target) -> Run:
        """Ask what has no answer yet, then judge all answers."""
        if self.left():
            for arm in self.arms:
                self.ask(target, arm)
        print("  comparing with the gold", flush=True)
        return Run(
            suite=self.suite.name,
            model=self.arguments.model,
            language=self.arguments.language,
            keys=not self.arguments.no_keys,
            chosen=self.chosen(),
            callers=self.arguments.callers,
            arms=judged(target.reader, self.questions, self.arms, self.answers),
        )

    def look_at_age(self) -> None:
        """Say which answers are of other code than today's, or put them aside."""
        for arm in self.arms:
            stored = self.answers[arm.name]
            if self.arguments.fresh:
                print(f"  {arm.name}: {stored.drop_older(self.code, arm.settings)} older answers put aside", flush=True)
            elif stored.older(self.code, arm.settings):
                print(f"  {arm.name}: has answers of older code or settings; --fresh asks these again", flush=True)

    def left(self) -> bool:
        """Whether there is anything to ask."""
        asking = not self.arguments.score_only
        return asking and any(stored.missing(self.questions) for stored in self.answers.values())

    def ask(self, target: Target, arm: Arm) -> None:
        if target.admin:
            protect(target.admin, arm.protected)
        asking = Asking(target.reader, arm, self.code, self.arguments.callers, self.arguments.timeout)
        left = asking.run(self.questions, self.answers[arm.name])
        if left:
            print(f"  {arm.name}: {left} questions are still without an answer; run this again", flush=True)

    def chosen(self) -> str:
        """Which of the questions, in words."""
        total, some = len(self.suite.questions), len(self.questions)
        return f"all {total}" if some == total else f"{some} of {total}"

    def report(self, run: Run) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        for results in run.arms:
            write_items(self.out / f"{results.arm.name}.jsonl", results)
        report = make_report(run)
        (self.out / "report.md").write_text(as_markdown(report), encoding="utf-8")
        (self.out / "report.html").write_text(as_page(report), encoding="utf-8")
        print(summary(run))
        print(f"report: {self.out}")


@contextlib.contextmanager
def own_cluster(keep: bool) -> Iterator[Cluster]:
    with alone(ROOT):
        cluster = open_cluster()
        try:
            yield cluster
        finally:
            if not keep:
                cluster.stop()


def main() -> int:
    # as Ctrl-C: whoever ends it so wants no sidecar and no server left behind
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bench = Bench(read_arguments(__doc__ or ""))
    bench.look_at_age()
    if bench.arguments.dsn:
        run = bench.run_on(Target("", bench.arguments.dsn))
    else:
        with own_cluster(bench.arguments.keep) as cluster:
            run = bench.run_here(cluster)
    bench.report(run)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
