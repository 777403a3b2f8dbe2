-- Cluster roles. They are not members of the extension: roles belong to the cluster and outlive DROP EXTENSION.
do $plpgsql$
declare
    wanted record;
begin
    for wanted in
        select *
        from (values
            ('nl2sql_user', 'asks questions of the tables it may read'),
            ('nl2sql_developer', 'asks questions and sees performance data'),
            ('nl2sql_auditor', 'reads logs and alerts, no data'),
            ('nl2sql_admin', 'configures nl2sql; sees no data by that'),
            ('nl2sql_sidecar', 'the sidecar''s own connection: keeps the schema index; NOLOGIN until the DBA says so')
        ) as roles (role_name, purpose)
    loop
        if pg_catalog.to_regrole(wanted.role_name) is null then
            execute pg_catalog.format('create role %I nologin', wanted.role_name);
            execute pg_catalog.format('comment on role %I is %L', wanted.role_name, pg_catalog.concat('nl2sql: ', wanted.purpose));
        end if;
    end loop;
end
$plpgsql$;
