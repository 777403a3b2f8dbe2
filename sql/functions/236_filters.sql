-- Standing conditions: rows of a table that never count unless a question speaks of them. An administrator defines them;
-- comments that state such a rule are heeded as well (extension/nl2sql_pg/filter_signs.py).

-- API: Private
create or replace function nl2sql._filter_text(parts text[], names name[])
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select string_agg(p.part || coalesce(quote_ident(names[p.place]), ''), '' order by p.place)
    from unnest(parts) with ordinality as p (part, place)
$sql$;
comment on function nl2sql._filter_text(text[], name[]) is 'a condition with the names of its columns';

-- API: Private. One type category a column: a text of another length changes no condition, a number instead of a truth value does.
create or replace function nl2sql._column_kinds(relation oid, numbers int2[])
returns text[]
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select array_agg(t.typcategory::text order by n.position)
    from unnest(numbers) with ordinality as n (number, position)
        left join pg_attribute as a on a.attrelid = relation and a.attnum = n.number and not a.attisdropped
        left join pg_type as t on t.oid = a.atttypid
$sql$;
comment on function nl2sql._column_kinds(oid, int2[]) is 'categories of the types of columns, as pg_type has them; NULL for one that is gone';

-- API: Private
create or replace function nl2sql._filter_problem(relation oid, numbers int2[], kinds text[])
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when array_position(k.now, null) is not null then 'a column of it was dropped'
        when k.now <> kinds then 'a column of it has another type now'
    end
    from nl2sql._column_kinds(relation, numbers) as k (now)
$sql$;
comment on function nl2sql._filter_problem(oid, int2[], text[]) is 'why a condition means nothing any more; NULL if it still does';

-- API: Private. As the caller: row level security shows conditions over columns that he may read.
create or replace function nl2sql._filters()
returns table (
    id int, relation regclass, condition text, note text, columns name[], defined_by text, defined_at timestamptz, problem text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select f.id, f.relation, nl2sql._filter_text(f.parts, coalesce(nl2sql._name_list(f.relation, f.numbers), f.columns)), f.note,
        coalesce(nl2sql._name_list(f.relation, f.numbers), f.columns), f.defined_by, f.defined_at,
        nl2sql._filter_problem(f.relation, f.numbers, f.kinds)
    from nl2sql._filter as f
$sql$;
comment on function nl2sql._filters() is 'standing conditions of tables whose columns in it the caller may read';

-- API: Public
create or replace view nl2sql.filters as
select f.id, f.relation, f.condition, f.note, f.defined_by, f.defined_at, f.problem
from nl2sql._filters() as f;
comment on view nl2sql.filters is
    'standing conditions as far as the caller may read their tables and columns, and what is wrong with one that does not hold any more';

-- API: Private. SECURITY DEFINER: that a condition can't hold for the caller is told even where he may not see it. Answers only for
-- roles whose rights are in force. A masked view has the conditions of its table, but for those over masked columns.
create or replace function nl2sql._filters_of(reader name, relations oid[])
returns table (relation bigint, condition text, note text, columns text[], problem text)
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if not exists (select from nl2sql._filter) or not nl2sql._acts_for(reader) then
        return;
    end if;
    return query
    with place as (
        select u.relid, u.relid as base from unnest(relations) as u (relid)
        union all
        select v.masked_view::oid, v.relation::oid from nl2sql._mask_view as v where v.masked_view::oid = any (relations)
    ),
    shown as materialized (
        select s.relid, s.attnum, s.number from nl2sql._shown_columns(relations) as s
    ),
    named as (
        select p.relid, f.id, f.parts, f.note, nl2sql._filter_problem(f.relation, f.numbers, f.kinds) as broken,
            array_agg(a.attname order by n.position) as names,
            bool_or(p.relid <> p.base and s.attnum is null) as masked,
            bool_or(has_column_privilege(reader, p.relid, a.attnum, 'select') is not true) as hidden
        from nl2sql._filter as f
            join place as p on p.base = f.relation
            cross join unnest(f.numbers) with ordinality as n (number, position)
            left join shown as s on s.relid = p.relid and p.relid <> p.base and s.number = n.number
            left join pg_attribute as a on a.attrelid = p.relid and not a.attisdropped
                and a.attnum = case when p.relid = p.base then n.number else s.attnum end
        group by p.relid, f.id, f.parts, f.note, f.relation, f.numbers, f.kinds
    ),
    judged as (
        select k.*, coalesce(k.broken, case
            when k.masked then 'it is over a masked column'
            when k.hidden then 'it is over a column that this role may not read' end) as why
        from named as k
        where has_any_column_privilege(reader, k.relid, 'select')
    )
    select j.relid::bigint,
        case when j.why is null then nl2sql._filter_text(j.parts, j.names) end,
        case when j.why is null then j.note end,
        case when j.why is null then j.names::text[] end,
        j.why
    from judged as j
    order by j.relid, j.id;
end
$plpgsql$;
comment on function nl2sql._filters_of(name, oid[]) is 'conditions that hold for a reader of relations, and why others do not hold for him';

-- API: Private
create or replace function nl2sql._masked_columns(relations oid[])
returns table (relation bigint, name text)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- row level security: the masked views that the caller may read
    if not exists (select from nl2sql._mask_view as v where v.masked_view::oid = any (relations)) then
        return;
    end if;
    return query
    select a.attrelid::bigint, a.attname::text
    from nl2sql._mask_view as v
        join pg_attribute as a on a.attrelid = v.masked_view and a.attnum > 0 and not a.attisdropped
    where v.masked_view::oid = any (relations)
        and not exists (
            select from nl2sql._shown_columns(relations) as s where s.relid = a.attrelid and s.attnum = a.attnum);
end
$plpgsql$;
comment on function nl2sql._masked_columns(oid[]) is 'columns that masked views among the relations do not show as they are';

-- API: Private
create or replace function nl2sql._on_filter()
returns trigger
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    new.numbers := nl2sql._number_list(new.relation, new.columns);
    if new.numbers is null then
        -- a dump of a condition whose table or column had been dropped
        return null;
    end if;
    return new;
end
$plpgsql$;
comment on function nl2sql._on_filter() is 'trigger: finds the numbers of the columns of a condition, also where a dump is restored';

create or replace trigger filter_numbers before insert on nl2sql._filter
    for each row execute function nl2sql._on_filter();

-- API: Private. SECURITY DEFINER: DDL may come from any role, and nobody may write nl2sql._filter otherwise.
create or replace function nl2sql._on_filter_ddl()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    update nl2sql._filter as f
    set columns = nl2sql._name_list(f.relation, f.numbers)
    from pg_event_trigger_ddl_commands() as command
    where command.classid = 'pg_class'::regclass and command.objid = f.relation
        and nl2sql._name_list(f.relation, f.numbers) is not null
        and f.columns <> nl2sql._name_list(f.relation, f.numbers);
exception when others then
    -- The names matter for the next dump only; no DDL fails because of them.
    raise warning using
        errcode = 'NL203',
        message = 'nl2sql could not note a renamed column in nl2sql._filter',
        detail = format('%s. The condition still holds; a dump would have the old name.', sqlerrm),
        hint = 'Call nl2sql.define_filter() again for the conditions of this table.';
end
$plpgsql$;
comment on function nl2sql._on_filter_ddl() is 'event trigger: keeps the column names of standing conditions, for dumps';

-- API: Private. SECURITY DEFINER as above.
create or replace function nl2sql._on_filter_drop()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    gone record;
begin
    for gone in
        delete from nl2sql._filter as f
        using pg_event_trigger_dropped_objects() as dropped
        where dropped.classid = 'pg_class'::regclass and dropped.objsubid = 0 and dropped.objid = f.relation::oid
        returning f.id, dropped.object_identity as name, nl2sql._filter_text(f.parts, f.columns) as condition, f.note
    loop
        perform nl2sql._audit_note('drop_filter', jsonb_build_object(
            'id', gone.id, 'relation', gone.name, 'condition', gone.condition, 'note', gone.note, 'reason', 'table dropped'));
    end loop;
exception when others then
    raise warning using
        errcode = 'NL203',
        message = 'nl2sql could not forget the standing conditions of a dropped table',
        detail = format('%s. They hold for nothing; nobody can see them.', sqlerrm),
        hint = 'None is needed.';
end
$plpgsql$;
comment on function nl2sql._on_filter_drop() is 'event trigger: forgets standing conditions of dropped tables';

select nl2sql._keep_event_trigger('nl2sql_on_filter_ddl', 'nl2sql._on_filter_ddl', array[
    'ALTER TABLE', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE']);
select nl2sql._keep_event_trigger('nl2sql_on_filter_drop', 'nl2sql._on_filter_drop', null);
comment on event trigger nl2sql_on_filter_ddl is 'nl2sql: keeps the column names of standing conditions';
comment on event trigger nl2sql_on_filter_drop is 'nl2sql: forgets standing conditions of dropped tables';

-- API: Private. Granted to nobody: called by define_filter(), as the owner, which need not let administrators into a schema.
create or replace function nl2sql._check_filter(relation oid, condition text)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.check_filter(plpy, relation, condition)
$python$;
comment on function nl2sql._check_filter(oid, text) is 'whether a text may be a condition of a relation: an envelope {ok: {parts, columns}} or {error}';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql._filter otherwise.
create or replace function nl2sql.define_filter(
    "table" text,              -- whose rows it is about: a table or view
    condition text,            -- what holds for rows that count: deleted_at IS NULL
    note text default null,    -- what it is about, shown with answers and to the model
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns int
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    target constant regclass := nl2sql._find_relation("table", path);
    problem constant jsonb := coalesce(nl2sql._relation_problem("table", path), (
        select nl2sql._problem('22023', 'a standing condition is about one table or view of users',
            'For example: SELECT nl2sql.define_filter(''shop.orders'', ''deleted_at IS NULL'').', 'Nothing was stored.')
        where not exists (
            select from pg_class as c
            where c.oid = target and nl2sql._is_user_schema(c.relnamespace) and nl2sql._is_user_relation(c))));
    checked jsonb;
    wanted name[];
    found int;
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    checked := nl2sql._ok(nl2sql._check_filter(target, condition));
    wanted := array(select jsonb_array_elements_text(checked -> 'columns'));
    insert into nl2sql._filter as f (relation, parts, columns, numbers, kinds, note)
    values (target, array(select jsonb_array_elements_text(checked -> 'parts')), wanted,
        nl2sql._number_list(target, wanted), nl2sql._column_kinds(target, nl2sql._number_list(target, wanted)),
        nl2sql._clean(define_filter.note, 300))
    on conflict on constraint _filter_relation_parts_numbers_key do update set
        note = excluded.note, kinds = excluded.kinds, columns = excluded.columns, defined_by = session_user,
        defined_at = clock_timestamp()
    returning f.id into found;
    perform nl2sql._audit_note('define_filter', jsonb_build_object(
        'id', found, 'relation', target::text, 'note', note,
        'condition', nl2sql._filter_text(array(select jsonb_array_elements_text(checked -> 'parts')), wanted)));
    return found;
end
$plpgsql$;
comment on function nl2sql.define_filter(text, text, text, name[]) is
    'only rows for which the condition is true count in answers, unless a question speaks of the others; returns its id; raises 22023, 42P01, 42703, NL0xx, NL4xx';

-- API: Public
create or replace function nl2sql.define_filter("table" regclass, condition text, note text default null)
returns int
language sql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql.define_filter("table"::oid::text, condition, note)
$sql$;
comment on function nl2sql.define_filter(regclass, text, text) is 'as nl2sql.define_filter() of a name';

-- API: Private. SECURITY DEFINER as above; granted to nobody.
create or replace function nl2sql._drop_filters(ids int[])
returns boolean
language plpgsql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    gone record;
    dropped boolean := false;
begin
    for gone in
        delete from nl2sql._filter as f where f.id = any (ids)
        returning f.id, f.relation, nl2sql._filter_text(f.parts, f.columns) as condition, f.note
    loop
        perform nl2sql._audit_note('drop_filter', jsonb_build_object(
            'id', gone.id, 'relation', gone.relation::text, 'condition', gone.condition, 'note', gone.note));
        dropped := true;
    end loop;
    return dropped;
end
$plpgsql$;
comment on function nl2sql._drop_filters(int[]) is 'forget standing conditions; false if there is none of these';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql._filter otherwise.
create or replace function nl2sql.drop_filter(
    id int  -- of nl2sql.filters
)
returns boolean
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._drop_filters(array[id])
$sql$;
comment on function nl2sql.drop_filter(int) is 'forget one standing condition; false if there is none with this id';

-- API: Public. SECURITY DEFINER as above.
create or replace function nl2sql.drop_filter(
    "table" text,  -- all conditions of this table or view
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns boolean
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    target constant regclass := nl2sql._find_relation("table", path);
    problem constant jsonb := nl2sql._relation_problem("table", path);
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    return nl2sql._drop_filters(array(select f.id from nl2sql._filter as f where f.relation = target));
end
$plpgsql$;
comment on function nl2sql.drop_filter(text, name[]) is 'forget the standing conditions of a table; false if it has none; raises 42P01';

-- API: Public
create or replace function nl2sql.drop_filter("table" regclass)
returns boolean
language sql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql.drop_filter("table"::oid::text)
$sql$;
comment on function nl2sql.drop_filter(regclass) is 'as nl2sql.drop_filter() of a name';

-- API: Private
create or replace function nl2sql._suggest_filters(relations oid[])
returns jsonb
language plpython3u stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.suggest_filters(plpy, relations)
$python$;
comment on function nl2sql._suggest_filters(oid[]) is 'an envelope {ok: [{relation, condition, note, score, reason, stated}]} or {error}';

-- API: Public. As the caller: of tables that he may read.
create or replace function nl2sql.suggest_filters()
returns table (
    relation regclass, condition text,
    note text,         -- the comment that states it
    score float8,      -- from 0 to 1
    reason text,       -- what speaks for it
    in_force boolean   -- whether it holds already, by its comment
)
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reply constant jsonb := nl2sql._ok(nl2sql._suggest_filters(
        array(select s.relid from nl2sql._scope('database', '{}'::name[]) as s)));
    heeded constant boolean := (select s.value in ('on', 'true', 'yes', '1') from nl2sql.settings as s where s.name = 'comment_filters');
begin
    return query
    select s.relation::oid::regclass, s.condition, s.note, s.score, s.reason, s.stated and heeded
    from jsonb_to_recordset(reply)
        as s (relation bigint, condition text, note text, score float8, reason text, stated boolean);
end
$plpgsql$;
comment on function nl2sql.suggest_filters() is
    'conditions that names and comments of the caller''s tables speak for and nobody has defined, with score and reason; stores nothing';
