"""Dates that are kept as numbers or texts: their moment, and a moment as they have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from sidecar.guard.scope import Column
from sidecar.repair import kinds
from sidecar.repair.binding import Source, State, Statement
from sidecar.repair.bounds import epoch_of, read_bound, with_zone
from sidecar.repair.comparing import COMPARISONS
from sidecar.repair.moment_of import read_as_moment

EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
_PYTHON = {"YYYY": "%Y", "MM": "%m", "DD": "%d"}


@dataclass(frozen=True)
class Form:
    """How a column has its dates."""

    name: str  # as Column.form
    number: bool

    @property
    def scale(self) -> int:
        """Units a second; 0 where it is no epoch."""
        return EPOCHS.get(self.name, 0)

    @property
    def of_months(self) -> bool:
        return not self.scale and "DD" not in self.name

    @property
    def is_plain_text(self) -> bool:
        """PostgreSQL reads it as it is."""
        return not self.number and self.name == "YYYY-MM-DD"

    def moment(self, kept: exp.Expr) -> exp.Expr:
        """The timestamp, or the date, that an expression of this form stands for."""
        if self.scale == 1:
            return exp.UnixToTime(this=kept)
        if self.scale:
            divisor = exp.Literal.number(f"{self.scale}.0")
            return exp.UnixToTime(this=exp.Div(this=kept, expression=divisor, typed=True, safe=False))
        if self.is_plain_text:
            return exp.Cast(this=kept, to=exp.DataType(this=exp.DataType.Type.DATE))
        text = exp.Cast(this=kept, to=exp.DataType(this=exp.DataType.Type.TEXT)) if self.number else kept
        return exp.StrToDate(this=text, format=exp.Literal.string(self._python))

    def kept(self, moment: exp.Expr) -> exp.Expr:
        """The number or the text that a moment is in this form."""
        if self.scale:
            seconds: exp.Expr = exp.Extract(this=exp.Var(this="EPOCH"), expression=with_zone(moment))
            if self.scale > 1:
                seconds = exp.Mul(this=seconds, expression=exp.Literal.number(self.scale))
            return exp.Cast(this=seconds, to=exp.DataType(this=exp.DataType.Type.BIGINT))
        if isinstance(moment, exp.Literal):
            return self._literal(date.fromisoformat(str(moment.this)[:10]))
        written = exp.TimeToStr(this=moment, format=exp.Literal.string(self._python))
        return exp.Cast(this=written, to=exp.DataType(this=exp.DataType.Type.INT)) if self.number else written

    def unkept(self, value: exp.Expr) -> exp.Expr | None:
        """The moment that kept() has made this of."""
        if self.scale:
            return epoch_of(value)
        if isinstance(value, exp.Literal):
            bound = read_bound(value, numbers=self.number)
            return bound.start if bound and bound.day else None
        written = value.this if self.number and isinstance(value, exp.Cast) else value
        if isinstance(written, exp.TimeToStr) and written.text("format") == self._python:
            inner = written.this
            return inner if isinstance(inner, exp.Expr) else None
        return None

    def _literal(self, day: date) -> exp.Expr:
        text = day.strftime(self._python)
        return exp.Literal.number(text) if self.number else exp.Literal.string(text)

    @property
    def _python(self) -> str:
        """As sqlglot has the pattern."""
        pattern = self.name
        for part, written in _PYTHON.items():
            pattern = pattern.replace(part, written)
        return pattern


def form_of_column(column: Column) -> Form | None:
    if not column.form:
        return None
    return Form(column.form, kinds.kind_of_type(column.type) in kinds.NUMBERS)


def form_of(node: exp.Expr, statement: Statement) -> Form | None:
    """The form of a column, or of the least or greatest of its values; followed into queries in FROM."""
    if isinstance(node, exp.Min | exp.Max):
        return form_of(node.this, statement)
    reference = statement.bound.get(id(node)) if isinstance(node, exp.Column) else None
    if reference is None or reference.state is not State.BOUND or reference.home is None:
        return None
    return _in_source(reference.home, reference.name, statement)


def _in_source(source: Source, name: str, statement: Statement) -> Form | None:
    if source.table:
        return next((form_of_column(column) for column in source.table.columns if column.name == name), None)
    output = kinds.output_of(source, name, statement)
    return form_of(output, statement) if output is not None else None


def is_moment(node: exp.Expr, statement: Statement) -> bool:
    """Whether it is a date, whatever its type is."""
    return kinds.kind(node, statement) in kinds.MOMENTS or form_of(node, statement) is not None


def moments(source: Source, of_months: bool = True) -> list[tuple[str, str]]:
    """The table's dates, those kept as numbers or texts included: names and kinds."""
    found = kinds.moments(source)
    for column in source.table.columns if source.table else ():
        form = form_of_column(column)
        if form and kinds.kind_of_type(column.type) not in kinds.MOMENTS and (of_months or not form.of_months):
            found.append((column.name, kinds.TIMESTAMP if form.scale else kinds.DATE))
    return found


def plainly(condition: exp.Expr, statement: Statement) -> exp.Expr:
    """The condition as it would be if all its columns were dates; the one given stays as it is."""
    plain = exp.Paren(this=condition.copy())
    columns = zip(condition.find_all(exp.Column), list(plain.find_all(exp.Column)), strict=True)
    for column, kept in columns:
        if (form := form_of(column, statement)) is not None:
            _make_plain(kept, form)
    whole: exp.Expr = plain.this
    return whole


def _make_plain(kept: exp.Expr, form: Form) -> None:
    top, converted, _ = read_as_moment(kept)
    if converted:
        if top == form.moment(kept.copy()):
            top.replace(kept.copy())
        return
    parent = kept.parent
    others = [parent.this, parent.expression] if isinstance(parent, COMPARISONS) else []
    if isinstance(parent, exp.Between):
        others = [parent.args["low"], parent.args["high"]]
    for other in others:
        moment = form.unkept(other) if other is not kept else None
        if moment is not None:
            other.replace(moment.copy())
