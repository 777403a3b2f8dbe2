create schema nl2sql;
create table nl2sql.entries (
    chain uuid, seq bigint, prev text, hash text, record jsonb, primary key (chain, seq));
create table nl2sql.outbox (id uuid primary key, record jsonb, number serial);

create function nl2sql._audit_append(entries jsonb) returns jsonb language sql as $$
    with new as (
        insert into nl2sql.entries
        select (e ->> 'chain')::uuid, (e ->> 'seq')::bigint, e ->> 'prev', e ->> 'hash', e -> 'record'
        from jsonb_array_elements($1) as e
        on conflict do nothing),
    gone as (
        delete from nl2sql.outbox as o using jsonb_array_elements($1) as e where o.id = (e -> 'record' ->> 'id')::uuid)
    select jsonb_build_object('stored', greatest(
        (select max(seq) from nl2sql.entries where chain = ($1 -> 0 ->> 'chain')::uuid),
        (select max((e ->> 'seq')::bigint) from jsonb_array_elements($1) as e)));
$$;
create function nl2sql._audit_outbox(most int) returns jsonb language sql as $$
    select coalesce(jsonb_agg(record order by number), '[]')
    from (select * from nl2sql.outbox order by number limit most) as o;
$$;
create function nl2sql._audit_look() returns void language sql as '';
