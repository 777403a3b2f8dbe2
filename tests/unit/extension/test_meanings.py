"""Values that Chinese words mean together, each of them and nothing between."""

from __future__ import annotations

import pytest
from nl2sql_pg.glossing import Word
from nl2sql_pg.meanings import Meanings
from nl2sql_pg.phrases import fold

DICTIONARY = {
    "网球": ["tennis"],
    "俱乐部": ["club"],
    "确认": ["confirm", "verify"],
    "丹尼尔": ["Daniel"],
    "刘易斯": ["Lewis"],
    "日本": ["Japan"],
    "信用卡": ["credit card"],
    "红": ["red"],
    "担任": ["take full charge of"],
    "生活": ["life"],
    "公司": ["company", "firm"],
    "纽约": ["New York"],
    "细菌": ["bacterium", "germ"],
    "大学": ["university"],
    "曲目": ["piece of music"],
}


def meant(question: str, value: str) -> str | None:
    """The words of the question that mean the value."""
    found = sorted((question.find(word), word) for word in DICTIONARY if word in question)
    words = [Word(word, start, start + len(word), tuple(DICTIONARY[word])) for start, word in found]
    phrase = Meanings(question, words).named(fold(value))
    assert phrase is None or question[phrase.start : phrase.end] == phrase.text
    return phrase and phrase.text


@pytest.mark.parametrize(
    ("question", "value", "words"),
    [
        ("网球俱乐部的成员", "Tennis Club", "网球俱乐部"),
        ("网球俱乐部的成员", "the club of tennis", "网球俱乐部"),
        ("丹尼尔·刘易斯写的", "Daniel Lewis", "丹尼尔·刘易斯"),
        ("已确认的", "Confirmed", "确认"),
        ("日本车队", "Japanese", "日本"),
        ("有信用卡", "Credit", "信用卡"),
        ("日本公司", "Japanese Companies", "日本公司"),
        ("纽约大学的", "New York University", "纽约大学"),
        ("很网球俱乐部" + "的网球" * 2000, "Tennis Club", "网球俱乐部"),
    ],
)
def test_word_by_word(question: str, value: str, words: str) -> None:
    assert meant(question, value) == words


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("网球的成员", "Tennis Club"),  # half of it
        ("网球和俱乐部", "Tennis Club"),  # something between
        ("红的", "Red"),  # a single character means too much
        ("担任", "Charge"),  # part of a long explanation
        ("担任", "Charles"),
        ("纽约", "New"),
        ("纽约大学", "New University"),
        ("细菌", "German"),
        ("曲目", "Music"),
        ("生活", "Lifetime Plan"),
        ("网球", "tennis tennis tennis tennis tennis tennis"),
        ("网球", "the"),
        ("网球", ""),
        ("tennis club", "Tennis Club"),
    ],
)
def test_other_values(question: str, value: str) -> None:
    assert meant(question, value) is None
