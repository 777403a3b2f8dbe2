-- API: Private. Standing conditions of tables; see nl2sql.define_filter(). The condition is cut at its columns, which are kept by
-- number, the table as regclass: both follow a rename. A dump has names, and a trigger finds the numbers again.
create table nl2sql._filter (
    id int generated always as identity primary key,
    relation regclass not null,
    parts text[] not null,
    columns name[] not null,
    numbers int2[] not null,
    kinds text[] not null,
    note text,
    defined_at timestamptz not null default pg_catalog.clock_timestamp(),
    defined_by text not null default session_user,
    unique (relation, parts, numbers),
    check (pg_catalog.cardinality(parts) operator(pg_catalog.=) (pg_catalog.cardinality(columns) operator(pg_catalog.+) 1))
);
comment on table nl2sql._filter is 'standing conditions: text between columns, the columns, and the categories of their types when they were defined';

-- Who may not read a column learns of no condition about it; a column that is gone hides nothing.
alter table nl2sql._filter enable row level security;
create policy _filter_readable on nl2sql._filter for select using (
    exists (
        select from pg_catalog.pg_class as c
        where c.oid operator(pg_catalog.=) relation::oid
            and pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
            and pg_catalog.has_any_column_privilege(c.oid, 'select')
    )
    and not exists (
        select from pg_catalog.unnest(numbers) as n (number)
        where pg_catalog.has_column_privilege(relation::oid, n.number, 'select') is false
    )
);
grant select on nl2sql._filter to nl2sql_user, nl2sql_developer, nl2sql_admin;

select pg_catalog.pg_extension_config_dump('nl2sql._filter', '');
select pg_catalog.pg_extension_config_dump('nl2sql._filter_id_seq', '');
