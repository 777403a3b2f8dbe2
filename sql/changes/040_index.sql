-- API: Private. The schema index: a row a table (attnum 0) and a row a column. It only ranks; what reaches a prompt is
-- always read live from the catalogs. It is not dumped: OIDs change, and it can be made again at any time.
create table nl2sql._index (
    relid oid not null,
    attnum int2 not null,
    names text not null,
    document text not null,
    words tsvector not null,
    fingerprint text not null,
    embedder text,
    dimension int,
    embedding vector,
    updated_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (relid, attnum),
    check (pg_catalog.num_nulls(embedding, embedder, dimension) operator(pg_catalog.=) any ('{0, 3}'::int[]))
);
comment on table nl2sql._index is 'schema index: names, full text and embedding of each table (attnum 0) and column';

-- HNSW needs a fixed dimension; 384 is that of the default embedding model. Other dimensions are searched exactly.
create index _index_embedding_384 on nl2sql._index
    using hnsw ((embedding::vector(384)) vector_cosine_ops) where dimension operator(pg_catalog.=) 384;
create index _index_words on nl2sql._index using gin (words);
create index _index_names on nl2sql._index using gin (names gin_trgm_ops);

-- The same rule as for the table itself: who may not read a column does not find it.
alter table nl2sql._index enable row level security;
create policy _index_readable on nl2sql._index for select using (
    case
        when attnum operator(pg_catalog.=) 0::int2 then pg_catalog.has_any_column_privilege(relid, 'select')
        else pg_catalog.has_column_privilege(relid, attnum, 'select')
    end
);
grant select on nl2sql._index to nl2sql_user, nl2sql_developer, nl2sql_admin;

-- API: Private. Relations that changed since they were indexed. Append only and without a unique key, so that no DDL
-- ever waits for another one here.
create table nl2sql._index_queue (
    id bigint generated always as identity primary key,
    relid oid not null
);
comment on table nl2sql._index_queue is 'relations whose index rows are out of date; written by event triggers, emptied by the sidecar or refresh_index()';
