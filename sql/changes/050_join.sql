-- API: Private. Joins that a DBA added or denied; see nl2sql.define_join(). Tables are kept as regclass and columns by
-- number, so both follow a rename; a dump has names, and a trigger finds the numbers again where it is restored.
create table nl2sql.join_rule (
    from_table regclass not null,
    from_columns name[] not null,
    to_table regclass not null,
    to_columns name[] not null,
    allowed boolean not null,
    from_numbers int2[] not null,
    to_numbers int2[] not null,
    changed_at timestamptz not null default pg_catalog.clock_timestamp(),
    changed_by text not null default session_user,
    primary key (from_table, from_numbers, to_table, to_numbers)
);
comment on table nl2sql.join_rule is 'joins that were added or denied; see nl2sql.define_join() and nl2sql.joins';
create index join_rule_to_table on nl2sql.join_rule (to_table);
select pg_catalog.pg_extension_config_dump('nl2sql.join_rule', '');

-- Who may not read a column learns of no rule about it.
alter table nl2sql.join_rule enable row level security;
create policy join_rule_readable on nl2sql.join_rule for select using (
    not exists (
        select
        from (
            select from_table::oid as relid, pg_catalog.unnest(from_numbers) as number
            union all
            select to_table::oid, pg_catalog.unnest(to_numbers)
        ) as e
            left join pg_catalog.pg_class as c on c.oid operator(pg_catalog.=) e.relid
        where pg_catalog.has_schema_privilege(c.relnamespace, 'usage') is not true
            or pg_catalog.has_column_privilege(e.relid, e.number, 'select') is not true
    )
);
grant select on nl2sql.join_rule to nl2sql_user, nl2sql_developer, nl2sql_admin;
