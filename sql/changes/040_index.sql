-- API: Private. The schema index: a row a table (attnum 0) and a row a column. It only ranks; what reaches a prompt is
-- always read live from the catalogs. It is not dumped: OIDs change, and it can be made again at any time.
create table nl2sql._index (
    relid oid not null,
    attnum int2 not null,
    names text not null,
    document text not null,
    fingerprint text not null,
    embedder text,
    dimension int,
    embedding vector,
    updated_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (relid, attnum),
    check (pg_catalog.num_nulls(embedding, embedder, dimension) operator(pg_catalog.=) any ('{0, 3}'::int[]))
);
comment on table nl2sql._index is 'schema index: names, full text and embedding of each table (attnum 0) and column';

-- In the row: fetching each vector from a TOAST table would take longer than comparing it.
alter table nl2sql._index alter column embedding set storage main;

-- HNSW needs a fixed dimension; 384 is that of the default embedding model. Other dimensions are searched exactly.
create index _index_embedding_384 on nl2sql._index
    using hnsw ((embedding::vector(384)) vector_cosine_ops)
    where dimension operator(pg_catalog.=) 384 and attnum operator(pg_catalog.=) 0::int2;

-- API: Private. The words of names and comments. A plain table, not a GIN index: with row level security an index serves
-- leakproof operators only, and equality of text is one, @@ and % are not. share: the part that a word is of a table's name.
create table nl2sql._index_word (
    word text collate "C" not null,
    relid oid not null,
    attnum int2 not null,
    share real not null,
    primary key (word, relid, attnum),
    constraint _index_word_entry foreign key (relid, attnum) references nl2sql._index on delete cascade
);
comment on table nl2sql._index_word is 'schema index: stems of the words in names and comments of each table (attnum 0) and column';
create index _index_word_relid on nl2sql._index_word (relid, attnum);

-- The same rule as for the table itself: who may not read a column does not find it.
alter table nl2sql._index enable row level security;
create policy _index_readable on nl2sql._index for select using (
    case
        when attnum operator(pg_catalog.=) 0::int2 then pg_catalog.has_any_column_privilege(relid, 'select')
        else pg_catalog.has_column_privilege(relid, attnum, 'select')
    end
);
alter table nl2sql._index_word enable row level security;
create policy _index_word_readable on nl2sql._index_word for select using (
    case
        when attnum operator(pg_catalog.=) 0::int2 then pg_catalog.has_any_column_privilege(relid, 'select')
        -- The table first: thousands of columns have a frequent word, and the server looks each one up in its catalog,
        -- which takes a new session far longer than reading the words.
        else pg_catalog.has_table_privilege(relid, 'select') or pg_catalog.has_column_privilege(relid, attnum, 'select')
    end
);
grant select on nl2sql._index, nl2sql._index_word to nl2sql_user, nl2sql_developer, nl2sql_admin;

-- API: Private. Relations that changed since they were indexed. Append only and without a unique key, so that no DDL
-- ever waits for another one here.
create table nl2sql._index_queue (
    id bigint generated always as identity primary key,
    relid oid not null
);
comment on table nl2sql._index_queue is 'relations whose index rows are out of date; written by event triggers, emptied by the sidecar or refresh_index()';
