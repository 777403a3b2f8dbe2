-- What keeps masking whole: what its administrators may not do, what is taken from readers for good, other ways to the same rows, and
-- what mask() finds and can not take.

-- API: Private
create or replace function nl2sql._own_reading_problem(relation oid, column_name name)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Who reads the masked view would read what a weaker mask shows, or one part after the other of each value. Nobody
    -- loses anything who sees the column in clear.
    select nl2sql._problem('42501', format('you are a reader of the masked column %I of %s', m.column_name, m.relation),
        'Have a superuser do it, or an administrator who is no reader of the masked view.',
        'Nothing was changed: whoever reads a masked view can not change its masks, PUBLIC included.')
    from nl2sql._mask as m
    where m.relation = _own_reading_problem.relation and m.column_name = _own_reading_problem.column_name
        and not (select r.rolsuper from pg_roles as r where r.rolname = session_user)
        and not has_column_privilege(session_user, m.relation::oid, m.number, 'select')
        and exists (
            select from (
                select t.grantee::oid from nl2sql._mask_taken as t where t.root = m.relation
                union all
                select x.grantee
                from nl2sql._mask_view as v
                    join pg_class as c on c.oid = v.masked_view
                    cross join aclexplode(c.relacl) as x
                where v.relation = m.relation
                union all
                select x.grantee
                from nl2sql._mask_view as v
                    join pg_attribute as a on a.attrelid = v.masked_view
                    cross join aclexplode(a.attacl) as x
                where v.relation = m.relation
            ) as g (grantee)
            where g.grantee = 0 or pg_has_role(session_user, g.grantee, 'member'))
$sql$;
comment on function nl2sql._own_reading_problem(oid, name) is
    'why the session may not change the mask of a masked column: it reads the masked view itself; NULL if it may';

-- API: Private
create or replace function nl2sql._generated_problem(relation oid, column_name name)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._problem('0A000',
        format('column %I of %s is generated from the masked column %I', _generated_problem.column_name, m.relation, m.column_name),
        'Unmask that column first.', 'Nothing was changed: it would show that column.')
    from nl2sql._mask as m
    where m.relation = _generated_problem.relation
        and _generated_problem.column_name in (select g.name from nl2sql._generated_from(m.relation, m.number) as g)
    limit 1
$sql$;
comment on function nl2sql._generated_problem(oid, name) is 'why a generated column may not be shown: an error; NULL if it may';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._hold_table(relation regclass)
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    lookup regclass;
begin
    -- A view is made of what this transaction sees: row security that another one is just adding would be missing for good.
    -- In statements of their own, so that what follows sees what the locks waited for.
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception using
            errcode = '0A000',
            message = 'masked views can not be changed in a transaction with one snapshot',
            detail = 'Nothing was changed: row security that another session has just added would be missed.',
            hint = 'Call it in a READ COMMITTED transaction.';
    end if;
    -- others know no policies, and can't be locked
    if exists (select from pg_class as c where c.oid = relation and c.relkind in ('r', 'p')) then
        execute format('lock table only %s in share update exclusive mode', relation);
    end if;
    for lookup in
        select distinct l.lookup::regclass
        from nl2sql._mask_lookups(relation) as l join pg_class as c on c.oid = l.lookup and c.relkind in ('r', 'p')
    loop
        execute format('lock table only %s in share update exclusive mode', lookup);
    end loop;
end
$plpgsql$;
comment on function nl2sql._hold_table(regclass) is 'keep others from changing a table, and those that its policies read, until the end of the transaction; raises 0A000';

-- API: Private. Who may not do it is told nothing of what there is.
create or replace function nl2sql._revoke_masked_problem(given text, relation regclass, path name[], role text)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when given is null or role is null then nl2sql._problem('22023', 'revoke_masked() takes a table and a role',
            'For example: SELECT nl2sql.revoke_masked(''shop.customers'', ''analyst'').')
        when pg_has_role(k.acting, c.relowner, 'usage') is not true and not pg_has_role(k.acting, 'nl2sql_admin', 'usage')
            then nl2sql._problem('42501', format('you are not the owner of %s', coalesce(
                    case when has_schema_privilege(k.acting, c.relnamespace, 'usage') then relation::text end, given)),
                'Have its owner do it, or an administrator of nl2sql.')
        when nl2sql._relation_problem(given, path) is not null then nl2sql._relation_problem(given, path)
        when nl2sql._role_problem(role) is not null then nl2sql._role_problem(role)
        when not exists (select from nl2sql._mask_view as v where v.relation = _revoke_masked_problem.relation)
            then nl2sql._not_masked_problem(relation, null)
    end
    from (select nl2sql._audit_role() as acting) as k
        left join pg_class as c on c.oid = relation
$sql$;
comment on function nl2sql._revoke_masked_problem(text, regclass, name[], text) is 'why revoke_masked() may not be done: an error; NULL if it may';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._take_masked(masked_view regclass, role oid)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    execute format('revoke all on table %s from %s cascade', masked_view, nl2sql._role_text(role));
end
$plpgsql$;
comment on function nl2sql._take_masked(regclass, oid) is 'take a masked view from a role';

-- API: Public. SECURITY DEFINER: the view and what was noted belong to nl2sql. It takes only, and only for the owner of the table
-- and administrators.
create or replace function nl2sql.revoke_masked(
    "table" text,        -- one with masked columns
    role text,           -- one that reads its masked view; '-': PUBLIC
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    root_id constant regclass := nl2sql._find_relation("table", path);
    reader constant oid := nl2sql._find_role(role);
    problem constant jsonb := nl2sql._revoke_masked_problem("table", root_id, path, role);
    masked_view regclass;
begin
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    perform nl2sql._start_masking();
    masked_view := (select v.masked_view from nl2sql._mask_view as v where v.relation = root_id);
    -- what it had on views of others over the table is for these to take
    delete from nl2sql._mask_taken as t
    where t.root = root_id and t.grantee = reader and t.relation::oid in (select nl2sql._mask_tables(root_id));
    perform nl2sql._take_masked(masked_view, reader);
    perform nl2sql._note_readers(masked_view);
    perform nl2sql._trim_masks();
    perform nl2sql._end_masking('revoke_masked', jsonb_build_object('table', root_id, 'role', nl2sql._role_text(reader)));
end
$plpgsql$;
comment on function nl2sql.revoke_masked(text, text, name[]) is
    'take the masked view of a table from a role, for good: unmask() gives nothing back to it; raises 22023, 42501, 42704, 42P01';

-- API: Public. The same, where the table is at hand as regclass or OID, as in a query of the catalog.
create or replace function nl2sql.revoke_masked("table" regclass, role text)
returns void
language sql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql.revoke_masked("table"::oid::text, role)
$sql$;
comment on function nl2sql.revoke_masked(regclass, text) is 'as nl2sql.revoke_masked() of a name';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._tell_revoke(relation regclass)
returns void
language plpgsql stable strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if exists (select from nl2sql._mask_taken as t where t.root = _tell_revoke.relation) then
        raise warning using
            errcode = '01000',
            message = format('REVOKE on %s does not reach the masked view of it', relation),
            detail = 'Who could read the table before it was masked reads that view, and can read the table again after unmask().',
            hint = format('To take SELECT from a role: SELECT nl2sql.revoke_masked(%L, the role).', relation);
    end if;
end
$plpgsql$;
comment on function nl2sql._tell_revoke(regclass) is 'warn the owner of a masked table that REVOKE alone does not do it';

-- API: Private
create or replace function nl2sql._outer_parent(root oid)
returns table (child regclass, parent regclass)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with tree as materialized (
        select t.oid from nl2sql._mask_tables(root) as t (oid)
    )
    select i.inhrelid::regclass, i.inhparent::regclass
    from tree as t join pg_inherits as i on i.inhrelid = t.oid
    where i.inhparent not in (select k.oid from tree as k)
    limit 1
$sql$;
comment on function nl2sql._outer_parent(oid) is 'a relation through which rows of a table, its partitions or its children are read, and that is none of these; no row if there is none';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._refuse_outer_parents(touched oid[])
returns void
language plpgsql stable strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    found_parent record;
begin
    -- ATTACH names the parent, INHERIT the child: masked tables above both
    with recursive above as (
        select t.oid from unnest(touched) as t (oid)
        union
        select i.inhrelid from pg_inherits as i where i.inhparent = any (touched)
        union
        select i.inhparent from above as k join pg_inherits as i on i.inhrelid = k.oid
    )
    select o.* into found_parent
    from nl2sql._mask_view as v
        join above as k on k.oid = v.relation
        cross join lateral nl2sql._outer_parent(v.relation) as o
    limit 1;
    if found then
        raise exception using
            errcode = '0A000',
            message = format('%s would be read in clear through %s', found_parent.child, found_parent.parent),
            detail = 'Nothing was changed: it has masked columns, or is a partition or child of a table that has.',
            hint = 'unmask() the columns, make it a partition or child, then mask() the columns of the parent.';
    end if;
end
$plpgsql$;
comment on function nl2sql._refuse_outer_parents(oid[]) is 'raises 0A000 if a masked table, or a part of one, became a partition or child of another table';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._forget_held_back()
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    perform nl2sql._forget_values(c.relid, c.attnum)
    from nl2sql._value_column as c
        join nl2sql._held_back(array(select distinct k.relid::oid from nl2sql._value_column as k)) as h
            on h.relid = c.relid and h.attnum = c.attnum;
    delete from nl2sql._known_value as v
    using nl2sql._held_back(array(select k.relid from nl2sql._known_relation as k)) as h
    where v.relid = h.relid and v.attnum = h.attnum;
end
$plpgsql$;
comment on function nl2sql._forget_held_back() is 'drop stored values of masked columns, of partitions and children of their tables, and of views over them';

-- API: Private
create or replace function nl2sql._mask_leftovers(root oid)
returns table (relation oid, role oid, change text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with tree as materialized (
        select t.oid from nl2sql._mask_tables(root) as t (oid)
    ),
    leftover as (
        select c.oid, c.relowner, 'keeps a copy in clear: the materialized view is its own' as change
        from nl2sql._mask_dependents(root) as d (oid) join pg_class as c on c.oid = d.oid and c.relkind = 'm'
        union all
        select t.tgrelid, p.proowner, format('trigger %I keeps seeing each row that is written', t.tgname)
        from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
        where t.tgrelid in (select k.oid from tree as k) and not t.tgisinternal and t.tgparentid = 0
        union all
        select k.conrelid, c.relowner, format('foreign key %I keeps telling whether a value is there', k.conname)
        from pg_constraint as k join pg_class as c on c.oid = k.conrelid
        where k.contype = 'f' and k.confrelid in (select o.oid from tree as o) and k.conparentid = 0
            and exists (
                select from nl2sql._mask as m
                    join pg_attribute as a on a.attrelid = m.relation and a.attnum = m.number
                    join pg_attribute as b on b.attrelid = k.confrelid and b.attname = a.attname
                where m.relation = root and b.attnum = any (k.confkey))
    )
    select l.oid, l.relowner, l.change
    from leftover as l join pg_class as c on c.oid = root
    -- who sees clear text as the owner of the table, or is to see it
    where not pg_has_role(l.relowner, c.relowner, 'usage')
        and not exists (select from nl2sql._mask_clear as k where k.relation = root and k.role = l.relowner and k.named)
$sql$;
comment on function nl2sql._mask_leftovers(oid) is
    'what others than the owner have made of a masked table and keep: materialized views, triggers, foreign keys to masked columns';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._tell_leftovers(root regclass)
returns table (relation regclass, role text, change text)
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    for relation, role, change in
        select l.relation::regclass, nl2sql._role_text(l.role), l.change from nl2sql._mask_leftovers(root) as l order by 1, 3
    loop
        raise warning using
            errcode = '01000',
            message = format('%s, of %s: %s', relation, role, change),
            detail = format('mask() can not take that: it was made while the role could reach %s in clear. It is recorded.', root),
            hint = 'Drop it, if that role is not to see clear text.';
        return next;
    end loop;
end
$plpgsql$;
comment on function nl2sql._tell_leftovers(regclass) is 'warn of what mask() can''t take; returns it';
