"""What a damage is: what is planted in one table of the sample, and what must be named.

Values are written as in `sample`: what a column held and what it holds after the damage.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from tests.damages.sample import DBMS, ROWS, Row

Value = str | bytes | None
Key = tuple[Value, ...]
Altered = Mapping[Key, Mapping[str, tuple[Value, Value]]]
KEYS = {"item": ("id",), "entry": ("basket", "line"), "word": ("word",), "log": ()}


@dataclass(frozen=True)
class Damage:
    """One damage to one table.

    `altered` tells of each key the columns with their values before and after, `lost` the keys that
    are gone (without a key: the whole rows), and `added` the rows that are new. Without `sql` these
    are written as they stand; `sql` plants them as a migration would, in the words of each DBMS (one
    text for all, or by DBMS). `on` are the DBMS that can hold it.
    """

    name: str
    altered: Altered = field(default_factory=dict)
    lost: tuple[Key, ...] = ()
    added: tuple[Row, ...] = ()
    table: str = "item"
    sql: str | Mapping[str, str] = ""
    on: Collection[str] = DBMS

    def statement(self, dbms: str) -> str:
        """The SQL that plants it; "" where values are written."""
        return self.sql if isinstance(self.sql, str) else self.sql.get(dbms, "")


ITEMS = {int(str(row["id"])): row for row in ROWS["item"]}


def key(*values: object) -> Key:
    """A key of numbers or texts, as it is shown."""
    return tuple(str(value) for value in values)


def becomes(id: int, **values: Value) -> Altered:
    """One item, of which some columns hold something else."""
    return {key(id): {name: (ITEMS[id][name], value) for name, value in values.items()}}


def every(column: str, change: Callable[[str], Value]) -> Altered:
    """All items in which a change of a column's values changes anything."""
    values = {id: row[column] for id, row in ITEMS.items()}
    changed = {id: (value, change(value)) for id, value in values.items() if isinstance(value, str)}
    return {key(id): {column: pair} for id, pair in changed.items() if pair[0] != pair[1]}


def overwritten(id: int, by: int) -> Altered:
    """An item that holds what another one does."""
    old, new = ITEMS[id], ITEMS[by]
    return {
        key(id): {name: (old[name], new[name]) for name in old if name != "id" and old[name] != new[name]}
    }


def copies(ids: Mapping[int, int]) -> tuple[Row, ...]:
    """Items under new keys: of each new one the old one that it copies."""
    return tuple({**ITEMS[old], "id": str(new)} for new, old in ids.items())


def nfd(text: str) -> str:
    """The same letters, with accents apart."""
    return unicodedata.normalize("NFD", text)
