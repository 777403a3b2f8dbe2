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

-- API: Private. For SECURITY DEFINER functions that answer by a role's name: only what the role in force may read anyway is told,
-- and nothing beyond what the login could be, whatever has come to bear the name that SET ROLE was given.
create or replace function nl2sql._acts_for(reader name)
returns boolean
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select pg_has_role(session_user, reader, 'member') and exists (
        select from pg_roles as r where r.rolname = nl2sql._audit_role() and pg_has_role(r.oid, reader, 'usage'))
$sql$;
comment on function nl2sql._acts_for(name) is 'whether the role that the session acts as has the rights of a role';

-- API: Private
create or replace function nl2sql._audit_microseconds(moment timestamptz)
returns bigint
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select (extract(epoch from moment) * 1000000)::bigint
$sql$;
comment on function nl2sql._audit_microseconds(timestamptz) is 'whole microseconds since 1970, whatever the session''s time zone';

-- API: Private. Walks the memberships upwards: for a superuser pg_has_role() would say yes to all there are. plpgsql keeps the
-- plan for the next record of the session.
create or replace function nl2sql._audit_member_of(member name)
returns jsonb
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return (
        with recursive above (id) as (
            select m.roleid from pg_auth_members as m
            where m.member = (select r.oid from pg_roles as r where r.rolname = _audit_member_of.member)
            union
            select m.roleid from above as a join pg_auth_members as m on m.member = a.id
        )
        select coalesce(jsonb_agg(r.rolname order by r.rolname), '[]')
        from above as a join pg_roles as r on r.oid = a.id);
end
$plpgsql$;
comment on function nl2sql._audit_member_of(name) is 'roles that a role is a member of, directly or not, as a list';

-- API: Private. plpgsql for the same reason.
create or replace function nl2sql._audit_session(acting name)
returns jsonb
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return jsonb_build_object(
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
        'in_recovery', pg_is_in_recovery());
end
$plpgsql$;
comment on function nl2sql._audit_session(name) is 'fields of an audit record that tell who acts, from where and when';

-- API: Private. Users bring in what they like by way of feedback: a record has its bounds before it is stored, not only where
-- the sidecar takes it up. Numbers and truth values are small.
create or replace function nl2sql._audit_cut(field jsonb)
returns jsonb
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case jsonb_typeof(field)
        when 'string' then case
            when length(field #>> '{}') > 32768 then to_jsonb(left(field #>> '{}', 32765) || '...')
            else field end
        when 'array' then (
            select coalesce(jsonb_agg(to_jsonb(case
                when x.place = 1000 then '...'
                when length(x.item) > 300 then left(x.item, 297) || '...'
                else x.item end) order by x.place), '[]')
            from jsonb_array_elements_text(field) with ordinality as x (item, place) where x.place <= 1000)
        else field end
$sql$;
comment on function nl2sql._audit_cut(jsonb) is 'a text, or a list of texts, within the bounds of a record';

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
        (select jsonb_object_agg(d.key, nl2sql._audit_cut(d.value)) from jsonb_each(given) as d
            where d.key in ('question', 'sql', 'verdict', 'rule') and jsonb_typeof(d.value) = 'string'
                or d.key in ('tables', 'columns', 'masks') and jsonb_typeof(d.value) = 'array'
                    and not jsonb_path_exists(d.value, '$[*] ? (@.type() != "string")')),
        '{}');
    others constant jsonb := given - array(select jsonb_object_keys(own));
    record jsonb := nl2sql._audit_session(nl2sql._audit_role()) || jsonb_build_object('event', 'event', 'action', action) || own;
begin
    if others <> '{}' then
        record := record || jsonb_build_object('details', nl2sql._audit_cut(to_jsonb(others::text)));
    end if;
    insert into nl2sql._audit_outbox (id, record) values ((record ->> 'id')::uuid, record);
end
$plpgsql$;
comment on function nl2sql._audit_note(text, jsonb) is 'put an action with its arguments on record, in the transaction of the action';
