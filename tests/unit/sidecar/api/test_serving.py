"""What of a request reaches which room."""

from __future__ import annotations

import pytest

from sidecar.engine.base import Sample
from tests.support.contract import exchanges
from tests.support.sidecar import sidecar

COUNTED = "SELECT region_name, COUNT(*) FROM regions GROUP BY region_name"


@pytest.mark.parametrize(
    ("question", "joined"),
    [("how many orders has each region?", "orders"), ("每个地区有多少客户？", "customers"), ("每个地区有多少？", "")],
)
def test_repair_knows_what_the_question_names_in_both_languages(question: str, joined: str) -> None:
    body = exchanges("generate_mended")[0]["request"]["body"] | {"question": question, "values": []}
    with sidecar() as service:
        service.engine.samples = [Sample(COUNTED, logprob=-0.1, tokens=9, finish_reason="stop")]
        (candidate,) = service.http.post("/v1/generate", json=body).json()["candidates"]
    assert candidate["sql"].startswith("SELECT region_name, COUNT(*) FROM regions")
    assert (f"JOIN {joined} " in candidate["sql"]) if joined else candidate["repairs"] == []


def test_a_candidate_comes_with_what_it_has_of_the_question() -> None:
    body = exchanges("generate_mended")[0]["request"]["body"] | {"question": "how many customers?", "candidates": 3}
    with sidecar() as service:
        service.engine.samples = [
            Sample(sql, logprob=-0.1, tokens=9, finish_reason="stop")
            for sql in ("SELECT count(*) FROM customers", "SELECT count(*) FROM orders", "no statement")
        ]
        found = service.http.post("/v1/generate", json=body).json()["candidates"]
    assert [one["linking"] for one in found] == [{"missed": 0, "unasked": 0}, {"missed": 1, "unasked": 1}, None]
