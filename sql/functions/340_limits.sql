-- Limits of roles on what nl2sql runs for them.

-- API: Public. SECURITY DEFINER since nobody may write nl2sql.role_limit otherwise.
create or replace function nl2sql.set_limit(
    role text,                           -- whom it limits; who inherits its rights is limited, too
    max_cost bigint default null,        -- as the settings of these names; NULL: as they say
    max_plan_rows bigint default null,
    max_rows int default null,
    max_seconds int default null
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    lowest constant bigint := least(max_cost, max_plan_rows, max_rows, max_seconds);
    limited constant regrole := nullif(nl2sql._find_role(role), 0);
begin
    if limited is null then
        raise exception using
            errcode = '42704', message = 'there is no such role', detail = 'Nothing was changed.',
            hint = 'Pass a role''s name: nl2sql.set_limit(''analyst'', max_cost => 100000).';
    elsif lowest is null or lowest < 1 then
        raise exception using
            errcode = '22023', message = 'a limit is a whole number from 1, and one is needed', detail = 'Nothing was changed.',
            hint = 'nl2sql.drop_limit() takes the limits of a role away.';
    end if;
    delete from nl2sql.role_limit as l where not exists (select from pg_roles as r where r.oid = l.role);
    insert into nl2sql.role_limit as l (role, max_cost, max_plan_rows, max_rows, max_seconds)
    values (limited, set_limit.max_cost, set_limit.max_plan_rows, set_limit.max_rows, set_limit.max_seconds)
    on conflict on constraint role_limit_pkey do update set
        max_cost = excluded.max_cost, max_plan_rows = excluded.max_plan_rows, max_rows = excluded.max_rows,
        max_seconds = excluded.max_seconds, changed_at = clock_timestamp(), changed_by = session_user;
    perform nl2sql._audit_note('set_limit', jsonb_build_object('limited', limited::text, 'max_cost', max_cost,
        'max_plan_rows', max_plan_rows, 'max_rows', max_rows, 'max_seconds', max_seconds));
end
$plpgsql$;
comment on function nl2sql.set_limit(text, bigint, bigint, int, int) is
    'limit what nl2sql runs for a role; replaces its limits before; raises 22023, 42704';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql.role_limit otherwise.
create or replace function nl2sql.drop_limit(
    role text  -- as of nl2sql.set_limit()
)
returns boolean
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    limited constant regrole := nl2sql._find_role(role);
begin
    delete from nl2sql.role_limit as l where l.role = limited;
    if found then
        perform nl2sql._audit_note('drop_limit', jsonb_build_object('limited', limited::text));
    end if;
    return found;
end
$plpgsql$;
comment on function nl2sql.drop_limit(text) is 'take the limits of a role away; false if it had none';

-- API: Public
create or replace view nl2sql.limits with (security_barrier) as
select r.rolname as role, l.max_cost, l.max_plan_rows, l.max_rows, l.max_seconds, l.changed_at, l.changed_by
from nl2sql.role_limit as l
    join pg_catalog.pg_roles as r on r.oid operator(pg_catalog.=) l.role;
comment on view nl2sql.limits is 'limits of roles on what nl2sql runs for them; NULL: as the setting of this name says';
