-- API: Private. What names the rows of a table, as a DBA said; see nl2sql.set_label(). The table is kept as regclass and its columns by
-- number, so both follow a rename; a dump has names, and a trigger finds the numbers again where it is restored.
create table nl2sql.label_rule (
    relation regclass not null primary key,
    columns name[] not null,
    numbers int2[] not null,
    changed_at timestamptz not null default pg_catalog.clock_timestamp(),
    changed_by text not null default session_user
);
comment on table nl2sql.label_rule is 'columns that name the rows of a table; none: nothing does; see nl2sql.set_label() and nl2sql.labels';
select pg_catalog.pg_extension_config_dump('nl2sql.label_rule', '');

-- Who may not read a column learns of no rule about it. Who reads a masked view may know what is said of its table.
alter table nl2sql.label_rule enable row level security;
create policy label_rule_readable on nl2sql.label_rule for select using (
    exists (
        select from pg_catalog.pg_class as c
        where c.oid operator(pg_catalog.=) label_rule.relation::oid
            and pg_catalog.has_schema_privilege(c.relnamespace, 'usage')
            and pg_catalog.has_any_column_privilege(c.oid, 'select')
            and not exists (
                select from pg_catalog.unnest(label_rule.numbers) as n (number)
                where pg_catalog.has_column_privilege(c.oid, n.number, 'select') is not true
            )
    )
    or exists (
        select from nl2sql._mask_view as v
        where v.relation operator(pg_catalog.=) label_rule.relation and label_rule.numbers operator(pg_catalog.<@) v.numbers
    )
);
grant select on nl2sql.label_rule to nl2sql_user, nl2sql_developer, nl2sql_admin;
