-- API: Private. The columns whose values a DBA has chosen to be found in questions. Like nl2sql._index neither this table
-- nor nl2sql._value is dumped: OIDs change; after a restore index_values() is run again.
create table nl2sql._value_column (
    relid oid not null,
    attnum int2 not null,
    most int not null,
    complete boolean not null,
    indexed_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (relid, attnum)
);
comment on table nl2sql._value_column is 'columns chosen with index_values(): the cap, and whether all of their values fitted under it';

-- API: Private. Granted to nobody: read through nl2sql._value_found() alone.
create table nl2sql._value (
    relid oid not null,
    attnum int2 not null,
    value text not null,
    key text not null,
    primary key (relid, attnum, value),
    foreign key (relid, attnum) references nl2sql._value_column on delete cascade
);
comment on table nl2sql._value is 'distinct values of the columns chosen with index_values(), and how they are compared with a question';
create index _value_key on nl2sql._value (key);
create index _value_likeness on nl2sql._value using gin (key gin_trgm_ops);
