-- Columns that look as if they should be masked: by name, by type, by sampled values. Proposals for an administrator; nothing
-- is masked, and no value is shown.

-- API: Private
create or replace function nl2sql._pii_names()
returns table (masking text, certainty float8, pattern text)
language sql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- words of a name as nl2sql._words() writes them; of a Chinese name any part, in simplified and traditional characters,
    -- escaped since scripts of the extension are ASCII: mailbox, mail; mobile, telephone, fax; card number; identity card,
    -- passport, certificate, account; full name, name, surname; birth, birthday; wages, pay, income; address, abode; password, watchword
    values
        ('email', 0.7, E'(^| )(e ?mails?|mail address)( |$)|\u90ae\u7bb1|\u90ae\u4ef6|\u96fb\u90f5'),
        ('phone', 0.7, E'(^| )(phones?|mobile|cell ?phone|telephone|tel|fax)( |$)|\u624b\u673a|\u7535\u8bdd|\u624b\u6a5f|\u96fb\u8a71|\u4f20\u771f'),
        ('card', 0.7, E'(^| )(card (no|num|number)|credit ?card|debit ?card|cc (no|num|number)|pan)( |$)|\u5361\u53f7|\u5361\u865f'),
        ('id', 0.7, E'(^| )(ssn|social security|passport|national id|id card|identity|tax (id|number)|iban|account (no|number)|driver license|kimlik( no)?|tckn)( |$)|\u8eab\u4efd\u8bc1|\u8eab\u5206\u8b49|\u62a4\u7167|\u8b49\u4ef6|\u8bc1\u4ef6|\u8d26\u53f7|\u5e10\u53f7'),
        ('name', 0.6, E'(^| )((first|last|full|given|family|middle|maiden|customer|client|contact|patient|employee|holder|person) ?name|surname|forename)( |$)|\u59d3\u540d|\u540d\u5b57|\u59d3\u6c0f'),
        ('date(''year'')', 0.6, E'(^| )(birth ?(date|day)?|date of birth|dob|born)( |$)|\u51fa\u751f|\u751f\u65e5'),
        ('number(1000)', 0.5, E'(^| )(salary|income|wages?|compensation|net worth)( |$)|\u5de5\u8d44|\u85aa|\u6536\u5165'),
        ('partial(2, 0)', 0.5, E'(^| )(home address|street( address)?|address( line)?( [0-9])?|postal address)( |$)|\u5730\u5740|\u4f4f\u5740'),
        ('null', 0.9, E'(^| )(password|passwd|pwd|passphrase|secret|pin|cvv|cvc)( hash)?( |$)|\u5bc6\u7801|\u5bc6\u78bc|\u53e3\u4ee4')
$sql$;
comment on function nl2sql._pii_names() is 'how columns with personal data are named, the masking for each, and how certain that is';

-- API: Private. The name of a key, or of a number, that ends as the name of a key says whose it is, and nothing of what it holds:
-- address_id has no address. What is a key, and no text, is a number that somebody has drawn.
create or replace function nl2sql._pii_named(relation oid, number int2)
returns table (masking text, certainty float8)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with named as (
        select nl2sql._words(a.attname) as words, a.attname, t.typcategory = 'S' as is_text,
            a.attidentity <> '' or exists (
                select from pg_constraint as k
                where k.conrelid = a.attrelid and k.contype in ('p', 'f') and a.attnum = any (k.conkey)
            ) or exists (
                select from pg_depend as d
                    join pg_class as s on d.classid = 'pg_class'::regclass and s.oid = d.objid and s.relkind = 'S'
                where d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
            ) as is_key
        from pg_attribute as a
            join pg_type as t on t.oid = (select b.base from nl2sql._base_type(a.atttypid, a.atttypmod) as b)
        where a.attrelid = relation and a.attnum = number
    )
    select p.masking, p.certainty
    from named as n
        join nl2sql._pii_names() as p on concat_ws(' ', n.words, n.attname) ~ p.pattern
    where case
        when n.is_text and not n.is_key then true
        when n.is_key and not n.is_text then false
        else regexp_replace(n.words, ' (id|key|uuid|guid|code)$', '') !~ p.pattern or n.words !~ ' (id|key|uuid|guid|code)$'
    end
    order by p.certainty desc
    limit 1
$sql$;
comment on function nl2sql._pii_named(oid, int2) is 'the masking that the name of a column speaks for, and how certain that is; no row if it says nothing';

-- API: Private
create or replace function nl2sql._pii_masking(kind text)
returns text
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when kind in ('email', 'phone', 'card', 'name') then kind
        when kind in ('iban', 'passport', 'resident_id', 'ssn') then 'id'
        else 'sensitive'
    end
$sql$;
comment on function nl2sql._pii_masking(text) is 'the masking for a kind of finding';

-- API: Private. As the caller. Sampled are plain columns of tables without row security: nobody's code runs for it.
create or replace function nl2sql._pii_sample_problem(relation oid, number int2)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when not has_column_privilege(c.oid, a.attnum, 'select') then 'not sampled: no right to read it'
        when c.relkind not in ('r', 'p', 'm') then 'not sampled: no table'
        when c.relrowsecurity then 'not sampled: row level security'
        when a.atttypid <> all ('{text, varchar, bpchar, int8, numeric}'::regtype[]) then 'not sampled: type'
    end
    from pg_class as c
        join pg_attribute as a on a.attrelid = c.oid and a.attnum = number
    where c.oid = relation
$sql$;
comment on function nl2sql._pii_sample_problem(oid, int2) is 'why values of a column are not looked at; NULL if they are';

-- API: Private. As the caller.
create or replace function nl2sql._pii_sample(relation regclass, number int2, most int)
returns jsonb
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reply jsonb;
    -- some 64 pages of a large table
    share numeric := (select least(100, 6400.0 / greatest(c.relpages, 1)) from pg_class as c where c.oid = relation);
    name name := (select a.attname from pg_attribute as a where a.attrelid = relation and a.attnum = number);
begin
    execute format(
        'with row as (
            select row_number() over () as n, left(%1$I::text, 1000) as value
            from %2$s%3$s where %1$I is not null limit %4$s
        ),
        kind as (
            select k.kind, count(*) as times
            from row as r cross join unnest(nl2sql._sensitive_kinds(r.value)) as k (kind)
            group by k.kind
        )
        select jsonb_build_object(
            ''checked'', (select count(*) from row),
            ''found'', (select coalesce(jsonb_object_agg(k.kind, k.times), ''{}'') from kind as k),
            ''length'', (select coalesce(avg(length(r.value)), 0)::int from row as r))',
        name, relation, case when share < 100 then format(' tablesample system (%s)', round(share, 4)) end, most) into reply;
    return reply;
end
$plpgsql$;
comment on function nl2sql._pii_sample(regclass, int2, int) is 'how many of some sampled values of a column hold what kind of personal data: counts only';

-- API: Private
create or replace function nl2sql._pii_verdict(named text, certainty float8, sample jsonb, out masking text, out score float8)
returns record
language sql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Short values of mostly one kind are masked as that; a finding here and there in longer text is masked where it is found.
    with best as (
        select f.kind, f.times::float8 / nullif((sample ->> 'checked')::float8, 0) as share
        from jsonb_each_text(coalesce(sample -> 'found', '{}')) as f (kind, times)
        order by f.times::int desc, f.kind
        limit 1
    )
    select
        case
            when b.share >= 0.5 and (sample ->> 'length')::int <= 64 then nl2sql._pii_masking(b.kind)
            when named is not null and coalesce(b.share, 0) < 0.5 then named
            else 'sensitive'
        end,
        round(case
            -- values that were looked at and have nothing of what the name says speak against it
            when b.kind is null and (sample ->> 'checked')::int >= 20 and named in ('email', 'phone', 'card', 'id') then certainty / 2
            else 1 - (1 - coalesce(certainty, 0)) * (1 - case
                when b.share >= 0.05 then 0.5 + 0.45 * b.share
                else coalesce(b.share, 0) * 5
            end)
        end::numeric, 2)::float8
    from (values (1)) as one (row) left join best as b on true
$sql$;
comment on function nl2sql._pii_verdict(text, float8, jsonb) is 'the masking that fits name and values, and a score from 0 to 1';

-- API: Public
create or replace function nl2sql.discover_pii(
    schemas name[] default null,   -- where to look; NULL: all schemas of users
    most int default 200           -- values to sample of each column; 0: names and types only
)
returns table (
    relation regclass, column_name name,
    masking text,      -- as nl2sql.mask() takes it
    score float8,      -- from 0 to 1
    evidence jsonb     -- {name: hit, type, checked: values looked at, found: {kind: values}, note}
)
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    candidate record;
    sample jsonb;
    problem text;
begin
    if coalesce(most, -1) not between 0 and 10000 then
        raise exception using
            errcode = '22023',
            message = 'discover_pii() takes a list of schemas and 0 to 10000 values to sample',
            detail = 'Nothing was looked at.',
            hint = 'For example: SELECT * FROM nl2sql.discover_pii(''{shop}'').';
    end if;
    for candidate in
        select c.oid::regclass as relation, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) as type, hit.masking, hit.certainty
        from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            left join lateral nl2sql._pii_named(c.oid, a.attnum) as hit on true
        where c.relkind in ('r', 'p', 'm', 'f') and (schemas is null or n.nspname = any (schemas))
            and nl2sql._is_user_schema(n.oid) and nl2sql._is_user_relation(c)
            -- what is masked already is not proposed again
            and not exists (
                select from nl2sql.masking_policy as m
                where m.schema_name = n.nspname and m.table_name = c.relname and m.column_name = a.attname and m.masking is not null)
        order by n.nspname, c.relname, a.attnum
    loop
        problem := case when most = 0 then 'not sampled: not asked for'
            else nl2sql._pii_sample_problem(candidate.relation, candidate.attnum) end;
        sample := case when problem is null then nl2sql._pii_sample(candidate.relation, candidate.attnum, most) end;
        select v.masking, v.score into masking, score
        from nl2sql._pii_verdict(candidate.masking, candidate.certainty, sample) as v;
        if score >= 0.3 then
            relation := candidate.relation;
            column_name := candidate.attname;
            -- what does not fit the type of the column can still be hidden
            masking := case when nl2sql._mask_expression(relation, candidate.attnum, masking) is null then 'null' else masking end;
            evidence := jsonb_strip_nulls(jsonb_build_object(
                'name', candidate.masking, 'type', candidate.type, 'checked', sample -> 'checked', 'found', sample -> 'found', 'note', problem));
            return next;
        end if;
    end loop;
end
$plpgsql$;
comment on function nl2sql.discover_pii(name[], int) is
    'columns that look as if they held personal data, with the masking that fits, a score and counts of what speaks for it; raises 22023';
