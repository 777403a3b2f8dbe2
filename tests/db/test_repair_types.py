"""What a column's type says is meant, and what a join repeats: the rows of mended proposals are the right ones."""

from __future__ import annotations

import pytest

from sidecar.guard.scope import Scope
from sidecar.repair.binding import bind
from sidecar.repair.fan_out import fan_outs
from sidecar.repair.reading import read
from tests.conftest import Connection, Database
from tests.support.mending import mended, rows, scope_of

CLINIC = """
    create type triage as enum ('minor', 'moderate', 'Severe', 'CRITICAL');
    create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create table ward (ward_id int primary key, ward_name text collate any_case not null, budget money, beds int);
    create table visit (
        visit_id int primary key, ward_id int references ward, urgency triage, symptoms text[], came_at timestamptz,
        insured daterange, form jsonb, cost numeric);
    create table treatment (
        visit_id int references visit, step int, minutes int, kind text, primary key (visit_id, step));
    insert into ward values (1, 'North', 1000, 10), (2, 'NORTH EAST', 250.50, 5), (3, 'South', 80, 4);
    insert into visit values
        (1, 1, 'minor', '{cough}', '2026-02-01', '[2025-01-01,2026-01-01)', '{"channel": "web", "age": 40}', 100),
        (2, 1, 'CRITICAL', '{cough,fever}', '2026-02-28 20:00', '[2025-06-01,2025-07-01)',
            '{"channel": "desk", "age": 7}', 900),
        (3, 2, 'Severe', '{}', '2026-03-01', null, '{"channel": "web", "age": 70}', 50),
        (4, 3, 'moderate', '{fever}', '2026-01-31 23:00', null, '{"channel": "phone", "age": 9}', 20);
    insert into treatment values
        (1, 1, 10, 'x-ray'), (1, 2, 20, 'x-ray'), (1, 3, 5, 'talk'), (2, 1, 60, 'x-ray'), (3, 1, 30, 'talk');
    grant select on ward, visit, treatment to analyst;
"""


@pytest.fixture
def clinic(database: Database, admin: Connection, analyst: Connection) -> Scope:
    for connection in (admin, analyst):
        connection.execute("set timezone = 'UTC'")
    admin.execute(CLINIC)
    return scope_of(database, analyst)


@pytest.mark.parametrize(
    ("question", "condition", "ids"),
    [
        ("visits of at least severe urgency", "urgency = 'severe'", [2, 3]),
        ("visits that were moderate or lower", "urgency IN ('moderate')", [1, 4]),
        ("", "urgency::text > 'minor'", [2, 3, 4]),
        ("", "LOWER(urgency) = 'critical'", [2]),
        ("", "urgency LIKE 'Sev%'", [3]),
        ("", "symptoms = 'fever'", [2, 4]),
        ("", "symptoms ILIKE '%fever%'", [2, 4]),
        ("", "symptoms <> 'cough'", [3, 4]),
        ("", "symptoms IN ('cough', 'fever')", [1, 2, 4]),
        ("", "insured && '2025-06-15'", [1, 2]),
        ("", "insured @> '2025-12-31'", [1]),
        ("", "insured BETWEEN '2025-06-01' AND '2025-06-30'", [1, 2]),
        ("", "form->'channel' = 'web'", [1, 3]),
        ("", "form->>'age' > 9", [1, 3]),
        ("", "came_at BETWEEN '2026-02-01' AND '2026-02-28'", [1, 2]),
        ("", "came_at >= '2026-02-01' AND came_at <= '2026-02-28'", [1, 2]),
        ("", "came_at = '2026-02'", [1, 2]),
        ("", "came_at = '2026-02-28'", [2]),
    ],
)
def test_conditions(clinic: Scope, analyst: Connection, question: str, condition: str, ids: list[int]) -> None:
    statement = mended(clinic, f"SELECT visit_id FROM visit WHERE {condition}", question)
    assert rows(analyst, statement) == [(number,) for number in ids], statement


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("ward_name LIKE '%north%'", ["NORTH EAST", "North"]),
        ("LOWER(ward_name) LIKE 'north%'", ["NORTH EAST", "North"]),
        ("ward_name ~ '^north'", ["NORTH EAST", "North"]),
        ("POSITION('EAST' IN ward_name) > 0", ["NORTH EAST"]),
        ("STRPOS(ward_name, 'east') > 0", ["NORTH EAST"]),
        ("SPLIT_PART(ward_name, ' ', 2) = 'EAST'", ["NORTH EAST"]),
        ("budget > 100", ["NORTH EAST", "North"]),
        ("budget BETWEEN 200 AND 300.5", ["NORTH EAST"]),
        ("ROUND(budget) = 80", ["South"]),
    ],
)
def test_wards(clinic: Scope, analyst: Connection, condition: str, names: list[str]) -> None:
    statement = mended(clinic, f"SELECT ward_name FROM ward WHERE {condition}")
    assert [name for (name,) in rows(analyst, statement)] == names, statement


def test_most_severe_first(clinic: Scope, analyst: Connection) -> None:
    proposal = "SELECT urgency, COUNT(*) FROM visit GROUP BY urgency ORDER BY COUNT(*) DESC"
    statement = mended(clinic, proposal, "number of visits by urgency, most severe first")
    found = [urgency for urgency, _ in analyst.execute(statement.encode()).fetchall()]
    assert found == ["CRITICAL", "Severe", "moderate", "minor"]


@pytest.mark.parametrize(
    ("proposal", "expected"),
    [
        (
            "SELECT SUM(v.cost) FROM visit v JOIN treatment t ON t.visit_id = v.visit_id WHERE t.kind = 'x-ray'",
            [(1000,)],
        ),
        (
            "SELECT v.ward_id, SUM(v.cost), COUNT(*) FROM visit v JOIN treatment t ON t.visit_id = v.visit_id"
            " GROUP BY 1",
            [(1, 1000, 4), (2, 50, 1)],
        ),
        (
            "SELECT v.ward_id, SUM(cost), SUM(minutes) FROM visit v LEFT JOIN treatment t ON t.visit_id = v.visit_id"
            " GROUP BY v.ward_id",
            [(1, 1000, 95), (2, 50, 30), (3, 20, None)],
        ),
        (
            "SELECT SUM(w.beds), SUM(t.minutes) FROM ward w JOIN visit v ON v.ward_id = w.ward_id"
            " JOIN treatment t ON t.visit_id = v.visit_id WHERE v.cost > 60",
            [(40, 95)],  # both sides are asked for, over two joins: left as it is, and named
        ),
        (
            "SELECT AVG(w.beds) FROM ward w JOIN visit v ON v.ward_id = w.ward_id"
            " JOIN treatment t ON t.visit_id = v.visit_id WHERE t.minutes > 1",
            [(7.5,)],
        ),
        ("SELECT ward_id, SUM(cost) FROM visit GROUP BY ward_id", [(1, 1000), (2, 50), (3, 20)]),
    ],
)
def test_amounts_count_once(clinic: Scope, analyst: Connection, proposal: str, expected: list[tuple[object]]) -> None:
    statement = mended(clinic, proposal)
    found = rows(analyst, statement)
    assert [tuple(None if v is None else float(v) for v in row) for row in found] == expected, statement


def test_what_fans_out_is_named(clinic: Scope) -> None:
    tree, _ = read(
        "SELECT SUM(w.beds), SUM(t.minutes) FROM ward w JOIN visit v ON v.ward_id = w.ward_id"
        " JOIN treatment t ON t.visit_id = v.visit_id"
    )
    assert tree is not None
    assert [str(found) for found in fan_outs(bind(tree, clinic))] == [
        "SUM(w.beds) counts each row of w once for each of v",
        "SUM(w.beds) counts each row of v once for each of t",
    ]
