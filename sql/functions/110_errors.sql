-- Errors in four fields on their way to who asked: as objects {sqlstate, message, detail, hint}, and in envelopes {ok} or {error}.

-- API: Private
create or replace function nl2sql._problem(sqlstate text, message text, hint text, detail text default 'Nothing was changed.')
returns jsonb
language sql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select jsonb_build_object('sqlstate', sqlstate, 'message', message, 'detail', detail, 'hint', hint)
$sql$;
comment on function nl2sql._problem(text, text, text, text) is 'an error as nl2sql._raise_error() takes it';

-- API: Private
create or replace function nl2sql._raise_error(error jsonb)
returns void
language plpgsql volatile called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if error is null or error = 'null' then
        return;
    elsif error ->> 'hint' is null then
        -- the server's own words, such as a cancel: passed on as they are
        raise exception using errcode = error ->> 'sqlstate', message = error ->> 'message';
    end if;
    raise exception using
        errcode = error ->> 'sqlstate',
        message = error ->> 'message',
        detail = error ->> 'detail',
        hint = error ->> 'hint';
end
$plpgsql$;
comment on function nl2sql._raise_error(jsonb) is 'raise an error envelope {sqlstate, message, detail, hint}; does nothing on NULL';

-- API: Private
create or replace function nl2sql._ok(envelope jsonb, warn boolean default false)
returns jsonb
language plpgsql volatile called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    warning text;
    error constant jsonb := nullif(envelope -> 'error', 'null');
begin
    -- as nl2sql._raise_error(), in this frame: each one is a line of CONTEXT at the client
    if error is not null and error ->> 'hint' is null then
        raise exception using errcode = error ->> 'sqlstate', message = error ->> 'message';
    elsif error is not null then
        raise exception using
            errcode = error ->> 'sqlstate', message = error ->> 'message', detail = error ->> 'detail', hint = error ->> 'hint';
    end if;
    if warn then
        for warning in select value from jsonb_array_elements_text(envelope #> '{ok, warnings}') loop
            raise warning using message = warning;
        end loop;
    end if;
    return envelope -> 'ok';
end
$plpgsql$;
comment on function nl2sql._ok(jsonb, boolean) is 'what is in an envelope {ok} or {error}: raises the error, and its warnings where that is wanted';
