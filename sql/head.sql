\echo Use "CREATE EXTENSION nl2sql CASCADE" to load this file. \quit

-- nl2sql @VERSION@: natural language to SQL inside PostgreSQL.
--
-- The security stance of this script, first:
--   * Whoever asks, asks as himself. Every function a user calls is SECURITY INVOKER; what the caller may not read is
--     neither retrieved nor planned for him. SECURITY DEFINER appears only where a private table of this extension is
--     written or a protected setting is read, always with a pinned search_path and typed arguments.
--   * PUBLIC gets nothing but the doorman @extschema@.nl2sql(text), which can say "you may not" with a hint and, to
--     those who may not, nothing else. Rights go to the four roles nl2sql_user, nl2sql_developer, nl2sql_auditor and
--     nl2sql_admin, and with them to whoever the DBA grants these to.
--   * What protects is in the table nl2sql.setting, which no ordinary role can write; settings of the form
--     nl2sql.<noun> are preferences, since any user may SET any two-part name.
--   * Names that can't be qualified (the schemas of pgvector and pg_trgm are the DBA's choice) are looked up in the
--     catalog and in those two schemas only, not in the one this extension goes to, where others may plant objects.
select pg_catalog.set_config(
    'search_path',
    pg_catalog.concat('pg_catalog, ', pg_catalog.string_agg(distinct pg_catalog.quote_ident(n.nspname), ', '), ', pg_temp'),
    true)
from pg_catalog.pg_extension as e
    join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) e.extnamespace
where e.extname operator(pg_catalog.=) any ('{vector, pg_trgm}'::pg_catalog.name[]);
