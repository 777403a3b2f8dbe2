"""A schema whose names are key words or need quotes for what they hold, and how a model may spell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# Forty tables: their columns, each with a letter for its type; all have an id as well.
TABLES = {
    "user": "userId:i displayName:t group:t createdAt:d",
    "order": "orderId:i userId:i limit:i from:d to:d desc:t",
    "group": "order:i end:d name:t",
    "table": "column:t check:i",
    "check": "table:t primary:i references:i",
    "select": "where:t having:i",
    "from": "to:t on:d",
    "limit": "offset:i fetch:i",
    "end": "case:t when:d then:i else:t",
    "desc": "asc:i desc:i",
    "left": "right:i join:t",
    "all": "any:i some:i distinct:t",
    "column": "all:t user:t",
    "grant": "to:t with:i",
    "union": "intersect:i except:t",
    "default": "null:t true:i false:i",
    "analyse": "verbose:t freeze:i",
    "current_date": "current_date:d current_user:t localtime:d",
    "values": "interval:i row:t values:i",
    "time": "timestamp:d time:t year:i date:d",
    "count": "count:i sum:i max:t",
    "userAccount": "accountNo:i isActive:t UserName:t",
    "OrderItem": "itemNo:i unitPrice:i OrderDate:d order:i",
    "HTTPLog": "statusCode:i URL:t from:d",
    "Case": "caseType:t END:d not:i",
    "2024_sales": "net-amount:i unit_price:i 2nd_place:t",
    "order items": "unit_price_(EUR):i order:i user:t",
    "net-worth": "high-water-mark:i as-of:d",
    "profit%": "profit%:i margin_%:i",
    "a.b": "c.d:i e:t",
    "price$": "$cost:i price$:i cost$usd:i",
    "Größen": "Länge:i Straße:t ÄNDERUNG:d",
    "12345工单": "编号:i 2024年:i 状态:t",
    "客户_表": "姓名:t 金额（元）:i 订单-号:i",
    '12"_screen': '15"_wide:i "quoted":t',
    "driver's_license": "it's_valid:t o'clock:i",
    "x/y": "m/s:i a+b:i",
    "tab[1]": "col[2]:i",
    "user_data#1": "e-mail:t phone_#:t",
    "Sales.2024": "Q1.net:i Q1.gross:i",
}  # fmt: skip
_TYPES = {"i": "int", "t": "text", "d": "date"}
# What these words have between them is a blank, in names that are not listed here as well.
_BLANKS = re.compile(r"(?<=order)_(?=items)|(?<=unit)_(?=price_)|_(?=\(|#|%|wide|screen|license|valid|表)|(?<=margin)_")


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def tables() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for name, columns in TABLES.items():
        named = [text.rsplit(":", 1) for text in columns.split()]
        yield _BLANKS.sub(" ", name), [(_BLANKS.sub(" ", column), kind) for column, kind in named]


def schema(place: str) -> str:
    """DDL and rows; no two tables have as many rows."""
    lines = [f"create schema {place};"]
    for number, (name, columns) in enumerate(tables()):
        own = [(column, kind) for column, kind in columns if column != "id"]
        defined = ", ".join(f"{quote(column)} {_TYPES[kind]}" for column, kind in own)
        values = ", ".join(_value(kind, place) for place, (_, kind) in enumerate(own, number))
        lines.append(f"create table {place}.{quote(name)} (id int primary key, {defined});")
        lines.append(
            f"insert into {place}.{quote(name)} select n, {values} from generate_series(1, {5 + number}) as n;"
        )
    return "\n".join(lines)


def _value(kind: str, salt: int) -> str:
    if kind == "i":
        return f"(n * {salt + 3}) % {7 + salt % 5}"
    return f"'v' || (n + {salt}) % 3" if kind == "t" else f"date '2026-01-01' + (n * {salt + 1}) % 60"


_QUOTED = re.compile(r'"((?:[^"]|"")+)"')


def spellings(gold: str, place: str) -> dict[str, str]:
    """The statement as a model may write it, by what is wrong with it."""
    seen = iter(range(1000))
    made = {
        "bare": _each(gold, lambda name: name),
        "half": _each(gold, lambda name: name if next(seen) % 2 else quote(name)),
        "upper": _each(gold, str.upper),
        "lower": _each(gold, str.lower),
        "quoted in another case": _each(gold, lambda name: quote(name.swapcase()), also_plain=True),
        "backticks": _each(gold, lambda name: f"`{name}`", also_plain=True),
        "brackets": _each(gold, lambda name: name if "[" in name else f"[{name}]"),
        "qualified": re.sub(r"\b(FROM|JOIN) (?=[\"a-z])(?!\"?to\")", rf"\1 {place}.", gold),
        "one pair of quotes": re.sub(r'\b(FROM|JOIN) "(?!to")', rf'\1 "{place}.', gold),
        "right": gold,
    }
    if "IS DISTINCT FROM" in gold:
        del made["qualified"], made["one pair of quotes"]
    return made


def _each(gold: str, spell: Callable[[str], str], also_plain: bool = False) -> str:
    """Every quoted name spelt otherwise; one that holds a quote keeps half of its own."""

    def replaced(found: re.Match[str]) -> str:
        name = found[1].replace('""', '"')
        if "'" in name or '"' in name:
            return f'"{name}"' if not also_plain else found[0]
        return spell(name)

    return _QUOTED.sub(replaced, gold)
