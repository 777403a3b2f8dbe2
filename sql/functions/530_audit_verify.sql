-- Is the log what was signed? And what becomes of it when it is old.

-- API: Private. Granted to nobody, called by functions of the owner.
create or replace function nl2sql._audit_verify(acting name, since timestamptz, until timestamptz)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.audit_verify(plpy, acting, since, until)
$python$;
comment on function nl2sql._audit_verify(name, timestamptz, timestamptz) is 'an envelope {ok: [problem]} or {error}';

-- API: Public. SECURITY DEFINER: it reads the whole log, and tells only what is wrong with it.
create or replace function nl2sql.audit_verify(
    since timestamptz default null,  -- records from here on; NULL: from the first one
    until timestamptz default null   -- records before this; NULL: to the last one
)
returns table (chain uuid, seq bigint, at timestamptz, problem text)
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._audit_verify(nl2sql._audit_role(), since, until));
begin
    return query
        select p.chain, p.seq, p.at, p.problem
        from jsonb_to_recordset(reply) as p (chain uuid, seq bigint, at timestamptz, problem text);
end
$plpgsql$;
comment on function nl2sql.audit_verify(timestamptz, timestamptz) is
    'a row a problem of the audit log: changed, missing or misplaced entries, missing triggers; none: it is what was signed; raises NL601, NL602';

-- API: Public. SECURITY DEFINER: hashes only, to be kept where nobody who could change the log can change them.
create or replace function nl2sql.audit_heads()
returns table (chain uuid, seq bigint, hash text, stored_at timestamptz, dropped_seq bigint, dropped_hash text)
language sql stable called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select c.chain, c.seq, encode(c.hash, 'hex'), c.stored_at, c.dropped_seq, encode(c.dropped_hash, 'hex')
    from nl2sql._audit_chain as c order by c.stored_at desc
$sql$;
comment on function nl2sql.audit_heads() is 'the last entry of each chain in the log, and the last one dropped by nl2sql.audit_retain()';

-- API: Private. One page of a chain for verification; granted to nobody.
create or replace function nl2sql._audit_page(of_chain uuid, after_seq bigint, last_seq bigint, most int)
returns table (seq bigint, prev text, hash text, record text, at text, differs boolean)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select a.seq, encode(a.prev, 'hex'), encode(a.hash, 'hex'), a.record::text, to_jsonb(a.at) #>> '{}',
        (a.at, a.id::text, a.event, a.action, a.role, a.session_role, coalesce(a.sqlstate, '')) is distinct from (
            nl2sql._audit_time(a.record), a.record ->> 'id', a.record ->> 'event', a.record ->> 'action',
            a.record ->> 'role', a.record ->> 'session_user', coalesce(a.record ->> 'sqlstate', ''))
    from nl2sql._audit as a
    where a.chain = of_chain and a.seq > after_seq and a.seq <= last_seq
    order by a.seq, a.at
    limit most
$sql$;
comment on function nl2sql._audit_page(uuid, bigint, bigint, int) is 'entries of a chain in order of seq, with whether the columns beside the record differ from it';

-- API: Private. Chains that are in the log, whatever nl2sql._audit_chain says; granted to nobody.
create or replace function nl2sql._audit_chains(since timestamptz, until timestamptz)
returns table (
    chain text, first_seq bigint, last_seq bigint, head_seq bigint, dropped_seq bigint, dropped_hash text, drop_signed boolean)
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with recursive present (chain) as (
        (select a.chain from nl2sql._audit as a order by a.chain limit 1)
        union all
        select (select a.chain from nl2sql._audit as a where a.chain > p.chain order by a.chain limit 1)
        from present as p where p.chain is not null
    ), known as (
        select p.chain from present as p where p.chain is not null
        union
        select c.chain from nl2sql._audit_chain as c
    )
    select k.chain::text,
        (select min(a.seq) from nl2sql._audit as a where a.chain = k.chain and a.at >= coalesce(since, '-infinity')),
        (select max(a.seq) from nl2sql._audit as a where a.chain = k.chain and a.at < coalesce(until, 'infinity')),
        coalesce(c.seq, 0), coalesce(c.dropped_seq, 0), encode(c.dropped_hash, 'hex'),
        coalesce(c.dropped_seq, 0) = 0 or exists (
            select from (
                select a.record from nl2sql._audit as a where a.action = 'audit_retain' and a.event = 'event'
                union all
                select o.record from nl2sql._audit_outbox as o where o.record ->> 'action' = 'audit_retain'
            ) as said
            -- details that were cut are no JSON
            where case when right(said.record ->> 'details', 1) = '}' then (said.record ->> 'details')::jsonb -> 'chains' end
                @> jsonb_build_array(jsonb_build_object(
                'chain', k.chain::text, 'seq', c.dropped_seq, 'hash', encode(c.dropped_hash, 'hex'))))
    from known as k
        left join nl2sql._audit_chain as c on c.chain = k.chain
    order by 1
$sql$;
comment on function nl2sql._audit_chains(timestamptz, timestamptz) is 'chains with the entries of a span of time, and what retention has dropped of them';

-- API: Public. Dynamic SQL over partitions of our own; executable by no role of nl2sql: dropping is for whoever owns the database.
create or replace function nl2sql.audit_retain(
    months int default 12,            -- keep so many whole months before the current one; at least 12
    dry_run boolean default false     -- true: only say what would be dropped
)
returns table (partition text, entries bigint, bytes bigint)
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $plpgsql$
declare
    chains jsonb;
begin
    if months is null or months < 12 then
        raise exception using
            errcode = '22023',
            message = format('%s months of audit records are too few to keep', coalesce(months::text, 'NULL')),
            detail = 'Nothing was dropped.',
            hint = 'Keep at least 12 months; export older ones before they are dropped.';
    end if;
    for partition in
        select c.relname::text
        from pg_partition_tree('nl2sql._audit') as p join pg_class as c on c.oid = p.relid
        where c.relname ~ '^_audit_[0-9]{4}_[0-9]{2}$'
            and to_date(right(c.relname, 7), 'YYYY_MM') < date_trunc('month', clock_timestamp()) - make_interval(months => months)
        order by 1
    loop
        execute format('select count(*), pg_total_relation_size(%L) from nl2sql.%I',
            format('nl2sql.%I', partition), partition) into entries, bytes;
        if dry_run is not true then
            -- the log before its partition, as whoever reads or writes it: the other way round may deadlock with them
            lock table only nl2sql._audit in access exclusive mode;
            execute format('lock table nl2sql.%I in access exclusive mode', partition);
            execute format('
                select jsonb_agg(jsonb_build_object(''chain'', l.chain, ''seq'', l.seq, ''hash'', encode(l.hash, ''hex'')))
                from (select distinct on (a.chain) a.chain, a.seq, a.hash from nl2sql.%I as a order by a.chain, a.seq desc) as l
                    left join nl2sql._audit_chain as c on c.chain = l.chain
                where l.seq > coalesce(c.dropped_seq, 0)', partition) into chains;
            insert into nl2sql._audit_chain as c (chain, seq, hash, dropped_seq, dropped_hash)
            select l.chain, l.seq, decode(l.hash, 'hex'), l.seq, decode(l.hash, 'hex')
            from jsonb_to_recordset(chains) as l (chain uuid, seq bigint, hash text)
            on conflict on constraint _audit_chain_pkey
                do update set dropped_seq = excluded.dropped_seq, dropped_hash = excluded.dropped_hash;
            perform nl2sql._audit_note('audit_retain', jsonb_build_object(
                'partition', partition, 'months', months, 'entries', entries, 'chains', coalesce(chains, '[]')));
            execute format('drop table nl2sql.%I', partition);
        end if;
        return next;
    end loop;
end
$plpgsql$;
comment on function nl2sql.audit_retain(int, boolean) is
    'drop whole months of the audit log; the last hash of what goes is kept, so that the rest still verifies; raises 22023';
