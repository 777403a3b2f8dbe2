"""Values that neighbouring Chinese words name word by word: 网球俱乐部 is 'Tennis Club', 已确认 is 'Confirmed'."""

from __future__ import annotations

from nl2sql_pg.glossing import Word
from nl2sql_pg.phrases import Phrase, fold, singular

MOST_WORDS = 5  # of such a value
TERM = 2  # words of a meaning of which one alone may be the value: 信用卡 is a credit card, stored as 'Credit'
BETWEEN = ("", "·", "・", "的", " ")  # what may stand between neighbours, as in 丹尼尔·刘易斯
START = 4  # letters that the forms of a word share
ENDINGS = ("", "s", "es", "d", "ed", "ing", "n", "an", "ian", "ese", "ish", "time")
SMALL_WORDS = frozenset("a an and at for in of on the to".split())


class Meanings:
    """What the words of a question may mean, by the words of these meanings."""

    def __init__(self, question: str, words: list[Word]) -> None:
        self._question, self._words = question, words
        self._by_start: dict[str, list[tuple[str, int, int]]] = {}
        for number, word in enumerate(words):
            for meaning in word.meanings:
                forms = fold(meaning).split()
                for form in map(singular, forms):
                    self._by_start.setdefault(form[:START], []).append((form, number, len(forms)))

    def named(self, key: str) -> Phrase | None:
        """The neighbouring words that mean those of a folded value; None where a word of either has no counterpart."""
        parts = [singular(part) for part in key.split() if part not in SMALL_WORDS] if self._words else []
        if not 0 < len(parts) <= MOST_WORDS:
            return None
        most = TERM if len(parts) == 1 else MOST_WORDS
        meaning = [self._that_mean(part, most) for part in parts]
        span = self._neighbours(meaning) if all(meaning) else None
        if span is None:
            return None
        start, end = self._words[span[0]].start, self._words[span[-1]].end
        return Phrase(self._question[start:end], key, start, end, meant=True) if end - start > 1 else None

    def _that_mean(self, part: str, most: int) -> set[int]:
        """Numbers of the words that mean it, in whatever form, by meanings of so many words."""
        known = self._by_start.get(part[:START], ())
        return {number for form, number, size in known if size <= most and _is_form(form, part)}

    def _neighbours(self, meaning: list[set[int]]) -> list[int] | None:
        """The first run of neighbouring words of which each means some part, and every part has one."""
        for first in sorted(set.union(*meaning)):
            run = [first]
            while not all(numbers & {*run} for numbers in meaning):
                following = run[-1] + 1
                if following not in set.union(*meaning) or not self._adjoin(run[-1], following):
                    break
                run.append(following)
            else:
                return run
        return None

    def _adjoin(self, one: int, other: int) -> bool:
        return self._question[self._words[one].end : self._words[other].start] in BETWEEN


def _is_form(one: str, other: str) -> bool:
    """Whether two words are forms of one: confirm, confirmed; Japan, Japanese."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= START and long.startswith(short) and long[len(short) :] in ENDINGS)
