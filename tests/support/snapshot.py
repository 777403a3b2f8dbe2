"""What an extension has made of a database, as text that can be compared between two databases."""

from __future__ import annotations

from tests.conftest import Connection

# Identities instead of OIDs; nothing of the catalogs and of temporary schemas.
LEFTOVERS = {
    "namespaces": "select nspname from pg_namespace where nspname !~ '^pg_(toast_)?temp_'",
    "relations": "select oid::regclass::text || ' ' || relkind::text || ' ' || coalesce(relacl::text, '') from pg_class"
    " where relnamespace <> all (array['pg_toast'::regnamespace, 'pg_catalog'::regnamespace])",
    "functions": "select oid::regprocedure::text || ' ' || coalesce(proacl::text, '') from pg_proc"
    " where pronamespace <> 'pg_catalog'::regnamespace",
    "types": "select oid::regtype::text from pg_type"
    " where typnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)",
    "event triggers": "select evtname from pg_event_trigger",
    "policies": "select polname || ' ' || polrelid::regclass from pg_policy",
    "default rights": "select defaclnamespace::regnamespace || ' ' || defaclacl::text from pg_default_acl",
    "extensions": "select extname from pg_extension",
    "dependencies": "select pg_describe_object(classid, objid, objsubid) || ' -> '"
    " || pg_describe_object(refclassid, refobjid, refobjsubid)"
    " || ' ' || deptype::text from pg_depend where pg_describe_object(classid, objid, objsubid) !~ 'pg_toast'",
    "initial rights": "select pg_describe_object(classoid, objoid, objsubid) from pg_init_privs",
    "comments": "select pg_describe_object(classoid, objoid, objsubid) from pg_description"
    " where pg_describe_object(classoid, objoid, objsubid) is not null",
    "dangling comments": "select classoid::regclass || ' ' || objoid from pg_description"
    " where pg_describe_object(classoid, objoid, objsubid) is null",
    "security labels": "select label from pg_seclabel",
    "settings of the database": "select setconfig::text from pg_db_role_setting as s"
    " join pg_database as d on d.oid = s.setdatabase where d.datname = current_database()",
}

# Without the row types of relations and their arrays, which are members of their own on newer servers only.
MEMBERS = """
    select pg_describe_object(d.classid, d.objid, d.objsubid)
    from pg_depend as d join pg_extension as e on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
    where e.extname = 'nl2sql' and d.deptype = 'e'
        and not exists (
            select from pg_type as t where d.classid = 'pg_type'::regclass and t.oid = d.objid
                and (t.typrelid <> 0 or t.typelem <> 0))
    order by 1"""

EXTENSION = {
    "version": "select extversion from pg_extension where extname = 'nl2sql'",
    "members": MEMBERS,
    "dumped tables": "select unnest(extconfig)::regclass::text from pg_extension where extname = 'nl2sql'",
    "columns": "select concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,"
    " attidentity, attacl, (select pg_get_expr(adbin, adrelid) from pg_attrdef"
    " where adrelid = attrelid and adnum = attnum))"
    " from pg_attribute join pg_class as c on c.oid = attrelid"
    " where c.relnamespace = 'nl2sql'::regnamespace and attnum > 0 and not attisdropped",
    "constraints": "select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint"
    " where connamespace = 'nl2sql'::regnamespace",
    "indexes": "select indexdef from pg_indexes where schemaname = 'nl2sql'",
    "policies": "select concat_ws(' ', tablename, policyname, permissive, roles, cmd, qual, with_check)"
    " from pg_policies",
    "relations": "select concat_ws(' ', relname, relkind, relrowsecurity, reloptions, relacl) from pg_class"
    " where relnamespace = 'nl2sql'::regnamespace",
    "views": "select concat_ws(' ', viewname, definition) from pg_views where schemaname = 'nl2sql'",
    "functions": "select concat_ws(' ', oid::regprocedure, pg_get_function_arguments(oid), pg_get_function_result(oid),"
    " md5(prosrc), md5(pg_get_function_sqlbody(oid)), (select lanname from pg_language as l where l.oid = prolang),"
    " provolatile, proisstrict, prosecdef, proparallel, proconfig, proacl) from pg_proc"
    " where pronamespace = 'nl2sql'::regnamespace or proname = 'nl2sql'",
    "event triggers": "select concat_ws(' ', evtname, evtevent, evtfoid::regproc, evtenabled, evttags)"
    " from pg_event_trigger",
    "comments": "select pg_describe_object(classoid, objoid, objsubid) || ': ' || description from pg_description as c"
    " where exists (select from pg_depend as d join pg_extension as e on e.oid = d.refobjid and e.extname = 'nl2sql'"
    " where d.deptype = 'e' and (d.classid, d.objid) = (c.classoid, c.objoid))",
}  # fmt: skip


def snapshot(connection: Connection, queries: dict[str, str]) -> dict[str, list[str]]:
    """Sorted answers of these queries."""
    return {
        name: sorted(str(value) for (value,) in connection.execute(query.encode()).fetchall())
        for name, query in queries.items()
    }
