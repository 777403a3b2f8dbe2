-- What no function of the extension does itself, and is to be on record all the same: memberships, rights, DDL on its objects.

-- API: Private. The schema, relations and functions of the extension, and tables with masked columns.
create or replace function nl2sql._audit_watched()
returns table (classid oid, objid oid)
language plpgsql stable called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
        select 'pg_namespace'::regclass::oid, 'nl2sql'::regnamespace::oid
        union all
        select 'pg_class'::regclass, c.oid from pg_class as c where c.relnamespace = 'nl2sql'::regnamespace and c.relkind <> 'i'
        union all
        select 'pg_proc'::regclass, p.oid from pg_proc as p where p.pronamespace = 'nl2sql'::regnamespace;
    if to_regclass('nl2sql._mask_view') is not null then
        return query
            select 'pg_class'::regclass::oid, x.relation::oid
            from nl2sql._mask_view as m cross join lateral unnest(array[m.relation, m.masked_view]) as x (relation);
    end if;
end
$plpgsql$;
comment on function nl2sql._audit_watched() is 'objects whose rights and definitions are watched';

-- API: Private. A line a right; event triggers are here, too, since no event trigger tells of their being disabled.
create or replace function nl2sql._audit_rights()
returns text[]
language sql stable called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    with watched as materialized (select * from nl2sql._audit_watched()),
    rights (item) as (
        select format('%s: %s', w.objid::regclass, acl)
        from watched as w
            join pg_class as c on c.oid = w.objid and w.classid = 'pg_class'::regclass
            cross join unnest(c.relacl) as acl
        union all
        select format('%s.%I: %s', w.objid::regclass, a.attname, acl)
        from watched as w
            join pg_attribute as a on a.attrelid = w.objid and w.classid = 'pg_class'::regclass and a.attacl is not null
            cross join unnest(a.attacl) as acl
        union all
        select format('%s: %s', w.objid::regprocedure, acl)
        from watched as w
            join pg_proc as p on p.oid = w.objid and w.classid = 'pg_proc'::regclass
            cross join unnest(p.proacl) as acl
        union all
        select format('schema %I: %s', n.nspname, acl)
        from watched as w
            join pg_namespace as n on n.oid = w.objid and w.classid = 'pg_namespace'::regclass
            cross join unnest(n.nspacl) as acl
        union all
        select format('%s: row security %s, forced %s, owner %s', w.objid::regclass, c.relrowsecurity, c.relforcerowsecurity,
            c.relowner::regrole)
        from watched as w
            join pg_class as c on c.oid = w.objid and w.classid = 'pg_class'::regclass
        where c.relkind in ('r', 'p', 'v')
        union all
        select format('event trigger %I: enabled %s', e.evtname, e.evtenabled)
        from pg_event_trigger as e where left(e.evtname, 7) = 'nl2sql_'
    )
    select coalesce(array_agg(r.item order by r.item collate "C"), '{}') from rights as r
$sql$;
comment on function nl2sql._audit_rights() is 'rights on watched objects, a line each';

-- API: Private. Members of the roles of nl2sql and of those that read or write everything, directly or not; and who is above rights.
create or replace function nl2sql._audit_roles()
returns text[]
language sql stable called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    with recursive reached (id) as (
        select r.oid from pg_roles as r
        where left(r.rolname, 7) = 'nl2sql_' or r.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files',
            'pg_write_server_files', 'pg_execute_server_program', 'pg_database_owner')
        union
        select m.member from reached as a join pg_auth_members as m on m.roleid = a.id
    ), lines (item) as (
        select format('%s is a member of %s%s', m.member::regrole, m.roleid::regrole, concat(
            case when m.admin_option then ' with admin option' end,
            -- options of a membership from PostgreSQL 16 on, which is no column before
            case when to_jsonb(m) ->> 'inherit_option' = 'false' then ' without inherit' end,
            case when to_jsonb(m) ->> 'set_option' = 'false' then ' without set' end))
        from reached as a join pg_auth_members as m on m.roleid = a.id
        union all
        select format('%s %s', r.oid::regrole, x.may)
        from pg_roles as r
            cross join lateral (values (r.rolsuper, 'is a superuser'), (r.rolbypassrls, 'passes row security'),
                (r.rolcreaterole, 'creates roles'), (r.rolreplication, 'replicates'),
                (r.rolcanlogin and left(r.rolname, 7) = 'nl2sql_', 'may log in')) as x (holds, may)
        where x.holds
    )
    select coalesce(array_agg(distinct l.item), '{}') from lines as l
$sql$;
comment on function nl2sql._audit_roles() is 'memberships and attributes of roles that matter to nl2sql, a line each';

-- API: Private. Called by functions of the owner; granted to nobody.
create or replace function nl2sql._audit_changed(kind text, items text[])
returns jsonb
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    before constant text[] := (select s.items from nl2sql._audit_state as s where s.kind = _audit_changed.kind);
begin
    if before = items then
        return null;
    end if;
    insert into nl2sql._audit_state as s (kind, items) values (_audit_changed.kind, _audit_changed.items)
    on conflict on constraint _audit_state_pkey do update set items = excluded.items, seen_at = clock_timestamp();
    if before is null then
        return jsonb_build_object('first', to_jsonb(items));
    end if;
    return jsonb_build_object(
        'added', to_jsonb(array(select unnest(items) except select unnest(before) order by 1)),
        'removed', to_jsonb(array(select unnest(before) except select unnest(items) order by 1)));
end
$plpgsql$;
comment on function nl2sql._audit_changed(text, text[]) is 'what differs from the last look, {added, removed} or {first}; NULL: nothing';

-- API: Private. The look keeps one row, and each transaction that changes rights a row of its own until the next look: the owner
-- of a masked table, who grants and stays in the transaction, holds up neither other grants nor the look.
create or replace function nl2sql._audit_note_rights(statement text)
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    -- read before the rights are: what commits meanwhile keeps its row, and stands before what a look has found
    known constant text[] := array(select s.kind from nl2sql._audit_state as s where left(s.kind, 7) = 'rights:');
    found constant text[] := nl2sql._audit_rights();
    before constant text[] := (
        select s.items from nl2sql._audit_state as s
        where s.kind = 'rights' or left(s.kind, 7) = 'rights:' order by s.kind = 'rights', s.seen_at desc limit 1);
    here constant text := case when statement is null then 'rights' else concat('rights:', pg_current_xact_id()) end;
begin
    if statement is null then
        delete from nl2sql._audit_state as s where s.kind = any (known);
    end if;
    if before is distinct from found or statement is null and not exists (
        select from nl2sql._audit_state as s where s.kind = 'rights' and s.items = found)
    then
        insert into nl2sql._audit_state as s (kind, items) values (here, found)
        on conflict on constraint _audit_state_pkey do update set items = excluded.items, seen_at = clock_timestamp();
    end if;
    if before <> found then
        perform nl2sql._audit_note('rights_change', jsonb_build_object(
            'added', to_jsonb(array(select unnest(found) except select unnest(before) order by 1)),
            'removed', to_jsonb(array(select unnest(before) except select unnest(found) order by 1)),
            'sql', statement));
    end if;
end
$plpgsql$;
comment on function nl2sql._audit_note_rights(text) is 'note rights on watched objects that have changed since the last look';

-- API: Private. SECURITY DEFINER: looks at and keeps what the sidecar, which calls it each interval, has no right to. One look
-- at a time, by a lock on a row that only roles with rights on this table can take: an advisory lock is for anybody. Who finds it
-- taken is told so, and the sidecar tells when that goes on.
create or replace function nl2sql._audit_look()
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    changed jsonb;
    bare constant regclass[] := array(select nl2sql._audit_unprotected());
begin
    if not exists (select from nl2sql._audit_state as s where s.kind = 'look') then
        insert into nl2sql._audit_state (kind, items) values ('look', '{}') on conflict do nothing;
    end if;
    perform from nl2sql._audit_state as s where s.kind = 'look' for update nowait;
    for ahead in 0..3 loop
        perform nl2sql._audit_partition(clock_timestamp() + make_interval(months => ahead));
    end loop;
    changed := nl2sql._audit_changed('unprotected', bare::text[]);
    if changed -> 'added' <> '[]' or changed -> 'first' <> '[]' then
        perform nl2sql._audit_note('audit_unprotected', jsonb_build_object('tables', to_jsonb(bare::text[])));
    end if;
    begin
        perform nl2sql._audit_protect(p) from unnest(bare) as p;
    exception when lock_not_available then
        null;  -- in use right now; the next look finds it again
    end;
    changed := nl2sql._audit_changed('roles', nl2sql._audit_roles());
    if changed is not null then
        perform nl2sql._audit_note(case when changed ? 'first' then 'role_snapshot' else 'role_change' end, changed);
    end if;
    perform nl2sql._audit_note_rights(null);
end
$plpgsql$;
comment on function nl2sql._audit_look() is 'make partitions ahead, mend triggers, note changes of roles and rights; each interval, by the sidecar';

-- API: Private. SECURITY DEFINER: DDL may come from any role. The sidecar's own upkeep of partitions is not told of.
create or replace function nl2sql._on_audited_ddl()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    touched text[];
    extension_only constant boolean := (
        select coalesce(bool_and(c.in_extension), false) from pg_event_trigger_ddl_commands() as c);
begin
    if extension_only or exists (
        select from pg_roles as r
        where r.rolname = session_user and not r.rolsuper and pg_has_role(r.oid, 'nl2sql_sidecar', 'member'))
    then
        return;
    end if;
    if tg_tag in ('GRANT', 'REVOKE', 'ALTER EXTENSION', 'ALTER DEFAULT PRIVILEGES') then
        perform nl2sql._audit_note_rights(left(current_query(), 8000));
    end if;
    with watched as materialized (
        select * from nl2sql._audit_watched()
    ), commands as (
        -- a trigger or policy counts as its table
        select c.schema_name, c.object_identity, concat_ws(' ', c.object_type, c.object_identity) as line,
            coalesce(p.polrelid, t.tgrelid, c.objid) as objid
        from pg_event_trigger_ddl_commands() as c
            left join pg_policy as p on c.classid = 'pg_policy'::regclass and p.oid = c.objid
            left join pg_trigger as t on c.classid = 'pg_trigger'::regclass and t.oid = c.objid
        where not c.in_extension
    )
    select array_agg(distinct c.line) into touched
    from commands as c
    where c.schema_name = 'nl2sql' or c.object_identity = 'nl2sql' or c.objid in (select w.objid from watched as w);
    if touched is not null then
        perform nl2sql._audit_note('ddl', jsonb_build_object(
            'tables', to_jsonb(touched), 'command', tg_tag, 'sql', left(current_query(), 8000)));
    end if;
end
$plpgsql$;
comment on function nl2sql._on_audited_ddl() is 'event trigger: puts DDL and rights on watched objects on record';

-- API: Private. SECURITY DEFINER as above.
create or replace function nl2sql._on_audited_drop()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    gone constant text[] := array(
        -- joins by equality: DROP SCHEMA may bring very many objects
        with dropped as materialized (
            select d.*, concat_ws(' ', d.object_type, d.object_identity) as line
            from pg_event_trigger_dropped_objects() as d where d.original
        ), watched as materialized (
            select * from nl2sql._audit_watched()
        )
        select d.line from dropped as d where 'nl2sql' in (d.schema_name, d.address_names[1])
        union
        select d.line from dropped as d join watched as w on w.classid = d.classid and w.objid = d.objid
        union
        -- a trigger or policy has no schema of its own, but the name of its table
        select d.line
        from dropped as d
            join pg_class as c on c.relname = d.address_names[2]
            join pg_namespace as n on n.oid = c.relnamespace and n.nspname = d.address_names[1]
            join watched as w on w.classid = 'pg_class'::regclass and w.objid = c.oid);
begin
    if gone <> '{}' then
        perform nl2sql._audit_note('drop', jsonb_build_object(
            'tables', to_jsonb(gone), 'command', tg_tag, 'sql', left(current_query(), 8000)));
    end if;
end
$plpgsql$;
comment on function nl2sql._on_audited_drop() is 'event trigger: puts drops in the schema of the extension on record';

select nl2sql._keep_event_trigger('nl2sql_on_audited_ddl', 'nl2sql._on_audited_ddl', array[
    'GRANT', 'REVOKE', 'ALTER DEFAULT PRIVILEGES', 'ALTER EXTENSION', 'ALTER TABLE', 'ALTER VIEW', 'ALTER FUNCTION',
    'ALTER ROUTINE', 'ALTER SCHEMA', 'ALTER SEQUENCE', 'CREATE TABLE', 'CREATE VIEW', 'CREATE FUNCTION',
    'CREATE POLICY', 'ALTER POLICY', 'CREATE TRIGGER', 'ALTER TRIGGER', 'CREATE RULE', 'ALTER RULE', 'CREATE INDEX']);
select nl2sql._keep_event_trigger('nl2sql_on_audited_drop', 'nl2sql._on_audited_drop', null);
comment on event trigger nl2sql_on_audited_ddl is 'nl2sql: puts DDL and rights on watched objects on record';
comment on event trigger nl2sql_on_audited_drop is 'nl2sql: puts drops in the schema nl2sql on record';
