"""Guesses at what two tables have to do with each other: undeclared references, totals, order in time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, combinations, islice

from pytest_visionforge.draft.family import Family
from pytest_visionforge.draft.guess import AHEAD, COUNT, TOTAL, Guess
from pytest_visionforge.draft.sight import LEAST, Sight

BORN = re.compile(r"birth|born", re.I)  # everything is later, so it says nothing
TRIES = 12  # expressions for one total
_COMMON = {"id", "code", "name", "key", "no", "number", "uuid", "guid", "type", "status", "title"}
_ENDINGS = ("id", "no", "code", "key", "uuid")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Link:
    """Rows of `child` belong to rows of `parent` by a column; `reference`: by one that the schema lacks.

    `parent_column` is what the column refers to. Of several columns, names are joined by commas.
    """

    child: Sight
    column: str
    parent: Sight
    parent_column: str
    reference: bool = False

    @property
    def note(self) -> str:
        """What a guess that rests on it must say."""
        return f"together with references.{self.column} of {self.child.table.id}" if self.reference else ""


def links(sights: Mapping[str, Sight], references: list[Guess]) -> list[Link]:
    """The one way from each child to each parent, of those that have just one."""
    found = [
        Link(sight, ",".join(key.columns), sights[key.parent], ",".join(key.parent_columns))
        for sight in sights.values()
        for key in sight.table.foreign_keys
        if key.parent in sights and key.parent != sight.table.id
    ]
    for guess in references:
        id, _, column = str(guess.value).rpartition(".")
        found.append(Link(sights[guess.table], guess.column, sights[id], column, reference=True))
    pairs = Counter((link.child.table.id, link.parent.table.id) for link in found)
    return [link for link in found if pairs[link.child.table.id, link.parent.table.id] == 1]


def references(sights: Mapping[str, Sight]) -> Iterator[Guess]:
    """Columns that are called as another table's key, and that no foreign key declares."""
    parents = dict[str, list[Sight]]()
    for sight in sights.values():
        if len(sight.table.key) == 1 and sight.rows:
            for name in _called(sight.table.name, sight.table.key[0]):
                parents.setdefault(name, []).append(sight)
    for sight in sights.values():
        for column in _free(sight):
            for parent in _meant(column, parents)[:3]:
                key = parent.table.key[0]
                if parent is not sight and parent.families[key] == sight.families[column]:
                    yield Guess(sight.table.id, "references", f"{parent.table.id}.{key}", column)


def _free(sight: Sight) -> Iterator[str]:
    """Columns with values that neither refer to anything yet nor are the whole key."""
    declared = {name for key in sight.table.foreign_keys for name in key.columns}
    for name, values in sight.values.items():
        if len(values) >= LEAST and name not in declared and sight.table.key != (name,):
            yield name


def _called(table: str, key: str) -> set[str]:
    """The names by which other tables call the key of a table."""
    names = {_plain(_singular(table)) + ending for ending in (_plain(key), *_ENDINGS)}
    return names if _plain(key) in _COMMON else {*names, _plain(key)}


def _meant(column: str, parents: Mapping[str, list[Sight]]) -> list[Sight]:
    """The tables whose key a column is called after: `customer_id`, or with a word before it."""
    words = _WORD.findall(column)
    for start in range(len(words)):
        if found := parents.get(_plain("".join(words[start:]))):
            return found
    return []


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _singular(name: str) -> str:
    if name.lower().endswith("ies"):
        return name[:-3] + "y"
    return name[:-1] if name.lower().endswith("s") and not name.lower().endswith("ss") else name


def children(link: Link, family: Family) -> Iterator[Guess]:
    """Every row of the parent has a row in the child."""
    if (link.parent.rows or 0) < LEAST or not link.child.rows or "," in link.column:
        return
    if family.may_have():
        yield Guess(link.parent.table.id, "has", f"{link.child.table.id}.{link.column}", note=link.note)


def later(link: Link, family: Family) -> Iterator[list[Guess]]:
    """For each moment of the child, the parent's moments before which it does not lie, the likeliest first."""
    theirs = [name for name in link.parent.moments if not (AHEAD.search(name) or BORN.search(name))]
    for name in link.child.moments:
        if not AHEAD.search(name):
            parent = link.parent.table.id
            yield [
                Guess(link.child.table.id, "after", f"{parent}.{each}", name, link.note)
                for each in reversed(theirs)
                if family.may_follow(name, each)
            ]


def totals(link: Link, family: Family, spell: Callable[[str], str]) -> Iterator[list[Guess]]:
    """For each total of the parent, what the child's rows may add up to, the likeliest first."""
    parent, child = link.parent, link.child
    of = f'"{child.table.id}"' if "." in child.table.id else child.table.id
    for name in parent.amounts:
        if len(set(parent.values[name])) < 3 or not (TOTAL.search(name) or COUNT.search(name)):
            continue
        terms = chain([()] if COUNT.search(name) else [], _terms(child, name))
        likely = islice((term for term in terms if family.may_total(name, term)), TRIES)
        yield [
            Guess(parent.table.id, "aggregate", _formula(of, tuple(map(spell, term))), name, link.note)
            for term in likely
        ]


def _formula(child: str, factors: tuple[str, ...]) -> str:
    return f"sum({child}.{' * '.join(factors)})" if factors else f"count({child})"


def _terms(child: Sight, total: str) -> Iterator[tuple[str, ...]]:
    """Columns of the child and products of two: what is called like the total, prices times counts, the rest."""
    alike = [name for name in child.amounts if _plain(name) == _plain(total)]
    pairs = list(combinations(child.amounts, 2))
    priced = [pair for pair in pairs if _is_price(*pair) or _is_price(*reversed(pair))]
    single = sorted(set(child.amounts) - set(alike), key=lambda name: not TOTAL.search(name))
    yield from ((name,) for name in alike)
    yield from priced
    yield from ((name,) for name in single)
    yield from (pair for pair in pairs if pair not in priced)


def _is_price(one: str, other: str) -> bool:
    return bool(TOTAL.search(one) and COUNT.search(other))
