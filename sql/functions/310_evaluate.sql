-- Questions of one's own with known answers: how right are the answers here?

-- API: Private
create or replace function nl2sql._judge_case(gold text, answer text, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set jit = off
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.judge_case(plpy, gold, answer, caller)
$python$;
comment on function nl2sql._judge_case(text, text, jsonb) is 'an envelope {ok: {verdict, error}} or {error}: the rows of two statements compared';

-- API: Private
create or replace function nl2sql._check_case(question text, sql text, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.check_case(plpy, question, sql, caller)
$python$;
comment on function nl2sql._check_case(text, text, jsonb) is 'an envelope {ok: {question, sql}} of a case that can be stored, or {error}';

-- API: Public. Sees the caller's search_path, so it pins none; every name in it is qualified.
create or replace function nl2sql.add_case(
    suite text,     -- a name for cases that belong together
    question text,  -- in English or Chinese
    sql text        -- the SELECT that answers it; names are looked up in your search_path
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._check_case(question, sql, nl2sql._caller()));
    stored bigint;
begin
    insert into nl2sql.cases as c (suite, question, sql)
    values (
        coalesce(add_case.suite, 'default'),
        reply OPERATOR(pg_catalog.->>) 'question',
        reply OPERATOR(pg_catalog.->>) 'sql')
    returning c.id into stored;
    return stored;
exception when unique_violation then
    raise exception using
        errcode = '23505',
        message = pg_catalog.format('the suite %L has this question already', coalesce(add_case.suite, 'default')),
        detail = 'Nothing was stored.',
        hint = 'DELETE FROM nl2sql.cases WHERE suite = ... AND question = ..., then add it again.';
end
$plpgsql$;
comment on function nl2sql.add_case(text, text, text) is
    'store a question with the SQL that answers it, for nl2sql.evaluate(); raises NL1xx, NL204, NL4xx, 23505';

-- API: Private. SET LOCAL of some preferences; returns what they were.
create or replace function nl2sql._set_preferences(settings jsonb)
returns jsonb
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    before jsonb := '{}';
    wish record;
begin
    for wish in select s.key, s.value from jsonb_each_text(coalesce(settings, '{}')) as s loop
        if not exists (select from nl2sql._setting_default() as d where d.name = wish.key and d.preference) then
            raise exception using
                errcode = '22023',
                message = format('nl2sql has no preference %L', wish.key),
                detail = 'Nothing was evaluated.',
                hint = 'SELECT name FROM nl2sql.settings WHERE preference lists them.';
        end if;
        before := before || jsonb_build_object(wish.key, coalesce(current_setting(concat('nl2sql.', wish.key), true), ''));
        perform set_config(concat('nl2sql.', wish.key), wish.value, true);
    end loop;
    return before;
end
$plpgsql$;
comment on function nl2sql._set_preferences(jsonb) is 'set preferences for the current transaction; returns their values before; raises 22023';

-- API: Public. STABLE it is not: it asks the model.
create or replace function nl2sql.evaluate(
    suite text default 'default',   -- of nl2sql.cases
    settings jsonb default '{}'     -- preferences in force meanwhile, such as {"samples": "4", "repair": "off"}
)
returns table (question text, verdict text, answer text, confidence float8, ms float8, error text)
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    before jsonb := nl2sql._set_preferences(settings);
    one record;
    caller jsonb;
    reply jsonb;
    judged jsonb;
    began timestamptz;
begin
    -- only one's own: a case of somebody else would run with the caller's rights, under the other's search_path
    for one in
        select c.* from nl2sql.cases as c where c.suite = evaluate.suite and c.added_by = current_user order by c.id
    loop
        caller := jsonb_build_object('schemas', one.search_path);
        began := clock_timestamp();
        reply := nl2sql._ask(one.question, '{}', caller);
        ms := round(extract(epoch from clock_timestamp() - began)::numeric * 1000, 1);
        -- no answer is a result; no way to the model is not, nor is a cancel
        if reply #>> '{error,hint}' is null or reply #>> '{error,sqlstate}' in
            ('NL001', 'NL002', 'NL004', 'NL005', 'NL007', 'NL009', 'NL301', 'NL302', 'NL303', 'NL304', 'NL307') then
            perform nl2sql._raise_error(reply -> 'error');
        end if;
        judged := jsonb_build_object('verdict', 'no answer',
            'error', concat_ws(': ', reply #>> '{error,sqlstate}', reply #>> '{error,message}'));
        if reply -> 'ok' is not null then
            reply := reply -> 'ok';
            judged := nl2sql._ok(nl2sql._judge_case(one.sql, reply ->> 'sql', caller));
        end if;
        question := one.question;
        verdict := judged ->> 'verdict';
        answer := reply ->> 'sql';
        confidence := (reply ->> 'confidence')::float8;
        error := judged ->> 'error';
        return next;
    end loop;
    perform nl2sql._set_preferences(before);
end
$plpgsql$;
comment on function nl2sql.evaluate(text, jsonb) is
    'ask the questions of a suite, run answer and gold read-only as the caller, compare their rows; a row a case';
