-- Running: a given statement, checked or run read-only as the caller, within limits, and undone.

-- API: Private. SECURITY DEFINER since nl2sql.role_limit is not readable by those who are limited by it.
-- plpgsql keeps the plans of this and the next functions for the session; they are called for every statement.
create or replace function nl2sql._limits_of(role_name name, login_name name)
returns jsonb
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if not exists (select from nl2sql.role_limit) then
        return '{"role": {}, "login": {}}';
    end if;
    return (
        -- A limit of the role itself stands; else the strictest of the roles whose rights it has. The login's own caps it.
        with held as (
            select l.*, r.rolname = role_name as own, r.rolname = login_name as login,
                pg_has_role(role_name, l.role, 'usage') as inherited
            from nl2sql.role_limit as l
                join pg_roles as r on r.oid = l.role
        )
        select jsonb_build_object(
            'role', jsonb_build_object(
                'max_cost', coalesce(min(h.max_cost) filter (where h.own), min(h.max_cost) filter (where h.inherited)),
                'max_plan_rows',
                    coalesce(min(h.max_plan_rows) filter (where h.own), min(h.max_plan_rows) filter (where h.inherited)),
                'max_rows', coalesce(min(h.max_rows) filter (where h.own), min(h.max_rows) filter (where h.inherited)),
                'max_seconds',
                    coalesce(min(h.max_seconds) filter (where h.own), min(h.max_seconds) filter (where h.inherited))),
            'login', jsonb_build_object(
                'max_cost', min(h.max_cost) filter (where h.login),
                'max_plan_rows', min(h.max_plan_rows) filter (where h.login),
                'max_rows', min(h.max_rows) filter (where h.login),
                'max_seconds', min(h.max_seconds) filter (where h.login)))
        from held as h
    );
end
$plpgsql$;
comment on function nl2sql._limits_of(name, name) is 'limits set for a role and for the login behind it, by name; NULL where none is set';

-- API: Private
create or replace function nl2sql._named_relations(schemas name[], words text[])
returns jsonb
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    named constant oid[] := array(select c.oid from pg_class as c where c.relname = any (words::name[]));
begin
    if named = '{}' then
        return '[]';
    end if;
    return (
        select coalesce(jsonb_agg(jsonb_build_object(
            'schema', n.nspname, 'name', c.relname, 'comment', null,
            'kind', case c.relkind
                when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
                when 'm' then 'materialized view' else 'foreign table'
            end,
            'columns', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
                    'comment', null, 'values', jsonb_build_array(), 'samples', jsonb_build_array()) order by a.attnum), '[]')
                from pg_attribute as a
                where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                    and has_column_privilege(a.attrelid, a.attnum, 'select')),
            'primary_key', jsonb_build_array(), 'foreign_keys', jsonb_build_array())), '[]')
        from nl2sql._readable_among('database', schemas, named) as r
            join pg_class as c on c.oid = r.relid
            join pg_namespace as n on n.oid = r.namespace
    );
end
$plpgsql$;
comment on function nl2sql._named_relations(name[], text[]) is
    'relations the caller may read that have one of these names, as docs/protocol.md describes a table, but only what the guard needs';

-- API: Private. Who owns it decides, not the extension it belongs to: an extension's owner can add what he likes.
create or replace function nl2sql._captured(schemas name[], words text[], called text[], sql text)
returns text
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    places constant oid[] := array(
        select n.oid from pg_namespace as n where n.nspname = any (schemas) and n.nspname <> 'pg_catalog');
begin
    if places = '{}' then
        return null;
    end if;
    return coalesce((
        select concat('function ', p.oid::regprocedure)
        from pg_proc as p
            join pg_roles as r on r.oid = p.proowner
        where p.proname = any (words::name[]) and p.pronamespace = any (places)
            and not r.rolsuper and r.rolname <> current_user
            -- x.name calls name(x), too: also by a domain, a cast, defaults, or VARIADIC, so that no type is asked for here
            and (p.proname = any (called::name[]) or p.pronargs > 0)
        limit 1
    ), (
        select concat('operator ', o.oid::regoperator)
        from pg_operator as o
            join pg_roles as r on r.oid = o.oprowner
        where o.oprnamespace = any (places) and not r.rolsuper and r.rolname <> current_user
            -- IN, BETWEEN, LIKE and USING are written without an operator
            and (strpos(sql, o.oprname) > 0
                or o.oprname in ('=', '<>', '<', '>', '<=', '>=', '~~', '!~~', '~~*', '!~~*', '~', '!~', '~*', '!~*'))
        limit 1
    ));
end
$plpgsql$;
comment on function nl2sql._captured(name[], text[], text[], text) is
    'a function or operator of another role, no superuser, that a name of the statement may lead to; NULL if there is none';

-- API: Private. A constant's type may run code while the statement is only parsed, also where no cast is written.
-- Most databases have no type that runs anything: then it ends at the first look. Step by step, as one recursive query is
-- planned as if it would meet millions of rows.
create or replace function nl2sql._captured_type(words text[])
returns text
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    first_oid constant oid := 16384;  -- objects below come from initdb, their code with them
    running constant oid[] := array(
        select k.contypid from pg_constraint as k where k.contypid > 0::oid and k.oid >= first_oid
        union
        select r.id from pg_range as g cross join lateral (values (g.rngtypid), (g.rngmultitypid)) as r (id)
        where g.rngtypid >= first_oid and (g.rngcanonical <> 0::oid or g.rngsubdiff <> 0::oid));
    reached oid[];
    further oid[];
    trusted oid[];
begin
    if running = '{}' then
        return null;
    end if;
    reached := array(
        select t.oid from pg_type as t where t.typname = any (words::name[])
        union
        select a.atttypid from pg_class as c join pg_attribute as a on a.attrelid = c.oid
        where c.relname = any (words::name[]) and a.attnum > 0 and not a.attisdropped);
    further := reached;
    while further <> '{}' loop
        further := array(
            select distinct x.id
            from pg_type as t
                cross join lateral (
                    select t.typelem where t.typelem <> 0
                    union all
                    select t.typbasetype where t.typbasetype <> 0
                    union all
                    select a.atttypid from pg_attribute as a
                    where a.attrelid = t.typrelid and t.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
                    union all
                    select g.rngsubtype from pg_range as g where t.oid in (g.rngtypid, g.rngmultitypid)
                    union all
                    select e.refobjid
                    from pg_constraint as k
                        join pg_depend as e on e.classid = 'pg_constraint'::regclass and e.objid = k.oid
                    where k.contypid = t.oid and e.refclassid = 'pg_type'::regclass
                ) as x (id)
            where t.oid = any (further) and x.id <> all (reached));
        reached := reached || further;
    end loop;
    trusted := array(select r.oid from pg_roles as r where r.rolsuper or r.rolname = current_user);
    return (
        select concat('type ', t.oid::regtype)
        from pg_type as t
        where t.oid = any (reached) and t.oid = any (running)
            and (exists (
                select from pg_constraint as k
                    cross join regexp_matches(k.conbin::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) ([0-9]+)', 'g') as m
                    join pg_proc as p on p.oid = m[1]::oid
                where k.contypid = t.oid
                    and (p.proowner <> all (trusted)
                        or (t.typowner <> all (trusted)
                            and (p.provolatile = 'v' or p.proname
                                ~ '(^query_to_|_to_xml|^ts_stat$|^ts_rewrite$|^current_setting$|^lo_|^pg_)'))))
            or exists (
                select from pg_constraint as k
                    join pg_depend as e on e.classid = 'pg_constraint'::regclass and e.objid = k.oid
                    join pg_operator as o on o.oid = e.refobjid
                where k.contypid = t.oid and e.refclassid = 'pg_operator'::regclass and o.oprowner <> all (trusted))
            or exists (
                select from pg_range as g
                    join pg_proc as p on p.oid in (g.rngcanonical::oid, g.rngsubdiff::oid)
                where t.oid in (g.rngtypid, g.rngmultitypid) and p.proowner <> all (trusted)))
        limit 1
    );
end
$plpgsql$;
comment on function nl2sql._captured_type(text[]) is
    'a type that a name of the statement leads to and that runs what another role wrote; NULL if there is none';

-- API: Private
create or replace function nl2sql._has_code_of_others()
returns boolean
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select exists (
        select from (
            select p.oid, 'pg_proc'::regclass::oid, p.proowner from pg_proc as p
            union all
            select c.oid, 'pg_class'::regclass::oid, c.relowner from pg_class as c where c.relkind in ('v', 'm', 'f')
            union all
            select t.oid, 'pg_type'::regclass::oid, t.typowner from pg_type as t where t.typtype in ('d', 'r')
        ) as made (id, class_id, owner_id)
            join pg_roles as r on r.oid = made.owner_id
        where not r.rolsuper and r.rolname <> current_user
            and not exists (
                select from pg_depend as d
                where d.classid = made.class_id and d.objid = made.id and d.deptype = 'e'))
$sql$;
comment on function nl2sql._has_code_of_others() is
    'whether roles that are no superusers have functions, views, foreign tables or domains here, which planning may run';

-- API: Private
create or replace function nl2sql._check(sql text, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $python$
from nl2sql_pg import entry_running
return entry_running.check(plpy, sql, caller)
$python$;
comment on function nl2sql._check(text, jsonb) is 'an envelope {ok: verdict} or {error}';

-- API: Public
create or replace function nl2sql.check(
    sql text  -- one SELECT; names are looked up in your search_path
)
returns jsonb
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
begin
    return nl2sql._ok(nl2sql._check(sql, nl2sql._caller()));
end
$plpgsql$;
comment on function nl2sql.check(text) is
    'may this statement run: verdict, rule (SQLSTATE), message, normal form, tables and columns read, cost, rows, limits; runs nothing; errors NL0xx, NL6xx';

-- API: Private. Read-only within: nothing that a statement leads to can write.
create or replace function nl2sql._run(sql text, options jsonb, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '1s'
as $python$
from nl2sql_pg import entry_running
return entry_running.run(plpy, sql, options, caller)
$python$;
comment on function nl2sql._run(text, jsonb, jsonb) is 'an envelope {ok: {rows, warnings}} or {error}';

-- API: Public
create or replace function nl2sql.run(
    sql text,                    -- one SELECT; names are looked up in your search_path
    options jsonb default '{}'   -- {"max_rows": n, "max_seconds": n}
)
returns setof jsonb
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._run(sql, options, nl2sql._caller()), warn => true);
begin
    return query
        select r.line::pg_catalog.jsonb
        from pg_catalog.jsonb_array_elements_text(reply OPERATOR(pg_catalog.->) 'rows') as r (line);
end
$plpgsql$;
comment on function nl2sql.run(text, jsonb) is
    'rows of one SELECT that passes the guard, run read-only as the caller within limits and undone; errors NL0xx, NL1xx, NL4xx, the server''s own';
