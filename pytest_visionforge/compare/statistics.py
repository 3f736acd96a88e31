"""What the columns of a table hold, in a few numbers each: taken with the baseline, told where rows differ.

They prove nothing. They say at a glance what happened to a column: NULLs that were filled in, a sum that
is off by a cent, texts that are all shorter than they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from pytest_visionforge.database import Column, Session, Snapshot, Table

AT_ONCE = 100  # columns of one scan: DBMS have limits of what one statement may ask
LARGE = 50_000  # rows from which on a second scan pays
TOLD = 8  # columns that a comparison tells of, at most
_OF = {"number": "values", "double": "values", "date": "moments", "timestamp": "moments"}
_WORDS = {"nulls": "NULLs", "least": "least", "greatest": "greatest", "total": "sum"}
_BYTES = {**_WORDS, "least": "shortest", "greatest": "longest", "total": "bytes in all"}


@dataclass(frozen=True, slots=True)
class Statistics:
    """One column: how many NULLs, and the least, the greatest and the sum of its values as texts.

    `of` says of what: "values"; of those "moments" that have no sum; or "bytes", how long they are.
    None where there is no value.
    """

    of: str
    nulls: int
    least: str | None = None
    greatest: str | None = None
    total: str | None = None


def statistics(snapshot: Snapshot, table: Table, rows: int) -> dict[str, Statistics]:
    """Those of each column of a table with so many rows, by its name; several scans at once of a large one."""
    sessions = len(snapshot.sessions) if rows > LARGE else 1
    step = min(AT_ONCE, max(1, -(-len(table.columns) // sessions)))
    scans = [
        snapshot.start(_scanned, table, table.columns[first : first + step])
        for first in range(0, len(table.columns), step)
    ]
    return {name: each for scan in scans for name, each in scan.result().items()}


def _scanned(session: Session, table: Table, columns: Sequence[Column]) -> dict[str, Statistics]:
    language = session.dialect.language
    asked = [_asked(session, column) for column in columns]
    values = ["count(*)", *(sql for _, each in asked for sql in each)]
    rows, *rest = session.row(
        f"SELECT {', '.join(values)} FROM {language.quote_table(table.schema, table.name)}"
    )
    found, position = {}, 0
    for column, (of, each) in zip(columns, asked, strict=True):
        there, *numbers = rest[position : position + len(each)]
        position += len(each)
        found[column.name] = Statistics(of, int(rows) - int(there), *map(_text, numbers))
    return found


def _asked(session: Session, column: Column) -> tuple[str, list[str]]:
    """Of what the numbers are, and the SQL that gives them."""
    language, canonical = session.dialect.language, session.dialect.canonical
    name = language.quote(column.name)
    family = canonical.family(column.type)
    measure, total = canonical.measure(name, family, column.type)
    numbers = [language.as_text(sql) for sql in (f"min({measure})", f"max({measure})", total) if sql]
    return _OF.get(family, "bytes"), [f"count({name})", *numbers]


def _text(value: object) -> str | None:
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)


def told(before: Mapping[str, Statistics], after: Mapping[str, Statistics], names: Mapping[str, str]) -> str:
    """What is not as it was, of columns by their names after and before; "" for nothing."""
    changed = [
        f"{name}: {', '.join(words)}"
        for name, was in names.items()
        if was in before and name in after and (words := list(_changed(before[was], after[name])))
    ]
    more = f"; and {len(changed) - TOLD} columns more" if len(changed) > TOLD else ""
    return "; ".join(changed[:TOLD]) + more


def _changed(before: Statistics, after: Statistics) -> Iterator[str]:
    if before.of != after.of:
        return
    words = _BYTES if before.of == "bytes" else _WORDS
    for each in fields(Statistics)[1:]:
        was, now = getattr(before, each.name), getattr(after, each.name)
        if was != now:
            yield f"{words[each.name]} {was if was is not None else 'none'} → {now if now is not None else 'none'}"
