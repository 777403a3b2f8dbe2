"""Statements made of statements: small changes to the text, most of which are still SQL."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(
    r"""\s+|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|[A-Za-z_][A-Za-z0-9_]*|\d+(?:\.\d+)?|::|[-+*/<>=~!@#%^&|`?]+|.""",
    re.S,
)
_OPERATORS = [
    *"= <> < > <= >= + - * / % || ~ !~ ~* -> ->> @> <@ && # & | << >> ^".split(),
    "like",
    "ilike",
    "and",
    "or",
]
_NUMBERS = "0 1 2 3 10 0.5 1e2 -1 100 .25 12345678901 1_000".split()
_TEXTS = (
    *(
        "''",
        "'a'",
        "'it''s'",
        "E'a\\nb'",
        "$$x$$",
        "'1 day'",
        "'1 day 03:45'",
        "'2026-02-28'",
        "'%a%'",
        "U&'\\0061'",
        "'3 days ago'",
    ),
    *("'{1,2}'", "'{\"a\": 1}'", "'a\\b'", "'P1Y2M'", "'paid'", "'web'", "'王'", "'1.6 seconds'"),
)
_TYPES = (
    *(
        "int",
        "numeric",
        "numeric(10, 2)",
        "text",
        "date",
        "timestamp",
        "timestamptz",
        "interval",
        "boolean",
        "float8",
        "jsonb",
    ),
    *(
        "varchar(3)",
        "char(2)",
        "int[]",
        "text[]",
        "bit varying",
        '"char"',
        "real",
        "interval(0)",
        "time",
        "double precision",
    ),
)
_CALLS = (
    *(
        "lower",
        "upper",
        "abs",
        "coalesce",
        "length",
        "round",
        "date_trunc",
        "to_char",
        "count",
        "sum",
        "max",
        "min",
        "array_agg",
    ),
    *(
        "concat",
        "nullif",
        "greatest",
        "to_jsonb",
        "substr",
        "left",
        "trim",
        "mod",
        "power",
        "log10",
        "date_part",
        "age",
        "row",
    ),
)
_WRAPS = (
    "not ({})",
    "({})",
    "- ({})",
    "({}) is null",
    "({}) is not null",
    "({}) is true",
    "({}) is distinct from 1",
    "case when {} then 1 end",
    "coalesce({}, null)",
    "array[{}]",
    "({}) in (1, 2)",
    "({}) not in (1, 2)",
    "({}) between 1 and 2",
    "({}) not like 'a%'",
    "cast({} as text)",
    "(select {})",
    "row({}, 1)",
    "exists (select {})",
    "({}) = any (array[1])",
    "+ ({})",
    "({}) at time zone 'UTC'",
    "interval '1 day' * ({})",
    "extract(year from {})",
    '({}) collate "C"',
    "string_agg({}, ',')",
    "({})::text || 'x'",
    "substring({} from 2 for 2)",
    "position('a' in {})",
    "trim(both 'x' from {})",
    "overlay({} placing 'x' from 1)",
    "rank() over (order by {})",
    "count(*) filter (where {})",
    "sum(1) over (partition by {} rows 1 preceding)",
)
_ENDS = (
    "limit 3",
    "offset 1",
    "fetch first 2 rows only",
    "order by 1",
    "order by 1 desc nulls last",
    "group by 1",
    "group by rollup (1)",
    "having true",
    "where true",
    "where 1 = 1 or false",
    "order by 1 using >",
    "limit all",
    "for update",
    "order by 1 nulls first",
    "group by ()",
    "group by distinct 1",
    "fetch first 2 rows with ties",
    "union select 1",
    "union all select 1",
    "except select 1",
)


def tokens(sql: str) -> list[str]:
    return list(_TOKEN.findall(sql))


def mutate(sql: str, others: Sequence[str], chance: random.Random) -> str:
    """One to three changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3))):
        sql = chance.choice(_CHANGES)(sql, others, chance)
    return sql


def _swap(sql: str, others: Sequence[str], chance: random.Random) -> str:
    """A token for another of its kind."""
    parts = tokens(sql)
    places = [place for place, part in enumerate(parts) if not part.isspace()]
    place = chance.choice(places)
    part = parts[place]
    if part[0].isdigit():
        parts[place] = chance.choice(_NUMBERS)
    elif part[0] in "'$":
        parts[place] = chance.choice(_TEXTS)
    elif re.fullmatch(r"[-+*/<>=~!@#%^&|`?]+", part):
        parts[place] = f" {chance.choice(_OPERATORS)} "
    elif parts[place + 1 : place + 2] == ["("]:
        parts[place] = chance.choice(_CALLS)
    else:
        parts[place] = chance.choice(tokens(chance.choice(others)))
    return "".join(parts)


def _cast(sql: str, others: Sequence[str], chance: random.Random) -> str:
    return _after_value(sql, f"::{chance.choice(_TYPES)}", chance)


def _operate(sql: str, others: Sequence[str], chance: random.Random) -> str:
    value = chance.choice((*_NUMBERS, *_TEXTS, "null", "true", "current_date"))
    return _after_value(sql, f" {chance.choice(_OPERATORS)} {value}", chance)


def _after_value(sql: str, what: str, chance: random.Random) -> str:
    parts = tokens(sql)
    places = [place for place, part in enumerate(parts) if re.match(r"[\w'\"$)\]]", part)]
    place = chance.choice(places or [len(parts) - 1])
    return "".join([*parts[: place + 1], what, *parts[place + 1 :]])


def _wrap(sql: str, others: Sequence[str], chance: random.Random) -> str:
    parts = tokens(sql)
    places = [place for place, part in enumerate(parts) if re.match(r"[\w'\"$]", part)]
    place = chance.choice(places or [0])
    parts[place] = chance.choice(_WRAPS).format(parts[place])
    return "".join(parts)


def _drop(sql: str, others: Sequence[str], chance: random.Random) -> str:
    parts = tokens(sql)
    del parts[chance.randrange(len(parts))]
    return "".join(parts)


def _space(sql: str, others: Sequence[str], chance: random.Random) -> str:
    parts = tokens(sql)
    noise = chance.choice((" /* x */ ", " -- x\n", "\n", "\t ", " /* a /* b */ c */ "))
    parts.insert(chance.randrange(len(parts) + 1), noise)
    return "".join(parts)


def _end(sql: str, others: Sequence[str], chance: random.Random) -> str:
    return f"{sql.rstrip('; ')} {chance.choice(_ENDS)}"


def _splice(sql: str, others: Sequence[str], chance: random.Random) -> str:
    """A run of tokens of another statement."""
    parts, given = tokens(sql), tokens(chance.choice(others))
    start = chance.randrange(len(given))
    place = chance.randrange(len(parts))
    return "".join(
        [*parts[:place], *given[start : start + chance.randint(1, 6)], *parts[place + chance.randint(0, 4) :]]
    )


def _nest(sql: str, others: Sequence[str], chance: random.Random) -> str:
    inner = sql.rstrip("; ")
    return chance.choice(
        (
            "select * from ({}) as n",
            "with n as ({}) select * from n",
            "select count(*) from ({}) as n",
            "({}) limit 5",
            "select n::text from ({}) as n",
        )
    ).format(inner)


def _case(sql: str, others: Sequence[str], chance: random.Random) -> str:
    parts = tokens(sql)
    place = chance.randrange(len(parts))
    part = parts[place]
    parts[place] = part.upper() if part.islower() and part[0].isalpha() else f'"{part}"' if part[0].isalpha() else part
    return "".join(parts)


_CHANGES: tuple[Callable[[str, Sequence[str], random.Random], str], ...] = (
    _swap,
    _swap,
    _swap,
    _cast,
    _operate,
    _wrap,
    _wrap,
    _drop,
    _space,
    _end,
    _splice,
    _nest,
    _case,
)
