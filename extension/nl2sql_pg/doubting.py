"""What a question asks for and no table has: a model answers with something else, and sounds sure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from nl2sql_pg.message import Message
from nl2sql_pg.phrases import STOP_WORDS

ABSENT = 0.2  # of the confidence that is left where no column can hold what is asked for
VAGUE = 0.7  # where a table is named and nothing else: its rows, their number and a sum are all possible
UNKNOWN = 0.7  # where no word of the question is any of the tables; other words for the same are usual

_SHOWN = frozenset("show display give get see view me us please the my our".split())
_SHOWN_CHINESE = re.compile(r"^(?:请|帮我|给我|我想?要?)*(?:显示|查看|看看|看一?下|查一?下)?")
_DATES = ("date", "timestamp", "time")


@dataclass(frozen=True)
class _Measure:
    """A plain attribute: how a question names it, and what the name of a column that can hold it has in it."""

    name: str
    asked: frozenset[str]
    chinese: re.Pattern[str]
    stored: re.Pattern[str]
    by_date: bool = False  # a date of the thing tells it, too


def _measure(name: str, asked: str, chinese: str, stored: str, by_date: bool = False) -> _Measure:
    return _Measure(name, frozenset(asked.split()), re.compile(chinese), re.compile(f"{stored}|{chinese}"), by_date)


_MEASURES = (
    _measure("age", "age ages", "年龄|年纪|岁数", r"\bage|birth|born|\bdob|year|\bold|founded|since", by_date=True),
    _measure(
        "salary",
        "salary salaries wage wages",
        "工资|薪水|薪资|薪酬|月薪|年薪",
        r"salar|wage|\bpay|income|compens|earn|remun|money",
    ),
    _measure(
        "profit",
        "profit profits profitable profitability",
        "利润|盈利|毛利",
        "profit|margin|cost|expens|earn|gain|income|loss|成本|费用",
    ),
    _measure(
        "weight", "weight weights", "体重|重量", r"weight|mass|kg|kilo|gram|\bton|load|lbs|pound|heav|毛重|净重|吨"
    ),
    _measure("height", "height heights", "身高|高度", "height|tall|elev|altit|cm|meter|metre|feet|dimension|size|高"),
    _measure("gender", "gender genders", "性别", "gender|sex|male|title|salut|mr|ms"),
    _measure("colour", "color colour colors colours", "颜色", "colou?r|hue|paint|shade"),
    _measure("temperature", "temperature temperatures", "温度|气温", "temp|degree|celsius|therm|温"),
    _measure("religion", "religion religions", "宗教", "relig|faith|denomin|church|belief|信仰"),
)

_BEFORE = frozenset(
    "by average mean avg total maximum minimum highest lowest median max min the their its his her of".split()
)


def absent(message: Message, tables: list[dict[str, Any]]) -> str | None:
    """The plain attribute that is sorted by, computed, or asked for as such, and that nothing shown can hold."""
    for measure in _MEASURES:
        # where the tables speak another language than the question, nothing is told by a missing word
        if not _asks_for(measure, message) or not message.names_data(but=frozenset()):
            continue
        if not any(map(measure.stored.search, message.known)) and not (measure.by_date and _dated(message, tables)):
            return measure.name
    return None


def _asks_for(measure: _Measure, message: Message) -> bool:
    words = message.words
    if any(word in measure.asked and before in _BEFORE for before, word in pairwise(words)):
        return True
    if measure.asked & {"profitable"} & set(words):
        return True
    return measure.chinese.search(message.plain) is not None


def _dated(message: Message, tables: list[dict[str, Any]]) -> bool:
    """Whether a table that the question names, or any where it names none, has a date."""
    named = [table for table in tables if any(message.is_table(word) and _names(table, word) for word in message.words)]
    columns = [column for table in named or tables for column in table["columns"]]
    return any(column["type"].startswith(_DATES) for column in columns)


def _names(table: dict[str, Any], word: str) -> bool:
    name = f"{table['name']} {table['comment'] or ''}".lower()
    return word[:5] in name


def unknown_words(message: Message) -> list[str]:
    """The words of an English question of which the tables have none; none if they have one of them.

    A question in other words than the schema's is usual; one of which nothing is known is about something else.
    """
    if not message.text.isascii() or message.is_foreign or message.names_data(but=frozenset()):
        return []
    words = [word for word in message.words if word not in STOP_WORDS and not word.isdecimal()]
    return list(dict.fromkeys(words))


def is_vague(message: Message) -> bool:
    """Whether it names a table and says nothing else, as "show sales" does; "list all sales" says what is wanted."""
    words = [word for word in message.words if word not in _SHOWN]
    if len(words) != 1:
        return False
    bare = _SHOWN_CHINESE.sub("", words[0])
    return bare in message.names or (bare.isascii() and message.is_table(bare))
