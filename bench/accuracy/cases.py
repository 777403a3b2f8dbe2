"""A suite of a user's own database: the questions stored with nl2sql.add_case()."""

from __future__ import annotations

import psycopg
from sqlglot.errors import SqlglotError

from bench.accuracy.shapes import is_ordered
from bench.accuracy.suite import Question, Suite
from tools.errors import ToolError

CASES = """
    select id, question, sql, search_path from nl2sql.cases where suite = %s order by id
"""


def stored_suite(dsn: str, name: str) -> Suite:
    """The cases of one suite that this role may see."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(CASES, (name,)).fetchall()
        database = connection.info.dbname
    if not rows:
        raise ToolError(f"there is no case in the suite {name}", hint="SELECT nl2sql.add_case(suite, question, sql)")
    questions = (
        Question(f"{name}-{number}", database, question, sql, ordered(sql), tuple(schemas))
        for number, question, sql, schemas in rows
    )
    return Suite(f"own-{database}-{name}", tuple(questions))


def ordered(sql: str) -> bool:
    """A statement that can't be read here is compared as a bag."""
    try:
        return is_ordered(sql)
    except SqlglotError:
        return False
