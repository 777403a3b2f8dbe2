-- What statistics and the value index know of a table, for readers of its masked view: of columns that it shows as they are.

-- API: Private. SECURITY DEFINER: statistics are of the table, which a reader of its masked view may not read. Answers only for
-- roles whose rights are in force, for columns that the view shows as they are, and for no table with row security.
create or replace function nl2sql._masked_samples(reader name, relations oid[])
returns table (relid oid, attnum int2, samples text[])
language sql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select s.relid, s.attnum, f.samples
    from nl2sql._shown_columns(relations) as s
        join pg_class as c on c.oid = s.base and not c.relrowsecurity
        join nl2sql._samples(array(select distinct b.base from nl2sql._shown_columns(relations) as b)) as f
            on f.relid = s.base and f.attnum = s.number
        join pg_class as k on k.oid = s.relid and has_schema_privilege(reader, k.relnamespace, 'usage')
    where (select nl2sql._acts_for(reader)) and has_column_privilege(reader, s.relid, s.attnum, 'select')
$sql$;
comment on function nl2sql._masked_samples(name, oid[]) is 'a few frequent values of unmasked columns of masked views';

-- API: Private. SECURITY DEFINER as above.
create or replace function nl2sql._masked_frequent_values(reader name, schemas name[], tables name[])
returns table (schema_name name, table_name name, column_name name, found text[], complete boolean, is_unique boolean)
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
        where n.nspname = any (schemas) and c.relname = any (tables)
            and (select nl2sql._acts_for(reader)) and has_column_privilege(reader, s.relid, s.attnum, 'select')
    )
    select s.nspname, s.relname, s.attname, f.found, f.complete, f.is_unique
    from shown as s
        join nl2sql._frequent_values(array(select t.base_schema from shown as t), array(select t.base_name from shown as t)) as f
            on f.schema_name = s.base_schema and f.table_name = s.base_name and f.column_name = s.base_column
$sql$;
comment on function nl2sql._masked_frequent_values(name, name[], name[]) is 'values of unmasked text columns of masked views that the server''s statistics keep';
