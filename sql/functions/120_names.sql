-- Relations and roles named in arguments. As text: regclass is looked up as the caller, and who manages policies need not be let
-- into a schema; regrole folds a name that is given without quotes, and takes none with blanks in it.

-- API: Private. Only SECURITY DEFINER functions call it, after they have seen who asks.
create or replace function nl2sql._find_relation(given text, path name[])
returns regclass
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    parts text[];
begin
    -- by number, as regclass takes it
    if given ~ '^[0-9]+$' then
        return (select c.oid from pg_class as c where c.oid::text = given);
    end if;
    begin
        parts := parse_ident(given);
    exception when invalid_parameter_value then
        return null;
    end;
    if cardinality(parts) = 3 and parts[1] = current_database() then
        parts := parts[2:3];
    end if;
    return (
        select c.oid
        from unnest(case cardinality(parts) when 1 then path when 2 then array[parts[1]::name] end)
                with ordinality as p (schema_name, place)
            join pg_namespace as n on n.nspname = p.schema_name or p.schema_name = 'pg_temp' and n.oid = pg_my_temp_schema()
            join pg_class as c on c.relnamespace = n.oid and c.relname = parts[cardinality(parts)]
        order by p.place
        limit 1);
end
$plpgsql$;
comment on function nl2sql._find_relation(text, name[]) is 'a relation by its name as SQL writes it, or its OID; NULL if there is none, or the name is none';

-- API: Private
create or replace function nl2sql._relation_problem(given text, path name[])
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._problem('42P01', format('there is no relation %s', given),
        'Name it as SQL does, with its schema: shop.customers, or shop."Client List" where a name has capitals, blanks or dots.')
    where given is not null and nl2sql._find_relation(given, path) is null
$sql$;
comment on function nl2sql._relation_problem(text, name[]) is 'that there is no such relation: an error; NULL if there is, or none is given';

-- API: Private. Roles are known to everybody.
create or replace function nl2sql._find_role(given text)
returns oid
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    parts text[];
begin
    if given = '-' or lower(replace(given, 'I', 'i')) = 'public' then
        return 0;
    elsif exists (select from pg_roles as r where r.rolname = given) then
        return (select r.oid from pg_roles as r where r.rolname = given);
    elsif given ~ '^[0-9]+$' then
        return (select r.oid from pg_roles as r where r.oid::text = given);
    end if;
    begin
        parts := parse_ident(given);
    exception when invalid_parameter_value then
        return null;
    end;
    return (select r.oid from pg_roles as r where cardinality(parts) = 1 and r.rolname = parts[1]);
end
$plpgsql$;
comment on function nl2sql._find_role(text) is
    'a role by its very name, else as SQL writes it, or its OID; 0: PUBLIC, also as -; NULL if there is none';

-- API: Private
create or replace function nl2sql._role_problem(given text)
returns jsonb
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._problem('42704', format('there is no role %s', given), 'SELECT rolname FROM pg_roles lists the names.')
    where given is not null and nl2sql._find_role(given) is null
$sql$;
comment on function nl2sql._role_problem(text) is 'that there is no such role: an error; NULL if there is, or none is given';
