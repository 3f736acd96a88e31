"""Rows of two DBMS side by side: exact, where an engine that reads both is at hand and faster than digests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from pytest_visionforge.compare.alone import Key, alone
from pytest_visionforge.compare.reading import Reading, decoded
from pytest_visionforge.compare.rows import ENOUGH, Differences, Texts
from pytest_visionforge.database import Database, Session
from pytest_visionforge.dialects import beside
from pytest_visionforge.dialects.beside import Beside, Shifted

SECONDS = 6 * 3600.0  # for a statement over a whole table
WORTH = 100_000  # rows from which on another process pays
BATCH = 500  # rows that may differ, read together
METHOD = "every value of every row, side by side in DuckDB {version}: exact"
ALONE = 1_000  # rows on one side only, beyond which digests are better
Side = tuple[Database, Reading]


def compared(
    before: Database, after: Database, old: Reading, new: Reading, found: Differences
) -> tuple[int, int] | None:
    """Compares all rows, and gives those that differ to `found`; how many there are before, and after.

    None where digests must do it: no engine, a type that it cannot compare exactly, or too many rows
    that are on one side only or may differ.
    """
    engine = beside.beside(before, after, old, new)
    rows = _count(before, old), _count(after, new)
    if engine is None or min(rows) < WORTH:
        return None
    keys = _differing(engine, (before, old), (after, new), shifted=rows[0] != rows[1])
    if keys is None:
        return None
    with before.session(seconds=SECONDS) as was, after.session(seconds=SECONDS) as now:
        for session in (was, now):
            session.dialect.canonical.prepare(session)
        for first in range(0, len(keys), BATCH):
            batch = keys[first : first + BATCH]
            found.look(_rows(was, old, batch), _rows(now, new, batch))
    return rows


def _differing(engine: Beside, before: Side, after: Side, *, shifted: bool) -> list[Key] | None:
    """The keys of the rows that may differ, in order; those on one side only are left out and told, too."""
    if not shifted:
        with suppress(Shifted):
            return _few(engine.differing(ENOUGH))
    alone = _alone(before, after)
    if not alone:
        return None
    with suppress(Shifted):
        both = _few(engine.differing(ENOUGH, alone))
        return None if both is None else sorted([*alone, *both])
    return None


def _few(keys: list[Key] | None) -> list[Key] | None:
    return None if keys is None or len(keys) == ENOUGH else keys


def _alone(before: Side, after: Side) -> list[Key] | None:
    """The keys of the rows that are on one side only; None where they are too many."""
    with (
        before[0].snapshot(seconds=SECONDS, connections=1) as was,
        after[0].snapshot(seconds=SECONDS, connections=1) as now,
    ):
        found = alone((was, before[1]), (now, after[1]), ALONE)
    return sorted(found[0] | found[1]) if found else None


def method() -> str:
    """How, for the record."""
    return METHOD.format(version=beside.version())


def _count(database: Database, reading: Reading) -> int:
    with database.session(seconds=SECONDS) as session:
        return int(session.value(f"SELECT count(*) {reading.source()}"))


def _rows(session: Session, reading: Reading, keys: Sequence[Key]) -> Iterator[tuple[str, Texts]]:
    """(mark, canonical texts) of the rows of keys, sorted by their mark."""
    dialect = session.dialect
    texts = ", ".join(dialect.canonical.fetched(field.text(dialect)) for field in reading.fields)
    marks = [number for number, field in enumerate(reading.fields) if field.name in reading.key]
    found = []
    for row in session.all(f"SELECT {texts} {reading.source(_one_of(reading, keys))}"):
        values = tuple(map(decoded, row))
        found.append(("|".join(str(values[number]) for number in marks), values))
    return iter(sorted(found))


def _one_of(reading: Reading, keys: Sequence[Key]) -> str:
    names = [field.expression for field in reading.key_fields]
    if len(names) == 1:
        return f"{names[0]} IN ({', '.join(str(int(key)) for (key,) in keys)})"
    each = (
        " AND ".join(f"{name} = {int(part)}" for name, part in zip(names, key, strict=True)) for key in keys
    )
    return "(" + " OR ".join(f"({condition})" for condition in each) + ")"
