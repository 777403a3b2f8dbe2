"""Names of people after a label or a title, in English and Chinese. A name alone is not found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nl2sql_pg.masking import name_words as words
from nl2sql_pg.masking.findings import LABELLED, Finding

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_REACH = 32

_DELIMITER = re.compile(r"[:：=]")
_LATIN = r"[^\W\d_\u2e80-\uffff]"
_VALUE = re.compile(rf"{_LATIN}(?:{_LATIN}|['’.\-])*(?: {_LATIN}(?:{_LATIN}|['’.\-])*){{0,3}}")
_CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de]"
# After a title in capitals only a name in capitals: MR SMITH, not DR Congo.
_TITLE = re.compile(
    r"[MDP](?<![A-Za-z].)(?:(?:rs?|s|iss|x|r|rof)\b\.? {0,2}|RS?\b\.? {0,2}(?=[A-Z]{2,}\b))"
    rf"(?={_CAPITAL}[\w'’])({_CAPITAL}(?:{_LATIN}|['’\-])*(?: {_CAPITAL}(?:{_LATIN}|['’.\-])*){{0,2}})"
)
_REST = re.compile(rf"(?<=[\w'’]){_LATIN}")
_REST_HAN = re.compile(rf"[{_HAN}]")
_STREET = re.compile(r"[A-Z][a-z]+ $")

_ENDS_HAN = rf"(?=[^{_HAN}]|$|{words.AFTER_NAMES_HAN})"
_VALUE_HAN = re.compile(rf"[{_HAN}]{{1,8}}(?:[·•][{_HAN}]{{1,8}}){{1,3}}|[{_HAN}]{{2,3}}?{_ENDS_HAN}|[{_HAN}]{{2,4}}")
_FAMILY_HAN = rf"(?:{words.DOUBLE_SURNAMES}|[{words.SURNAMES}{words.DOUBTFUL_SURNAMES}])"
_PERSON_HAN = re.compile(
    rf"[{_HAN}]{{1,8}}(?:[·•][{_HAN}]{{1,8}}){{1,3}}|(?!{words.WORDS_HAN}){_FAMILY_HAN}[{_HAN}]{{1,2}}?{_ENDS_HAN}"
)
_LOOSE_HAN = re.compile(
    rf"(?:{words.WITHOUT_COLON_HAN})[是为叫 ]?(?!{words.WORDS_HAN})"
    rf"((?:{words.DOUBLE_SURNAMES})[{_HAN}]{{1,2}}?{_ENDS_HAN}|[{words.SURNAMES}](?:[{_HAN}]{_ENDS_HAN}|[{_HAN}]{{1,2}}))"
)
_SUFFIX_HAN = re.compile(rf"{_FAMILY_HAN}[{_HAN}]{{1,2}}?(?=先生|女士|小姐)")


def find_labelled(text: str) -> Iterator[Finding]:
    for delimiter in _DELIMITER.finditer(text):
        yield from _after_label(text, delimiter.start())


def find_titled(text: str) -> Iterator[Finding]:
    for title in _TITLE.finditer(text):
        street = title[0][0] == "D" and _STREET.search(text[max(0, title.start() - 24) : title.start()])
        if not street:
            yield _finding(title.start(1), title[1])


def find_han(text: str) -> Iterator[Finding]:
    """Without a colon, and before the Chinese words for Mr and Ms."""
    for found in _LOOSE_HAN.finditer(text):
        yield _finding(found.start(1), found[1])
    for found in _SUFFIX_HAN.finditer(text):
        yield _finding(found.start(), found[0])


def _after_label(text: str, delimiter: int) -> Iterator[Finding]:
    label = text[max(0, delimiter - _REACH) : delimiter].rstrip(" \"'*_")
    kind = _label_kind(label)
    if not kind:
        return
    start = delimiter + 1
    while start < len(text) and start < delimiter + 6 and text[start] in " \"'“「":
        start += 1
    han = (_VALUE_HAN if kind == "name" else _PERSON_HAN).match(text, start)
    latin = None if han else _VALUE.match(text, start)
    name = han[0] if han else ""
    if latin:
        name = _words_of_name(latin[0], followed=text[latin.end() : latin.end() + 1])
    if name and (han or kind == "name" or name[0].isupper()):
        yield _finding(start, name)


def _label_kind(label: str) -> str:
    """ "name" before a person's name; "person" where something else may stand as well."""
    lowered = label.lower()
    if lowered.endswith(words.NAME):
        return "name" if _is_name_label(lowered) else ""
    if label.endswith(words.NAME_HAN):
        return "" if label.endswith(words.USER_NAME_HAN) else "name"
    return "person" if lowered.endswith(words.PERSON) or label.endswith(words.PERSON_HAN) else ""


def _is_name_label(lowered: str) -> bool:
    """Not the name of a file, a product or a table: only a person's, or nobody's in particular."""
    if not lowered.endswith("name") or lowered.endswith(words.NAME[:-1]):
        return True
    before = lowered[:-4]
    if before[-1:].isalpha() and before[-1:].isascii():
        return False
    said = before.rstrip(" _-").rsplit(None, 1)
    word = said[-1].replace("_", " ").rsplit(None, 1)[-1] if said else ""
    at_start = not word or not (word[-1].isascii() and word[-1].isalnum()) or "\n" in before[len(before.rstrip()) :]
    return at_start or word.lstrip("\"'({[") in words.OWNERS


def _words_of_name(value: str, followed: str) -> str:
    """The words up to one that belongs to no name; the last one is a label where a colon follows."""
    given = value.split(" ")
    if followed in (":", "=", "：") and followed:
        given.pop()
    taken: list[str] = []
    for word in given:
        if word.lower().rstrip(".") in (words.AFTER_NAMES if taken else words.NOT_NAMES):
            break
        taken.append(word)
    name = " ".join(taken).rstrip(".-'’")
    return name if sum(character.isalpha() for character in name) > 1 else ""


def _finding(start: int, name: str) -> Finding:
    return Finding(start, start + len(name), "name", LABELLED, shown(name))


def shown(name: str) -> str:
    """The first letter of each word; of a Chinese name the first character."""
    if name[0] > "\u2e80":
        return name[0] + _REST_HAN.sub("*", name[1:])
    return _REST.sub("*", name)
