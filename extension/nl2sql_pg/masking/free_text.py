"""Free text in, the same text with what is personal masked out."""

from __future__ import annotations

import re

from nl2sql_pg.masking import email, iban, ip, names, numbers, passport
from nl2sql_pg.masking.findings import Finding
from nl2sql_pg.masking.folding import fold

LONGEST = 1_000_000  # bytes; a longer text is cut, since what is not looked at may not be shown
KEPT = 200_000  # characters of a text that is cut
CUT = "[cut]"
FAILED = "****"
_ROUNDS = 4

# Looks before the finders: most texts have none of these. Each starts with a character class, which re skips to fast.
_has_number = re.compile(
    r"[0-9](?:(?:[ .()\-]{0,3}[0-9]){8}"
    r"|(?<=[A-Za-z]{2}[0-9])[0-9][ \-]?[A-Za-z0-9]"
    r"|[0-9]{0,2}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9])"
).search
_has_digits = re.compile("[0-9]{4}").search
_has_label = re.compile(r"[:：=](?<![0-9].)").search
_has_title = re.compile(r"[MDP](?:rs?|s|iss|x|rof|RS?)\b").search
_has_label_han = re.compile("[客姓联收寄持患户申先女小](?:户|名|系人|件人|货人|卡人|者|请人|生|士|姐)").search
_has_document = re.compile("[PpTtDd护通证驾](?:ass|ASS|照|行证|件|驶证|ravel|river)").search


def mask_sensitive(text: str) -> str:
    """For SQL: never raises. What can't be looked at is not shown."""
    try:
        masked = mask(text)
        if len(masked) > KEPT and len(masked.encode("utf-8", "replace")) > LONGEST:
            masked = mask(masked[:KEPT] + CUT)
    except Exception:
        # A fault of ours, or no memory: no reason to stop somebody's query over a million rows.
        return FAILED
    return masked


def mask(text: str) -> str:
    """Masks until nothing is found, so that masking again changes nothing."""
    for _ in range(_ROUNDS):
        found = findings(text)
        if not found:
            return text
        before, text = text, _applied(text, found)
        if text == before:
            return text
    # Only text made for it gets here: what is left of one number, the start of the next, over and over.
    without_digits = re.sub(r"\d|@", "*", text)
    return _applied(without_digits, findings(without_digits))


def findings(text: str) -> list[Finding]:
    """What is personal in a text, in order and without overlaps."""
    found: list[Finding] = []
    plain = text.isascii()
    written = text
    if not plain:
        text = fold(text)
    if "@" in text:
        found += email.find(text)
    if _has_number(text):
        found += numbers.find(text)
        found += iban.find(text)
        found += ip.find_version_4(text)
    if _has_document(text) and _has_digits(text):
        found += passport.find(text)
    if text.count(":") > 1:
        found += ip.find_version_6(text)
    if _has_label(text):
        found += names.find_labelled(text)
    if _has_title(text):
        found += names.find_titled(text)
    if not plain and _has_label_han(text):
        found += names.find_han(text)
    if len(found) > 1:
        found = _chosen(found)
    return found if text is written else [_as_written(finding, text, written) for finding in found]


def _as_written(finding: Finding, folded: str, written: str) -> Finding:
    """What stays of a finding, in the characters it was written in."""
    start, end, shown = finding.start, finding.end, finding.shown
    if len(shown) != end - start:
        return finding
    trios = zip(shown, folded[start:end], written[start:end], strict=True)
    return finding._replace(shown="".join(own if new == old else new for new, old, own in trios))


def kinds(text: str) -> list[str]:
    """The kinds of findings in a text, once each."""
    return sorted({finding.kind for finding in findings(text)})


def _chosen(found: list[Finding]) -> list[Finding]:
    """The surest, then the longest of those that overlap."""
    found.sort(key=lambda f: f.start)
    chosen: list[Finding] = []
    for finding in found:
        if chosen and finding.start < chosen[-1].end:
            last = chosen[-1]
            if _rank(finding) > _rank(last):
                chosen[-1] = finding
        else:
            chosen.append(finding)
    return chosen


def _rank(finding: Finding) -> tuple[int, int]:
    return finding.certainty, finding.end - finding.start


def _applied(text: str, found: list[Finding]) -> str:
    parts: list[str] = []
    place = 0
    for finding in found:
        parts += (text[place : finding.start], finding.shown)
        place = finding.end
    return "".join((*parts, text[place:]))
