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
        join pg_class as c on c.oid = touched.relid
    where not command.in_extension
        and nl2sql._is_user_relation(c);
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

-- API: Private. SECURITY DEFINER: writes the index.
create or replace function nl2sql._index_queue_head()
returns bigint
language sql stable strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select coalesce(max(q.id), 0) from nl2sql._index_queue as q
$sql$;
comment on function nl2sql._index_queue_head() is 'highest queue number seen; taken before reading, so that later changes stay queued';

-- API: Private. SECURITY DEFINER: writes the index. `vector` is bound when this function is made, whatever schema it is in.
create or replace function nl2sql._index_store(
    entries jsonb,     -- [{relid, attnum, names, document, fingerprint, embedding: [float] or null}, …], whole relations
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
    with stored as (
        insert into nl2sql._index as i (relid, attnum, names, document, words, fingerprint, embedder, dimension, embedding)
        select e.relid, e.attnum, e.names, e.document, pg_catalog.to_tsvector('pg_catalog.english', e.document), e.fingerprint,
            case when e.embedding is not null then _index_store.embedder end,
            pg_catalog.jsonb_array_length(e.embedding),
            e.embedding::text::vector
        from pg_catalog.jsonb_to_recordset(entries)
            as e (relid oid, attnum int2, names text, document text, fingerprint text, embedding jsonb)
        where exists (select from pg_catalog.pg_class as c where c.oid operator(pg_catalog.=) e.relid)
        order by e.relid, e.attnum
        on conflict (relid, attnum) do update set
            names = excluded.names, document = excluded.document, words = excluded.words, fingerprint = excluded.fingerprint,
            embedder = excluded.embedder, dimension = excluded.dimension, embedding = excluded.embedding,
            updated_at = pg_catalog.clock_timestamp()
        returning 1
    )
    select pg_catalog.count(*)::int from stored;
end;
comment on function nl2sql._index_store(jsonb, text, bigint) is 'store index rows of whole relations and take these off the queue; returns rows stored';

-- API: Private. SECURITY DEFINER: writes the index queue.
create or replace function nl2sql._index_requeue()
returns bigint
language sql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
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
language sql stable strict security definer parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select r.relid
    from unnest(relations) as r (relid)
    where not exists (select from nl2sql._index as i where i.relid = r.relid)
        or exists (select from nl2sql._index_queue as q where q.relid = r.relid)
$sql$;
comment on function nl2sql._index_stale(oid[]) is 'which of these relations are not indexed, or changed since';

-- API: Private. Runs as the caller: row level security on nl2sql._index hides what the caller may not read.
create or replace function nl2sql._rank(
    relations oid[],   -- candidates
    question text,
    embedding text,    -- of the question, '[…]'; NULL: lexical only
    embedder text      -- the model that made it; other models' vectors are not compared
)
returns table (relid oid, score float8, by_meaning bigint, by_name bigint, by_text bigint)
language sql stable called on null input security invoker parallel safe
set search_path = pg_catalog, pg_temp
begin atomic
    with entry as materialized (
        select i.relid, i.names, i.words, i.embedding, i.embedder, i.dimension
        from nl2sql._index as i
        where i.relid operator(pg_catalog.=) any (relations)
    ),
    asked as (
        select pg_catalog.replace(pg_catalog.plainto_tsquery('pg_catalog.english', question)::text, '&', '|')::pg_catalog.tsquery as query
    ),
    meaning as (
        select e.relid, pg_catalog.rank() over (order by pg_catalog.min(e.embedding <=> _rank.embedding::vector)) as place
        from entry as e
        where e.embedder operator(pg_catalog.=) _rank.embedder and _rank.embedding is not null
            and e.dimension operator(pg_catalog.=) vector_dims(_rank.embedding::vector)
        group by e.relid
    ),
    name as (
        select s.relid, pg_catalog.rank() over (order by s.similarity desc) as place
        from (
            select e.relid, pg_catalog.max(word_similarity(e.names, question)) as similarity from entry as e group by e.relid
        ) as s
        where s.similarity operator(pg_catalog.>) 0.2
    ),
    full_text as (
        select t.relid, pg_catalog.rank() over (order by t.weight desc) as place
        from (
            select e.relid, pg_catalog.sum(pg_catalog.ts_rank(e.words, a.query)) as weight
            from entry as e, asked as a
            where e.words operator(pg_catalog.@@) a.query
            group by e.relid
        ) as t
    )
    -- reciprocal rank fusion (Cormack et al. 2009), k = 60
    select c.relid,
        coalesce((
            select pg_catalog.sum(1.0::float8 operator(pg_catalog./) (60 operator(pg_catalog.+) s.place))
            from (values (m.place), (n.place), (f.place)) as s (place)
        ), 0) as score,
        m.place, n.place, f.place
    from pg_catalog.unnest(relations) as c (relid)
        left join meaning as m on m.relid operator(pg_catalog.=) c.relid
        left join name as n on n.relid operator(pg_catalog.=) c.relid
        left join full_text as f on f.relid operator(pg_catalog.=) c.relid
    order by score desc, c.relid;
end;
comment on function nl2sql._rank(oid[], text, text, text) is 'candidates ranked by meaning, names and full text, fused by reciprocal rank';

-- API: Private
create or replace function nl2sql._bridges(chosen oid[], candidates oid[])
returns setof oid
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    -- Relations of the candidates that have a foreign key to, or from, at least two of the chosen ones.
    select link.bridge
    from (
        select k.conrelid as bridge, k.confrelid as neighbour from pg_constraint as k where k.contype = 'f' and k.confrelid = any (chosen)
        union
        select k.confrelid, k.conrelid from pg_constraint as k where k.contype = 'f' and k.conrelid = any (chosen)
    ) as link
    where link.bridge = any (candidates) and link.bridge <> all (chosen)
    group by link.bridge
    having count(distinct link.neighbour) >= 2
    order by count(distinct link.neighbour) desc, link.bridge
$sql$;
comment on function nl2sql._bridges(oid[], oid[]) is 'candidates that connect at least two of the chosen relations by foreign keys';

-- API: Public
create or replace function nl2sql.refresh_index(
    everything boolean default false  -- true: relations that are indexed already, too
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    reply jsonb;
begin
    if coalesce(everything, false) then
        perform nl2sql._index_requeue();
    end if;
    reply := nl2sql._refresh_index();
    perform nl2sql._raise_error(reply -> 'error');
    return (reply ->> 'stored')::bigint;
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
comment on function nl2sql._refresh_index() is 'embed and store what is pending; an envelope {stored} or {error}';
