"""What the extension consists of, and the rules that each of its functions keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Connection
from tests.support.databases import new_database
from tests.support.expected import assert_as_expected
from tests.support.snapshot import MEMBERS
from tools.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*sorted((ROOT / "sql" / "changes").glob("*.sql")), *sorted((ROOT / "sql" / "functions").glob("*.sql"))]

# They read the caller's own search_path, or call what does; all names in them are qualified.
FRONT_DOOR = {
    "nl2sql(text)",
    "nl2sql.ask(text,jsonb)",
    "nl2sql.trace(text,jsonb)",
    "nl2sql.status()",
    "nl2sql._caller()",
    "nl2sql.add_example(text,text,text)",
    "nl2sql.suggest_examples()",
    "nl2sql.feedback(uuid,boolean,text,text,text,text)",
    "nl2sql.propose_example(text,text,text)",
    "nl2sql.approve(bigint,text)",
    "nl2sql.add_case(text,text,text)",
    'nl2sql."check"(text)',
    "nl2sql.run(text,jsonb)",
    "nl2sql.query(text,jsonb)",
    "nl2sql.query_as(text,jsonb)",
    "nl2sql.open(text,refcursor,jsonb)",
    "nl2sql.save_view(text,text,jsonb)",
}
# Expressions that the planner puts into the query, which a SET clause would prevent; all names in them are bound or
# qualified. The PL/Python ones run no SQL, and pinning a path would double what a call of them costs.
MASKS = {
    "nl2sql._mask_text(text)",
    "nl2sql._sensitive_kinds(text)",
    "nl2sql.mask_sensitive(text)",
    "nl2sql.mask_email(text)",
    "nl2sql.mask_phone(text)",
    "nl2sql.mask_card(text)",
    "nl2sql.mask_name(text)",
    "nl2sql.mask_id(text)",
    "nl2sql.mask_partial(text,integer,integer,text)",
    "nl2sql.mask_date(date,text)",
    "nl2sql.mask_date(timestamp without time zone,text)",
    "nl2sql.mask_date(timestamp with time zone,text)",
    "nl2sql.mask_number(numeric,numeric)",
    "nl2sql.mask_null(anyelement)",
}
# Called for a question, in a state that can't write.
READ_ONLY = (
    "nl2sql._ask('question', '{}', '{\"schemas\": []}')",
    "nl2sql._trace('question', '{}', '{\"schemas\": []}')",
    "nl2sql._run('select 1', '{}', '{\"schemas\": []}')",
    "nl2sql._query('question', '{}', '{\"schemas\": []}')",
    "nl2sql._typed('open', 'question', '{}', '{\"schemas\": []}')",
)
# These store or make something, or only look.
WRITING = (
    "nl2sql._check('select 1', '{\"schemas\": []}')",
    "nl2sql._save_view('v', 'question', '{}', '{\"schemas\": []}')",
    "nl2sql._add_example('question', 'select 1', null, '{\"schemas\": []}')",
)
# Says to the client in which state the first query of a call finds the transaction.
SPY = """
alter function nl2sql._settings() rename to _settings_of_old;
create function nl2sql._settings() returns jsonb language plpgsql as $$
begin
    raise warning 'transaction_read_only: %', current_setting('transaction_read_only');
    return nl2sql._settings_of_old();
end $$"""
# With the rights of the owner: they read or write a private table, as the comment above each says.
DEFINERS = {
    "nl2sql._limits_of(name,name)",
    "nl2sql.set_limit(text,bigint,bigint,integer,integer)",
    "nl2sql.drop_limit(text)",
    "nl2sql._settings()",
    "nl2sql._store_values(oid,smallint,integer,boolean,text[])",
    "nl2sql._forget_values(oid,smallint)",
    "nl2sql.set_setting(text,text)",
    "nl2sql._on_ddl()",
    "nl2sql._on_drop()",
    "nl2sql._index_pending(integer)",
    "nl2sql._index_queue_head()",
    "nl2sql._index_store(jsonb,text,bigint)",
    "nl2sql._index_requeue()",
    "nl2sql._index_state()",
    "nl2sql._index_stale(oid[])",
    "nl2sql._index_queued()",
    "nl2sql._index_store_words(oid[])",
    "nl2sql.define_join(text,text[],text,text[],boolean,name[])",
    "nl2sql._on_join_ddl()",
    "nl2sql.set_label(text,text[],name[])",
    "nl2sql.drop_label(text,name[])",
    "nl2sql._on_label_ddl()",
    "nl2sql._filters_of(name,oid[])",
    "nl2sql._on_filter_ddl()",
    "nl2sql._on_filter_drop()",
    "nl2sql.define_filter(text,text,text,name[])",
    "nl2sql._drop_filters(integer[])",
    "nl2sql.drop_filter(integer)",
    "nl2sql.drop_filter(text,name[])",
    "nl2sql._example_store(jsonb,jsonb,text)",
    "nl2sql._example_pending(text,integer)",
    "nl2sql._example_embed(jsonb,text)",
    "nl2sql.drop_example(bigint)",
    "nl2sql.define_term(text,text,text[],name[])",
    "nl2sql.drop_term(text)",
    "nl2sql._feedback_store(jsonb,jsonb)",
    "nl2sql._limit_temporary_files()",
    "nl2sql._value_found(name,text[],text[])",
    "nl2sql._known_refresh(integer)",
    "nl2sql._known_found(name,text[],integer)",
    "nl2sql._feedback_close(bigint,text,text,bigint)",
    "nl2sql._audit_note(text,jsonb)",
    "nl2sql._audit_append(jsonb)",
    "nl2sql._audit_outbox(integer)",
    "nl2sql._audit_look()",
    "nl2sql._audit_read(text)",
    "nl2sql.audit_verify(timestamp with time zone,timestamp with time zone)",
    "nl2sql.audit_heads()",
    "nl2sql._on_audited_ddl()",
    "nl2sql._on_audited_drop()",
    "nl2sql.mask_hash(text)",
    "nl2sql.mask(text,name,text,name[])",
    "nl2sql.unmask(text,name,name[])",
    "nl2sql.show_column(text,name,name[])",
    "nl2sql.show_clear(text,text,boolean,name[])",
    "nl2sql.use_masked(text)",
    "nl2sql._on_mask_ddl()",
    "nl2sql._on_mask_drop()",
    "nl2sql.revoke_masked(text,text,name[])",
    "nl2sql._mask_keepers(oid)",
    "nl2sql._held_back(oid[])",
    "nl2sql._masked_samples(name,oid[])",
    "nl2sql._masked_frequent_values(name,name[],name[])",
    "nl2sql._masked_seen_values(name,name[],name[],name[])",
}
OURS = "(pronamespace = 'nl2sql'::regnamespace or oid = 'public.nl2sql(text)'::regprocedure)"


@pytest.fixture(scope="module")
def admin(cluster: Cluster, template: str) -> Iterator[Connection]:
    """One database for the whole file: nothing here changes it."""
    with new_database(cluster, template) as found, found.connect() as connection:
        yield connection


def column(connection: Connection, query: str, *parameters: Any) -> list[Any]:
    return [value for (value,) in connection.execute(query.encode(), parameters).fetchall()]


def test_the_members(admin: Connection) -> None:
    assert_as_expected("contents.txt", column(admin, MEMBERS))


def test_everything_in_the_schema_is_a_member(admin: Connection) -> None:
    strays = """
        select pg_describe_object(classid, objid, objsubid) from pg_depend as n
        where refclassid = 'pg_namespace'::regclass and refobjid = 'nl2sql'::regnamespace and deptype = 'n'
            and not exists (
                select from pg_depend as e where (e.classid, e.objid) = (n.classid, n.objid) and e.deptype = 'e')"""
    assert column(admin, strays) == []


def test_search_paths_are_pinned(admin: Connection) -> None:
    pinned = "'search_path=pg_catalog, pg_temp' = any (proconfig)"
    loose = column(admin, f"select oid::regprocedure::text from pg_proc where {OURS} and ({pinned}) is not true")
    assert set(loose) == FRONT_DOOR | MASKS


def test_definers_are_the_known_ones(admin: Connection) -> None:
    assert set(column(admin, f"select oid::regprocedure::text from pg_proc where {OURS} and prosecdef")) == DEFINERS
    assert not DEFINERS & (FRONT_DOOR | MASKS)


def test_definers_have_no_dynamic_sql(admin: Connection) -> None:
    sources = column(admin, f"select prosrc from pg_proc where {OURS} and prosecdef")
    assert len(sources) == len(DEFINERS)
    assert not [source for source in sources if re.search(r"\bexecute\b|plpy", source, re.IGNORECASE)]


@pytest.fixture(scope="module")
def spied(cluster: Cluster, template: str) -> Iterator[Connection]:
    with new_database(cluster, template) as found, found.connect() as connection:
        connection.execute(SPY)
        yield connection


@pytest.mark.parametrize(("call", "state"), [*((c, "on") for c in READ_ONLY), *((c, "off") for c in WRITING)])
def test_questions_run_read_only(spied: Connection, call: str, state: str) -> None:
    told: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        told.append(diagnostic.message_primary or "")

    spied.add_notice_handler(note)
    with spied.transaction():
        spied.execute(f"select {call}".encode())  # nobody listens at the socket: an error in its envelope
        assert column(spied, "show transaction_read_only") == ["off"], "as it was before"
    spied.remove_notice_handler(note)
    assert set(told) == {f"transaction_read_only: {state}"}


def test_everything_has_a_comment(admin: Connection) -> None:
    bare = f"""
        select oid::regprocedure::text from pg_proc where {OURS} and obj_description(oid, 'pg_proc') is null
        union all
        select oid::regclass::text from pg_class
        where relnamespace = 'nl2sql'::regnamespace and relkind in ('r', 'v')
            and obj_description(oid, 'pg_class') is null
        union all
        select evtname from pg_event_trigger where obj_description(oid, 'pg_event_trigger') is null
        union all
        select rolname from pg_roles where rolname ~ '^nl2sql_' and shobj_description(oid, 'pg_authid') is null
        union all
        select extname from pg_extension where obj_description(oid, 'pg_extension') is null"""
    assert column(admin, bare) == []


def test_all_belongs_to_the_installing_superuser(admin: Connection) -> None:
    owners = f"""
        select proowner::regrole::text from pg_proc where {OURS}
        union select relowner::regrole::text from pg_class where relnamespace = 'nl2sql'::regnamespace
        union select nspowner::regrole::text from pg_namespace where nspname = 'nl2sql'"""
    assert column(admin, owners) == ["postgres"]


# The source text.


def functions_in(path: Path) -> list[str]:
    """Each CREATE FUNCTION with what stands above it, up to its COMMENT."""
    return re.findall(
        r"((?:--[^\n]*\n)*create or replace function .*?\n(?:\$\w+\$|end);\n)", path.read_text(), re.DOTALL
    )


ALL = [function for path in SOURCES for function in functions_in(path)]


def name_of(function: str) -> str:
    return re.search(r"create or replace function ([@\w.]+)", function)[1]  # type: ignore[index]


def test_the_source_has_all_functions(admin: Connection) -> None:
    names = sorted(name_of(function).replace("@extschema@", "public") for function in ALL)
    built = column(admin, f"select pronamespace::regnamespace || '.' || proname from pg_proc where {OURS} order by 1")
    assert names == sorted(built)


@pytest.mark.parametrize("function", ALL, ids=name_of)
def test_attributes_are_written_out(function: str) -> None:
    """Volatility, strictness, security, parallel safety and search_path, even where the default would do."""
    attributes = re.search(r"\nlanguage (.*?)\n(?:as \$|begin atomic|set )", function, re.DOTALL)
    assert attributes, function
    assert re.fullmatch(
        r"(sql|plpgsql|plpython3u) (immutable|stable|volatile) (strict|called on null input)"
        r" security (invoker|definer) parallel (safe|restricted|unsafe)",
        attributes[1],
    )
    assert re.match(r"(?:--[^\n]*\n)*-- API: (Public|Private)", function)
    private = name_of(function).startswith("nl2sql._")
    assert ("-- API: Private" in function) == private
    if "security definer" in function:
        assert "SECURITY DEFINER" in function.split("create or replace")[0], "the comment above says why"


PYTHON_BODIES = [
    body for path in SOURCES for body in re.findall(r"as \$python\$\n(.*?)\$python\$", path.read_text(), re.DOTALL)
]


def test_python_bodies_are_three_lines_at_most() -> None:
    assert len(PYTHON_BODIES) >= 3
    assert not [body for body in PYTHON_BODIES if len(body.strip().splitlines()) > 3]


# The documentation.


def test_public_functions_are_documented(admin: Connection) -> None:
    """docs/functions.md has a section for each, with its signature, and for nothing else."""
    text = (ROOT / "docs" / "functions.md").read_text()
    documented = set(re.findall(r"^### `([a-z0-9_.]+\([^`]*\))(?: returns [^`]*)?`$", text, re.MULTILINE))
    query = f"""
        select translate(replace(oid::regproc::text, 'public.', ''), '"', '')
            || '(' || pg_get_function_arguments(oid) || ')'
        from pg_proc as p where {OURS} and proname !~ '^_'
            -- the same for a table at hand as regclass
            and not (proargtypes[0] = 'regclass'::regtype and exists (
                select from pg_proc as t where t.pronamespace = p.pronamespace and t.proname = p.proname
                    and t.proargtypes[0] = 'text'::regtype))"""
    public = {re.sub(r"(?<=')::(?:jsonb|text)(?!\[)", "", signature) for signature in column(admin, query)}
    assert documented == public
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    for section in sections:
        for part in ("**Arguments**", "**Returns**", "**Errors**", "```sql"):
            assert part in section, section.splitlines()[0]


def test_public_views_are_documented(admin: Connection) -> None:
    text = (ROOT / "docs" / "functions.md").read_text()
    views = column(
        admin,
        "select oid::regclass::text from pg_class"
        " where relnamespace = 'nl2sql'::regnamespace and relkind = 'v' and relname !~ '^_'",
    )
    assert views and all(f"`{view}`" in text for view in views)


def test_documented_error_codes_exist() -> None:
    codes = set(re.findall(r"\| (NL\d{3}) \|", (ROOT / "docs" / "errors.md").read_text()))
    used = set(re.findall(r"NL\d{3}", (ROOT / "docs" / "functions.md").read_text()))
    assert used and used <= codes


def test_the_version_is_the_same_everywhere(admin: Connection) -> None:
    from nl2sql_pg import __version__

    assert column(admin, "select extversion from pg_extension where extname = 'nl2sql'") == [__version__]
