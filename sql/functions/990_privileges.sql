-- Last: nothing for PUBLIC but the doorman; the public functions to the roles that may use them.
revoke all on all functions in schema nl2sql from public;
revoke all on all tables in schema nl2sql from public;

do $plpgsql$
declare
    -- what asking needs, run as the caller
    asking constant text[] := array[
        'nl2sql._setting_default()', 'nl2sql._settings()', 'nl2sql._words(text)', 'nl2sql._clean(text, int)',
        'nl2sql._is_user_schema(oid)', 'nl2sql._is_user_relation(pg_catalog.pg_class)', 'nl2sql._scope(text, name[])',
        'nl2sql._column_values(oid, int2, oid)', 'nl2sql._columns(oid)', 'nl2sql._column_names(oid, int2[])',
        'nl2sql._foreign_keys(oid)', 'nl2sql._describe(oid[])', 'nl2sql._documents(oid[])', 'nl2sql._index_stale(oid[])',
        'nl2sql._index_state()', 'nl2sql._rank(oid[], text, text, text)', 'nl2sql._bridges(oid[], oid[])',
        'nl2sql._raise_error(jsonb)', 'nl2sql._ask(text, jsonb, jsonb)', 'nl2sql._caller()', 'nl2sql.ask(text, jsonb)',
        'nl2sql._status(jsonb)', 'nl2sql.status()'];
    administering constant text[] := array[
        'nl2sql._setting_default()', 'nl2sql._settings()', 'nl2sql.set_setting(text, text)', 'nl2sql._raise_error(jsonb)',
        'nl2sql._index_state()', 'nl2sql._index_pending(int)', 'nl2sql._index_queue_head()',
        'nl2sql._index_store(jsonb, text, bigint)', 'nl2sql._index_requeue()', 'nl2sql._refresh_index()',
        'nl2sql.refresh_index(boolean)', 'nl2sql._caller()', 'nl2sql._status(jsonb)', 'nl2sql.status()',
        'nl2sql._is_user_schema(oid)', 'nl2sql._is_user_relation(pg_catalog.pg_class)', 'nl2sql._scope(text, name[])'];
    indexing constant text[] := array[
        'nl2sql._index_pending(int)', 'nl2sql._index_queue_head()', 'nl2sql._index_store(jsonb, text, bigint)'];
    signature text;
begin
    foreach signature in array asking loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer', signature);
    end loop;
    foreach signature in array administering loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_admin', signature);
    end loop;
    foreach signature in array indexing loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_sidecar', signature);
    end loop;
end
$plpgsql$;
grant select on nl2sql.settings to nl2sql_user, nl2sql_developer, nl2sql_admin;

revoke all on function @extschema@.nl2sql(text) from public;
grant execute on function @extschema@.nl2sql(text) to public;
