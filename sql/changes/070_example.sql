-- API: Private. What stored statements and terms depend on: a relation (column_name '') or a column of it. Names, not
-- OIDs: they survive dump and restore, and are looked up when somebody asks.
create table nl2sql._example_object (
    id int generated always as identity primary key,
    schema_name name not null,
    relation_name name not null,
    column_name name not null default '',
    unique (schema_name, relation_name, column_name)
);
comment on table nl2sql._example_object is 'relations and columns that examples, terms and feedback depend on, by name';

-- What is gone, or may not be read, is not there: this policy decides for all that refers to these rows.
alter table nl2sql._example_object enable row level security;
create policy _example_object_readable on nl2sql._example_object for select using (
    exists (
        select from pg_catalog.pg_class as c
            join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
        where n.nspname operator(pg_catalog.=) schema_name and c.relname operator(pg_catalog.=) relation_name
            and pg_catalog.has_schema_privilege(n.oid, 'usage')
            and case
                when column_name operator(pg_catalog.=) '' then pg_catalog.has_any_column_privilege(c.oid, 'select')
                else exists (
                    select from pg_catalog.pg_attribute as a
                    where a.attrelid operator(pg_catalog.=) c.oid and a.attname operator(pg_catalog.=) column_name
                        and not a.attisdropped and pg_catalog.has_column_privilege(c.oid, a.attnum, 'select')
                )
            end
    )
);

-- API: Private. Verified pairs of question and statement. A vector is missing where no embedder was at hand; the sidecar or
-- refresh_index() adds it. Not indexed: each caller sees a part of them, and an exact search of thousands takes milliseconds.
create table nl2sql._example (
    id bigint generated always as identity primary key,
    question text not null,
    sql text not null,
    note text,
    objects text[] not null,
    relations text[] not null,
    plain text[] not null,
    source text not null,
    added_by text not null default session_user,
    added_at timestamptz not null default pg_catalog.clock_timestamp(),
    embedder text,
    dimension int,
    embedding vector,
    check (pg_catalog.num_nulls(embedding, embedder, dimension) operator(pg_catalog.=) any ('{0, 3}'::int[]))
);
comment on table nl2sql._example is 'verified question and SQL pairs; plain: relations it names without a schema';
create unique index _example_once on nl2sql._example (pg_catalog.md5(question), pg_catalog.md5(sql));

-- Every object in it is readable. The question, the statement or the note may quote a row: who sees only some rows of its tables
-- does not see it.
-- The subqueries are the same for all rows, so each runs once a query, and not at all where there are no examples. Ids are
-- keys of a JSON object there, since that is searched by halves: with arrays 7000 examples took seconds.
alter table nl2sql._example enable row level security;
create policy _example_readable on nl2sql._example for select using (
    (select coalesce(pg_catalog.jsonb_object_agg(o.id, null), '{}') from nl2sql._example_object as o) operator(pg_catalog.?&) objects
    and (
        select coalesce(pg_catalog.jsonb_object_agg(o.id, null), '{}')
        from nl2sql._example_object as o
            join pg_catalog.pg_namespace as n on n.nspname operator(pg_catalog.=) o.schema_name
            join pg_catalog.pg_class as c on c.relnamespace operator(pg_catalog.=) n.oid and c.relname operator(pg_catalog.=) o.relation_name
        where o.column_name operator(pg_catalog.=) '' and not pg_catalog.row_security_active(c.oid)
    ) operator(pg_catalog.?&) relations
);

-- API: Private. Words of the business and what they mean.
create table nl2sql._term (
    term text not null,
    meaning text not null,
    objects text[] not null default '{}',
    defined_by text not null default session_user,
    defined_at timestamptz not null default pg_catalog.clock_timestamp()
);
comment on table nl2sql._term is 'terms and their meaning; shown to those who may read all of the relations in objects';
create unique index _term_once on nl2sql._term (pg_catalog.lower(term));
alter table nl2sql._term enable row level security;
create policy _term_readable on nl2sql._term for select using (
    (select coalesce(pg_catalog.jsonb_object_agg(o.id, null), '{}') from nl2sql._example_object as o) operator(pg_catalog.?&) objects
);

-- API: Private. What users said of answers, until an administrator decides on it.
create table nl2sql._feedback (
    id bigint generated always as identity primary key,
    request_id uuid,
    question text not null,
    sql text,
    correct boolean not null,
    corrected_sql text,
    note text,
    objects text[] not null,
    relations text[] not null,
    status text not null default 'pending' check (status operator(pg_catalog.=) any ('{pending, approved, rejected}'::text[])),
    reason text,
    example_id bigint,
    given_by text not null default session_user,
    given_as text,
    given_at timestamptz not null default pg_catalog.clock_timestamp(),
    closed_by text,
    closed_at timestamptz
);
comment on table nl2sql._feedback is 'feedback on answers and proposed examples, waiting for approve() or reject(), or decided';
create index _feedback_pending on nl2sql._feedback (given_by) where status operator(pg_catalog.=) 'pending';
-- As for examples: who may not read what a statement reads can't judge it either.
alter table nl2sql._feedback enable row level security;
create policy _feedback_readable on nl2sql._feedback for select using (
    (select coalesce(pg_catalog.jsonb_object_agg(o.id, null), '{}') from nl2sql._example_object as o) operator(pg_catalog.?&) objects
    and (
        select coalesce(pg_catalog.jsonb_object_agg(o.id, null), '{}')
        from nl2sql._example_object as o
            join pg_catalog.pg_namespace as n on n.nspname operator(pg_catalog.=) o.schema_name
            join pg_catalog.pg_class as c on c.relnamespace operator(pg_catalog.=) n.oid and c.relname operator(pg_catalog.=) o.relation_name
        where o.column_name operator(pg_catalog.=) '' and not pg_catalog.row_security_active(c.oid)
    ) operator(pg_catalog.?&) relations
);

grant select on nl2sql._example_object, nl2sql._example, nl2sql._term to nl2sql_user, nl2sql_developer, nl2sql_admin;
grant select on nl2sql._feedback to nl2sql_admin;

select pg_catalog.pg_extension_config_dump('nl2sql._example_object', '');
select pg_catalog.pg_extension_config_dump('nl2sql._example', '');
select pg_catalog.pg_extension_config_dump('nl2sql._term', '');
select pg_catalog.pg_extension_config_dump('nl2sql._feedback', '');
select pg_catalog.pg_extension_config_dump('nl2sql._example_object_id_seq', '');
select pg_catalog.pg_extension_config_dump('nl2sql._example_id_seq', '');
select pg_catalog.pg_extension_config_dump('nl2sql._feedback_id_seq', '');
