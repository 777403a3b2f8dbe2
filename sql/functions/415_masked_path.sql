-- Masked views in the place of their tables: masked schemas first on the search path that a role has in this database.

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._set_path(role regrole, path text)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- each name as a literal of its own: a path may hold anything that a role has put there for itself
    execute format('alter role %s in database %I set search_path = %s', role, current_database(), (
        select coalesce(string_agg(quote_literal(e.name), ', ' order by e.place), '''''') from nl2sql._path_names(path) as e));
end
$plpgsql$;
comment on function nl2sql._set_path(regrole, text) is 'the search path of a role in this database: a list of names as search_path has it';

-- API: Private
create or replace function nl2sql._path_names(path text)
returns table (name text, place bigint)
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- as the server reads it: a name without quotes goes on to the next comma or blank, whatever is in it; ASCII alone is folded
    select case when left(m.found[1], 1) = '"' then replace(substr(m.found[1], 2, length(m.found[1]) - 2), '""', '"')
        else translate(m.found[1], 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') end, m.place
    from regexp_matches(path, '("(?:[^"]|"")*"|[^,"[:space:]][^,[:space:]]*)', 'g') with ordinality as m (found, place)
$sql$;
comment on function nl2sql._path_names(text) is 'the names in a search path, unquoted, in order';

-- API: Private
create or replace function nl2sql._use_masked_problem(reader oid)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when r.oid is null or r.rolname ~ '^(pg_|nl2sql_)'
            then nl2sql._problem('22023', 'use_masked() takes a role of your own', 'For example: SELECT nl2sql.use_masked(''analyst'').')
        when r.rolsuper
            then nl2sql._problem('42501', format('%s is a superuser', r.oid::regrole), 'Name a role that is to see masked values.',
                'Nothing was changed: a superuser sees clear text whatever its search path, and nobody else sets that.')
        else (
            select nl2sql._problem('42501', format('%s sees masked columns of %s in clear', r.oid::regrole, m.relation),
                'Revoke what it has, or call nl2sql.show_clear(table, role, false).',
                'Nothing was changed: it is its owner, a member of such a role or of pg_read_all_data, or has a grant.')
            from nl2sql._mask as m
            where has_column_privilege(r.oid, m.relation::oid, m.number, 'select')
            limit 1)
    end
    from (values (1)) as one (row)
        left join pg_roles as r on r.oid = reader
$sql$;
comment on function nl2sql._use_masked_problem(oid) is 'why a role can not be sent to masked views: an error; NULL if it can';

-- API: Public. SECURITY DEFINER: only the DBA may ALTER other roles; here it is the search path alone, with masked schemas first.
create or replace function nl2sql.use_masked(
    role text  -- one of your own
)
returns text
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    reader constant regrole := nl2sql._find_role(role);
    problem constant jsonb := coalesce(nl2sql._role_problem(role), nl2sql._use_masked_problem(reader));
    path text;
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    path := nl2sql._masked_path(reader);
    perform nl2sql._set_path(reader, path);
    perform nl2sql._audit_note('use_masked', jsonb_build_object('role', reader, 'search_path', path));
    return path;
end
$plpgsql$;
comment on function nl2sql.use_masked(text) is
    'put masked schemas first on the search path that a role has in this database, for its next sessions; returns the path; raises 22023, 42501, 42704';

-- API: Private
create or replace function nl2sql._masked_path(role oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- each schema of the path the role has now after its masked one; a path is a list of names, quoted where needed
    with configured as (
        select coalesce(
            (select substr(o.option, length('search_path=') + 1)
                from pg_db_role_setting as s cross join unnest(s.setconfig) as o (option)
                where o.option like 'search_path=%'
                    and (s.setrole = role or s.setrole = 0)
                    and s.setdatabase in (0, (select d.oid from pg_database as d where d.datname = current_database()))
                order by s.setrole <> 0 desc, s.setdatabase <> 0 desc
                limit 1),
            -- the server's own, never what the session that asks has set for itself
            (select f.setting from pg_file_settings as f where f.name = 'search_path' and f.applied order by f.seqno desc limit 1),
            (select g.boot_val from pg_settings as g where g.name = 'search_path')) as path
    ),
    entry as (
        select quote_ident(e.name) as name, e.place,
            case when e.name = '$user' then (select r.rolname::text from pg_roles as r where r.oid = role) else e.name end as schema_name
        from configured as c cross join nl2sql._path_names(c.path) as e
    ),
    masked as (
        select distinct n.nspname
        from nl2sql._mask_view as v
            join pg_class as c on c.oid = v.masked_view
            join pg_namespace as n on n.oid = c.relnamespace
    ),
    placed as (
        select quote_ident(k.nspname) as name, e.place * 2 - 1 as turn
        from entry as e join masked as k on k.nspname = e.schema_name || '_masked'
        union all
        select e.name, e.place * 2 from entry as e
        where not exists (select from masked as k where k.nspname = e.schema_name)
    )
    select coalesce(string_agg(p.name, ', ' order by p.turn), '""') from placed as p
$sql$;
comment on function nl2sql._masked_path(oid) is 'the search path of a role in this database with each masked schema before the schema it stands for';
