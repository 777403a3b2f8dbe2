-- Last: nothing for PUBLIC but the doorman; the public functions to the roles that may use them.
revoke all on all functions in schema nl2sql from public;
revoke all on all tables in schema nl2sql from public;

-- Who may execute what: a function stands in one group only; what stands in none is executable by nobody.
do $plpgsql$
declare
    given record;
begin
    for given in
        select g.roles, f.signature::pg_catalog.regprocedure as function,
            pg_catalog.count(*) over (partition by f.signature::pg_catalog.regprocedure) as times
        from (values
            -- what every call needs: its errors, and who acts, for the audit record
            ('nl2sql_user, nl2sql_developer, nl2sql_auditor, nl2sql_admin', array[
                'nl2sql._raise_error(jsonb)', 'nl2sql._ok(jsonb, boolean)', 'nl2sql._audit_microseconds(timestamptz)',
                'nl2sql._audit_member_of(name)', 'nl2sql._audit_session(name)']),
            -- what asking and administering have in common: settings, what the caller may read, the state of the parts
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._setting_default()', 'nl2sql._settings()', 'nl2sql._words(text)', 'nl2sql._clean(text, int)',
                'nl2sql._is_user_schema(oid)', 'nl2sql._is_user_relation(pg_catalog.pg_class)', 'nl2sql._scope(text, name[])',
                'nl2sql._open_schemas(text, name[])', 'nl2sql._extension_relations()', 'nl2sql._readable(text, name[], int)',
                'nl2sql._column_values(oid, int2, oid)', 'nl2sql._describe(oid[])', 'nl2sql._samples(oid[])',
                'nl2sql._index_state()', 'nl2sql._caller()', 'nl2sql._status(jsonb)', 'nl2sql.status()']),
            -- what asking needs, run as the caller
            ('nl2sql_user, nl2sql_developer', array[
                'nl2sql._readable_among(text, name[], oid[])', 'nl2sql._documents(oid[])', 'nl2sql._index_stale(oid[])',
                'nl2sql._index_queued()', 'nl2sql._lexemes(text)', 'nl2sql._live_words(oid[], boolean)',
                'nl2sql._distances(oid[], text, text)', 'nl2sql._nearest(text, text, int)', 'nl2sql._many()',
                'nl2sql._stale(text, name[], oid[])', 'nl2sql._candidates(text, name[], oid[], text, text, text, oid[])',
                'nl2sql._pointed_to(text, name[], text, text, text)', 'nl2sql._links(oid[])',
                'nl2sql._neighbours(oid[], text, name[])', 'nl2sql._ask(text, jsonb, jsonb)', 'nl2sql.ask(text, jsonb)',
                'nl2sql._limit_temporary_files()', 'nl2sql._withheld(text, name[], text)',
                'nl2sql._value_found(name, text[], text[])', 'nl2sql._trace(text, jsonb, jsonb)', 'nl2sql.trace(text, jsonb)']),
            -- values that questions name
            ('nl2sql_user, nl2sql_developer', array[
                'nl2sql._folded(text)', 'nl2sql._frequent_values(name[], name[])',
                'nl2sql._indexed_values(name[], name[], text[], text[])', 'nl2sql._known_found(name, text[], int)',
                'nl2sql._valued(text, name[], text[])']),
            -- what columns hold where their types do not say it
            ('nl2sql_user, nl2sql_developer', array[
                'nl2sql._seen_values(name[], name[], name[])', 'nl2sql._loose_columns(oid[])']),
            -- joins that nobody declared
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._key_columns(oid[])', 'nl2sql._key_statistics(oid[], int2[])', 'nl2sql._known_joins(oid[])',
                'nl2sql._name_list(oid, int2[])', 'nl2sql._joins(oid[])', 'nl2sql._join_list(oid[])']),
            -- what names the rows of a table
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._label_columns(oid[])', 'nl2sql._labels(oid[])', 'nl2sql._label_list(oid[])']),
            -- standing conditions: what every question needs, and what they are about
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._filter_text(text[], name[])', 'nl2sql._column_kinds(oid, int2[])',
                'nl2sql._filter_problem(oid, int2[], text[])', 'nl2sql._filters()', 'nl2sql._filters_of(name, oid[])',
                'nl2sql._masked_columns(oid[])']),
            ('nl2sql_admin', array[
                'nl2sql.define_filter(text, text, text, name[])', 'nl2sql.define_filter(regclass, text, text)',
                'nl2sql.drop_filter(int)', 'nl2sql.drop_filter(text, name[])', 'nl2sql.drop_filter(regclass)',
                'nl2sql._suggest_filters(oid[])', 'nl2sql.suggest_filters()']),
            -- stored examples, terms and feedback: what every question needs, and what users say of answers
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._first_schema(name[], name)', 'nl2sql._examples_kind()', 'nl2sql._han_likeness(text, text)',
                'nl2sql._find_examples(text, text, text, name[], jsonb, float8, int)', 'nl2sql.list_examples(text)',
                'nl2sql._terms()', 'nl2sql._terms_in(text)', 'nl2sql._feedback_store(jsonb, jsonb)',
                'nl2sql._feedback(jsonb, jsonb)', 'nl2sql.feedback(uuid, boolean, text, text, text, text)']),
            -- what statements are held to, those that administrators store included
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._captured(name[], text[], text[], text)', 'nl2sql._captured_type(text[])',
                'nl2sql._has_code_of_others()']),
            -- checking and running statements
            ('nl2sql_user, nl2sql_developer', array[
                'nl2sql._limits_of(name, name)', 'nl2sql._named_relations(name[], text[])', 'nl2sql._check(text, jsonb)',
                'nl2sql.check(text)', 'nl2sql._run(text, jsonb, jsonb)', 'nl2sql.run(text, jsonb)',
                'nl2sql._query(text, jsonb, jsonb)', 'nl2sql.query(text, jsonb)', 'nl2sql._typed(text, text, jsonb, jsonb)',
                'nl2sql._column_types(oid[], int[])', 'nl2sql._typed_statement(jsonb)', 'nl2sql._column_list(jsonb)',
                'nl2sql.query_as(text, jsonb)', 'nl2sql.open(text, refcursor, jsonb)', 'nl2sql._view_place(text, text)',
                'nl2sql._create_view(text, text, text[], text, text, text)', 'nl2sql._save_view(text, text, jsonb, jsonb)',
                'nl2sql.save_view(text, text, jsonb)']),
            -- questions of one's own with known answers
            ('nl2sql_user, nl2sql_developer', array[
                'nl2sql._judge_case(text, text, jsonb)', 'nl2sql._check_case(text, text, jsonb)',
                'nl2sql.add_case(text, text, text)', 'nl2sql._set_preferences(jsonb)', 'nl2sql.evaluate(text, jsonb)']),
            -- examples that developers propose
            ('nl2sql_developer, nl2sql_admin', array[
                'nl2sql.propose_example(text, text, text)', 'nl2sql._suggest_examples(jsonb)',
                'nl2sql._view_statements(name[])', 'nl2sql._workload(int)', 'nl2sql.suggest_examples()']),
            -- masked views in the place of their tables
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._other_halves()', 'nl2sql._key_places(oid, int2[])', 'nl2sql._keys(oid[])',
                'nl2sql._shown_columns(oid[])', 'nl2sql._masked_samples(name, oid[])',
                'nl2sql._masked_seen_values(name, name[], name[], name[])',
                'nl2sql._masked_frequent_values(name, name[], name[])', 'nl2sql._held_back(oid[])']),
            -- masks, which views run as their owner and anybody may use on what he reads
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql._mask_text(text)', 'nl2sql.mask_sensitive(text)', 'nl2sql.mask_email(text)', 'nl2sql.mask_phone(text)',
                'nl2sql.mask_card(text)', 'nl2sql.mask_name(text)', 'nl2sql.mask_id(text)',
                'nl2sql.mask_partial(text, int, int, text)', 'nl2sql.mask_hash(text)',
                'nl2sql._unknown_date_unit(text, anyelement)', 'nl2sql._unknown_step(numeric)', 'nl2sql.mask_date(date, text)',
                'nl2sql.mask_date(timestamp, text)', 'nl2sql.mask_date(timestamptz, text)',
                'nl2sql.mask_number(numeric, numeric)', 'nl2sql.mask_null(anyelement)']),
            -- for owners of masked tables; it looks at who calls it
            ('nl2sql_user, nl2sql_developer, nl2sql_admin', array[
                'nl2sql.revoke_masked(text, text, name[])', 'nl2sql.revoke_masked(regclass, text)']),
            -- masking policies
            ('nl2sql_admin', array[
                'nl2sql.mask(text, name, text, name[])', 'nl2sql.unmask(text, name, name[])',
                'nl2sql.show_column(text, name, name[])', 'nl2sql.mask(regclass, name, text)', 'nl2sql.unmask(regclass, name)',
                'nl2sql.show_column(regclass, name)', 'nl2sql.show_clear(regclass, text, boolean)',
                'nl2sql.show_clear(text, text, boolean, name[])', 'nl2sql.use_masked(text)', 'nl2sql._masking_parts(text)',
                'nl2sql._base_type(oid, int)', 'nl2sql._mask_functions(name, text[])', 'nl2sql._mask_fit(oid, oid)',
                'nl2sql._mask_clamped(text, text, oid, int)', 'nl2sql._mask_expression(oid, int2, text)',
                'nl2sql._pii_names()', 'nl2sql._pii_named(oid, int2)', 'nl2sql._pii_masking(text)', 'nl2sql._pii_sample_problem(oid, int2)',
                'nl2sql._pii_sample(regclass, int2, int)', 'nl2sql._pii_verdict(text, float8, jsonb)',
                'nl2sql.discover_pii(name[], int)', 'nl2sql._sensitive_kinds(text)']),
            -- who has masked columns in clear, for nl2sql.masking_policy
            ('nl2sql_admin, nl2sql_auditor', array['nl2sql._mask_keepers(oid)']),
            -- settings, index, declared joins and labels
            ('nl2sql_admin', array[
                'nl2sql.set_setting(text, text)', 'nl2sql._index_requeue()', 'nl2sql._refresh_index()',
                'nl2sql.refresh_index(boolean)', 'nl2sql.define_join(text, text[], text, text[], boolean, name[])',
                'nl2sql.set_label(text, text[], name[])', 'nl2sql.drop_label(text, name[])']),
            -- who limits those who run statements
            ('nl2sql_admin', array[
                'nl2sql.set_limit(text, bigint, bigint, int, int)', 'nl2sql.drop_limit(text)']),
            -- values that the DBA has chosen for it
            ('nl2sql_admin', array[
                'nl2sql._problem(text, text, text, text)', 'nl2sql._value_column_problem(oid, int2)',
                'nl2sql._store_values(oid, int2, int, boolean, text[])', 'nl2sql._forget_values(oid, int2)',
                'nl2sql.index_values(regclass, name, int)', 'nl2sql.drop_values(text, name, name[])',
                'nl2sql._find_relation(text, name[])', 'nl2sql._relation_problem(text, name[])']),
            -- examples, terms and feedback, stored and closed
            ('nl2sql_admin', array[
                'nl2sql._example_store(jsonb, jsonb, text)', 'nl2sql._add_example(text, text, text, jsonb)',
                'nl2sql.add_example(text, text, text)', 'nl2sql.drop_example(bigint)',
                'nl2sql.define_term(text, text, text[], name[])', 'nl2sql.drop_term(text)',
                'nl2sql._feedback_close(bigint, text, text, bigint)', 'nl2sql._review_queue()',
                'nl2sql._approve(bigint, text, jsonb)', 'nl2sql.approve(bigint, text)', 'nl2sql.reject(bigint, text)']),
            -- the index, filled by the sidecar or by refresh_index()
            ('nl2sql_admin, nl2sql_sidecar', array[
                'nl2sql._index_pending(int)', 'nl2sql._index_queue_head()', 'nl2sql._index_store(jsonb, text, bigint)',
                'nl2sql._example_pending(text, int)', 'nl2sql._example_embed(jsonb, text)',
                'nl2sql._known_refresh(int)']),
            -- the log: filled by the sidecar ...
            ('nl2sql_sidecar', array[
                'nl2sql._audit_append(jsonb)', 'nl2sql._audit_outbox(int)', 'nl2sql._audit_look()']),
            -- ... read by auditors
            ('nl2sql_auditor', array[
                'nl2sql._audit_read(text)', 'nl2sql._audit_list(jsonb, text)', 'nl2sql.audit_verify(timestamptz, timestamptz)',
                'nl2sql.audit_heads()'])
        ) as g (roles, functions)
            cross join pg_catalog.unnest(g.functions) as f (signature)
    loop
        if given.times operator(pg_catalog.>) 1 then
            raise exception 'two grants of % in 990_privileges.sql', given.function;
        end if;
        execute pg_catalog.format('grant execute on function %s to %s', given.function, given.roles);
    end loop;
end
$plpgsql$;
grant select on nl2sql.settings, nl2sql.joins, nl2sql.labels, nl2sql.terms, nl2sql.filters
    to nl2sql_user, nl2sql_developer, nl2sql_admin;
grant select on nl2sql.review_queue to nl2sql_admin;
grant select on nl2sql.indexed_values, nl2sql.limits to nl2sql_admin;
grant select on nl2sql.audit_log, nl2sql.alert to nl2sql_auditor;
grant select on nl2sql.masking_policy to nl2sql_admin, nl2sql_auditor;

revoke all on function @extschema@.nl2sql(text) from public;
grant execute on function @extschema@.nl2sql(text) to public;
