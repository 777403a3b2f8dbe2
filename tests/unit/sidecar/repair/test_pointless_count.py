"""Which table is counted where a count is always 1; fixture pointless_count.txt has what needs no question."""

from __future__ import annotations

import pytest

from sidecar.guard.scope import Column, ForeignKey, Scope, Table
from sidecar.repair.repair import Repaired, repair


def table(name: str, *columns: Column, refers_to: str | None = None) -> Table:
    keys = (ForeignKey((f"{refers_to}_id",), "s", refers_to, (f"{refers_to}_id",)),) if refers_to else ()
    own = Column(f"{name}_id", "integer")
    link = (Column(f"{refers_to}_id", "integer"),) if refers_to else ()
    return Table("s", name, "table", (own, *link, *columns), primary_key=(own.name,), foreign_keys=keys)


SCOPE = Scope(
    ("s",),
    (
        table("dorm", Column("name", "text", unique=True), Column("town", "text", unique=True), Column("note", "text")),
        table("has_amenity", refers_to="dorm"),
        table("lives_in", Column("room", "text"), refers_to="dorm"),
        table("club", Column("title", "text", unique=True)),
        table("club_member", refers_to="club"),
    ),
)
BY_NAME = "SELECT name, COUNT(*) FROM dorm GROUP BY name"
AMENITIES = (
    "SELECT name, COUNT(*) FROM dorm JOIN has_amenity ON has_amenity.dorm_id = dorm.dorm_id GROUP BY name",
    ("each of dorm counts once: has_amenity is counted",),
)


def test_the_table_that_the_question_names() -> None:
    assert repair(BY_NAME, SCOPE, question="How many amenities has each dorm?") == Repaired(*AMENITIES)


@pytest.mark.parametrize(
    "question",
    [
        "How many dorms are there of each name?",
        "Which amenities has each dorm, and who lives in it?",
        "",
        "每栋宿舍有多少设施？",
    ],
)
def test_none_or_several_named(question: str) -> None:
    assert repair(BY_NAME, SCOPE, question=question) == Repaired(BY_NAME)


@pytest.mark.parametrize(
    ("question", "is_mended"), [("How many members?", True), ("每个俱乐部？", True), ("How many titles?", False)]
)
def test_the_only_one(question: str, is_mended: bool) -> None:
    """By a name that is unique it may be the names that are counted, if the question says nothing else."""
    sql = "SELECT title FROM club GROUP BY title ORDER BY COUNT(*) DESC LIMIT 1"
    assert bool(repair(sql, SCOPE, question=question).notes) is is_mended


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT town, COUNT(*) FROM dorm GROUP BY town",  # unique by chance
        "SELECT note, COUNT(*) FROM dorm GROUP BY note",
        "SELECT name FROM dorm GROUP BY name",
        "SELECT COUNT(DISTINCT town) FROM dorm GROUP BY name",
        "SELECT name, COUNT(*) FROM dorm JOIN lives_in ON lives_in.dorm_id = dorm.dorm_id GROUP BY name",
        "SELECT UPPER(name), COUNT(*) FROM dorm GROUP BY UPPER(name)",
        "SELECT name, COUNT(*) FROM dorm WHERE dorm_id IN (SELECT dorm_id FROM has_amenity) GROUP BY name",
        "SELECT COUNT(*) FROM dorm",
    ],
)
def test_other_counts_stay(sql: str) -> None:
    assert repair(sql, SCOPE, question="How many amenities has each dorm?") == Repaired(sql)
