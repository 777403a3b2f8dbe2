-- Masking functions. Most are one expression, so that the planner puts them into the query that calls them: that is some
-- thirty times faster than a call, and asks for no SET clause and no STRICT. Their bodies are bound when they are made (BEGIN
-- ATOMIC): no search_path matters, and whoever reads a masking view needs EXECUTE, but no right on the schema.

-- API: Private. Called by nl2sql.mask_sensitive(), for texts of at most a megabyte.
create or replace function nl2sql._mask_text(value text)
returns text
language plpython3u immutable strict security invoker parallel safe
as $python$
if "mask" not in SD: SD["mask"] = __import__("nl2sql_pg.masking.free_text", fromlist=["mask_sensitive"]).mask_sensitive
return SD["mask"](value)
$python$;
comment on function nl2sql._mask_text(text) is 'mask what is personal in a text; never raises';

-- API: Private. For discover_pii(), which counts them.
create or replace function nl2sql._sensitive_kinds(value text)
returns text[]
language plpython3u immutable strict security invoker parallel safe
as $python$
if "kinds" not in SD: SD["kinds"] = __import__("nl2sql_pg.masking.free_text", fromlist=["kinds"]).kinds
return SD["kinds"](value[:10000])
$python$;
comment on function nl2sql._sensitive_kinds(text) is 'kinds of what is personal in the first 10000 characters of a text: card, email, iban, ip, name, passport, phone, resident_id, ssn';

-- API: Public
create or replace function nl2sql.mask_sensitive(
    value text  -- any text, in English or Chinese
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when pg_catalog.octet_length(value) OPERATOR(pg_catalog.<=) 1000000 then nl2sql._mask_text(value)
        else nl2sql._mask_text(pg_catalog.left(value, 200000) OPERATOR(pg_catalog.||) '[cut]'::pg_catalog.text)
    end;
end;
comment on function nl2sql.mask_sensitive(text) is
    'mask card, phone, identity, account, passport and social security numbers, addresses and labelled names in free text; never raises';

-- API: Public
create or replace function nl2sql.mask_email(
    address text  -- name@domain
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when pg_catalog.strpos(address, '@') OPERATOR(pg_catalog.>) 7
            then pg_catalog.left(address, 3) OPERATOR(pg_catalog.||) '****@' OPERATOR(pg_catalog.||) pg_catalog.split_part(address, '@', 2)
        when pg_catalog.strpos(address, '@') OPERATOR(pg_catalog.>) 3
            then pg_catalog.left(address, 1) OPERATOR(pg_catalog.||) '****@' OPERATOR(pg_catalog.||) pg_catalog.split_part(address, '@', 2)
        when pg_catalog.strpos(address, '@') OPERATOR(pg_catalog.>) 0
            then '****@' OPERATOR(pg_catalog.||) pg_catalog.split_part(address, '@', 2)
        when address is not null then '****'
    end;
end;
comment on function nl2sql.mask_email(text) is 'mask the name in an address of electronic mail; the domain stays';

-- API: Public
create or replace function nl2sql.mask_phone(
    number text  -- in any notation
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when pg_catalog.length(number) OPERATOR(pg_catalog.=) 11
            then pg_catalog.left(number, 3) OPERATOR(pg_catalog.||) '****' OPERATOR(pg_catalog.||) pg_catalog.right(number, 4)
        when pg_catalog.length(number) OPERATOR(pg_catalog.>=) 8 then '****' OPERATOR(pg_catalog.||) pg_catalog.right(number, 4)
        when number is not null then '****'
    end;
end;
comment on function nl2sql.mask_phone(text) is 'mask a telephone number; its last four digits stay, and the first three of one of eleven characters';

-- API: Public
create or replace function nl2sql.mask_card(
    number text  -- in any notation
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when pg_catalog.length(number) OPERATOR(pg_catalog.>=) 12 then '****-****-****-' OPERATOR(pg_catalog.||) pg_catalog.right(number, 4)
        when number is not null then '****-****-****-****'
    end;
end;
comment on function nl2sql.mask_card(text) is 'mask the number of a payment card; its last four digits stay';

-- API: Public
create or replace function nl2sql.mask_name(
    name text  -- of a person
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when pg_catalog.octet_length(name) OPERATOR(pg_catalog.>) 3 then pg_catalog.left(name, 1) OPERATOR(pg_catalog.||) '**'
        when name is not null then '**'
    end;
end;
comment on function nl2sql.mask_name(text) is 'mask a name; its first character stays: of most Chinese names the family name';

-- API: Public
create or replace function nl2sql.mask_id(
    number text  -- of an identity card, a passport, an account
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when pg_catalog.length(number) OPERATOR(pg_catalog.>=) 15
            then pg_catalog.left(number, 3) OPERATOR(pg_catalog.||) '***********' OPERATOR(pg_catalog.||) pg_catalog.right(number, 4)
        when pg_catalog.length(number) OPERATOR(pg_catalog.>=) 7
            then pg_catalog.left(number, 1) OPERATOR(pg_catalog.||) '****' OPERATOR(pg_catalog.||) pg_catalog.right(number, 2)
        when number is not null then '****'
    end;
end;
comment on function nl2sql.mask_id(text) is 'mask an identity number; a few characters of both ends stay, at most half of them';

-- API: Public
create or replace function nl2sql.mask_partial(
    value text,                -- any text
    keep_first int default 1,  -- characters that stay at the start
    keep_last int default 0,   -- and at the end
    pad text default '*'       -- its first character stands for each hidden one
)
returns text
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when (2::pg_catalog.int8 OPERATOR(pg_catalog.*) pg_catalog.length(value))
            OPERATOR(pg_catalog.>=) (3::pg_catalog.int8 OPERATOR(pg_catalog.*)
                (greatest(keep_first, 0)::pg_catalog.int8 OPERATOR(pg_catalog.+) greatest(keep_last, 0)))
            then pg_catalog.left(value, greatest(keep_first, 0))
                OPERATOR(pg_catalog.||) pg_catalog.repeat(pg_catalog.left(coalesce(pad, '*'), 1),
                    pg_catalog.length(value) OPERATOR(pg_catalog.-) greatest(keep_first, 0) OPERATOR(pg_catalog.-) greatest(keep_last, 0))
                OPERATOR(pg_catalog.||) pg_catalog.right(value, greatest(keep_last, 0))
        else pg_catalog.repeat(pg_catalog.left(coalesce(pad, '*'), 1), pg_catalog.length(value))
    end;
end;
comment on function nl2sql.mask_partial(text, int, int, text) is
    'mask the middle of a text; a text of which more than two thirds would stay is hidden in whole';

-- API: Public. SECURITY DEFINER since nobody may read the key. STABLE, since a restore brings another one.
create or replace function nl2sql.mask_hash(
    value text  -- any text
)
returns text
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    secret bytea;
begin
    select k.key into strict secret from nl2sql._mask_key as k order by k.made_at limit 1;
    return left(encode(sha256(secret || sha256(secret || convert_to(value, 'UTF8'))), 'hex'), 32);
end
$plpgsql$;
comment on function nl2sql.mask_hash(text) is 'a pseudonym of 32 hexadecimal digits: the same for the same text, not to be guessed without the key of this database';

-- API: Private
create or replace function nl2sql._unknown_date_unit(given text, value anyelement)
returns anyelement
language plpgsql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    raise exception using
        errcode = '22023',
        message = format('%L is no unit that a date is masked to', left(given, 80)),
        detail = 'Nothing was masked and nothing is shown.',
        hint = 'Take year, quarter, month or week.';
end
$plpgsql$;
comment on function nl2sql._unknown_date_unit(text, anyelement) is 'raise 22023 for nl2sql.mask_date()';

-- API: Private
create or replace function nl2sql._unknown_step(given numeric)
returns numeric
language plpgsql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    raise exception using
        errcode = '22023',
        message = 'the step that a number is masked to must be above zero',
        detail = format('It is %s. Nothing was masked and nothing is shown.', coalesce(given::text, 'NULL')),
        hint = 'Take the unit that may be seen, such as 1000.';
end
$plpgsql$;
comment on function nl2sql._unknown_step(numeric) is 'raise 22023 for nl2sql.mask_number()';

-- API: Public
create or replace function nl2sql.mask_date(
    value date,               -- a day; beyond what timestamps hold it is hidden
    unit text default 'year'  -- year, quarter, month or week
)
returns date
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when (unit OPERATOR(pg_catalog.=) any ('{year, quarter, month, week}'::pg_catalog.text[])) is not true
            then nl2sql._unknown_date_unit(unit, value)
        when value OPERATOR(pg_catalog.>=) '4712-01-01 BC'::pg_catalog.date and value OPERATOR(pg_catalog.<=) '290000-12-31'::pg_catalog.date
            then pg_catalog.date_trunc(unit, value::pg_catalog.timestamp)::pg_catalog.date
    end;
end;
comment on function nl2sql.mask_date(date, text) is 'the first day of the year, quarter, month or week; raises 22023';

-- API: Public
create or replace function nl2sql.mask_date(
    value timestamp,          -- a moment
    unit text default 'year'  -- year, quarter, month or week
)
returns timestamp
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when (unit OPERATOR(pg_catalog.=) any ('{year, quarter, month, week}'::pg_catalog.text[])) is not true
            then nl2sql._unknown_date_unit(unit, value)
        when value OPERATOR(pg_catalog.>=) '4712-01-01 BC'::pg_catalog.timestamp then pg_catalog.date_trunc(unit, value)
    end;
end;
comment on function nl2sql.mask_date(timestamp, text) is 'the first moment of the year, quarter, month or week; raises 22023';

-- API: Public. STABLE, since the time zone of the session decides where a year begins.
create or replace function nl2sql.mask_date(
    value timestamptz,        -- a moment
    unit text default 'year'  -- year, quarter, month or week
)
returns timestamptz
language sql stable called on null input security invoker parallel safe
begin atomic
    select case
        when (unit OPERATOR(pg_catalog.=) any ('{year, quarter, month, week}'::pg_catalog.text[])) is not true
            then nl2sql._unknown_date_unit(unit, value)
        when value OPERATOR(pg_catalog.>=) '4712-01-01 BC'::pg_catalog.timestamptz then pg_catalog.date_trunc(unit, value)
    end;
end;
comment on function nl2sql.mask_date(timestamptz, text) is 'the first moment of the year, quarter, month or week; raises 22023';

-- API: Public
create or replace function nl2sql.mask_number(
    value numeric,               -- any number
    step numeric default 1000    -- the result is the nearest multiple of it
)
returns numeric
language sql immutable called on null input security invoker parallel safe
begin atomic
    select case
        when (step OPERATOR(pg_catalog.>) 0::pg_catalog.numeric) is not true then nl2sql._unknown_step(step)
        else pg_catalog.round(value OPERATOR(pg_catalog./) step) OPERATOR(pg_catalog.*) step
    end;
end;
comment on function nl2sql.mask_number(numeric, numeric) is 'the nearest multiple of a step; raises 22023';

-- API: Public. BEGIN ATOMIC takes no polymorphic argument; no name in it needs a path.
create or replace function nl2sql.mask_null(
    value anyelement  -- of any type
)
returns anyelement
language sql immutable called on null input security invoker parallel safe
as $sql$
    select case when false then value end
$sql$;
comment on function nl2sql.mask_null(anyelement) is 'NULL of the same type';
