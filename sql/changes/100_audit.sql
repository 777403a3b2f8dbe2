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

-- API: Private. The log: each record as it was signed, with what is asked for most in columns beside it. Partitions by month are
-- made ahead by nl2sql._audit_look(); they are no members of the extension, so that a dump has them with all their rows. Each has
-- indexes of its own: those of the whole would be made a second time where a dump is restored.
create table nl2sql._audit (
    chain uuid not null,
    seq bigint not null,
    at timestamptz not null,
    id uuid not null,
    event text not null,
    action text not null,
    role text not null,
    session_role text not null,
    sqlstate text,
    prev bytea not null,
    hash bytea not null,
    record jsonb not null
) partition by range (at);
comment on table nl2sql._audit is 'the audit log, append-only; read nl2sql.audit_log';

-- API: Private. For records of a month that has no partition: a clock that is far off refuses no record.
create table nl2sql._audit_other partition of nl2sql._audit default;
comment on table nl2sql._audit_other is 'audit records outside of the months that have a partition';

-- API: Private. How far each chain has come, and up to where nl2sql.audit_retain() has dropped it.
create table nl2sql._audit_chain (
    chain uuid not null primary key,
    seq bigint not null,
    hash bytea not null,
    stored_at timestamptz not null default pg_catalog.clock_timestamp(),
    dropped_seq bigint not null default 0,
    dropped_hash bytea
);
comment on table nl2sql._audit_chain is 'the last entry of each chain of audit records, and the last one dropped by retention';

-- API: Private. What somebody should look at. The record itself is in the log under the same id.
create table nl2sql._audit_alert (
    id bigint generated always as identity primary key,
    raised_at timestamptz not null default pg_catalog.clock_timestamp(),
    at timestamptz not null,
    kind text not null,
    action text not null,
    role text not null,
    session_role text not null,
    sqlstate text,
    detail text,
    record_id uuid
);
comment on table nl2sql._audit_alert is 'alerts raised by audit records; read nl2sql.alert';
create index _audit_alert_raised on nl2sql._audit_alert (raised_at);
create index _audit_alert_role on nl2sql._audit_alert (role, kind, at);

-- API: Private. What nl2sql._audit_look() saw last. Not dumped: elsewhere there are other roles.
create table nl2sql._audit_state (
    kind text not null primary key,
    items text[] not null,
    seen_at timestamptz not null default pg_catalog.clock_timestamp()
);
comment on table nl2sql._audit_state is 'roles, rights and triggers as last seen, to note what has changed';

select pg_catalog.pg_extension_config_dump('nl2sql._audit_other', '');
select pg_catalog.pg_extension_config_dump('nl2sql._audit_chain', '');
select pg_catalog.pg_extension_config_dump('nl2sql._audit_alert', '');
select pg_catalog.pg_extension_config_dump('nl2sql._audit_alert_id_seq', '');
