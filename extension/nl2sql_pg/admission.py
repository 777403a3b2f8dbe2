"""What a statement may call and read, decided on what the server has parsed: the sidecar's guard has no say in it.

What runs inside of a view was put there by its owner and is not judged here.
"""

from __future__ import annotations

from nl2sql_pg.bridge import Database
from nl2sql_pg.errors import Refusal
from nl2sql_pg.server_tree import Tree

OWN = 16_384  # FirstNormalObjectId: below are the server's own objects

# A rule over what there is, not a list of what is bad: nothing volatile but what only tells time or chance, nothing of
# the server's that runs text as SQL, tells of objects, settings or files, or parses XML, nothing that others made.
_FORBIDDEN = """
    select p.oid::regprocedure::text as name
    from pg_proc as p
        join pg_namespace as n on n.oid = p.pronamespace
        join pg_roles as r on r.oid = p.proowner
    where (p.oid = any ($1) or p.oid in (select o.oprcode::oid from pg_operator as o where o.oid = any ($2)))
        and (n.nspname = 'nl2sql'
            or (p.provolatile = 'v' and not (n.nspname = 'pg_catalog' and p.proname in
                ('random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp', 'timeofday',
                'array_sample', 'array_shuffle')))
            or not (r.rolsuper or r.rolname = current_user)
            or (p.proname ~ '^pg_' and p.proname !~
                '^pg_(size_pretty|size_bytes|typeof|column_size|column_compression|collation_for|wal_lsn_diff|lsn\\w*)$')
            or p.proname ~ '^(lo_|has_|to_reg|txid_|xml|xpath|xslt|crosstab|connectby|dblink)'
            or p.proname ~ '^reg(class|proc|procedure|oper|operator|type|role|namespace|config|dictionary|collation)'
            or p.proname ~ '(^(cursor|query|table|schema|database)_to_xml|_description$)'
            or p.proname in
                ('ts_stat', 'current_setting', 'version', 'row_security_active', 'format_type', 'array_fill')
            or (p.proname = 'ts_rewrite' and p.proargtypes[1] = 'text'::regtype)
            or p.prorettype in ('internal'::regtype, 'cstring'::regtype)
            or array['internal'::regtype::oid, 'cstring'::regtype::oid] && p.proargtypes::oid[])
    order by p.oid
    limit 1
"""
_NAMES = """
    with read (relation, number) as (
        select u.relation, 0::int2 from unnest($1) as u (relation)
        union
        select u.relation, u.number from unnest($2, $3) as u (relation, number)
    )
    select n.nspname::text as schema, c.relname::text as table, coalesce(a.attname::text, '') as column
    from read as r
        join pg_class as c on c.oid = r.relation
        join pg_namespace as n on n.oid = c.relnamespace
        left join pg_attribute as a on a.attrelid = r.relation and a.attnum = r.number and r.number > 0
    order by 1, 2, 3
"""

# Functions of the server that were found harmless in this process; only initdb could make others of these numbers.
_harmless: set[int] = set()


def admit(db: Database, sql: str, consequence: str) -> Tree:
    """The server's tree of a statement that may run; raises ServerError where it is none, NL402, NL403, NL405.

    For a subtransaction that is undone, confined: parsing can run the input functions of types.
    """
    tree = db.parse(sql)
    if any(relation < OWN for relation in tree.relations):
        raise Refusal(
            "NL402",
            "the statement reads a catalog of the server",
            detail=consequence,
            hint="Ask about the tables of the database; psql and SQL tools show the catalog.",
        )
    if tree.makes_xml:
        raise Refusal(
            "NL405",
            "XML is not allowed in a statement",
            detail=f"Its parsing can't be interrupted. {consequence}",
            hint="Select the columns as they are, and work on their XML elsewhere.",
        )
    _refuse_functions(db, tree, consequence)
    return tree


def read_by(db: Database, tree: Tree) -> list[dict[str, str]]:
    """What a tree reads: {schema, table, column}, column '' for a relation, in their order."""
    columns = sorted(tree.columns())
    values = [sorted(tree.relations), [relation for relation, _ in columns], [number for _, number in columns]]
    with db.own_path():
        return [dict(row) for row in db.rows(_NAMES, ["oid[]", "oid[]", "int2[]"], values)]


def _refuse_functions(db: Database, tree: Tree, consequence: str) -> None:
    called, operators = tree.functions - _harmless, tree.operators
    if not called and not operators:
        return
    with db.own_path():
        found = db.rows(_FORBIDDEN, ["oid[]", "oid[]"], [sorted(called), sorted(operators)])
    if found:
        raise Refusal(
            "NL403",
            f"the function {found[0]['name']} is not allowed in a statement",
            detail=consequence,
            hint="Only functions that compute from their arguments are; docs/security.md has the rule.",
        )
    _harmless.update(oid for oid in called if oid < OWN)
