-- The role that owns the masked views, and what is known of each policy. Nobody may be this role: its views are the only way
-- to what it reads. It passes row security, since each view carries the policies of its table itself.
do $plpgsql$
begin
    if pg_catalog.to_regrole('nl2sql_masker') is null then
        create role nl2sql_masker nologin noinherit;
        comment on role nl2sql_masker is 'nl2sql: owns the masked views; granted to nobody';
    end if;
    if exists (
        select from pg_catalog.pg_auth_members as m
        where m.roleid operator(pg_catalog.=) pg_catalog.to_regrole('nl2sql_masker')::oid
    ) then
        raise exception using
            errcode = '42501',
            message = 'the role nl2sql_masker has members',
            detail = 'Its members could read masked columns in clear; nl2sql was not installed.',
            hint = 'REVOKE nl2sql_masker from its members, or rename that role if it is not nl2sql''s.';
    end if;
    alter role nl2sql_masker nologin noinherit nosuperuser nocreaterole nocreatedb bypassrls;
end
$plpgsql$;

-- API: Private. A row a masked column. As in nl2sql.join_rule tables are kept as regclass and columns by number, so both
-- follow a rename; a dump has names, and a trigger finds the numbers again where it is restored.
create table nl2sql._mask (
    relation regclass not null,
    column_name name not null,
    masking text not null,
    number int2 not null,
    masked_at timestamptz not null default pg_catalog.clock_timestamp(),
    masked_by text not null default session_user,
    primary key (relation, number)
);
comment on table nl2sql._mask is 'masked columns and how they are masked; see nl2sql.mask() and nl2sql.masking_policy';

-- API: Private. The view that stands for a table with masked columns.
create table nl2sql._mask_view (
    relation regclass not null primary key,
    masked_view regclass not null unique,
    column_names name[] not null,
    numbers int2[] not null,
    body text not null,
    readers jsonb not null default '[]'
);
comment on table nl2sql._mask_view is 'masked views: which columns of the table they show, in order, their text, and who may read them';

-- Who reads a masked view may know which table it stands for, so that keys and joins of the table are found for it.
alter table nl2sql._mask_view enable row level security;
create policy _mask_view_readable on nl2sql._mask_view for select using (
    pg_catalog.has_any_column_privilege(masked_view::oid, 'select')
);
alter table nl2sql._mask enable row level security;
create policy _mask_readable on nl2sql._mask for select using (
    exists (select from nl2sql._mask_view as v where v.relation operator(pg_catalog.=) _mask.relation)
);
grant select on nl2sql._mask, nl2sql._mask_view to nl2sql_user, nl2sql_developer, nl2sql_admin;

-- API: Private. What mask() took, to be given back by unmask().
create table nl2sql._mask_taken (
    root regclass not null,
    relation regclass not null,
    column_name name not null default '',
    grantee regrole not null,
    privilege text not null,
    grantable boolean not null,
    taken_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (root, relation, column_name, grantee, privilege)
);
comment on table nl2sql._mask_taken is 'privileges that mask() took because of the masked columns of root; column_name empty: of the whole relation';

-- API: Private. Roles that see clear text, besides owners, their members and superusers.
create table nl2sql._mask_clear (
    relation regclass not null,
    role regrole not null,
    named boolean not null,
    since timestamptz not null default pg_catalog.clock_timestamp(),
    noted_by text not null default session_user,
    primary key (relation, role)
);
comment on table nl2sql._mask_clear is 'roles that hold SELECT on a masked table, or on a view of it: named with show_clear(), or seen by the event trigger';

-- API: Private. Sessions that change masked views right now: their own DDL is not followed. No setting, since anybody may SET one.
create table nl2sql._mask_busy (
    pid int not null primary key
);
comment on table nl2sql._mask_busy is 'backends whose own DDL the event trigger leaves alone; rows live within one transaction';

select pg_catalog.pg_extension_config_dump('nl2sql._mask', '');
select pg_catalog.pg_extension_config_dump('nl2sql._mask_view', '');
select pg_catalog.pg_extension_config_dump('nl2sql._mask_taken', '');
select pg_catalog.pg_extension_config_dump('nl2sql._mask_clear', '');
