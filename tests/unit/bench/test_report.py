"""A report holds every figure it promises, in both forms, and its text can't break the page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from bench.accuracy.arms import ARMS
from bench.accuracy.asking import Answer
from bench.accuracy.document import as_markdown, as_page
from bench.accuracy.mistakes import kind
from bench.accuracy.report import make_report
from bench.accuracy.results import ArmResults, Item, Run
from bench.accuracy.scoring import Verdict
from bench.accuracy.shapes import is_ordered, shapes
from bench.accuracy.suite import Question
from bench.accuracy.summary import summary

GOLD = "select name from singer where age < 30 order by age"


def item(number: int, verdict: Verdict, confidence: float = 0.8, **error: str) -> Item:
    said = {
        "sql": "" if error else "select <b> from singer",
        "confidence": confidence,
        "timings": {"engine": 400.0},
        "usage": {"prompt_tokens": 300, "completion_tokens": 20},
    }
    asked = Question(f"q{number}", "music", "who is <young> | old", GOLD, True, ("music",), weak=number == 3)
    return Item(asked, Answer(asked.id, 500.0 + number, said=said, error=error, code="abc"), verdict)


@pytest.fixture
def run() -> Run:
    right, wrong = Verdict("right", lenient=True), Verdict("wrong")
    broken = Verdict("invalid", error="42703: column singer.nam does not exist")
    refused = {"sqlstate": "NL406", "message": "no valid SQL", "detail": "The last proposal failed with 42P01: x"}
    plain = [item(1, right), item(2, broken), item(3, wrong), item(4, Verdict("none"), **refused)]
    better = [item(1, right), item(2, right, 0.9), item(3, wrong), item(4, right, 0.95)]
    arms = [ArmResults(ARMS["plain"], plain), ArmResults(ARMS["all"], better)]
    return Run("spider_pg-dev", "tiny", "en", True, "4 of 12", 8, arms)


def test_markdown(run: Run) -> None:
    text = as_markdown(make_report(run))
    assert "| plain | 4 | 25.0 (4.6 to 69.9) | 3 | 33.3" in text
    assert "| all | 4 | 2 | 0 | +50.0 | 0.5000 |" in text
    assert "| all | 0.50 | 0.50 | 0.50 | 0.40 | 1.00 | 1.00 | 300 | 20 |" in text
    assert "| NL406/42P01 | no valid answer, unknown table or alias | 1 | 0 |" in text
    assert "| 42703 | unknown column | 1 | 0 |" in text
    assert "| music | 4 | 25.0 | 75.0 |" in text
    assert "| order by | 4 |" in text
    assert "calibration error" in text
    assert "who is <young>" in text


def test_what_an_answer_costs_is_told_question_by_question(run: Run) -> None:
    plain, better = run.arms
    for number, item in enumerate(better.items):
        item.answer.said["timings"]["engine"] = 100.0 * (number + 1)
    plain.items[3].answer.said.clear()
    assert better.engine_ratios(plain) == [0.25, 0.5, 0.75]


def test_page_is_whole_and_harmless(run: Run) -> None:
    page = as_page(make_report(run))
    assert not re.search(r"(?:src|href)=|<script|@import|url\(", page)
    assert "<young>" not in page and "&lt;young&gt;" in page
    drawings = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.S)]
    assert len(drawings) == 6
    assert all(float(rect.get("width", "-1")) >= 0 for svg in drawings for rect in svg.iter("rect"))


def test_unequal_arms_are_told(run: Run) -> None:
    run.arms[1].items.pop()
    run.arms[1].items[0].answer.code = "newer"
    text = as_markdown(make_report(run))
    assert "Not every arm has answered every question: plain 4, all 3." in text
    assert "different states of the code" in text


def test_an_arm_without_answers_makes_a_report_too(run: Run) -> None:
    run.arms[1].items.clear()
    assert "–" in as_page(make_report(run))
    assert "all" in summary(run)


def test_summary(run: Run) -> None:
    lines = summary(run).splitlines()
    assert lines[0].split()[0] == "arm"
    assert lines[1].split()[:3] == ["plain", "4", "25.0"]


SHAPES = {
    "select a from t": ("1 table", "plain select"),
    "select count(*) from t join u on t.id = u.id": ("2 tables", "join", "aggregate"),
    "select a from t where b in (select b from u) order by a limit 1": ("2 tables", "order by", "limit", "nested"),
    "select a from t union select a from t": ("1 table", "set operation"),
    "select distinct a from t group by a having count(*) > 1": (
        "1 table", "aggregate", "group by", "having", "distinct",
    ),
    "select 1 from a, b, c, d": ("4+ tables", "join"),
}  # fmt: skip


@pytest.mark.parametrize("gold", SHAPES)
def test_shapes(gold: str) -> None:
    assert shapes(gold) == SHAPES[gold]


def test_only_an_order_of_the_whole_counts() -> None:
    assert is_ordered("select a from t order by a limit 3")
    assert is_ordered("select a from t union select b from u order by 1")
    assert not is_ordered("select a from (select a from t order by a) as x")


KINDS = {
    "select name from stadium": "other tables",
    "select name, age from singer": "another number of columns",
    "select age from singer": "other columns selected",
    "select max(name) from singer": "other aggregates",
    "select name from singer where age < 40 order by age": "other literals",
    "select distinct name from singer where age < 30 order by age": "DISTINCT more or less",
    "select name from singer where age < 30": "order or limit",
    "select name from singer where age > 30 order by age": "other",
    "select from where": "other",
}


@pytest.mark.parametrize("answer", KINDS)
def test_kinds_of_mistakes(answer: str) -> None:
    assert kind(answer, GOLD, lenient=False) == KINDS[answer]
    assert kind(answer, GOLD, lenient=True) == "right rows, further columns"
