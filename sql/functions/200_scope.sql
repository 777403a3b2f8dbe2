-- What the caller may ask about: relations and columns, read live from the catalogs under the caller's own rights.

-- API: Private
create or replace function nl2sql._words(identifier text)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- by Turkish rules the small letter of I would be another one
    select lower(translate(
        btrim(regexp_replace(regexp_replace(identifier, '([a-z0-9])([A-Z])', E'\\1 \\2', 'g'), E'[_\\W]+', ' ', 'g')),
        E'I\u0130', 'ii'))
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
        regexp_replace(prose, E'[\\u200B-\\u200F\\u202A-\\u202E\\u2060-\\u2069\\uFEFF]', '', 'g'),
        E'[\\u0001-\\u0020\\u007F-\\u009F]+', ' ', 'g')), longest), '')
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
create or replace function nl2sql._open_schemas(
    mode text,        -- 'search_path' or 'database'
    schemas name[]    -- the caller's current_schemas(false), in order
)
returns oid[]
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    found constant oid[] := array(
        select n.oid
        from pg_namespace as n
        where (mode = 'database' or n.nspname = any (schemas))
            and n.nspname not in ('information_schema', 'nl2sql') and n.nspname !~ '^pg_'
            and has_schema_privilege(n.oid, 'usage'));
begin
    if mode = 'database' then
        return found;
    end if;
    return found || (
        -- masked views of tables in these schemas, whether the path names their schema or not
        select coalesce(array_agg(distinct c.relnamespace), '{}')
        from nl2sql._mask_view as v
            join pg_class as c on c.oid = v.masked_view
            join pg_class as b on b.oid = v.relation
            join pg_namespace as n on n.oid = b.relnamespace
        where n.nspname = any (schemas) and has_schema_privilege(c.relnamespace, 'usage')
    );
end
$plpgsql$;
comment on function nl2sql._open_schemas(text, name[]) is 'schemas in scope that the caller may use';

-- API: Private
create or replace function nl2sql._extension_relations()
returns oid[]
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return (
        select coalesce(array_agg(d.objid), '{}')
        from pg_depend as d
        where d.refclassid = 'pg_extension'::regclass and d.classid = 'pg_class'::regclass and d.deptype = 'e'
    );
end
$plpgsql$;
comment on function nl2sql._extension_relations() is 'relations that belong to an extension';

-- API: Private. Stops at so many: whether a scope is small must cost little where there are very many relations.
-- The conditions are those of _is_user_relation(), written out: a call for each relation is slow.
create or replace function nl2sql._readable(mode text, schemas name[], most int)
returns table (relid oid, namespace oid)
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
-- one plan serves every limit; the server would plan anew for a small one, which takes longer than to run it
set plan_cache_mode = force_generic_plan
as $plpgsql$
declare
    namespaces oid[] := nl2sql._open_schemas(mode, schemas);
    members oid[] := nl2sql._extension_relations() || nl2sql._other_halves();
begin
    return query
    select c.oid, c.relnamespace
    from pg_class as c
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relpersistence <> 't'
        and c.relnamespace = any (namespaces)
        and c.oid <> all (members)
        and has_any_column_privilege(c.oid, 'select')
    limit most;
end
$plpgsql$;
comment on function nl2sql._readable(text, name[], int) is 'relations the caller may read, in no order, at most so many; NULL: all';

-- API: Private
create or replace function nl2sql._readable_among(mode text, schemas name[], relations oid[])
returns table (relid oid, namespace oid)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $plpgsql$
declare
    namespaces oid[];
    members oid[];
begin
    -- mostly nothing has changed since it was indexed
    if cardinality(relations) = 0 then
        return;
    end if;
    namespaces := nl2sql._open_schemas(mode, schemas);
    members := nl2sql._extension_relations() || nl2sql._other_halves();
    return query
    select c.oid, c.relnamespace
    from pg_class as c
    where c.oid = any (relations)
        and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and c.relpersistence <> 't'
        and c.relnamespace = any (namespaces)
        and c.oid <> all (members)
        and has_any_column_privilege(c.oid, 'select');
end
$plpgsql$;
comment on function nl2sql._readable_among(text, name[], oid[]) is 'which of these relations are in scope and may be read by the caller';

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
    from nl2sql._readable(mode, schemas, null) as r
        join pg_class as c on c.oid = r.relid
        join pg_namespace as n on n.oid = r.namespace
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
                and pg_get_constraintdef(k.oid) ~ '= ANY [(]+ARRAY[[]'),
        '{}')
$sql$;
comment on function nl2sql._column_values(oid, int2, oid) is 'values a column can take by its type or a CHECK list; empty if open';

-- API: Private. From pg_stats, as the caller: columns he may read, of tables whose row security does not hold for him.
-- plpgsql keeps the plan: planning pg_stats takes longer than reading it.
create or replace function nl2sql._samples(relations oid[])
returns table (relid oid, attnum int2, samples text[])
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
    with wanted as materialized (
        select r.oid, r.relname, r.relkind, r.reltuples, o.nspname
        from pg_class as r
            join pg_namespace as o on o.oid = r.relnamespace
        where r.oid = any (relations)
    )
    select k.oid, k.attnum, array(
        select v.value
        from unnest(k.common) with ordinality as v (value, place)
        where btrim(v.value) <> '' and length(v.value) <= 40
        order by v.place
        limit k.most)
    from (
        select c.oid, a.attnum, case t.typcategory when 'D' then 1 else 3 end as most,
            coalesce(s.most_common_vals::text::text[],
                -- each value once: in a small table they still show what the column looks like
                case when c.reltuples between 0 and 50 then s.histogram_bounds::text::text[] end) as common
        from pg_stats as s
            join wanted as c on c.nspname = s.schemaname and c.relname = s.tablename and s.inherited = (c.relkind = 'p')
            join pg_attribute as a on a.attrelid = c.oid and a.attname = s.attname
            join pg_type as t on t.oid = a.atttypid
        where s.schemaname = any (array(select w.nspname from wanted as w))
            and s.tablename = any (array(select w.relname from wanted as w))
            and s.avg_width <= 40
            -- texts, dates, and numbers that stand for yes and no
            and (t.typcategory in ('S', 'D') or (t.typcategory = 'N' and s.n_distinct between 2 and 3))
            and not exists (
                select from pg_constraint as k
                where k.conrelid = c.oid and k.contype in ('p', 'f') and a.attnum = any (k.conkey))
            -- not of what they are cast to: a cast takes longer than the rest
            and (s.most_common_vals is not null or (c.reltuples between 0 and 50 and s.histogram_bounds is not null))
            and (c.oid, a.attnum) not in (select h.relid, h.attnum from nl2sql._held_back(relations) as h)
    ) as k;
end
$plpgsql$;
comment on function nl2sql._samples(oid[]) is 'a few frequent values of columns where they tell something, as far as the caller may read them';

-- API: Private. One pass for all relations. plpgsql keeps the plan for the next question of the session. Not jsonb: it is
-- only read as text, and making that takes a third less.
create or replace function nl2sql._describe(relations oid[])
returns json
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
-- else the server may plan it anew for each list of relations, which takes longer than running it
set plan_cache_mode = force_generic_plan
as $plpgsql$
declare
    masking boolean := exists (select from nl2sql._mask_view as v where v.masked_view::oid = any (relations));
begin
    return (
        with wanted as materialized (
            select c.oid as relid, c.relname, c.relkind, n.nspname, u.position
            from unnest(relations) with ordinality as u (relid, position)
                join pg_class as c on c.oid = u.relid
                join pg_namespace as n on n.oid = c.relnamespace
        ),
        attribute as materialized (
            select a.attrelid as relid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, t.typtype
            from pg_attribute as a
                join pg_type as t on t.oid = a.atttypid
            where a.attrelid = any (relations) and a.attnum > 0 and not a.attisdropped
                and has_column_privilege(a.attrelid, a.attnum, 'select')
        ),
        shown as materialized (
            select m.relid, m.attnum, m.base, m.number from nl2sql._shown_columns(relations) as m where masking
        ),
        checked as materialized (
            select distinct k.conrelid as relid, k.conkey[1] as attnum
            from pg_constraint as k
            where k.conrelid = any (relations) and k.contype = 'c' and cardinality(k.conkey) = 1
            union
            select m.relid, m.attnum
            from shown as m
                join pg_constraint as k on k.conrelid = m.base and k.contype = 'c' and k.conkey = array[m.number]
        ),
        described as (
            select a.relid, json_agg(json_build_object(
                'name', a.attname,
                'type', format_type(a.atttypid, a.atttypmod),
                'not_null', a.attnotnull,
                'comment', nl2sql._clean(d.description, 300),
                -- a call per column costs; most columns are neither enums nor checked
                'values', case
                    when a.typtype = 'e' or k.attnum is not null
                    then to_json((nl2sql._column_values(coalesce(m.base, a.relid), coalesce(m.number, a.attnum), a.atttypid))[1:30])
                    else '[]'
                end,
                'samples', case
                    when a.typtype <> 'e' and k.attnum is null then to_json(coalesce(seen.samples, '{}'))
                    else '[]'
                end
            ) order by a.attnum) as columns
            from attribute as a
                left join checked as k on k.relid = a.relid and k.attnum = a.attnum
                left join (
                    select f.* from nl2sql._samples(relations) as f
                    union all
                    select f.* from nl2sql._masked_samples(current_user, relations) as f where masking
                ) as seen on seen.relid = a.relid and seen.attnum = a.attnum
                left join shown as m on m.relid = a.relid and m.attnum = a.attnum
                left join pg_description as d
                    on d.classoid = 'pg_class'::regclass and d.objoid = a.relid and d.objsubid = a.attnum
                        and d.objoid = any (relations)
            group by a.relid
        ),
        constrained as materialized (
            select k.oid, k.conrelid, k.contype, k.conname, k.conkey, k.confrelid, k.confkey
            from nl2sql._keys(relations) as k
        ),
        -- only what the caller may read in full: half a key would mislead
        own as materialized (
            select k.oid, json_agg(a.attname order by p.position) as names
            from constrained as k
                cross join unnest(k.conkey) with ordinality as p (attnum, position)
                join attribute as a on a.relid = k.conrelid and a.attnum = p.attnum
            group by k.oid, k.conkey
            having count(*) = cardinality(k.conkey)
        ),
        other as materialized (
            select k.oid, json_agg(a.attname order by p.position) as names
            from constrained as k
                cross join unnest(k.confkey) with ordinality as p (attnum, position)
                join pg_attribute as a on a.attrelid = k.confrelid and a.attnum = p.attnum
            where k.contype = 'f'
            group by k.oid
            having bool_and(has_column_privilege(k.confrelid, a.attnum, 'select'))
        ),
        foreign_key as (
            select k.conrelid as relid, json_agg(json_build_object(
                'columns', own.names, 'schema', n.nspname, 'table', c.relname, 'references', other.names
            ) order by k.conname) as keys
            from constrained as k
                join own on own.oid = k.oid
                join other on other.oid = k.oid
                join pg_class as c on c.oid = k.confrelid
                join pg_namespace as n on n.oid = c.relnamespace
            where has_schema_privilege(n.oid, 'usage')
            group by k.conrelid
        ),
        primary_key as (
            select k.conrelid as relid, own.names from constrained as k join own on own.oid = k.oid where k.contype = 'p'
        )
        select coalesce(json_agg(json_build_object(
            'schema', w.nspname,
            'name', w.relname,
            'kind', case w.relkind
                when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
                when 'm' then 'materialized view' else 'foreign table'
            end,
            'comment', nl2sql._clean(t.description, 500),
            'columns', coalesce(d.columns, '[]'),
            'primary_key', coalesce(p.names, '[]'),
            'foreign_keys', coalesce(f.keys, '[]')
        ) order by w.position), '[]')
        from wanted as w
            left join pg_description as t on t.classoid = 'pg_class'::regclass and t.objoid = w.relid and t.objsubid = 0
            left join described as d on d.relid = w.relid
            left join primary_key as p on p.relid = w.relid
            left join foreign_key as f on f.relid = w.relid
    );
end
$plpgsql$;
comment on function nl2sql._describe(oid[]) is 'relations as docs/protocol.md describes a table, without what the caller may not read';

-- API: Private
create or replace function nl2sql._withheld(
    mode text,        -- 'search_path' or 'database'
    schemas name[],   -- the caller's current_schemas(false)
    question text
)
returns boolean
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Tells no name: only that the question names, in its own words, a table that the catalogs list and the caller may not read.
    select exists (
        select from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
        where (mode = 'database' or n.nspname = any (schemas))
            and nl2sql._is_user_schema(n.oid)
            and has_schema_privilege(n.oid, 'usage')
            and nl2sql._is_user_relation(c)
            and not has_any_column_privilege(c.oid, 'select')
            -- what the caller reads masked is not withheld
            and not exists (select from nl2sql._mask_view as v where v.relation = c.oid)
            and to_tsvector('english', lower(translate(question, E'I\u0130', 'ii'))) @@ plainto_tsquery('english', nl2sql._words(c.relname))
    )
$sql$;
comment on function nl2sql._withheld(text, name[], text) is 'whether the question names a table that is there, but not for the caller';
