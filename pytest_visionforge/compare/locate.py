"""Finds the rows that differ in segments whose digests differ: by halving first, by reading at last."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from pytest_visionforge.compare.digests import Side
from pytest_visionforge.compare.reading import Reading, decoded
from pytest_visionforge.compare.rows import Differences, Texts
from pytest_visionforge.compare.segments import Digest, Segment, bucket_name, condition_of
from pytest_visionforge.compare.walk import Unordered, cuts
from pytest_visionforge.database import Session

PARTS = 16  # into which a range that differs is cut
FEW = 1_000  # rows that are read rather than cut once more
MANY = 1_000  # buckets from which on a statement that names them is worse than reading all rows


def look(found: Differences, old: Side, new: Side, before: Digest, after: Digest) -> None:
    """Finds the rows of one range that differ; stops once there are enough."""
    if min(before.rows, after.rows) == 0:
        _one_sided(found, old, new, before, after)
    elif before.segment.nulls or max(before.rows, after.rows) <= FEW:
        _read(found, old, new, [before.segment])
    else:
        _narrow(found, old, new, before, after)


def differ(first: Digest, second: Digest) -> bool:
    """Are the rows of a segment not certainly the same?"""
    return (first.rows, first.sha256) != (second.rows, second.sha256) or not first.sha256


def _narrow(found: Differences, old: Side, new: Side, before: Digest, after: Digest) -> None:
    """Looks into the parts of a range that differ; it is cut where there are more rows."""
    fuller, rows = (old, before.rows) if before.rows >= after.rows else (new, after.rows)
    try:
        parts = fuller.snapshot.run(cuts, fuller.reading, before.segment, -(-rows // PARTS))
    except Unordered:  # only since the baseline: the key holds what its type does not say
        parts = [before.segment]
    if len(parts) == 1:
        return _read(found, old, new, parts)
    first = old.snapshot.start(old.digests, parts)
    second = new.snapshot.start(new.digests, parts)
    for part_before, part_after in zip(first.result(), second.result(), strict=True):
        if found.complete and differ(part_before, part_after):
            look(found, old, new, part_before, part_after)
    return None


def look_into_buckets(
    found: Differences, old: Side, new: Side, differing: Sequence[Segment], digits: int
) -> None:
    """Reads the buckets that differ, in one scan."""
    if differing:
        _read(found, old, new, differing, digits)


def _one_sided(found: Differences, old: Side, new: Side, before: Digest, after: Digest) -> None:
    """All rows of a range are lost, or added: they are counted, and read as far as they are shown."""
    side, digest = (old, before) if before.rows else (new, after)
    with side.snapshot.lease() as session:
        wanted = found.wanted(lost=side is old)
        with closing(_rows(session, side.reading, [digest.segment], 0, wanted)) as rows:
            found.alone(digest.rows, (texts for _, texts in rows), lost=side is old)


def _read(found: Differences, old: Side, new: Side, segments: Sequence[Segment], digits: int = 0) -> None:
    with (
        old.snapshot.lease() as was,
        new.snapshot.lease() as now,
        closing(_rows(was, old.reading, segments, digits)) as before,
        closing(_rows(now, new.reading, segments, digits)) as after,
    ):
        found.look(before, after)


def _rows(
    session: Session, reading: Reading, segments: Sequence[Segment], digits: int, limit: int | None = None
) -> Generator[tuple[str, Texts]]:
    """(mark, canonical texts) of the rows of segments of one kind, sorted by their mark, streamed."""
    dialect = session.dialect
    mark = reading.mark(dialect)
    if segments[0].bucket is not None:
        condition = _in_buckets(mark, segments, digits)
    else:
        ranges = (condition_of(dialect, reading, segment) or "1 = 1" for segment in segments)
        condition = " OR ".join(f"({each})" for each in ranges)
    texts = [dialect.canonical.fetched(field.text(dialect)) for field in reading.fields]
    names = [f"f{number}" for number in range(len(texts))]
    columns = [f"{mark} AS m", *(f"{text} AS {name}" for text, name in zip(texts, names, strict=True))]
    for row in session.rows(
        f"SELECT {', '.join(['m', *names])} FROM (SELECT {', '.join(columns)}"
        f" {reading.source(f'({condition})')}) AS marked ORDER BY {dialect.language.plain('m')}"
        + (f" LIMIT {limit}" if limit is not None else "")
    ):
        yield row[0], tuple(map(decoded, row[1:]))


def _in_buckets(mark: str, segments: Sequence[Segment], digits: int) -> str:
    if digits == 0 or len(segments) > MANY:
        return "1 = 1"
    names = ", ".join(f"'{bucket_name(segment)}'" for segment in segments)
    return f"substr({mark}, 1, {digits}) IN ({names})"
