"""What is found out about a question: at most once, and in English where it is asked in Chinese."""

from __future__ import annotations

from typing import Any

import pytest
from nl2sql_pg.asked import Asked
from nl2sql_pg.errors import Refusal

WORDS = {"歌手": ["singer"], "国家": ["country", "nation", "state"], "大": ["big"]}


class Client:
    """A sidecar that knows WORDS, embeds everything as [1.0], and notes what it was sent."""

    def __init__(self, broken: str = "") -> None:
        self.broken, self.sent = broken, list[tuple[str, Any]]()

    def post(self, path: str, body: dict[str, Any], deadline: float) -> dict[str, Any]:
        self.sent.append((path, body.get("question") or body.get("texts")))
        if path == self.broken:
            raise Refusal("NL310" if "embed" in path else "NL106", "no", detail="-", hint="-")
        if path == "/v1/embed":
            return {"embedder": "e", "embeddings": [[1.0]]}
        found = sorted((body["question"].find(word), word) for word in WORDS)
        words = [{"start": at, "end": at + len(word), "meanings": WORDS[word]} for at, word in found if at >= 0]
        return {"words": words}


class Context:
    deadline = 0.0

    def __init__(self, broken: str = "") -> None:
        self.client = Client(broken)


def asked(text: str, broken: str = "") -> tuple[Asked, Any]:
    return Asked(text), Context(broken)


@pytest.mark.parametrize(
    ("text", "embedded", "searched"),
    [
        ("how many singers?", "how many singers?", "how many singers?"),
        ("歌手的国家？", "singer country nation", "歌手的国家？ singer country nation state"),
        ("show 歌手 of the UK in 2019", "show of the UK in 2019 singer", "show 歌手 of the UK in 2019 singer"),
        ("大", "大", "大"),  # a single character tells too little
        ("无", "无", "无"),
    ],
)
def test_in_english(text: str, embedded: str, searched: str) -> None:
    question, context = asked(text)
    assert question.searched(context) == searched
    question.embedded(context)
    assert context.client.sent[-1] == ("/v1/embed", [embedded])


def test_each_only_once() -> None:
    question, context = asked("歌手的国家")
    for _ in range(3):
        assert question.embedded(context) and question.words(context) and question.phrases(context)
    assert [path for path, _ in context.client.sent] == ["/v1/gloss", "/v1/embed"]


def test_an_english_question_is_not_looked_up() -> None:
    question, context = asked("how many singers?")
    assert question.words(context) == [] and context.client.sent == []


def test_meanings_are_phrases_at_their_words_place() -> None:
    question, context = asked("按国家")
    found = {(p.key, p.text, p.start, p.end) for p in question.phrases(context) if p.meant}
    assert found == {(key, "国家", 1, 3) for key in WORDS["国家"]}


def test_what_could_not_be_found_out_is_said() -> None:
    question, context = asked("歌手", "/v1/gloss")
    assert question.searched(context) == "歌手"
    assert question.warnings == ["NL106: no; its words were not looked up in English"]
    question, context = asked("歌手", "/v1/embed")
    assert question.embedded(context) is None
    assert question.warnings == ["NL310: searched by words only; the sidecar has no embedding model"]
