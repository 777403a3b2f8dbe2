"""Which tables the model sees: all that fit, else the best ranked, with bridges, within the budget, fresh ones too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from nl2sql_pg.asked import Asked
from nl2sql_pg.bridge import Database
from nl2sql_pg.budget import estimate_tokens
from nl2sql_pg.client import Client, Endpoint
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal
from nl2sql_pg.preferences import Preferences
from nl2sql_pg.retrieval import Retrieved, retrieve

from tests.contract.test_extension_side import SETTINGS
from tests.support.peer import Behaviour, http, peer, says
from tests.support.plpy import FakePlpy, Rows

PREFERENCES = Preferences(
    scope="search_path",
    timeout="30s",
    retrieval=True,
    values=True,
    examples=True,
    comment_filters=True,
    repair=True,
    samples=None,
    trial_run=False,
    min_confidence=0.0,
)
VECTORS = {"about wages": [0.0, 1.0], "about birds": [1.0, 0.0]}


class Session(FakePlpy):
    """A caller with tables 1 to n, of which `indexed` are ranked by the index and the others have live texts."""

    def __init__(
        self, count: int, scores: dict[int, float], texts: dict[int, str], links: list[tuple[int, int]]
    ) -> None:
        super().__init__({})
        self.count, self.scores, self.texts, self.links = count, scores, texts, links
        self.values: list[tuple[int, str]] = []

    def pointed_to(self) -> dict[str, Any]:
        """Of one schema, told apart by distance alone."""
        stale = [n for n in range(1, self.count + 1) if n not in self.scores]
        return {"stale": stale, "candidates": [[n, 1, 1 - score, {}] for n, score in self.scores.items()]}

    def execute(self, query: str, values: list[Any]) -> Rows:
        answers: dict[str, Callable[[], Rows]] = {
            "nl2sql._readable(": lambda: [{"relid": n} for n in range(1, self.count + 1)][: values[2]],
            "nl2sql._describe(": lambda: [{"x": json.dumps([table(n) for n in values[0]])}],
            "nl2sql._documents(": lambda: [
                {"relid": n, "namespace": 1, "document": self.texts.get(n, "")} for n in values[0]
            ],
            "nl2sql._pointed_to(": lambda: [{"x": json.dumps(self.pointed_to())}],
            "nl2sql._neighbours(": lambda: [{"relid": n, "neighbour": to} for n, to in self.links if to in values[0]],
            "select not exists": lambda: [{"x": not self.scores}],
            "nl2sql._valued(": lambda: [
                {"relid": n, "namespace": 1, "phrase": key} for n, key in self.values if key in values[2]
            ],
            "from pg_catalog.pg_class as c where c.oid = any": list,
            "nl2sql._key_columns(": list,
            "nl2sql._known_joins(": list,
            "nl2sql._label_columns(": list,
            "nl2sql._filters_of(": list,
            "nl2sql._masked_columns(": list,
        }
        self.executed.append((query, values))
        return next((answer() for part, answer in answers.items() if part in query), [{"x": 1}])


def table(number: int) -> dict[str, Any]:
    column: dict[str, Any] = {"name": "id", "type": "integer", "comment": None, "values": []}
    keys: dict[str, Any] = {"primary_key": [], "foreign_keys": []}
    return {"schema": "s", "name": f"t{number:03}", "comment": None, "columns": [column], **keys}


def embedding(connection: Any, request: bytes) -> None:
    texts = json.loads(request.partition(b"\r\n\r\n")[2])["texts"]
    vectors = [VECTORS.get(text, [0.0, 1.0]) for text in texts]
    connection.sendall(http({"protocol": 1, "embedder": "two", "dimension": 2, "embeddings": vectors}))


@pytest.fixture
def path() -> Iterator[Path]:
    with TemporaryDirectory(prefix="nl2sql-r-") as folder:
        yield Path(folder) / "s.sock"


def retrieved(
    path: Path,
    *,
    count: int,
    scores: dict[int, float] | None = None,
    texts: dict[int, str] | None = None,
    links: list[tuple[int, int]] | None = None,
    behaviour: Behaviour = embedding,
    **settings: int,
) -> tuple[Retrieved, Asked, int]:
    """What was retrieved, the question with its warnings, and how often the sidecar was asked."""
    session = Session(count, scores or {}, texts or {}, links or [])
    database = Database(session)
    client = Client(Endpoint(str(path), SETTINGS["sidecar_user"], 100_000), database.check_interrupts)
    context = Context(
        db=database,
        client=client,
        settings=SETTINGS | {name: str(value) for name, value in settings.items()},
        schemas=["s"],
        search_path="s",
        preferences=PREFERENCES,
        deadline=time.monotonic() + 5,
        today="2026-11-22",
        server_version=150018,
        conforming=True,
        superuser=False,
        as_superuser=False,
    )
    asked = Asked("wages of people")
    with peer(path, behaviour) as listening:
        return retrieve(context, asked), asked, len(listening.requests)


def found(path: Path, **given: Any) -> tuple[list[int], list[str], int]:
    """Numbers of the tables shown, warnings, and how often the sidecar was asked."""
    result, asked, requests = retrieved(path, **given)
    return [int(t["name"][1:]) for t in result.tables], result.warnings + asked.warnings, requests


def test_what_fits_goes_in_whole(path: Path) -> None:
    """And then nothing is ranked: no embedding, no waiting."""
    assert found(path, count=10, max_tables=10) == (list(range(1, 11)), [], 0)


def test_best_ranked(path: Path) -> None:
    scores = {n: n / 100 for n in range(1, 13)}
    assert found(path, count=12, scores=scores, max_tables=3) == ([10, 11, 12], [], 1)


def test_bridges_come_behind_the_first_eight(path: Path) -> None:
    """Tables that connect two of the best are worth more than the ninth best."""
    scores = {n: 1 / n for n in range(1, 13)}
    links = [(12, 7), (12, 8)]
    shown, _, _ = found(path, count=12, scores=scores, links=links, max_tables=9)
    assert shown == [*range(1, 9), 12]
    shown, _, _ = found(path, count=12, scores=scores, links=links, max_tables=3)
    assert shown == [1, 2, 3]


def test_the_neighbour_of_a_much_better_table_passes_middling_ones(path: Path) -> None:
    scores = {1: 0.9} | {n: 0.4 - n / 100 for n in range(2, 13)}
    assert found(path, count=12, scores=scores, max_tables=2)[0] == [1, 2]
    assert found(path, count=12, scores=scores, links=[(30, 1)], max_tables=2)[0] == [1, 30]
    assert found(path, count=12, scores=scores, links=[(30, 9)], max_tables=2)[0] == [1, 2]


def test_budget(path: Path) -> None:
    """As many as the prompt has room for; one at least."""
    scores = {n: 1 / n for n in range(1, 13)}
    each = estimate_tokens(table(1))
    assert found(path, count=12, scores=scores, prompt_tokens=each * 4)[0] == [1, 2, 3, 4]
    assert found(path, count=12, scores=scores, prompt_tokens=1)[0] == [1]


def test_fresh_table_is_found(path: Path) -> None:
    """Made a second ago: the index does not know it, its live text does."""
    scores = dict.fromkeys(range(1, 12), 0.001)
    texts = {12: "about wages of people"}
    assert 12 in found(path, count=12, scores=scores, texts=texts, max_tables=1)[0]
    texts = {12: "about birds"}
    assert 12 not in found(path, count=12, scores=dict.fromkeys(range(1, 12), 0.5), texts=texts, max_tables=1)[0]


def test_fresh_tables_by_meaning_alone(path: Path) -> None:
    texts = {11: "about birds", 12: "about wages"}
    scores = dict.fromkeys(range(1, 11), 0.001)
    assert found(path, count=12, scores=scores, texts=texts, max_tables=1)[0] == [12]


def test_empty_index_is_said(path: Path) -> None:
    texts = dict.fromkeys(range(1, 13), "about birds") | {7: "about wages"}
    shown, warnings, _ = found(path, count=12, texts=texts, max_tables=2)
    assert 7 in shown
    assert warnings[0].startswith("NL202")


def test_reasons(path: Path) -> None:
    """How each table was found, in the order of rank; those that only connect others have no place by a signal."""
    scores = {n: 1 / n for n in range(2, 13)}
    texts = dict.fromkeys([1, 13], "about birds")
    result, _, _ = retrieved(path, count=13, scores=scores, texts=texts, links=[(40, 7), (40, 8)], max_tables=9)
    assert [reason["table"] for reason in result.reasons][:2] == ["s.t002", "s.t003"]
    assert result.reasons[0] | {"score": 0} == {
        "table": "s.t002", "by_meaning": 1, "by_name": None, "by_text": None, "by_value": None,
        "score": 0, "why": "ranked"
    }  # fmt: skip
    assert result.reasons[8]["table"] == "s.t040"
    assert (result.reasons[8]["by_meaning"], result.reasons[8]["why"]) == (None, "connects others")
    whole, _, _ = retrieved(path, count=2, max_tables=9)
    assert {reason["why"] for reason in whole.reasons} == {"whole scope"}


def no_embedder(code: str) -> Behaviour:
    error = {"sqlstate": code, "message": "no model", "detail": "None.", "hint": "Pull it."}
    return says(http({"protocol": 1, "error": error}, 503))


def test_without_an_embedder_words_rank(path: Path) -> None:
    scores = {n: n / 100 for n in range(1, 13)}
    shown, warnings, _ = found(path, count=12, scores=scores, max_tables=2, behaviour=no_embedder("NL310"))
    assert shown == [11, 12]
    assert warnings == ["NL310: searched by words only; the sidecar has no embedding model"]


def test_other_trouble_of_the_sidecar_is_no_reason_to_go_on(path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        found(path, count=12, max_tables=2, behaviour=no_embedder("NL307"))
    assert caught.value.sqlstate == "NL307"


def test_no_table(path: Path) -> None:
    with pytest.raises(Refusal) as caught:
        found(path, count=0)
    assert caught.value.sqlstate == "NL201"


@pytest.mark.parametrize(
    "vectors", [None, [], [[1.0], [1.0]], [[1.0], []], [["x"], [1.0]], [[1.0, 2.0], [1.0]], [[True], [1.0]], 7]
)
def test_embeddings_that_are_none(path: Path, vectors: Any) -> None:
    reply = says(http({"protocol": 1, "embedder": "two", "dimension": 1, "embeddings": vectors}))
    with pytest.raises(Refusal) as caught:
        found(path, count=2, scores={1: 0.1}, texts={2: "x"}, max_tables=1, behaviour=reply)
    assert caught.value.sqlstate == "NL005"


def test_estimate_counts_chinese_dearer() -> None:
    plain = table(1)
    assert estimate_tokens({**plain, "comment": "订单" * 50}) > estimate_tokens({**plain, "comment": "or" * 50})
