-- Verified examples and terms: stored by administrators, shown only to those who may read every object in them (the policies
-- in changes/070_example.sql), found by meaning or by words.

-- API: Private
create or replace function nl2sql._first_schema(schemas name[], relation name)
returns name
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select n.nspname
    from unnest(schemas) with ordinality as s (name, place)
        join pg_namespace as n on n.nspname = s.name
        join pg_class as c on c.relnamespace = n.oid and c.relname = relation
    order by s.place
    limit 1
$sql$;
comment on function nl2sql._first_schema(name[], name) is 'the schema in which a relation''s plain name is found first';

-- API: Private. Called by the SECURITY DEFINER functions that store; granted to nobody.
create or replace function nl2sql._note_objects(
    reads jsonb  -- [{schema, table, column: name or '' for the relation itself}, ...]
)
returns text[]
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    insert into nl2sql._example_object (schema_name, relation_name, column_name)
    select distinct r.schema, r."table", r."column"
    from jsonb_to_recordset(reads) as r (schema name, "table" name, "column" name)
    on conflict (schema_name, relation_name, column_name) do nothing;
    return (
        select coalesce(array_agg(o.id::text order by o.id), '{}')
        from nl2sql._example_object as o
        where (o.schema_name, o.relation_name, o.column_name) in (
            select r.schema, r."table", r."column"
            from jsonb_to_recordset(reads) as r (schema name, "table" name, "column" name))
    );
end
$plpgsql$;
comment on function nl2sql._note_objects(jsonb) is 'ids of named objects, noting those that are new';

-- API: Private. SECURITY DEFINER: writes the examples. What it is given has passed the guard and the planner as the caller.
create or replace function nl2sql._example_store(
    example jsonb,   -- {question, sql, note, source, embedder}
    reads jsonb,     -- [{schema, table, column, plain: boolean}, ...]
    embedding text   -- of the question, '[...]'; NULL: none at hand
)
returns bigint
language sql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
begin atomic
    select nl2sql._audit_note('add_example', example operator(pg_catalog.||) pg_catalog.jsonb_build_object('reads', reads));
    insert into nl2sql._example as e
        (question, sql, note, objects, relations, plain, source, embedder, dimension, embedding)
    select x.question, x.sql, x.note,
        nl2sql._note_objects(reads),
        nl2sql._note_objects(pg_catalog.jsonb_path_query_array(reads, '$[*] ? (@.column == "")')),
        nl2sql._note_objects(pg_catalog.jsonb_path_query_array(reads, '$[*] ? (@.column == "" && @.plain == true)')),
        x.source,
        case when _example_store.embedding is not null then x.embedder end,
        vector_dims(_example_store.embedding::vector),
        _example_store.embedding::vector
    from pg_catalog.jsonb_to_record(example) as x (question text, sql text, note text, source text, embedder text)
    on conflict (pg_catalog.md5(question), pg_catalog.md5(sql)) do update set
        note = excluded.note, objects = excluded.objects, relations = excluded.relations, plain = excluded.plain,
        source = excluded.source, embedder = excluded.embedder, dimension = excluded.dimension, embedding = excluded.embedding,
        added_by = session_user, added_at = pg_catalog.clock_timestamp()
    returning e.id;
end;
comment on function nl2sql._example_store(jsonb, jsonb, text) is 'store a checked example, or replace the same one; returns its id';

-- API: Private. SECURITY DEFINER: reads examples of everybody, for whoever embeds them.
create or replace function nl2sql._example_pending(
    embedder text,  -- the model in use: what has no vector of it
    most int
)
returns table (id bigint, question text)
language sql stable strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select e.id, e.question
    from nl2sql._example as e
    where e.embedder is distinct from _example_pending.embedder
    order by e.id
    limit most
$sql$;
comment on function nl2sql._example_pending(text, int) is 'questions of examples without a vector of this embedding model';

-- API: Private. SECURITY DEFINER: writes the vectors of examples.
create or replace function nl2sql._example_embed(
    entries jsonb,  -- [{id, question, embedding: [float]}, ...]
    embedder text
)
returns int
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
begin atomic
    with stored as (
        update nl2sql._example as e
        set embedder = _example_embed.embedder, dimension = pg_catalog.jsonb_array_length(x.embedding),
            embedding = x.embedding::text::vector
        from pg_catalog.jsonb_to_recordset(entries) as x (id bigint, question text, embedding jsonb)
        where e.id operator(pg_catalog.=) x.id and e.question operator(pg_catalog.=) x.question
        returning 1
    )
    select pg_catalog.count(*)::int from stored;
end;
comment on function nl2sql._example_embed(jsonb, text) is 'store vectors of examples; returns how many';

-- API: Private
create or replace function nl2sql._examples_kind()
returns text
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select case
        when not exists (select from nl2sql._example) then 'none'
        when exists (select from nl2sql._example as e where e.embedder is not null) then 'vectors'
        else 'words'
    end
$sql$;
comment on function nl2sql._examples_kind() is 'whether the caller may see examples: none, words, or vectors if some can be compared by meaning';

-- API: Private. pg_trgm sees no Chinese words; pairs of characters do.
create or replace function nl2sql._han_likeness(one text, other text)
returns float8
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with pair as (
        select t.side, substr(t.run[1], i, 2) as pair
        from (
            select 1 as side, regexp_matches(one, E'[\\u3400-\\u9FFF]{2,}', 'g') as run
            union all
            select 2, regexp_matches(other, E'[\\u3400-\\u9FFF]{2,}', 'g')
        ) as t, generate_series(1, char_length(t.run[1]) - 1) as i
        group by 1, 2
    )
    select coalesce(2.0 * (count(*) - count(distinct p.pair)) / nullif(count(*), 0), 0)::float8 from pair as p
$sql$;
comment on function nl2sql._han_likeness(text, text) is 'share of pairs of Chinese characters that two texts have in common, 0 to 1';

-- API: Private. Runs as the caller: row level security on nl2sql._example hides what the caller may not read.
create or replace function nl2sql._find_examples(
    question text,
    embedding text,   -- of the question, '[...]'; NULL: by words only
    embedder text,    -- the model that made it
    schemas name[],   -- the caller's: plain names must lead to the same relations as when the example was stored
    tables jsonb,     -- [{schema, name}, ...] that an example may read; NULL: any
    likeness float8,  -- least, 0 to 1
    most int
)
returns table (id bigint, question text, sql text, note text, score float8)
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
    with object as materialized (
        select o.id, o.schema_name, o.relation_name from nl2sql._example_object as o where o.column_name operator(pg_catalog.=) ''
    ),
    allowed as materialized (
        select o.id, o.schema_name, o.relation_name
        from object as o
        where tables is null or exists (
            select from pg_catalog.jsonb_to_recordset(tables) as t (schema name, name name)
            where t.schema operator(pg_catalog.=) o.schema_name and t.name operator(pg_catalog.=) o.relation_name
        )
    ),
    usable as (
        select (select coalesce(pg_catalog.jsonb_object_agg(a.id, null), '{}') from allowed as a) as relations,
            (select coalesce(pg_catalog.jsonb_object_agg(a.id, null), '{}')
            from allowed as a
            where nl2sql._first_schema(schemas, a.relation_name) operator(pg_catalog.=) a.schema_name) as plain
    ),
    scored as (
        select e.id, e.question, e.sql, e.note,
            case
                -- an embedding model for English finds all Chinese questions alike
                when _find_examples.question operator(pg_catalog.~) E'[\\u3400-\\u9FFF]'
                then pg_catalog.sqrt(nl2sql._han_likeness(e.question, _find_examples.question))
                -- the root brings shares of letters near the scale of cosines
                else greatest(
                    pg_catalog.sqrt(similarity(e.question, _find_examples.question)::float8),
                    case
                        when e.embedder operator(pg_catalog.=) _find_examples.embedder and _find_examples.embedding is not null
                            and e.dimension operator(pg_catalog.=) vector_dims(_find_examples.embedding::vector)
                        then 1.0::float8 operator(pg_catalog.-) (e.embedding <=> _find_examples.embedding::vector)
                    end)
            end as score
        from nl2sql._example as e, usable as u
        where u.relations operator(pg_catalog.?&) e.relations and u.plain operator(pg_catalog.?&) e.plain
    )
    select s.id, s.question, s.sql, s.note, s.score
    from scored as s
    where s.score operator(pg_catalog.>=) likeness
    order by s.score desc, s.id
    limit most;
end;
comment on function nl2sql._find_examples(text, text, text, name[], jsonb, float8, int) is 'the examples most like a question that the caller may see and use';

-- API: Public
create or replace function nl2sql.list_examples(
    search text default null  -- words to look for in questions and statements; NULL: all
)
returns table (
    id bigint, question text, sql text, note text, source text, added_by text, added_at timestamptz, embedded boolean)
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select e.id, e.question, e.sql, e.note, e.source, e.added_by, e.added_at, e.embedder is not null
    from nl2sql._example as e
    where search is null or strpos(lower(translate(concat_ws(' ', e.question, e.sql, e.note), E'I\u0130', 'ii')), lower(translate(search, E'I\u0130', 'ii'))) > 0
    order by e.id
$sql$;
comment on function nl2sql.list_examples(text) is 'stored examples whose every table and column the caller may read';

-- API: Public. SECURITY DEFINER since nobody may write examples otherwise.
create or replace function nl2sql.drop_example(
    id bigint  -- of nl2sql.list_examples()
)
returns boolean
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._audit_note('drop_example', jsonb_build_object('id', drop_example.id));
    with gone as (delete from nl2sql._example as e where e.id = drop_example.id returning 1)
    select exists (select from gone)
$sql$;
comment on function nl2sql.drop_example(bigint) is 'forget a stored example; false if there is none with this id';

-- API: Private
create or replace function nl2sql._add_example(question text, sql text, note text, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.add_example(plpy, question, sql, note, caller)
$python$;
comment on function nl2sql._add_example(text, text, text, jsonb) is 'check and store an example: an envelope {ok: {id, warnings}} or {error}';

-- API: Public
create or replace function nl2sql.add_example(
    question text,           -- as users ask it
    sql text,                -- the SELECT that answers it; names are looked up in the caller's search_path
    note text default null   -- what to know about it, shown to the model
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._add_example(question, sql, note, nl2sql._caller()), warn => true);
begin
    return (reply OPERATOR(pg_catalog.->>) 'id')::pg_catalog.int8;
end
$plpgsql$;
comment on function nl2sql.add_example(text, text, text) is
    'store a verified question and SELECT, checked by the guard and planned as the caller; returns its id; raises NL0xx, NL1xx, NL204, NL4xx';

-- API: Private
create or replace function nl2sql._suggest_examples(caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.suggest_examples(plpy, caller)
$python$;
comment on function nl2sql._suggest_examples(jsonb) is 'an envelope {ok: [{question, sql, source, uses}]} or {error}';

-- API: Private
create or replace function nl2sql._view_statements(schemas name[])
returns table (question text, sql text, source text, uses bigint)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._clean(obj_description(s.relid, 'pg_class'), 500), pg_get_viewdef(s.relid),
        format('view %I.%I', s.schema_name, s.relation_name), null::bigint
    from nl2sql._scope('database', schemas) as s
        join pg_class as c on c.oid = s.relid
    where c.relkind in ('v', 'm')
$sql$;
comment on function nl2sql._view_statements(name[]) is 'definitions of the views that the caller may read, not yet checked';

-- API: Private. Shows what pg_stat_statements shows the caller: the texts of others only to pg_read_all_stats.
create or replace function nl2sql._workload(most int)
returns table (question text, sql text, source text, uses bigint)
language plpgsql volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    place text;
begin
    select quote_ident(n.nspname) into place
    from pg_extension as e
        join pg_namespace as n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements' and has_schema_privilege(n.oid, 'usage');
    if place is null then
        return;
    end if;
    return query execute format(
        'select null::text, w.query, ''workload''::text, sum(w.calls)::bigint
        from %s.pg_stat_statements as w
        where w.dbid = (select d.oid from pg_database as d where d.datname = current_database())
            and lower(replace(w.query, ''I'', ''i'')) ~ ''^[[:space:]]*(select|with)[^[:alnum:]_]''
            and lower(replace(w.query, ''I'', ''i'')) !~ ''(^|[^[:alnum:]_])(nl2sql|pg_catalog|information_schema)([^[:alnum:]_]|$)''
        group by w.query order by sum(w.calls) desc, w.query limit $1', place) using most;
exception when insufficient_privilege or object_not_in_prerequisite_state or undefined_table or undefined_column then
    return;  -- it is there but can't be read
end
$plpgsql$;
comment on function nl2sql._workload(int) is 'the most used SELECTs of this database in pg_stat_statements, where it is installed and readable';

-- API: Public
create or replace function nl2sql.suggest_examples()
returns table (question text, sql text, source text, uses bigint)
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._suggest_examples(nl2sql._caller()));
begin
    return query
        select s.question, s.sql, s.source, s.uses
        from pg_catalog.jsonb_to_recordset(reply)
            as s (question text, sql text, source text, uses bigint);
end
$plpgsql$;
comment on function nl2sql.suggest_examples() is
    'statements worth storing as examples, from views and from pg_stat_statements, as far as the caller may read all in them; stores nothing';

-- API: Public. SECURITY DEFINER since nobody may write terms otherwise.
create or replace function nl2sql.define_term(
    term text,                           -- as users write it; case does not matter
    meaning text,                        -- what it means, in the words of the data
    for_tables text[] default '{}',      -- shown only to those who may read all of these
    path name[] default pg_catalog.current_schemas(true)  -- where a name without a schema is looked up
)
returns void
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
#variable_conflict use_column
declare
    word text := nl2sql._clean(term, 100);
    relations constant regclass[] := array(select nl2sql._find_relation(f, path) from unnest(for_tables) as f);
    problem jsonb := (select nl2sql._relation_problem(f, path) from unnest(for_tables) as f
        where nl2sql._relation_problem(f, path) is not null limit 1);
    reads jsonb;
begin
    if word is null or char_length(word) < 2 or nl2sql._clean(meaning, 500) is null then
        problem := nl2sql._problem('22023', 'a term needs a name of at least two characters and a meaning',
            'For example: SELECT nl2sql.define_term(''active customer'', ''ordered in the last 90 days'').', 'Nothing was stored.');
    end if;
    if problem is not null then
        raise exception using
            errcode = problem ->> 'sqlstate', message = problem ->> 'message', detail = problem ->> 'detail', hint = problem ->> 'hint';
    end if;
    select coalesce(jsonb_agg(jsonb_build_object('schema', n.nspname, 'table', c.relname, 'column', '')), '[]') into reads
    from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = any (relations);
    insert into nl2sql._term as t (term, meaning, objects)
    values (word, nl2sql._clean(define_term.meaning, 500), nl2sql._note_objects(reads))
    on conflict (lower(term)) do update set
        term = excluded.term, meaning = excluded.meaning, objects = excluded.objects, defined_by = session_user,
        defined_at = clock_timestamp();
    perform nl2sql._audit_note('define_term', jsonb_build_object('term', word, 'meaning', meaning, 'for_tables', relations::text[]));
end
$plpgsql$;
comment on function nl2sql.define_term(text, text, text[], name[]) is 'say what a term of the business means, or say it anew; raises 22023, 42P01';

-- API: Public. SECURITY DEFINER since nobody may write terms otherwise.
create or replace function nl2sql.drop_term(
    term text  -- in any case
)
returns boolean
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._audit_note('drop_term', jsonb_build_object('term', drop_term.term));
    with gone as (delete from nl2sql._term as t where lower(translate(t.term, E'I\u0130', 'ii')) = lower(translate(drop_term.term, E'I\u0130', 'ii')) returning 1)
    select exists (select from gone)
$sql$;
comment on function nl2sql.drop_term(text) is 'forget a term; false if it was not defined';

-- API: Private. A function, since a view would read the table with its owner's rights.
create or replace function nl2sql._terms()
returns table (term text, meaning text, for_tables text[], defined_by text, defined_at timestamptz)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select t.term, t.meaning,
        array(select format('%I.%I', o.schema_name, o.relation_name) from nl2sql._example_object as o where o.id::text = any (t.objects) order by 1),
        t.defined_by, t.defined_at
    from nl2sql._term as t
$sql$;
comment on function nl2sql._terms() is 'terms whose tables the caller may read';

-- API: Public
create or replace view nl2sql.terms as
select t.term, t.meaning, t.for_tables, t.defined_by, t.defined_at
from nl2sql._terms() as t;
comment on view nl2sql.terms is 'terms and their meaning, as far as the caller may read their tables';

-- API: Private
create or replace function nl2sql._terms_in(question text)
returns table (term text, meaning text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select t.term, t.meaning
    from nl2sql._term as t
    where strpos(lower(translate(question, E'I\u0130', 'ii')), lower(translate(t.term, E'I\u0130', 'ii'))) > 0
    order by char_length(t.term) desc, t.term
    limit 50
$sql$;
comment on function nl2sql._terms_in(text) is 'terms that a question has in it, as characters: whether as words, the caller sees';
