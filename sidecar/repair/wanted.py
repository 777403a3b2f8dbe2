"""What a question wants named: who sent it, which customers, list the suppliers, 谁, 哪些部门; no ids."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain

from sidecar.glossary.words import gloss, is_han, split
from sidecar.guard.scope import Table
from sidecar.repair.closest import fold, is_short_for, singular_words
from sidecar.repair.nodes import words, words_in_order

# They say that a column is a key, not of what.
KEY_WORDS = frozenset("id ids identifier key code cd no nr num number uuid guid pk fk sk ref sid".split())
_HAN_KEYS = ("编号", "代码", "编码", "号码", "标识", "序号", "单号", "工号", "学号", "主键", "号")

# What asks for the thing that follows, and what ends the naming of that thing.
_WHICH = frozenset({"which", "what", "whose"})
_ASKING = _WHICH | frozenset("list show name find give display return get tell identify".split())
_NUMBERS = frozenset({"number", "numbers", "no"})
_NAMES = frozenset({"name", "names", "title", "titles"})
_BETWEEN = frozenset(
    "me us all the every each any of top first last a an both different distinct out are is was were".split()
)
_ENDING = frozenset(
    "a above after also among an and any are as at be been before below between both but by can could did do does for"
    " from had has have having he her his how i if in into is it its least less made more most my no nor not of off on"
    " or our over than that the their them then there these they this those to too under until up very was we were"
    " what when where which while who whom whose will with within without would you your".split()
)
_WORD = re.compile(r"[^\W_]+|[.?!,;:]")
# `who` that asks; after a noun it only tells more of it: customers who ordered.
_WHO = re.compile(
    r"(?:^|[.?!,;:]\s*|\b(?:and|or|me|us|out|know|show|list|find|see|determine|tell|identify|by)\s+)(?:who|whom|whose)\b"
)
_HAN_WHO = re.compile("谁|何人|什么人|哪位")
_HAN_ASKING = re.compile("哪|列出|列举|显示|给出|查找|找出|查询|是什么|名称|名字|姓名|叫什么")
_HAN_NAME = re.compile("名称|名字|姓名|叫什么")
# Chinese characters are letters, too, so `\b` finds no end of a word in 学生ID的.
_KEYS = re.compile(r"(?<![a-z0-9])(?:ids?|identifiers?|identification|uuids?|keys?|codes?)(?![a-z0-9])")
# Not as a condition: 姓名为张三, 名称包含.
_HAN_NAME_ASKED = re.compile(r"(?<!没有)(?<!无)(?:名称|名字|姓名)(?!\s*(?:[为是叫以含像中里=“\"'「]|包含|等于))|叫什么")
_HAN_CUT = re.compile(r"[、，,。；;：:？?！!\s和与及或]")
_VALUE = re.compile(r"^\W*(?:(?:is|are|was|equals?|of|like|in|than|to)\W+)?(?:\d|['\"“‘(])")
_BEYOND = 60  # characters of a question that are read behind a word for a key


class Wanted:
    """One question."""

    def __init__(self, question: str) -> None:
        # behind a Chinese question its words stand in English, which ask for nothing
        own = question.partition("\n")[0]
        self.chinese = is_han(own)
        self._own = fold(own)
        self._all = frozenset(singular_words(fold(question)))
        self._tokens = [word.lower() for word in _WORD.findall(self._own)]

    def keys_for(self, nouns: Collection[str]) -> bool:
        """Whether keys may be asked for; a Chinese question may ask for the number of one and the name of another."""
        return self.keys and not (self.chinese and self.in_words(nouns))

    @cached_property
    def somebody(self) -> bool:
        """Whether it asks who."""
        return bool((_HAN_WHO if self.chinese else _WHO).search(self._own))

    @cached_property
    def keys(self) -> bool:
        """Whether it asks for ids or codes: not where one is given, as in `customer id 5`."""
        text = self._own.replace("_", " ")
        words_for_keys = [*_KEYS.finditer(text)]
        if any(not _VALUE.match(text[m.end() : m.end() + _BEYOND]) for m in words_for_keys):
            return True
        return self.chinese and any(key in self._own for key in _HAN_KEYS[:-1])

    def numbers_of(self, nouns: Collection[str]) -> bool:
        """Whether it asks for the number of such a thing: `shipment number`; `number of shipments` counts them."""
        around = zip(self._tokens, self._tokens[1:], [*self._tokens[2:], ""], strict=False)
        return any(
            _is_called(_singular(before), nouns)
            and (word == "numbers" or (word in ("number", "no") and _is_asked(following)))
            for before, word, following in around
        )

    def names(self, nouns: Collection[str], others: Collection[str], listed: bool = True) -> bool:
        """Whether it asks which, lists or names a thing called by one of the nouns.

        `others` are words for other things: in `which product category` the product is not what is asked for. Unless
        `listed`, it must ask which: not list or find them.
        """
        if self.chinese:
            return bool(_HAN_ASKING.search(self._own)) and self._speaks_of(nouns)
        asking = _ASKING if listed else _WHICH
        asked = (list(self._until(place + 1)) for place, token in enumerate(self._tokens) if token in asking)
        return any(_ends_in(phrase, nouns, others) for phrase in chain(self._named(), asked))

    def which(self, nouns: Collection[str]) -> bool:
        """Whether it asks which of them: `which makers`; not what the makers are."""
        if self.chinese:
            return "哪" in self._own and self._speaks_of(nouns)
        following = zip(self._tokens, self._tokens[1:], strict=False)
        return any(asking in _WHICH and _is_called(_singular(word), nouns) for asking, word in following)

    def in_words(self, nouns: Collection[str]) -> bool:
        """Whether it asks for the name itself: `machine name`, `the names of the machines`, 机器名称."""
        if self.chinese:
            parts = (part for part in _HAN_CUT.split(self._own) if _HAN_NAME_ASKED.search(part))
            return any(_speaks_of(part, nouns) and not _asks_for_key(part) for part in parts)
        return any(_ends_in(phrase, nouns, ()) for phrase in self._named())

    def some_name_of(self, nouns: Collection[str]) -> bool:
        """Whether it asks for names at all and speaks of such a thing: `name and number of orders for each user`."""
        if self.chinese:
            return self.names(nouns, ())
        return not _NAMES.isdisjoint(self._tokens) and self._speaks_of(nouns)

    def _speaks_of(self, nouns: Collection[str]) -> bool:
        if any(noun in self._own for noun in nouns if is_han(noun)):
            return True
        return any(_is_called(word, nouns) for word in self._all)

    def _named(self) -> Iterator[list[str]]:
        """What stands around `name`, in the singular."""
        for place, token in enumerate(self._tokens):
            if token in _NAMES:
                yield self._before(place)
                if self._tokens[place + 1 : place + 2] == ["of"]:
                    yield list(self._until(place + 2))

    def _before(self, place: int) -> list[str]:
        """`sender` of `list the sender name`."""
        found: list[str] = []
        for token in reversed(self._tokens[max(place - 3, 0) : place]):
            if token in _ENDING or token in _BETWEEN or not token.isalnum():
                break
            found.append(_singular(token))
        return found[::-1]

    def _until(self, place: int) -> Iterator[str]:
        begun = False
        for token in self._tokens[place : place + 10]:
            if not begun and (token in _BETWEEN or token.isdigit()):
                continue
            if token in _ENDING or not token.isalnum():
                return
            begun = True
            yield _singular(token)


def _asks_for_key(part: str) -> bool:
    return _KEYS.search(part) is not None or any(key in part for key in _HAN_KEYS[:-1])


def _speaks_of(part: str, nouns: Collection[str]) -> bool:
    """Whether a part of a Chinese question, or what its words mean in English, has one of the nouns."""
    if any(noun in part for noun in nouns if is_han(noun)):
        return True
    meanings = " ".join(meaning for word in gloss(part) for meaning in word.meanings)
    return any(_is_called(word, nouns) for word in singular_words(fold(meanings)))


def _is_asked(following: str) -> bool:
    """`each customer number of orders` counts, `order number 5` is given."""
    return following != "of" and not following.isdigit()


def _ends_in(phrase: list[str], nouns: Collection[str], others: Collection[str]) -> bool:
    """Whether one of the words is such a noun, and the next none for another thing."""
    pairs = zip(phrase, [*phrase[1:], ""], strict=False)
    return any(_is_called(word, nouns) and (after in nouns or after not in others) for word, after in pairs)


def _is_called(word: str, nouns: Collection[str]) -> bool:
    """By a noun or what one is short for: customers by `cust`, shipments by `shpt`."""
    return word in nouns or any(is_short_for(noun, word) for noun in nouns)


def is_key(name: str) -> bool:
    """Whether a column's name says that it is a key, not of what: sender_id, 部门编号."""
    own = words(name)
    return bool(own & KEY_WORDS) or any(word.endswith(_HAN_KEYS) for word in own if is_han(word))


def nouns_of(table: Table) -> set[str]:
    """What a row of the table is called: words of its name, and what its comment begins with."""
    found = _nouns(table.name)
    for part in re.split(r"[()（）,;:]", table.comment or "")[:2]:
        if len(part) <= 40:
            found |= _nouns(re.split(r"\b(?:who|that|which|with|of|for|by|per|in|on|one|and)\b", part)[0])
    return found


def nouns_in(name: str) -> set[str]:
    """What a key column calls the thing that it refers to: sender of sender_id, 部门 of 部门编号."""
    found = _nouns(name)
    for noun in [noun for noun in found if is_han(noun)]:
        key = next((key for key in _HAN_KEYS if noun.endswith(key) and noun != key), "")
        found = (found - {noun}) | {noun.removesuffix(key)} if key else found
    return found - KEY_WORDS


def head_of(name: str) -> str:
    """The last word that tells of what a column is; empty for `sent_on`."""
    found = [word for word in words_in_order(name) if word not in KEY_WORDS]
    return _singular(found[-1]) if found and found[-1] not in _ENDING else ""


def _nouns(text: str) -> set[str]:
    found = set()
    for word in words(text):
        if is_han(word):
            found |= {word, *(part for part in split(word) if len(part) > 1)}
        elif len(word) > 1 and word not in _ENDING and not word.isdigit():
            found.add(_singular(word))
    return found


def _singular(word: str) -> str:
    return next(iter(singular_words(word)), word)
