"""What is read of a plan, however deep it is."""

from __future__ import annotations

import json

from nl2sql_pg.plans import read_plan

SCANS = [
    {"Node Type": "Seq Scan", "Relation Name": "orders", "Total Cost": 9.5, "Plan Rows": 900},
    {"Node Type": "Seq Scan", "Relation Name": "hidden", "Total Cost": 8, "Plan Rows": 5000},
]
PLAN = {"Node Type": "Nested Loop", "Total Cost": 20.25, "Plan Rows": 4, "Filter": "x", "Plans": SCANS}


def text(plan: dict[str, object]) -> str:
    return json.dumps([{"Plan": plan}], indent=2)


def test_what_a_plan_tells() -> None:
    plan = read_plan(text(PLAN))
    assert (plan.cost, plan.rows, plan.most_rows()) == (20.25, 4, 5000)
    assert plan.largest_scans({"orders"}, 3) == [("orders", 900)]
    assert not plan.locks_rows() and read_plan(text({**PLAN, "Node Type": "LockRows"})).locks_rows()


def test_what_a_text_says_is_no_property() -> None:
    spoilt = {**PLAN, "Filter": '(x = \'\n  "Plan Rows": 999999999,\n"Node Type": "LockRows"\')'}
    assert read_plan(text(spoilt)) == read_plan(text(PLAN))


def test_a_deep_plan() -> None:
    step = '{\n"Node Type": "SetOp",\n"Total Cost": 1.00,\n"Plan Rows": 1,\n"Plans": [\n'
    assert len(read_plan(step * 5000).nodes) == 5000
