-- API: Private. Values that differ from the defaults in nl2sql._setting_default(); only these are dumped.
create table nl2sql.setting (
    name text not null primary key,
    value text not null,
    changed_at timestamptz not null default pg_catalog.clock_timestamp(),
    changed_by text not null default session_user
);
comment on table nl2sql.setting is 'protected settings that differ from their defaults; see nl2sql.settings and nl2sql.set_setting()';
select pg_catalog.pg_extension_config_dump('nl2sql.setting', '');
