"""What is read of the server's parse tree, as it is written before and since PostgreSQL 16."""

from __future__ import annotations

import pytest
from nl2sql_pg.server_tree import Tree

VAR = "{VAR :varno 1 :varattno 1 :vartype 23}"
TABLE_15 = (
    '{RTE :alias <> :eref {ALIAS :aliasname t :colnames ("a" "b")} :rtekind 0 :relid 17491 :relkind r'
    " :rellockmode 1 :tablesample {TABLESAMPLECLAUSE :tsmhandler 3313 :args ({SUBLINK :subselect {QUERY :rtable"
    " ({RTE :rtekind 0 :relid 20000 :relkind v :selectedCols (b 9) :insertedCols (b)})}})} :requiredPerms 2"
    " :selectedCols (b 7 8 10) :insertedCols (b)}"
)
TABLE_17 = (
    "{RANGETBLENTRY :alias <> :rtekind 0 :relid 17491 :inh true :perminfoindex 1}) :rteperminfos"
    " ({RTEPERMISSIONINFO :relid 17491 :inh true :requiredPerms 2 :selectedCols (b 7 8 10) :insertedCols (b)})"
    " ({RTEPERMISSIONINFO :relid 20000 :inh true :requiredPerms 2 :selectedCols (b 9) :insertedCols (b)}"
)
CALLS = (
    f"{{OPEXPR :opno 551 :opfuncid 177 :args ({VAR})}} {{AGGREF :aggfnoid 2129 :aggtype 25}}"
    " {WINDOWFUNC :winfnoid 3100 :wintype 20} {FUNCEXPR :funcid 0} {ROWCOMPAREEXPR :rctype 1 :opnos (o 97 664)}"
    " {TARGETENTRY :resname :funcid\\ 9999}"
)


@pytest.mark.parametrize("table", [TABLE_15, TABLE_17])
def test_columns_belong_to_their_relations(table: str) -> None:
    tree = Tree(f"{{QUERY :commandType 1 :rtable ({table}) :jointree <>}}")
    assert tree.relations == {17491, 20000}
    assert tree.columns() == {(17491, 1), (17491, 3), (20000, 2)}, "7 is the whole row"


def test_functions() -> None:
    tree = Tree(CALLS)
    assert tree.functions == {177, 2129, 3100}, "no name or text can stand for one"
    assert tree.operators == {97, 664}


@pytest.mark.parametrize(
    ("node", "made"),
    [
        ("{XMLEXPR :op 2 :name a}", True),
        ("{TABLEFUNC :ns_uris <> :ns_names <>}", True),
        ("{TABLEFUNC :functype 0 :ns_uris <>}", True),
        ("{TABLEFUNC :functype 1 :ns_uris <>}", False),  # JSON_TABLE
        ("{COERCEVIAIO :arg <> :resulttype 142 :resultcollid 0}", True),
        ("{VAR :varno 1 :varattno 1 :vartype 142}", False),
        ("{TARGETENTRY :resname \\{XMLEXPR}", False),
    ],
)
def test_xml(node: str, made: bool) -> None:
    assert Tree(node).makes_xml is made
