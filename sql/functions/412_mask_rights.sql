-- Who reads what: mask() takes the rights that lead to clear text, on the table, its partitions and the views over it, notes
-- them, and gives the masked view instead.

-- API: Private
create or replace function nl2sql._mask_tables(relation oid)
returns setof oid
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with recursive part as (
        select relation as oid
        union
        select i.inhrelid from part as p join pg_inherits as i on i.inhparent = p.oid
    )
    select p.oid from part as p
$sql$;
comment on function nl2sql._mask_tables(oid) is 'a table with its partitions and the tables that inherit from it';

-- API: Private
create or replace function nl2sql._mask_dependents(relation oid)
returns setof oid
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Views over masked columns, and views over these. One that reads a whole row depends on none of its columns in
    -- particular. Masked views show masked values, unless the relation behind them is among those found.
    with recursive reader as (
        select distinct r.ev_class as oid
        from nl2sql._mask_tables(relation) as t (oid)
            join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid and d.classid = 'pg_rewrite'::regclass
            join pg_rewrite as r on r.oid = d.objid and r.ev_class <> t.oid
        where d.refobjsubid = 0
            or r.ev_action::text like '%:varattno 0 %'
            or exists (
                select from nl2sql._mask as m
                    join pg_attribute as a on a.attrelid = m.relation and a.attnum = m.number
                    join pg_attribute as b on b.attrelid = t.oid and b.attname = a.attname
                where m.relation = _mask_dependents.relation and b.attnum = d.refobjsubid)
        union
        select r.ev_class
        from reader as k
            join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = k.oid and d.classid = 'pg_rewrite'::regclass
            join pg_rewrite as r on r.oid = d.objid and r.ev_class <> k.oid
        where not exists (select from nl2sql._mask_view as v where v.masked_view = k.oid and v.relation = _mask_dependents.relation)
    )
    select k.oid
    from reader as k
        join pg_class as c on c.oid = k.oid and c.relkind in ('v', 'm')
    where not exists (
        select from nl2sql._mask_view as v
        where v.masked_view = k.oid and v.relation not in (select o.oid from reader as o)
    )
$sql$;
comment on function nl2sql._mask_dependents(oid) is 'views and materialized views that read masked columns of a table, or such a view';

-- API: Private
create or replace function nl2sql._mask_opened(root oid)
returns table (relation oid, column_name name, grantee oid, privilege text, grantable boolean)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- SELECT shows the column; REFERENCES would tell whether a value is there; a trigger sees each row that others write.
    select g.relation, g.column_name, x.grantee, x.privilege_type, bool_or(x.is_grantable)
    from (
        select c.oid, ''::name, c.relacl, c.relowner
        from pg_class as c where c.oid in (select nl2sql._mask_tables(root) union select nl2sql._mask_dependents(root))
        union all
        select c.oid, a.attname, a.attacl, c.relowner
        from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attacl is not null and not a.attisdropped
        where c.oid in (select nl2sql._mask_tables(root) union select nl2sql._mask_dependents(root))
    ) as g (relation, column_name, acl, owner)
        cross join aclexplode(g.acl) as x
    where x.privilege_type in ('SELECT', 'REFERENCES', 'TRIGGER')
        and x.grantee <> all (array[g.owner, 'nl2sql_masker'::regrole::oid])
    group by g.relation, g.column_name, x.grantee, x.privilege_type
$sql$;
comment on function nl2sql._mask_opened(oid) is 'rights of others than the owners that lead to clear text of a masked table';

-- API: Private
create or replace function nl2sql._role_text(role oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case when role = 0 then 'public' else role::regrole::text end
$sql$;
comment on function nl2sql._role_text(oid) is 'a role as GRANT takes it';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._take_rights(root regclass)
returns setof nl2sql._mask_taken
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
#variable_conflict use_column
declare
    open_right record;
    kept jsonb := (
        select coalesce(jsonb_agg(o), '[]')
        from nl2sql._mask_opened(root) as o
            join nl2sql._mask_clear as k on k.relation = _take_rights.root and k.role = o.grantee);
begin
    -- all is noted before anything is taken: cascade takes from others, too, what a role passed on
    return query
    insert into nl2sql._mask_taken as t (root, relation, column_name, grantee, privilege, grantable)
    select _take_rights.root, o.relation, o.column_name, o.grantee, o.privilege, o.grantable
    from nl2sql._mask_opened(_take_rights.root) as o
    where not exists (
        select from nl2sql._mask_clear as k where k.relation in (_take_rights.root, o.relation) and k.role = o.grantee)
    on conflict on constraint _mask_taken_pkey do update set grantable = excluded.grantable, taken_at = excluded.taken_at
    returning t.*;
    for open_right in
        select o.relation::regclass as relation, o.grantee
        from nl2sql._mask_opened(root) as o
        where not exists (
            select from nl2sql._mask_clear as k where k.relation in (_take_rights.root, o.relation) and k.role = o.grantee)
        group by o.relation, o.grantee
    loop
        -- of the relation takes those of its columns, too
        execute format('revoke select, references, trigger on table %s from %s cascade',
            open_right.relation, nl2sql._role_text(open_right.grantee));
    end loop;
    -- roles that see clear text by what such a role had granted keep it
    for open_right in
        select * from jsonb_to_recordset(kept) as k (relation oid, column_name name, grantee oid, privilege text, grantable boolean)
    loop
        perform nl2sql._give_right(open_right.relation, open_right.column_name, open_right.grantee, open_right.privilege, open_right.grantable);
    end loop;
    perform nl2sql._refuse_open_rights(root);
end
$plpgsql$;
comment on function nl2sql._take_rights(regclass) is 'take and note rights that lead to clear text, but those of roles that are to see it; returns what was taken';

-- API: Private. As above.
create or replace function nl2sql._refuse_open_rights(root regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    left_over record;
begin
    select o.* into left_over
    from nl2sql._mask_opened(root) as o
    where not exists (select from nl2sql._mask_clear as k where k.relation in (root, o.relation) and k.role = o.grantee)
    limit 1;
    if found then
        raise exception using
            errcode = '55006',
            message = format('%s on %s can''t be taken from %s', left_over.privilege, left_over.relation::regclass,
                nl2sql._role_text(left_over.grantee)),
            detail = 'Nothing was changed: this role would still read masked columns in clear.',
            hint = 'Revoke it as the role that granted it, then call the function again.';
    end if;
end
$plpgsql$;
comment on function nl2sql._refuse_open_rights(regclass) is 'raises 55006 if a right that leads to clear text is still there';

-- API: Private. As above.
create or replace function nl2sql._give_right(relation regclass, column_name name, grantee oid, privilege text, grantable boolean)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- the role, or the relation or its column, may be gone since
    if (grantee = 0 or exists (select from pg_roles as r where r.oid = grantee))
        and exists (select from pg_class as c where c.oid = relation)
        and (column_name = '' or nl2sql._number_list(relation, array[column_name]) is not null)
    then
        execute format('grant %s%s on table %s to %s%s',
            privilege, case when column_name <> '' then format(' (%I)', column_name) end, relation, nl2sql._role_text(grantee),
            case when grantable then ' with grant option' end);
    end if;
end
$plpgsql$;
comment on function nl2sql._give_right(regclass, name, oid, text, boolean) is 'grant one right, if all of it is still there';

-- API: Private. As above.
create or replace function nl2sql._give_masked(root regclass, only_to oid)
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    masked_view regclass := (select v.masked_view from nl2sql._mask_view as v where v.relation = root);
    reader record;
begin
    for reader in
        select t.column_name, t.grantee::oid as grantee
        from nl2sql._mask_taken as t
        where t.root = _give_masked.root and t.relation = _give_masked.root and t.privilege = 'SELECT'
            and (only_to is null or t.grantee = only_to)
    loop
        perform nl2sql._give_right(masked_view, reader.column_name, reader.grantee, 'SELECT', false);
    end loop;
    perform nl2sql._give_usage(masked_view);
    perform nl2sql._note_readers(masked_view);
    perform nl2sql._give_masks(masked_view);
end
$plpgsql$;
comment on function nl2sql._give_masked(regclass, oid) is 'give those who could read the table the masked view; or one of them';

-- API: Private. As above.
create or replace function nl2sql._note_readers(masked_view regclass)
returns void
language sql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Whoever may read a view that a dropped column takes along reads the next one, too. Names are for dumps, numbers for here:
    -- two roles may swap their names.
    update nl2sql._mask_view as v
    set readers = (
        select coalesce(jsonb_agg(jsonb_build_object('role', coalesce(r.rolname, ''), 'oid', x.grantee::bigint, 'column', g.column_name)), '[]')
        from (
            select ''::name, c.relacl from pg_class as c where c.oid = v.masked_view
            union all
            select a.attname, a.attacl from pg_attribute as a where a.attrelid = v.masked_view and a.attacl is not null
        ) as g (column_name, acl)
            cross join aclexplode(g.acl) as x
            left join pg_roles as r on r.oid = x.grantee
        where x.privilege_type = 'SELECT' and x.grantee <> 'nl2sql_masker'::regrole
    )
    where v.masked_view = _note_readers.masked_view
$sql$;
comment on function nl2sql._note_readers(regclass) is 'note who may read a masked view';

-- API: Private
create or replace function nl2sql._mask_needs(wanted_view oid)
returns table (function_id oid, reader oid)
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- The server runs functions of a view as the reader: the masks, and what these call.
    with recursive called as (
        select v.masked_view, d.refobjid as oid
        from nl2sql._mask_view as v
            join pg_rewrite as r on r.ev_class = v.masked_view
            join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
            -- nothing that a function of somebody else's names, whatever he had a policy call
            join pg_proc as p on p.oid = d.refobjid and p.pronamespace = 'nl2sql'::regnamespace and p.proname ~ '^mask_[a-z]+$'
        where wanted_view is null or v.masked_view = wanted_view
        union
        select c.masked_view, d.refobjid
        from called as c
            join pg_depend as d on d.classid = 'pg_proc'::regclass and d.objid = c.oid and d.refclassid = 'pg_proc'::regclass
    )
    select distinct p.oid, e.oid
    from called as c
        join pg_proc as p on p.oid = c.oid and p.pronamespace = 'nl2sql'::regnamespace
            and (p.proname ~ '^mask_[a-z]+$' or p.proname in ('_mask_text', '_unknown_date_unit', '_unknown_step'))
        join nl2sql._mask_view as v on v.masked_view = c.masked_view
        cross join jsonb_to_recordset(v.readers) as e (oid oid)
    where e.oid = 0 or exists (select from pg_roles as r where r.oid = e.oid)
$sql$;
comment on function nl2sql._mask_needs(oid) is 'mask functions that readers of a masked view run, or of all where it is NULL; 0: PUBLIC';

-- API: Private. As above.
create or replace function nl2sql._give_masks(masked_view regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    needed record;
begin
    for needed in
        select n.function_id::regprocedure as function, n.reader
        from nl2sql._mask_needs(masked_view) as n
            join pg_proc as p on p.oid = n.function_id
        -- what an administrator has granted is not ours to take again
        where not exists (
            select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as x
            where x.grantee = n.reader and x.privilege_type = 'EXECUTE')
    loop
        execute format('grant execute on function %s to %s', needed.function, nl2sql._role_text(needed.reader));
        insert into nl2sql._mask_execute as m (function, grantee) values (needed.function, needed.reader)
        on conflict on constraint _mask_execute_pkey do nothing;
    end loop;
end
$plpgsql$;
comment on function nl2sql._give_masks(regclass) is 'let the readers of a masked view run the masks in it';

-- API: Private. As above.
create or replace function nl2sql._trim_masks()
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    unneeded record;
begin
    for unneeded in
        delete from nl2sql._mask_execute as m
        where not exists (
            select from nl2sql._mask_needs(null) as n where n.function_id = m.function and n.reader = m.grantee)
        returning m.function, m.grantee::oid as grantee
    loop
        if exists (select from pg_proc as p where p.oid = unneeded.function)
            and (unneeded.grantee = 0 or exists (select from pg_roles as r where r.oid = unneeded.grantee))
        then
            execute format('revoke execute on function %s from %s', unneeded.function, nl2sql._role_text(unneeded.grantee));
        end if;
    end loop;
end
$plpgsql$;
comment on function nl2sql._trim_masks() is 'take EXECUTE on masks from those who got it for a masked view that they do not read any more';

-- API: Private. As above.
create or replace function nl2sql._give_readers(root regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reader record;
begin
    for reader in
        select v.masked_view, e."column", e.oid as grantee
        from nl2sql._mask_view as v
            cross join jsonb_to_recordset(v.readers) as e (oid oid, "column" name)
        where v.relation = root
    loop
        perform nl2sql._give_right(reader.masked_view, reader."column", reader.grantee, 'SELECT', false);
        perform nl2sql._give_masks(reader.masked_view);
    end loop;
end
$plpgsql$;
comment on function nl2sql._give_readers(regclass) is 'let those who could read a masked view read the one that was made in its place';

-- API: Private. As above.
create or replace function nl2sql._trim_masker()
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    held regclass;
begin
    for held in
        select d.objid::regclass
        from pg_shdepend as d
            join pg_class as c on c.oid = d.objid and c.relkind in ('r', 'p', 'm', 'f')
        where d.dbid = (select b.oid from pg_database as b where b.datname = current_database())
            and d.classid = 'pg_class'::regclass and d.refclassid = 'pg_authid'::regclass
            and d.refobjid = 'nl2sql_masker'::regrole and d.deptype = 'a'
            and not exists (select from nl2sql._mask_view as v where v.relation = d.objid)
            and not exists (
                select from nl2sql._mask_view as v cross join nl2sql._mask_lookups(v.relation) as l where l.lookup = d.objid)
        group by d.objid
    loop
        execute format('revoke all on table %s from nl2sql_masker', held);
    end loop;
end
$plpgsql$;
comment on function nl2sql._trim_masker() is 'take from nl2sql_masker what no masked view needs any more';

-- API: Private. As above.
create or replace function nl2sql._return_rights(root regclass, only_to oid)
returns setof nl2sql._mask_taken
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
#variable_conflict use_column
declare
    taken nl2sql._mask_taken;
begin
    for taken in
        delete from nl2sql._mask_taken as t
        where t.root = _return_rights.root and (only_to is null or t.grantee = only_to)
        returning t.*
    loop
        -- not on what another masked table has a claim to
        if not exists (select from nl2sql._mask_taken as o where o.relation = taken.relation and o.grantee = taken.grantee) then
            perform nl2sql._give_right(taken.relation, taken.column_name, taken.grantee, taken.privilege, taken.grantable);
            return next taken;
        end if;
    end loop;
end
$plpgsql$;
comment on function nl2sql._return_rights(regclass, oid) is 'give back what mask() took because of a table: all of it, or that of one role';

-- API: Private. SECURITY DEFINER: catalog facts about masked tables, for the view of those who may see all policies.
create or replace function nl2sql._mask_keepers(root oid)
returns oid[]
language sql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(array_agg(distinct c.relowner), '{}')
    from nl2sql._mask_dependents(root) as d (oid) join pg_class as c on c.oid = d.oid and c.relkind = 'm'
    where exists (select from nl2sql._mask as m where m.relation = root)
$sql$;
comment on function nl2sql._mask_keepers(oid) is 'owners of materialized views over masked columns of a table';
