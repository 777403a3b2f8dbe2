"""Terms in a question, parameters of the workload, and the forms in which statements are given."""

from __future__ import annotations

import pytest
from nl2sql_pg.errors import Refusal
from nl2sql_pg.examples import _occurs
from nl2sql_pg.statement import MAX_SQL, tidy
from nl2sql_pg.suggesting import _PARAMETER

OCCURS = [
    ("active customer", "How many Active Customers are there?", True),
    ("active customer", "inactive customer", False),
    ("active customer", "active customership", False),
    ("box", "all boxes", True),
    ("gmv", "GMV, by month", True),
    ("gmv", "gmvs_total", False),
    ("c++", "lines of C++ code", True),
    ("a.b", "a.b", True),
    ("a.b", "axb", False),
    ("straße", "jede STRASSE", True),
    ("活跃客户", "有多少活跃客户？", True),
    ("活跃客户", "有多少客户？", False),
    ("KPI指标", "本月kpi指标是多少", True),
    ("é", "école", False),
]


@pytest.mark.parametrize(("term", "question", "occurs"), OCCURS)
def test_terms_stand_as_words(term: str, question: str, occurs: bool) -> None:
    assert _occurs(term, question) == occurs


def test_statements_are_taken_as_people_end_them() -> None:
    assert tidy("select 1 ;\n; ", "x") == "select 1"
    assert tidy(" select ';'", "x") == " select ';'"
    for sql, sqlstate in ((None, "22004"), (" ;\n", "22004"), ("x" * (MAX_SQL + 1), "54000")):
        with pytest.raises(Refusal) as refused:
            tidy(sql, "x")
        assert refused.value.sqlstate == sqlstate
        assert refused.value.detail and refused.value.hint


def test_parameters_of_the_workload() -> None:
    assert _PARAMETER.sub("null", "select $1, a from t where b in ($2, $10)") == (
        "select null, a from t where b in (null, null)"
    )
