"""Joins by keys of several columns, and by one of two keys: the rows of a real server, before and after repair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar.api.schemas import ScopeBody
from sidecar.guard.check import check
from sidecar.guard.scope import Scope
from sidecar.repair.repair import repair
from tests.conftest import Connection
from tests.support.databases import new_database
from tools.cluster import Cluster

SCHEMA = """
    create schema clinic;
    set search_path = clinic;
    create table site (site_no int primary key, site_name text);
    create table ward (
        site_no int references site, ward_no int, beds int, ward_name text, primary key (site_no, ward_no));
    create table stay (
        stay_no int primary key, site_no int not null, ward_no int not null, nights int,
        foreign key (site_no, ward_no) references ward);
    create table person (person_no int primary key, person_name text);
    create table letter (
        letter_no int primary key, sender int references person, recipient int references person, pages int);
    insert into site values (1, 'North'), (2, 'South');
    insert into ward select s, w, 10 * s + w, 'ward ' || s || w from generate_series(1, 2) s, generate_series(1, 3) w;
    insert into stay select n, 1 + n % 2, 1 + n % 3, n from generate_series(1, 12) n;
    insert into person values (1, 'Ann'), (2, 'Ben'), (3, 'Cy');
    insert into letter values (1, 1, 2, 3), (2, 2, 3, 1), (3, 1, 3, 2), (4, 3, 3, 5);
"""
ALL = "array(select oid from pg_class where relkind = 'r' and relnamespace = 'clinic'::regnamespace)"
SUM = "SELECT sum(s.nights * w.beds) FROM stay s JOIN ward w USING (site_no, ward_no)"
BUSY = "SELECT stay_no FROM stay JOIN ward USING (site_no, ward_no) WHERE beds > 21"
HALF = {
    "SELECT sum(s.nights * w.beds) FROM stay s JOIN ward w ON w.ward_no = s.ward_no": SUM,
    "SELECT sum(s.nights * w.beds) FROM stay s, ward w WHERE w.site_no = s.site_no": SUM,
    "SELECT sum(s.nights * w.beds) FROM stay s JOIN ward w USING (ward_no)": SUM,
    "SELECT sum(s.nights * w.beds) FROM stay s LEFT JOIN ward w ON w.ward_no = s.ward_no": SUM,
    "SELECT sum(s.nights * w.beds) FROM stay s JOIN site t USING (site_no) JOIN ward w USING (ward_no)": SUM,
    "SELECT sum(s.nights * w.beds) FROM site t JOIN ward w USING (site_no) JOIN stay s ON s.site_no = t.site_no": SUM,
    "SELECT sum(s.nights * (SELECT w.beds FROM ward w WHERE w.ward_no = s.ward_no)) FROM stay s": SUM,
    "SELECT stay_no FROM stay WHERE ward_no IN (SELECT ward_no FROM ward WHERE beds > 21)": BUSY,
    "SELECT stay_no FROM stay s WHERE EXISTS (SELECT 1 FROM ward w WHERE w.ward_no = s.ward_no AND w.beds > 21)": BUSY,
    "SELECT stay_no FROM stay s WHERE NOT (s.ward_no NOT IN (SELECT w.ward_no FROM ward w WHERE w.beds > 21))": BUSY,
}  # fmt: skip

NAMES = """SELECT a.person_name, b.person_name FROM letter l
    JOIN person a ON a.person_no = l.sender JOIN person b ON b.person_no = l.recipient"""
GOT = "SELECT count(*) FROM letter l JOIN person p ON p.person_no = l.recipient WHERE person_name = 'Cy'"
ONE_OF_TWO = [
    (
        "who wrote to whom",
        "SELECT p.person_name, p.person_name FROM letter l"
        " JOIN person p ON p.person_no = l.sender AND p.person_no = l.recipient",
        NAMES,
    ),
    (
        "for each letter the name of its sender and of its recipient",
        "SELECT p.person_name, q.person_name FROM letter l"
        " JOIN person p ON p.person_no = l.sender JOIN person q ON q.person_no = l.sender",
        NAMES,
    ),
    (
        "how many letters did Cy receive?",
        "SELECT count(*) FROM letter l JOIN person p ON p.person_no = l.sender AND p.person_no = l.recipient"
        " WHERE person_name = 'Cy'",
        GOT,
    ),
    (
        "letters that Cy got",
        "SELECT count(*) FROM letter l JOIN person recipient ON recipient.person_no = l.sender"
        " WHERE recipient.person_name = 'Cy'",
        GOT,
    ),
]
TO_ONESELF = "SELECT count(*) FROM letter l JOIN person p ON p.person_no = l.sender AND p.person_no = l.recipient"


@pytest.fixture(scope="module")
def clinic(cluster: Cluster, template: str) -> Iterator[Connection]:
    with new_database(cluster, template) as database, database.connect() as connection:
        connection.execute(SCHEMA)
        yield connection


@pytest.fixture(scope="module")
def scope(clinic: Connection) -> Scope:
    described = clinic.execute(f"select nl2sql._describe({ALL})".encode()).fetchone()
    assert described
    return ScopeBody.model_validate({"search_path": ["clinic"], "tables": described[0]}).typed()


def rows(connection: Connection, sql: str) -> list[str]:
    return sorted(map(repr, connection.execute(sql.encode()).fetchall()))


@pytest.mark.parametrize(("given", "gold"), HALF.items())
def test_half_a_key(clinic: Connection, scope: Scope, given: str, gold: str) -> None:
    repaired = repair(given, scope)
    assert repaired.notes
    assert rows(clinic, check(repaired.sql, scope).sql) == rows(clinic, gold)


@pytest.mark.parametrize(("question", "given", "gold"), ONE_OF_TWO)
def test_one_of_two_keys(clinic: Connection, scope: Scope, question: str, given: str, gold: str) -> None:
    repaired = repair(given, scope, question=question)
    assert repaired.notes
    assert rows(clinic, check(repaired.sql, scope).sql) == rows(clinic, gold)


def test_both_keys_where_the_question_means_both(scope: Scope) -> None:
    assert repair(TO_ONESELF, scope, question="how many letters did people send to themselves?").sql == TO_ONESELF
