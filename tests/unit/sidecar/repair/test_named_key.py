"""Keys where the question asks who or which; fixture named_key.txt has question;given;expected over the shop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.glossary.words import gloss, with_meanings
from sidecar.guard.grammar import written
from sidecar.guard.scope import Column, ForeignKey, Scope, Table
from sidecar.repair.binding import bind
from sidecar.repair.reading import read
from sidecar.repair.repair import Repaired, repair
from sidecar.repair.rules.named_key import unnamed
from tests.support.shop import shop_scope, statements

FIXTURE = [line.split(";") for line in statements(Path(__file__).with_name("named_key.txt"))]


def table(
    name: str, columns: str, label: str = "", comment: str | None = None, **keys: tuple[str, str] | None
) -> Table:
    """Columns are `name type`; a key is column=(table, column referred to)."""
    pairs = [part.rsplit(" ", 1) for part in columns.split(", ")]
    made = tuple(Column(own.rstrip("!"), kind.replace("_", " "), own.endswith("!")) for own, kind in pairs)
    foreign = tuple(
        ForeignKey((column,), "s", target[0], (target[1],), 0.9 if target[1].endswith("?") else 1.0)
        for column, target in keys.items()
        if target
    )
    first = made[0].name
    return Table("s", name, "table", made, comment, (first,), foreign, tuple(label.split()))


STAFF = Scope(
    ("s",),
    (
        table(
            "staff",
            "staff_id integer, full_name text, manager_id integer",
            "full_name",
            manager_id=("staff", "staff_id"),
        ),
        table(
            "message",
            "message_id integer, sender_id! integer, recipient_id! integer, reviewer_id integer, sent_on date",
            sender_id=("staff", "staff_id"),
            recipient_id=("staff", "staff_id"),
            reviewer_id=("staff", "staff_id"),
        ),
        table("user", "userId uuid, displayName text, group text", "displayName"),
        table("order", "orderId integer, userId! uuid, limit numeric", userId=("user", "userId")),
        table("member", "member_no integer, first_name text, last_name text, town text", "first_name last_name"),
        table("loan", "loan_id integer, member_no! integer, amount numeric", member_no=("member", "member_no")),
        table("supplier", "supplier_id integer, supplier_name text", "supplier_name"),
        table("part", "part_id integer, part_name text", "part_name"),
        Table(
            "s",
            "part_supplier",
            "table",
            (Column("part_id", "integer"), Column("supplier_id", "integer"), Column("lead_days", "integer")),
            None,
            ("part_id", "supplier_id"),
            (
                ForeignKey(("part_id",), "s", "part", ("part_id",)),
                ForeignKey(("supplier_id",), "s", "supplier", ("supplier_id",)),
            ),
        ),
        Table(
            "s",
            "delivery",
            "table",
            (
                Column("delivery_id", "integer"),
                Column("part_id", "integer", True),
                Column("supplier_id", "integer", True),
                Column("quantity", "integer"),
            ),
            None,
            ("delivery_id",),
            (ForeignKey(("part_id", "supplier_id"), "s", "part_supplier", ("part_id", "supplier_id")),),
        ),
        table("machine", "mach_id character_varying(6), mach_nm text", "mach_nm"),
        table(
            "stop", "stop_id integer, mach_id! character_varying(6), minutes integer", mach_id=("machine", "mach_id")
        ),
        table("部门", "部门编号 integer, 部门名称 text", "部门名称"),
        table("支出", "支出编号 integer, 部门编号! integer, 金额 numeric", 部门编号=("部门", "部门编号")),
        Table(
            "s",
            "sales_view",
            "view",
            tuple(Column(*c) for c in (("customer_id", "integer"), ("customer_name", "text"), ("state", "text"))),
        ),
        Table("s", "client", "view", (Column("client_id", "integer"), Column("name", "text")), label=("name",)),
        table("bp", "bp_id integer, nm text, par_id integer", "nm", par_id=("bp", "bp_id")),
        table("shpt", "shpt_id integer, shpt_no text, cust_id! integer", "shpt_no", cust_id=("bp", "bp_id")),
        table("maker", "id integer, full_name text", "full_name"),
        table("model", "maker integer, model_name text", maker=("maker", "id")),
        table("session", "session_id integer, opened date"),
        table("visit", "visit_id integer, session_id! integer", session_id=("session", "session_id")),
    ),
)

SENT = "SELECT sender_id FROM message GROUP BY sender_id ORDER BY COUNT(*) DESC LIMIT 1"
NAMED = [
    (
        "Who sent the most messages?",
        SENT,
        "SELECT staff.full_name FROM message JOIN staff ON staff.staff_id = message.sender_id"
        " GROUP BY sender_id, staff.full_name ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    (
        "Which sender sent the most messages, and how many?",
        "SELECT m.sender_id AS sender, COUNT(*) AS n FROM message AS m GROUP BY sender ORDER BY n DESC LIMIT 1",
        "SELECT staff.full_name AS sender, COUNT(*) AS n FROM message AS m JOIN staff ON staff.staff_id = m.sender_id"
        " GROUP BY m.sender_id, staff.full_name ORDER BY n DESC LIMIT 1",
    ),
    (
        "谁发的消息最多?",
        SENT.replace("sender_id FROM", "sender_id, COUNT(*) FROM").replace("GROUP BY sender_id", "GROUP BY 1"),
        "SELECT staff.full_name, COUNT(*) FROM message JOIN staff ON staff.staff_id = message.sender_id"
        " GROUP BY sender_id, staff.full_name ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    (
        "Which maker has the most models?",
        "SELECT maker FROM model GROUP BY maker ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT maker.full_name FROM model JOIN maker ON maker.id = model.maker"
        " GROUP BY maker, maker.full_name ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    (
        "列出消息编号和员工姓名",
        "SELECT message_id, sender_id FROM message",
        "SELECT message_id, staff.full_name FROM message JOIN staff ON staff.staff_id = message.sender_id",
    ),
    (
        "List the makers with models called X",
        "SELECT maker FROM model WHERE model_name = 'X'",
        "SELECT maker.full_name FROM model LEFT JOIN maker ON maker.id = model.maker WHERE model_name = 'X'",
    ),
    # both keys lead to one table, each to a row of its own; one is there already
    (
        "List sender name and recipient name of each message",
        "SELECT sender_id, recipient_id FROM message",
        "SELECT staff.full_name, staff_2.full_name FROM message JOIN staff ON staff.staff_id = message.sender_id"
        " JOIN staff AS staff_2 ON staff_2.staff_id = message.recipient_id",
    ),
    (
        "Who received the most messages?",
        "SELECT m.recipient_id, COUNT(*) FROM message m JOIN staff s ON s.staff_id = m.recipient_id"
        " GROUP BY m.recipient_id ORDER BY 2 DESC LIMIT 1",
        "SELECT s.full_name, COUNT(*) FROM message AS m JOIN staff AS s ON s.staff_id = m.recipient_id"
        " GROUP BY m.recipient_id, s.full_name ORDER BY 2 DESC LIMIT 1",
    ),
    (
        "Who sent messages to Ivo?",
        "SELECT m.sender_id FROM message m JOIN staff s ON s.staff_id = m.recipient_id WHERE s.full_name = 'Ivo'",
        "SELECT staff.full_name FROM message AS m JOIN staff AS s ON s.staff_id = m.recipient_id"
        " JOIN staff ON staff.staff_id = m.sender_id WHERE s.full_name = 'Ivo'",
    ),
    # a list of other things loses no row
    (
        "List the messages with the reviewer name",
        "SELECT sent_on, reviewer_id FROM message",
        "SELECT sent_on, staff.full_name FROM message LEFT JOIN staff ON staff.staff_id = message.reviewer_id",
    ),
    # in the table itself, and the manager of it
    (
        "Which staff have no manager?",
        "SELECT staff_id FROM staff WHERE manager_id IS NULL",
        "SELECT full_name FROM staff WHERE manager_id IS NULL",
    ),
    (
        "Who manages the most people?",
        "SELECT manager_id FROM staff GROUP BY manager_id ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT staff_2.full_name FROM staff JOIN staff AS staff_2 ON staff_2.staff_id = staff.manager_id"
        " GROUP BY staff.manager_id, staff_2.full_name ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    # words that have to be quoted, USING
    (
        "Which user placed the most orders?",
        'SELECT "userId", COUNT(*) FROM "order" GROUP BY "userId" ORDER BY 2 DESC LIMIT 1',
        'SELECT "user"."displayName", COUNT(*) FROM "order" JOIN "user" ON "user"."userId" = "order"."userId"'
        ' GROUP BY "order"."userId", "user"."displayName" ORDER BY 2 DESC LIMIT 1',
    ),
    (
        "Which user placed the most orders?",
        'SELECT u."userId", COUNT(*) FROM "user" u JOIN "order" o USING ("userId") GROUP BY u."userId" ORDER BY 2 DESC',
        'SELECT u."displayName", COUNT(*) FROM "user" AS u JOIN "order" AS o USING ("userId")'
        ' GROUP BY u."userId", u."displayName" ORDER BY 2 DESC',
    ),
    # two columns: ordinals move
    (
        "Which members borrowed most?",
        "SELECT member_no, SUM(amount) FROM loan GROUP BY 1 ORDER BY 2 DESC LIMIT 3",
        "SELECT member.first_name, member.last_name, SUM(amount) FROM loan JOIN member"
        " ON member.member_no = loan.member_no GROUP BY loan.member_no, member.first_name, member.last_name"
        " ORDER BY 3 DESC LIMIT 3",
    ),
    # people of the same name stay apart
    (
        "Which members have loans?",
        "SELECT DISTINCT member_no FROM loan",
        "SELECT member.first_name, member.last_name FROM loan JOIN member ON member.member_no = loan.member_no"
        " GROUP BY loan.member_no, member.first_name, member.last_name",
    ),
    # a key of several columns, and the table that a part of it leads to
    (
        "What is the quantity of deliveries by supplier name?",
        "SELECT d.supplier_id, SUM(d.quantity) FROM delivery d GROUP BY d.supplier_id",
        "SELECT supplier.supplier_name, SUM(d.quantity) FROM delivery AS d JOIN supplier"
        " ON supplier.supplier_id = d.supplier_id GROUP BY d.supplier_id, supplier.supplier_name",
    ),
    # through a query in FROM
    (
        "Who sent the most messages?",
        "WITH c AS (SELECT sender_id, COUNT(*) AS n FROM message GROUP BY sender_id)"
        " SELECT sender_id FROM c ORDER BY n DESC LIMIT 1",
        "WITH c AS (SELECT sender_id, COUNT(*) AS n FROM message GROUP BY sender_id)"
        " SELECT staff.full_name FROM c JOIN staff ON staff.staff_id = c.sender_id ORDER BY n DESC LIMIT 1",
    ),
    (
        "Who sent the most messages?",
        "SELECT t.who FROM (SELECT sender_id AS who, COUNT(*) AS n FROM message GROUP BY sender_id) t"
        " ORDER BY t.n DESC LIMIT 1",
        "SELECT staff.full_name FROM (SELECT sender_id AS who, COUNT(*) AS n FROM message GROUP BY sender_id) AS t"
        " JOIN staff ON staff.staff_id = t.who ORDER BY t.n DESC LIMIT 1",
    ),
    # a code is shown to who asks for the name
    (
        "Which machines stood still longest? Machine name and minutes.",
        "SELECT mach_id, SUM(minutes) FROM stop GROUP BY mach_id ORDER BY 2 DESC",
        "SELECT machine.mach_nm, SUM(minutes) FROM stop JOIN machine ON machine.mach_id = stop.mach_id"
        " GROUP BY stop.mach_id, machine.mach_nm ORDER BY 2 DESC",
    ),
    (
        "哪个部门支出最多?",
        "SELECT 部门编号, SUM(金额) FROM 支出 GROUP BY 部门编号 ORDER BY 2 DESC LIMIT 1",
        "SELECT 部门.部门名称, SUM(金额) FROM 支出 JOIN 部门 ON 部门.部门编号 = 支出.部门编号"
        " GROUP BY 支出.部门编号, 部门.部门名称 ORDER BY 2 DESC LIMIT 1",
    ),
    # views have no keys
    (
        "Which customer bought most?",
        "SELECT customer_id, state FROM sales_view GROUP BY customer_id, state",
        "SELECT customer_name, state FROM sales_view GROUP BY customer_id, state, customer_name",
    ),
    ("List the clients.", "SELECT client_id FROM client", "SELECT name FROM client"),
    # called by what their names are short for
    (
        "Which customers booked most shipments?",
        "SELECT cust_id, COUNT(*) FROM shpt GROUP BY cust_id ORDER BY 2 DESC",
        "SELECT bp.nm, COUNT(*) FROM shpt JOIN bp ON bp.bp_id = shpt.cust_id GROUP BY cust_id, bp.nm ORDER BY 2 DESC",
    ),
    (
        "哪个客户的货最多?",
        "SELECT cust_id FROM shpt GROUP BY cust_id ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT bp.nm FROM shpt JOIN bp ON bp.bp_id = shpt.cust_id GROUP BY cust_id, bp.nm"
        " ORDER BY COUNT(*) DESC LIMIT 1",
    ),
    ("Which shipments are there?", "SELECT shpt_id FROM shpt", "SELECT shpt_no FROM shpt"),
    # sets of keys
    (
        "Who wrote, but never received a message?",
        "SELECT sender_id FROM message EXCEPT SELECT recipient_id FROM message",
        "SELECT full_name FROM staff WHERE staff_id IN"
        " (SELECT sender_id FROM message EXCEPT SELECT recipient_id FROM message)",
    ),
    (
        "Which members live in Kiel or have loans?",
        "SELECT member_no FROM member WHERE town = 'Kiel' UNION SELECT member_no FROM loan",
        "SELECT first_name, last_name FROM member WHERE member_no IN"
        " (SELECT member_no FROM member WHERE town = 'Kiel' UNION SELECT member_no FROM loan)",
    ),
    # an id that is given is not asked for
    (
        "Who has the staff id 5?",
        "SELECT staff_id FROM staff WHERE staff_id = 5",
        "SELECT full_name FROM staff WHERE staff_id = 5",
    ),
]


def asked(question: str, sql: str, scope: Scope = STAFF) -> Repaired:
    return repair(sql, scope, question=with_meanings(question, gloss(question)))


@pytest.mark.parametrize(("question", "given", "expected"), FIXTURE)
def test_over_the_shop(question: str, given: str, expected: str) -> None:
    found = asked(question, given, shop_scope())
    assert written(found.sql) == written(expected)
    assert asked(question, expected, shop_scope()) == Repaired(expected)


@pytest.mark.parametrize(("question", "given", "expected"), NAMED)
def test_the_label_stands_for_the_key(question: str, given: str, expected: str) -> None:
    found = asked(question, given)
    assert found.refined
    assert written(found.sql) == written(expected)
    assert asked(question, expected) == Repaired(expected)


LEFT_ALONE = [
    ("Which members have loans? Give their ids.", "SELECT DISTINCT member_no FROM loan"),
    ("Give the member numbers of those with loans.", "SELECT DISTINCT member_no FROM loan"),
    ("Which sender_id sent the most messages?", SENT),
    ("发消息最多的人的编号是什么?", SENT),
    ("名称为销售部的部门的编号", "SELECT 部门编号 FROM 部门 WHERE 部门名称 = '销售部'"),
    ("列出没有名称的部门的编号", "SELECT 部门编号 FROM 部门 WHERE 部门名称 IS NULL"),
    ("发消息的人的ID", "SELECT sender_id FROM message"),
    ("列出发消息的人的 id 和消息数量", "SELECT sender_id, COUNT(*) FROM message GROUP BY sender_id"),
    # the label is there, or another text of the same thing
    ("Who has loans?", "SELECT m.member_no, m.first_name FROM loan l JOIN member m ON m.member_no = l.member_no"),
    ("Which members live in Kiel?", "SELECT member_no, town FROM member"),
    # no key, or none that is asked for
    ("Who borrowed most?", "SELECT SUM(amount) FROM loan"),
    ("How many messages are there of each sender?", "SELECT sender_id, COUNT(*) FROM message GROUP BY sender_id"),
    ("How many customers who ordered are there?", 'SELECT "userId" FROM "order"'),
    ("Which user groups have orders?", 'SELECT "userId" FROM "order"'),
    ("Who wrote to whom?", "SELECT sender_id, recipient_id FROM message"),
    # a code that may be what people say
    ("Which machines stood still?", "SELECT mach_id FROM stop"),
    # a column that the question calls by its name
    ("What are all the makers and models?", "SELECT maker, model_name FROM model"),
    ("所有的制造商和型号是什么？", "SELECT maker, model_name FROM model"),
    # nothing names a session
    ("Which sessions had visits?", "SELECT session_id FROM visit"),
    # several queries
    ("Who wrote or received?", "SELECT sender_id FROM message UNION ALL SELECT recipient_id FROM message"),
    ("Who wrote or received?", "SELECT sender_id FROM message UNION SELECT message_id FROM message"),
    ("Who wrote or received?", "SELECT sender_id FROM message UNION SELECT recipient_id FROM message LIMIT 1"),
    ("Who sent the most?", "SELECT sender_id, COUNT(*) FROM message GROUP BY ROLLUP (sender_id)"),
    ("", SENT),
]


@pytest.mark.parametrize(("question", "sql"), LEFT_ALONE)
def test_left_alone(question: str, sql: str) -> None:
    assert replace(asked(question, sql), doubts=()) == Repaired(sql)


@pytest.mark.parametrize(
    ("question", "sql", "expected"),
    [
        ("Who had visits?", "SELECT session_id FROM visit", ["visit.session_id"]),
        ("Which sessions had visits?", "SELECT session_id FROM visit", []),
        ("Who sent the most?", "SELECT sender_id FROM message GROUP BY ROLLUP (sender_id)", ["message.sender_id"]),
        ("Who sent the most?", "SELECT full_name FROM staff", []),
        ("", SENT, []),
    ],
)
def test_what_stays_without_a_name(question: str, sql: str, expected: list[str]) -> None:
    tree, _ = read(sql)
    assert tree is not None
    assert unnamed(bind(tree, STAFF, question=question)) == expected
