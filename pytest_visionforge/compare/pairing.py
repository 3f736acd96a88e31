"""The SQL that puts the rows before beside the rows after, by their key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from pytest_visionforge.compare.reading import Field, Reading
from pytest_visionforge.database import Session
from pytest_visionforge.dialects import Dialect

Piece = tuple[str, str]  # SQL: a range of the key before, and the same one after; "" for all
ALL: Piece = ("", "")
SPAN = 10_000  # of the numbers of a key, that is not worth cutting


@dataclass(frozen=True)
class Pairing:
    """Two tables that one connection sees, called `tables` there, and how each is read."""

    dialect: Dialect
    readings: tuple[Reading, Reading]
    tables: tuple[str, str]

    @property
    def width(self) -> int:
        """The number of columns of a side."""
        return len(self.readings[0].fields)

    def fits(self, session: Session) -> bool:
        """Can the DBMS pair these rows, each by an index, and by a key that all of them have?"""
        keys, seeks = len(self.readings[0].key), self.dialect.join.seeks
        by_index = all(seeks(session, query, keys) for query in (self.changed(), self.added()))
        return by_index and not any(session.value(query) for query in self._holes())

    def _holes(self) -> Iterable[str]:
        """SQL: is there a row whose key holds a NULL, as SQLite's primary keys may?"""
        for reading, table in zip(self.readings, self.tables, strict=True):
            holes = " OR ".join(f"{field.expression} IS NULL" for field in reading.key_fields)
            yield f"SELECT EXISTS (SELECT 1 FROM {table}{_where(reading.where, f'({holes})')})"

    def count(self, side: int, piece: Piece = ALL) -> str:
        """SQL: the number of rows before (0) or after (1)."""
        return f"SELECT count(*) FROM {self.tables[side]}{_where(self.readings[side].where, piece[side])}"

    def changed(self, piece: Piece = ALL) -> str:
        """SQL: the rows before that are altered or lost, and what they are after."""
        return self._pairs("a", "b", f"{self._is_gone('b')} OR NOT ({self._same(keys=False)})", piece)

    def added(self, piece: Piece = ALL, limit: int = 1) -> str:
        """SQL: the first rows that are only after."""
        return f"{self._pairs('b', 'a', self._is_gone('a'), piece)} LIMIT {limit}"

    def _pairs(self, first: str, second: str, condition: str, piece: Piece) -> str:
        sides = {name: self._side(side, piece) for side, name in enumerate("ab")}
        columns = [f"{self._is_gone(name)} AS {name}_gone" for name in "ab"]
        columns += [text for side, name in enumerate("ab") for text in self._texts(side, name)]
        return (
            f"SELECT {', '.join(columns)} FROM {sides[first]} AS {first} LEFT JOIN {sides[second]} AS {second}"
            f" ON {self._same(keys=True)} WHERE {condition}"
        )

    def _side(self, side: int, piece: Piece) -> str:
        reading = self.readings[side]
        columns = ", ".join(f"{field.expression} AS f{number}" for number, field in enumerate(reading.fields))
        return f"(SELECT {columns} FROM {self.tables[side]}{_where(reading.where, piece[side])})"

    def _is_gone(self, name: str) -> str:
        return f"{name}.f{min(self._keys)} IS NULL"

    @property
    def _keys(self) -> set[int]:
        """The positions of the key's columns."""
        reading = self.readings[0]
        return {number for number, field in enumerate(reading.fields) if field.name in reading.key}

    def _same(self, *, keys: bool) -> str:
        """SQL: the columns of the key, or all others, are exactly equal; those of the key so that an index serves."""
        conditions = [f"a.f{number} = b.f{number}" for number in sorted(self._keys) if keys]
        fields = zip(*(reading.fields for reading in self.readings), strict=True)
        conditions += [
            self._equal(number, old, new)
            for number, (old, new) in enumerate(fields)
            if (number in self._keys) is keys
        ]
        return " AND ".join(conditions) or "1 = 1"

    def _equal(self, number: int, old: Field, new: Field) -> str:
        left, right = f"a.f{number}", f"b.f{number}"
        same = self.dialect.join.same(left, right, old.family, (old.type, new.type))
        if same is not None:
            return same
        text, language = self.dialect.canonical.text, self.dialect.language
        return language.same(
            language.plain(text(left, old.family, old.type)),
            language.plain(text(right, new.family, new.type)),
        )

    def _texts(self, side: int, name: str) -> list[str]:
        canonical = self.dialect.canonical
        return [
            f"{canonical.fetched(canonical.text(f'{name}.f{number}', field.family, field.type))} AS {name}{number}"
            for number, field in enumerate(self.readings[side].fields)
        ]

    def pieces(self, session: Session, count: int) -> list[Piece]:
        """Ranges of the key that hold every row, where it begins with whole numbers; else one."""
        firsts = [reading.key_fields[0] for reading in self.readings]
        if any(field.order != "number" for field in firsts):
            return [ALL]
        old, new = (field.expression for field in firsts)
        low, high = session.row(f"SELECT min({old}), max({old}) FROM {self.tables[0]}")
        if not isinstance(low, int) or not isinstance(high, int):
            return [ALL]
        count = min(count, 1 + (high - low) // SPAN)
        cuts = [low + (high - low) * number // count for number in range(1, count)]
        edges = pairwise([None, *cuts, None])
        return [(_within(old, *bounds), _within(new, *bounds)) for bounds in edges]


def _within(key: str, low: int | None, high: int | None) -> str:
    bounds = (f"{key} > {low}" if low is not None else "", f"{key} <= {high}" if high is not None else "")
    return " AND ".join(filter(None, bounds))


def _where(*conditions: str) -> str:
    joined = " AND ".join(filter(None, conditions))
    return f" WHERE {joined}" if joined else ""
