-- The front door. These few functions see the caller's search_path, so they pin none; every name in them is qualified.

-- API: Private. In a read-only state of its own: nothing that a question leads to can write.
create or replace function nl2sql._ask(question text, options jsonb, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.ask(plpy, question, options, caller)
$python$;
comment on function nl2sql._ask(text, jsonb, jsonb) is 'answer a question: an envelope {ok: answer} or {error}';

-- API: Private
create or replace function nl2sql._caller()
returns jsonb
language sql stable called on null input security invoker parallel safe
as $sql$
    select pg_catalog.jsonb_build_object('schemas', pg_catalog.current_schemas(false))
$sql$;
comment on function nl2sql._caller() is 'the schemas of the caller''s search path, as it is before any function pins its own';

-- API: Public. An expression that the planner puts into the query: errors have no line of CONTEXT for it.
create or replace function nl2sql.ask(
    question text,               -- in English or Chinese
    options jsonb default '{}'   -- {"candidates": 1..16, "max_tokens": n, "scope": "search_path"|"database", "timeout": "10s"}
)
returns jsonb
language sql volatile called on null input security invoker parallel unsafe
begin atomic
    select nl2sql._ok(nl2sql._ask(question, options, nl2sql._caller()));
end;
comment on function nl2sql.ask(text, jsonb) is
    'one verified SELECT with sql, model, tables, confidence (0..1), candidates, timings (ms), request_id, warnings; never executed; errors NL0xx to NL5xx';

-- API: Public. The doorman: the only function PUBLIC may execute, so that it can say what is missing.
create or replace function @extschema@.nl2sql(
    question text  -- in English or Chinese
)
returns text
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    answer jsonb;
    warning text;
begin
    if not (pg_catalog.has_schema_privilege('nl2sql', 'usage')
            and pg_catalog.has_function_privilege('nl2sql.ask(text, jsonb)', 'execute')) then
        raise exception using
            errcode = '42501',
            message = pg_catalog.format('permission denied for nl2sql: role %I may not ask questions', current_user),
            detail = 'The question was not looked at.',
            hint = pg_catalog.format('Ask an administrator for GRANT nl2sql_user TO %I.', current_user);
    end if;
    answer := nl2sql.ask(question, '{}');
    -- a client that shows only the statement still hears that it is not sure
    for warning in
        select w.value
        from pg_catalog.jsonb_array_elements_text(answer OPERATOR(pg_catalog.->) 'warnings') as w
        where pg_catalog.starts_with(w.value, 'NL407')
    loop
        raise warning using message = warning;
    end loop;
    return answer OPERATOR(pg_catalog.->>) 'sql';
end
$plpgsql$;
comment on function @extschema@.nl2sql(text) is
    'a question in, one verified SELECT out, never executed; sees what the caller may read; raises 42501 without nl2sql_user, else as nl2sql.ask()';

-- API: Private. Read-only within, as _ask() is.
create or replace function nl2sql._trace(question text, options jsonb, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.trace(plpy, question, options, caller)
$python$;
comment on function nl2sql._trace(text, jsonb, jsonb) is 'answer a question and tell how: an envelope {ok: [row]} or {error}';

-- API: Public
create or replace function nl2sql.trace(
    question text,               -- in English or Chinese
    options jsonb default '{}'   -- as of nl2sql.ask()
)
returns table (step int, stage text, item text, detail text, ms float8)
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._trace(question, options, nl2sql._caller()));
begin
    return query
        select r.step, r.stage, r.item, r.detail, r.ms
        from pg_catalog.jsonb_to_recordset(reply)
            as r (step int, stage text, item text, detail text, ms float8);
end
$plpgsql$;
comment on function nl2sql.trace(text, jsonb) is
    'how a question is answered, a row a step: tables with why, values, examples, the exact prompt, candidates, repairs, plan cost, choice, times (ms)';

-- API: Private
create or replace function nl2sql._status(caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.status(plpy, caller)
$python$;
comment on function nl2sql._status(jsonb) is 'an envelope {ok: [component]} or {error}';

-- API: Public
create or replace function nl2sql.status()
returns table (component text, state text, detail text, action text)
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._status(nl2sql._caller()));
begin
    return query
        select c.component, c.state, c.detail, c.action
        from pg_catalog.jsonb_to_recordset(reply)
            as c (component text, state text, detail text, action text);
end
$plpgsql$;
comment on function nl2sql.status() is 'a row a component: extension, sidecar, engine, model, embedder, index, and a self-test; its state and what to do';
