"""Which rows of a table do not count, as its names and comments tell: pure functions over a described table.

A comment that states it as a rule ("deleted orders never count", 不计入统计) is surer than a name (`deleted_at`), and
is heeded without anybody's word; what a name alone tells is only proposed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

RULE_SCORE = 0.95
Described = dict[str, Any]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[\u3400-\u9fff]+")
_CLAUSE = re.compile(r"[;；。!！\n]|\.(?:\s|$)")

# Said of rows that are no part of any figure.
_LEFT_OUT = re.compile(
    r"\b(?:never|not|no longer|n't)\s+(?:be\s+|to\s+be\s+|being\s+)?(?:ever\s+)?"
    r"(?:counts?|counted|included|considered|reported|part\s+of)\b"
    r"|\b(?:must|should|shall|have|has|is|are|always|to)\b[^.;]{0,20}\b"
    r"(?:excluded|ignored|skipped|disregarded|filtered\s+out|left\s+out)\b"
    r"|\b(?:exclude|ignore|disregard|filter\s+out|leave\s+out)\b"
    r"|不(?:再)?(?:计入|统计|计算|算|计|参与|纳入|包含在)|(?:应|须|需|要|必须|一律)[^。；]{0,4}(?:排除|剔除|过滤|忽略)|(?:排除|剔除)在外",
    re.I,
)
# Said of those that alone are: "only active customers count".
_ONLY = re.compile(
    r"\bonly\b[^.;]{0,60}\b(?:counts?|counted|valid|included|considered)\b|\balways\s+filter\b|\bfilter\s+on\b"
    r"|只(?:统计|计算|计|算|包[括含])|仅(?:统计|计算|计|包[括含])",
    re.I,
)
_UNSET = re.compile(r"\b(?:null|empty|blank|unset|missing|not\s+set|without)\b|为空|空值|未填", re.I)
_SET = re.compile(r"\b(?<!not )(?:set|filled|not\s+null|non-?null|present)\b|非空|有值", re.I)
_FALSE = re.compile(r"\b(?:false|not\s+true)\b|\b0\b", re.I)

# Words for rows that are gone or not for counting; and for those that are there.
_GONE = frozenset("deleted delete deletion del removed dltd erased trashed voided void annulled discarded".split())
_TEST = frozenset("test testing dummy internal spam duplicate".split())
_ARCHIVED = frozenset("archived archive cancelled canceled inactive disabled expired obsolete closed".split())
_GOOD = frozenset("active act actv activ valid vld enabled enable current visible published approved".split())
# Reserved key words of PostgreSQL (appendix C): as a column's name they need quotes.
_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch
    for foreign freeze from full grant group having ilike in initially inner intersect into is isnull join
    lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order
    outer overlaps placing primary references returning right select session_user similar some symmetric system_user
    table tablesample then to trailing true union unique user using variadic verbose when where window with""".split()
)
_STATES = _GONE | _TEST | _ARCHIVED | _GOOD
_GONE_HAN = re.compile("删除|移除|作废|废弃|注销|逻辑删")
_GOOD_HAN = re.compile("有效|启用|激活|在用|在职")
_BAD_HAN = re.compile("测试|停用|禁用|失效|无效|取消|归档")
_MARKS = frozenset("at on date time ts dt day is flag flg fl ind indicator by when moment was yn mark status".split())
_UNTIL = frozenset("to until till thru end ends ended expires expiry".split())
_FROM = frozenset("valid effective active eff".split())

_MOMENT = re.compile(r"^(?:timestamp|date\b)")
_WHOLE = re.compile(r"^(?:smallint|integer|bigint|numeric)")
_TEXT = re.compile(r'^(?:text|character|"char"|varchar|bpchar)')
_YES = ("1", "Y", "y", "T", "t", "yes", "Yes", "true", "J")
_NO = ("0", "N", "n", "F", "f", "no", "No", "false")
# "1 = deleted", "D: removed", 1删除, 删除=1
_CODE = re.compile(
    r"(?<![\w.])'?([0-9A-Za-z]{1,12})'?\s*(?:=|:|：|-|is|means|为|是|表示)?\s*"
    r"(?:deleted|removed|voided|void|cancell?ed|inactive|已?删除|已?作废|已?注销|无效|停用)",
    re.I,
)


@dataclass(frozen=True)
class Sign:
    """A condition that a table's description speaks for; `rule` where a comment says so itself."""

    column: str
    condition: str
    score: float
    reason: str
    note: str | None = None
    rule: bool = False


def signs(table: Described) -> list[Sign]:
    """What speaks for standing conditions, the surest first, one for each column."""
    found = [*_by_table(table), *(sign for column in table["columns"] if (sign := _by_column(column)))]
    found += [sign for column in table["columns"] if (sign := _by_name(column))]
    best: dict[str, Sign] = {}
    for sign in sorted(found, key=lambda sign: -sign.score):
        best.setdefault(sign.column, sign)
    return list(best.values())


def quoted(name: str) -> str:
    """A name as it can stand in any statement."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}


def _clauses(comment: str | None) -> list[str]:
    return [part.strip() for part in _CLAUSE.split(comment or "") if part.strip()]


def _rule(sign: Sign | None, comment: str, where: str) -> Sign | None:
    if sign is None:
        return None
    return Sign(sign.column, sign.condition, RULE_SCORE, f"the comment {where} says so: {comment}", comment, rule=True)


def _by_column(column: Described) -> Sign | None:
    """By a rule in the column's comment."""
    comment = column["comment"] or ""
    for clause in _clauses(comment):
        only = bool(_ONLY.search(clause))
        if only or _LEFT_OUT.search(clause):
            found = _written_out(column, clause, only) or _stated(column, clause, comment, only)
            return _rule(found, comment, f"on {column['name']}")
    return None


def _by_table(table: Described) -> list[Sign]:
    """By rules in the table's comment, where it is plain which column tells the rows."""
    comment = table["comment"] or ""
    found: list[Sign] = []
    for clause in _clauses(comment):
        only = bool(_ONLY.search(clause))
        if not only and not _LEFT_OUT.search(clause):
            continue
        named = [column for column in table["columns"] if _is_named(column["name"], clause)]
        meant = named or [column for column in table["columns"] if _is_meant(column, clause)]
        made = [s for c in meant if (s := _written_out(c, clause, only) or _stated(c, clause, comment, only))]
        if len(made) == 1 and (rule := _rule(made[0], comment, "on the table")):
            found.append(rule)
    return found


def _is_named(name: str, clause: str) -> bool:
    """A name of one plain word may be that word and no name, but for a state it is the same."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", clause, re.I) is not None


def _is_meant(column: Described, clause: str) -> bool:
    """Whether the state that the clause speaks of is what the column tells."""
    said, named = _words(clause), _words(column["name"]) - _MARKS
    for family in (_GONE, _TEST, _ARCHIVED):
        if said & family and named & family:
            return True
    if (said & _GOOD or said & _ARCHIVED) and named & _GOOD:
        return True
    for han in (_GONE_HAN, _BAD_HAN, _GOOD_HAN):
        if han.search(clause) and (han.search(column["name"]) or han.search(column["comment"] or "")):
            return True
    if _GONE_HAN.search(clause) and named & _GONE:
        return True
    return bool(_labels(column, clause))


def _written_out(column: Described, clause: str, only: bool) -> Sign | None:
    """`deleted_at is null` as the comment itself writes it: of the rows that count, or of those that do not."""
    found = re.search(
        rf"(?<![\w.]){re.escape(column['name'])}\s*(?:(is)\s+(not\s+)?(null|true|false)\b"
        r"|(=|<>|!=)\s*('(?:[^']|'')*'|\d+|true\b|false\b))",
        clause,
        re.I,
    )
    if not found:
        return None
    is_, not_, state, operator, value = found.groups()
    said = f"IS {'NOT ' if not_ else ''}{state.upper()}" if is_ else f"{'=' if operator == '=' else '<>'} {value}"
    name = quoted(column["name"])
    if only:
        return _sign(column, f"{name} {said}", 1.0)
    if is_:
        return _sign(column, f"{name} IS {'' if not_ else 'NOT '}{state.upper()}", 1.0)
    opposite = ("IS DISTINCT FROM" if operator == "=" else "=") if not column["not_null"] else _turned(operator)
    return _sign(column, f"{name} {opposite} {value}", 1.0)


def _turned(operator: str) -> str:
    return "<>" if operator == "=" else "="


def _stated(column: Described, clause: str, comment: str, only: bool) -> Sign | None:
    """By the type of the column: a moment is set or not, a flag is on or off, a label is there or not."""
    type_ = column["type"]
    if labels := _labels(column, clause):
        return _labelled(column, labels, only)
    if not _tells_state(column, clause):
        return None
    if _MOMENT.match(type_):
        if column["not_null"]:
            return None
        unset = bool(_UNSET.search(clause)) and not _SET.search(clause)
        return _sign(column, f"{quoted(column['name'])} IS {'NULL' if unset == only else 'NOT NULL'}", 1.0)
    return _flag(column, _is_good(column, clause, only), comment)


def _tells_state(column: Described, clause: str) -> bool:
    """Whether the clause is about rows in a state that the column tells, and not about its own value.

    An amount that is "not included in revenue" leaves no row out.
    """
    name, type_ = column["name"], column["type"]
    named, said = _words(name) - _MARKS, _words(clause)
    in_han = any(han.search(name) for han in (_GONE_HAN, _GOOD_HAN, _BAD_HAN))
    if _WHOLE.match(type_) or _TEXT.match(type_):
        return in_han or (bool(named) and named <= _STATES) or bool(_CODE.search(column["comment"] or clause))
    if in_han or named & _STATES or any(word.endswith("ed") for word in named & said):
        return True
    if type_ == "boolean":
        return bool(named & said) or re.search(r"\b(?:true|false)\b", clause, re.I) is not None
    return bool(_SET.search(clause) or _UNSET.search(clause)) and bool(
        said & _STATES or any(han.search(clause) for han in (_GONE_HAN, _GOOD_HAN, _BAD_HAN))
    )


def _is_good(column: Described, clause: str, only: bool) -> bool:
    """Whether the flag is on for the rows that count."""
    if _words(column["name"]) & _GOOD or _GOOD_HAN.search(column["name"]):
        return True
    if _words(column["name"]) & (_GONE | _TEST | _ARCHIVED) or _GONE_HAN.search(column["name"]):
        return False
    off = bool(_FALSE.search(clause))
    return off != only


def _labels(column: Described, clause: str) -> list[str]:
    """Values of the column that the clause speaks of: "cancelled orders do not count"."""
    values = [*column["values"], *column.get("samples", ())]
    long = [value for value in values if len(value) > 2 or not value.isascii()]
    return [value for value in dict.fromkeys(long) if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", clause, re.I)]


def _labelled(column: Described, labels: list[str], only: bool) -> Sign:
    listed = ", ".join(map(_literal, labels))
    many = len(labels) > 1
    name = quoted(column["name"])
    if only:
        return _sign(column, f"{name} IN ({listed})" if many else f"{name} = {listed}", 1.0)
    if column["not_null"]:
        return _sign(column, f"{name} NOT IN ({listed})" if many else f"{name} <> {listed}", 1.0)
    if many:
        return _sign(column, f"{name} IS NULL OR {name} NOT IN ({listed})", 1.0)
    return _sign(column, f"{name} IS DISTINCT FROM {listed}", 1.0)


def _flag(column: Described, good: bool, comment: str) -> Sign | None:
    """The condition on a flag that is on for rows that count, or for those that do not."""
    name, type_, not_null = quoted(column["name"]), column["type"], column["not_null"]
    if type_ == "boolean":
        condition = name if good else f"NOT {name}" if not_null else f"{name} IS NOT TRUE"
        return _sign(column, condition, 1.0)
    values = [*column["values"], *column.get("samples", ())]
    code = _CODE.search(comment)
    if code and not good and not (_WHOLE.match(type_) and not code[1].isdigit()):
        value = code[1] if _WHOLE.match(type_) else _literal(code[1])
        return _sign(column, f"{name} {'<>' if not_null else 'IS DISTINCT FROM'} {value}", 0.9)
    if _WHOLE.match(type_) and set(values) <= {"0", "1"}:
        zero = f"{name} = 0" if not_null else f"COALESCE({name}, 0) = 0"
        return _sign(column, f"{name} = 1" if good else zero, 0.9)
    if _TEXT.match(type_) and len(values) <= 3:
        wanted = next((value for value in values if value in (_YES if good else _NO)), None)
        return _sign(column, f"{name} = {_literal(wanted)}", 0.9) if wanted else None
    return None


def _by_name(column: Described) -> Sign | None:
    """What the name alone speaks for."""
    name, comment = column["name"], column["comment"] or ""
    words = _words(name)
    bare = words - _MARKS
    gone = bool(bare & _GONE) and len(bare) == 1
    gone = gone or (bool(_GONE_HAN.search(name)) or (bool(_GONE_HAN.search(comment)) and not bare & _GOOD))
    if gone and _MOMENT.match(column["type"]):
        return None if column["not_null"] else _named(_sign(column, f"{quoted(name)} IS NULL", 0.8), name)
    if gone:
        return _named(_flag(column, False, comment), name, 0.8)
    if _MOMENT.match(column["type"]):
        ends = words & _UNTIL and words & _FROM
        if not ends:
            return None
        until = f"{quoted(name)} IS NULL OR {quoted(name)} > current_date"
        return _named(_sign(column, until, 0.4), name)
    good = (bool(bare & _GOOD) and len(bare) == 1) or bool(_GOOD_HAN.search(name))
    test = bool(bare & _TEST) and len(bare) == 1
    if good or test:
        return _named(_flag(column, good, comment), name, 0.5)
    return None


def _named(sign: Sign | None, name: str, score: float | None = None) -> Sign | None:
    if sign is None:
        return None
    return Sign(sign.column, sign.condition, score or sign.score, f"the column is called {name}")


def _sign(column: Described, condition: str, score: float) -> Sign:
    return Sign(column["name"], condition, score, "")


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
