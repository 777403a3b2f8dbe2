-- The schema index: what is embedded and searched, who keeps it fresh, and the search itself.

-- API: Private. What whoever runs it may read: all, for the SECURITY DEFINER functions that fill the index; a caller's
-- own part, where live text stands in for index rows that are missing.
create or replace function nl2sql._documents(relations oid[])
returns table (relid oid, attnum int2, names text, document text, fingerprint text)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    with relation as (
        select c.oid, nl2sql._words(c.relname) as words,
            nl2sql._clean(obj_description(c.oid, 'pg_class'), 500) as comment
        from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
        where c.oid = any (relations) and nl2sql._is_user_schema(n.oid) and nl2sql._is_user_relation(c)
            and has_any_column_privilege(c.oid, 'select')
    ),
    attribute as (
        select r.oid, a.attnum, nl2sql._words(a.attname) as words, r.words as table_words,
            format_type(a.atttypid, a.atttypmod) as type,
            nl2sql._clean(col_description(r.oid, a.attnum), 300) as comment,
            nl2sql._column_values(r.oid, a.attnum, a.atttypid) as labels,
            (select string_agg('refers to ' || nl2sql._words(k.confrelid::regclass::text), ', ')
                from pg_constraint as k
                where k.conrelid = r.oid and k.contype = 'f' and a.attnum = any (k.conkey)
                    and has_any_column_privilege(k.confrelid, 'select')) as keys
        from relation as r
            join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        where has_column_privilege(r.oid, a.attnum, 'select')
    ),
    entry as (
        select r.oid, 0::int2 as attnum, r.words as names,
            concat_ws('. ', r.words, r.comment,
                'columns: ' || (select string_agg(a.words, ', ' order by a.attnum) from attribute as a where a.oid = r.oid)
            ) as document
        from relation as r
        union all
        select a.oid, a.attnum, a.table_words || ' ' || a.words,
            concat_ws('. ', a.table_words || ' ' || a.words, a.comment, a.type, a.keys,
                'values: ' || nullif(array_to_string(a.labels[1:30], ', '), ''))
        from attribute as a
    )
    select e.oid, e.attnum, e.names, left(e.document, 2000), md5(e.document)
    from entry as e
    order by e.oid, e.attnum
$sql$;
comment on function nl2sql._documents(oid[]) is 'index text of relations: a row a table (attnum 0) and a row a column';

-- API: Private. SECURITY DEFINER: the queue is writable by nobody; DDL may come from any role.
create or replace function nl2sql._on_ddl()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    insert into nl2sql._index_queue (relid)
    select distinct touched.relid
    from pg_event_trigger_ddl_commands() as command
        cross join lateral (
            select command.objid as relid where command.classid = 'pg_class'::regclass
            union all
            -- an enum or domain changed: the relations whose columns have it
            select a.attrelid from pg_attribute as a
            where command.classid = 'pg_type'::regclass and a.atttypid = command.objid
        ) as touched
    where not command.in_extension
        -- a scalar subquery: of a join the planner would ask about every relation of the database first, with each DDL
        and (select nl2sql._is_user_relation(c) from pg_class as c where c.oid = touched.relid);
exception when others then
    -- The index only ranks; no DDL fails because of it.
    raise warning using
        errcode = 'NL203',
        message = 'nl2sql could not note a schema change',
        detail = format('%s. Questions still see the change; ranking may use old text until the index is refreshed.', sqlerrm),
        hint = 'Run SELECT nl2sql.refresh_index(true) once the cause is gone.';
end
$plpgsql$;
comment on function nl2sql._on_ddl() is 'event trigger: notes created, altered and commented relations for the schema index';

-- API: Private. SECURITY DEFINER as above.
create or replace function nl2sql._on_drop()
returns event_trigger
language plpgsql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- without waiting for a refresh_index() that holds these rows: what it leaves, _index_store() removes
    delete from nl2sql._index as i
    where (i.relid, i.attnum) in (
        select old.relid, old.attnum
        from nl2sql._index as old
            join pg_event_trigger_dropped_objects() as dropped on dropped.objid = old.relid
        where dropped.classid = 'pg_class'::regclass and not dropped.is_temporary
            and (dropped.objsubid = 0 or dropped.objsubid = old.attnum)
        for update of old skip locked
    );
    -- stored values of what is gone; what somebody else holds right now, the next index_values() removes
    delete from nl2sql._value_column as v
    where (v.relid, v.attnum) in (
        select old.relid, old.attnum
        from nl2sql._value_column as old
            join pg_event_trigger_dropped_objects() as dropped on dropped.objid = old.relid
        where dropped.classid = 'pg_class'::regclass and (dropped.objsubid = 0 or dropped.objsubid = old.attnum)
        for update of old skip locked
    );
    -- a table that lost a column, since its own text names the columns; and what is still in the index of one that is gone
    insert into nl2sql._index_queue (relid)
    select distinct dropped.objid
    from pg_event_trigger_dropped_objects() as dropped
    where dropped.classid = 'pg_class'::regclass and not dropped.is_temporary
        and (exists (select from nl2sql._index as i where i.relid = dropped.objid)
            or exists (select from pg_class as c where c.oid = dropped.objid and dropped.objsubid > 0));
exception when others then
    raise warning using
        errcode = 'NL203',
        message = 'nl2sql could not forget a dropped object',
        detail = format('%s. Rows of dropped relations stay in the index; nobody can see them.', sqlerrm),
        hint = 'Run SELECT nl2sql.refresh_index(true) once the cause is gone.';
end
$plpgsql$;
comment on function nl2sql._on_drop() is 'event trigger: removes index rows of dropped relations and columns';

-- API: Private. SECURITY DEFINER: reads the queue.
create or replace function nl2sql._index_pending(most int)
returns table (relid oid, attnum int2, names text, document text, fingerprint text)
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Relations without rows first, then changed ones.
    with candidate as (
        (select c.oid as relid, 0 as turn
        from pg_class as c
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and nl2sql._is_user_schema(c.relnamespace) and nl2sql._is_user_relation(c)
            and not exists (select from nl2sql._index as i where i.relid = c.oid)
        order by c.oid
        limit most)
        union all
        (select q.relid, 1
        from nl2sql._index_queue as q
            join pg_class as c on c.oid = q.relid
        where nl2sql._is_user_schema(c.relnamespace) and nl2sql._is_user_relation(c)
        group by q.relid
        order by min(q.id)
        limit most)
    ),
    chosen as (
        select c.relid from candidate as c group by c.relid order by min(c.turn), c.relid limit most
    )
    select d.* from nl2sql._documents((select coalesce(array_agg(c.relid), '{}') from chosen as c)) as d
$sql$;
comment on function nl2sql._index_pending(int) is 'index text of up to so many relations that are new or changed';

-- API: Private. SECURITY DEFINER: reads the queue.
create or replace function nl2sql._index_queue_head()
returns bigint
language sql stable strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(max(q.id), 0) from nl2sql._index_queue as q
$sql$;
comment on function nl2sql._index_queue_head() is 'highest queue number seen; taken before reading, so that later changes stay queued';

-- API: Private
create or replace function nl2sql._lexemes(prose text)
returns setof text
language plpgsql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
    -- English stems; of Chinese, which has no blanks, each pair of characters.
    select l.lexeme from unnest(to_tsvector('pg_catalog.english', prose)) as l
    union
    select substr(run[1], place, 2)
    from regexp_matches(prose, E'[\\u4e00-\\u9fff]{2,}', 'g') as run
        cross join generate_series(1, length(run[1]) - 1) as place;
end
$plpgsql$;
comment on function nl2sql._lexemes(text) is 'words of a text as they are compared: stems, pairs of Chinese characters';

-- API: Private. What whoever runs it may read, as _documents().
create or replace function nl2sql._live_words(
    relations oid[],
    columns boolean     -- false: words of tables only
)
returns table (relid oid, attnum int2, word text, share real)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if cardinality(relations) = 0 then
        return;
    end if;
    return query
    with entry as (
        select c.oid as relid, 0::int2 as attnum, c.relname as name, obj_description(c.oid, 'pg_class') as comment
        from pg_class as c
        where c.oid = any (relations) and has_any_column_privilege(c.oid, 'select')
        union all
        select a.attrelid, a.attnum, a.attname, col_description(a.attrelid, a.attnum)
        from pg_attribute as a
        where columns and a.attrelid = any (relations) and a.attnum > 0 and not a.attisdropped
            and has_column_privilege(a.attrelid, a.attnum, 'select')
    )
    select w.relid, w.attnum, w.word, max(w.share)
    from (
        select e.relid, e.attnum, l.word, case when e.attnum = 0 then 1.0 / count(*) over (partition by e.relid, e.attnum) else 0 end::real
        from entry as e cross join nl2sql._lexemes(nl2sql._words(e.name)) as l (word)
        union all
        select e.relid, e.attnum, l.word, 0
        from entry as e cross join nl2sql._lexemes(nl2sql._clean(e.comment, 500)) as l (word)
    ) as w (relid, attnum, word, share)
    group by w.relid, w.attnum, w.word;
end
$plpgsql$;
comment on function nl2sql._live_words(oid[], boolean) is 'words in names and comments of relations and columns that the caller may read';

-- API: Private. SECURITY DEFINER: writes the index.
create or replace function nl2sql._index_store_words(relations oid[])
returns int
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    delete from nl2sql._index_word as w where w.relid = any (relations);
    insert into nl2sql._index_word (word, relid, attnum, share)
    select l.word, l.relid, l.attnum, l.share
    from nl2sql._live_words(relations, true) as l
        join nl2sql._index as i on i.relid = l.relid and i.attnum = l.attnum
    order by l.word, l.relid, l.attnum;
    select count(*)::int from nl2sql._index as i where i.relid = any (relations);
$sql$;
comment on function nl2sql._index_store_words(oid[]) is 'store the words of indexed relations; returns their rows in the index';

-- API: Private. SECURITY DEFINER: writes the index. `vector` is bound when this function is made, whatever schema it is in.
create or replace function nl2sql._index_store(
    entries jsonb,     -- [{relid, attnum, names, document, fingerprint, embedding: [float] or null}, ...], whole relations
    embedder text,     -- name of the embedding model; NULL: without embeddings
    queue_head bigint  -- queue entries of these relations up to this number are done
)
returns int
language sql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
begin atomic
    delete from nl2sql._index as i
    using (select distinct e.relid from pg_catalog.jsonb_to_recordset(entries) as e (relid oid)) as done
    where i.relid operator(pg_catalog.=) done.relid
        and not exists (
            select from pg_catalog.jsonb_to_recordset(entries) as e (relid oid, attnum int2)
            where e.relid operator(pg_catalog.=) i.relid and e.attnum operator(pg_catalog.=) i.attnum
        );
    -- What changed while it was embedded stays queued: a lower number may have been committed after queue_head was read.
    with told as materialized (
        select e.relid, e.attnum, e.fingerprint
        from pg_catalog.jsonb_to_recordset(entries) as e (relid oid, attnum int2, fingerprint text)
    ),
    changed as materialized (
        select d.relid
        from nl2sql._documents((select pg_catalog.array_agg(distinct t.relid) from told as t)) as d
            left join told as t on t.relid operator(pg_catalog.=) d.relid and t.attnum operator(pg_catalog.=) d.attnum
        where t.fingerprint is distinct from d.fingerprint
    )
    delete from nl2sql._index_queue as q
    where q.id operator(pg_catalog.<=) queue_head
        and q.relid in (select t.relid from told as t)
        and q.relid not in (select c.relid from changed as c);
    delete from nl2sql._index as i
    using nl2sql._index_queue as q
    where q.relid operator(pg_catalog.=) i.relid
        and not exists (select from pg_catalog.pg_class as c where c.oid operator(pg_catalog.=) i.relid);
    -- queued relations that are gone, or have become partitions or members of an extension
    delete from nl2sql._index_queue as q
    where q.id operator(pg_catalog.<=) queue_head
        and not exists (
            select from pg_catalog.pg_class as c
            where c.oid operator(pg_catalog.=) q.relid
                and nl2sql._is_user_schema(c.relnamespace) and nl2sql._is_user_relation(c)
        );
    insert into nl2sql._index as i (relid, attnum, names, document, fingerprint, embedder, dimension, embedding)
    select e.relid, e.attnum, e.names, e.document, e.fingerprint,
        case when e.embedding is not null then _index_store.embedder end,
        pg_catalog.jsonb_array_length(e.embedding),
        e.embedding::text::vector
    from pg_catalog.jsonb_to_recordset(entries)
        as e (relid oid, attnum int2, names text, document text, fingerprint text, embedding jsonb)
    where exists (select from pg_catalog.pg_class as c where c.oid operator(pg_catalog.=) e.relid)
    order by e.relid, e.attnum
    on conflict (relid, attnum) do update set
        names = excluded.names, document = excluded.document, fingerprint = excluded.fingerprint,
        embedder = excluded.embedder, dimension = excluded.dimension, embedding = excluded.embedding,
        updated_at = pg_catalog.clock_timestamp();
    select nl2sql._index_store_words((
        select coalesce(pg_catalog.array_agg(distinct e.relid), '{}') from pg_catalog.jsonb_to_recordset(entries) as e (relid oid)));
end;
comment on function nl2sql._index_store(jsonb, text, bigint) is 'store index rows of whole relations and take these off the queue; returns rows stored';

-- API: Private. SECURITY DEFINER: writes the index queue.
create or replace function nl2sql._index_requeue()
returns bigint
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._audit_note('refresh_index', jsonb_build_object('everything', true));
    delete from nl2sql._index as i where not exists (select from pg_class as c where c.oid = i.relid);
    with queued as (
        insert into nl2sql._index_queue (relid) select distinct i.relid from nl2sql._index as i returning 1
    )
    select count(*) from queued
$sql$;
comment on function nl2sql._index_requeue() is 'queue every indexed relation again; returns their number';

-- API: Private. SECURITY DEFINER: counts rows of others too, and nothing else.
create or replace function nl2sql._index_state()
returns table (relations bigint, indexed bigint, embedded bigint, queued bigint, newest timestamptz, embedder text)
language sql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select
        (select count(*) from pg_class as c
            where c.relkind in ('r', 'p', 'v', 'm', 'f') and nl2sql._is_user_schema(c.relnamespace) and nl2sql._is_user_relation(c)),
        count(*) filter (where i.attnum = 0),
        count(*) filter (where i.attnum = 0 and i.embedder is not null),
        (select count(distinct q.relid) from nl2sql._index_queue as q),
        max(i.updated_at),
        max(i.embedder)
    from nl2sql._index as i
$sql$;
comment on function nl2sql._index_state() is 'figures of the schema index';

-- API: Private. SECURITY DEFINER: reads the queue; tells of nothing but of OIDs that it is given.
create or replace function nl2sql._index_stale(relations oid[])
returns setof oid
language plpgsql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    return query
    select r.relid from unnest(relations) as r (relid)
    except
    select i.relid from nl2sql._index as i where i.relid = any (relations) and i.attnum = 0
    union
    select q.relid from nl2sql._index_queue as q where q.relid = any (relations);
end
$plpgsql$;
comment on function nl2sql._index_stale(oid[]) is 'which of these relations are not indexed, or changed since';

-- API: Private. SECURITY DEFINER: reads the queue; tells of nothing but OIDs, which pg_class shows to everybody.
create or replace function nl2sql._index_queued()
returns oid[]
language sql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(array_agg(distinct q.relid), '{}') from nl2sql._index_queue as q
$sql$;
comment on function nl2sql._index_queued() is 'relations that changed since they were indexed';

-- API: Private
create or replace function nl2sql._many()
returns int
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select 2000
$sql$;
comment on function nl2sql._many() is 'relations in scope from which on not each is looked at for a question';

-- API: Private. Beyond so many relations only the queue is asked: looking each one up would take longer than ranking.
create or replace function nl2sql._stale(
    mode text,         -- 'search_path' or 'database'
    schemas name[],    -- the caller's current_schemas(false), in order
    few oid[]          -- nl2sql._many() relations in scope; all, where there are fewer
)
returns setof oid
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if cardinality(few) < nl2sql._many() then
        return query select s.relid from nl2sql._index_stale(few) as s (relid);
    elsif not exists (select from nl2sql._index) then
        return query select r.relid from nl2sql._readable(mode, schemas, null) as r;
    else
        return query select r.relid from nl2sql._readable_among(mode, schemas, nl2sql._index_queued()) as r;
    end if;
end
$plpgsql$;
comment on function nl2sql._stale(text, name[], oid[]) is 'relations in scope that are not in the index, or changed since they were put there';

-- API: Private. Runs as the caller: row level security on nl2sql._index hides what the caller may not read.
create or replace function nl2sql._distances(
    relations oid[],
    embedding text,    -- of the question, '[...]'
    embedder text      -- the model that made it; other models' vectors are not compared
)
returns table (relid oid, distance float8)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
    -- in a subquery, since a cast from text would be done again for each row
    select i.relid, i.embedding <=> (select _distances.embedding::vector)
    from nl2sql._index as i
    where i.relid operator(pg_catalog.=) any (relations) and i.attnum operator(pg_catalog.=) 0::int2
        and i.embedder operator(pg_catalog.=) _distances.embedder
        and i.dimension operator(pg_catalog.=) (select vector_dims(_distances.embedding::vector));
end;
comment on function nl2sql._distances(oid[], text, text) is 'cosine distance of relations from a question';

-- API: Private. As the caller, too. The vector index gives at most ef_search rows, of which row level security leaves some.
create or replace function nl2sql._nearest(embedding text, embedder text, most int)
returns table (relid oid, distance float8)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
set hnsw.ef_search = 400
begin atomic
    select n.relid, n.distance
    from (
        select i.relid, i.embedder, i.embedding::vector(384) <=> (select _nearest.embedding::vector(384)) as distance
        from nl2sql._index as i
        where i.attnum operator(pg_catalog.=) 0::int2 and i.dimension operator(pg_catalog.=) 384
        order by i.embedding::vector(384) <=> (select _nearest.embedding::vector(384))
        limit most
    ) as n
    where n.embedder operator(pg_catalog.=) _nearest.embedder;
end;
comment on function nl2sql._nearest(text, text, int) is 'relations nearest to a question, by the vector index; vectors of 384 numbers only';

-- API: Private. Runs as the caller. Words are weighed by how few of the relations the caller may read have them: what is
-- hidden moves nothing.
create or replace function nl2sql._candidates(
    mode text,         -- 'search_path' or 'database'
    schemas name[],    -- the caller's current_schemas(false), in order
    few oid[],         -- nl2sql._many() relations in scope; all, where there are fewer
    question text,
    embedding text,    -- of the question, '[...]'; NULL: by words only
    embedder text,
    stale oid[]        -- relations whose words are read live
)
returns table (
    relid bigint, namespace bigint,
    distance float8,   -- NULL: not known
    words jsonb        -- {stem: [weight of the stem, 1 in the table's name or comment or 0, part of the name it is]}
)
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
-- plans for the first five calls of a session took 0.5 s each over thousands of relations
set plan_cache_mode = force_generic_plan
-- compiling it took 26 ms, running it takes 4: the estimates are far above what is there
set jit = off
as $plpgsql$
declare
    many constant int := nl2sql._many();   -- from here on the vector index, and no words that nearly every table has
    taken constant int := 150;             -- by each signal
    large constant boolean := cardinality(few) = many;
    compared oid[] := few;
    near_relations oid[] := '{}';
    near_distances float8[] := '{}';
begin
    if large and jsonb_array_length(embedding::jsonb) = 384 then
        select coalesce(array_agg(n.relid), '{}'), array_agg(n.distance) into near_relations, near_distances
        from nl2sql._nearest(embedding, embedder, 400) as n;
        select coalesce(array_agg(n.relid), '{}'), array_agg(n.distance) into near_relations, near_distances
        from unnest(near_relations, near_distances) as n (relid, distance)
            join nl2sql._readable_among(mode, schemas, near_relations) as r on r.relid = n.relid;
    end if;
    if embedding is not null and cardinality(near_relations) < taken then
        if large then
            -- most of what is near is out of scope or not for the caller: all that is, one by one
            compared := array(select r.relid from nl2sql._readable(mode, schemas, null) as r);
        end if;
        select array_agg(d.relid), array_agg(d.distance) into near_relations, near_distances
        from nl2sql._distances(compared, embedding, embedder) as d;
    end if;
    return query
    with asked as materialized (
        select l.word from nl2sql._lexemes(question) as l (word)
    ),
    hit as materialized (
        select i.relid, i.attnum, i.word, i.share
        from asked as a
            cross join lateral (
                select h.relid, h.attnum, h.word, h.share
                from nl2sql._index_word as h
                where h.word = a.word
                limit case when large then many end
            ) as i
        where i.relid <> all (stale)
        union all
        select l.relid, l.attnum, l.word, l.share
        from nl2sql._live_words(stale, cardinality(stale) <= 500) as l
        where l.word in (select a.word from asked as a)
    ),
    -- before asking which of these relations may be read: most of them have a word that says nothing
    telling as materialized (
        select h.*
        from hit as h
        where not large or h.word not in (select c.word from hit as c group by c.word having count(*) >= many)
    ),
    readable as materialized (
        select f.relid from unnest(few) as f (relid) where not large
        union all
        select r.relid
        from nl2sql._readable_among(mode, schemas, array(select distinct h.relid from telling as h)) as r
        where large
    ),
    matched as materialized (
        select h.relid, h.word, bool_or(h.attnum = 0) as of_table, max(h.share) as share
        from telling as h
            join readable as r on r.relid = h.relid
        group by h.relid, h.word
    ),
    weighed as materialized (
        select m.*, ln(1 + cardinality(few)::float8 / count(*) over (partition by m.word)) as weight
        from matched as m
    ),
    near as materialized (
        select n.relid, n.distance from unnest(near_relations, near_distances) as n (relid, distance)
    ),
    chosen as materialized (
        (select w.relid from weighed as w group by w.relid
        order by sum(w.weight * case when w.of_table then 1 else 0.7 end) desc, w.relid limit taken)
        union
        (select n.relid from near as n order by n.distance, n.relid limit taken)
    ),
    worded as (
        select w.relid, jsonb_object_agg(w.word, jsonb_build_array(round(w.weight::numeric, 3), w.of_table::int, w.share)) as words
        from weighed as w
            join chosen as c on c.relid = w.relid
        group by w.relid
    ),
    -- those that only words have found, where not all distances were taken
    other as (
        select d.relid, d.distance
        from nl2sql._distances(
            array(select c.relid from chosen as c except select n.relid from near as n), embedding, embedder) as d
        where large and embedding is not null
    )
    select c.relid::bigint, k.relnamespace::bigint, coalesce(n.distance, o.distance), coalesce(w.words, '{}')
    from chosen as c
        join pg_class as k on k.oid = c.relid
        left join near as n on n.relid = c.relid
        left join other as o on o.relid = c.relid
        left join worded as w on w.relid = c.relid;
end
$plpgsql$;
comment on function nl2sql._candidates(text, name[], oid[], text, text, text, oid[]) is
    'relations that words or meaning of a question point to, with what is known for each';

-- API: Private. In one call, since listing what is in scope takes longer than most of what follows from it.
create or replace function nl2sql._pointed_to(
    mode text,         -- 'search_path' or 'database'
    schemas name[],    -- the caller's current_schemas(false), in order
    question text,
    embedding text,    -- of the question, '[...]'; NULL: by words only
    embedder text
)
returns json
language plpgsql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
-- else the first five questions of a session are planned one by one
set plan_cache_mode = force_generic_plan
as $plpgsql$
declare
    few constant oid[] := array(select r.relid from nl2sql._readable(mode, schemas, nl2sql._many()) as r);
    stale constant oid[] := array(select s.relid from nl2sql._stale(mode, schemas, few) as s (relid));
begin
    return json_build_object(
        'stale', stale::bigint[],
        'candidates', (
            select coalesce(json_agg(json_build_array(c.relid, c.namespace, c.distance, c.words)), '[]')
            from nl2sql._candidates(mode, schemas, few, question, embedding, embedder, stale) as c));
end
$plpgsql$;
comment on function nl2sql._pointed_to(text, name[], text, text, text) is
    'candidates for a question, [relid, namespace, distance, words] each, and relations whose index rows are out of date';

-- API: Private
create or replace function nl2sql._links(relations oid[])
returns table (relid bigint, neighbour bigint)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    -- a key of which the caller may read one end only connects nothing for it: both ends are among the relations it may read
    return query
    select k.conrelid::bigint, k.confrelid::bigint
    from nl2sql._keys(relations) as k
    where k.contype = 'f' and k.confrelid = any (relations) and k.conrelid <> k.confrelid
        and (select bool_and(has_column_privilege(k.conrelid, n, 'select')) from unnest(k.conkey) as n)
        and (select bool_and(has_column_privilege(k.confrelid, n, 'select')) from unnest(k.confkey) as n);
end
$plpgsql$;
comment on function nl2sql._links(oid[]) is 'foreign keys among relations, as far as the caller may read their columns';

-- API: Private. A key of which the caller may read one end only connects nothing for it, as in _links().
create or replace function nl2sql._neighbours(chosen oid[], mode text, schemas name[])
returns table (relid oid, neighbour oid)
language plpgsql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
-- else the first five questions of a session are planned one by one
set plan_cache_mode = force_generic_plan
as $plpgsql$
declare
    -- what refers to a chosen one, or to the table behind it: pg_depend has an index for that, pg_constraint has none
    referring oid[] := array(
        select k.conrelid
        from pg_constraint as k
        where k.contype = 'f' and k.oid = any (array(
            select d.objid from pg_depend as d
            where d.refclassid = 'pg_class'::regclass and d.classid = 'pg_constraint'::regclass
                and d.refobjid = any (chosen || array(select v.relation::oid from nl2sql._mask_view as v where v.masked_view::oid = any (chosen))))));
begin
    referring := referring || array(select v.masked_view::oid from nl2sql._mask_view as v where v.relation::oid = any (referring));
    return query
    with key as materialized (
        select k.conrelid, k.confrelid, k.conkey, k.confkey
        from nl2sql._keys(chosen || referring) as k
        where k.contype = 'f' and k.conrelid <> k.confrelid
            and (k.conrelid = any (chosen) or k.confrelid = any (chosen))
    ),
    link as materialized (
        select k.conrelid as linked, k.confrelid as to_one, k.* from key as k where k.confrelid = any (chosen)
        union all
        select k.confrelid, k.conrelid, k.* from key as k where k.conrelid = any (chosen)
    )
    select distinct r.relid, l.to_one
    from nl2sql._readable_among(mode, schemas, array(select l.linked from link as l)) as r
        join link as l on l.linked = r.relid
    where (select bool_and(has_column_privilege(l.conrelid, n, 'select')) from unnest(l.conkey) as n)
        and (select bool_and(has_column_privilege(l.confrelid, n, 'select')) from unnest(l.confkey) as n);
end
$plpgsql$;
comment on function nl2sql._neighbours(oid[], text, name[]) is 'relations in scope one foreign key away from a chosen one, each with that one';

-- API: Public
create or replace function nl2sql.refresh_index(
    everything boolean default false  -- true: relations that are indexed already, too
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if coalesce(everything, false) then
        perform nl2sql._index_requeue();
    end if;
    return nl2sql._ok(nl2sql._refresh_index())::bigint;
end
$plpgsql$;
comment on function nl2sql.refresh_index(boolean) is 'bring the schema index up to date now; returns relations stored; needs the sidecar for embeddings (NL0xx, NL310); raises NL203';

-- API: Private
create or replace function nl2sql._refresh_index()
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $python$
from nl2sql_pg import entry
return entry.refresh_index(plpy)
$python$;
comment on function nl2sql._refresh_index() is 'embed and store what is pending: an envelope {ok: relations stored} or {error}';
