"""How often the right tables are found, and how fast: python -m bench.retrieval --dsn … [--questions FILE] [--step 5]

The database holds the tables, the extension with a filled schema index, and a sidecar that embeds. Questions are JSON
lines with `question`, `search_path` and `gold_pg`; each is asked of the whole database as a role that may read all of
it but is no superuser. A question counts as recalled if all tables of its gold statement are among the first 5, 10 or
20. Times are of the whole retrieval, the description of 20 tables included, with and without the embedding of the
question by the sidecar.

--generate N fills an empty database with N tables of made-up names first, embedded in this process with --model, and
asks about some of them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlglot
from sqlglot import exp

from bench.overhead import percentile

DEPTHS = (5, 10, 20)
READER = "nl2sql_bench_reader"

# Runs what nl2sql.ask() runs before it asks the engine. The extension's own function has put its package on the path.
FUNCTION = """
create schema if not exists nl2sql_bench;
create or replace function nl2sql_bench.retrieve(question text) returns text language plpython3u as $python$
import json, time
from dataclasses import replace
from nl2sql_pg.bridge import Database
from nl2sql_pg.context import open_context
from nl2sql_pg.asked import Asked
from nl2sql_pg.question import Options
from nl2sql_pg.retrieval import retrieve
caller = {"schemas": [], "search_path": "pg_catalog"}
context = open_context(Database(plpy), caller, Options(scope="database", timeout="60s"))
context = replace(context, settings={**context.settings, "max_tables": "20", "prompt_tokens": "100000"})
asked = Asked(question)
started = time.perf_counter()
asked.embedded(context)
embedded = time.perf_counter()
found = retrieve(context, asked)
ended = time.perf_counter()
times = [(embedded - started) * 1000, (ended - embedded) * 1000]
return json.dumps({"tables": [reason["table"] for reason in found.reasons], "ms": times})
$python$;
"""
ROLE = f"""
do $$ begin
    if not exists (select from pg_roles where rolname = '{READER}') then create role {READER}; end if;
end $$;
grant nl2sql_user, pg_read_all_data to {READER};
grant usage on schema nl2sql_bench to {READER};
"""
NOUNS = """
account address agent airport article asset author batch bill book branch budget building camera campaign card
carrier category channel claim class client coach comment company component contract country coupon course
crew customer delivery department deposit device dinner dish district doctor document driver employee engine
episode event exam exhibit expense factory farm film flight forecast garden goal grade hotel house idea image
insurance invoice item job journey judge key language lease lesson letter library license loan location
machine manager market match material meal meeting member message meter museum nurse office operation order
outlet package park part patient payment permit person phone pilot plan plant player policy port price problem
product profile project purchase quality quarter query race rating receipt recipe record region rental report
request room route sale sample school score season sensor service shift ship shop signal song source staff
stage station stock store story street student supplier survey task team technician test theme ticket tour
track trade train transfer trip truck unit user vehicle vendor version video village visit voucher wage
warehouse weather website wine worker workshop zone
""".split()
MARKS = """
amount name status created_on updated_on quantity weight height colour length priority comment rank rate email
phone city age duration capacity level type code title description year distance temperature discount tax
balance
""".split()


@dataclass(frozen=True)
class Question:
    """What is asked, and the tables of the gold statement, as schema.table."""

    text: str
    gold: frozenset[str]


def gold_tables(sql: str, schema: str) -> frozenset[str]:
    tree = sqlglot.parse_one(sql, read="postgres")
    local = {cte.alias for cte in tree.find_all(exp.CTE)}
    return frozenset(
        f"{table.db or schema}.{table.name}" for table in tree.find_all(exp.Table) if table.name not in local
    )


def read_questions(path: Path, field: str, step: int) -> list[Question]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    checked = [row for row in rows if row.get("gold_pg")][::step]
    return [Question(row[field], gold_tables(row["gold_pg"], row["search_path"])) for row in checked]


def generated(count: int) -> Iterator[tuple[str, str, list[str], str | None]]:
    """(schema, table, columns, table referred to), the same at every call."""
    choose = random.Random(7)
    for schema in range((count + 99) // 100):
        names: list[str] = []
        while len(names) < min(100, count - schema * 100):
            name = "_".join(choose.sample(NOUNS, 2))
            if name not in names:
                names.append(name)
                other = choose.choice(names)
                yield f"area_{schema}", name, choose.sample(MARKS, 8), None if other == name else other


def generate(connection: psycopg.Connection[Any], count: int) -> list[Question]:
    """Make the tables; the questions name a table's two words and one column."""
    # no event triggers: what is not in the index yet is found by itself, and the time of DDL is not what is measured
    connection.execute("set session_replication_role = replica")
    questions = []
    for number, (schema, table, columns, other) in enumerate(generated(count)):
        definitions = ["id int primary key", *(f"{column} text" for column in columns)]
        if other:
            definitions.append(f"{other}_id int references {schema}.{other}")
        made = f"create table {schema}.{table} ({', '.join(definitions)})"
        connection.execute(f"create schema if not exists {schema}; {made}".encode())
        if number % max(1, count // 200) == 0:
            words = table.replace("_", " of each ")
            questions.append(Question(f"What is the {columns[3]} of the {words}?", frozenset([f"{schema}.{table}"])))
    connection.execute("reset session_replication_role")
    return questions


def fill_index(connection: psycopg.Connection[Any], model: Path) -> None:
    """As the sidecar's indexer does, with vectors for tables only: ranking compares no others."""
    from sidecar.engine.bert import BertEncoder

    encoder = BertEncoder(model)
    pending = "select relid::bigint, attnum, names, document, fingerprint from nl2sql._index_pending(200)"
    while rows := connection.execute(pending.encode()).fetchall():
        entries = [dict(zip(("relid", "attnum", "names", "document", "fingerprint"), row, strict=True)) for row in rows]
        tables = [entry for entry in entries if entry["attnum"] == 0]
        for entry, vector in zip(tables, encoder.encode([t["document"] for t in tables]).tolist(), strict=True):
            entry["embedding"] = vector
        head = connection.execute("select nl2sql._index_queue_head()").fetchone()
        assert head
        connection.execute("select nl2sql._index_store(%s, %s, %s)", (json.dumps(entries), model.name, head[0]))
    while connection.execute("select nl2sql._known_refresh(200)").fetchone() != (0,):
        pass
    connection.execute("analyze nl2sql._index; analyze nl2sql._index_word; analyze nl2sql._known_value")


Spent = tuple[float, float]  # milliseconds: in the sidecar for the question's vector, and in the database


def ask_all(connection: psycopg.Connection[Any], questions: Sequence[Question]) -> tuple[list[list[str]], list[Spent]]:
    """Tables found for each question, and times; the first answers, which load Python, are asked again."""
    connection.execute("select nl2sql.status()")
    connection.execute(f"set role {READER}".encode())
    found, spent = [], []
    for question in [*questions[:10], *questions]:
        row = connection.execute("select nl2sql_bench.retrieve(%s)", (question.text,)).fetchone()
        assert row
        answer = json.loads(row[0])
        found.append(answer["tables"])
        spent.append(tuple(answer["ms"]))
    connection.execute("reset role")
    return found[-len(questions) :], spent[-len(questions) :]


def report(questions: Sequence[Question], found: Sequence[list[str]], spent: Sequence[Spent]) -> None:
    print(f"{len(questions)} questions")
    for depth in DEPTHS:
        whole = [question.gold <= set(tables[:depth]) for question, tables in zip(questions, found, strict=True)]
        hits = sum(len(q.gold & set(tables[:depth])) for q, tables in zip(questions, found, strict=True))
        single = hits / sum(len(question.gold) for question in questions)
        print(f"recall@{depth:<3} questions {sum(whole) / len(whole):.3f}   tables {single:.3f}")
    names = [
        {table.partition(".")[2] for table in question.gold} <= {table.partition(".")[2] for table in tables[:20]}
        for question, tables in zip(questions, found, strict=True)
    ]
    print(f"recall@20  questions {sum(names) / len(names):.3f}   if the same name in another schema counts, too")
    for name, times in (
        ("embedding", [sidecar for sidecar, _ in spent]),
        ("retrieval", [database for _, database in spent]),
        ("together", [sidecar + database for sidecar, database in spent]),
    ):
        print(f"{name:<10} p50 {percentile(times, 0.5):.1f} ms   p95 {percentile(times, 0.95):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", default="", help="a superuser's connection string; default: the environment")
    parser.add_argument("--questions", type=Path, help="JSON lines")
    parser.add_argument("--field", default="question", help="field of the question's text, as question_zh")
    parser.add_argument("--step", type=int, default=1, help="ask every n-th question only")
    parser.add_argument("--generate", type=int, default=0, metavar="N", help="make N tables first")
    parser.add_argument("--model", type=Path, help="folder of the embedding model for --generate")
    arguments = parser.parse_args()
    with psycopg.connect(arguments.dsn, autocommit=True) as connection:
        connection.execute((FUNCTION + ROLE).encode())
        if arguments.generate:
            questions = generate(connection, arguments.generate)
            fill_index(connection, arguments.model)
        else:
            questions = read_questions(arguments.questions, arguments.field, arguments.step)
        report(questions, *ask_all(connection, questions))


if __name__ == "__main__":
    main()
