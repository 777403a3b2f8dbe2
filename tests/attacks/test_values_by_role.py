"""Functions that answer by a role's name, called directly: only for the role in force, and only what it can reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import Connection, Database

ROLES = ("vault_reader", "porch_reader", "vault_keeper")
HOUSE = """
    create role vault_reader login in role nl2sql_user;
    create role porch_reader nologin in role nl2sql_user;
    create role vault_keeper login noinherit in role nl2sql_user, vault_reader, porch_reader;
    grant usage on schema nl2sql to vault_keeper;
    grant execute on all functions in schema nl2sql to vault_keeper;
    create schema vault;
    create table vault.deposit (id int, owner text, city text);
    insert into vault.deposit select n, 'Ottokar Mumenthaler', 'Kandersteg' from generate_series(1, 200) as n;
    analyze vault.deposit;
    grant usage on schema vault to vault_reader;
    grant select on vault.deposit to vault_reader, porch_reader;
    select nl2sql.index_values('vault.deposit', 'owner');
    insert into nl2sql._known_value (key, relid, attnum) values ('kandersteg', 'vault.deposit'::regclass, 3);
"""
# Each tells one row or more, for the role named, what vault.deposit or its masked view holds.
CALLS = {
    "indexed values": "select value from nl2sql._value_found('{role}', '{{ottokar mumenthaler}}', '{{ottokar}}')",
    "known values": "select key from nl2sql._known_found('{role}', '{{kandersteg, ottokar mumenthaler}}', 10)",
    "samples": "select samples from nl2sql._masked_samples('{role}', array("
    "select c.oid from pg_class as c where c.relname = 'deposit' and c.relkind = 'v'))",
    "statistics": "select found from nl2sql._masked_frequent_values('{role}', '{{vault_masked}}', '{{deposit}}')",
}


@pytest.fixture
def house(database: Database, admin: Connection) -> Iterator[Connection]:
    """A superuser's connection. porch_reader may not use the schema of a table on which it has SELECT."""
    admin.execute(HOUSE)
    yield admin
    admin.execute("reset role")
    for role in ROLES:
        admin.execute(f"drop owned by {role}; drop role {role}".encode())


def told(connection: Connection, call: str, role: str) -> bool:
    """Whether a call for a role tells anything."""
    return bool(connection.execute(CALLS[call].format(role=role).encode()).fetchall())


def mask(house: Connection, call: str) -> None:
    if call in ("samples", "statistics"):
        house.execute("select nl2sql.mask('vault.deposit', 'id', 'null')")


@pytest.mark.parametrize("call", CALLS)
def test_a_schema_must_be_usable(house: Connection, call: str) -> None:
    mask(house, call)
    assert told(house, call, "vault_reader")
    assert not told(house, call, "porch_reader")
    house.execute("revoke usage on schema vault from vault_reader")
    assert not told(house, call, "vault_reader")


@pytest.mark.parametrize("call", CALLS)
def test_the_role_in_force(house: Connection, database: Database, call: str) -> None:
    """vault_keeper may be vault_reader, and is told nothing for it until it is; what it had before, it has again."""
    mask(house, call)
    with database.connect("vault_keeper") as keeper:
        assert not told(keeper, call, "vault_reader")
        keeper.execute("set role vault_reader")
        assert told(keeper, call, "vault_reader")
        keeper.execute("set role porch_reader")
        assert not told(keeper, call, "vault_reader")
        assert not told(keeper, call, "vault_keeper")
        keeper.execute("set role none")
        house.execute("alter role vault_keeper inherit")
        if house.info.server_version >= 160_000:  # of a membership that is there, only it can tell
            house.execute("grant vault_reader to vault_keeper with inherit true")
        assert told(keeper, call, "vault_reader")
        keeper.execute("set role porch_reader")
        assert not told(keeper, call, "vault_reader")


@pytest.mark.parametrize("call", CALLS)
def test_a_superuser_as_a_lesser_role(house: Connection, call: str) -> None:
    mask(house, call)
    house.execute("set role porch_reader")
    assert not told(house, call, "vault_reader")
    assert not told(house, call, "postgres")
    house.execute("reset role")
    assert told(house, call, "postgres") or call in ("samples", "statistics")


@pytest.mark.parametrize("call", CALLS)
def test_inside_a_function_of_another_role(house: Connection, database: Database, call: str) -> None:
    """It runs with the rights of vault_reader, whoever calls it; what that role may find is not for the caller."""
    mask(house, call)
    inner = CALLS[call].format(role="vault_reader")
    house.execute(
        f"""
        create function public.ask_the_vault() returns bigint language sql security definer
        as $f$ select count(*) from ({inner}) as k $f$;
        alter function public.ask_the_vault() owner to vault_reader;
        grant execute on function public.ask_the_vault() to public
    """.encode()
    )
    with database.connect("vault_reader") as reader:
        assert (reader.execute("select public.ask_the_vault()").fetchone() or (0,))[0] > 0
    house.execute("set role porch_reader")
    assert house.execute("select public.ask_the_vault()").fetchone() == (0,)


def test_a_name_given_to_another_role(house: Connection, database: Database) -> None:
    """SET ROLE is kept as a name: a role that bears it later lends nothing that the login could not have."""
    house.execute("create role bystander login in role nl2sql_user, porch_reader")
    try:
        with database.connect("bystander") as bystander:
            bystander.execute("set role porch_reader")
            house.execute("alter role porch_reader rename to porch_guest")
            assert not told(bystander, "indexed values", "vault_reader")
            house.execute("alter role vault_reader rename to porch_reader")
            assert not told(bystander, "indexed values", "porch_reader")
            house.execute("alter role porch_reader rename to vault_reader")
            house.execute("alter role porch_guest rename to porch_reader")
    finally:
        house.execute("drop role bystander")
