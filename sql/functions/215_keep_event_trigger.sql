-- Event triggers have no CREATE OR REPLACE, and an upgrade may bring further commands to watch.

-- API: Private. Dynamic SQL over names of our own; granted to nobody, called by the scripts of the extension.
create or replace function nl2sql._keep_event_trigger(
    wanted name,
    called text,   -- its function, with the schema
    tags text[]    -- commands of ddl_command_end; NULL: a trigger on sql_drop
)
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    known constant pg_event_trigger := (select e from pg_event_trigger as e where e.evtname = wanted);
begin
    if known.evtname is not null and known.evttags is not distinct from tags then
        return;
    end if;
    if known.evtname is not null then
        execute format('drop event trigger %I', wanted);
    end if;
    execute format('create event trigger %I on %s%s execute function %s()', wanted,
        case when tags is null then 'sql_drop' else 'ddl_command_end' end,
        ' when tag in (' || (select string_agg(quote_literal(t), ', ') from unnest(tags) as t) || ')',
        called);
    -- as an administrator had it
    if known.evtenabled <> 'O' then
        execute format('alter event trigger %I %s', wanted,
            case known.evtenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end);
    end if;
end
$plpgsql$;
comment on function nl2sql._keep_event_trigger(name, text, text[]) is 'make an event trigger, or make it anew where it watches other commands';
