"""Both tables in one statement: where one connection sees both, the DBMS compares every value itself.

That is exact, and faster than any digest. Only rows that differ travel, as canonical texts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, cast

from sqlalchemy import Engine

from pytest_visionforge.compare import beside
from pytest_visionforge.compare.pairing import ALL, Pairing, Piece
from pytest_visionforge.compare.reading import Reading, decoded
from pytest_visionforge.compare.rows import Differences, Texts
from pytest_visionforge.database import Database, Session, Snapshot
from pytest_visionforge.errors import DatabaseError, TimeLimit

SECONDS = 6 * 3600.0  # for a statement over a whole table
METHOD = "every value of every row, in one join: exact"
BATCH = 500  # rows that differ, looked at together
KEPT = 2_000  # rows that differ, of all ranges together, that are kept until it is their turn
Pair = tuple[Texts | None, Texts | None]  # a row before and after; None where there is none


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows of both sides, and how they were compared."""

    rows_before: int
    rows_after: int
    method: str


def join(
    before: Database,
    after: Database,
    old: Reading,
    new: Reading,
    found: Differences,
    *,
    unique: bool,
    progress: Callable[[str], None] | None = None,
) -> Joined | None:
    """Compares every row by its key, and gives those that differ to `found`.

    `unique`: the database before has a constraint on the key. None where no connection sees both
    databases, where the key is none on the side after, or where no index leads to it: use digests.
    """
    if not unique or not _is_unique(after, new):
        return None
    if before.dialect is not after.dialect:
        rows = beside.compared(before, after, old, new, found)
        return Joined(*rows, beside.method()) if rows is not None else None
    with _both(before, after) as both:
        if both is None:
            return None
        tables = before.dialect.join.tables(before, after, old.table, new.table)
        pairing = Pairing(before.dialect, (old, new), tables)
        with both.snapshot() as snapshot:
            if not _fits(pairing, snapshot):
                return None
            return _Join(pairing, snapshot, found, progress or (lambda message: None)).run()


def _is_unique(database: Database, reading: Reading) -> bool:
    """Has the table a key that is a part of the one that we read by?"""
    names = {field.expression for field in reading.key_fields}
    for table in database.schema.tables.values():
        if database.name_of(table) == reading.table:
            return bool(table.key) and names.issuperset(map(database.quote, table.key))
    return False


class _Both(Database):
    """Two databases as one: what `Database` does, through connections that see both."""

    def __init__(self, before: Database, engine: Engine) -> None:
        url = before.url.render_as_string(hide_password=False)
        connections = before.connections
        super().__init__(before.role, url, shown=before.shown, seconds=SECONDS, connections=connections)
        self._both = engine

    @cached_property
    def _engine(self) -> Engine:
        return self._both


@contextmanager
def _both(before: Database, after: Database) -> Iterator[_Both | None]:
    """Both databases in one; None where no connection sees both."""
    engine = before.dialect.join.engine(before, after, before.connections)
    both = _Both(before, engine) if engine else None
    with both or nullcontext():
        try:
            if both:
                both.value("SELECT 1")
        except DatabaseError:  # each can be opened, but not one from the other
            both = None
        yield both


def _fits(pairing: Pairing, snapshot: Snapshot) -> bool:
    """Can the DBMS do it, and fast? The role before may not even read the table after."""
    for session in snapshot.sessions:
        pairing.dialect.canonical.prepare(session)
    try:
        return pairing.fits(snapshot.main)
    except TimeLimit:
        raise
    except DatabaseError:
        return False


@dataclass(frozen=True, slots=True)
class _Seen:
    """One range: its rows, and the first that are altered or lost; `whole` where these are all."""

    before: int
    after: int
    pairs: list[Pair]
    whole: bool


class _Join:
    """Runs a join, range by range, in as many sessions as there are."""

    def __init__(
        self, pairing: Pairing, snapshot: Snapshot, found: Differences, progress: Callable[[str], None]
    ) -> None:
        self.pairing, self.snapshot, self.found, self.progress = pairing, snapshot, found, progress
        count = pairing.dialect.join.pieces(len(snapshot.sessions))
        self.pieces = pairing.pieces(snapshot.main, count)
        self.kept = KEPT // len(self.pieces)

    def run(self) -> Joined:
        """Looks at every range, until enough rows are known to offend."""
        before = after = 0
        started = [self.snapshot.start(self._see, piece) for piece in self.pieces]
        for number, (piece, future) in enumerate(zip(self.pieces, started, strict=True), 1):
            seen = future.result()
            self._look(piece, seen)
            before, after = before + seen.before, after + seen.after
            if not self.found.complete:
                for rest in started[number:]:
                    rest.cancel()
                before, after = self.snapshot.run(self._count), self.snapshot.run(self._count, side=1)
                break
            self.progress(f"{number * 100 // len(self.pieces)} % of the rows joined")
        return Joined(before, after, METHOD)

    def _count(self, session: Session, piece: Piece = ALL, side: int = 0) -> int:
        return int(session.value(self.pairing.count(side, piece)))

    def _see(self, session: Session, piece: Piece) -> _Seen:
        before, after = (self._count(session, piece, side) for side in (0, 1))
        with closing(self._changed(session, piece)) as rows:
            pairs = list(islice(rows, self.kept + 1))
        whole = len(pairs) <= self.kept
        return _Seen(before, after, pairs if whole else [], whole)

    def _changed(self, session: Session, piece: Piece) -> Generator[Pair, None, None]:
        return self._rows(session, self.pairing.changed(piece))

    def _rows(self, session: Session, query: str) -> Generator[Pair, None, None]:
        width, found = self.pairing.width, session.rows(query)
        with closing(cast("Generator[Any, None, None]", found)) as rows:
            for a_gone, b_gone, *values in rows:
                texts = tuple(map(decoded, values))
                yield None if a_gone else texts[:width], None if b_gone else texts[width:]

    def _look(self, piece: Piece, seen: _Seen) -> None:
        """Takes up the rows of a range that differ; those that are only after are counted, and few are read."""
        if seen.whole:
            lost = self._take(seen.pairs)
        else:
            with self.snapshot.lease() as session, closing(self._changed(session, piece)) as pairs:
                lost = self._take(pairs)
        added = seen.after - (seen.before - lost)
        if added and self.found.complete:
            self.found.alone(added, self._added(piece), lost=False)

    def _added(self, piece: Piece) -> list[Texts]:
        wanted = self.found.wanted(lost=False)
        if not wanted:
            return []
        with self.snapshot.lease() as session:
            return [row for _, row in self._rows(session, self.pairing.added(piece, wanted)) if row]

    def _take(self, pairs: Iterable[Pair]) -> int:
        """Gives rows that differ to `found`; how many of them are lost."""
        pairs, lost = iter(pairs), 0
        while self.found.complete and (batch := list(islice(pairs, BATCH))):
            lost += sum(after is None for _, after in batch)
            marked = [(f"{number:03}", pair) for number, pair in enumerate(batch)]
            self.found.look(
                [(mark, row) for mark, (row, _) in marked if row is not None],
                [(mark, row) for mark, (_, row) in marked if row is not None],
            )
        return lost
