-- Joins beyond the declared keys: what speaks for one, what a DBA says, and a view of them all.

-- API: Private. plpgsql keeps the plan for the next question of the session.
create or replace function nl2sql._key_columns(relations oid[])
returns table (
    relation bigint, schema text, "table" text, number int, name text, kind text, key_size int, "unique" boolean
)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
    select c.oid::bigint, n.nspname::text, c.relname::text, a.attnum::int, a.attname::text,
        case when b.oid in ('uuid'::regtype, 'date'::regtype) then b.typname::text else b.typcategory::text end,
        coalesce(k.key_size, 0), coalesce(k.is_unique, false)
    from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type as t on t.oid = a.atttypid
        join pg_type as b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
        left join nl2sql._shown_columns(relations) as m on m.relid = c.oid and m.attnum = a.attnum
        left join lateral (
            select max(i.indnkeyatts::int) filter (where i.indisprimary) as key_size, bool_or(i.indnkeyatts = 1) as is_unique
            from pg_index as i
            where i.indrelid = coalesce(m.base, c.oid) and i.indisunique and i.indpred is null and i.indexprs is null
                and coalesce(m.number, a.attnum) = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
        ) as k on true
    where c.oid = any (relations)
        and b.oid = any ('{int2, int4, int8, numeric, text, varchar, bpchar, uuid, date}'::regtype[])
        and has_column_privilege(c.oid, a.attnum, 'select')
    order by c.oid, a.attnum;
end
$plpgsql$;
comment on function nl2sql._key_columns(oid[]) is 'columns of relations that the caller may read and that can be keys or refer to one';

-- API: Private. As the caller: pg_stats shows what he may read, and nothing of tables with row security.
create or replace function nl2sql._key_statistics(relations oid[], numbers int2[])
returns table (relation bigint, number int, distinct_values float8, row_estimate float8, samples text[])
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    schemas name[];
    tables name[];
    columns name[];
begin
    select array_agg(distinct n.nspname), array_agg(distinct c.relname), array_agg(distinct a.attname)
    into schemas, tables, columns
    from unnest(relations, numbers) as wanted (relid, attnum)
        join pg_attribute as a on a.attrelid = wanted.relid and a.attnum = wanted.attnum
        join pg_class as c on c.oid = a.attrelid
        join pg_namespace as n on n.oid = c.relnamespace;
    return query
    select wanted.relid::bigint, wanted.attnum::int, s.n_distinct::float8, c.reltuples::float8,
        coalesce(s.most_common_vals::text::text[], '{}') || coalesce(s.histogram_bounds::text::text[], '{}')
    from (
        -- A security barrier: only conditions with constants get into the view, down to its indexes.
        select * from pg_stats as p
        where p.schemaname = any (schemas) and p.tablename = any (tables) and p.attname = any (columns)
    ) as s
        join pg_namespace as n on n.nspname = s.schemaname
        join pg_class as c on c.relnamespace = n.oid and c.relname = s.tablename and s.inherited = (c.relkind = 'p')
        join pg_attribute as a on a.attrelid = c.oid and a.attname = s.attname
        join unnest(relations, numbers) as wanted (relid, attnum) on wanted.relid = a.attrelid and wanted.attnum = a.attnum;
end
$plpgsql$;
comment on function nl2sql._key_statistics(oid[], int2[]) is 'what ANALYZE found in columns that the caller may read';

-- API: Private. Both ends must be readable; a denied join comes too, so that it is not inferred.
create or replace function nl2sql._known_joins(relations oid[])
returns table (relation bigint, numbers int2[], target bigint, target_numbers int2[], origin text, names text[], target_names text[])
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
    select k.conrelid::bigint, k.conkey, k.confrelid::bigint, k.confkey, 'declared', null::text[], null::text[]
    from nl2sql._keys(relations) as k
    where k.contype = 'f' and k.confrelid = any (relations)
        and (select bool_and(has_column_privilege(k.conrelid, n, 'select')) from unnest(k.conkey) as n)
        and (select bool_and(has_column_privilege(k.confrelid, n, 'select')) from unnest(k.confkey) as n)
    union all
    -- row level security: rules about columns that the caller may read
    select r.from_table::oid::bigint, r.from_numbers, r.to_table::oid::bigint, r.to_numbers,
        case when r.allowed then 'defined' else 'denied' end, r.from_columns::text[], r.to_columns::text[]
    from nl2sql.join_rule as r
    where r.from_table = any (relations::regclass[]) and r.to_table = any (relations::regclass[])
        and nl2sql._name_list(r.from_table, r.from_numbers) is not null
        and nl2sql._name_list(r.to_table, r.to_numbers) is not null;
end
$plpgsql$;
comment on function nl2sql._known_joins(oid[]) is 'joins among relations by declared keys and by rules: declared, defined, denied';

-- API: Private
create or replace function nl2sql._joins(relations oid[])
returns jsonb
language plpython3u stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.joins(plpy, relations)
$python$;
comment on function nl2sql._joins(oid[]) is 'an envelope {ok: [join]} or {error}';

-- API: Private
create or replace function nl2sql._join_list(relations oid[])
returns table (from_table oid, from_numbers int2[], to_table oid, to_numbers int2[], origin text, score float8, reason text)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._joins(relations));
begin
    return query
    select j.*
    from jsonb_to_recordset(reply) as j (
        from_table oid, from_numbers int2[], to_table oid, to_numbers int2[], origin text, score float8, reason text);
end
$plpgsql$;
comment on function nl2sql._join_list(oid[]) is 'joins among relations that the caller may read: declared, defined, denied and inferred, with scores';

-- API: Private
create or replace function nl2sql._name_list(relation oid, numbers int2[])
returns name[]
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- NULL if one of them is gone
    select case when count(a.attname) = cardinality(numbers) then array_agg(a.attname order by n.position) end
    from unnest(numbers) with ordinality as n (number, position)
        left join pg_attribute as a on a.attrelid = relation and a.attnum = n.number and not a.attisdropped
$sql$;
comment on function nl2sql._name_list(oid, int2[]) is 'names of columns by their numbers';

-- API: Private
create or replace function nl2sql._number_list(relation oid, names name[])
returns int2[]
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case when count(a.attnum) = cardinality(names) then array_agg(a.attnum order by n.position) end
    from unnest(names) with ordinality as n (name, position)
        left join pg_attribute as a on a.attrelid = relation and a.attname = n.name and a.attnum > 0 and not a.attisdropped
$sql$;
comment on function nl2sql._number_list(oid, name[]) is 'numbers of columns by their names; NULL if one is not there';

-- API: Private
create or replace function nl2sql._on_join_rule()
returns trigger
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    new.from_numbers := nl2sql._number_list(new.from_table, new.from_columns);
    new.to_numbers := nl2sql._number_list(new.to_table, new.to_columns);
    if new.from_numbers is null or new.to_numbers is null then
        -- a dump of a rule whose table or column had been dropped
        return null;
    end if;
    return new;
end
$plpgsql$;
comment on function nl2sql._on_join_rule() is 'trigger: finds the numbers of the columns of a join rule, also where a dump is restored';

create or replace trigger join_rule_numbers before insert on nl2sql.join_rule
    for each row execute function nl2sql._on_join_rule();

-- API: Private. SECURITY DEFINER: DDL may come from any role, and nobody may write nl2sql.join_rule otherwise.
create or replace function nl2sql._on_join_ddl()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    update nl2sql.join_rule as r
    set from_columns = nl2sql._name_list(r.from_table, r.from_numbers),
        to_columns = nl2sql._name_list(r.to_table, r.to_numbers)
    from pg_event_trigger_ddl_commands() as command
    where command.classid = 'pg_class'::regclass
        and command.objid in (r.from_table, r.to_table)
        and nl2sql._name_list(r.from_table, r.from_numbers) is not null
        and nl2sql._name_list(r.to_table, r.to_numbers) is not null;
exception when others then
    -- The names matter for the next dump only; no DDL fails because of them.
    raise warning using
        errcode = 'NL203',
        message = 'nl2sql could not note a renamed column in nl2sql.join_rule',
        detail = format('%s. The rule still holds; a dump would have the old name.', sqlerrm),
        hint = 'Call nl2sql.define_join() again for the joins of this table.';
end
$plpgsql$;
comment on function nl2sql._on_join_ddl() is 'event trigger: keeps the column names of join rules, for dumps';

-- Event triggers have no CREATE OR REPLACE; an upgrade finds them in place.
do $plpgsql$
begin
    if not exists (select from pg_catalog.pg_event_trigger where evtname operator(pg_catalog.=) 'nl2sql_on_join_ddl') then
        create event trigger nl2sql_on_join_ddl on ddl_command_end
            when tag in ('ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE')
            execute function nl2sql._on_join_ddl();
    end if;
end
$plpgsql$;
comment on event trigger nl2sql_on_join_ddl is 'nl2sql: keeps the column names of join rules';

-- API: Private
create or replace function nl2sql._join_problem(from_table oid, from_columns name[], to_table oid, to_columns name[])
returns text
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    missing text;
    mismatch text;
begin
    if from_table is null or to_table is null or cardinality(from_columns) is distinct from cardinality(to_columns)
            or coalesce(cardinality(from_columns), 0) = 0 or num_nulls(variadic from_columns || to_columns) > 0 then
        return 'a join takes two tables and the same number of columns of each';
    end if;
    select string_agg(quote_ident(e.name), ', ' order by e.name) into missing
    from (select from_table, unnest(from_columns) union select to_table, unnest(to_columns)) as e (relation, name)
    where nl2sql._number_list(e.relation, array[e.name]) is null;
    if missing is not null then
        return format('there is no such column: %s', missing);
    end if;
    select format('%s and %s', format_type(a.atttypid, null), format_type(b.atttypid, null)) into mismatch
    from unnest(nl2sql._number_list(from_table, from_columns), nl2sql._number_list(to_table, to_columns)) as p (a, b)
        join pg_attribute as a on a.attrelid = from_table and a.attnum = p.a
        join pg_attribute as b on b.attrelid = to_table and b.attnum = p.b
        join pg_type as s on s.oid = a.atttypid
        join pg_type as t on t.oid = b.atttypid
    where s.typcategory <> t.typcategory or (s.oid <> t.oid and s.typcategory in ('U', 'E', 'A', 'C'))
    limit 1;
    return mismatch || ' can''t be compared';
end
$plpgsql$;
comment on function nl2sql._join_problem(oid, name[], oid, name[]) is 'what is wrong with a join; NULL if nothing';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql.join_rule otherwise.
create or replace function nl2sql.define_join(
    from_table text,               -- the table that refers to the other one
    from_columns text[],           -- its columns
    to_table text,                 -- the table that is referred to
    to_columns text[],             -- its columns, as many as from_columns
    allowed boolean default true,  -- false: this join is never inferred; NULL: forget what was said about it
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    source constant regclass := nl2sql._find_relation(from_table, path);
    target constant regclass := nl2sql._find_relation(to_table, path);
    problem constant jsonb := coalesce(nl2sql._relation_problem(from_table, path), nl2sql._relation_problem(to_table, path), (
        select nl2sql._problem('22023', p.problem,
            'Example: SELECT nl2sql.define_join(''orders'', ''{customer_id}'', ''customers'', ''{id}'').')
        from nl2sql._join_problem(source, from_columns::name[], target, to_columns::name[]) as p (problem)
        where p.problem is not null));
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    -- the same two ends, either way round; and rules whose table or column is gone
    delete from nl2sql.join_rule as r
    where (r.from_table, r.from_columns, r.to_table, r.to_columns)
            in ((source, define_join.from_columns::name[], target, define_join.to_columns::name[]),
                (target, define_join.to_columns::name[], source, define_join.from_columns::name[]))
        or nl2sql._name_list(r.from_table, r.from_numbers) is null
        or nl2sql._name_list(r.to_table, r.to_numbers) is null;
    if allowed is not null then
        insert into nl2sql.join_rule (from_table, from_columns, to_table, to_columns, allowed)
        values (source, from_columns, target, to_columns, allowed);
    end if;
    perform nl2sql._audit_note('define_join', jsonb_build_object(
        'from_table', source::text, 'from_columns', from_columns, 'to_table', target::text, 'to_columns', to_columns,
        'allowed', allowed));
end
$plpgsql$;
comment on function nl2sql.define_join(text, text[], text, text[], boolean, name[]) is
    'add a join that no key declares, or deny one that would be inferred; NULL forgets; raises 22023, 42P01';

-- API: Public
create or replace view nl2sql.joins with (security_barrier) as
select
    j.from_table::pg_catalog.regclass as from_table,
    nl2sql._name_list(j.from_table, j.from_numbers) as from_columns,
    j.to_table::pg_catalog.regclass as to_table,
    nl2sql._name_list(j.to_table, j.to_numbers) as to_columns,
    j.origin,
    j.score,
    j.reason
from nl2sql._join_list(array(select s.relid from nl2sql._scope('database', '{}'::pg_catalog.name[]) as s)) as j;
comment on view nl2sql.joins is
    'joins between tables that the caller may read: declared, defined, denied or inferred, with a score from 0 to 1 and the reason';
