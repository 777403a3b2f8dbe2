-- The log: append-only, partitioned by month, filled by the sidecar alone.

-- API: Private
create or replace function nl2sql._audit_keep()
returns trigger
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    raise exception using
        errcode = '42501',
        message = format('permission denied: %s is append-only', tg_relid::regclass),
        detail = format('%s was refused; nothing was changed.', tg_op),
        hint = 'nl2sql.audit_retain() drops whole months that are older than a year.';
end
$plpgsql$;
comment on function nl2sql._audit_keep() is 'trigger: refuses every change of a stored audit record';

-- API: Private. Rights are not enough: a member of pg_write_all_data has them on every table. Functions of the extension write
-- as its owner; restoring and repairing are for that owner and for superusers, who could disable this anyway.
create or replace function nl2sql._audit_own()
returns trigger
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if exists (
        select from pg_roles as r join pg_class as c on c.oid = tg_relid
        where r.rolname = current_user and (r.rolsuper or r.oid = c.relowner))
    then
        return null;
    end if;
    raise exception using
        errcode = '42501',
        message = format('permission denied: %s is written by functions of nl2sql only', tg_relid::regclass),
        detail = format('%s was refused; nothing was changed.', tg_op),
        hint = 'Settings are changed by nl2sql.set_setting(), masks by nl2sql.mask(), and so on; audit records are written by what they tell of.';
end
$plpgsql$;
comment on function nl2sql._audit_own() is 'trigger: refuses what is not done by the owner of the table, whatever rights others hold';

-- API: Private. Statement triggers of a partitioned table don't fire for what is addressed to a partition, so each one has its
-- own. What the other tables hold decides what is recorded, who may do what, and what he sees of masked columns.
create or replace function nl2sql._audit_triggers()
returns table (log regclass, name text, moment text, level text, trigger_function regprocedure, bits int2)
language sql stable called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select p.relid, w.name, w.moment, w.level, w.trigger_function::regprocedure, w.bits::int2
    from pg_partition_tree('nl2sql._audit') as p
        cross join (values
            ('audit_keep_row', 'before update or delete', 'row', 'nl2sql._audit_keep()', 27),
            ('audit_keep', 'before update or delete or truncate', 'statement', 'nl2sql._audit_keep()', 58),
            ('audit_own', 'before insert', 'statement', 'nl2sql._audit_own()', 6)
        ) as w (name, moment, level, trigger_function, bits)
    union all
    -- all other tables of the extension but that of the users' own cases: masks, limits, what waits for approval, examples
    select c.oid, 'audit_own', 'before insert or update or delete or truncate', 'statement',
        'nl2sql._audit_own()'::regprocedure, 62::int2
    from pg_class as c
    where c.relnamespace = 'nl2sql'::regnamespace and c.relkind = 'r' and not c.relispartition and c.relname <> 'cases'
        and exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
                and d.refclassid = 'pg_extension'::regclass)
$sql$;
comment on function nl2sql._audit_triggers() is 'triggers that the log, its partitions and the other tables of the extension must have';

-- API: Private. Dynamic SQL over names of our own making; granted to nobody, called by functions of the owner.
create or replace function nl2sql._audit_protect(log regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set lock_timeout = '1s'
as $plpgsql$
declare
    wanted record;
begin
    for wanted in select t.* from nl2sql._audit_triggers() as t where t.log = _audit_protect.log loop
        if not exists (select from pg_trigger as t where t.tgrelid = log and t.tgname = wanted.name) then
            execute format('create trigger %I %s on %s for each %s execute function %s',
                wanted.name, wanted.moment, log, wanted.level, wanted.trigger_function);
        end if;
        if exists (select from pg_trigger as t where t.tgrelid = log and t.tgname = wanted.name and t.tgenabled <> 'A') then
            execute format('alter table %s enable always trigger %I', log, wanted.name);
        end if;
    end loop;
end
$plpgsql$;
comment on function nl2sql._audit_protect(regclass) is 'give the log, a partition of it or another table of the extension the triggers that keep it as it is';

-- API: Private. Dynamic SQL over names of our own making, as above.
create or replace function nl2sql._audit_index(log regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    name constant text := (select c.relname from pg_class as c where c.oid = log);
begin
    execute format('create unique index if not exists %I on %s (chain, seq)', concat(name, '_once'), log);
    execute format('create index if not exists %I on %s (at)', concat(name, '_at'), log);
    execute format('create index if not exists %I on %s (role, at)', concat(name, '_role'), log);
    execute format('create index if not exists %I on %s (id)', concat(name, '_id'), log);
    execute format('create index if not exists %I on %s (sqlstate, at) where sqlstate is not null', concat(name, '_refused'), log);
    execute format('create index if not exists %I on %s (action, at) where event = ''event''', concat(name, '_event'), log);
end
$plpgsql$;
comment on function nl2sql._audit_index(regclass) is 'give a partition of the log its indexes';

select nl2sql._audit_index('nl2sql._audit_other');
-- the log before its partitions: they have its row triggers from it
select nl2sql._audit_protect(t.log) from (select distinct w.log from nl2sql._audit_triggers() as w order by w.log) as t;

-- API: Private
create or replace function nl2sql._audit_unprotected()
returns setof regclass
language sql stable called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select distinct w.log
    from nl2sql._audit_triggers() as w
    where not exists (
        select from pg_trigger as t
        where t.tgrelid = w.log and t.tgname = w.name and t.tgfoid = w.trigger_function and t.tgtype = w.bits
            and t.tgenabled = 'A' and t.tgqual is null and t.tgattr = '')
$sql$;
comment on function nl2sql._audit_unprotected() is 'tables of the extension and partitions of its log, as far as they lack a trigger';

-- API: Private. Dynamic SQL over a date; granted to nobody, called by functions of the owner.
create or replace function nl2sql._audit_partition(moment timestamptz)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '1s'
as $plpgsql$
declare
    month constant timestamptz := date_trunc('month', moment);
    name constant text := concat('_audit_', to_char(month, 'YYYY_MM'));
begin
    if exists (select from pg_class as c where c.relname = name and c.relnamespace = 'nl2sql'::regnamespace) then
        return;
    end if;
    execute format('create table nl2sql.%I partition of nl2sql._audit for values from (%L) to (%L)',
        name, month, month + interval '1 month');
    execute format('comment on table nl2sql.%I is %L', name, 'audit records of one month');
    perform nl2sql._audit_index(format('nl2sql.%I', name)::regclass);
    perform nl2sql._audit_protect(format('nl2sql.%I', name)::regclass);
exception
    -- somebody reads the whole log right now, or made it this moment, or its rows are in _audit_other already
    when lock_not_available or duplicate_table or unique_violation or check_violation then
        return;
end
$plpgsql$;
comment on function nl2sql._audit_partition(timestamptz) is 'make the partition of a month, unless it is there or in use';

-- API: Private. Whole microseconds as they were signed: exact up to the year 2255, and never out of range.
create or replace function nl2sql._audit_time(record jsonb)
returns timestamptz
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select '1970-01-01 00:00:00+00'::timestamptz
        + least(greatest((record ->> 'at')::bigint, 0), 9007199254740992) * interval '1 microsecond'
$sql$;
comment on function nl2sql._audit_time(jsonb) is 'when a record says that it was made';

-- API: Private
create or replace function nl2sql._audit_same(waiting jsonb, signed jsonb)
returns boolean
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- The sidecar leaves out what is null and cuts long texts; a record that is none goes whole into the details of one that is.
    select waiting -> 'id' = signed -> 'id' and waiting -> 'action' = signed -> 'action' and waiting -> 'at' = signed -> 'at'
        and waiting -> 'session_user' = signed -> 'session_user' and waiting -> 'role' = signed -> 'role'
        and (
            not exists (
                select from jsonb_each(jsonb_strip_nulls(waiting)) as w
                where case
                    when length(w.value::text) <= 300 then w.value is distinct from signed -> w.key
                    when jsonb_typeof(w.value) = 'string' then left(w.value #>> '{}', 299) is distinct from left(signed ->> w.key, 299)
                    else jsonb_typeof(w.value) is distinct from jsonb_typeof(signed -> w.key)
                end)
            or case
                when left(signed ->> 'details', 1) is distinct from '{' then false
                when length(signed ->> 'details') < 32768 then (signed ->> 'details')::jsonb = waiting
                else length(waiting::text) >= 32768
            end)
$sql$;
comment on function nl2sql._audit_same(jsonb, jsonb) is 'whether a signed record is what the sidecar makes of one that waits in the outbox';

-- API: Private. SECURITY DEFINER: only this writes the log, and only the sidecar may call it.
create or replace function nl2sql._audit_append(
    entries jsonb  -- [{chain, seq, prev, hash, record}], in order of seq; what is stored already is left out
)
returns jsonb
language plpgsql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    month timestamptz;
    fresh jsonb;
begin
    insert into nl2sql._audit_chain (chain, seq, hash)
    select distinct (e ->> 'chain')::uuid, 0, ''::bytea from jsonb_array_elements(entries) as e order by 1
    on conflict do nothing;
    -- two deliveries of one chain wait for each other here
    perform from nl2sql._audit_chain as c
    where c.chain in (select (e ->> 'chain')::uuid from jsonb_array_elements(entries) as e)
    order by c.chain for update;
    for month in
        select distinct date_trunc('month', nl2sql._audit_time(e -> 'record'), 'UTC') from jsonb_array_elements(entries) as e
    loop
        if month between clock_timestamp() - interval '13 months' and clock_timestamp() + interval '1 month' then
            perform nl2sql._audit_partition(month);
        end if;
    end loop;
    with stored as (
        insert into nl2sql._audit (chain, seq, at, id, event, action, role, session_role, sqlstate, prev, hash, record)
        select c.chain, (e ->> 'seq')::bigint, nl2sql._audit_time(e -> 'record'), (e #>> '{record,id}')::uuid,
            e #>> '{record,event}', e #>> '{record,action}', e #>> '{record,role}', e #>> '{record,session_user}',
            e #>> '{record,sqlstate}', decode(e ->> 'prev', 'hex'), decode(e ->> 'hash', 'hex'), e -> 'record'
        from jsonb_array_elements(entries) as e
            join nl2sql._audit_chain as c on c.chain = (e ->> 'chain')::uuid and c.seq < (e ->> 'seq')::bigint
        on conflict do nothing
        returning *
    )
    select jsonb_agg(to_jsonb(s) - '{prev, hash, record}'::text[] || jsonb_build_object(
        'hash', encode(s.hash, 'hex'), 'verdict', s.record ->> 'verdict', 'details', s.record ->> 'details') order by s.seq)
    into fresh from stored as s;
    if fresh is not null then
        perform nl2sql._audit_alarm(fresh);
        update nl2sql._audit_chain as c
        set seq = s.seq, hash = decode(s.hash, 'hex'), stored_at = clock_timestamp()
        from (select distinct on (f.chain) f.* from jsonb_to_recordset(fresh) as f (chain uuid, seq bigint, hash text)
            order by f.chain, f.seq desc) as s
        where c.chain = s.chain;
        -- what only has the number of a waiting record does not take its place
        delete from nl2sql._audit_outbox as o
        using jsonb_to_recordset(fresh) as f (id uuid), jsonb_array_elements(entries) as e
        where o.id = f.id and e #>> '{record,id}' = f.id::text and nl2sql._audit_same(o.record, e -> 'record');
    end if;
    return (
        select jsonb_build_object('stored', c.seq, 'hash', encode(c.hash, 'hex'))
        from nl2sql._audit_chain as c where c.chain = (entries #>> '{-1,chain}')::uuid);
end
$plpgsql$;
comment on function nl2sql._audit_append(jsonb) is 'append signed entries to the log: {stored, hash}, the last entry of their chain that is stored';

-- API: Private
create or replace function nl2sql._audit_shortened(record jsonb, size bigint)
returns jsonb
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select jsonb_object_agg(f.key, f.value) || jsonb_build_object('details', format('left out: a record of %s bytes', size))
    from jsonb_each(record) as f
    where f.key in ('id', 'event', 'action', 'at', 'session_user', 'role', 'pid') and octet_length(f.value::text) < 1000
$sql$;
comment on function nl2sql._audit_shortened(jsonb, bigint) is 'who did something and when, of a record that is too large to be kept';

-- API: Private. SECURITY DEFINER: reads the outbox, for the sidecar alone. About four million bytes at a time: a list that fits
-- in no value would be asked for again and again. A row that is larger than that by itself goes without its contents.
create or replace function nl2sql._audit_outbox(most int)
returns jsonb
language plpgsql stable strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    waiting record;
    size bigint;
    total bigint := 0;
    found jsonb[] := '{}';
begin
    for waiting in
        select o.id, o.record from nl2sql._audit_outbox as o order by o.noted_at, o.id limit most
    loop
        size := octet_length(waiting.record::text);
        if size > 4000000 then
            found := found || nl2sql._audit_shortened(waiting.record, size);
            exit;
        end if;
        exit when total + size > 4000000;
        total := total + size;
        found := found || waiting.record;
    end loop;
    return to_jsonb(found);
end
$plpgsql$;
comment on function nl2sql._audit_outbox(int) is 'records of actions inside the database that are not signed yet, oldest first; as many as make four million bytes';

-- API: Private. SECURITY DEFINER: an auditor reads the log through the view only. Who reads is on record before the first row
-- comes; the view has this in a subquery of its own, which runs once a statement.
create or replace function nl2sql._audit_read(what text)
returns boolean
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    perform nl2sql._ok(nl2sql._audit_note_read(what, nl2sql._audit_role(), left(current_query(), 8000)));
    return true;
end
$plpgsql$;
comment on function nl2sql._audit_read(text) is 'put a look at the log on record; raises NL601 where that fails';

-- API: Private. Granted to nobody, called by functions of the owner.
create or replace function nl2sql._audit_note_read(what text, acting name, query text)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.audit_read(plpy, what, acting, query)
$python$;
comment on function nl2sql._audit_note_read(text, name, text) is 'an envelope {ok: true} or {error}';

-- API: Private
create or replace function nl2sql._audit_list(record jsonb, name text)
returns text[]
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select array(select jsonb_array_elements_text(record -> name)) where jsonb_typeof(record -> name) = 'array'
$sql$;
comment on function nl2sql._audit_list(jsonb, text) is 'a list of an audit record as an array';

-- API: Public. session_user is a key word of SQL and can't be the name of a column that one filters by.
create or replace view nl2sql.audit_log with (security_barrier) as
select
    a.at, a.event, a.action, a.role, a.session_role,
    nl2sql._audit_list(a.record, 'member_of') as member_of,
    a.record operator(pg_catalog.->>) 'client_addr' as client_addr,
    a.record operator(pg_catalog.->>) 'application_name' as application_name,
    (a.record operator(pg_catalog.->>) 'pid')::bigint as pid,
    timestamp with time zone '1970-01-01 00:00:00+00' operator(pg_catalog.+)
        (((a.record operator(pg_catalog.->>) 'backend_start')::bigint)::float8 operator(pg_catalog.*) interval '1 microsecond') as backend_start,
    (a.record operator(pg_catalog.->>) 'in_recovery')::boolean as in_recovery,
    a.record operator(pg_catalog.->>) 'question' as question,
    a.record operator(pg_catalog.->>) 'sql' as sql,
    a.record operator(pg_catalog.->>) 'model' as model,
    a.record operator(pg_catalog.->>) 'fingerprint' as fingerprint,
    a.record operator(pg_catalog.->>) 'verdict' as verdict,
    a.record operator(pg_catalog.->>) 'rule' as rule,
    a.sqlstate,
    a.record operator(pg_catalog.->>) 'message' as message,
    nl2sql._audit_list(a.record, 'tables') as tables,
    nl2sql._audit_list(a.record, 'columns') as columns,
    nl2sql._audit_list(a.record, 'masks') as masks,
    (a.record operator(pg_catalog.->>) 'rows')::bigint as rows,
    (a.record operator(pg_catalog.->>) 'bytes')::bigint as bytes,
    (a.record operator(pg_catalog.->>) 'milliseconds')::bigint as milliseconds,
    (a.record operator(pg_catalog.->>) 'cost')::bigint as cost,
    (a.record operator(pg_catalog.->>) 'confidence')::int as confidence,
    a.record operator(pg_catalog.->>) 'request_id' as request_id,
    a.record operator(pg_catalog.->>) 'details' as details,
    a.id, a.chain, a.seq, pg_catalog.encode(a.hash, 'hex') as hash
from nl2sql._audit as a
where (select nl2sql._audit_read('audit_log'));
comment on view nl2sql.audit_log is
    'who asked, ran and changed what, when and with what result; a row an intent, an outcome or an event; reading it is on record';
