"""Rows of two DBMS side by side: exact, where an engine that reads both is at hand and faster than digests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_visionforge.compare.reading import Reading
from pytest_visionforge.compare.rows import ENOUGH, Differences, Texts
from pytest_visionforge.database import Database, Session
from pytest_visionforge.dialects import beside

SECONDS = 6 * 3600.0  # for a statement over a whole table
WORTH = 100_000  # rows from which on another process pays
BATCH = 500  # rows that may differ, read together
METHOD = "every value of every row, side by side in DuckDB {version}: exact"
Key = tuple[int, ...]


def compared(before: Database, after: Database, old: Reading, new: Reading, found: Differences) -> int | None:
    """Compares all rows, and gives those that differ to `found`; how many there are, on each side.

    None where digests must do it: no engine, a type that it cannot compare exactly, rows that are on
    one side only, or too many that may differ.
    """
    rows = [_count(*side) for side in ((before, old), (after, new))]
    if rows[0] != rows[1] or rows[0] < WORTH:
        return None
    keys = beside.differing(before, after, old, new, ENOUGH)
    if keys is None or len(keys) == ENOUGH:
        return None
    with before.session(seconds=SECONDS) as was, after.session(seconds=SECONDS) as now:
        for session in (was, now):
            session.dialect.canonical.prepare(session)
        for first in range(0, len(keys), BATCH):
            batch = keys[first : first + BATCH]
            found.look(_rows(was, old, batch), _rows(now, new, batch))
    return rows[0]


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
        decoded = tuple(_text(value) for value in row)
        found.append(("|".join(str(decoded[number]) for number in marks), decoded))
    return iter(sorted(found))


def _one_of(reading: Reading, keys: Sequence[Key]) -> str:
    names = [field.expression for field in reading.key_fields]
    if len(names) == 1:
        return f"{names[0]} IN ({', '.join(str(int(key)) for (key,) in keys)})"
    each = (
        " AND ".join(f"{name} = {int(part)}" for name, part in zip(names, key, strict=True)) for key in keys
    )
    return "(" + " OR ".join(f"({condition})" for condition in each) + ")"


def _text(value: str | bytes | None) -> str | None:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
