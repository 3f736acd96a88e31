"""`[tables.NAME]`: what must hold in one table, each rule written short or long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Literal

from pytest_visionforge.outcome import Severity
from pytest_visionforge.plan import grammar
from pytest_visionforge.plan.grammar import Wrong
from pytest_visionforge.plan.shape import (
    Place,
    Reader,
    entries,
    filled,
    items,
    keys,
    kind,
    list_of,
    mapping,
    names,
    not_negative,
    one_of,
    short,
    text,
)
from pytest_visionforge.plan.values import rules as v


def severity(value: Any, place: Place) -> Severity:
    """`block` or `warn`."""
    return Severity(one_of(*Severity)(value, place))


when: Reader[str] = one_of("both", "before", "after")

#: What the long form of every rule may say, beside its own keys.
_COMMON: Mapping[str, Reader[Any]] = {
    "severity": severity,
    "where": text,
    "sample": names,
    "when": when,
    "why": text,
}


@dataclass(frozen=True, slots=True)
class _Word:
    """How the rules of one word are written.

    A short value stands for the key `main` of the long form; `own` are the other keys of its own.
    """

    make: Callable[..., v.TableRule]
    main: str
    reader: Reader[Any]
    spread: Literal["list", "by column", "once"] = "list"
    own: tuple[tuple[str, Reader[Any]], ...] = ()

    def rules(self, value: Any, place: Place, table: str) -> Iterator[v.TableRule]:
        """The rules that the value of the word holds."""
        if self.spread == "once":
            yield self._rule(value, place, table=table)
        elif self.spread == "list":
            yield from items(value, place, partial(self._rule, table=table))
        else:
            rules = entries(value, place, lambda name, x, at: self._rule(x, at, table=table, column=name))
            yield from (rule for _, rule in rules)

    def _rule(self, value: Any, place: Place, **fixed: str) -> v.TableRule:
        if isinstance(value, dict):
            readers = {self.main: self.reader, **dict(self.own), **_COMMON}
            return self.make(**fixed, **keys(value, place, readers, (self.main,)))
        return self.make(**fixed, **{self.main: self.reader(value, place)})


def _accepted(value: Any, place: Place) -> str | int | float | bool | date:
    if not isinstance(value, str | int | float | date) or value != value:
        raise Wrong(f"expected text, a number, a date, true or false, found {kind(value)}")
    return value


def _columns(parse: Callable[[str], tuple[str, ...]], least: int) -> Reader[tuple[str, ...]]:
    """Columns as one text in a grammar, or as a list of texts."""

    def read(value: Any, place: Place) -> tuple[str, ...]:
        columns = names(value, place) if isinstance(value, list) else short(parse)(value, place)
        if len(columns) < least:
            raise Wrong(f"expected at least {least} column{'s' * (least > 1)}")
        if len(set(columns)) < len(columns):
            raise Wrong("names a column twice")
        return columns

    return read


def _range(range: tuple[str | None, str | None], **rest: Any) -> v.Range:
    return v.Range(low=range[0], high=range[1], **rest)


def _rows(rows: tuple[int | None, int | None], **rest: Any) -> v.Rows:
    return v.Rows(low=rows[0], high=rows[1], **rest)


def _reference(parent: tuple[str, str], **rest: Any) -> v.Reference:
    return v.Reference(parent=parent[0], parent_column=parent[1], **rest)


def _after(parent: tuple[str, str], **rest: Any) -> v.After:
    return v.After(parent=parent[0], parent_column=parent[1], **rest)


def _has(child: tuple[str, str], **rest: Any) -> v.Has:
    return v.Has(child=child[0], child_column=child[1], **rest)


def _aggregate(expression: grammar.Sum, **rest: Any) -> v.Aggregate:
    return v.Aggregate(**{**expression._asdict(), **rest})


def _arguments(value: Any, place: Place) -> dict[str, Any]:
    return mapping(value)


_TOLERANCE = (("tolerance", not_negative),)
_ID = ("id", short(grammar.identifier))
_TABLE_COLUMN = short(grammar.table_column, "customers.id")

_WORDS: Mapping[str, _Word] = {
    "not_null": _Word(v.NotNull, "column", text),
    "unique": _Word(v.Unique, "columns", _columns(grammar.expressions, least=1)),
    "pattern": _Word(v.Pattern, "regex", short(grammar.regex), "by column"),
    "accepted": _Word(v.Accepted, "values", filled(list_of(_accepted)), "by column"),
    "range": _Word(_range, "range", short(grammar.bounds, "0..100"), "by column"),
    "not_future": _Word(v.NotFuture, "column", text),
    "rows": _Word(_rows, "rows", short(grammar.row_bounds, "1.."), "once"),
    "references": _Word(_reference, "parent", _TABLE_COLUMN, "by column"),
    "has": _Word(_has, "child", _TABLE_COLUMN),
    "order": _Word(v.Order, "columns", _columns(grammar.in_order, least=2)),
    "after": _Word(_after, "parent", _TABLE_COLUMN, "by column"),
    "calculated": _Word(v.Calculated, "expression", text, "by column", _TOLERANCE),
    "aggregate": _Word(
        _aggregate, "expression", short(grammar.aggregate, "sum(lines.price)"), "by column", _TOLERANCE
    ),
    "changed_at": _Word(v.ChangedAt, "column", text, "once"),
    "check": _Word(v.Holds, "expression", text, own=(_ID,)),
    "expectations": _Word(v.Expectation, "type", text, own=(("arguments", _arguments), _ID)),
}

#: The words of the rules on one table, as they stand in the plan and in the names of the rules.
WORDS = tuple(_WORDS)


def tables(value: Any, place: Place) -> dict[str, v.TablePlan]:
    """`[tables.*]`."""
    return dict(entries(value, place, _table))


def _table(name: str, value: Any, place: Place) -> v.TablePlan:
    words = {word: filled(partial(_rules, word=word, table=name)) for word in _WORDS}
    said = keys(value, place, {**words, "exclude": _reason, "key": filled(names), "sample": names})
    rules = [rule for word in list(said) if word in _WORDS for rule in said.pop(word)]
    sample = said.get("sample", ())
    return v.TablePlan(name, tuple(replace(rule, sample=rule.sample or sample) for rule in rules), **said)


def _rules(value: Any, place: Place, *, word: str, table: str) -> tuple[v.TableRule, ...]:
    return tuple(_WORDS[word].rules(value, place, table))


def _reason(value: Any, place: Place) -> str:
    if value is True or value == "":
        raise Wrong('an exclusion needs its reason; write exclude = "moved by replication"')
    return text(value, place)
