-- The text of a masked view: its columns, its mask expressions, and the row security of its table. No text of a user gets
-- into it but through %I, %L and the server's own deparser.

-- API: Private
create or replace function nl2sql._masking_parts(masking text)
returns table (mask name, arguments text[])
language plpgsql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    literal constant text := '-?[0-9]{1,9}(?:[.][0-9]{1,9})?|''(?:[^'']|'''')*''';
    part text[] := regexp_match(masking, '^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*(?:[(](.*)[)])?[[:space:]]*$');
begin
    -- no row: it is no masking; only a name and literals are taken, never an expression. What a backslash means in a literal
    -- is up to a setting of the session
    if part is null or length(masking) > 200 or strpos(masking, E'\\') > 0
        or btrim(coalesce(part[2], '')) <> ''
            and part[2] !~ format('^[[:space:]]*(?:%1$s)(?:[[:space:]]*,[[:space:]]*(?:%1$s))*[[:space:]]*$', literal)
    then
        return;
    end if;
    return query
    select concat('mask_', regexp_replace(lower(replace(part[1], 'I', 'i')), '^mask_', ''))::name,
        array(
            select case
                when left(m.found[1], 1) = '''' then quote_literal(replace(substr(m.found[1], 2, length(m.found[1]) - 2), '''''', ''''))
                else m.found[1] end
            from regexp_matches(coalesce(part[2], ''), concat('(', literal, ')'), 'g')
            with ordinality as m (found, place) order by m.place);
end
$plpgsql$;
comment on function nl2sql._masking_parts(text) is 'email, or partial(2, 4, ''*''), taken apart: the name of a mask function and its literals; no row if it is neither';

-- API: Private
create or replace function nl2sql._base_type(
    type_id oid,
    modifier int
)
returns table (base oid, base_modifier int)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- A masked value need not pass the check of a domain: a view shows the type beneath it.
    with recursive step as (
        select type_id as oid, modifier as modifier
        union all
        select t.typbasetype, t.typtypmod
        from step as s join pg_type as t on t.oid = s.oid and t.typtype = 'd'
    )
    select s.oid, s.modifier
    from step as s join pg_type as t on t.oid = s.oid and t.typtype <> 'd'
$sql$;
comment on function nl2sql._base_type(oid, int) is 'the type beneath a domain, and its modifier; the type itself if it is no domain';

-- API: Private
create or replace function nl2sql._mask_functions(mask name, given text[])
returns table (function_id oid, takes oid, arguments text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Functions of the extension's own schema, where nobody else can make one; text for text, numbers for numbers.
    select p.oid, p.proargtypes[0], (
            select coalesce(string_agg(format(', %s%s', g.literal, '::' || format_type(p.proargtypes[g.place], null)), '' order by g.place), '')
            from unnest(given) with ordinality as g (literal, place))
    from pg_proc as p
    where p.pronamespace = 'nl2sql'::regnamespace and p.proname = mask and p.proname ~ '^mask_[a-z]+$'
        and p.prokind = 'f' and not p.proretset
        and cardinality(given) between p.pronargs - p.pronargdefaults - 1 and p.pronargs - 1
        and not exists (
            select from unnest(given) with ordinality as g (literal, place)
                join pg_type as t on t.oid = p.proargtypes[g.place]
            where (left(g.literal, 1) = '''') <> (t.typcategory = 'S') or t.typcategory not in ('S', 'N')
        )
$sql$;
comment on function nl2sql._mask_functions(name, text[]) is 'mask functions of that name that take these literals: the type each masks, its further arguments as SQL';

-- API: Private
create or replace function nl2sql._mask_fit(type_id oid, takes oid)
returns int
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- the smallest is the best; NULL: it does not fit
    select case
        when type_id = takes then 0
        when takes = 'text'::regtype and t.typcategory = 'S' and t.typtype = 'b' then 1
        when takes = 'numeric'::regtype and type_id = any ('{int2, int4, int8, numeric, float4, float8}'::regtype[]) then 2
        when takes = 'timestamp'::regtype and type_id = 'timestamptz'::regtype then 3
        when takes = 'date'::regtype and type_id = any ('{timestamp, timestamptz}'::regtype[]) then 4
        when takes = any ('{anyelement, anycompatible}'::regtype[]) and t.typtype <> 'p' then 5
        when takes = 'anynonarray'::regtype and t.typcategory <> 'A' and t.typtype <> 'p' then 6
    end
    from pg_type as t
    where t.oid = type_id
$sql$;
comment on function nl2sql._mask_fit(oid, oid) is 'how well a mask for values of one type fits a column of another: 0 is exactly; NULL: not at all';

-- API: Private
create or replace function nl2sql._mask_clamped(masked text, clear text, base oid, modifier int)
returns text
language sql immutable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Rounding may leave the range of the type: an error for every reader. LEAST and GREATEST pass over NULL, hence the CASE.
    select coalesce(
        (select format('(case when %s is not null then least(greatest(%s, %L::pg_catalog.numeric), %L::pg_catalog.numeric) end)',
                clear, masked, -r.most - case when base <> 'numeric'::regtype then 1 else 0 end, r.most)
            from (
                select case base
                    when 'int2'::regtype then 32767
                    when 'int4'::regtype then 2147483647
                    when 'int8'::regtype then 9223372036854775807
                    when 'numeric'::regtype then case when modifier >= 4 then
                        -- precision and scale as numeric keeps them; a scale may be negative
                        repeat('9', (modifier - 4) >> 16)::numeric * 10::numeric ^ -((((modifier - 4) & 2047) # 1024) - 1024)
                    end
                end as most
            ) as r
            where r.most is not null),
        masked)
$sql$;
comment on function nl2sql._mask_clamped(text, text, oid, int) is 'SQL of a masked number, kept within what its type holds';

-- API: Private. Step by step: as one query the planner took seconds over it.
create or replace function nl2sql._mask_expression(relation oid, number int2, masking text)
returns text
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    parts record;
    shown record;
    best record;
    masked text;
begin
    select m.* into parts from nl2sql._masking_parts(masking) as m;
    select c.relname, a.attname, b.base, b.base_modifier, format_type(b.base, b.base_modifier) as type,
        (select format(' collate %I.%I', n.nspname, k.collname)
            from pg_collation as k join pg_namespace as n on n.oid = k.collnamespace
            where k.oid = a.attcollation) as collation
    into shown
    from pg_attribute as a
        join pg_class as c on c.oid = a.attrelid
        cross join lateral nl2sql._base_type(a.atttypid, a.atttypmod) as b
    where a.attrelid = relation and a.attnum = number;
    select f.takes, f.arguments, nl2sql._mask_fit(shown.base, f.takes) as degree
    into best
    from nl2sql._mask_functions(parts.mask, parts.arguments) as f
    order by 3 nulls last
    limit 1;
    if best.degree is null then
        return null;
    end if;
    masked := format('nl2sql.%I(%I.%I::%s%s)', parts.mask, shown.relname, shown.attname,
        -- the polymorphic ones take the column as it is
        case when best.degree >= 5 then shown.type else format_type(best.takes, null) end,
        best.arguments);
    if best.takes = 'numeric'::regtype then
        masked := nl2sql._mask_clamped(masked, format('%I.%I', shown.relname, shown.attname), shown.base, shown.base_modifier);
    end if;
    return format('%s::%s%s', masked, shown.type, shown.collation);
end
$plpgsql$;
comment on function nl2sql._mask_expression(oid, int2, text) is 'the masked column as SQL, in the type of the column; NULL if the masking does not fit';

-- API: Private
create or replace function nl2sql._mask_row_condition(relation oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- What the server does for a role without BYPASSRLS: some permissive policy allows the row, no restrictive one forbids it.
    -- The expressions are the server's own text of them; the role is the one that reads the view.
    with policy as (
        select p.polpermissive as permissive, concat('(', pg_get_expr(p.polqual, p.polrelid), ')') as allows,
            -- TO is read from the policy itself, once a query: names of roles change, their numbers do in a dump
            case when p.polroles <> '{0}' then format('(select pg_catalog.bool_or(pg_catalog.pg_has_role(current_user, r.role, ''usage'')) '
                'from pg_catalog.pg_policy as p cross join pg_catalog.unnest(p.polroles) as r (role) '
                'where p.polrelid OPERATOR(pg_catalog.=) %L::pg_catalog.regclass and p.polname OPERATOR(pg_catalog.=) %L::pg_catalog.name)',
                format('%I.%I', n.nspname, c.relname), p.polname)
            end as meant
        from pg_policy as p
            join pg_class as c on c.oid = p.polrelid
            join pg_namespace as n on n.oid = c.relnamespace
        where p.polrelid = relation and p.polcmd in ('*', 'r') and p.polqual is not null
    )
    select format('(%s)%s',
        coalesce(string_agg(concat_ws(' and ', k.meant, k.allows), ' or ' order by k.allows, k.meant) filter (where k.permissive), 'false'),
        string_agg(concat(' and (', 'not ' || k.meant || ' or ', k.allows, ')'), '' order by k.allows, k.meant)
            filter (where not k.permissive))
    from policy as k
    having (select c.relrowsecurity from pg_class as c where c.oid = relation)
$sql$;
comment on function nl2sql._mask_row_condition(oid) is 'the row security policies of a table for SELECT, as one condition; NULL if it has none in force';

-- API: Private
create or replace function nl2sql._mask_lookups(relation oid)
returns table (lookup oid, number int2)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select distinct d.refobjid, d.refobjsubid::int2
    from pg_policy as p
        join pg_class as c on c.oid = p.polrelid and c.relrowsecurity
        join pg_depend as d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
    where p.polrelid = relation and d.refobjid <> relation and p.polcmd in ('*', 'r') and p.polqual is not null
$sql$;
comment on function nl2sql._mask_lookups(oid) is 'other relations that row security policies of a table read, and the columns; 0: the relation as such';

-- API: Private
create or replace function nl2sql._mask_tree(relation oid)
returns setof oid
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with recursive tree as (
        select relation as oid
        union
        select k.oid
        from tree as t
            cross join lateral (
                select i.inhparent as oid from pg_inherits as i where i.inhrelid = t.oid
                union all
                select i.inhrelid from pg_inherits as i where i.inhparent = t.oid
            ) as k
    )
    select t.oid from tree as t
$sql$;
comment on function nl2sql._mask_tree(oid) is 'a table with all that it is connected to as a partition or by inheritance, upwards and downwards';

-- API: Private
create or replace function nl2sql._mask_policies(relation oid)
returns table (policy oid, condition text, owner oid)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- the tree of nodes as the server keeps it: names in it can't look like a field, their blanks have a backslash before them
    select p.oid, p.polqual::text, c.relowner
    from pg_policy as p
        join pg_class as c on c.oid = p.polrelid and c.relrowsecurity
    where p.polrelid = relation and p.polcmd in ('*', 'r') and p.polqual is not null
$sql$;
comment on function nl2sql._mask_policies(oid) is 'row security policies of a table that a masked view is to carry, with the owner of the table';

-- API: Private
create or replace function nl2sql._mask_lookup_problem(relation oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Lookups are read as the owner of the view, who passes row security: what they show must be the same for everybody, and
    -- the owner of the masked table's own, who could otherwise read through his policy what he has no right to.
    select format('a policy of %s reads %s, which %s', relation::regclass, c.oid::regclass, r.reason)
    from (
        select l.lookup as relid, o.relowner as owner from nl2sql._mask_lookups(relation) as l join pg_class as o on o.oid = relation
        union
        -- also a subquery on the table itself, and catalogs that the server needs no dependency for
        select m.found[1]::oid, p.owner
        from nl2sql._mask_policies(relation) as p
            cross join regexp_matches(p.condition, ' :relid ([0-9]+) ', 'g') as m (found)
        where m.found[1] <> '0'
    ) as u
        join pg_class as c on c.oid = u.relid
        cross join lateral (
            select case
                when c.oid = relation then 'only row security itself could do'
                when c.relnamespace::regnamespace::text ~ '^(pg_.*|information_schema|nl2sql)$' then 'is of the system or of nl2sql'
                when c.relkind not in ('r', 'p') then 'is no plain table'
                when exists (select from nl2sql._mask_tree(c.oid) as t (oid) join pg_class as k on k.oid = t.oid and k.relowner <> u.owner)
                    then 'belongs to another owner'
                when exists (select from nl2sql._mask_tree(c.oid) as t (oid) join pg_class as k on k.oid = t.oid and k.relrowsecurity)
                    then 'has row level security itself'
                when exists (select from nl2sql._mask_tree(c.oid) as t (oid) join nl2sql._mask as m on m.relation = t.oid)
                    then 'has masked columns'
            end as reason
        ) as r
    where r.reason is not null
    order by c.oid
    limit 1
$sql$;
comment on function nl2sql._mask_lookup_problem(oid) is 'a table that a policy of this one reads and a masked view may not, and why; NULL if there is none';

-- API: Private
create or replace function nl2sql._mask_constant_problem(relation oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- The text of the policy is read again, as a superuser, when the view is made: literals of domains and composite types would
    -- run the checks of these, functions of anybody.
    select format('a policy of %s has a constant of type %s', relation::regclass, t.oid::regtype)
    from nl2sql._mask_policies(relation) as p
        cross join regexp_matches(p.condition, ' :consttype ([0-9]+) ', 'g') as m (found)
        left join pg_type as t on t.oid = m.found[1]::oid
        left join pg_type as e on e.oid = case when t.typcategory = 'A' then t.typelem else t.oid end
    where not coalesce(
        e.typtype = 'e' or e.typtype = 'b' and e.typnamespace = 'pg_catalog'::regnamespace or e.oid = 'unknown'::regtype, false)
    order by t.oid
    limit 1
$sql$;
comment on function nl2sql._mask_constant_problem(oid) is 'a constant of a policy of this table that a masked view may not have; NULL if there is none';

-- API: Private
create or replace function nl2sql._mask_call_problem(relation oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- What it calls sees rows of the table and of its lookups. The server notes no dependency on what it has itself.
    select format('a policy of %s uses %s %s, which %s', relation::regclass, u.kind, u.called,
        case when u.of_nl2sql then 'is of nl2sql' else 'belongs to another owner' end)
    from nl2sql._mask_policies(relation) as p
        join pg_depend as d on d.classid = 'pg_policy'::regclass and d.objid = p.policy
        cross join lateral (
            select 'function', f.oid::regprocedure::text, f.pronamespace = 'nl2sql'::regnamespace, f.pronamespace, array[f.proowner]
            from pg_proc as f
            where d.refclassid = 'pg_proc'::regclass and f.oid = d.refobjid
            union all
            select 'operator', o.oid::regoperator::text, 'nl2sql'::regnamespace in (o.oprnamespace, f.pronamespace), o.oprnamespace,
                array[o.oprowner, f.proowner]
            from pg_operator as o left join pg_proc as f on f.oid = o.oprcode
            where d.refclassid = 'pg_operator'::regclass and o.oid = d.refobjid
        ) as u (kind, called, of_nl2sql, namespace, owners)
    where u.of_nl2sql
        or u.namespace <> 'pg_catalog'::regnamespace and exists (
            select from unnest(u.owners) as o (oid) left join pg_roles as r on r.oid = o.oid
            where o.oid is distinct from p.owner and r.rolsuper is not true)
    order by u.called
    limit 1
$sql$;
comment on function nl2sql._mask_call_problem(oid) is 'a function or operator of a policy of this table that a masked view may not call; NULL if there is none';

-- API: Private
create or replace function nl2sql._mask_policy_problem(relation oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(nl2sql._mask_lookup_problem(relation), nl2sql._mask_constant_problem(relation), nl2sql._mask_call_problem(relation))
$sql$;
comment on function nl2sql._mask_policy_problem(oid) is 'why a masked view can''t carry the row security of its table; NULL if it can';

-- API: Private
create or replace function nl2sql._mask_reader_problem(relation oid)
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._mask_policy_problem(v.relation)
    from nl2sql._mask_view as v
    where v.relation <> _mask_reader_problem.relation
        and exists (
            select from nl2sql._mask_lookups(v.relation) as l
            where l.lookup in (select t.oid from nl2sql._mask_tree(_mask_reader_problem.relation) as t (oid)))
        and nl2sql._mask_policy_problem(v.relation) is not null
    limit 1
$sql$;
comment on function nl2sql._mask_reader_problem(oid) is 'why policies of other masked tables may not read this one as it is now; NULL if they may, or none does';

-- API: Private
create or replace function nl2sql._mask_body(relation oid, numbers int2[])
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- The table is not renamed: the text of its policies names it as it is.
    select format('select %s from %I.%I%s',
        string_agg(format('%s as %I', coalesce(
            nl2sql._mask_expression(_mask_body.relation, a.attnum, m.masking), format('%I.%I', c.relname, a.attname)), a.attname),
            ', ' order by u.place),
        n.nspname, c.relname, ' where ' || nl2sql._mask_row_condition(_mask_body.relation))
    from unnest(numbers) with ordinality as u (number, place)
        join pg_attribute as a on a.attrelid = _mask_body.relation and a.attnum = u.number and not a.attisdropped
        join pg_class as c on c.oid = _mask_body.relation
        join pg_namespace as n on n.oid = c.relnamespace
        left join nl2sql._mask as m on m.relation = c.oid and m.number = a.attnum
    group by n.nspname, c.relname
    -- fails closed: a masking that no longer fits gives no view instead of a clear column
    having bool_and(m.masking is null or nl2sql._mask_expression(_mask_body.relation, a.attnum, m.masking) is not null)
$sql$;
comment on function nl2sql._mask_body(oid, int2[]) is 'the SELECT of a masked view that shows these columns; NULL if a masking does not fit its column';

-- API: Private
create or replace function nl2sql._on_mask()
returns trigger
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if tg_table_name = '_mask_view' then
        new.numbers := nl2sql._number_list(new.relation, new.column_names);
        -- roles have other numbers here than where the dump was made
        new.readers := (
            select coalesce(jsonb_agg(e.reader || jsonb_build_object('oid', coalesce(r.oid, 0)::bigint)), '[]')
            from jsonb_array_elements(new.readers) as e (reader)
                left join pg_roles as r on r.rolname = e.reader ->> 'role'
            where e.reader ->> 'role' = '' or r.oid is not null);
        return case when new.numbers is not null then new end;
    end if;
    new.number := (nl2sql._number_list(new.relation, array[new.column_name]))[1];
    -- none: a dump of a policy whose table or column had been dropped
    return case when new.number is not null then new end;
end
$plpgsql$;
comment on function nl2sql._on_mask() is 'trigger: finds the numbers of masked columns, also where a dump is restored';

create or replace trigger mask_numbers before insert on nl2sql._mask
    for each row execute function nl2sql._on_mask();
create or replace trigger mask_view_numbers before insert on nl2sql._mask_view
    for each row execute function nl2sql._on_mask();

-- API: Private
create or replace function nl2sql._masked_schema(relation oid)
returns name
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    wanted text := (
        select n.nspname || '_masked' from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = relation);
begin
    if octet_length(wanted) > 63 then
        raise exception using
            errcode = '42622',
            message = format('the schema of %s has too long a name for a masked schema beside it', relation::regclass),
            detail = 'Nothing was changed: the name of the schema and _masked must fit in 63 bytes.',
            hint = 'Give the schema a shorter name: ALTER SCHEMA ... RENAME TO ....';
    end if;
    return wanted::name;
end
$plpgsql$;
comment on function nl2sql._masked_schema(oid) is 'name of the schema for the masked view of a relation';

-- API: Private. Called by SECURITY DEFINER functions only; granted to nobody.
create or replace function nl2sql._open_masked_schema(wanted name)
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if to_regnamespace(quote_ident(wanted)) is null then
        execute format('create schema %I authorization nl2sql_masker', wanted);
        execute format('comment on schema %I is %L', wanted, 'nl2sql: masked views of the tables of the schema without _masked');
    elsif not exists (
        select from pg_namespace as n where n.nspname = wanted and n.nspowner = 'nl2sql_masker'::regrole
    ) then
        -- its owner could put another view in the place of a masked one
        raise exception using
            errcode = '42P06',
            message = format('the schema %I belongs to somebody else', wanted),
            detail = 'Nothing was changed: masked views go to a schema that nl2sql_masker owns.',
            hint = 'Rename or drop that schema.';
    end if;
end
$plpgsql$;
comment on function nl2sql._open_masked_schema(name) is 'make a schema for masked views unless it is there; raises 42P06 if it is somebody else''s';

-- API: Private. As above.
create or replace function nl2sql._copy_comments(relation oid, masked_view oid, numbers int2[])
returns void
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    told record;
begin
    if obj_description(relation, 'pg_class') is distinct from obj_description(masked_view, 'pg_class') then
        execute format('comment on view %s is %L', masked_view::regclass, obj_description(relation, 'pg_class'));
    end if;
    for told in
        select a.attname, col_description(relation, u.number) as comment
        from unnest(numbers) with ordinality as u (number, place)
            join pg_attribute as a on a.attrelid = masked_view and a.attnum = u.place
        where col_description(relation, u.number) is distinct from col_description(masked_view, u.place::int)
    loop
        execute format('comment on column %s.%I is %L', masked_view::regclass, told.attname, told.comment);
    end loop;
end
$plpgsql$;
comment on function nl2sql._copy_comments(oid, oid, int2[]) is 'give a masked view the comments of its table and its columns';

-- API: Private. As above. The columns of a view keep their places: what came later is shown last.
create or replace function nl2sql._mask_columns(relation oid, further int2)
returns int2[]
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(
        (select case when further is null or further = any (v.numbers) then v.numbers else v.numbers || further end
            from nl2sql._mask_view as v
                join pg_class as c on c.oid = v.masked_view
            where v.relation = _mask_columns.relation),
        -- not there yet, or lost with a dropped column: what was shown, in the order of the table
        array(
            select a.attnum from pg_attribute as a
            where a.attrelid = _mask_columns.relation and a.attnum > 0 and not a.attisdropped
                and (a.attnum = further or not exists (
                    select from nl2sql._mask_view as v
                    where v.relation = _mask_columns.relation and a.attnum <> all (v.numbers)))
            order by a.attnum))
$sql$;
comment on function nl2sql._mask_columns(oid, int2) is 'numbers of the columns that a masked view shows, with one more; new columns of a table are not shown until somebody says so';

-- API: Private. As above.
create or replace function nl2sql._put_mask_view(relation oid, numbers int2[], body text)
returns regclass
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    known regclass := (
        select v.masked_view from nl2sql._mask_view as v
            join pg_class as c on c.oid = v.masked_view
        where v.relation = _put_mask_view.relation);
    place text := coalesce(known::text, (
        select format('%I.%I', nl2sql._masked_schema(c.oid), c.relname) from pg_class as c where c.oid = relation));
    reader text;
begin
    if known is null and to_regclass(place) is not null then
        raise exception using
            errcode = '42P07',
            message = format('%s is there already', place),
            detail = 'Nothing was changed: the masked view needs that name.',
            hint = 'Rename or drop it.';
    end if;
    execute format('create or replace view %s with (security_barrier) as %s', place, body);
    if known is null then
        execute format('alter view %s owner to nl2sql_masker', place);
        -- what default privileges of the role that made it have given
        for reader in
            select distinct nl2sql._role_text(x.grantee)
            from pg_class as c cross join aclexplode(c.relacl) as x
            where c.oid = place::regclass and x.grantee <> 'nl2sql_masker'::regrole
        loop
            execute format('revoke all on table %s from %s', place, reader);
        end loop;
    end if;
    insert into nl2sql._mask_view as v (relation, masked_view, column_names, body)
    values (relation, place::regclass, nl2sql._name_list(relation, numbers), body)
    on conflict on constraint _mask_view_pkey do update
        set masked_view = excluded.masked_view, column_names = excluded.column_names, numbers = excluded.numbers, body = excluded.body;
    return place::regclass;
end
$plpgsql$;
comment on function nl2sql._put_mask_view(oid, int2[], text) is 'make or replace a masked view, and note it';

-- API: Private. As above.
create or replace function nl2sql._build_mask_view(relation regclass, further int2)
returns regclass
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    numbers int2[] := nl2sql._mask_columns(relation, further);
    problem text;
    body text;
    masked_view regclass;
    lookup record;
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        -- it would not see policies that others have made since it began
        raise exception using
            errcode = '0A000',
            message = format('the masked view of %s can''t be made in a transaction with one snapshot', relation),
            detail = 'Nothing was changed: row security that others have changed meanwhile would be missing in it.',
            hint = 'Do it in a READ COMMITTED transaction.';
    end if;
    if not exists (select from pg_roles as r where r.rolname = 'nl2sql_masker' and r.rolbypassrls and not r.rolcanlogin) then
        -- nothing is given to a role that somebody has made in its place
        perform nl2sql._raise_error(nl2sql._masker_problem());
    end if;
    -- a policy must not come between looking at them and making the view; what has none can't be locked either
    if (select c.relkind in ('r', 'p') from pg_class as c where c.oid = relation) then
        execute format('lock table %s in share update exclusive mode', relation);
    end if;
    problem := coalesce(nl2sql._mask_policy_problem(relation), nl2sql._mask_reader_problem(relation));
    if problem is not null then
        raise exception using
            errcode = '0A000',
            message = problem,
            detail = 'Nothing was changed: the masked view could not hold back the same rows as the table, or would open more than it.',
            hint = 'Let policies of masked tables read plain tables of the same owner, without row security and masks, have constants of '
                'built-in types and enums, and call built-in functions or those of the owner of the table or of a superuser.';
    end if;
    perform nl2sql._open_masked_schema(nl2sql._masked_schema(relation));
    body := nl2sql._mask_body(relation, numbers);
    if body is null then
        raise exception using
            errcode = '42804',
            message = format('a mask of %s does not fit its column any more', relation),
            detail = 'Nothing was changed.',
            hint = 'SELECT * FROM nl2sql.masking_policy shows the masks; unmask() the column first.';
    end if;
    masked_view := nl2sql._put_mask_view(relation, numbers, body);
    execute format('grant select on table %s to nl2sql_masker', relation);
    for lookup in
        select l.lookup::regclass as relation, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
        from nl2sql._mask_lookups(relation) as l
            left join pg_attribute as a on a.attrelid = l.lookup and a.attnum = l.number and l.number > 0
        group by l.lookup
    loop
        execute format('grant select%s on table %s to nl2sql_masker', ' (' || lookup.columns || ')', lookup.relation);
    end loop;
    perform nl2sql._copy_comments(relation, masked_view, numbers);
    return masked_view;
end
$plpgsql$;
comment on function nl2sql._build_mask_view(regclass, int2) is
    'make or replace the masked view of a table, with a further column if it is not NULL; raises 0A000, 42804, 42P06, 42P07, 42622';
