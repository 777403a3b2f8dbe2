-- Where a masked view stands for its table: which of the two the caller is shown, and keys of the table as the view shows them.

-- API: Private
create or replace function nl2sql._other_halves()
returns oid[]
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- row level security: the masked views that the caller may read
    return (
        select coalesce(array_agg(case
            when has_table_privilege(v.relation::oid, 'select') then v.masked_view::oid else v.relation::oid end), '{}')
        from nl2sql._mask_view as v
    );
end
$plpgsql$;
comment on function nl2sql._other_halves() is
    'relations out of scope since the caller is shown another one for the same data: the table where it may read that in clear, else the masked view';

-- API: Private
create or replace function nl2sql._key_places(relation oid, keys int2[])
returns int2[]
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- masked values are neither unique nor found in the other table
    select array_agg(array_position(v.numbers, k.number)::int2 order by k.place)
    from nl2sql._mask_view as v
        cross join unnest(keys) with ordinality as k (number, place)
    where v.relation = _key_places.relation
        and not exists (select from nl2sql._mask as m where m.relation = v.relation and m.number = any (keys))
    having bool_and(k.number = any (v.numbers))
$sql$;
comment on function nl2sql._key_places(oid, int2[]) is 'where a masked view shows key columns of its table; NULL if it does not show all of them as they are';

-- API: Private. Most databases mask nothing: they get pg_constraint as it is.
create or replace function nl2sql._keys(relations oid[])
returns table (oid oid, conrelid oid, contype "char", conname name, conkey int2[], confrelid oid, confkey int2[])
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    behind oid[] := array(select v.relation::oid from nl2sql._mask_view as v where v.masked_view::oid = any (relations));
    hidden oid[] := nl2sql._other_halves();
begin
    return query
    select k.oid, k.conrelid, k.contype, k.conname, k.conkey, k.confrelid, k.confkey
    from pg_constraint as k
    where k.conrelid = any (relations) and (k.contype = 'p' or (k.contype = 'f' and k.conparentid = 0))
        and k.confrelid <> all (hidden);
    if cardinality(hidden) > 0 then
        return query
        select m.*
        from (
            select k.oid, coalesce(f.masked_view::oid, k.conrelid), k.contype, k.conname,
                case when f.relation is null then k.conkey else nl2sql._key_places(k.conrelid, k.conkey) end as conkey,
                coalesce(t.masked_view::oid, k.confrelid),
                case when t.relation is null then k.confkey else nl2sql._key_places(k.confrelid, k.confkey) end as confkey
            from pg_constraint as k
                left join nl2sql._mask_view as f on f.relation = k.conrelid and k.conrelid = any (behind)
                left join nl2sql._mask_view as t on t.relation = k.confrelid and k.confrelid = any (hidden)
            where k.conrelid = any (relations || behind) and (k.contype = 'p' or (k.contype = 'f' and k.conparentid = 0))
                and (f.relation is not null or t.relation is not null)
        ) as m
        where m.conkey is not null and (m.contype = 'p' or m.confkey is not null);
    end if;
end
$plpgsql$;
comment on function nl2sql._keys(oid[]) is 'primary and foreign keys of relations as pg_constraint has them, masked views standing for their tables';

-- API: Private
create or replace function nl2sql._shown_columns(relations oid[])
returns table (relid oid, attnum int2, base oid, number int2)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
    select v.masked_view::oid, u.place::int2, v.relation::oid, u.number
    from nl2sql._mask_view as v
        cross join unnest(v.numbers) with ordinality as u (number, place)
    where v.masked_view::oid = any (relations)
        and not exists (select from nl2sql._mask as m where m.relation = v.relation and m.number = u.number);
end
$plpgsql$;
comment on function nl2sql._shown_columns(oid[]) is 'columns that masked views show as they are, and which of the table they are';
