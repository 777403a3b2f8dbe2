"""An amount summed over a join that repeats it: what only filters becomes EXISTS, what is counted is counted before."""

from __future__ import annotations

from sqlglot import exp

from sidecar.repair.binding import Statement
from sidecar.repair.fan_out import Branch, FanOut, fan_outs, home_of, used
from sidecar.repair.nodes import all_of, columns_of, conjuncts, identifier, level_nodes

_COUNTED = "counted"  # names of columns of the query that counts


def mend(statement: Statement) -> str | None:
    all_found = fan_outs(statement)
    for found in all_found:
        if _exists(found.branch, statement):
            return str(found)
    for found in all_found:
        # where several joins repeat rows, one counted before would still be counted too often
        alone = sum(other.branch.level is found.branch.level for other in all_found) == 1
        if alone and _counted_before(found, statement):
            return str(found)
    return None


def _exists(branch: Branch, statement: Statement) -> bool:
    """Where the many side only chooses rows."""
    level, select = branch.level, branch.level.select
    own = [join for join, source in zip(level.joins, level.sources[1:], strict=True) if source in branch.sources]
    where = select.args.get("where")
    parts = conjuncts(where.this) if where else []
    chosen = [part for part in parts if _names(part, branch, statement)]
    places = [*(join.args["on"] for join in own), *chosen]
    inside = {id(node) for place in places for node in place.walk()}
    if any(id(reference.column) not in inside for reference in used(branch, statement)):
        return False
    if len(own) != len(branch.sources) or any(join.side for join in own) or _counts_rows(branch):
        return False
    if any(part.find(exp.Query) for part in chosen):
        return False
    _qualify(branch, statement, places)
    nodes = [join.this.copy() for join in own]
    conditions = [part.copy() for join in own for part in conjuncts(join.args["on"])]
    query = exp.Select(expressions=[exp.Literal.number(1)])
    query.set("from_", exp.From(this=nodes[0]))
    query.set("joins", [exp.Join(this=node, kind="CROSS") for node in nodes[1:]])
    query.set("where", exp.Where(this=all_of(conditions + [part.copy() for part in chosen])))
    kept = [part.copy() for part in parts if not any(part is one for one in chosen)]
    select.set("joins", [join for join in level.joins if not any(join is one for one in own)])
    select.set("where", exp.Where(this=all_of([*kept, exp.Exists(this=query)])))
    return True


def _names(part: exp.Expr, branch: Branch, statement: Statement) -> bool:
    return any(home_of(column, statement) in branch.sources for column in part.find_all(exp.Column))


def _counts_rows(branch: Branch) -> bool:
    """COUNT(*), or all columns: there the repeated rows may be meant."""
    nodes = list(level_nodes(branch.level.select))
    return any(isinstance(node, exp.Star) for node in nodes)


def _qualify(branch: Branch, statement: Statement, places: list[exp.Expr]) -> None:
    """Names that would be read otherwise within the nested query."""
    for place in places:
        for column in place.find_all(exp.Column):
            home = home_of(column, statement)
            if home is not None and not column.args.get("table"):
                column.set("table", identifier(home.name))


def _counted_before(found: FanOut, statement: Statement) -> bool:
    """Where rows or amounts of the many side are asked for, too: these first, a row for each of the one side."""
    branch, select = found.branch, found.branch.level.select
    if len(branch.sources) != 1 or branch.many.position == 0 or branch.many.table is None:
        return False
    join = branch.level.joins[branch.many.position - 1]
    totals = _totals(branch, statement)
    if not totals or len(conjuncts(join.args["on"])) != len(branch.pairs):
        return False
    if branch.level.select.args.get("group") is None and any(not _is_total(e) for e in select.expressions):
        return False
    where = select.args.get("where")
    parts = conjuncts(where.this) if where else []
    chosen = [part for part in parts if _names(part, branch, statement)]
    places = [join.args["on"], *chosen, *totals]
    inside = {id(node) for place in places for node in place.walk()}
    if any(id(reference.column) not in inside for reference in used(branch, statement)):
        return False
    if any(home_of(c, statement) is not branch.many for part in chosen for c in part.find_all(exp.Column)):
        return False
    if any(part.find(exp.Query) for part in chosen) or (join.side and chosen):
        return False
    _replace(branch, join, totals, chosen)
    if chosen:
        kept = [part for part in parts if not any(part is one for one in chosen)]
        select.set("where", exp.Where(this=all_of([part.copy() for part in kept])) if kept else None)
    return True


def _is_total(output: exp.Expr) -> bool:
    return output.find(exp.AggFunc) is not None


def _totals(branch: Branch, statement: Statement) -> list[exp.Expr]:
    """Counts and sums of the many side; none where one of them can't be added up again."""
    found: list[exp.Expr] = []
    for node in level_nodes(branch.level.select):
        if not isinstance(node, exp.AggFunc):
            continue
        homes = {home_of(column, statement) for column in columns_of(node)}
        star = isinstance(node, exp.Count) and isinstance(node.this, exp.Star)
        if branch.many not in homes and not star:
            continue
        outer = bool(branch.level.joins[branch.many.position - 1].side)
        if not isinstance(node, exp.Count | exp.Sum) or isinstance(node.this, exp.Distinct) or (star and outer):
            return []
        if not star and homes != {branch.many}:
            return []
        if node.find_ancestor(exp.Filter, exp.Window):
            return []
        found.append(node)
    return found


def _replace(branch: Branch, join: exp.Join, totals: list[exp.Expr], chosen: list[exp.Expr]) -> None:
    """The join of a query that has a row for each key, and sums of what it counts."""
    name = branch.many.name
    keys = [exp.Column(this=identifier(column)) for column, _ in branch.pairs]
    query = exp.Select(expressions=[key.copy() for key in keys])
    names: dict[str, str] = {}
    for total in totals:
        written = total.sql(dialect="postgres")
        if written not in names:
            names[written] = _COUNTED if not names else f"{_COUNTED}_{len(names) + 1}"
            query.append("expressions", exp.Alias(this=total.copy(), alias=identifier(names[written])))
        again: exp.Expr = exp.Sum(this=exp.Column(this=identifier(names[written]), table=identifier(name)))
        if isinstance(total, exp.Count) and join.side:
            again = exp.Coalesce(this=again, expressions=[exp.Literal.number(0)])
        total.replace(again)
    query.set("from_", exp.From(this=join.this.copy()))
    if chosen:
        query.set("where", exp.Where(this=all_of([part.copy() for part in chosen])))
    query.set("group", exp.Group(expressions=[key.copy() for key in keys]))
    join.set("this", exp.Subquery(this=query, alias=exp.TableAlias(this=identifier(name))))
