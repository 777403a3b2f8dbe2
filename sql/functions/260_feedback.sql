-- Learning from use: what users say of an answer waits for an administrator; what he approves is an example at once.

-- API: Private. SECURITY DEFINER: anybody who asks may add to the queue, and do nothing else to it.
create or replace function nl2sql._feedback_store(
    feedback jsonb,  -- {request_id, question, sql, correct, corrected_sql, note, given_as}
    reads jsonb      -- [{schema, table, column}, ...] of both statements
)
returns bigint
language plpgsql volatile strict security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
declare
    stored bigint;
    role_name constant text := feedback ->> 'given_as';
begin
    if (select count(*) from nl2sql._feedback as f where f.status = 'pending' and f.given_by = session_user) >= 1000 then
        raise exception using
            errcode = '54000',
            message = 'too much feedback is waiting',
            detail = 'This login has 1000 entries in the review queue. Nothing was stored.',
            hint = 'Ask an administrator to go through nl2sql.review_queue.';
    end if;
    if jsonb_array_length(reads) > 500 then
        raise exception using
            errcode = '54000',
            message = 'a statement that reads more than 500 tables and columns is no feedback',
            detail = 'Nothing was stored.',
            hint = 'Pass a shorter statement.';
    end if;
    insert into nl2sql._feedback as f
        (request_id, question, sql, correct, corrected_sql, note, objects, relations, given_as)
    select x.request_id, left(x.question, 8000), left(x.sql, 32768), x.correct, left(x.corrected_sql, 32768), left(x.note, 2000),
        nl2sql._note_objects(reads),
        nl2sql._note_objects(jsonb_path_query_array(reads, '$[*] ? (@.column == "")')),
        -- what it says of itself counts only where it can be true
        case when nl2sql._acts_for(role_name) then role_name end
    from jsonb_to_record(feedback) as x
        (request_id uuid, question text, sql text, correct boolean, corrected_sql text, note text)
    returning f.id into stored;
    perform nl2sql._audit_note('feedback', feedback || jsonb_build_object('feedback_id', stored));
    return stored;
end
$plpgsql$;
comment on function nl2sql._feedback_store(jsonb, jsonb) is 'append to the review queue; returns the entry''s id';

-- API: Private. SECURITY DEFINER: decides entries of the queue.
create or replace function nl2sql._feedback_close(feedback_id bigint, decision text, reason text, example_id bigint)
returns boolean
language sql volatile called on null input security definer parallel unsafe
set search_path = pg_catalog, pg_temp
as $sql$
    select nl2sql._audit_note(case decision when 'approved' then 'approve' else 'reject' end, jsonb_build_object(
        'feedback_id', feedback_id, 'reason', reason, 'example_id', example_id));
    with closed as (
        update nl2sql._feedback as f
        set status = decision, reason = left(_feedback_close.reason, 2000), example_id = _feedback_close.example_id,
            closed_by = session_user, closed_at = clock_timestamp()
        where f.id = feedback_id and f.status = 'pending'
        returning 1
    )
    select exists (select from closed)
$sql$;
comment on function nl2sql._feedback_close(bigint, text, text, bigint) is 'mark a pending entry as approved or rejected; false if there is none';

-- API: Private
create or replace function nl2sql._feedback(given jsonb, caller jsonb)
returns jsonb
language plpython3u volatile strict security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.feedback(plpy, given, caller)
$python$;
comment on function nl2sql._feedback(jsonb, jsonb) is 'check and note feedback: an envelope {ok: id} or {error}';

-- API: Public
create or replace function nl2sql.feedback(
    request_id uuid,                   -- of nl2sql.ask()
    correct boolean,                   -- whether the answer was right
    corrected_sql text default null,   -- the SELECT that it should have been
    note text default null,            -- for the administrator
    question text default null,        -- what was asked, where the request is not of this session
    sql text default null              -- what was answered, likewise
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._feedback(
        pg_catalog.jsonb_build_object('request_id', request_id, 'correct', correct, 'corrected_sql', corrected_sql, 'note', note,
            'question', question, 'sql', sql),
        nl2sql._caller()));
begin
    return reply::pg_catalog.int8;
end
$plpgsql$;
comment on function nl2sql.feedback(uuid, boolean, text, text, text, text) is
    'say whether an answer was right, and what would be; returns the entry''s number in the review queue; raises NL108, NL204, 22004, 54000';

-- API: Public
create or replace function nl2sql.propose_example(
    question text,           -- as users ask it
    sql text,                -- the SELECT that answers it
    note text default null   -- for the administrator
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._feedback(
        pg_catalog.jsonb_build_object('correct', true, 'question', question, 'sql', sql, 'note', note, 'proposal', true),
        nl2sql._caller()));
begin
    return reply::pg_catalog.int8;
end
$plpgsql$;
comment on function nl2sql.propose_example(text, text, text) is
    'put an example into the review queue; returns the entry''s number there; raises NL1xx, NL204, 22004, 54000';

-- API: Private. A function, since a view would read the table with its owner's rights.
create or replace function nl2sql._review_queue()
returns table (
    feedback_id bigint, question text, sql text, correct boolean, corrected_sql text, note text, request_id uuid, given_by text,
    given_as text, given_at timestamptz)
language sql stable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$
    select f.id, f.question, f.sql, f.correct, f.corrected_sql, f.note, f.request_id, f.given_by, f.given_as, f.given_at
    from nl2sql._feedback as f
    where f.status = 'pending'
    order by f.id
$sql$;
comment on function nl2sql._review_queue() is 'pending feedback on what the caller may read';

-- API: Public
create or replace view nl2sql.review_queue as
select q.*
from nl2sql._review_queue() as q;
comment on view nl2sql.review_queue is 'feedback and proposed examples that wait for approve() or reject(), as far as the administrator may read what they read';

-- API: Private
create or replace function nl2sql._approve(feedback_id bigint, corrected_sql text, caller jsonb)
returns jsonb
language plpython3u volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $python$
from nl2sql_pg import entry
return entry.approve(plpy, feedback_id, corrected_sql, caller)
$python$;
comment on function nl2sql._approve(bigint, text, jsonb) is 'make an example of feedback: an envelope {ok: {id, warnings}} or {error}';

-- API: Public
create or replace function nl2sql.approve(
    feedback_id bigint,               -- of nl2sql.review_queue
    corrected_sql text default null   -- instead of the statement that was given
)
returns bigint
language plpgsql volatile called on null input security invoker parallel unsafe
as $plpgsql$
declare
    reply jsonb := nl2sql._ok(nl2sql._approve(feedback_id, corrected_sql, nl2sql._caller()), warn => true);
begin
    return (reply OPERATOR(pg_catalog.->>) 'id')::pg_catalog.int8;
end
$plpgsql$;
comment on function nl2sql.approve(bigint, text) is
    'make an example of an entry of the review queue, checked as the caller; returns the example''s id; raises 42704, NL204 and as add_example()';

-- API: Public
create or replace function nl2sql.reject(
    feedback_id bigint,         -- of nl2sql.review_queue
    reason text default null    -- kept with the entry
)
returns void
language plpgsql volatile called on null input security invoker parallel unsafe
set search_path = pg_catalog, pg_temp
as $plpgsql$
begin
    if not exists (select from nl2sql._review_queue() as q where q.feedback_id = reject.feedback_id)
        or not nl2sql._feedback_close(reject.feedback_id, 'rejected', reject.reason, null)
    then
        raise exception using
            errcode = '42704',
            message = format('no feedback %s is waiting', reject.feedback_id),
            detail = 'Nothing was changed.',
            hint = 'SELECT feedback_id, question FROM nl2sql.review_queue lists what you may decide on.';
    end if;
end
$plpgsql$;
comment on function nl2sql.reject(bigint, text) is 'take an entry off the review queue without storing it; raises 42704';
