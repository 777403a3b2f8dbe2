-- API: Private. Who got EXECUTE on a mask function since a masked view that he reads calls it; taken again with the last such view.
create table nl2sql._mask_execute (
    function regprocedure not null,
    grantee regrole not null,
    primary key (function, grantee)
);
comment on table nl2sql._mask_execute is 'EXECUTE on mask functions that readers of masked views got, and did not have before';

select pg_catalog.pg_extension_config_dump('nl2sql._mask_execute', '');
