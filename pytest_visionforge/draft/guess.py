"""Guesses at rules of one table, by the names of its columns and by its first rows; no database is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pytest_visionforge.draft.sight import LEAST, Sight

FEW = 12  # values of a column that may be all there are
OFTEN = 5  # times that each of them is there on average
MANY = 20  # rows that must have one
MOST = 6  # columns of numbers or moments of a table that are compared with each other
NEAR = 0.0051  # by which a first row may miss what a formula gives; the check itself is strict
AHEAD = re.compile(r"due|expir|until|valid|end|(^|_)to(_|$)|todate|plan|schedul|deadline|next|renew", re.I)
TOTAL = re.compile(r"total|sum|amount|net|gross|balance|value|price|cost|paid", re.I)
COUNT = re.compile(r"count|number|num|qty|quantity|lines|items|size", re.I)
CHANGED = re.compile(
    r"(updated?|modified|changed?)(_?(at|on|date|time))?|last_?(update|change|modified)", re.I
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A rule that may hold: a word of the plan, and how it is written short.

    `column` is "" for words whose rules are a list. `note` says what it needs beside itself.
    """

    table: str
    word: str
    value: Any
    column: str = ""
    note: str = ""

    @property
    def raw(self) -> dict[str, Any]:
        """What stands in `[tables.NAME]`, as TOML gives it."""
        if self.column:
            return {self.word: {self.column: self.value}}
        return {self.word: self.value if self.word == "changed_at" else [self.value]}


def in_order(sight: Sight) -> Iterator[Guess]:
    """The longest chain of moments each of which is never later than the next."""
    columns = sight.moments[:MOST]
    before = {
        (one, other)
        for one in columns
        for other in columns
        if one != other and _never_later(sight, one, other)
    }
    chain = max(
        (chain for n in range(2, len(columns) + 1) for chain in _chains(columns, n, before)),
        key=len,
        default=(),
    )
    if chain:
        yield Guess(sight.table.id, "order", " <= ".join(chain))


def _chains(columns: Sequence[str], length: int, before: set[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """The chains of some length in which each comes before all that follow."""
    for chosen in combinations(columns, length):
        chain = tuple(sorted(chosen, key=lambda one: -sum((one, other) in before for other in chosen)))
        if all(pair in before for pair in combinations(chain, 2)):
            yield chain


def _never_later(sight: Sight, one: str, other: str) -> bool:
    """In the first rows, and earlier at least once."""
    pairs = [pair for pair in _rows(sight, one, other) if None not in pair]
    try:
        return len(pairs) >= LEAST and all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
    except TypeError:
        return False


def _rows(sight: Sight, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The first rows, of them these columns."""
    return zip(*(sight.all[name] for name in columns), strict=True)


def past(sight: Sight) -> Iterator[Guess]:
    """Moments that lie in the past, by their names."""
    for name in sight.moments:
        if not AHEAD.search(name):
            yield Guess(sight.table.id, "not_future", name)


def changed(sight: Sight) -> Iterator[Guess]:
    """The column that is set on each change, by its name."""
    for name in [name for name in sight.moments if CHANGED.fullmatch(name)][:1]:
        yield Guess(sight.table.id, "changed_at", name)


def not_negative(sight: Sight) -> Iterator[Guess]:
    """Numbers none of which is below 0."""
    for name in sight.amounts:
        if all(value >= 0 for value in sight.values[name]):
            yield Guess(sight.table.id, "range", "0..", name)


def of_few(sight: Sight) -> Iterator[str]:
    """Columns of texts that hold few values again and again, as a status does; not those of an enum."""
    said = " ".join(check.expression for check in sight.table.checks)
    for name in sight.texts:
        column = sight.table.column(name)
        declared = column is None or column.type.lower().startswith(("enum", "set")) or name in said
        values = sight.values[name]
        if not declared and len(values) >= MANY and 2 <= len(set(values)) <= min(FEW, len(values) // OFTEN):
            yield name


def identifying(sight: Sight) -> Iterator[str]:
    """Columns that may tell the rows of a table without a key apart."""
    if sight.table.key or not sight.rows:
        return
    for name, values in sight.values.items():
        if sight.families[name] != "double" and LEAST <= len(set(values)) == len(sight.first):
            yield name


def calculated(sight: Sight, spell: Callable[[str], str]) -> Iterator[Guess]:
    """Numbers that the others of the row give: products, sums, and both; `spell` writes a name as SQL."""
    columns = sight.amounts[:MOST]
    for total in columns:
        others = [name for name in columns if name != total]
        for formula, compute, names in _formulas(others):
            if len(set(sight.values[total])) > 2 and _gives(sight, total, compute, names):
                yield Guess(sight.table.id, "calculated", formula.format(*map(spell, names)), total)
                break


def _formulas(names: Sequence[str]) -> Iterator[tuple[str, Callable[..., Any], tuple[str, ...]]]:
    for pair in combinations(names, 2):
        yield "{} * {}", lambda a, b: a * b, pair
        yield "{} + {}", lambda a, b: a + b, pair
    for a, b, c in combinations(names, 3):
        yield "{} + {} + {}", lambda a, b, c: a + b + c, (a, b, c)
        for trio in ((a, b, c), (a, c, b), (b, c, a)):
            yield "{} * {} - {}", lambda a, b, c: a * b - c, trio
            yield "{} * {} + {}", lambda a, b, c: a * b + c, trio


def _gives(sight: Sight, total: str, compute: Callable[..., Any], names: Sequence[str]) -> bool:
    """In the first rows, and not by one of the columns alone; most formulas fail on the first row."""
    rows = []
    for row in _rows(sight, total, *names):
        if None not in row:
            numbers = [float(each) for each in row]
            if abs(numbers[0] - compute(*numbers[1:])) > NEAR:
                return False
            rows.append(numbers)
    places = range(1, len(names) + 1)
    return len(rows) >= LEAST and all(any(abs(row[0] - row[n]) > NEAR for row in rows) for n in places)
