-- Questions whose answers are run: as rows of jsonb, as typed rows, as a cursor, or kept as a view.

-- API: Private. Read-only within, as _run() is.
create or replace function nl2sql._query(question text, options jsonb, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $python$
from nl2sql_pg import entry_running
return entry_running.query(plpy, question, options, caller)
$python$;
comment on function nl2sql._query(text, jsonb, jsonb) is 'an envelope {ok: {rows, warnings, sql}} or {error}';

-- API: Private. Read-only within, as _run() is.
create or replace function nl2sql._typed(action text, question text, options jsonb, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $python$
from nl2sql_pg import entry_running
return entry_running.typed(plpy, action, question, options, caller)
$python$;
comment on function nl2sql._typed(text, text, jsonb, jsonb) is
    'an envelope {ok: {rows, columns: [{name, type}], warnings, sql}} or {error}; each row a list of texts';

-- API: Private. A domain stands for what it is made of, as it does for clients. Reading a text as a type runs what the
-- type is made of (a domain's CHECK, a cast) outside the runner: only types of superusers and of the caller are read so.
create or replace function nl2sql._column_types(types oid[], modifiers int[])
returns table (number bigint, name text, readable boolean)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with recursive base (number, type_id, modifier, level) as (
        select u.number, u.type_id, u.modifier, 0
        from unnest(types, modifiers) with ordinality as u (type_id, modifier, number)
        union all
        select b.number, t.typbasetype, case when b.modifier < 0 then t.typtypmod else b.modifier end, b.level + 1
        from base as b join pg_type as t on t.oid = b.type_id
        where t.typtype = 'd'
    ),
    told (number, type_id, modifier) as (
        select distinct on (b.number) b.number, b.type_id, b.modifier from base as b order by b.number, b.level desc
    ),
    within (number, type_id) as (
        select t.number, t.type_id from told as t
        union
        select w.number, p.type_id
        from within as w join pg_type as t on t.oid = w.type_id
            cross join lateral (
                select t.typelem
                union all select t.typbasetype
                union all select a.atttypid from pg_attribute as a
                    where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
                union all select r.rngsubtype from pg_range as r where r.rngtypid = t.oid
                union all select r.rngtypid from pg_range as r where r.rngmultitypid = t.oid
            ) as p (type_id)
        where p.type_id <> 0
    )
    select t.number, format_type(t.type_id, t.modifier),
        not exists (
            select from within as w
                left join pg_type as p on p.oid = w.type_id
                left join pg_roles as r on r.oid = p.typowner
            where w.number = t.number
                and (p.typtype in ('d', 'p') or coalesce(not r.rolsuper and r.rolname <> current_user, true)))
    from told as t
    order by t.number
$sql$;
comment on function nl2sql._column_types(oid[], int[]) is 'types as SQL writes them, and whether a text can be read as one';

-- API: Private
create or replace function nl2sql._typed_statement(columns jsonb)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select concat(
        'select ',
        string_agg(format('(r.line operator(pg_catalog.->>) %s)::%s as %I', c.place - 1, c.item ->> 'type', c.item ->> 'name'),
            ', ' order by c.place),
        ' from pg_catalog.jsonb_array_elements($1) as r (line)')
    from jsonb_array_elements(columns) with ordinality as c (item, place)
$sql$;
comment on function nl2sql._typed_statement(jsonb) is 'a statement that reads rows of text as these columns [{name, type}]';

-- API: Private
create or replace function nl2sql._column_list(columns jsonb)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select string_agg(format('%I %s', c.item ->> 'name', c.item ->> 'type'), ', ' order by c.place)
    from jsonb_array_elements(columns) with ordinality as c (item, place)
$sql$;
comment on function nl2sql._column_list(jsonb) is 'columns [{name, type}] as a column definition list';

-- API: Public
create or replace function nl2sql.query(
    question text,               -- in English or Chinese
    options jsonb default '{}'   -- those of nl2sql.ask() and nl2sql.run()
)
returns setof jsonb
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._query(question, options, nl2sql._caller()), warn => true);
begin
    return query
        select r.line::pg_catalog.jsonb
        from pg_catalog.jsonb_array_elements_text(reply OPERATOR(pg_catalog.->) 'rows') as r (line);
end
$plpgsql$;
comment on function nl2sql.query(text, jsonb) is
    'a question in, the rows of its answer out, run read-only as the caller within limits and undone; errors as nl2sql.ask() and nl2sql.run()';

-- API: Public
create or replace function nl2sql.query_as(
    question text,               -- in English or Chinese
    options jsonb default '{}'   -- those of nl2sql.ask() and nl2sql.run()
)
returns setof record
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._typed('query_as', question, options, nl2sql._caller()), warn => true);
    columns jsonb := reply OPERATOR(pg_catalog.->) 'columns';
    path constant text := pg_catalog.current_setting('search_path');
begin
    -- types are written as they are found from here; nobody may have others of these names in front
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    begin
        return query execute nl2sql._typed_statement(columns) using reply OPERATOR(pg_catalog.->) 'rows';
    exception when datatype_mismatch then
        raise exception using
            errcode = '42804',
            message = 'the column definition list does not fit the answer',
            detail = pg_catalog.concat('The answer was run and its rows dropped: ', reply OPERATOR(pg_catalog.->>) 'sql'),
            hint = pg_catalog.concat('Write ... AS t(', nl2sql._column_list(columns), ').');
    end;
    perform pg_catalog.set_config('search_path', path, true);
end
$plpgsql$;
comment on function nl2sql.query_as(text, jsonb) is
    'as nl2sql.query(), but typed: FROM nl2sql.query_as(...) AS t(name type, ...); raises 42804 with the right list in its hint, NL413';

-- API: Public
create or replace function nl2sql.open(
    question text,                       -- in English or Chinese
    cursor refcursor default null,       -- its name; NULL: one is made up
    options jsonb default '{}'           -- those of nl2sql.ask() and nl2sql.run()
)
returns refcursor
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._typed('open', question, options, nl2sql._caller()), warn => true);
    path constant text := pg_catalog.current_setting('search_path');
    opened refcursor := cursor;
begin
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- as queries: pgspot reads no other expression here
    open opened scroll for execute (select nl2sql._typed_statement(reply OPERATOR(pg_catalog.->) 'columns'))
        using (select reply OPERATOR(pg_catalog.->) 'rows');
    perform pg_catalog.set_config('search_path', path, true);
    return opened;
end
$plpgsql$;
comment on function nl2sql.open(text, refcursor, jsonb) is
    'as nl2sql.query(), but a cursor over typed rows, for the transaction: FETCH ALL FROM it; raises NL413 where a type can''t be passed on';

-- API: Private. What stands against a view of this name, in three fields; the names themselves where nothing does.
create or replace function nl2sql._view_place(
    wanted_schema text,  -- NULL: there is none to make it in
    wanted_name text,
    out schema_name text, out view_name text, out sqlstate text, out problem text, out advice text
)
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    namespace oid := (select n.oid from pg_namespace as n where n.nspname = wanted_schema);
begin
    schema_name := wanted_schema;
    view_name := wanted_name;
    if namespace is null or schema_name ~ '^pg_' or schema_name in ('information_schema', 'nl2sql') then
        sqlstate := '3F000';
        problem := format('there is no schema %L to make a view in', coalesce(schema_name, ''));
        advice := 'Name one that you may CREATE in: ''reports.top_customers''.';
    elsif not has_schema_privilege(namespace, 'create') then
        sqlstate := '42501';
        problem := format('permission denied to make a view in schema %I', schema_name);
        advice := format('Ask its owner for GRANT CREATE ON SCHEMA %I TO %I, or name another schema.', schema_name, current_user);
    elsif exists (select from pg_class as c where c.relnamespace = namespace and c.relname = view_name)
        or exists (select from pg_type as t where t.typnamespace = namespace and t.typname = view_name) then
        sqlstate := '42P07';
        problem := format('%I.%I exists', schema_name, view_name);
        advice := 'Choose another name, or drop it first.';
    elsif current_setting('transaction_read_only') = 'on' then
        sqlstate := '25006';
        problem := 'a view can''t be made in a read-only transaction';
        advice := 'On a standby, make it on the primary; else in a transaction that may write.';
    end if;
end
$plpgsql$;
comment on function nl2sql._view_place(text, text) is 'what stands against a view of this name; SQLSTATE NULL if nothing does';

-- API: Private. Returns a function that has no place in a view, in which case the caller undoes it; NULL if all is well.
create or replace function nl2sql._create_view(
    schema_name text, view_name text, columns text[], sql text, path text, remark text)
returns text
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    made constant text := format('%I.%I', schema_name, view_name);
    names constant text := (select string_agg(quote_ident(c), ', ') from unnest(columns) as c);
    -- one SELECT it is: the runner has had the same text in brackets
    definition constant text := format(
        E'create view %s (%s) with (security_invoker, security_barrier) as select * from (\n%s\n) as answer (%s)',
        made, names, sql, names);
    harmful text;
begin
    perform set_config('search_path', path, true);
    -- nothing of ours is looked up on the caller's path: a name of another role could stand for it
    execute definition;
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    execute format('comment on view %s is %L', made, remark);
    -- what runs whenever somebody reads the view: nothing that changes something, nor runs text as SQL
    select p.oid::regprocedure::text into harmful
    from pg_rewrite as r
        cross join regexp_matches(r.ev_action::text, ':(?:funcid|aggfnoid|winfnoid) ([0-9]+)', 'g') as m
        join pg_proc as p on p.oid = m[1]::oid
    where r.ev_class = made::regclass
        and ((p.provolatile = 'v' and p.proname not in ('random', 'gen_random_uuid', 'clock_timestamp'))
            or (p.pronamespace = 'pg_catalog'::regnamespace
                and p.proname ~ '(^query_to_|_to_xml|^ts_stat$|^ts_rewrite$|^current_setting$|^lo_|^pg_)'))
    limit 1;
    if harmful is not null then
        execute format('drop view %s', made);
    end if;
    return harmful;
end
$plpgsql$;
comment on function nl2sql._create_view(text, text, text[], text, text, text) is
    'make a view of a statement that has been checked; the name of a function that has no place in one, if there is one';

-- API: Private. May write, so that it can make the view; the question is worked on in a state that can't.
create or replace function nl2sql._save_view(view_name text, question text, options jsonb, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry_running
return entry_running.save_view(plpy, view_name, question, options, caller)
$python$;
comment on function nl2sql._save_view(text, text, jsonb, jsonb) is 'an envelope {ok: {sql, view, warnings}} or {error}';

-- API: Public
create or replace function nl2sql.save_view(
    name text,                   -- of the view, with its schema or in the first of your search_path
    question text,               -- in English or Chinese
    options jsonb default '{}'   -- those of nl2sql.ask()
)
returns text
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._save_view(name, question, options, nl2sql._caller()), warn => true);
begin
    return reply OPERATOR(pg_catalog.->>) 'sql';
end
$plpgsql$;
comment on function nl2sql.save_view(text, text, jsonb) is
    'make a view of the answer that shows each reader what he may read; returns its SELECT; raises 3F000, 42P07, 42501, 25006, else as nl2sql.ask()';
