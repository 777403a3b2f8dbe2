-- Stored values that a question names: what statistics know of them, and the columns a DBA has chosen to index.

-- API: Private
create or replace function nl2sql._folded(value text)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- by Turkish rules the small letter of I would be another one
    select lower(replace(
        btrim(regexp_replace(
            regexp_replace(normalize(value, nfkd), E'[\\u0300-\\u036F]', '', 'g'), '[[:space:][:punct:]]+', ' ', 'g')),
        'I', 'i'))
$sql$;
comment on function nl2sql._folded(text) is 'a value as it is compared with a question: lower case, no accents, one space for what is neither letter nor digit';

-- API: Private. As the caller: pg_stats shows columns he may read only, and no table whose row security holds for him.
create or replace function nl2sql._frequent_values(schemas name[], tables name[])
returns table (schema_name name, table_name name, column_name name, found text[], complete boolean, is_unique boolean)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select s.schemaname, s.tablename, s.attname,
        coalesce(s.most_common_vals::text::text[], '{}') || coalesce(s.histogram_bounds::text::text[], '{}'),
        -- as many as ANALYZE has seen; n_distinct is a share of the rows where it is negative
        coalesce(cardinality(s.most_common_vals), 0) + coalesce(cardinality(s.histogram_bounds), 0)
            >= case when s.n_distinct > 0 then s.n_distinct else round(-s.n_distinct * greatest(c.reltuples, 1)) end
            and s.n_distinct <> 0,
        s.n_distinct = -1
    from pg_stats as s
        join pg_namespace as n on n.nspname = s.schemaname
        join pg_class as c on c.relnamespace = n.oid and c.relname = s.tablename
        join pg_attribute as a on a.attrelid = c.oid and a.attname = s.attname
        join pg_type as t on t.oid = a.atttypid
    where s.schemaname = any (schemas) and s.tablename = any (tables) and s.avg_width <= 100
        and t.typcategory = 'S' and s.inherited = (c.relkind = 'p')
        and (c.oid, a.attnum) not in (
            select h.relid, h.attnum
            from nl2sql._held_back(array(
                select r.oid from pg_class as r join pg_namespace as o on o.oid = r.relnamespace
                where o.nspname = any (schemas) and r.relname = any (tables))) as h)
$sql$;
comment on function nl2sql._frequent_values(name[], name[]) is 'values of text columns that the server''s statistics keep, without a scan';

-- API: Private. SECURITY DEFINER: the index on likeness is of no use behind row security, and a barrier view would tell by
-- EXPLAIN ANALYZE how many rows it held back. Answers only for roles whose rights are in force.
create or replace function nl2sql._value_found(
    reader name,   -- for whom
    exact text[],  -- folded phrases to be found as they are
    near text[]    -- folded phrases that a value may resemble
)
returns table (relid oid, attnum int2, value text, phrase text, likeness real)
language sql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set pg_trgm.similarity_threshold = 0.6
set enable_seqscan = off
begin atomic
    select coalesce(shown.relid, found.relid), coalesce(shown.attnum, found.attnum), found.value, found.phrase, found.likeness
    from (
        select v.relid, v.attnum, v.value, p.phrase, 1::real as likeness
        from pg_catalog.unnest(exact) as p (phrase)
            join nl2sql._value as v on v.key operator(pg_catalog.=) p.phrase
        union all
        select v.relid, v.attnum, v.value, p.phrase, similarity(v.key, p.phrase)
        from pg_catalog.unnest(near) as p (phrase)
            join nl2sql._value as v on v.key % p.phrase
    ) as found
        -- who reads a masked view finds the values of columns that it shows as they are
        left join lateral (
            select v.masked_view::oid as relid, u.place::int2 as attnum
            from nl2sql._mask_view as v
                cross join pg_catalog.unnest(v.numbers) with ordinality as u (number, place)
            where v.relation::oid operator(pg_catalog.=) found.relid and u.number operator(pg_catalog.=) found.attnum
                and pg_catalog.has_table_privilege(reader, found.relid, 'select') is not true
        ) as shown on true
    where (select nl2sql._acts_for(reader))
        and exists (
            select from pg_catalog.pg_class as c
            where c.oid operator(pg_catalog.=) coalesce(shown.relid, found.relid)
                and pg_catalog.has_schema_privilege(reader, c.relnamespace, 'usage'))
        and pg_catalog.has_column_privilege(
            reader, coalesce(shown.relid, found.relid), coalesce(shown.attnum, found.attnum), 'select')
        and not exists (
            select from nl2sql._mask as m
            where m.relation::oid operator(pg_catalog.=) found.relid and m.number operator(pg_catalog.=) found.attnum)
        and exists (
            -- row security that came after the values were stored
            select from pg_catalog.pg_class as c where c.oid operator(pg_catalog.=) found.relid and not c.relrowsecurity
        );
end;
comment on function nl2sql._value_found(name, text[], text[]) is 'indexed values that equal or resemble phrases, of columns that a role in force may read';

-- API: Private
create or replace function nl2sql._indexed_values(
    schemas name[],
    tables name[],
    exact text[],  -- phrases to be found as they are
    near text[]    -- phrases that a value may resemble
)
returns table (schema_name name, table_name name, column_name name, value text, phrase text, likeness real)
language sql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select n.nspname, c.relname, a.attname, v.value, v.phrase, v.likeness
    from nl2sql._value_found(
            current_user,
            array(select nl2sql._folded(e) from unnest(exact) as e),
            array(select nl2sql._folded(e) from unnest(near) as e)) as v
        join pg_class as c on c.oid = v.relid
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = v.relid and a.attnum = v.attnum
    where n.nspname = any (schemas) and c.relname = any (tables)
    order by v.likeness desc, n.nspname, c.relname, a.attnum, v.value
    limit 200
$sql$;
comment on function nl2sql._indexed_values(name[], name[], text[], text[]) is 'values of indexed columns that phrases of a question name, as far as the caller may read them';

-- API: Private
create or replace function nl2sql._value_column_problem(relation oid, attribute int2)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when a.attnum is null then nl2sql._problem('42703', format('%s has no such column', c.oid::regclass),
            'Name a column of this relation.', 'Nothing was stored.')
        when c.relkind not in ('r', 'p', 'm') or not nl2sql._is_user_schema(c.relnamespace)
            then nl2sql._problem('42809', format('values of %s can not be indexed', c.oid::regclass),
                'What a view or a foreign table shows may depend on who asks; index columns of the tables behind it.', 'Nothing was stored.')
        when exists (select from nl2sql._held_back(array[relation]) as h where h.attnum = attribute)
            then nl2sql._problem('42501', format('column %I of %s is masked, or shows what is', a.attname, c.oid::regclass),
                'Values of masked columns are not stored; index columns that are shown as they are.', 'Nothing was stored.')
        when c.relrowsecurity
            then nl2sql._problem('0A000', format('values of %s can not be indexed: it has row level security', c.oid::regclass),
                'Stored values would show rows to roles that may not see them; choose columns of tables without it.', 'Nothing was stored.')
        when not has_column_privilege(c.oid, attribute, 'select')
            then nl2sql._problem('42501', format('permission denied for column %I of %s', a.attname, c.oid::regclass),
                'Run it as a role that may SELECT the column, such as its owner.', 'Nothing was stored.')
        when t.typcategory <> 'S' then nl2sql._problem('42804', format('column %I of %s is no text', a.attname, c.oid::regclass),
            'Labels of enums are found without an index; numbers and dates are read from the question.', 'Nothing was stored.')
    end
    from pg_class as c
        left join pg_attribute as a on a.attrelid = c.oid and a.attnum = attribute
        left join pg_type as t on t.oid = a.atttypid
    where c.oid = relation
$sql$;
comment on function nl2sql._value_column_problem(oid, int2) is 'why values of a column may not be indexed by the current role: an error; NULL if they may';

-- API: Private. SECURITY DEFINER: writes the value index.
create or replace function nl2sql._store_values(
    relation oid,
    attribute int2,
    most int,
    complete boolean,
    found text[]
)
returns int
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._audit_note('index_values', jsonb_build_object(
        'relation', relation::regclass::text, 'column', nl2sql._name_list(relation, array[attribute]), 'most', most,
        'values', cardinality(found)));
    delete from nl2sql._value_column as old where not exists (select from pg_class as c where c.oid = old.relid);
    insert into nl2sql._value_column as old (relid, attnum, most, complete)
    values (relation, attribute, most, complete)
    on conflict (relid, attnum) do update
        set most = excluded.most, complete = excluded.complete, indexed_at = clock_timestamp();
    delete from nl2sql._value as v where v.relid = relation and v.attnum = attribute;
    with stored as (
        insert into nl2sql._value (relid, attnum, value, key)
        select relation, attribute, f.value, f.key
        from (select v.value, nl2sql._folded(v.value) as key from unnest(found) as v (value) offset 0) as f
        where f.key <> ''
        returning 1
    )
    select count(*)::int from stored
$sql$;
comment on function nl2sql._store_values(oid, int2, int, boolean, text[]) is 'replace the stored values of a column; returns their number';

-- API: Private. SECURITY DEFINER as above.
create or replace function nl2sql._forget_values(relation oid, attribute int2)
returns int
language sql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._audit_note('drop_values', jsonb_build_object(
        'relation', relation::regclass::text, 'column', nl2sql._name_list(relation, array[attribute])));
    with gone as (
        delete from nl2sql._value_column as c
        where c.relid = relation and (c.attnum = attribute or attribute is null)
        returning 1
    )
    select count(*)::int from gone
$sql$;
comment on function nl2sql._forget_values(oid, int2) is 'drop the stored values of one column, or of all columns of a relation; returns the number of columns';

-- API: Public
create or replace function nl2sql.index_values(
    relation regclass,        -- a table or materialized view without row level security
    column_name name,         -- a column of it that holds text
    most int default 10000    -- distinct values to store, the most frequent first
)
returns int
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    attribute int2 := (
        select a.attnum from pg_attribute as a
        where a.attrelid = relation and a.attname = column_name and a.attnum > 0 and not a.attisdropped);
    -- longer values are no names that a question would repeat
    longest constant int := 200;
    problem jsonb;
    found text[];
    too_long boolean;
begin
    problem := case
        when relation is null or column_name is null or coalesce(most, 0) not between 1 and 1000000
            then nl2sql._problem('22023', 'index_values() takes a relation, a column, and 1 to 1000000 values',
                'For example: SELECT nl2sql.index_values(''shop.customers'', ''city'').', 'Nothing was stored.')
        else nl2sql._value_column_problem(relation, attribute) end;
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    execute format('select exists (select from %s where length(%I) > %s)', relation, column_name, longest) into too_long;
    execute format(
        'select array_agg(v.value) from (
            select %2$I::text as value from %1$s where length(%2$I) <= %3$s group by 1 order by count(*) desc, 1 limit %4$s
        ) as v',
        relation, column_name, longest, most::bigint + 1) into found;
    found := coalesce(found, '{}');
    return nl2sql._store_values(relation, attribute, most, not too_long and cardinality(found) <= most, found[1:most]);
end
$plpgsql$;
comment on function nl2sql.index_values(regclass, name, int) is
    'store the distinct values of a column, so that questions find them; again to refresh; returns their number; raises 22023, 42703, 42809, 42804, 42501, 0A000';

-- API: Public
create or replace function nl2sql.drop_values(
    relation text,
    column_name name default null,  -- NULL: all columns of the relation
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns int
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    found_relation constant regclass := nl2sql._find_relation(relation, path);
    problem constant jsonb := nl2sql._relation_problem(relation, path);
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    return nl2sql._forget_values(found_relation, (
        select a.attnum from pg_attribute as a where a.attrelid = found_relation and a.attname = column_name));
end
$plpgsql$;
comment on function nl2sql.drop_values(text, name, name[]) is
    'forget the stored values of a column, or of all columns of a relation; returns the number of columns; raises 42P01';

-- API: Public
create or replace view nl2sql.indexed_values with (security_barrier) as
select
    n.nspname as schema_name,
    c.relname as relation_name,
    a.attname as column_name,
    (select pg_catalog.count(*) from nl2sql._value as v
        where v.relid operator(pg_catalog.=) i.relid and v.attnum operator(pg_catalog.=) i.attnum) as stored,
    i.most,
    i.complete,
    not c.relrowsecurity as in_use,
    i.indexed_at
from nl2sql._value_column as i
    join pg_catalog.pg_class as c on c.oid operator(pg_catalog.=) i.relid
    join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
    join pg_catalog.pg_attribute as a on a.attrelid operator(pg_catalog.=) i.relid and a.attnum operator(pg_catalog.=) i.attnum
where not a.attisdropped;
comment on view nl2sql.indexed_values is 'columns chosen with index_values(): how many values are stored, whether these are all, since when, and whether questions find them';
