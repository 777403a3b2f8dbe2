"""Tables of one name in several schemas: a statement reads the one that is meant, named as the search path needs it."""

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
    create schema hotel; create schema hotel_archive; create schema hotel_import;
    create table hotel.guest (guest_no int primary key, guest_name text);
    create table hotel.booking (
        booking_no int primary key, guest_no int references hotel.guest, room text, status text);
    create table hotel_archive.booking (booking_no int, edition int, room text, status text);
    create table hotel_import.booking (booking_no text, room text, status text, refusal text);
    comment on table hotel.booking is 'bookings as they are now';
    comment on table hotel_archive.booking is 'archive: every edition of a booking';
    comment on table hotel_import.booking is 'bookings that partners delivered';
    insert into hotel.guest values (1, 'Ann'), (2, 'Ben');
    insert into hotel.booking values (1, 1, 'a', 'open'), (2, 2, 'a', 'open'), (3, 1, 'b', 'left');
    insert into hotel_archive.booking values
        (1, 1, 'b', 'new'), (1, 2, 'a', 'open'), (2, 1, 'a', 'open'), (3, 1, 'b', 'left');
    insert into hotel_import.booking values ('9', 'c', 'new', 'no such room'), ('8', 'a', 'new', null);
"""  # fmt: skip
ALL = "array(select oid from pg_class where relkind = 'r' and relnamespace::regnamespace::text like 'hotel%%')"
CASES = [
    # by the columns
    ("hotel", "", "SELECT max(edition) FROM booking", "SELECT max(edition) FROM hotel_archive.booking"),
    ("public", "", "SELECT count(*) FROM booking WHERE refusal IS NULL",
     "SELECT count(*) FROM hotel_import.booking WHERE refusal IS NULL"),
    ("hotel_archive, hotel", "", "SELECT b.room, g.guest_name FROM booking b JOIN guest g ON g.guest_no = b.guest_no",
     "SELECT b.room, g.guest_name FROM hotel.booking b JOIN hotel.guest g ON g.guest_no = b.guest_no"),
    # by the question
    ("hotel, hotel_archive", "How many editions of booking 1 are there in the archive?",
     "SELECT count(*) FROM booking WHERE booking_no = 1",
     "SELECT count(*) FROM hotel_archive.booking WHERE booking_no = 1"),
    ("public", "How many bookings did partners deliver?", "SELECT count(*) FROM booking",
     "SELECT count(*) FROM hotel_import.booking"),
    ("hotel_archive, hotel", "How many bookings are open now?", "SELECT count(*) FROM booking WHERE status = 'open'",
     "SELECT count(*) FROM hotel.booking WHERE status = 'open'"),
    # a name that one schema has alone
    ("public", "", "SELECT guest_name FROM guest", "SELECT guest_name FROM hotel.guest"),
]  # fmt: skip
STAYS = [
    ("hotel", "How many bookings are open?", "SELECT count(*) FROM booking WHERE status = 'open'"),
    ("hotel", "What does the archive have?", "SELECT count(*) FROM hotel.booking"),
    ("public", "How many bookings are there?", "SELECT count(*) FROM booking"),
]


@pytest.fixture(scope="module")
def hotel(cluster: Cluster, template: str) -> Iterator[Connection]:
    with new_database(cluster, template) as database, database.connect() as connection:
        connection.execute(SCHEMA)
        yield connection


def scope(connection: Connection, search_path: str) -> Scope:
    described = connection.execute(f"select nl2sql._describe({ALL.replace('%%', '%')})".encode()).fetchone()
    assert described
    return ScopeBody.model_validate({"search_path": search_path.split(", "), "tables": described[0]}).typed()


@pytest.mark.parametrize(("path", "question", "given", "gold"), CASES)
def test_the_table_that_is_meant(hotel: Connection, path: str, question: str, given: str, gold: str) -> None:
    known = scope(hotel, path)
    repaired = repair(given, known, question=question, refused=path == "public")
    hotel.execute("select set_config('search_path', %s, false)", (path,))
    answer = sorted(hotel.execute(check(repaired.sql, known).sql.encode()).fetchall())
    assert answer == sorted(hotel.execute(gold.encode()).fetchall())
    assert repaired.notes


@pytest.mark.parametrize(("path", "question", "given"), STAYS)
def test_what_nothing_tells_stays(hotel: Connection, path: str, question: str, given: str) -> None:
    assert repair(given, scope(hotel, path), question=question).sql == given
