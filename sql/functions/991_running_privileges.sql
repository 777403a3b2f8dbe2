-- Who may check and run statements, and who limits them; 990_privileges.sql has taken everything from PUBLIC.
do $plpgsql$
declare
    running constant text[] := array[
        'nl2sql._limits_of(name, name)', 'nl2sql._named_relations(name[], text)', 'nl2sql._captured(name[], text)',
        'nl2sql._raise_warnings(jsonb)', 'nl2sql._check(text, jsonb)', 'nl2sql.check(text)',
        'nl2sql._run(text, jsonb, jsonb)', 'nl2sql.run(text, jsonb)'];
    signature text;
begin
    foreach signature in array running loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer', signature);
    end loop;
end
$plpgsql$;
