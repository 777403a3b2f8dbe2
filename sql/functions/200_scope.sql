-- What the caller may ask about: relations and columns, read live from the catalogs under the caller's own rights.

-- API: Private
create or replace function nl2sql._words(identifier text)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select lower(btrim(regexp_replace(regexp_replace(identifier, '([a-z0-9])([A-Z])', '\1 \2', 'g'), '[_\W]+', ' ', 'g')))
$sql$;
comment on function nl2sql._words(text) is 'an identifier split into words: orderItems_v2 -> order items v2';

-- API: Private
create or replace function nl2sql._clean(prose text, longest int)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- A comment is text that others wrote: one line, no control or direction characters, cut.
    select nullif(left(btrim(regexp_replace(
        regexp_replace(prose, U&'[\200B-\200F\202A-\202E\2060-\2069\FEFF]', '', 'g'),
        U&'[\0001-\0020\007F-\009F]+', ' ', 'g')), longest), '')
$sql$;
comment on function nl2sql._clean(text, int) is 'comment text made safe for a prompt: one line, no control characters, at most so many characters';

-- API: Private
create or replace function nl2sql._is_user_schema(namespace oid)
returns boolean
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select n.nspname not in ('information_schema', 'nl2sql') and n.nspname !~ '^pg_'
    from pg_namespace as n
    where n.oid = namespace
$sql$;
comment on function nl2sql._is_user_schema(oid) is 'false for catalogs, toast, temporary schemas and the extension''s own';

-- API: Private. Tables, partitioned tables (not their partitions), views, materialized views and foreign tables;
-- nothing that belongs to an extension.
create or replace function nl2sql._is_user_relation(relation pg_class)
returns boolean
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select
        relation.relkind in ('r', 'p', 'v', 'm', 'f')
        and not relation.relispartition
        and relation.relpersistence <> 't'
        and not exists (
            select from pg_depend as d
            where d.classid = 'pg_class'::regclass and d.objid = relation.oid and d.deptype = 'e'
        )
$sql$;
comment on function nl2sql._is_user_relation(pg_class) is 'whether a relation is one that users keep data in';

-- API: Private
create or replace function nl2sql._scope(
    mode text,        -- 'search_path' or 'database'
    schemas name[]    -- the caller's current_schemas(false), in order
)
returns table (relid oid, schema_name name, relation_name name, on_path boolean)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select c.oid, n.nspname, c.relname, n.nspname = any (schemas)
    from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
    where (mode = 'database' or n.nspname = any (schemas))
        and nl2sql._is_user_schema(n.oid)
        and has_schema_privilege(n.oid, 'usage')
        and nl2sql._is_user_relation(c)
        and has_any_column_privilege(c.oid, 'select')
    order by array_position(schemas, n.nspname) nulls last, n.nspname, c.relname
$sql$;
comment on function nl2sql._scope(text, name[]) is 'relations the caller may read, in the order of the search path';

-- API: Private
create or replace function nl2sql._column_values(relation oid, attribute int2, type_id oid)
returns text[]
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Enum labels; else the literals of a CHECK that lists values, as pg_get_constraintdef() writes it. Never rows.
    select coalesce(
        (select array_agg(e.enumlabel::text order by e.enumsortorder) from pg_enum as e where e.enumtypid = type_id),
        (select array_agg(replace(literal[1], '''''', '''') order by position)
            from pg_constraint as k,
                regexp_matches(pg_get_constraintdef(k.oid), '''((?:[^'']|'''')*)''::', 'g') with ordinality as m (literal, position)
            where k.conrelid = relation and k.contype = 'c' and k.conkey = array[attribute]
                and pg_get_constraintdef(k.oid) ~ '= ANY \(+ARRAY\['),
        '{}')
$sql$;
comment on function nl2sql._column_values(oid, int2, oid) is 'values a column can take by its type or a CHECK list; empty if open';

-- API: Private
create or replace function nl2sql._columns(relation oid)
returns jsonb
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(jsonb_agg(jsonb_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'not_null', a.attnotnull,
        'comment', nl2sql._clean(d.description, 300),
        -- a call per column costs; most columns are neither enums nor checked
        'values', case
            when t.typtype = 'e' or a.attnum = any (checked.attnums)
            then to_jsonb((nl2sql._column_values(relation, a.attnum, a.atttypid))[1:30])
            else '[]'
        end
    ) order by a.attnum), '[]')
    from pg_attribute as a
        join pg_type as t on t.oid = a.atttypid
        left join pg_description as d
            on d.classoid = 'pg_class'::regclass and d.objoid = relation and d.objsubid = a.attnum
        cross join (
            select array_agg(k.conkey[1]) as attnums
            from pg_constraint as k
            where k.conrelid = relation and k.contype = 'c' and cardinality(k.conkey) = 1
        ) as checked
    where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(relation, a.attnum, 'select')
$sql$;
comment on function nl2sql._columns(oid) is 'columns of a relation that the caller may read, as docs/protocol.md has them';

-- API: Private
create or replace function nl2sql._column_names(relation oid, attributes int2[])
returns jsonb
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- NULL if one of them is hidden from the caller: half a key would mislead.
    select case when bool_and(has_column_privilege(relation, a.attnum, 'select')) then jsonb_agg(a.attname order by k.position) end
    from unnest(attributes) with ordinality as k (attnum, position)
        join pg_attribute as a on a.attrelid = relation and a.attnum = k.attnum
$sql$;
comment on function nl2sql._column_names(oid, int2[]) is 'names of key columns; NULL if the caller may not read all of them';

-- API: Private
create or replace function nl2sql._foreign_keys(relation oid)
returns jsonb
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(jsonb_agg(jsonb_build_object(
        'columns', f.own,
        'schema', f.nspname,
        'table', f.relname,
        'references', f.other
    ) order by f.conname), '[]')
    from (
        select k.conname, n.nspname, c.relname,
            nl2sql._column_names(k.conrelid, k.conkey) as own,
            nl2sql._column_names(k.confrelid, k.confkey) as other
        from pg_constraint as k
            join pg_class as c on c.oid = k.confrelid
            join pg_namespace as n on n.oid = c.relnamespace
        where k.conrelid = relation and k.contype = 'f' and k.conparentid = 0 and has_schema_privilege(n.oid, 'usage')
    ) as f
    where f.own is not null and f.other is not null
$sql$;
comment on function nl2sql._foreign_keys(oid) is 'foreign keys of a relation whose both ends the caller may read';

-- API: Private
create or replace function nl2sql._describe(relations oid[])
returns jsonb
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(jsonb_agg(jsonb_build_object(
        'schema', n.nspname,
        'name', c.relname,
        'kind', case c.relkind
            when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
            when 'm' then 'materialized view' else 'foreign table'
        end,
        'comment', nl2sql._clean(obj_description(c.oid, 'pg_class'), 500),
        'columns', nl2sql._columns(c.oid),
        'primary_key', coalesce(
            (select nl2sql._column_names(c.oid, k.conkey) from pg_constraint as k where k.conrelid = c.oid and k.contype = 'p'),
            '[]'),
        'foreign_keys', nl2sql._foreign_keys(c.oid)
    ) order by wanted.position), '[]')
    from unnest(relations) with ordinality as wanted (relid, position)
        join pg_class as c on c.oid = wanted.relid
        join pg_namespace as n on n.oid = c.relnamespace
$sql$;
comment on function nl2sql._describe(oid[]) is 'relations as docs/protocol.md describes a table, without what the caller may not read';
