-- Event triggers: masked views follow their tables, and what opens a masked column is told and recorded.

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._rename_masked_columns(relation regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    renamed record;
begin
    update nl2sql._mask as m
    set column_name = a.attname
    from pg_attribute as a
    where m.relation = _rename_masked_columns.relation and a.attrelid = m.relation and a.attnum = m.number
        and a.attname <> m.column_name;
    for renamed in
        select v.masked_view, b.attname as old_name, a.attname as new_name
        from nl2sql._mask_view as v
            cross join unnest(v.numbers) with ordinality as u (number, place)
            join pg_attribute as a on a.attrelid = v.relation and a.attnum = u.number and not a.attisdropped
            join pg_attribute as b on b.attrelid = v.masked_view and b.attnum = u.place
        where v.relation = _rename_masked_columns.relation and a.attname <> b.attname
    loop
        execute format('alter view %s rename column %I to %I', renamed.masked_view, renamed.old_name, renamed.new_name);
    end loop;
    update nl2sql._mask_view as v
    set column_names = nl2sql._name_list(v.relation, v.numbers)
    where v.relation = _rename_masked_columns.relation and nl2sql._name_list(v.relation, v.numbers) <> v.column_names;
end
$plpgsql$;
comment on function nl2sql._rename_masked_columns(regclass) is 'give the columns of a masked view, and what is noted of them, the names they have in the table';

-- API: Private. As above.
create or replace function nl2sql._free_masked_schema(wanted name)
returns boolean
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    kept constant oid := (select n.oid from pg_namespace as n where n.nspname = wanted and n.nspowner = 'nl2sql_masker'::regrole);
begin
    if kept is not null and not exists (
        select from pg_depend as d where d.refclassid = 'pg_namespace'::regclass and d.refobjid = kept)
    then
        delete from nl2sql._mask_usage as u where u.masked_schema = kept;
        execute format('drop schema %I', wanted);
    end if;
    return to_regnamespace(quote_ident(wanted)) is null;
end
$plpgsql$;
comment on function nl2sql._free_masked_schema(name) is 'whether there is no schema of this name, once an empty one for masked views is gone';

-- API: Private. As above.
create or replace function nl2sql._rename_masked_schema(masked_schema regnamespace, wanted name)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    known constant name := (select n.nspname from pg_namespace as n where n.oid = masked_schema);
    follower record;
begin
    execute format('alter schema %I rename to %I', known, wanted);
    -- An empty schema keeps the name: it is on the path of sessions, where somebody else's would stand before the tables.
    perform nl2sql._open_masked_schema(known);
    for follower in
        select s.setrole::regrole as role, (
                select string_agg(quote_ident(case when e.name = known then wanted else e.name end), ', ' order by e.place)
                from nl2sql._path_names(k.path) as e) as path
        from pg_db_role_setting as s
            cross join lateral (
                select substr(o.option, length('search_path=') + 1)
                from unnest(s.setconfig) as o (option) where o.option like 'search_path=%'
            ) as k (path)
        where s.setrole <> 0 and s.setdatabase = (select d.oid from pg_database as d where d.datname = current_database())
            and exists (select from nl2sql._path_names(k.path) as e where e.name = known)
    loop
        perform nl2sql._set_path(follower.role, follower.path);
        perform nl2sql._audit_note('use_masked', jsonb_build_object('role', follower.role, 'search_path', follower.path));
    end loop;
end
$plpgsql$;
comment on function nl2sql._rename_masked_schema(regnamespace, name) is
    'rename a schema of masked views, on the search paths of roles in this database, too; an empty one keeps the old name';

-- API: Private. As above.
create or replace function nl2sql._move_mask_view(relation regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    base pg_class := (select c from pg_class as c where c.oid = _move_mask_view.relation);
    shown pg_class := (
        select c from nl2sql._mask_view as v join pg_class as c on c.oid = v.masked_view
        where v.relation = _move_mask_view.relation);
    wanted name := nl2sql._masked_schema(relation);
begin
    if shown.relnamespace::regnamespace::text <> quote_ident(wanted) then
        -- the schema was renamed, and nothing of another schema is shown in this one
        if nl2sql._free_masked_schema(wanted) and not exists (
            select from nl2sql._mask_view as v
                join pg_class as k on k.oid = v.masked_view and k.relnamespace = shown.relnamespace
                join pg_class as c on c.oid = v.relation and c.relnamespace <> base.relnamespace)
        then
            perform nl2sql._rename_masked_schema(shown.relnamespace, wanted);
        else
            perform nl2sql._open_masked_schema(wanted);
            execute format('alter view %s set schema %I', shown.oid::regclass, wanted);
            perform nl2sql._give_usage(shown.oid);
        end if;
    end if;
    if shown.relname <> base.relname then
        execute format('alter view %s rename to %I', shown.oid::regclass, base.relname);
    end if;
end
$plpgsql$;
comment on function nl2sql._move_mask_view(regclass) is 'give a masked view the name of its table, and its schema that of the table''s schema';

-- API: Private
create or replace function nl2sql._schema_users(schema_id oid)
returns setof oid
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select distinct x.grantee
    from pg_namespace as n
        cross join aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) as x
    where n.oid = schema_id and x.privilege_type = 'USAGE' and x.grantee <> 'nl2sql_masker'::regrole
$sql$;
comment on function nl2sql._schema_users(oid) is 'roles that hold USAGE on a schema, 0 for PUBLIC';

-- API: Private. As above.
create or replace function nl2sql._give_usage(masked_view oid)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    base oid := (select c.relnamespace from nl2sql._mask_view as v join pg_class as c on c.oid = v.relation where v.masked_view = _give_usage.masked_view);
    place regnamespace := (select c.relnamespace from pg_class as c where c.oid = _give_usage.masked_view);
    changed record;
begin
    -- Who could not reach the table must not reach the view; who lost the one loses the other. What others granted stays.
    for changed in
        delete from nl2sql._mask_usage as u
        where u.masked_schema = place and not exists (select from nl2sql._schema_users(base) as s (grantee) where s.grantee = u.grantee)
        returning u.grantee::oid as grantee
    loop
        if changed.grantee = 0 or exists (select from pg_roles as r where r.oid = changed.grantee) then
            execute format('revoke usage on schema %s from %s', place, nl2sql._role_text(changed.grantee));
        end if;
    end loop;
    for changed in
        insert into nl2sql._mask_usage as u (masked_schema, grantee)
        select place, s.grantee from nl2sql._schema_users(base) as s (grantee)
        on conflict on constraint _mask_usage_pkey do nothing
        returning u.grantee::oid as grantee
    loop
        execute format('grant usage on schema %s to %s', place, nl2sql._role_text(changed.grantee));
    end loop;
end
$plpgsql$;
comment on function nl2sql._give_usage(oid) is 'let those use the schema of a masked view who may use that of its table, and nobody else';

-- API: Private. As above.
create or replace function nl2sql._follow_table(relation regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    known nl2sql._mask_view := (select v from nl2sql._mask_view as v where v.relation = _follow_table.relation);
    there boolean := exists (select from pg_class as c where c.oid = known.masked_view);
begin
    perform nl2sql._rename_masked_columns(relation);
    if there then
        perform nl2sql._move_mask_view(relation);
    end if;
    if not there or nl2sql._mask_body(relation, known.numbers) is distinct from known.body
        -- a table that a policy reads has changed: the view can't carry it any more, which is said there
        or nl2sql._mask_policy_problem(relation) is not null
    then
        perform nl2sql._build_mask_view(relation, null);
        if not there then
            perform nl2sql._give_readers(relation);
            perform nl2sql._give_usage((select v.masked_view from nl2sql._mask_view as v where v.relation = _follow_table.relation));
        end if;
    else
        perform nl2sql._copy_comments(relation, known.masked_view, known.numbers);
    end if;
end
$plpgsql$;
comment on function nl2sql._follow_table(regclass) is 'bring a masked view up to date with its table: names, comments, row security, a view lost with a dropped column';

-- API: Private. As above.
create or replace function nl2sql._follow_rights(root regclass, touched oid[])
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    opened record;
begin
    -- a new partition with default privileges: nobody has said that it is to be seen in clear
    -- ATTACH PARTITION names the parent only, so all of them are looked at
    if exists (
        select from nl2sql._mask_opened(root) as o
        where o.relation in (select nl2sql._mask_tables(root)) and o.relation <> root and not exists (
            select from nl2sql._mask_clear as k where k.relation in (root, o.relation) and k.role = o.grantee))
    then
        perform nl2sql._take_rights(root);
    end if;
    for opened in
        insert into nl2sql._mask_clear as k (relation, role, named)
        select distinct o.relation, o.grantee, false
        from nl2sql._mask_opened(root) as o
        where o.privilege = 'SELECT' and (o.column_name = '' or o.relation <> root
            or exists (select from nl2sql._mask as m where m.relation = root and m.column_name = o.column_name))
        on conflict on constraint _mask_clear_pkey do nothing
        returning k.relation, nl2sql._role_text(k.role) as role
    loop
        if not exists (
            select from nl2sql._mask_clear as k where k.relation = root and nl2sql._role_text(k.role) = opened.role and opened.relation <> root)
        then
            raise warning using
                errcode = '01000',
                message = format('%s now sees masked columns of %s in clear', opened.role, root),
                detail = format('It may SELECT from %s; this is recorded.', opened.relation),
                hint = format('If that is not meant: REVOKE SELECT ON %s FROM %s.', opened.relation, opened.role);
            perform nl2sql._audit_note('clear_text_opened', jsonb_build_object('table', root, 'role', opened.role, 'by', opened.relation));
        end if;
    end loop;
    for opened in
        delete from nl2sql._mask_clear as k
        -- a dump grants last
        where not k.named and not nl2sql._restoring()
            and k.relation in (select nl2sql._mask_tables(root) union select nl2sql._mask_dependents(root))
            and not exists (
                select from nl2sql._mask_opened(root) as o
                where o.relation = k.relation and o.grantee = k.role and o.privilege = 'SELECT')
        returning k.relation, nl2sql._role_text(k.role) as role
    loop
        perform nl2sql._audit_note('clear_text_closed', jsonb_build_object('table', root, 'role', opened.role, 'by', opened.relation));
    end loop;
end
$plpgsql$;
comment on function nl2sql._follow_rights(regclass, oid[]) is 'warn of and record rights that open a masked table, and those that are gone again';

-- API: Private. As above.
create or replace function nl2sql._follow_views(root regclass, touched oid[])
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    opened_view regclass;
begin
    for opened_view in
        select d.oid from nl2sql._mask_dependents(root) as d (oid) where d.oid = any (touched)
    loop
        raise warning using
            errcode = '01000',
            message = format('%s reads masked columns of %s in clear', opened_view, root),
            detail = 'Whoever gets SELECT on it sees them; this is recorded.',
            hint = format('Let it read %s instead.', (select v.masked_view from nl2sql._mask_view as v where v.relation = root));
        perform nl2sql._audit_note('clear_text_view', jsonb_build_object('table', root, 'view', opened_view));
    end loop;
end
$plpgsql$;
comment on function nl2sql._follow_views(regclass, oid[]) is 'warn of and record new views over masked columns';

-- API: Private. As above.
create or replace function nl2sql._granted_on()
returns oid[]
language sql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    -- PostgreSQL does not say what a GRANT was on: relations whose catalog rows are as new as this transaction, or newer
    select coalesce(array_agg(c.oid), '{}')
    from (
        select k.oid from pg_class as k where age(k.xmin) <= age(pg_current_xact_id()::xid)
        union
        select a.attrelid from pg_attribute as a where age(a.xmin) <= age(pg_current_xact_id()::xid)
        union
        select n.oid from pg_namespace as n where age(n.xmin) <= age(pg_current_xact_id()::xid)
    ) as c
$sql$;
comment on function nl2sql._granted_on() is 'relations and schemas that this transaction may have changed';

-- API: Private. As above.
create or replace function nl2sql._masks_near(touched oid[], tag text)
returns table (relation regclass, masked_view regclass, follow boolean)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- what is touched, what it inherits from, and what it reads: few, where most DDL is about tables without masks
    with recursive near as (
        select t.oid from unnest(touched) as t (oid)
        union
        select f.oid
        from near as k
            cross join lateral (
                select i.inhparent as oid from pg_inherits as i where i.inhrelid = k.oid
                union all
                select d.refobjid
                from pg_rewrite as r
                    join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                        and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class
                where r.ev_class = k.oid
            ) as f
    ),
    -- tables whose policies read it
    looked_up as (
        select p.polrelid as oid
        from pg_depend as d join pg_policy as p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
        where d.refclassid = 'pg_class'::regclass and d.refobjid = any (touched)
    )
    select v.relation, v.masked_view,
        c.oid = any (touched) or c.relnamespace = any (touched) or l.oid is not null
            or tag = 'DROP POLICY' and c.relrowsecurity
    from nl2sql._mask_view as v
        join pg_class as c on c.oid = v.relation
        left join (select distinct k.oid from looked_up as k) as l on l.oid = v.relation
    where v.relation in (select k.oid from near as k) or c.relnamespace = any (touched) or l.oid is not null
        or tag = 'DROP POLICY' and c.relrowsecurity
$sql$;
comment on function nl2sql._masks_near(oid[], text) is 'masked tables that a command may concern, and whether their views must follow';

-- API: Private. What a dump says at its top, in each of the sessions that restore it side by side. Superusers only, since it
-- switches off what tells of opened masks: nobody else restores the tables of nl2sql.
create or replace function nl2sql._restoring()
returns boolean
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select current_setting('check_function_bodies') = 'off' and current_setting('row_security') = 'off'
        and (select r.rolsuper from pg_roles as r where r.rolname = session_user)
$sql$;
comment on function nl2sql._restoring() is 'whether a superuser restores a dump in this session';

-- API: Private. As above.
create or replace function nl2sql._follow_grant(relation regclass, masked_view regclass, told boolean)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if nl2sql._restoring() then
        -- A dump grants all of it by itself, one object in one session and the next in another: whoever touches what they are
        -- at fails, or lets them fail ("tuple concurrently updated"). The lock is for what they note of each other.
        lock table nl2sql._mask in share row exclusive mode;
        perform nl2sql._note_readers(masked_view);
        return;
    end if;
    perform nl2sql._note_readers(masked_view);
    perform nl2sql._give_masks(masked_view);
    perform nl2sql._trim_masks();
    perform nl2sql._give_usage(masked_view);
    if told then
        perform nl2sql._tell_revoke(relation);
    end if;
end
$plpgsql$;
comment on function nl2sql._follow_grant(regclass, regclass, boolean) is
    'bring readers of a masked view, and what they need, up to date with GRANT or REVOKE';

-- API: Private. SECURITY DEFINER: DDL may come from any role, and nobody may write the tables of policies otherwise.
create or replace function nl2sql._on_mask_ddl()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    touched oid[];
    masked record;
    -- it may have tables, views and grants in it
    mixed constant boolean := tg_tag = 'CREATE SCHEMA';
begin
    if not exists (select from nl2sql._mask) or exists (select from nl2sql._mask_busy as b where b.pid = pg_backend_pid()) then
        return;
    end if;
    if tg_tag in ('GRANT', 'REVOKE') then
        touched := nl2sql._granted_on();
    else
        select coalesce(array_agg(distinct coalesce(p.polrelid, r.ev_class, k.objid)), '{}') into touched
        from pg_event_trigger_ddl_commands() as k
            left join pg_policy as p on k.classid = 'pg_policy'::regclass and p.oid = k.objid
            left join pg_rewrite as r on k.classid = 'pg_rewrite'::regclass and r.oid = k.objid;
    end if;
    if mixed then
        touched := touched || nl2sql._granted_on();
    end if;
    if tg_tag like '%TABLE' or mixed then
        perform nl2sql._refuse_outer_parents(touched);
    end if;
    for masked in
        select m.* from nl2sql._masks_near(touched, tg_tag) as m
    loop
        insert into nl2sql._mask_busy (pid) values (pg_backend_pid()) on conflict do nothing;
        if tg_tag in ('GRANT', 'REVOKE') or mixed then
            perform nl2sql._follow_grant(masked.relation, masked.masked_view,
                tg_tag = 'REVOKE' and masked.relation::oid = any (touched));
        elsif masked.follow then
            perform nl2sql._follow_table(masked.relation);
        end if;
        if tg_tag like '%VIEW' or tg_tag = 'CREATE RULE' or mixed then
            perform nl2sql._follow_views(masked.relation, touched);
        end if;
        if tg_tag like '%TABLE' then
            perform nl2sql._forget_held_back();
        end if;
        if tg_tag not like '%POLICY' and tg_tag <> 'COMMENT' then
            perform nl2sql._follow_rights(masked.relation, touched);
        end if;
    end loop;
    -- nothing is written for DDL that has nothing to do with masks
    if masked.relation is not null then
        delete from nl2sql._mask_busy as b where b.pid = pg_backend_pid();
    end if;
end
$plpgsql$;
comment on function nl2sql._on_mask_ddl() is
    'event trigger: masked views follow renames, comments and row security of their tables; raises 0A000 where a policy can''t be carried over';

-- API: Private. SECURITY DEFINER as above.
create or replace function nl2sql._on_mask_drop()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    gone record;
begin
    if exists (select from nl2sql._mask_busy as b where b.pid = pg_backend_pid()) or not exists (
        select from pg_event_trigger_dropped_objects() as d
        where d.classid = 'pg_class'::regclass and (
            exists (select from nl2sql._mask as m where m.relation = d.objid)
            or exists (select from nl2sql._mask_taken as t where t.relation = d.objid)
            or exists (select from nl2sql._mask_clear as k where k.relation = d.objid)))
    then
        return;
    end if;
    insert into nl2sql._mask_busy (pid) values (pg_backend_pid());
    for gone in
        delete from nl2sql._mask as m
        using pg_event_trigger_dropped_objects() as d
        where d.classid = 'pg_class'::regclass and d.objid = m.relation and d.objsubid in (0, m.number)
        returning m.relation::oid as relation, m.column_name, d.object_identity
    loop
        perform nl2sql._audit_note('mask_dropped', jsonb_build_object('object', gone.object_identity, 'column', gone.column_name));
    end loop;
    -- the last masked column of a table: there is nothing left to hold back
    for gone in
        delete from nl2sql._mask_view as v
        where not exists (select from nl2sql._mask as m where m.relation = v.relation)
        returning v.relation, v.masked_view
    loop
        perform nl2sql._drop_mask_view(gone.masked_view);
        perform nl2sql._return_rights(gone.relation, null);
        delete from nl2sql._mask_clear as k where k.relation = gone.relation;
    end loop;
    perform nl2sql._trim_masks();
    delete from nl2sql._mask_taken as t where not exists (select from pg_class as c where c.oid = t.relation);
    delete from nl2sql._mask_clear as k where not exists (select from pg_class as c where c.oid = k.relation);
    delete from nl2sql._mask_busy as b where b.pid = pg_backend_pid();
end
$plpgsql$;
comment on function nl2sql._on_mask_drop() is 'event trigger: a dropped table or column drops its masking policy';

select nl2sql._keep_event_trigger('nl2sql_on_mask_ddl', 'nl2sql._on_mask_ddl', array[
    'ALTER TABLE', 'ALTER FOREIGN TABLE', 'ALTER MATERIALIZED VIEW', 'ALTER VIEW', 'ALTER SCHEMA',
    'CREATE TABLE', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW', 'CREATE POLICY', 'ALTER POLICY', 'DROP POLICY',
    'COMMENT', 'GRANT', 'REVOKE', 'CREATE SCHEMA', 'CREATE RULE', 'CREATE FOREIGN TABLE']);
select nl2sql._keep_event_trigger('nl2sql_on_mask_drop', 'nl2sql._on_mask_drop', null);
comment on event trigger nl2sql_on_mask_ddl is 'nl2sql: masked views follow their tables; what opens a masked column is recorded';
comment on event trigger nl2sql_on_mask_drop is 'nl2sql: a dropped table or column drops its masking policy';
