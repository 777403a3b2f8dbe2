-- What names the rows of a table: said by a DBA, else inferred from names, keys, types and comments; and a view of it all.

-- API: Private. plpgsql keeps the plan for the next question of the session.
create or replace function nl2sql._label_columns(relations oid[])
returns table (
    relation bigint, schema text, "table" text, about text, number int, name text, comment text,
    textual boolean, "unique" boolean, key_size int, refers boolean, declared int
)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $plpgsql$
begin
    return query
    with wanted as materialized (
        select c.oid, c.relname, n.nspname, v.masked_view is not null as masking, d.description,
            -- of a masked view the rule of its table, where it shows all of these columns as they are; else nothing names its rows
            case when r.relation is null then null when v.masked_view is null then r.numbers
                else coalesce(nl2sql._key_places(r.relation::oid, r.numbers), '{}') end as numbers
        from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            left join nl2sql._mask_view as v on v.masked_view::oid = c.oid
            left join nl2sql.label_rule as r on r.relation::oid = coalesce(v.relation::oid, c.oid)
                -- half a name would be none
                and (r.numbers = '{}' or nl2sql._name_list(r.relation::oid, r.numbers) is not null)
            left join pg_description as d on d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid = 0
        where c.oid = any (relations)
    ),
    keys as materialized (
        select k.conrelid, k.conkey from nl2sql._keys(relations) as k where k.contype = 'f'
    )
    select c.oid::bigint, c.nspname::text, c.relname::text, nl2sql._clean(c.description, 500), a.attnum::int, a.attname::text,
        nl2sql._clean(d.description, 300),
        b.typcategory = 'S' and b.oid <> '"char"'::regtype and (m.relid is not null or not c.masking)
            and not exists (
                select from pg_constraint as k
                where k.conrelid = coalesce(m.base, c.oid) and k.contype = 'c' and k.conkey = array[coalesce(m.number, a.attnum)]
                    and pg_get_constraintdef(k.oid) ~ '= ANY [(]+ARRAY[[]'),
        coalesce(i.is_unique, false), coalesce(i.key_size, 0),
        exists (select from keys as k where k.conrelid = c.oid and a.attnum = any (k.conkey)),
        case when c.numbers is not null then coalesce(array_position(c.numbers, a.attnum), 0) end
    from wanted as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        join pg_type as t on t.oid = a.atttypid
        join pg_type as b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
        left join nl2sql._shown_columns(relations) as m on m.relid = c.oid and m.attnum = a.attnum
        left join pg_description as d on d.classoid = 'pg_class'::regclass and d.objoid = c.oid and d.objsubid = a.attnum
        left join lateral (
            select max(x.indnkeyatts::int) filter (where x.indisprimary) as key_size, bool_or(x.indnkeyatts = 1) as is_unique
            from pg_index as x
            where x.indrelid = coalesce(m.base, c.oid) and x.indisunique and x.indpred is null and x.indexprs is null
                and coalesce(m.number, a.attnum) = any ((x.indkey::int2[])[0:x.indnkeyatts - 1])
        ) as i on true
    where has_column_privilege(c.oid, a.attnum, 'select')
    order by c.oid, a.attnum;
end
$plpgsql$;
comment on function nl2sql._label_columns(oid[]) is 'columns of relations that the caller may read, and what tells which of them name the rows';

-- API: Private
create or replace function nl2sql._labels(relations oid[])
returns jsonb
language plpython3u stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.labels(plpy, relations)
$python$;
comment on function nl2sql._labels(oid[]) is 'an envelope {ok: [label]} or {error}';

-- API: Private
create or replace function nl2sql._label_list(relations oid[])
returns table (relation oid, numbers int2[], source text)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._labels(relations));
begin
    return query
    select j.* from jsonb_to_recordset(reply) as j (relation oid, numbers int2[], source text);
end
$plpgsql$;
comment on function nl2sql._label_list(oid[]) is 'labels of relations, of columns that the caller may read: declared or inferred';

-- API: Private
create or replace function nl2sql._on_label_rule()
returns trigger
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    new.numbers := case when new.columns = '{}' then '{}' else nl2sql._number_list(new.relation, new.columns) end;
    if new.numbers is null or not exists (select from pg_class as c where c.oid = new.relation) then
        -- a dump of a rule whose table or column had been dropped
        return null;
    end if;
    return new;
end
$plpgsql$;
comment on function nl2sql._on_label_rule() is 'trigger: finds the numbers of the columns of a label, also where a dump is restored';

create or replace trigger label_rule_numbers before insert on nl2sql.label_rule
    for each row execute function nl2sql._on_label_rule();

-- API: Private. SECURITY DEFINER: DDL may come from any role, and nobody may write nl2sql.label_rule otherwise.
create or replace function nl2sql._on_label_ddl()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    update nl2sql.label_rule as r
    set columns = nl2sql._name_list(r.relation, r.numbers)
    from pg_event_trigger_ddl_commands() as command
    where command.classid = 'pg_class'::regclass and command.objid = r.relation
        and nl2sql._name_list(r.relation, r.numbers) is not null;
exception when others then
    -- The names matter for the next dump only; no DDL fails because of them.
    raise warning using
        errcode = 'NL203',
        message = 'nl2sql could not note a renamed column in nl2sql.label_rule',
        detail = format('%s. The label still holds; a dump would have the old name.', sqlerrm),
        hint = 'Call nl2sql.set_label() again for this table.';
end
$plpgsql$;
comment on function nl2sql._on_label_ddl() is 'event trigger: keeps the column names of labels, for dumps';

select nl2sql._keep_event_trigger('nl2sql_on_label_ddl', 'nl2sql._on_label_ddl', array[
    'ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE']);
comment on event trigger nl2sql_on_label_ddl is 'nl2sql: keeps the column names of labels';

-- API: Private
create or replace function nl2sql._label_problem(relation oid, columns name[])
returns text
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    missing text;
begin
    if relation is null or columns is null or cardinality(columns) > 8 or array_position(columns, null) is not null
            or cardinality(columns) > (select count(distinct u.name) from unnest(columns) as u (name)) then
        return 'a label takes a table and up to eight different columns of it';
    end if;
    select string_agg(quote_ident(u.name), ', ' order by u.name) into missing
    from unnest(columns) as u (name)
    where nl2sql._number_list(relation, array[u.name]) is null;
    return 'there is no such column: ' || missing;
end
$plpgsql$;
comment on function nl2sql._label_problem(oid, name[]) is 'what is wrong with a label; NULL if nothing';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql.label_rule otherwise.
create or replace function nl2sql.set_label(
    relation text,
    columns text[],  -- what names a row of it, in the order to show them; none: nothing does, its key is shown
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
#variable_conflict use_column
declare
    found constant regclass := nl2sql._find_relation(set_label.relation, path);
    problem constant jsonb := coalesce(nl2sql._relation_problem(set_label.relation, path), (
        select nl2sql._problem('22023', p.problem, 'Example: SELECT nl2sql.set_label(''customers'', ''{first_name,last_name}'').')
        from nl2sql._label_problem(found, set_label.columns::name[]) as p (problem)
        where p.problem is not null));
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    -- and rules whose table is gone
    delete from nl2sql.label_rule as r
    where r.relation = found or not exists (select from pg_class as c where c.oid = r.relation);
    insert into nl2sql.label_rule (relation, columns, numbers) values (found, set_label.columns, '{}');
    perform nl2sql._audit_note('set_label', jsonb_build_object('relation', found::text, 'columns', set_label.columns));
end
$plpgsql$;
comment on function nl2sql.set_label(text, text[], name[]) is
    'say which columns name the rows of a table, for answers to who and which; no columns: none does; raises 22023, 42P01';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql.label_rule otherwise.
create or replace function nl2sql.drop_label(
    relation text,
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns boolean
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
#variable_conflict use_column
declare
    found constant regclass := nl2sql._find_relation(drop_label.relation, path);
    problem constant jsonb := nl2sql._relation_problem(drop_label.relation, path);
    gone int;
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    delete from nl2sql.label_rule as r where r.relation = found;
    get diagnostics gone = row_count;
    perform nl2sql._audit_note('drop_label', jsonb_build_object('relation', found::text));
    return gone > 0;
end
$plpgsql$;
comment on function nl2sql.drop_label(text, name[]) is
    'forget what nl2sql.set_label() said: what names the rows is inferred again; false if nothing was said; raises 42P01';

-- API: Public
create or replace view nl2sql.labels with (security_barrier) as
select
    l.relation::pg_catalog.regclass as relation,
    coalesce(nl2sql._name_list(l.relation, l.numbers), '{}') as label,
    l.source
from nl2sql._label_list(array(select s.relid from nl2sql._scope('database', '{}'::pg_catalog.name[]) as s)) as l;
comment on view nl2sql.labels is 'what names the rows of the tables that the caller may read: declared or inferred; no columns: nothing does';
