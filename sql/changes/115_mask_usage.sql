-- API: Private. Who got USAGE on a schema of masked views since he has it on the schema it stands for; taken again when that is.
create table nl2sql._mask_usage (
    masked_schema regnamespace not null,
    grantee regrole not null,
    primary key (masked_schema, grantee)
);
comment on table nl2sql._mask_usage is 'USAGE on schemas of masked views that follows USAGE on the schemas of the tables';

select pg_catalog.pg_extension_config_dump('nl2sql._mask_usage', '');
