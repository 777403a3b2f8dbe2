-- Event triggers have no CREATE OR REPLACE; an upgrade finds them in place.
do $plpgsql$
begin
    if not exists (select from pg_catalog.pg_event_trigger where evtname operator(pg_catalog.=) 'nl2sql_on_ddl') then
        create event trigger nl2sql_on_ddl on ddl_command_end
            when tag in (
                'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE VIEW', 'ALTER VIEW',
                'CREATE MATERIALIZED VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE',
                'IMPORT FOREIGN SCHEMA', 'CREATE SCHEMA', 'ALTER TYPE', 'COMMENT')
            execute function nl2sql._on_ddl();
        create event trigger nl2sql_on_drop on sql_drop
            execute function nl2sql._on_drop();
    end if;
end
$plpgsql$;
comment on event trigger nl2sql_on_ddl is 'nl2sql: notes changed relations for the schema index';
comment on event trigger nl2sql_on_drop is 'nl2sql: removes index rows of dropped relations';
