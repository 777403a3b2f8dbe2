"""Databases with rules of another language: Turkish letters, and messages that are not English."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import FAST, Connection, Database
from tests.support.asking import ask
from tools.account import Account
from tools.cluster import Cluster

LOCALES = Path("/usr/share/i18n/locales")
needs_locales = pytest.mark.skipif(
    not (LOCALES / "tr_TR").exists() or shutil.which("localedef") is None, reason="needs the package locales"
)
# How a database is made whose rules are those of C.UTF-8, of Turkish by ICU, and of Turkish by the C library.
RULES = {
    "plain": "locale 'C.UTF-8'",
    "icu": "locale 'C.UTF-8' locale_provider icu icu_locale 'tr-TR'",
    "libc": "locale 'tr_TR.UTF-8'",
}
TOWNS = """
    create table "BILL_INFO" (
        "ID" int primary key, "ISIM" text not null, "EMAIL_ID" text, "MOBILE" text, "PIN" text, "KIMLIK_NO" text,
        "BIRTHDATE" date, "INVOICE_LINE" numeric);
    insert into "BILL_INFO"
        select n, (array['ISPARTA', E'I\\u011fd\\u0131r', 'izmir', E'\\u0130stanbul'])[1 + n % 4],
            'mayor' || n || '@city.example',
            '13800138' || lpad(n::text, 3, '0'), '1234', '10000000146', '1980-01-01', n
        from generate_series(1, 100) as n;
    grant select on "BILL_INFO" to ilk;
    select nl2sql.index_values('"BILL_INFO"', 'ISIM');
    select nl2sql.define_term('INITIAL BILLING', 'the first one');
"""
PII = "select column_name, masking, score, evidence from nl2sql.discover_pii('{public}') order by 1"


@dataclass(frozen=True)
class Abroad(Account):
    """The server's user, with locales of its own."""

    locales: str = ""

    def popen_arguments(self) -> dict[str, Any]:
        arguments = super().popen_arguments()
        return arguments | {"env": arguments["env"] | {"LOCPATH": self.locales}}


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server of its own: locales that the system does not have are made for it."""
    root = Path(tempfile.mkdtemp(prefix="nl2sql-lang-"))
    root.chmod(0o755)
    locales = root / "locales"
    locales.mkdir()
    if shutil.which("localedef") and LOCALES.exists():
        for name in ("tr_TR", "de_DE"):
            subprocess.run(["localedef", "-i", name, "-f", "UTF-8", locales / f"{name}.UTF-8"], check=False)
    made = Cluster(root / "cluster", settings=FAST)
    made.account = Abroad(**vars(made.account), locales=str(locales))
    with made as running:
        yield running
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def databases(server: Cluster, short_folder: Path) -> Iterator[dict[str, Database]]:
    """One for each of the rules; `libc` is missing where the locale can't be made."""
    made = {}
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for rules, clause in RULES.items():
            if rules == "libc" and not LOCALES.exists():
                continue
            connection.execute(f"create database {rules} template template0 encoding 'UTF8' {clause}".encode())
            found = made[rules] = Database(server, rules, short_folder / f"language-{rules}.sock")
            with found.connect() as admin:
                admin.execute("create extension nl2sql cascade")
                admin.execute("select nl2sql.set_setting('audit', 'off')")
                admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(found.socket),))
                admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
                if len(made) == 1:
                    admin.execute("create role ilk login in role nl2sql_user")
                admin.execute(TOWNS)
    yield made


@pytest.fixture(params=["plain", "icu", pytest.param("libc", marks=needs_locales)])
def database(databases: dict[str, Database], request: pytest.FixtureRequest) -> Database:
    return databases[request.param]


@pytest.fixture
def admin(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


@pytest.fixture
def reader(database: Database) -> Iterator[Connection]:
    with database.connect("ilk") as connection:
        yield connection


def rows(connection: Connection, query: str, *parameters: Any) -> list[Any]:
    return connection.execute(query.encode(), parameters or None).fetchall()


def test_the_rules_are_turkish(databases: dict[str, Database]) -> None:
    """Else the others prove nothing."""
    for rules, database in databases.items():
        with database.connect() as connection:
            small = rows(connection, "select lower('I') = 'i' or lower(E'\\u0130') <> 'i', 'ID' ~* 'id'")[0]
            assert small[0] is (rules == "plain"), rules


def test_the_same_is_to_be_masked(database: Database, databases: dict[str, Database], admin: Connection) -> None:
    with databases["plain"].connect() as plain:
        expected = rows(plain, PII)
    assert [name for name, *_ in expected] == ["BIRTHDATE", "EMAIL_ID", "KIMLIK_NO", "MOBILE", "PIN"]
    assert rows(admin, PII) == expected


def test_words(admin: Connection) -> None:
    assert rows(
        admin, "select nl2sql._words('INVOICE_LineItemID'), nl2sql._folded('ISPARTA - I'), nl2sql._folded(%s)", "İzmir"
    ) == [("invoice line item id", "isparta i", "izmir")]
    assert rows(admin, "select m.mask from nl2sql._masking_parts('MASK_ID') as m") == [("mask_id",)]


def test_a_mask_by_its_name_in_capitals(admin: Connection, reader: Connection) -> None:
    admin.execute("""select nl2sql.mask('"BILL_INFO"', 'EMAIL_ID', 'EMAIL'), nl2sql.mask('"BILL_INFO"', 'PIN', 'ID')""")
    assert rows(reader, """select distinct "EMAIL_ID", "PIN" from public_masked."BILL_INFO" """) == [
        ("m****@city.example", "****")
    ] or rows(reader, """select count(distinct "PIN") from public_masked."BILL_INFO" """) == [(1,)]
    admin.execute("""select nl2sql.unmask('"BILL_INFO"', 'EMAIL_ID'), nl2sql.unmask('"BILL_INFO"', 'PIN')""")


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("what is the id of ISPARTA", "ISPARTA"),
        ("what is the id of isparta", "ISPARTA"),
        ("the bill of İstanbul", "İstanbul"),
        ("the bill of IZMIR", "izmir"),
    ],
)
def test_values_are_found(database: Database, reader: Connection, question: str, value: str) -> None:
    assert value in ask(database, reader, question).text


def test_terms_are_found(database: Database, admin: Connection, reader: Connection) -> None:
    assert "the first one" in ask(database, reader, "count by initial billing").text
    assert rows(admin, "select nl2sql.drop_term('initial billing')") == [(True,)]
    admin.execute("select nl2sql.define_term('INITIAL BILLING', 'the first one')")


def test_public_in_capitals(admin: Connection) -> None:
    assert rows(admin, "select nl2sql._find_role('PUBLIC')") == [(0,)]


@needs_locales
def test_messages_in_german(databases: dict[str, Database]) -> None:
    """Errors of the server are told apart by their codes; its own words reach the client in its language."""
    database = databases["plain"]
    with database.connect() as admin:
        admin.execute("set lc_messages = 'de_DE.UTF-8'")
        with pytest.raises(psycopg.errors.UndefinedTable, match="existiert nicht"):
            admin.execute("select * from nothing")
        admin.execute("alter database plain set lc_messages = 'de_DE.UTF-8'")
    try:
        with database.connect("ilk") as reader, database.connect() as admin:
            assert "FEHLER" not in str(rows(reader, "select * from nl2sql.status()"))
            assert "BILL_INFO" in ask(database, reader, "how many bills").text
            with pytest.raises(psycopg.errors.UndefinedTable):
                admin.execute("select nl2sql.mask('nothing', 'x', 'email')")
            admin.execute("""select nl2sql.mask('"BILL_INFO"', 'MOBILE', 'phone')""")
            assert rows(reader, """select distinct left("MOBILE", 7) from public_masked."BILL_INFO" """) == [
                ("138****",)
            ]
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="keine Berechtigung"):
                reader.execute('select * from "BILL_INFO"')
            admin.execute("""select nl2sql.unmask('"BILL_INFO"', 'MOBILE')""")
            with pytest.raises(psycopg.errors.InvalidParameterValue):
                admin.execute("""select nl2sql.mask('"BILL_INFO"', 'BIRTHDATE', 'date(''hour'')')""")
    finally:
        with database.connect() as admin:
            admin.execute("alter database plain reset lc_messages")
