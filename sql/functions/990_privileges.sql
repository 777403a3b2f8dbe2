-- Last: nothing for PUBLIC but the doorman; the public functions to the roles that may use them.
revoke all on all functions in schema nl2sql from public;
revoke all on all tables in schema nl2sql from public;

do $plpgsql$
declare
    -- what asking needs, run as the caller
    asking constant text[] := array[
        'nl2sql._setting_default()', 'nl2sql._settings()', 'nl2sql._words(text)', 'nl2sql._clean(text, int)',
        'nl2sql._is_user_schema(oid)', 'nl2sql._is_user_relation(pg_catalog.pg_class)', 'nl2sql._scope(text, name[])',
        'nl2sql._open_schemas(text, name[])', 'nl2sql._extension_relations()', 'nl2sql._readable(text, name[], int)',
        'nl2sql._readable_among(text, name[], oid[])', 'nl2sql._column_values(oid, int2, oid)', 'nl2sql._describe(oid[])',
        'nl2sql._documents(oid[])', 'nl2sql._index_stale(oid[])', 'nl2sql._index_queued()', 'nl2sql._index_state()',
        'nl2sql._lexemes(text)', 'nl2sql._live_words(oid[], boolean)', 'nl2sql._distances(oid[], text, text)',
        'nl2sql._nearest(text, text, int)', 'nl2sql._stale(text, name[])',
        'nl2sql._candidates(text, name[], text, text, text, oid[])', 'nl2sql._links(oid[])', 'nl2sql._neighbours(oid[], text, name[])',
        'nl2sql._raise_error(jsonb)', 'nl2sql._ask(text, jsonb, jsonb)', 'nl2sql._caller()', 'nl2sql.ask(text, jsonb)',
        'nl2sql._status(jsonb)', 'nl2sql.status()', 'nl2sql._limit_temporary_files()', 'nl2sql._withheld(text, name[], text)',
        'nl2sql._value_found(name, text[], text[])',
        'nl2sql._trace(text, jsonb, jsonb)', 'nl2sql.trace(text, jsonb)'];
    administering constant text[] := array[
        'nl2sql._setting_default()', 'nl2sql._settings()', 'nl2sql.set_setting(text, text)', 'nl2sql._raise_error(jsonb)',
        'nl2sql._index_state()', 'nl2sql._index_pending(int)', 'nl2sql._index_queue_head()',
        'nl2sql._index_store(jsonb, text, bigint)', 'nl2sql._index_requeue()', 'nl2sql._refresh_index()',
        'nl2sql.refresh_index(boolean)', 'nl2sql._caller()', 'nl2sql._status(jsonb)', 'nl2sql.status()',
        'nl2sql._is_user_schema(oid)', 'nl2sql._is_user_relation(pg_catalog.pg_class)', 'nl2sql._scope(text, name[])',
        'nl2sql._open_schemas(text, name[])', 'nl2sql._extension_relations()', 'nl2sql._readable(text, name[], int)',
        'nl2sql.define_join(regclass, text[], regclass, text[], boolean)'];
    indexing constant text[] := array[
        'nl2sql._index_pending(int)', 'nl2sql._index_queue_head()', 'nl2sql._index_store(jsonb, text, bigint)'];
    -- stored examples, terms and feedback: what every question needs, and what users say of answers
    learning constant text[] := array[
        'nl2sql._first_schema(name[], name)', 'nl2sql._examples_kind()', 'nl2sql._han_likeness(text, text)',
        'nl2sql._find_examples(text, text, text, name[], jsonb, float8, int)', 'nl2sql.list_examples(text)',
        'nl2sql._terms()', 'nl2sql._terms_in(text)', 'nl2sql._feedback_store(jsonb, jsonb)', 'nl2sql._feedback(jsonb, jsonb)',
        'nl2sql.feedback(uuid, boolean, text, text, text, text)'];
    proposing constant text[] := array[
        'nl2sql.propose_example(text, text, text)', 'nl2sql._suggest_examples(jsonb)', 'nl2sql._view_statements(name[])',
        'nl2sql._workload(int)', 'nl2sql.suggest_examples()'];
    teaching constant text[] := array[
        'nl2sql._clean(text, int)', 'nl2sql._describe(oid[])', 'nl2sql._column_values(oid, int2, oid)',
        'nl2sql._example_store(jsonb, jsonb, text)',
        'nl2sql._add_example(text, text, text, jsonb)', 'nl2sql.add_example(text, text, text)', 'nl2sql._raise_warnings(jsonb)',
        'nl2sql.drop_example(bigint)', 'nl2sql.define_term(text, text, regclass[])', 'nl2sql.drop_term(text)',
        'nl2sql._feedback_close(bigint, text, text, bigint)', 'nl2sql._review_queue()', 'nl2sql._approve(bigint, text, jsonb)',
        'nl2sql.approve(bigint, text)', 'nl2sql.reject(bigint, text)'];
    joining constant text[] := array[
        'nl2sql._key_columns(oid[])', 'nl2sql._key_statistics(oid[], int2[])', 'nl2sql._known_joins(oid[])',
        'nl2sql._name_list(oid, int2[])', 'nl2sql._joins(oid[])', 'nl2sql._join_list(oid[])'];
    filling constant text[] := array['nl2sql._example_pending(text, int)', 'nl2sql._example_embed(jsonb, text)', 'nl2sql._known_refresh(int)'];
    -- values that questions name, and those that the DBA has chosen for it
    valuing constant text[] := array[
        'nl2sql._samples(oid[])', 'nl2sql._folded(text)', 'nl2sql._frequent_values(name[], name[])',
        'nl2sql._indexed_values(name[], name[], text[], text[])', 'nl2sql._known_found(name, text[], int)',
        'nl2sql._valued(text, name[], text[])'];
    choosing constant text[] := array[
        'nl2sql._samples(oid[])', 'nl2sql._value_column_problem(oid, int2)', 'nl2sql._store_values(oid, int2, int, boolean, text[])',
        'nl2sql._forget_values(oid, int2)', 'nl2sql.index_values(regclass, name, int)', 'nl2sql.drop_values(regclass, name)'];
    evaluating constant text[] := array[
        'nl2sql._judge_case(text, text, jsonb)', 'nl2sql._check_case(text, text, jsonb)', 'nl2sql.add_case(text, text, text)',
        'nl2sql._set_preferences(jsonb)', 'nl2sql.evaluate(text, jsonb)'];
    -- who acts, for the audit record of what is asked
    recording constant text[] := array[
        'nl2sql._audit_microseconds(timestamptz)', 'nl2sql._audit_member_of(name)', 'nl2sql._audit_session(name)'];
    -- the log: filled by the sidecar, read by auditors
    delivering constant text[] := array[
        'nl2sql._audit_append(jsonb)', 'nl2sql._audit_outbox(int)', 'nl2sql._audit_look()'];
    auditing constant text[] := array[
        'nl2sql._audit_read(text)', 'nl2sql._audit_list(jsonb, text)', 'nl2sql.audit_verify(timestamptz, timestamptz)',
        'nl2sql.audit_heads()', 'nl2sql._raise_error(jsonb)'];
    -- masked views in the place of their tables
    standing_in constant text[] := array[
        'nl2sql._other_halves()', 'nl2sql._key_places(oid, int2[])', 'nl2sql._keys(oid[])', 'nl2sql._shown_columns(oid[])',
        'nl2sql._masked_samples(name, oid[])', 'nl2sql._masked_frequent_values(name, name[], name[])', 'nl2sql._held_back(oid[])'];
    masking constant text[] := array[
        'nl2sql.mask(regclass, name, text)', 'nl2sql.unmask(regclass, name)', 'nl2sql.show_column(regclass, name)',
        'nl2sql.show_clear(regclass, regrole, boolean)', 'nl2sql.use_masked(regrole)',
        'nl2sql._masking_parts(text)', 'nl2sql._base_type(oid, int)', 'nl2sql._mask_functions(name, text[])',
        'nl2sql._mask_fit(oid, oid)', 'nl2sql._mask_clamped(text, text, oid, int)', 'nl2sql._mask_expression(oid, int2, text)', 'nl2sql._pii_names()', 'nl2sql._pii_masking(text)',
        'nl2sql._pii_sample_problem(oid, int2)', 'nl2sql._pii_sample(regclass, int2, int)',
        'nl2sql._pii_verdict(text, float8, jsonb)', 'nl2sql.discover_pii(name[], int)', 'nl2sql._words(text)'];
    -- masks, which views run as their owner and anybody may use on what he reads
    masking_functions constant text[] := array[
        'nl2sql._mask_text(text)', 'nl2sql.mask_sensitive(text)', 'nl2sql.mask_email(text)', 'nl2sql.mask_phone(text)',
        'nl2sql.mask_card(text)', 'nl2sql.mask_name(text)', 'nl2sql.mask_id(text)', 'nl2sql.mask_partial(text, int, int, text)',
        'nl2sql.mask_hash(text)', 'nl2sql._unknown_date_unit(text, anyelement)', 'nl2sql._unknown_step(numeric)', 'nl2sql.mask_date(date, text)',
        'nl2sql.mask_date(timestamp, text)', 'nl2sql.mask_date(timestamptz, text)', 'nl2sql.mask_number(numeric, numeric)',
        'nl2sql.mask_null(anyelement)'];
    signature text;
begin
    foreach signature in array delivering loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_sidecar', signature);
    end loop;
    foreach signature in array auditing loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_auditor', signature);
    end loop;
    foreach signature in array standing_in loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer, nl2sql_admin', signature);
    end loop;
    foreach signature in array masking loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_admin', signature);
    end loop;
    foreach signature in array recording loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer, nl2sql_auditor, nl2sql_admin', signature);
    end loop;
    foreach signature in array masking_functions loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer, nl2sql_admin', signature);
    end loop;
    execute 'grant execute on function nl2sql._sensitive_kinds(text) to nl2sql_admin';
    execute 'grant execute on function nl2sql._mask_keepers(oid) to nl2sql_admin, nl2sql_auditor';
    -- for owners of masked tables; it looks at who calls it
    execute 'grant execute on function nl2sql.revoke_masked(regclass, regrole) to nl2sql_user, nl2sql_developer, nl2sql_admin';
    foreach signature in array evaluating loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer', signature);
    end loop;
    foreach signature in array valuing loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer', signature);
    end loop;
    foreach signature in array choosing loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_admin', signature);
    end loop;
    foreach signature in array joining loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer, nl2sql_admin', signature);
    end loop;
    foreach signature in array learning loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_user, nl2sql_developer, nl2sql_admin', signature);
    end loop;
    foreach signature in array proposing loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_developer, nl2sql_admin', signature);
    end loop;
    foreach signature in array teaching loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_admin', signature);
    end loop;
    foreach signature in array filling loop
        execute pg_catalog.format('grant execute on function %s to nl2sql_admin, nl2sql_sidecar', signature);
    end loop;
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
grant select on nl2sql.settings, nl2sql.joins, nl2sql.terms to nl2sql_user, nl2sql_developer, nl2sql_admin;
grant select on nl2sql.review_queue to nl2sql_admin;
grant select on nl2sql.indexed_values to nl2sql_admin;
grant select on nl2sql.audit_log, nl2sql.alert to nl2sql_auditor;
grant select on nl2sql.masking_policy to nl2sql_admin, nl2sql_auditor;

revoke all on function @extschema@.nl2sql(text) from public;
grant execute on function @extschema@.nl2sql(text) to public;
