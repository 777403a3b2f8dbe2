-- What administrators of masking policies may not do, so that managing them is no way to read.

-- API: Private
create or replace function nl2sql._own_reading_problem(relation oid, column_name name)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Who reads the masked view would read what a weaker mask shows, or one part after the other of each value. Nobody
    -- loses anything who sees the column in clear.
    select jsonb_build_object('sqlstate', '42501',
        'message', format('you are a reader of the masked column %I of %s', m.column_name, m.relation),
        'detail', 'Nothing was changed: whoever reads a masked view can not change its masks, PUBLIC included.',
        'hint', 'Have a superuser do it, or an administrator who is no reader of the masked view.')
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
    select jsonb_build_object('sqlstate', '0A000',
        'message', format('column %I of %s is generated from the masked column %I', _generated_problem.column_name, m.relation, m.column_name),
        'detail', 'Nothing was changed: it would show that column.',
        'hint', 'Unmask that column first.')
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
            errcode = '25001',
            message = format('masked views can not be changed in a transaction of isolation level %s', current_setting('transaction_isolation')),
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
comment on function nl2sql._hold_table(regclass) is 'keep others from changing a table, and those that its policies read, until the end of the transaction; raises 25001';
