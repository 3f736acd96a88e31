"""Rows of two DBMS side by side: exact, where an engine that reads both is at hand and faster than digests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property

from pytest_visionforge.compare.alone import Alone, Key, Look, Side, alone, look
from pytest_visionforge.compare.reading import Reading, decoded
from pytest_visionforge.compare.rows import ENOUGH, Differences, Texts
from pytest_visionforge.database import Database, Session, Snapshot
from pytest_visionforge.dialects import beside
from pytest_visionforge.dialects.beside import Beside, Odd, Shifted

SECONDS = 6 * 3600.0  # for a statement over a whole table
WORTH = 100_000  # rows from which on another process pays
BATCH = 500  # rows that may differ, read together
METHOD = "every value of every row, side by side in DuckDB {version}: exact"
ALONE = 1_000  # rows on one side only, beyond which digests are better


def compared(
    before: Database, after: Database, old: Reading, new: Reading, found: Differences
) -> tuple[int, int] | None:
    """Compares all rows, and gives those that differ to `found`; how many there are before, and after.

    None where digests must do it: no engine, a type that it cannot compare exactly, or too many rows
    that are on one side only or may differ.
    """
    engine = beside.beside(before, after, old, new)
    if engine is None or not all(_is_worth_it(*side) for side in ((before, old), (after, new))):
        return None
    with (
        before.snapshot(seconds=SECONDS, connections=1) as was,
        after.snapshot(seconds=SECONDS, connections=1) as now,
    ):
        for snapshot in (was, now):
            snapshot.run(lambda session: session.dialect.canonical.prepare(session))
        keys, looked = _differing(engine, (was, old), (now, new))
        if keys is None:
            return None
        for first in range(0, len(keys), BATCH):
            batch = keys[first : first + BATCH]
            found.look(was.run(_rows, old, batch), now.run(_rows, new, batch))
    return looked.rows_before, looked.rows_after


def _is_worth_it(database: Database, reading: Reading) -> bool:
    with database.session(seconds=SECONDS) as session:
        some = f"SELECT count(*) FROM (SELECT 1 {reading.source()} LIMIT {WORTH}) AS few"
        return bool(session.value(some) >= WORTH)


def _differing(engine: Beside, before: Side, after: Side) -> tuple[list[Key] | None, Look]:
    """The keys of the rows that may differ, in order, those on one side only among them; None where too many."""
    keys = _Keys(before, after)
    with suppress(Shifted, _TooMany):
        both = _read(engine, (before, after)[not engine.forth][0], keys)
        if both is not None and len(both) < ENOUGH:
            return sorted({*keys.alone.before, *keys.alone.after, *both}), keys.look
    return None, keys.look


def _read(engine: Beside, file: Snapshot, keys: _Keys) -> list[Key] | None:
    """What the engine finds. While it reads the values of dates and times, it is proved that their texts are such.

    Where they are not, or it cannot read them, these columns are compared by their texts.
    """
    try:
        found = engine.differing(ENOUGH, lambda: keys.alone, lambda: file.run(engine.refuse_odd))
        unsure = engine.unsure if found is None else frozenset()
    except Odd as odd:
        found, unsure = None, odd.numbers
    return engine.by_texts(unsure).differing(ENOUGH, lambda: keys.alone) if unsure else found


class _TooMany(Exception):
    """There are too many rows on one side only."""


class _Keys:
    """The keys of both sides, looked at once."""

    def __init__(self, before: Side, after: Side) -> None:
        self._sides = before, after

    @cached_property
    def look(self) -> Look:
        """What was seen first."""
        return look(*self._sides)

    @cached_property
    def alone(self) -> Alone:
        """Those that are on one side only; _TooMany where there are more than a few."""
        found = alone(*self._sides, self.look.differing, ALONE)
        if found is None:
            raise _TooMany
        return found


def method() -> str:
    """How, for the record."""
    return METHOD.format(version=beside.version())


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
