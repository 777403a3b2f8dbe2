-- What somebody should look at: refusals, bursts, changes of rights and policies, a log that does not verify.

-- API: Private
create or replace function nl2sql._audit_alert_kind(action text, event text, sqlstate text, verdict text)
returns text
language sql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when sqlstate in ('42501', 'NL402', 'NL408') then 'denied'
        when sqlstate in ('NL401', 'NL403', 'NL404', 'NL405', 'NL411') then 'guard'
        when action = 'audit_verify' and verdict = 'broken' then 'verify'
        -- what only the database and the sidecar themselves say
        when event <> 'event' then null
        when action in ('role_change', 'rights_change') then 'rights'
        when action in ('audit_unprotected', 'audit_retain', 'audit_gap') then 'audit'
        when action in ('ddl', 'drop') then 'ddl'
        -- an administrator's action
        when event = 'event' and action not in ('audit_read', 'audit_verify', 'role_snapshot', 'feedback') then 'policy'
    end
$sql$;
comment on function nl2sql._audit_alert_kind(text, text, text, text) is 'what kind of alert a record raises; NULL: none';

-- API: Private. Called by functions of the owner; granted to nobody. Rights on all data are rights to set any sequence, which no
-- trigger tells of: at its end, or back at its beginning, nothing could be stored any more.
create or replace function nl2sql._audit_mend_numbers()
returns boolean
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    highest constant bigint := (select coalesce(max(a.id), 0) from nl2sql._audit_alert as a);
    last constant bigint := (select s.last_value from nl2sql._audit_alert_id_seq as s);
begin
    -- numbers of transactions that were undone, or are not done yet, lie between the two
    if last between highest and highest + 1000000 or highest = 0 and last = 1 then
        return false;
    end if;
    perform setval('nl2sql._audit_alert_id_seq', highest + 1000);
    return true;
end
$plpgsql$;
comment on function nl2sql._audit_mend_numbers() is 'put the sequence of alerts back where it belongs; whether somebody had set it';

-- API: Private. Called by nl2sql._audit_append() with the records it has stored; granted to nobody. The channel is open to
-- everybody who listens, so that a notification has nothing but the number and the kind of the alert.
create or replace function nl2sql._audit_alarm(stored jsonb)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    raised record;
    meddled constant boolean := nl2sql._audit_mend_numbers();
begin
    for raised in
        with fresh as (
            select f.*
            from jsonb_to_recordset(stored) as f (chain uuid, seq bigint, at timestamptz, id uuid, event text, action text,
                role text, session_role text, sqlstate text, verdict text, details text)
        ), newest as (
            select distinct on (f.role) f.* from fresh as f order by f.role, f.at desc
        ), found as (
            select f.*, nl2sql._audit_alert_kind(f.action, f.event, f.sqlstate, f.verdict) as kind, f.details as detail
            from fresh as f
            union all
            select n.*, b.kind, b.detail from newest as n cross join lateral nl2sql._audit_burst(n.role, n.at) as b
            union all
            select f.*, 'audit', format('entries after %s of chain %s are missing', c.seq, c.chain)
            from fresh as f join nl2sql._audit_chain as c on c.chain = f.chain
            where c.seq > 0 and f.seq > c.seq + 1
                and f.seq = (select min(g.seq) from fresh as g where g.chain = f.chain)
            union all
            select f.*, 'audit', 'somebody had set the numbers of alerts'
            from (select n.* from newest as n limit 1) as f where meddled
        )
        insert into nl2sql._audit_alert as a (at, kind, action, role, session_role, sqlstate, detail, record_id)
        select f.at, f.kind, f.action, f.role, f.session_role, f.sqlstate, f.detail, f.id
        from found as f where f.kind is not null order by f.at
        returning a.id, a.kind
    loop
        perform pg_notify('nl2sql_alert', jsonb_build_object('alert', raised.id, 'kind', raised.kind)::text);
    end loop;
end
$plpgsql$;
comment on function nl2sql._audit_alarm(jsonb) is 'raise the alerts of records that have just been stored';

-- API: Private. Looks at no more rows than the thresholds say; one alert a minute, role and kind.
create or replace function nl2sql._audit_burst(acting text, until timestamptz)
returns table (kind text, detail text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with setting as materialized (
        select (s.values ->> 'alert_refusals')::int as refusals, (s.values ->> 'alert_questions')::int as questions
        from (select nl2sql._settings() as values) as s
    ), counted as (
        select 'burst' as kind, format('%s refused actions within a minute', s.refusals) as detail
        from setting as s
        where s.refusals <= (select count(*) from (
            select from nl2sql._audit as a
            where a.role = acting and a.at > until - interval '1 minute' and a.at <= until and a.event <> 'intent'
                and a.sqlstate is not null and a.sqlstate !~ '^57'
            limit s.refusals) as refused)
        union all
        select 'burst', format('%s actions within a minute', s.questions)
        from setting as s
        where s.questions <= (select count(*) from (
            select from nl2sql._audit as a
            where a.role = acting and a.at > until - interval '1 minute' and a.at <= until and a.event = 'intent'
            limit s.questions) as asked)
    )
    select c.kind, c.detail
    from counted as c
    where not exists (
        select from nl2sql._audit_alert as old
        where old.role = acting and old.kind = c.kind and old.detail = c.detail and old.at > until - interval '1 minute')
$sql$;
comment on function nl2sql._audit_burst(text, timestamptz) is 'bursts of a role in the minute before a moment, unless told already';

-- API: Public
create or replace view nl2sql.alert with (security_barrier) as
select a.id, a.raised_at, a.at, a.kind, a.action, a.role, a.session_role, a.sqlstate, a.detail, a.record_id
from nl2sql._audit_alert as a
where (select nl2sql._audit_read('alert'));
comment on view nl2sql.alert is
    'what somebody should look at: denied, guard, burst, rights, policy, ddl, audit, verify; the record is in nl2sql.audit_log under id = record_id';
