-- What functions and triggers that change something call, so that it is on record.

-- API: Private. The role somebody acts as, seen from inside SECURITY DEFINER: what SET ROLE said, else the login.
create or replace function nl2sql._audit_role()
returns name
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(nullif(nullif(current_setting('role', true), ''), 'none'), session_user)::name
$sql$;
comment on function nl2sql._audit_role() is 'the role that the session acts as, whatever function it is in';

-- API: Private
create or replace function nl2sql._audit_microseconds(moment timestamptz)
returns bigint
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select (extract(epoch from moment) * 1000000)::bigint
$sql$;
comment on function nl2sql._audit_microseconds(timestamptz) is 'whole microseconds since 1970, whatever the session''s time zone';

-- API: Private. Walks the memberships upwards: for a superuser pg_has_role() would say yes to all there are.
create or replace function nl2sql._audit_member_of(member name)
returns jsonb
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with recursive above (id) as (
        select m.roleid from pg_auth_members as m where m.member = (select r.oid from pg_roles as r where r.rolname = $1)
        union
        select m.roleid from above as a join pg_auth_members as m on m.member = a.id
    )
    select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]')
    from above as a join pg_roles as r on r.oid = a.id
$sql$;
comment on function nl2sql._audit_member_of(name) is 'roles that a role is a member of, directly or not, as a list';

-- API: Private
create or replace function nl2sql._audit_session(acting name)
returns jsonb
language sql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select jsonb_build_object(
        'id', gen_random_uuid(),
        'at', nl2sql._audit_microseconds(clock_timestamp()),
        'session_user', session_user,
        'role', acting,
        'member_of', nl2sql._audit_member_of(acting),
        'client_addr', host(inet_client_addr()),
        'application_name', current_setting('application_name'),
        'pid', pg_backend_pid(),
        'backend_start', (
            select nl2sql._audit_microseconds(a.backend_start)
            from pg_stat_get_activity(pg_backend_pid()) as a),
        'in_recovery', pg_is_in_recovery())
$sql$;
comment on function nl2sql._audit_session(name) is 'fields of an audit record that tell who acts, from where and when';

-- API: Private. SECURITY DEFINER: nobody may write the outbox otherwise. Granted to nobody: only functions of the extension note.
-- Fields of a record among the details stand by themselves; all else is kept as the text of one object.
create or replace function nl2sql._audit_note(action text, details jsonb)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    given constant jsonb := coalesce(details, '{}');
    own constant jsonb := coalesce(
        (select jsonb_object_agg(d.key, d.value) from jsonb_each(given) as d
            where d.key in ('question', 'sql', 'verdict', 'rule') and jsonb_typeof(d.value) = 'string'
                or d.key in ('tables', 'columns', 'masks') and jsonb_typeof(d.value) = 'array'
                    and not jsonb_path_exists(d.value, '$[*] ? (@.type() != "string")')),
        '{}');
    others constant jsonb := given - array(select jsonb_object_keys(own));
    record jsonb := nl2sql._audit_session(nl2sql._audit_role()) || jsonb_build_object('event', 'event', 'action', action) || own;
begin
    if others <> '{}' then
        record := record || jsonb_build_object('details', others::text);
    end if;
    insert into nl2sql._audit_outbox (id, record) values ((record ->> 'id')::uuid, record);
end
$plpgsql$;
comment on function nl2sql._audit_note(text, jsonb) is 'put an action with its arguments on record, in the transaction of the action';
