"""What counts as the statement in a model's text, whatever it stands in."""

from __future__ import annotations

import pytest

from sidecar.prompt.extract import extract_sql

RAW = {
    "comment_first": ("-- Total revenue?\nSELECT 1;", "SELECT 1"),
    "comments_in_fence": ("```sql\n-- one\n-- two\nSELECT 1\n```", "SELECT 1"),
    "plain": ("SELECT 1", "SELECT 1"),
    "semicolon": ("SELECT 1;", "SELECT 1"),
    "semicolons_and_space": ("  SELECT 1 ; ;\n", "SELECT 1"),
    "fence": ("```sql\nSELECT 1;\n```", "SELECT 1"),
    "fence_without_language": ("```\nSELECT 1\n```", "SELECT 1"),
    "fence_in_capitals": ("```SQL\nSELECT 1\n```", "SELECT 1"),
    "fence_of_postgresql": ("```postgresql\nSELECT 1\n```", "SELECT 1"),
    "fence_on_one_line": ("```sql SELECT 1 ```", "SELECT 1"),
    "fence_open": ("```sql\nSELECT 1", "SELECT 1"),
    "fence_cut_by_stop": ("```sql\nSELECT a\nFROM b", "SELECT a\nFROM b"),
    "prose_before_fence": ("Here is the query:\n```sql\nSELECT 1;\n```", "SELECT 1"),
    "prose_after_fence": ("```sql\nSELECT 1;\n```\nThis counts to one.", "SELECT 1"),
    "two_fences": ("```sql\nSELECT 1\n```\nor\n```sql\nSELECT 2\n```", "SELECT 1"),
    "label": ("SQL: SELECT 1", "SELECT 1"),
    "label_in_lower_case": ("sql:\nselect 1", "select 1"),
    "answer_label": ("Answer: SELECT 1;", "SELECT 1"),
    "prose_with_colon": ("The statement is: SELECT 1", "SELECT 1"),
    "prose_on_its_own_line": ("Sure! Here is the SQL:\n\nSELECT count(*) FROM orders;", "SELECT count(*) FROM orders"),
    "chinese_prose": ("查询语句如下：\nSELECT 1;", "SELECT 1"),
    "chinese_prose_and_fence": ("好的，答案是：\n```sql\nSELECT '是' AS a;\n```\n希望有帮助。", "SELECT '是' AS a"),
    "chinese_prose_one_line": ("答案：SELECT 1", "SELECT 1"),
    "with": ("WITH a AS (SELECT 1) SELECT * FROM a;", "WITH a AS (SELECT 1) SELECT * FROM a"),
    "prose_then_with": ("Answer:\nWITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"),
    "parenthesised": ("The union is: (SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)"),
    "several_lines": ("SELECT a,\n  b\nFROM t\n;\n", "SELECT a,\n  b\nFROM t"),
    "not_sql": ("I can't do that.", "I can't do that."),
    "empty": ("", ""),
    "only_fence": ("```sql\n```", ""),
    "two_statements": ("SELECT 1; SELECT 2;", "SELECT 1; SELECT 2"),
    "literal_with_backticks": ("SELECT '```' AS a", "SELECT '```' AS a"),
    "literal_with_colon": ("SELECT 'x: select' AS a", "SELECT 'x: select' AS a"),
    "explanation_after": ("SELECT 1;\n\nThis counts to one.", "SELECT 1"),
    "chinese_explanation_after": ("SELECT 1;\n说明：这是一个查询。", "SELECT 1"),
    "in_a_comment": ("-- SELECT count(*) FROM book", "SELECT count(*) FROM book"),
    "in_a_comment_and_backticks": ("-- How many?\n-- `SELECT count(*) FROM book`;", "SELECT count(*) FROM book"),
    "only_comments": ("-- How many books?", ""),
    "echoed_question": ("Question: how many\nSQL: SELECT 1", "SELECT 1"),
}


@pytest.mark.parametrize(("raw", "sql"), RAW.values(), ids=RAW)
def test_extract_sql(raw: str, sql: str) -> None:
    assert extract_sql(raw) == sql
