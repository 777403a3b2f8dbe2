-- Settings: preferences are SET by anybody (nl2sql.<noun>), what protects is in nl2sql.setting.

-- API: Private
create or replace function nl2sql._setting_default()
returns table (name text, value text, kind text, minimum numeric, maximum numeric, preference boolean, description text)
language plpgsql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query values
        ('scope', 'search_path', 'scope', null::numeric, null::numeric, true,
            'where tables are looked for: search_path, or database'),
        ('timeout', '30s', 'interval', 0.1, 600, true,
            'longest wait for an answer; capped by max_timeout'),
        ('retrieval', 'on', 'switch', null, null, true,
            'on: only the tables that fit the question are shown to the model; off: all, as far as the prompt has room'),
        ('values', 'on', 'switch', null, null, true,
            'words of the question are looked up among stored values, and common values are shown to the model'),
        ('examples', 'on', 'switch', null, null, true,
            'stored examples and terms that fit the question are shown to the model'),
        ('comment_filters', 'on', 'switch', null, null, true,
            'comments that say which rows never count are heeded; what nl2sql.define_filter() says always is'),
        ('repair', 'on', 'switch', null, null, true,
            'names that do not bind are put right without the model'),
        ('samples', 'auto', 'samples', 1, 16, true,
            'how many statements the model proposes: auto (one; several where it is unsure), or a number'),
        ('trial_run', 'off', 'switch', null, null, true,
            'proposals are run, read-only and within limits, as the caller, and their results compared'),
        ('min_confidence', '0.2', 'fraction', 0, 1, true,
            'an answer below it is an error (NL407) instead; one from there up to 0.5 comes with a warning'),
        ('socket_path', '/run/nl2sql/sidecar.sock', 'path', null, null, false,
            'Unix socket of the sidecar, at most 107 bytes'),
        ('sidecar_user', 'nl2sql', 'text', null, null, false,
            'operating system user (name or number) the sidecar runs as, besides root and the server''s own'),
        ('max_timeout', '300s', 'interval', 1, 3600, false,
            'upper limit of nl2sql.timeout'),
        ('max_question_chars', '4000', 'integer', 10, 8000, false,
            'longest question in characters'),
        ('max_response_bytes', '4000000', 'integer', 10000, 100000000, false,
            'largest answer of the sidecar in bytes'),
        ('prompt_tokens', '3000', 'integer', 200, 100000, false,
            'budget for the schema part of a prompt, in estimated tokens'),
        ('max_tokens', '400', 'integer', 16, 4096, false,
            'longest statement a model may write, in tokens'),
        ('max_tables', '40', 'integer', 1, 500, false,
            'most tables shown to the model; a smaller scope goes in whole if it fits prompt_tokens'),
        ('examples_shown', '3', 'integer', 0, 20, false,
            'most stored examples shown to the model for one question'),
        ('examples_likeness', '60', 'integer', 0, 100, false,
            'how like a question an example must be to be shown, in percent'),
        ('trial_cost', '1000000', 'integer', 1, 999999999, false,
            'planner''s cost above which a proposal is not tried'),
        ('trial_milliseconds', '1000', 'integer', 10, 60000, false,
            'longest trial run of one proposal, in milliseconds'),
        ('max_cost', '10000000', 'integer', 1, 999999999, false,
            'planner''s cost above which a statement is not run (NL411); see nl2sql.set_limit() for roles'),
        ('max_plan_rows', '100000000', 'integer', 1, 999999999, false,
            'rows expected of a step of the plan above which a statement is not run (NL411)'),
        ('max_rows', '10000', 'integer', 1, 1000000, false,
            'most rows of a result; a longer one is cut, with a warning'),
        ('max_bytes', '10000000', 'integer', 1000, 100000000, false,
            'most bytes of a result; a larger one is cut, with a warning'),
        ('max_cell_chars', '65536', 'integer', 10, 200000, false,
            'longest text in a cell of a result; a longer one is cut, with a warning'),
        ('max_seconds', '30', 'integer', 1, 3600, false,
            'longest run of a statement in seconds'),
        ('repair_rounds', '1', 'integer', 0, 2, false,
            'how often the model sees the server''s error and tries again'),
        ('audit', 'required', 'audit', null, null, false,
            'required: what can''t be put on record is not done (NL601); off: questions are not recorded; set by a superuser'),
        ('alert_refusals', '10', 'integer', 1, 1000000, false,
            'refused actions of one role within a minute that raise an alert'),
        ('alert_questions', '120', 'integer', 1, 1000000, false,
            'actions of one role within a minute that raise an alert');
end
$plpgsql$;
comment on function nl2sql._setting_default() is 'registry of settings with defaults, kinds and limits';

-- API: Private. SECURITY DEFINER since nl2sql.setting is not readable by those who ask.
create or replace function nl2sql._settings()
returns jsonb
language plpgsql stable called on null input security definer parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return (
        select jsonb_object_agg(d.name, coalesce(s.value, d.value))
        from nl2sql._setting_default() as d
            left join nl2sql.setting as s on s.name = d.name and not d.preference
    );
end
$plpgsql$;
comment on function nl2sql._settings() is 'protected settings in force and the defaults of preferences';

-- API: Private
create or replace function nl2sql._setting_problem(name text, value text)
returns text
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    known record;
    amount numeric;
begin
    select d.* into known from nl2sql._setting_default() as d where d.name = _setting_problem.name;
    if known.kind in ('integer', 'interval') then
        if known.kind = 'integer' and value !~ '^[0-9]{1,9}$' then
            return 'it takes a whole number';
        end if;
        begin
            amount := case known.kind when 'integer' then value::numeric else extract(epoch from value::interval) end;
        exception when data_exception then
            return 'it takes a time span such as 30s';
        end;
        if amount not between known.minimum and known.maximum then
            return format('it must lie between %s and %s%s', known.minimum, known.maximum,
                case known.kind when 'interval' then ' seconds' else '' end);
        end if;
    elsif known.kind = 'path' and (value !~ '^/' or octet_length(value) > 107) then
        return 'it takes an absolute path of at most 107 bytes';
    elsif known.kind = 'text' and btrim(value) = '' then
        return 'it may not be empty';
    elsif known.kind = 'audit' and value not in ('required', 'off') then
        return 'it takes required or off';
    end if;
    return null;
end
$plpgsql$;
comment on function nl2sql._setting_problem(text, text) is 'what is wrong with a value for a setting; NULL if nothing';

-- API: Public. SECURITY DEFINER since nobody may write nl2sql.setting otherwise.
create or replace function nl2sql.set_setting(
    name text,  -- a protected setting of nl2sql.settings
    value text  -- its new value; NULL: back to the default
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    problem text;
begin
    if not exists (select from nl2sql._setting_default() as d where d.name = set_setting.name and not d.preference) then
        raise exception using
            errcode = '22023',
            message = format('nl2sql has no protected setting %L', name),
            detail = 'Nothing was changed.',
            hint = 'SELECT name, preference FROM nl2sql.settings lists them; a preference is changed by SET nl2sql.<name>.';
    end if;
    -- Whom the backend trusts to keep the record, and whether it does: not for those whose actions are recorded.
    if name in ('audit', 'socket_path', 'sidecar_user')
        and not exists (select from pg_roles as r where r.rolname = nl2sql._audit_role() and r.rolsuper) then
        raise exception using
            errcode = '42501',
            message = format('permission denied: only a superuser changes the setting %s', name),
            detail = 'Nothing was changed: it decides who keeps the audit record.',
            hint = 'Ask the database''s superuser.';
    end if;
    if value is null then
        perform nl2sql._audit_note('set_setting', jsonb_build_object('name', name, 'value', null));
        delete from nl2sql.setting as s where s.name = set_setting.name;
        return;
    end if;
    problem := nl2sql._setting_problem(name, value);
    if problem is not null then
        raise exception using
            errcode = '22023',
            message = format('%L is no value for the setting %s', left(value, 80), name),
            detail = format('Nothing was changed: %s.', problem),
            hint = 'See nl2sql.settings for its description and default.';
    end if;
    perform nl2sql._audit_note('set_setting', jsonb_build_object('name', name, 'value', value));
    insert into nl2sql.setting as s (name, value, changed_by) values (set_setting.name, set_setting.value, session_user)
    on conflict on constraint setting_pkey
        do update set value = excluded.value, changed_at = clock_timestamp(), changed_by = session_user;
end
$plpgsql$;
comment on function nl2sql.set_setting(text, text) is 'change a protected setting of nl2sql; NULL restores the default; raises 22023';

-- API: Public
create or replace view nl2sql.settings with (security_barrier) as
select
    d.name,
    case
        when d.preference then coalesce(nullif(pg_catalog.current_setting(pg_catalog.concat('nl2sql.', d.name), true), ''), d.value)
        else nl2sql._settings() operator(pg_catalog.->>) d.name
    end as value,
    d.value as default_value,
    d.preference,
    d.description
from nl2sql._setting_default() as d;
comment on view nl2sql.settings is 'every setting: value in force, default, whether it is a preference (SET nl2sql.<name>) or protected (nl2sql.set_setting)';
