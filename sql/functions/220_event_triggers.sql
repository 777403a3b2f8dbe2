select nl2sql._keep_event_trigger('nl2sql_on_ddl', 'nl2sql._on_ddl', array[
    'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE VIEW', 'ALTER VIEW',
    'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
    'IMPORT FOREIGN SCHEMA', 'CREATE SCHEMA', 'ALTER TYPE', 'COMMENT']);
select nl2sql._keep_event_trigger('nl2sql_on_drop', 'nl2sql._on_drop', null);
comment on event trigger nl2sql_on_ddl is 'nl2sql: notes changed relations for the schema index';
comment on event trigger nl2sql_on_drop is 'nl2sql: removes index rows of dropped relations';
