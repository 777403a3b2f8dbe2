"""Literals against stored values that the question names; fixture value_spelling.txt has those against closed lists."""

from __future__ import annotations

import pytest

from sidecar.guard.scope import Column, ForeignKey, Scope, Table
from sidecar.prompt.render import ValueMatch
from sidecar.repair.repair import Repaired, repair

KNOWN = ("Comp. Sci.", "Progress Party", "Fast As a Shark", "Cat", "Eggs", "EGG", "LA 1", "Bob", " Ann", "-")
COLUMNS = (
    Column("id", "integer"),
    Column("name", "text"),
    Column("code", "character(3)"),
    Column("any_case", "public.citext"),
    Column("closed", "text", values=("open", "opened", "shut")),
    Column("cut", "text", values=tuple(f"value {n}" for n in range(30))),
    Column(
        "known",
        "text",
        stored=("Comp. Sci.", "Progress Party", "Fast As a Shark", "Cat", "Eggs", "LA 1", "Bob", " Ann", "-"),
    ),
    Column("kind", "text"),
)
KEYS = (ForeignKey(("kind",), "s", "city", ("known",)), ForeignKey(("name",), "s", "city", ("known",), score=0.9))
SCOPE = Scope(
    ("s",), (Table("s", "country", "table", COLUMNS, foreign_keys=KEYS), Table("s", "city", "table", COLUMNS))
)


def match(value: str, phrase: str, column: str = "name", table: str = "country", complete: bool = True) -> ValueMatch:
    return ValueMatch("s", table, column, value, phrase, complete)


def where(condition: str, *values: ValueMatch) -> str:
    """The condition as it comes back."""
    start = "SELECT id FROM country WHERE "
    return repair(start + condition, SCOPE, values).sql.removeprefix(start)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("name = 'france'", "name = 'France'"),
        ("name = ' FRANCE '", "name = 'France'"),
        ("name <> 'france'", "name <> 'France'"),
        ("name IN ('france', 'Peru')", "name IN ('France', 'Peru')"),
        ("name LIKE 'france'", "name LIKE 'France'"),
        ("name = 'cote d''ivoire'", "name = 'Côte d''Ivoire'"),
        ("code = 'fra'", "code = 'FRA'"),
    ],
)
def test_the_stored_spelling(condition: str, expected: str) -> None:
    known = (match("France", "france"), match("Côte d'Ivoire", "cote d'ivoire"), match("FRA", "fra", "code"))
    assert where(condition, *known) == expected


def test_a_word_of_the_question_in_another_script() -> None:
    assert where("name = '法国' AND kind = '法国'", match("France", "法国")) == "name = 'France' AND kind = '法国'"


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("name = 'France'", [match("FRANCE", "France"), match("France", "France")]),
        ("name = 'france'", [match("FRANCE", "france"), match("France", "france")]),
        ("name = 'france'", [match("France", "france", table="city")]),
        ("name = 'france'", [match("France", "france", column="code")]),
        ("name = 'Frances'", [match("France", "Frances")]),
        ("name = 'france'", [match("France", "france", complete=False)]),
        ("name = '法国'", [match("France", "法国", complete=False)]),
        ("name = '法国'", [match("France", "法国"), match("French", "法国")]),
        ("name = '法'", [match("France", "法国")]),
        ("name = '张三丰'", [match("张三", "张三丰")]),
        ("name LIKE '%france%'", [match("France", "france")]),
        ("name ILIKE 'france'", [match("France", "france")]),
        ("any_case = 'france'", [match("France", "france", column="any_case")]),
        ("LOWER(name) = 'france'", [match("France", "france")]),
        ("code = 'FR'", [match("FR ", "fr", column="code")]),
        ("closed = 'opene'", []),
        ("closed = 'nothing like it'", []),
        ("name > 'france'", [match("France", "france")]),
        ("name = closed", [match("France", "france")]),
    ],
)
def test_left_as_it_is(condition: str, values: list[ValueMatch]) -> None:
    assert where(condition, *values) == condition


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("cat", "Cat"),
        ("cats", "Cat"),
        ("Computer Science", "Comp. Sci."),
        ("Progressive Party", "Progress Party"),
        ("fast as shark", "Fast As a Shark"),
        ("Shark", "Fast As a Shark"),
        ("the Cat", "Cat"),
        ("Ann", "Ann"),
        ("ann", " Ann"),
        ("Comp. Sci.", "Comp. Sci."),
        ("LA 2", "LA 2"),
        ("Eggplant", "Eggplant"),
        ("Bo", "Bo"),
        ("", ""),
        ("*", "*"),
        ("nothing like it", "nothing like it"),
    ],
)
def test_a_literal_that_the_column_does_not_hold(written: str, stored: str) -> None:
    assert where(f"known = '{written}'") == f"known = '{stored}'"


def test_two_relatives_are_one_too_many() -> None:
    columns = (Column("name", "text", stored=("North Gate", "South Gate", "Marten", "Martin")),)
    scope = Scope(("s",), (Table("s", "door", "table", columns),))
    for literal in ("Gate", "Martan"):
        sql = f"SELECT name FROM door WHERE name = '{literal}'"
        assert repair(sql, scope) == Repaired(sql, doubts=(f"'{literal}' is none of the values of door.name",))


def test_a_column_holds_no_more_than_the_one_it_refers_to() -> None:
    assert where("kind = 'cat'") == "kind = 'Cat'"
    assert where("kind = 'Cat'") == "kind = 'Cat'"
    assert where("name = 'cat'") == "name = 'cat'", "an inferred key proves nothing"


def test_a_list_that_may_be_cut_is_not_closed() -> None:
    """It still gives the spelling of its own values, but no near one."""
    assert where("cut = 'Value 1'") == "cut = 'value 1'"
    assert where("cut = 'valu 1'") == "cut = 'valu 1'"


def test_it_says_what_it_did() -> None:
    sql = "SELECT id FROM country WHERE name = 'france'"
    repaired = repair(sql, SCOPE, [match("France", "france")])
    assert repaired == Repaired(sql.replace("france", "France"), ("'france' is stored as 'France'",))


def test_in_a_subquery_and_by_alias() -> None:
    sql = "SELECT c.id FROM city AS c WHERE c.id IN (SELECT k.id FROM country AS k WHERE k.name = 'france')"
    assert repair(sql, SCOPE, [match("France", "france")]).sql == sql.replace("france", "France")
