-- What the values of a column look like where its type does not say it: dates that are kept as numbers or texts, and collations
-- under which texts are equal that differ.

-- API: Private. As the caller: pg_stats shows columns he may read only, and no table whose row security holds for him.
create or replace function nl2sql._seen_values(
    schemas name[],   -- one column each with
    tables name[],
    columns name[]
)
returns table (schema_name name, table_name name, column_name name, seen text[])
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
-- one plan serves every list of columns
set plan_cache_mode = force_generic_plan
as $plpgsql$
begin
    return query
    select s.schemaname, s.tablename, s.attname,
        -- bounds first, so that the lowest is among them
        (coalesce(s.histogram_bounds::text::text[], '{}') || coalesce(s.most_common_vals::text::text[], '{}'))[1:200]
    from pg_stats as s
        join pg_namespace as n on n.nspname = s.schemaname
        join pg_class as c on c.relnamespace = n.oid and c.relname = s.tablename
        join pg_attribute as a on a.attrelid = c.oid and a.attname = s.attname
        join pg_type as t on t.oid = a.atttypid
        join unnest(schemas, tables, columns) as w (schema_name, table_name, column_name)
            on w.schema_name = s.schemaname and w.table_name = s.tablename and w.column_name = s.attname
    where s.schemaname = any (schemas) and s.tablename = any (tables) and s.inherited = (c.relkind = 'p')
        -- texts as long as a date: to cast an array of others takes longer than all the rest
        and case t.typcategory when 'S' then s.avg_width between 5 and 11 else s.avg_width <= 20 end
        and (c.oid, a.attnum) not in (
            select h.relid, h.attnum
            from nl2sql._held_back(array(
                select r.oid from pg_class as r join pg_namespace as o on o.oid = r.relnamespace
                where o.nspname = any (schemas) and r.relname = any (tables))) as h);
end
$plpgsql$;
comment on function nl2sql._seen_values(name[], name[], name[]) is
    'values of some columns that the server''s statistics keep, as far as the caller may read them';

-- API: Private. SECURITY DEFINER: statistics are of the table, which a reader of its masked view may not read. Answers only for
-- roles whose rights are in force, for columns that the view shows as they are, and for no table with row security.
create or replace function nl2sql._masked_seen_values(reader name, schemas name[], tables name[], columns name[])
returns table (schema_name name, table_name name, column_name name, seen text[])
language sql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with shown as materialized (
        select n.nspname, c.relname, a.attname, k.nspname as base_schema, b.relname as base_name, d.attname as base_column
        from nl2sql._shown_columns(array(select v.masked_view::oid from nl2sql._mask_view as v)) as s
            join pg_class as c on c.oid = s.relid
            join pg_namespace as n on n.oid = c.relnamespace and has_schema_privilege(reader, n.oid, 'usage')
            join pg_attribute as a on a.attrelid = s.relid and a.attnum = s.attnum
            join pg_class as b on b.oid = s.base and not b.relrowsecurity
            join pg_namespace as k on k.oid = b.relnamespace
            join pg_attribute as d on d.attrelid = s.base and d.attnum = s.number
            join unnest(schemas, tables, columns) as w (schema_name, table_name, column_name)
                on w.schema_name = n.nspname and w.table_name = c.relname and w.column_name = a.attname
        where (select nl2sql._acts_for(reader)) and has_column_privilege(reader, s.relid, s.attnum, 'select')
    )
    select s.nspname, s.relname, s.attname, f.seen
    from shown as s
        join nl2sql._seen_values(
            array(select t.base_schema from shown as t order by t.base_schema, t.base_name, t.base_column),
            array(select t.base_name from shown as t order by t.base_schema, t.base_name, t.base_column),
            array(select t.base_column from shown as t order by t.base_schema, t.base_name, t.base_column)) as f
            on f.schema_name = s.base_schema and f.table_name = s.base_name and f.column_name = s.base_column
$sql$;
comment on function nl2sql._masked_seen_values(name, name[], name[], name[]) is
    'values of unmasked columns of masked views that the server''s statistics keep';

-- API: Private. From the catalogs alone.
create or replace function nl2sql._loose_columns(relations oid[])
returns table (schema_name name, table_name name, column_name name)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    loose constant oid[] := array(select l.oid from pg_collation as l where not l.collisdeterministic);
begin
    -- mostly there is none
    if cardinality(loose) = 0 then
        return;
    end if;
    return query
    select n.nspname, c.relname, a.attname
    from pg_attribute as a
        join pg_class as c on c.oid = a.attrelid
        join pg_namespace as n on n.oid = c.relnamespace
    where a.attrelid = any (relations) and a.attcollation = any (loose) and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(a.attrelid, a.attnum, 'select');
end
$plpgsql$;
comment on function nl2sql._loose_columns(oid[]) is 'columns with a collation under which texts are equal that differ (deterministic = false)';
