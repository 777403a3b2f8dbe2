"""The question, and what is found out about it on the way: each at most once, and only if somebody wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from nl2sql_pg.context import Context
from nl2sql_pg.embedding import Embedded, embed
from nl2sql_pg.errors import Refusal
from nl2sql_pg.glossing import Word, gloss
from nl2sql_pg.phrases import Phrase, is_chinese, meant, phrases, words_with_gaps

# The first meanings tell what a text is about; rarer ones only help where a name is made of the word. Of 610 Chinese
# questions to 138 English schemas, those whose tables are all among the first 20 rose from 116 to 530 by both.
MEANINGS_EMBEDDED = 2
LONGEST_EMBEDDED = 2000  # characters; embedding models read fewer


@dataclass
class Asked:
    """The question's text; `warnings` say what could not be found out about it."""

    text: str
    warnings: list[str] = field(default_factory=list)
    _embedded: Embedded | None = field(default=None, init=False)
    _tried: bool = field(default=False, init=False)
    _words: list[Word] | None = field(default=None, init=False)
    _phrases: list[Phrase] | None = field(default=None, init=False)

    @cached_property
    def chinese(self) -> bool:
        return is_chinese(self.text)

    def embedded(self, context: Context) -> Embedded | None:
        """The question's one vector; None, with a warning, where the sidecar has no embedding model."""
        if not self._tried:
            self._tried = True
            try:
                self._embedded = embed(context, [self._gist(context)])
            except Refusal as refusal:
                if refusal.sqlstate != "NL310":
                    raise
                self.warnings.append("NL310: searched by words only; the sidecar has no embedding model")
        return self._embedded

    def words(self, context: Context) -> list[Word]:
        """The words of a Chinese question with their meanings in English; none of other questions."""
        if self._words is None:
            self._words = []
            try:
                if self.chinese:
                    self._words = gloss(context, self.text)
            except Refusal as refusal:
                self.warnings.append(f"{refusal.sqlstate}: {refusal.message}; its words were not looked up in English")
        return self._words

    def meanings(self, context: Context) -> list[str]:
        """What the words of a Chinese question may mean in English; single characters mean too much."""
        return self._in_english(context, None)

    def searched(self, context: Context) -> str:
        """The text that names and comments are looked up by: of a Chinese question with what its words may mean."""
        return " ".join([self.text, *self.meanings(context)])

    def _gist(self, context: Context) -> str:
        """The text that is embedded: of a Chinese question what its words mean, since embedding models know English."""
        meanings = self._in_english(context, MEANINGS_EMBEDDED)
        return " ".join([*words_with_gaps(self.text), *meanings])[:LONGEST_EMBEDDED] if meanings else self.text

    def _in_english(self, context: Context, most: int | None) -> list[str]:
        """Up to so many meanings of each word; a single character has too many to tell one."""
        words = [word for word in self.words(context) if len(word.text) > 1]
        return list(dict.fromkeys(meaning for word in words for meaning in word.meanings[:most]))

    def phrases(self, context: Context) -> list[Phrase]:
        """All that may name a value, as it is written or as it is called in English."""
        if self._phrases is None:
            named = (meant(word.text, word.start, meaning) for word in self.words(context) for meaning in word.meanings)
            self._phrases = [*phrases(self.text), *(phrase for phrase in named if phrase.key)]
        return self._phrases
