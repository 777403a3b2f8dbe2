-- API: Private. The key of nl2sql.mask_hash(), made here, granted to nobody. A dump has it, as it has the clear values: so
-- pseudonyms are the same where it is restored. There the oldest key counts, which is the restored one.
create table nl2sql._mask_key (
    key bytea primary key check (pg_catalog.length(key) operator(pg_catalog.=) 32),
    made_at timestamptz not null default pg_catalog.clock_timestamp()
);
comment on table nl2sql._mask_key is 'key of nl2sql.mask_hash(); the oldest row counts';
revoke all on nl2sql._mask_key from public;
insert into nl2sql._mask_key (key)
select pg_catalog.sha256(
    pg_catalog.decode(
        pg_catalog.concat(
            pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''), pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', ''),
            pg_catalog.replace(pg_catalog.gen_random_uuid()::text, '-', '')),
        'hex'));
select pg_catalog.pg_extension_config_dump('nl2sql._mask_key', '');
