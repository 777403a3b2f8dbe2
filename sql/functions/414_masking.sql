-- Masking policies, for administrators: mask a column, show who sees what, undo it.

-- API: Private
create or replace function nl2sql._mask_table_problem(relation oid)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when c.oid is null then nl2sql._problem('42P01', 'there is no such table', 'Name a table that is there.')
        when exists (select from nl2sql._mask_view as v where v.masked_view = c.oid)
            then nl2sql._problem('42809', format('%s is a masked view itself', c.oid::regclass),
                'Mask columns of the table that it stands for.')
        when c.relkind = 'v' then nl2sql._problem('42809', format('%s is a view', c.oid::regclass),
            'Mask the columns of the tables behind it, and let it read their masked views.')
        when c.relkind not in ('r', 'p', 'm', 'f') or c.relpersistence = 't'
            then nl2sql._problem('42809', format('columns of %s can not be masked', c.oid::regclass),
                'Name a table, partitioned table, materialized view or foreign table.')
        when not nl2sql._is_user_schema(c.relnamespace) or not nl2sql._is_user_relation(c) and not c.relispartition
            then nl2sql._problem('42809', format('%s belongs to the system or to an extension', c.oid::regclass),
                'Name a table of your own.')
        when exists (select from pg_inherits as i where i.inhrelid = c.oid)
            then nl2sql._problem('42809', format('%s is a partition, or inherits from another table', c.oid::regclass),
                'Mask the column of its parent: rows are read through that, too.')
        when o.parent is not null
            then nl2sql._problem('0A000', format('a partition or child of %s is read through %s, too', c.oid::regclass, o.parent),
                'Let it inherit from one of the two only.')
    end
    from (values (1)) as one (row)
        left join pg_class as c on c.oid = relation
        left join lateral nl2sql._outer_parent(c.oid) as o on true
$sql$;
comment on function nl2sql._mask_table_problem(oid) is 'why columns of a relation can not be masked: an error; NULL if they can';

-- API: Private
create or replace function nl2sql._masker_problem()
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- before PostgreSQL 16 whoever has CREATEROLE may grant himself a role, let it log in, or take its name away and give it to one
    -- of his own, which then has no BYPASSRLS; no event trigger tells of that
    select jsonb_build_object(
        'sqlstate', '42501',
        'message', format('the role nl2sql_masker %s', coalesce('has members: ' || m.names,
            case when r.rolcanlogin then 'may log in' else 'is not the one that nl2sql made' end)),
        'detail', 'Nothing was changed: whoever has that role reads every masked column in clear.',
        'hint', 'Take it from them: REVOKE, ALTER ROLE … NOLOGIN, or the name back; and CREATEROLE from who did it. Then mask.')
    from (values ('nl2sql_masker')) as k (name)
        left join pg_roles as r on r.rolname = k.name
        cross join lateral (
            select string_agg(distinct a.member::regrole::text, ', ' order by a.member::regrole::text)
            from pg_auth_members as a where a.roleid = r.oid) as m (names)
    where m.names is not null or (r.rolbypassrls and not r.rolcanlogin) is not true
$sql$;
comment on function nl2sql._masker_problem() is 'why nothing may be masked at all: somebody has the role that reads it, or has made another of its name; NULL if nobody has';

-- API: Private
create or replace function nl2sql._mask_takes(mask name)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select string_agg(distinct case p.proargtypes[0]
            when 'text'::regtype then 'text (text, varchar, char)'
            when 'numeric'::regtype then 'numbers (smallint to numeric, real, double precision)'
            when 'date'::regtype then 'date and timestamp'
            when 'anyelement'::regtype then 'any type'
            else format_type(p.proargtypes[0], null)
        end, ', ')
    from pg_proc as p
    where p.pronamespace = 'nl2sql'::regnamespace and p.proname = mask and p.proname ~ '^mask_[a-z]+$'
$sql$;
comment on function nl2sql._mask_takes(name) is 'the types that a mask function takes, in words; NULL if there is no such mask';

-- API: Private
create or replace function nl2sql._mask_names()
returns text
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select string_agg(distinct substr(p.proname, 6), ', ' order by substr(p.proname, 6))
    from pg_proc as p
    where p.pronamespace = 'nl2sql'::regnamespace and p.proname ~ '^mask_[a-z]+$' and p.pronargs > 0
$sql$;
comment on function nl2sql._mask_names() is 'the maskings there are, without their arguments';

-- API: Private
create or replace function nl2sql._mask_column_problem(relation oid, column_name name, masking text)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when a.attnum is null then nl2sql._problem('42703', format('%s has no column %s', c.oid::regclass, quote_ident(column_name)),
            'Name a column of this table.')
        when m.mask is null then nl2sql._problem('22023', format('%L is no masking', left(masking, 80)),
            format('For example: email, or partial(2, 4, ''*''). There are: %s.', nl2sql._mask_names()),
            'Nothing was changed: a masking is a name, with literals in parentheses where it takes some; no expression, no other function.')
        when nl2sql._mask_takes(m.mask) is null
            then nl2sql._problem('22023', format('there is no masking %s', quote_ident(substr(m.mask, 6))),
                format('There are: %s.', nl2sql._mask_names()), 'Nothing was changed: only functions nl2sql.mask_… are taken.')
        when not exists (select from nl2sql._mask_functions(m.mask, m.arguments))
            then nl2sql._problem('22023', format('the masking %s does not take these arguments', quote_ident(substr(m.mask, 6))),
                format('See docs/masking.md for the arguments of mask_%s().', substr(m.mask, 6)))
        when nl2sql._mask_expression(c.oid, a.attnum, masking) is null
            then nl2sql._problem('42804',
                format('the masking %s does not fit column %s of type %s', substr(m.mask, 6), quote_ident(a.attname), format_type(a.atttypid, a.atttypmod)),
                'The masking null fits every type.', format('Nothing was changed: it takes %s.', nl2sql._mask_takes(m.mask)))
        when g.name is not null
            then nl2sql._problem('0A000',
                format('column %s of %s is generated from column %s', quote_ident(g.name), c.oid::regclass, quote_ident(a.attname)),
                'Mask the generated column first.', 'Nothing was changed: that column would still show it.')
    end
    from pg_class as c
        left join pg_attribute as a
            on a.attrelid = c.oid and a.attname = _mask_column_problem.column_name and a.attnum > 0 and not a.attisdropped
        left join nl2sql._masking_parts(masking) as m on true
        left join lateral (select f.name from nl2sql._generated_from(c.oid, a.attnum) as f limit 1) as g on true
    where c.oid = relation
$sql$;
comment on function nl2sql._mask_column_problem(oid, name, text) is 'why a column can not be masked so: an error; NULL if it can';

-- API: Private
create or replace function nl2sql._generated_from(relation oid, number int2)
returns table (name name)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select a.attname
    from pg_depend as d
        join pg_attrdef as f on f.oid = d.objid
        join pg_attribute as a on a.attrelid = f.adrelid and a.attnum = f.adnum and a.attgenerated <> ''
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid = _generated_from.relation and d.refobjsubid = _generated_from.number
        and f.adrelid = _generated_from.relation and a.attnum <> _generated_from.number
        and not exists (select from nl2sql._mask as m where m.relation = f.adrelid and m.number = a.attnum)
    union all
    -- the other way round: before PostgreSQL 16 the dependency is of the column itself
    select a.attname
    from pg_depend as d
        join pg_attribute as a on a.attrelid = d.objid and a.attnum = d.objsubid and a.attgenerated <> ''
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.objid = d.refobjid
        and d.refobjid = _generated_from.relation and d.refobjsubid = _generated_from.number
        and not exists (select from nl2sql._mask as m where m.relation = a.attrelid and m.number = a.attnum)
$sql$;
comment on function nl2sql._generated_from(oid, int2) is 'generated columns, not masked, that are made from a column';

-- API: Private
create or replace function nl2sql._try_mask(masking text)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    tried record;
    given_value text;
begin
    -- its literals may be wrong in a way that only the function knows; tried on a constant, never on a row
    select p.proname, p.proargtypes[0] as takes, f.arguments into tried
    from nl2sql._masking_parts(masking) as m
        cross join nl2sql._mask_functions(m.mask, m.arguments) as f
        join pg_proc as p on p.oid = f.function_id
    where p.proargtypes[0] <> all ('{anyelement, anycompatible, anynonarray}'::regtype[])
    limit 1;
    if not found then
        return;
    end if;
    given_value := case
        when tried.takes = 'text'::regtype then 'text'
        when tried.takes in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) then '2000-01-31'
        else '1'
    end;
    begin
        execute format('select nl2sql.%I(%L::%s%s)', tried.proname, given_value, format_type(tried.takes, null), tried.arguments);
    exception when others then
        raise exception using
            errcode = '22023',
            message = format('%s is no masking: %s', left(masking, 80), sqlerrm),
            detail = 'Nothing was changed.',
            hint = 'See docs/masking.md for what the masking takes.';
    end;
end
$plpgsql$;
comment on function nl2sql._try_mask(text) is 'raises 22023 if a mask function refuses its literals';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._start_masking()
returns void
language sql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    -- one after the other: each takes and gives rights on what others may work on
    lock table nl2sql._mask in share row exclusive mode;
    insert into nl2sql._mask_busy (pid) values (pg_backend_pid()) on conflict do nothing;
$sql$;
comment on function nl2sql._start_masking() is 'wait for other changes of masked views, and have this session''s own DDL not followed';

-- API: Private. As above.
create or replace function nl2sql._end_masking(action text, details jsonb)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    delete from nl2sql._mask_busy as b where b.pid = pg_backend_pid();
    perform nl2sql._audit_note(action, details);
end
$plpgsql$;
comment on function nl2sql._end_masking(text, jsonb) is 'record what was done to masked views, and follow DDL again';

-- API: Private
create or replace function nl2sql._taken_report(taken nl2sql._mask_taken, masked_view regclass)
returns text
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select format('%s%s taken', taken.privilege, case when taken.column_name <> '' then format(' (%I)', taken.column_name) end)
        || case when taken.privilege = 'SELECT' and taken.relation = taken.root then format('; %s given', masked_view) else '' end
$sql$;
comment on function nl2sql._taken_report(nl2sql._mask_taken, regclass) is 'what happened to one right, in words';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._mask(relation regclass, column_number int2, masking text)
returns table (changed_relation regclass, role text, change text)
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
#variable_conflict use_column
declare
    masked_view regclass;
    taken nl2sql._mask_taken;
    report jsonb := '[]';
    column_name name := (select a.attname from pg_attribute as a where a.attrelid = _mask.relation and a.attnum = column_number);
begin
    insert into nl2sql._mask as m (relation, column_name, masking)
    values (_mask.relation, column_name, _mask.masking)
    on conflict on constraint _mask_pkey do update
        set masking = excluded.masking, masked_at = clock_timestamp(), masked_by = session_user;
    masked_view := nl2sql._build_mask_view(_mask.relation, column_number);
    for taken in select * from nl2sql._take_rights(_mask.relation) loop
        changed_relation := taken.relation;
        role := nl2sql._role_text(taken.grantee);
        change := nl2sql._taken_report(taken, masked_view);
        report := report || jsonb_build_array(format('%s: %s: %s', changed_relation, role, change));
        return next;
    end loop;
    for changed_relation, role, change in select l.* from nl2sql._tell_leftovers(_mask.relation) as l loop
        report := report || jsonb_build_array(format('%s: %s: %s', changed_relation, role, change));
        return next;
    end loop;
    perform nl2sql._give_masked(_mask.relation, null);
    perform nl2sql._trim_masks();
    perform nl2sql._forget_values(_mask.relation, column_number);
    perform nl2sql._forget_held_back();
    insert into nl2sql._index_queue (relid) values (_mask.relation), (masked_view);
    perform nl2sql._end_masking('mask', jsonb_build_object(
        'table', _mask.relation, 'column', column_name, 'masking', _mask.masking, 'view', masked_view, 'rights', report));
end
$plpgsql$;
comment on function nl2sql._mask(regclass, int2, text) is 'mask a column that may be masked so; returns the rights that changed';

-- API: Public. SECURITY DEFINER: who manages policies neither owns the tables nor may read them. Every argument is checked, and
-- the text of the view is made of catalog names, literals and the server's own text of row security policies.
create or replace function nl2sql.mask(
    "table" regclass,    -- a table, partitioned table, materialized view or foreign table
    "column" name,       -- a column of it
    masking text         -- email, partial(2, 4, '*'), …: a mask function without mask_, its further arguments as literals
)
returns table (relation regclass, role text, change text)
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    column_number int2;
begin
    if "table" is null or "column" is null or masking is null then
        raise exception using
            errcode = '22023',
            message = 'mask() takes a table, a column and a masking',
            detail = 'Nothing was changed.',
            hint = 'For example: SELECT * FROM nl2sql.mask(''shop.customers'', ''email'', ''email'').';
    end if;
    perform nl2sql._hold_table("table");
    perform nl2sql._start_masking();
    perform nl2sql._raise_error(nl2sql._masker_problem());
    perform nl2sql._raise_error(nl2sql._mask_table_problem("table"));
    perform nl2sql._raise_error(nl2sql._mask_column_problem("table", "column", masking));
    perform nl2sql._raise_error(nl2sql._own_reading_problem("table", "column"));
    column_number := (nl2sql._number_list("table", array["column"]))[1];
    perform nl2sql._try_mask(masking);
    return query select m.* from nl2sql._mask("table", column_number, masking) as m;
end
$plpgsql$;
comment on function nl2sql.mask(regclass, name, text) is
    'show a column masked to all but its owner and the roles named with show_clear(); returns the rights it changed; raises 22023, 42501, 42703, 42804, 42809, 42P06, 42P07, 55006, 0A000';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._raise_not_masked(relation regclass, column_name name)
returns void
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    raise exception using
        errcode = '42704',
        message = concat_ws(' ', coalesce('column ' || quote_ident(column_name) || ' of', 'table'), coalesce(relation::text, '(null)'), 'is not masked'),
        detail = 'Nothing was changed.',
        hint = 'SELECT * FROM nl2sql.masking_policy lists what is masked.';
end
$plpgsql$;
comment on function nl2sql._raise_not_masked(regclass, name) is 'raises 42704';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._drop_mask_view(masked_view regclass)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- without CASCADE: what others built on the masked view is theirs to move
    if exists (select from pg_class as c where c.oid = masked_view) then
        execute format('drop view %s', masked_view);
    end if;
end
$plpgsql$;
comment on function nl2sql._drop_mask_view(regclass) is 'drop a masked view, if it is there; raises 2BP01';

-- API: Public. SECURITY DEFINER as mask().
create or replace function nl2sql.unmask(
    "table" regclass,
    "column" name
)
returns table (relation regclass, role text, change text)
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    masked_view regclass;
    taken nl2sql._mask_taken;
begin
    perform nl2sql._hold_table("table");
    perform nl2sql._start_masking();
    perform nl2sql._raise_error(nl2sql._own_reading_problem("table", "column"));
    delete from nl2sql._mask as m where m.relation = "table" and m.column_name = "column";
    if not found then
        perform nl2sql._raise_not_masked("table", "column");
    end if;
    perform nl2sql._raise_error(nl2sql._generated_problem("table", "column"));
    if exists (select from nl2sql._mask as m where m.relation = "table") then
        masked_view := nl2sql._build_mask_view("table", null);
    else
        masked_view := (select v.masked_view from nl2sql._mask_view as v where v.relation = "table");
        perform nl2sql._drop_mask_view(masked_view);
        delete from nl2sql._mask_view as v where v.relation = "table";
        for taken in select * from nl2sql._return_rights("table", null) loop
            relation := taken.relation;
            role := nl2sql._role_text(taken.grantee);
            change := format('%s%s given back', taken.privilege, case when taken.column_name <> '' then format(' (%I)', taken.column_name) end);
            return next;
        end loop;
        delete from nl2sql._mask_clear as k where k.relation = "table";
    end if;
    perform nl2sql._trim_masker();
    perform nl2sql._trim_masks();
    insert into nl2sql._index_queue (relid) values ("table");
    perform nl2sql._end_masking('unmask', jsonb_build_object('table', "table", 'column', "column"));
end
$plpgsql$;
comment on function nl2sql.unmask(regclass, name) is
    'show a column in clear again; with the last one the masked view goes and rights are given back; returns these; raises 42501, 42704, 0A000, 2BP01';

-- API: Public. SECURITY DEFINER as mask().
create or replace function nl2sql.show_column(
    "table" regclass,    -- a table with masked columns
    "column" name        -- one that it got later
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
declare
    column_number int2;
    source name;
begin
    perform nl2sql._hold_table("table");
    perform nl2sql._start_masking();
    column_number := (nl2sql._number_list("table", array["column"]))[1];
    source := (
        select m.column_name from nl2sql._mask as m
        where m.relation = "table" and column_number is not null
            and exists (
                select from pg_attribute as a
                where a.attrelid = "table" and a.attnum = column_number and a.attgenerated <> '')
            and "column" in (select g.name from nl2sql._generated_from("table", m.number) as g)
        limit 1);
    if not exists (select from nl2sql._mask_view as v where v.relation = "table") then
        perform nl2sql._raise_not_masked("table", null);
    elsif column_number is null or source is not null then
        raise exception using
            errcode = case when source is null then '42703' else '0A000' end,
            message = case
                when source is null then format('%s has no column %s', "table", coalesce(quote_ident("column"), '(null)'))
                else format('column %I of %s is generated from the masked column %I', "column", "table", source)
            end,
            detail = 'Nothing was changed.',
            hint = case when source is null then 'Name a column of this table.' else 'Mask it with nl2sql.mask() instead.' end;
    end if;
    perform nl2sql._build_mask_view("table", column_number);
    insert into nl2sql._index_queue (relid) select v.masked_view from nl2sql._mask_view as v where v.relation = "table";
    perform nl2sql._end_masking('show_column', jsonb_build_object('table', "table", 'column', "column"));
end
$plpgsql$;
comment on function nl2sql.show_column(regclass, name) is
    'show a column that a masked table got later in its masked view, as it is; raises 42703, 42704, 0A000';

-- API: Private
create or replace function nl2sql._show_clear_problem(relation oid, role oid, clear boolean)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Managing policies must not be a way to read: nobody opens a table to himself, or to who could not read it anyway.
    select case
        when relation is null or role is null or role = 0 or clear is null
            then nl2sql._problem('22023', 'show_clear() takes a table and a role',
                'For example: SELECT nl2sql.show_clear(''shop.customers'', ''fraud_desk'').')
        when clear and pg_has_role(session_user, role, 'member')
                and not (select r.rolsuper from pg_roles as r where r.rolname = session_user)
            then nl2sql._problem('42501', format('you have the role %s yourself', role::regrole),
                'Have somebody else do it who is no member of that role.')
        when clear and not exists (
                select from nl2sql._mask_taken as t
                where t.root = _show_clear_problem.relation and t.grantee = _show_clear_problem.role and t.privilege = 'SELECT')
            and not exists (
                select from nl2sql._mask_opened(relation) as o
                where o.relation = _show_clear_problem.relation and o.grantee = role and o.privilege = 'SELECT')
            then nl2sql._problem('42501', format('%s could not read %s before it was masked', role::regrole, relation::regclass),
                'Its owner grants that: GRANT SELECT ON the table TO the role; it is recorded.')
    end
$sql$;
comment on function nl2sql._show_clear_problem(oid, oid, boolean) is 'why show_clear() may not be done: an error; NULL if it may';

-- API: Public. SECURITY DEFINER as mask().
create or replace function nl2sql.show_clear(
    "table" regclass,              -- masked, or to be masked
    role regrole,                  -- one that could read it before
    clear boolean default true     -- false: it sees masked values from now on
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
as $plpgsql$
begin
    perform nl2sql._start_masking();
    perform nl2sql._raise_error(nl2sql._show_clear_problem("table", role, clear));
    if clear then
        insert into nl2sql._mask_clear as k (relation, role, named) values ("table", show_clear.role, true)
        on conflict on constraint _mask_clear_pkey do update set named = true;
        perform nl2sql._return_rights("table", show_clear.role);
    else
        delete from nl2sql._mask_clear as k where k.relation = "table" and k.role = show_clear.role;
        if exists (select from nl2sql._mask as m where m.relation = "table") then
            perform nl2sql._take_rights("table");
            perform nl2sql._give_masked("table", show_clear.role);
        end if;
    end if;
    perform nl2sql._end_masking('show_clear', jsonb_build_object('table', "table", 'role', show_clear.role, 'clear', clear));
end
$plpgsql$;
comment on function nl2sql.show_clear(regclass, regrole, boolean) is
    'let a role that could read a table see its masked columns in clear, or no longer; raises 22023, 42501';

-- API: Public
create or replace view nl2sql.masking_policy with (security_barrier) as
select
    n.nspname as schema_name,
    c.relname as table_name,
    a.attname as column_name,
    m.masking,
    v.masked_view,
    m.masking is not null and k.oid is not null as in_force,
    case when m.masking is not null then (
        select coalesce(pg_catalog.array_agg(r.rolname order by r.rolname), '{}')
        from pg_catalog.pg_roles as r
        where (pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'select') or exists (
                select from pg_catalog.unnest(h.roles) as o (role) where pg_catalog.pg_has_role(r.oid, o.role, 'usage')))
            and r.rolname operator(pg_catalog.<>) 'nl2sql_masker'
    ) end as clear_text_roles,
    m.masked_at,
    m.masked_by
from nl2sql._mask_view as v
    join pg_catalog.pg_class as c on c.oid operator(pg_catalog.=) v.relation
    join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
    join pg_catalog.pg_attribute as a
        on a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.>) 0::int2 and not a.attisdropped
    left join pg_catalog.pg_class as k on k.oid operator(pg_catalog.=) v.masked_view
    left join nl2sql._mask as m on m.relation operator(pg_catalog.=) c.oid and m.number operator(pg_catalog.=) a.attnum
    -- they have a copy, whatever they may read
    cross join lateral nl2sql._mask_keepers(c.oid) as h (roles)
where m.masking is not null or a.attnum operator(pg_catalog.<>) all (v.numbers);
comment on view nl2sql.masking_policy is
    'masked columns, the view that shows them, and every role that sees them in clear; masking NULL: a column that came later and is not shown';
