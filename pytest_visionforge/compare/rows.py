"""Rows before against rows after, merged by their marks: memory does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import TypeVar

from pytest_visionforge.compare import canonical
from pytest_visionforge.compare.reading import Field
from pytest_visionforge.outcome import Offender

ENOUGH = 10_000  # offending rows after which a table is known to be broken: reading stops
Texts = tuple[str | None, ...]
Marked = Iterable[tuple[str, Texts]]
Group = Counter[Texts]  # the rows of one mark, and how many of each
P = TypeVar("P")


@dataclass
class Differences:
    """Counts the rows that differ, and keeps the first `sample` of those that offend.

    `key` names the fields that identify a row (none: the whole row does). Rows that are only
    afterwards offend unless `may_add`.
    """

    fields: tuple[Field, ...]
    key: tuple[str, ...]
    sample: int
    may_add: bool = False
    lost: int = 0
    added: int = 0
    altered: int = 0
    offenders: list[Offender] = field(default_factory=list)
    complete: bool = True
    _written: dict[Texts, Texts] = field(default_factory=dict, init=False)  # settled rows as they were

    @property
    def offending(self) -> int:
        """The number of rows that break what was declared, so far."""
        return self.lost + self.altered + (0 if self.may_add else self.added)

    def look(self, before: Marked, after: Marked) -> None:
        """Takes up the rows of both sides, each sorted by its marks; stops once there are enough."""
        for rows_before, rows_after in _merged(before, after):
            self._group(rows_before, rows_after)
            if self.offending >= ENOUGH:
                self.complete = False
                return

    def alike(self) -> Differences:
        """Nothing found as yet, of the same table."""
        return Differences(self.fields, self.key, self.sample, self.may_add)

    def add(self, more: Differences) -> None:
        """Takes up what was found elsewhere in the table."""
        self.lost += more.lost
        self.added += more.added
        self.altered += more.altered
        self.offenders += more.offenders[: self.sample - len(self.offenders)]
        self.complete &= more.complete and self.offending < ENOUGH

    def wanted(self, *, lost: bool) -> int:
        """How many rows more are shown, of those that are lost or else added."""
        return 0 if self.may_add and not lost else max(0, self.sample - len(self.offenders))

    def alone(self, count: int, shown: Iterable[Texts], *, lost: bool) -> None:
        """Takes up so many rows that are on one side only, of which the first are shown."""
        for row in islice(shown, self.wanted(lost=lost)):
            self._keep(self._alone, row, "lost" if lost else "added")
        self.lost += count if lost else 0
        self.added += 0 if lost else count
        self.complete = self.offending < ENOUGH

    def _group(self, before: Group, after: Group) -> None:
        """The rows of one mark: one on each side, or copies."""
        self._written.clear()
        before, after = self._settled(before), self._settled(after)
        lost, added = before - after, after - before
        pairs = min(lost.total(), added.total()) if self.key else 0
        for old, new in islice(zip(lost.elements(), added.elements(), strict=False), pairs):
            self.altered += 1
            self._keep(self._altered, old, new)
        for row in islice(lost.elements(), pairs, None):
            self.lost += 1
            self._keep(self._alone, row, "lost")
        for row in islice(added.elements(), pairs, None):
            self.added += 1
            if not self.may_add:
                self._keep(self._alone, row, "added")

    def _settled(self, rows: Group) -> Group:
        """Rows in which what the families call equal is equal."""
        if all(field.family != "json" for field in self.fields):
            return rows
        settled: Group = Counter()
        for row, count in rows.items():
            same = self._settled_row(row)
            settled[same] += count
            self._written.setdefault(same, row)
        return settled

    def _settled_row(self, row: Texts) -> Texts:
        return tuple(
            canonical.settled(field.family, text) for field, text in zip(self.fields, row, strict=True)
        )

    def _keep(self, offender: Callable[[Texts, P], Offender], row: Texts, rest: P) -> None:
        if len(self.offenders) < self.sample:
            self.offenders.append(offender(row, rest))

    def _alone(self, row: Texts, says: str) -> Offender:
        return Offender(self._key_of(row), says)

    def _key_of(self, row: Texts) -> dict[str, str | None]:
        return {
            field.name: canonical.shown(field.family, text)
            for field, text in zip(self.fields, self._written.get(row, row), strict=True)
            if not self.key or field.name in self.key
        }

    def _altered(self, old: Texts, new: Texts) -> Offender:
        differ = [before != after for before, after in zip(old, new, strict=True)]
        return Offender(
            self._key_of(old), "altered", before=self._shown(old, differ), after=self._shown(new, differ)
        )

    def _shown(self, row: Texts, differ: list[bool]) -> dict[str, str | None]:
        texts = zip(self.fields, self._written.get(row, row), differ, strict=True)
        return {field.name: canonical.shown(field.family, text) for field, text, differs in texts if differs}


def _merged(before: Marked, after: Marked) -> Iterator[tuple[Group, Group]]:
    """The rows of both sides, mark by mark."""
    left, right = _grouped(before), _grouped(after)
    old, new = next(left, None), next(right, None)
    while old or new:
        if new is None or (old is not None and old[0] < new[0]):
            assert old is not None
            yield old[1], Counter()
            old = next(left, None)
        elif old is None or new[0] < old[0]:
            yield Counter(), new[1]
            new = next(right, None)
        else:
            yield old[1], new[1]
            old, new = next(left, None), next(right, None)


def _grouped(rows: Marked) -> Iterator[tuple[str, Group]]:
    for mark, group in groupby(rows, key=lambda row: row[0]):
        yield mark, Counter(texts for _, texts in group)
