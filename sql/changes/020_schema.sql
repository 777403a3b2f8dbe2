-- Without IF NOT EXISTS: nobody can own the schema beforehand and leave traps in it.
create schema nl2sql;
comment on schema nl2sql is 'nl2sql: natural language to SQL; functions for analysts and DBAs';

revoke all on schema nl2sql from public;
grant usage on schema nl2sql to nl2sql_user, nl2sql_developer, nl2sql_auditor, nl2sql_admin, nl2sql_sidecar;
