"""Whether a question speaks of the rows that a standing condition leaves out: "including deleted orders", 已删除的订单.

Rows are spoken of by the words of the condition: what its columns are called (`deleted_at`), values that it leaves out,
the opposite of what it asks for (`is_active`: inactive), and by its note. To leave them out, too, a question may name
them ("without deleted orders"): then it speaks of nothing else than the condition does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlglot import exp

from sidecar.filters.conditions import NO, YES, Fact, conjuncts_of, fact
from sidecar.glossary.words import Word, is_han
from sidecar.guard.scope import Column, Filter, Table
from sidecar.repair.closest import fold, singular_words
from sidecar.repair.nodes import words

# Words of a name or a note that say nothing of which rows are meant.
_FILLERS = frozenset(
    """a all always an and any are as at be been but by cd code col column count counted counting counts date day
    do does dt end ever every exclude excluded figure figures flag flg for from had has have id in include
    included ind indicator is it its key left longer mark marker must n never no non not null num number of off
    on only or order out part rec record records report reports row rows set should since so start state status
    statistic statistics sum than that the their them then these they this time timestamp to total totals ts
    type until up us utc value values was we were when where which while who with y year yn""".split()
)
_HAN_FILLERS = re.compile("标记|标志|标识|标示|是否|时间|日期|状态|字段|[已的被为]")


@dataclass(frozen=True)
class _Family:
    """Words for one state of a row, by their stems, and for its opposite; both as Chinese has them, too."""

    stems: frozenset[str]
    han: tuple[str, ...]
    opposite: frozenset[str] = frozenset()
    opposite_han: tuple[str, ...] = ()


def _stems(text: str) -> frozenset[str]:
    return frozenset(map(stem, text.split()))


_SUFFIXES = ("ations", "ation", "ions", "ion", "ings", "ing", "ed", "es", "s", "e", "d")


def stem(word: str) -> str:
    """A word without its ending: deleted, deletion and deletes are one."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


_FAMILIES = (
    _Family(_stems("delete deleted del dltd removed erased trashed"), ("删除", "删掉", "移除", "回收站")),
    _Family(_stems("archived archive"), ("归档", "存档")),
    _Family(_stems("void voided annulled"), ("作废", "废弃")),
    _Family(_stems("cancelled canceled cancellation"), ("取消", "撤销")),
    _Family(_stems("test testing dummy"), ("测试",)),
    _Family(_stems("closed"), ("关闭", "关店", "闭店")),
    _Family(_stems("blocked banned suspended locked"), ("封禁", "冻结", "锁定")),
    _Family(_stems("disabled deactivated"), ("停用", "禁用")),
    _Family(_stems("deregistered terminated"), ("注销", "终止")),
    _Family(_stems("resigned dismissed"), ("离职", "辞退")),
    _Family(_stems("delisted discontinued"), ("下架", "停产")),
    _Family(_stems("expired"), ("过期", "失效", "到期")),
    _Family(
        _stems("active act activ actv"),
        ("有效", "活跃", "启用", "激活"),
        _stems("inactive deactivated disabled dormant"),
        ("停用", "禁用", "失效", "无效", "休眠", "注销"),
    ),
    _Family(
        _stems("valid vld"), ("有效",), _stems("invalid expired former historical"), ("无效", "失效", "过期", "历史")
    ),
    _Family(_stems("enabled"), ("启用",), _stems("disabled deactivated"), ("停用", "禁用")),
    _Family(
        _stems("current cur latest"), ("当前", "现行", "最新"), _stems("former historical obsolete outdated"), ("历史",)
    ),
    _Family(_stems("visible shown"), ("可见", "显示"), _stems("hidden invisible"), ("隐藏",)),
    _Family(_stems("employed"), ("在职",), _stems("resigned dismissed"), ("离职",)),
)
_PAST = _Family(_stems("expired former historical obsolete outdated"), ("过期", "失效", "历史", "到期"))

# "without deleted orders", "deleted ones excluded": rows are named to be left out.
_LEAVING_OUT = frozenset(
    "not non never without excluding exclude except ignoring ignore omit omitting minus besides".split()
)
_LEFT_OUT = frozenset("excluded ignored omitted".split())
_TAKING_IN = frozenset("including include includes included incl also even plus regardless".split())
_BEFORE, _AFTER = 3, 4  # words within which these count
_HAN_LEAVING_OUT = re.compile(
    "(?:未|没|没有|非|不|不含|不包括|不包含|不计|不算|排除|去除|去掉|剔除|过滤|除了?)[^，。；,;]{0,4}$"
)
_HAN_LEFT_OUT = re.compile("^[^，。；,;]{0,6}(?:除外|之外|以外|不计|不算|不统计)")

_TOKEN = re.compile(r"[^\W\d_\u3400-\u9fff]+(?:'[a-z]+)?")


def spoken_of(question: str, glossed: Sequence[Word], table: Table, each: Filter) -> str | None:
    """The word of the question by which it speaks of rows that the condition leaves out; None if it speaks of none."""
    told = _Question(question, glossed)
    rows = _left_out(table, each)
    return told.names(rows.without) or told.names_not(rows.asked) or told.takes_in(rows.note)


@dataclass
class _Rows:
    """Words for the rows left out, for those asked for, and the words of the note in their order."""

    without: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    note: list[str] = field(default_factory=list)


def _left_out(table: Table, each: Filter) -> _Rows:
    rows = _Rows()
    columns = {column.name: column for column in table.columns}
    own = set(singular_words(" ".join(words(table.name))))
    for condition in conjuncts_of(each.condition) or ():
        for part in condition.flatten() if isinstance(condition, exp.Or) else (condition,):
            _collect(part.unnest(), columns, own, rows)
    noted = _FILLERS | own
    rows.note = [word for word in singular_words(fold(each.note or "")) if word not in noted and len(word) > 2]
    return rows


def _collect(condition: exp.Expr, columns: dict[str, Column], own: set[str], rows: _Rows) -> None:
    said = fact(condition)
    column = columns.get(said.column)
    if column is None:
        named = [found for node in condition.find_all(exp.Column) if (found := columns.get(node.name))]
        for each in named:
            rows.without |= _named(each, own)
        if condition.find(exp.CurrentDate, exp.CurrentTimestamp):
            rows.without |= {*_PAST.stems, *_PAST.han}
        rows.without |= {text for node in condition.find_all(exp.Literal) for text in _of_value(str(node.this))}
        return
    if said.kind in ("in", "not in"):
        _collect_values(said, column, own, rows)
        return
    _state_of(column, own, rows, good=said.kind in ("set", "true", "not false"))


def _state_of(column: Column, own: set[str], rows: _Rows, good: bool) -> None:
    """What the column tells of a row, or of one that it is not to be."""
    named = _named(column, own)
    commented = fold(column.comment or "")
    for family in _FAMILIES:
        known = family.stems & {stem(word) for word in named} or any(w in han for w in family.han for han in named)
        if known or _mentions(commented, family):
            if good:
                rows.without |= {*family.opposite, *family.opposite_han}
                rows.asked |= {*family.stems, *family.han} if family.opposite else set()
            elif not family.opposite:
                rows.without |= {*family.stems, *family.han}
    (rows.asked if good else rows.without).update(named)


def _collect_values(said: Fact, column: Column, own: set[str], rows: _Rows) -> None:
    flags = {value.lower() for value in said.values}
    if flags <= YES or flags <= NO:
        _state_of(column, own, rows, good=(flags <= YES) == (said.kind == "in"))
        return
    without = said.values
    if said.kind == "in":
        rows.asked |= {text for value in said.values for text in _of_value(value)}
        without = frozenset({*column.values, *column.samples, *column.stored}) - said.values
    for value in without:
        found = set(_of_value(value))
        rows.without |= found
        for family in _FAMILIES:
            if family.stems & set(map(stem, found)) or any(han in value for han in family.han):
                rows.without |= {*family.stems, *family.han}


def _mentions(comment: str, family: _Family) -> bool:
    tokens = {stem(token) for token in _TOKEN.findall(comment)}
    return bool(family.stems & tokens) or any(han in comment for han in family.han)


def _named(column: Column, own: set[str]) -> set[str]:
    """The words of a column's name that tell of a state: of `is_deleted` deleted, of 删除标记 删除."""
    found = set()
    for word in words(column.name):
        if is_han(word[0]):
            if cut := _HAN_FILLERS.sub("", word):
                found.add(cut)
        elif word not in _FILLERS and word not in own and len(word) > 2:
            found.add(word)
    return found


def _of_value(value: str) -> Iterator[str]:
    """The words of a stored value, or its Chinese text; codes of a letter or two tell nothing."""
    if is_han(value):
        yield value
        return
    yield from (word for word in fold(value).replace("_", " ").split() if len(word) > 2 and word.isalpha())


class _Question:
    def __init__(self, question: str, glossed: Sequence[Word]) -> None:
        self._text = question
        self._tokens: list[str] = [token.lower() for token in _TOKEN.findall(question)]
        self._stems = [stem(token) for token in self._tokens]
        self._glossed = glossed

    def names(self, states: set[str]) -> str | None:
        """A word for one of the states, not said to leave it out."""
        stems = {stem(word) for word in states if not is_han(word[:1])}
        for place, token in enumerate(self._stems):
            if token in stems and not self._leaves_out(place):
                return self._tokens[place]
        return self._han(states) or self._meant(stems)

    def names_not(self, states: set[str]) -> str | None:
        """One of the states with a no: not active, inactive, non-active."""
        stems = {stem(word) for word in states if not is_han(word[:1])}
        for place, token in enumerate(self._stems):
            denied = any(token == prefix + known for prefix in ("un", "in", "non") for known in stems)
            if denied or (token in stems and self._denies(place)):
                return self._tokens[place]
        for state in (state for state in states if is_han(state[:1])):
            if found := re.search(f"(?:未|不|非|没有|没){re.escape(state)}", self._text):
                return str(found.group())
        return None

    def takes_in(self, note: list[str]) -> str | None:
        """Words of the note: two in a row, or one that is to be taken in: including test accounts."""
        singular = ["".join(singular_words(fold(token))) for token in self._tokens]
        pairs = set(pairwise(note))
        for place, pair in enumerate(pairwise(singular)):
            if pair in pairs and not self._leaves_out(place):
                return " ".join(self._tokens[place : place + 2])
        for place, token in enumerate(singular):
            near = self._tokens[max(0, place - _BEFORE) : place]
            if token in note and _TAKING_IN.intersection(near) and not self._leaves_out(place):
                return self._tokens[place]
        return None

    def _leaves_out(self, place: int) -> bool:
        before = self._tokens[max(0, place - _BEFORE) : place]
        if {"regardless"} & set(before) or (len(before) > 1 and before[-2:] == ["not", "only"]):
            return False
        after = self._tokens[place + 1 : place + 1 + _AFTER]
        apart = before[-2:] == ["other", "than"] or ["left", "out"] in [after[n : n + 2] for n in range(len(after))]
        return self._denies(place) or apart or bool(_LEFT_OUT & set(after))

    def _denies(self, place: int) -> bool:
        before = self._tokens[max(0, place - _BEFORE) : place]
        longer = ["no", "longer"] in [before[n : n + 2] for n in range(len(before))]
        return longer or any(token in _LEAVING_OUT or token.endswith("n't") for token in before)

    def _han(self, states: set[str]) -> str | None:
        for state in (state for state in states if is_han(state[:1])):
            for found in re.finditer(re.escape(state), self._text):
                if not self._han_leaves_out(found.start(), found.end()):
                    return state
        return None

    def _meant(self, stems: set[str]) -> str | None:
        """A Chinese word that means one of the states in English."""
        for word in self._glossed:
            meant = {stem(token) for meaning in word.meanings for token in fold(meaning).split()}
            if len(word.text) > 1 and meant & stems and not self._han_leaves_out(word.start, word.end):
                return word.text
        return None

    def _han_leaves_out(self, start: int, end: int) -> bool:
        return bool(_HAN_LEAVING_OUT.search(self._text[:start]) or _HAN_LEFT_OUT.match(self._text[end:]))
