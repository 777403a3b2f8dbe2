-- Who may check and run statements, and who limits them; 990_privileges.sql has taken everything from PUBLIC.
do $plpgsql$
declare
    running constant text[] := array[
        'nl2sql._limits_of(name, name)', 'nl2sql._named_relations(name[], text[])',
        'nl2sql._captured(name[], text[], text[], text)', 'nl2sql._captured_type(text[])', 'nl2sql._has_code_of_others()',
        'nl2sql._raise_warnings(jsonb)', 'nl2sql._check(text, jsonb)', 'nl2sql.check(text)',
        'nl2sql._run(text, jsonb, jsonb)', 'nl2sql.run(text, jsonb)',
        'nl2sql._query(text, jsonb, jsonb)', 'nl2sql.query(text, jsonb)', 'nl2sql._typed(text, text, jsonb, jsonb)',
        'nl2sql._column_types(oid[], int[])', 'nl2sql._typed_statement(jsonb)', 'nl2sql._column_list(jsonb)',
        'nl2sql.query_as(text, jsonb)', 'nl2sql.open(text, refcursor, jsonb)', 'nl2sql._view_place(text, text)',
        'nl2sql._create_view(text, text, text[], text, text, text)', 'nl2sql._save_view(text, text, jsonb, jsonb)',
        'nl2sql.save_view(text, text, jsonb)'];
    limiting constant text[] := array[
        'nl2sql.set_limit(regrole, bigint, bigint, int, int)', 'nl2sql.drop_limit(regrole)'];
    signature text;
begin
    foreach signature in array running loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer', signature);
    end loop;
    foreach signature in array limiting loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_admin', signature);
    end loop;
end
$plpgsql$;
-- what administrators store is held to the same
grant execute on function nl2sql._captured(name[], text[], text[], text), nl2sql._captured_type(text[]),
    nl2sql._has_code_of_others() to nl2sql_admin;
grant select on nl2sql.limits to nl2sql_admin;
