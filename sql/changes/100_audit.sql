-- Who did what, when and with what result. Records of questions come through the sidecar, which chains and signs them; actions
-- inside the database wait in the outbox until the sidecar has done the same with them.

-- API: Private. Written inside the transaction of the action it tells of; emptied by nl2sql._audit_append() as its rows arrive
-- in the log. Random ids, so that a restored row meets no other.
create table nl2sql._audit_outbox (
    id uuid not null primary key default pg_catalog.gen_random_uuid(),
    noted_at timestamptz not null default pg_catalog.clock_timestamp(),
    record jsonb not null
);
comment on table nl2sql._audit_outbox is 'audit records of actions inside the database, until the sidecar has signed them';
create index _audit_outbox_order on nl2sql._audit_outbox (noted_at);
select pg_catalog.pg_extension_config_dump('nl2sql._audit_outbox', '');
