-- Columns whose values are shown to no model and stored in no index, whoever asks: masked ones, and what is made of them.

-- API: Private. SECURITY DEFINER: the owner of a table need not read its masked view, and does not see its policy. Upwards from
-- the relations asked about: most have nothing to do with masks.
create or replace function nl2sql._held_back(relations oid[])
returns table (relid oid, attnum int2)
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if not exists (select from nl2sql._mask) then
        return;
    end if;
    return query
    with recursive above as (
        select u.oid as start, u.oid, false as by_view from unnest(relations) as u (oid)
        union
        select k.start, f.oid, k.by_view or f.by_view
        from above as k
            cross join lateral (
                select i.inhparent as oid, false as by_view from pg_inherits as i where i.inhrelid = k.oid
                union all
                select d.refobjid, true
                from pg_rewrite as r
                    join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                        and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
                where r.ev_class = k.oid
            ) as f
    ),
    masked as (
        select distinct k.start, k.by_view, v.relation::oid as root
        from above as k join nl2sql._mask_view as v on v.relation = k.oid
    )
    select k.start, b.attnum
    from masked as k
        join nl2sql._mask as m on m.relation = k.root
        join pg_attribute as a on a.attrelid = k.root and a.attnum = m.number
        join pg_attribute as b on b.attrelid = k.start and b.attname = a.attname
    where not k.by_view
    union
    -- a view may show it under any name
    select k.start, b.attnum
    from masked as k
        join pg_attribute as b on b.attrelid = k.start and b.attnum > 0
    where k.by_view and k.start in (select d.oid from nl2sql._mask_dependents(k.root) as d (oid));
end
$plpgsql$;
comment on function nl2sql._held_back(oid[]) is
    'masked columns among those of relations, the same columns of partitions and children, and all of views that read them';
