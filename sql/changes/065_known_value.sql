-- API: Private. When the values of a relation were last taken from the server's statistics. As nl2sql._index, neither table
-- is dumped.
create table nl2sql._known_relation (
    relid oid not null primary key,
    analyzed timestamptz,
    taken_at timestamptz not null default pg_catalog.clock_timestamp()
);
comment on table nl2sql._known_relation is 'relations whose frequent values are known for ranking, and the ANALYZE that they are of';

-- API: Private. Granted to nobody: read through nl2sql._known_found() alone.
create table nl2sql._known_value (
    key text collate "C" not null,
    relid oid not null,
    attnum int2 not null,
    primary key (key, relid, attnum)
);
comment on table nl2sql._known_value is 'labels of enums and CHECK lists, and values that statistics keep, as they are compared with a question: they tell which tables it is about';
create index _known_value_relid on nl2sql._known_value (relid);
