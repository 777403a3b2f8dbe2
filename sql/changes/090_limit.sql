-- API: Private. What a role's statements may cost; NULL: as the settings say. A regrole is dumped by its name.
create table nl2sql.role_limit (
    role regrole not null primary key,
    max_cost bigint check (max_cost operator(pg_catalog.>) 0),
    max_plan_rows bigint check (max_plan_rows operator(pg_catalog.>) 0),
    max_rows integer check (max_rows operator(pg_catalog.>) 0),
    max_seconds integer check (max_seconds operator(pg_catalog.>) 0),
    changed_at timestamptz not null default pg_catalog.clock_timestamp(),
    changed_by text not null default session_user
);
comment on table nl2sql.role_limit is 'limits of roles that differ from the settings; see nl2sql.limits and nl2sql.set_limit()';
select pg_catalog.pg_extension_config_dump('nl2sql.role_limit', '');
