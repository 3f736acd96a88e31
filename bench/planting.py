"""Differences that are planted in a database, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import make_url

from bench.data import COLUMNS, TABLE, Row, row
from bench.databases import connected, marker, run


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not as it was: lost (`after` is None), added (`before` is None) or altered."""

    before: Row | None
    after: Row | None

    @property
    def key(self) -> int:
        """The key of the row."""
        found = self.before or self.after
        assert found is not None
        return found.id


def sixteen(count: int) -> list[Difference]:
    """Ten altered rows, one in each way, three lost and three added, all over the table."""
    old = [row(count * place // 16) for place in range(16)]
    altered = [
        old[0]._replace(customer=old[0].customer + 1),
        old[1]._replace(price=old[1].price[:-1] + str(9 - int(old[1].price[-1]))),  # a cent
        old[2]._replace(made_at=old[2].made_at[:-1] + str(9 - int(old[2].made_at[-1]))),  # microseconds
        old[3]._replace(due="2014-12-31"),
        old[4]._replace(paid=not old[4].paid),
        old[5]._replace(code=old[5].code.swapcase()),  # nothing but the case
        old[6]._replace(note=old[6].note + " "),  # a blank at the end
        old[7]._replace(weight=old[7].weight + 0.001),
        old[8]._replace(remark=None if old[8].remark else "was NULL"),
        old[9]._replace(remark="" if old[9].remark is None else None),
    ]
    added = [each._replace(id=3 * (each.id // 3) + (each.id + 1) % 3) for each in old[13:]]  # in a gap
    return [
        *(Difference(before, after) for before, after in zip(old[:10], altered, strict=True)),
        *(Difference(before, None) for before in old[10:13]),
        *(Difference(None, after) for after in added),
    ]


@contextmanager
def planted(url: str, count: int) -> Iterator[frozenset[int]]:
    """The database with sixteen differences in it, within the block; their keys."""
    differences = sixteen(count)
    with _marked(url):
        _replace(url, [(each.before, each.after) for each in differences])
        yield frozenset(each.key for each in differences)
        _replace(url, [(each.after, each.before) for each in differences])


@contextmanager
def spread(url: str, count: int, differing: int) -> Iterator[int]:
    """The database with about so many altered rows in it, evenly spread, within the block; how many."""
    if differing == 0:
        yield 0
        return
    step = max(count // differing, 1)
    with _marked(url):
        _shift(url, step, "+ 1")
        yield -(-count // step)
        _shift(url, step, "- 1")


@contextmanager
def _marked(url: str) -> Iterator[None]:
    """Marks a database as changed until the block has ended well: one that is left so is made anew."""
    mark = marker(url)
    mark.touch()
    yield
    mark.unlink()


def _replace(url: str, changes: list[tuple[Row | None, Row | None]]) -> None:
    sign = "?" if make_url(url).get_backend_name() == "sqlite" else "%s"
    insert = f"INSERT INTO {TABLE} VALUES ({', '.join([sign] * len(COLUMNS))})"
    with connected(url) as connection:
        cursor = connection.cursor()
        for old, new in changes:
            if old is not None:
                cursor.execute(f"DELETE FROM {TABLE} WHERE id = {sign}", (old.id,))
            if new is not None:
                cursor.execute(insert, new)


def _shift(url: str, step: int, by: str) -> None:
    """Alters every step-th row; a key's third is the row's position."""
    dialect = make_url(url).get_backend_name()
    position = "id DIV 3" if dialect == "mysql" else "id / 3"
    run(url, f"UPDATE {TABLE} SET customer = customer {by} WHERE ({position}) % {step} = 0")
    if dialect == "postgresql":
        run(url, f"VACUUM (FULL, FREEZE, ANALYZE) {TABLE}")  # dead rows are no part of what is measured
