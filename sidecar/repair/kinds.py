"""What kind of value an expression has, as far as the schema tells: only what is certain, None for the rest."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Level, Source, State, Statement
from sidecar.repair.nodes import folded

INTEGER, NUMERIC, FLOAT, TEXT, DATE, TIMESTAMP, BOOLEAN = "integer", "numeric", "float", "text", "date", "time", "bool"
NUMBERS = frozenset({INTEGER, NUMERIC, FLOAT})
MOMENTS = frozenset({DATE, TIMESTAMP})

_OF_TYPE = {
    "smallint": INTEGER,
    "integer": INTEGER,
    "bigint": INTEGER,
    "numeric": NUMERIC,
    "real": FLOAT,
    "double precision": FLOAT,
    "text": TEXT,
    "character": TEXT,
    "character varying": TEXT,
    "date": DATE,
    "timestamp without time zone": TIMESTAMP,
    "timestamp with time zone": TIMESTAMP,
    "boolean": BOOLEAN,
}
_OF_CAST = {
    exp.DataType.Type.SMALLINT: INTEGER,
    exp.DataType.Type.INT: INTEGER,
    exp.DataType.Type.BIGINT: INTEGER,
    exp.DataType.Type.DECIMAL: NUMERIC,
    exp.DataType.Type.FLOAT: FLOAT,
    exp.DataType.Type.DOUBLE: FLOAT,
    exp.DataType.Type.TEXT: TEXT,
    exp.DataType.Type.VARCHAR: TEXT,
    exp.DataType.Type.CHAR: TEXT,
    exp.DataType.Type.DATE: DATE,
    exp.DataType.Type.TIMESTAMP: TIMESTAMP,
    exp.DataType.Type.TIMESTAMPTZ: TIMESTAMP,
    exp.DataType.Type.BOOLEAN: BOOLEAN,
}
_TEXTS = (exp.Concat, exp.ToChar, exp.TimeToStr)
# Of a text they give a text; but ranges have bounds that are called so, and bytes and bits have parts, too.
_TEXTS_OF_TEXTS = (exp.Upper, exp.Lower, exp.Trim, exp.Substring)
_LIKE_THEIR_ARGUMENT = (exp.Paren, exp.Neg, exp.Min, exp.Max, exp.Coalesce, exp.Abs)


def kind_of_type(name: str) -> str | None:
    """The kind of a column's type as format_type() writes it: `character varying(20)`."""
    return _OF_TYPE.get(" ".join(name.split("(")[0].split()) if "with" not in name else _without_width(name))


def kind_of_cast(node: exp.Cast) -> str | None:
    return _OF_CAST.get(node.to.this)


def kind(node: exp.Expr, statement: Statement) -> str | None:
    """Looked up once a node: a column leads to its query's expression, and sums of sums to ever more of these."""
    if id(node) not in statement.kinds:
        statement.kinds[id(node)] = (node, _kind(node, statement))
    return statement.kinds[id(node)][1]


def _kind(node: exp.Expr, statement: Statement) -> str | None:
    if isinstance(node, exp.Column):
        return _of_column(node, statement)
    if isinstance(node, exp.Literal):
        # a text literal takes the type of what stands beside it
        return None if node.is_string else INTEGER if node.is_int else NUMERIC
    if isinstance(node, exp.Cast):
        return kind_of_cast(node)
    if isinstance(node, _LIKE_THEIR_ARGUMENT):
        return kind(node.this, statement)
    if isinstance(node, exp.Subquery):
        return _of_query(node, statement)
    return _of_call(node, statement)


def _of_call(node: exp.Expr, statement: Statement) -> str | None:
    if isinstance(node, exp.Count | exp.Length):
        return INTEGER
    if isinstance(node, exp.Extract):
        return NUMERIC
    if isinstance(node, _TEXTS):
        return TEXT
    if isinstance(node, _TEXTS_OF_TEXTS):
        return TEXT if _is_text(node.this, statement) else None
    if isinstance(node, exp.DPipe):
        return TEXT if TEXT in (kind(node.this, statement), kind(node.expression, statement)) else None
    if isinstance(node, exp.CurrentDate):
        return DATE
    if isinstance(node, exp.CurrentTimestamp):
        return TIMESTAMP
    if isinstance(node, exp.Sum | exp.Avg):
        inner = kind(node.this, statement)
        return FLOAT if inner == FLOAT else NUMERIC if inner in NUMBERS else None
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        sides = {kind(node.this, statement), kind(node.expression, statement)}
        return next((k for k in (FLOAT, NUMERIC, INTEGER) if k in sides), None) if sides <= NUMBERS else None
    return None


def _is_text(node: exp.Expr, statement: Statement) -> bool:
    return kind(node, statement) == TEXT or (isinstance(node, exp.Literal) and node.is_string)


def _of_column(node: exp.Column, statement: Statement) -> str | None:
    reference = statement.bound.get(id(node))
    if reference is None or reference.state is not State.BOUND or reference.home is None:
        return None
    return _in_source(reference.home, reference.name, statement)


def _in_source(source: Source, name: str, statement: Statement) -> str | None:
    if source.table:
        return next((kind_of_type(c.type) for c in source.table.columns if c.name == name), None)
    output = output_of(source, name, statement)
    return kind(output, statement) if output is not None else None


def output_of(source: Source, name: str, statement: Statement) -> exp.Expr | None:
    """The expression behind a column of a query in FROM."""
    query = source.node.this if isinstance(source.node, exp.Subquery) else _cte(source.node, statement)
    alias = source.node.args.get("alias")
    if not isinstance(query, exp.Select) or (isinstance(alias, exp.TableAlias) and alias.columns):
        return None
    found = [e for e in query.expressions if e.output_name.lower() == name.lower()]
    return found[0].unalias() if len(found) == 1 else None


def _cte(node: exp.Expr, statement: Statement) -> exp.Expr | None:
    """The query of the only CTE with the name, as long as it gives its columns no names of its own."""
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        return None
    name = folded(node.this)
    found = [c for c in statement.tree.find_all(exp.CTE) if folded(c.args["alias"].this) == name]
    return found[0].this if len(found) == 1 and not found[0].args["alias"].columns else None


def _of_query(node: exp.Subquery, statement: Statement) -> str | None:
    output = only_output(node)
    return kind(output.unalias(), statement) if output is not None else None


def only_output(node: exp.Expr) -> exp.Expr | None:
    """The one expression that a subquery selects."""
    inner = node.this if isinstance(node, exp.Subquery) else node
    return inner.expressions[0] if isinstance(inner, exp.Select) and len(inner.expressions) == 1 else None


def samples(node: exp.Expr, statement: Statement) -> tuple[str, ...]:
    """Stored values of a column that the request tells of."""
    reference = statement.bound.get(id(node))
    if reference is None or reference.home is None or reference.home.table is None:
        return ()
    columns = [c for c in reference.home.table.columns if c.name == reference.name]
    return columns[0].values + columns[0].samples if columns else ()


def moments(source: Source) -> list[tuple[str, str]]:
    """Its dates and timestamps: names and kinds."""
    columns = source.table.columns if source.table else ()
    known = [(column.name, kind_of_type(column.type)) for column in columns]
    return [(name, kind) for name, kind in known if kind in MOMENTS]


def only_moment(level: Level) -> exp.Column | None:
    """The one date or timestamp of the tables in FROM, as it can be written there."""
    found = [(source, name) for source in level.sources for name, _ in moments(source)]
    if level.opaque or len(found) != 1:
        return None
    source, name = found[0]
    return level.column(source, name)


def level_of(node: exp.Expr, statement: Statement) -> Level | None:
    """The level on which a node stands."""
    around = node.find_ancestor(exp.Select)
    return next((level for level in statement.levels if level.select is around), None)


def _without_width(name: str) -> str:
    """`timestamp(3) without time zone` as `timestamp without time zone`."""
    head, _, rest = name.partition("(")
    return " ".join((head + rest.partition(")")[2]).split())


def measured(node: exp.Expr) -> exp.Expr:
    """What percentile_cont(0.9) WITHIN GROUP (ORDER BY x) is of: x; any other expression as it is."""
    ordered = node.find(exp.Ordered) if isinstance(node, exp.WithinGroup) else None
    return ordered.this if ordered else node


def is_length(node: exp.Expr, statement: Statement) -> bool:
    """Whether it is an interval: the difference of two timestamps, or a sum, a mean or an extreme of such."""
    while isinstance(node, (exp.Paren, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Abs, exp.Div, exp.Mul)):
        node = node.this
    if not isinstance(node, exp.Sub):
        return False
    sides = {kind(node.this, statement), kind(node.expression, statement)}
    return sides <= MOMENTS and TIMESTAMP in sides
