-- API: Public. Questions with a statement that answers each, to be evaluated. Whoever has the role of the one that added a
-- case sees it; nl2sql.evaluate() runs the caller's own, after the guard has passed them.
create table nl2sql.cases (
    id bigint generated always as identity primary key,
    suite text not null default 'default',
    question text not null,
    sql text not null,
    search_path name[] not null default pg_catalog.current_schemas(false),
    added_by name not null default current_user,
    added_at timestamptz not null default pg_catalog.clock_timestamp(),
    unique (added_by, suite, question)
);
comment on table nl2sql.cases is 'questions with the SQL that answers each, for nl2sql.evaluate(); filled by nl2sql.add_case()';

alter table nl2sql.cases enable row level security;
create policy cases_visible on nl2sql.cases using (
    exists (
        select from pg_catalog.pg_roles as r
        where r.rolname operator(pg_catalog.=) added_by and pg_catalog.pg_has_role(r.oid, 'usage')
    )
) with check (added_by operator(pg_catalog.=) current_user);
grant select, delete, insert (suite, question, sql) on nl2sql.cases to nl2sql_user, nl2sql_developer;

select pg_catalog.pg_extension_config_dump('nl2sql.cases', '');
select pg_catalog.pg_extension_config_dump('nl2sql.cases_id_seq', '');
