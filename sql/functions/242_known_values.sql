-- Values as a sign of which table a question is about: kept beside the schema index, from what the server knows without a scan.

-- API: Private. As its caller, the SECURITY DEFINER function below: all relations, but none with row security, and no column
-- that is masked or made of what is masked.
create or replace function nl2sql._known_keys(relations oid[])
returns table (relid oid, attnum int2, key text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with open as materialized (
        select c.oid, c.relname, c.relkind, c.reltuples, n.nspname
        from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
        where c.oid = any (relations) and not c.relrowsecurity
    ),
    listed as (
        select o.oid, a.attnum, v.value
        from open as o
            join pg_attribute as a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped
            join pg_type as t on t.oid = a.atttypid
            cross join lateral unnest(nl2sql._column_values(o.oid, a.attnum, a.atttypid)) as v (value)
        where t.typtype = 'e'
            or exists (select from pg_constraint as k where k.conrelid = o.oid and k.contype = 'c' and k.conkey = array[a.attnum])
        union all
        select o.oid, a.attnum, v.value
        from pg_stats as s
            join open as o on o.nspname = s.schemaname and o.relname = s.tablename and s.inherited = (o.relkind = 'p')
            join pg_attribute as a on a.attrelid = o.oid and a.attname = s.attname
            join pg_type as t on t.oid = a.atttypid
            cross join lateral unnest(
                coalesce(s.most_common_vals::text::text[], '{}')
                -- of a large table they are a few of very many
                || coalesce(case when o.reltuples <= 10000 then s.histogram_bounds::text::text[] end, '{}')) as v (value)
        where s.schemaname = any (array(select p.nspname from open as p))
            and s.tablename = any (array(select p.relname from open as p))
            and t.typcategory = 'S' and s.avg_width <= 100
    )
    select distinct k.oid, k.attnum, k.key
    from (select l.oid, l.attnum, nl2sql._folded(l.value) as key from listed as l where length(l.value) <= 100 offset 0) as k
    -- a name: with a letter, and short enough to stand in a question
    where k.key ~ '[[:alpha:]]' and length(k.key) <= 60
        and (k.oid, k.attnum) not in (select h.relid, h.attnum from nl2sql._held_back(relations) as h)
$sql$;
comment on function nl2sql._known_keys(oid[]) is 'values of columns by their types, CHECK lists and statistics, folded';

-- API: Private. SECURITY DEFINER: writes what nobody else may. An ANALYZE that the server has forgotten, as after a crash, is none.
create or replace function nl2sql._known_refresh(most int)
returns int
language plpgsql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
-- nl2sql._index is mostly vectors of columns, and this runs every few seconds
set enable_seqscan = off
as $plpgsql$
declare
    gone oid[] := array(select r.relid from nl2sql._known_relation as r where not exists (select from pg_class as c where c.oid = r.relid));
    due oid[] := array(
        select i.relid
        from nl2sql._index as i
            left join nl2sql._known_relation as r on r.relid = i.relid
            cross join lateral (
                select greatest(pg_stat_get_last_analyze_time(i.relid), pg_stat_get_last_autoanalyze_time(i.relid)) as analyzed
            ) as now
        where i.attnum = 0
            and (r.relid is null or i.updated_at > r.taken_at
                or (now.analyzed is not null and now.analyzed is distinct from r.analyzed))
        order by i.relid
        limit most);
begin
    if cardinality(gone || due) = 0 then
        return 0;
    end if;
    delete from nl2sql._known_value as v where v.relid = any (gone || due);
    delete from nl2sql._known_relation as r where r.relid = any (gone || due);
    insert into nl2sql._known_relation (relid, analyzed)
    select d.relid, greatest(pg_stat_get_last_analyze_time(d.relid), pg_stat_get_last_autoanalyze_time(d.relid))
    from unnest(due) as d (relid)
    on conflict do nothing;
    insert into nl2sql._known_value (key, relid, attnum)
    select k.key, k.relid, k.attnum
    from nl2sql._known_keys(due) as k
    order by k.key, k.relid, k.attnum
    on conflict do nothing;
    return cardinality(due);
end
$plpgsql$;
comment on function nl2sql._known_refresh(int) is 'take values of up to so many indexed relations that are new, changed or analyzed since; returns their number';

-- API: Private. SECURITY DEFINER: reads what is granted to nobody, since a view could tell by EXPLAIN ANALYZE how much it held
-- back. Answers only for roles whose rights are in force. Masks, row security and rights are those of this moment.
create or replace function nl2sql._known_found(
    reader name,   -- for whom
    keys text[],   -- folded phrases
    most int       -- columns for each phrase
)
returns table (relid oid, attnum int2, key text)
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $plpgsql$
declare
    hidden text[];
begin
    if not nl2sql._acts_for(reader) then
        return;
    end if;
    if exists (select from nl2sql._mask) then
        hidden := array(
            select h.relid || ' ' || h.attnum
            from nl2sql._held_back(array(
                select v.relid from nl2sql._known_value as v where v.key = any (keys)
                union
                select v.relid from nl2sql._value as v where v.key = any (keys))) as h);
    end if;
    return query
    select f.relid, f.attnum, p.key
    from unnest(keys) as p (key)
        cross join lateral (
            select coalesce(s.relid, v.relid) as relid, coalesce(s.attnum, v.attnum) as attnum
            from (
                select k.relid, k.attnum from nl2sql._known_value as k where k.key = p.key
                union all
                select i.relid, i.attnum from nl2sql._value as i where i.key = p.key
            ) as v
                join pg_class as c on c.oid = v.relid and not c.relrowsecurity
                -- who reads a masked view finds what it shows as it is
                left join lateral (
                    select m.masked_view::oid as relid, u.place::int2 as attnum
                    from nl2sql._mask_view as m
                        cross join unnest(m.numbers) with ordinality as u (number, place)
                    where hidden is not null and m.relation::oid = v.relid and u.number = v.attnum
                        and has_table_privilege(reader, v.relid, 'select') is not true
                ) as s on true
                join pg_class as k on k.oid = coalesce(s.relid, v.relid) and has_schema_privilege(reader, k.relnamespace, 'usage')
            where has_column_privilege(reader, coalesce(s.relid, v.relid), coalesce(s.attnum, v.attnum), 'select')
                and (hidden is null or v.relid || ' ' || v.attnum <> all (hidden))
            limit most
        ) as f;
end
$plpgsql$;
comment on function nl2sql._known_found(name, text[], int) is 'columns that a role in force may read and that hold phrases as values';

-- API: Private. As the caller. A value that very many columns have says nothing.
create or replace function nl2sql._valued(
    mode text,         -- 'search_path' or 'database'
    schemas name[],    -- the caller's current_schemas(false), in order
    phrases text[]     -- as phrases.fold() writes them
)
returns table (relid bigint, namespace bigint, phrase text)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    most constant int := 200;
    relations oid[];
    keys text[];
begin
    select array_agg(f.relid), array_agg(f.key) into relations, keys
    from (
        select k.relid, k.key, count(*) over (partition by k.key) as columns
        from nl2sql._known_found(current_user, phrases, most) as k
    ) as f
    where f.columns < most;
    if relations is null then
        return;
    end if;
    return query
    select distinct r.relid::bigint, r.namespace::bigint, f.key
    from unnest(relations, keys) as f (relid, key)
        join nl2sql._readable_among(mode, schemas, relations) as r on r.relid = f.relid;
end
$plpgsql$;
comment on function nl2sql._valued(text, name[], text[]) is 'relations in scope that the caller may read and that have phrases as values';
