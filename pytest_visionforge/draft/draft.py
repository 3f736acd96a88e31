"""A draft: every table of a database as it is seen, and the guesses that hold in it today."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain, groupby, islice
from typing import TypeVar

from pytest_visionforge.database import Database, Identity, unescaped
from pytest_visionforge.database.hidden import Hidden
from pytest_visionforge.draft import guess as guesses
from pytest_visionforge.draft import related
from pytest_visionforge.draft.family import Family
from pytest_visionforge.draft.guess import Guess
from pytest_visionforge.draft.sight import Sight, look
from pytest_visionforge.draft.trial import Held, Trial
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values.sections import Address

SECONDS = 60.0  # for trying guesses; what is not tried by then is not suggested
Progress = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sides:
    """Tables that only a target has, that only the source has, and that differ in case: (new, old)."""

    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What was seen (`at`, UTC): the database, its tables by id, and what holds in each.

    `keys` has a column that tells the rows of a table without a key apart. `late`: the time was over before
    every guess was tried. `hidden` is what the role may not see, so what is not in here.
    """

    identity: Identity
    at: datetime
    sights: dict[str, Sight]
    held: dict[str, list[Guess]]
    keys: dict[str, str]
    late: bool = False
    hidden: tuple[Hidden, ...] = ()
    sides: Sides = Sides()

    @property
    def suggestions(self) -> int:
        """How many rules are suggested."""
        return sum(map(len, self.held.values())) + len(self.keys)


def draft(
    source: Address,
    target: Address | None = None,
    *,
    seconds: float = SECONDS,
    progress: Progress = lambda message: None,
) -> Draft:
    """Looks at the database at `source`, and at the tables of one at `target`; it only reads.

    Each statement is ended after 5 s, trying after `seconds`. Raises CannotConnect and DatabaseError.
    """
    with closing(Held("source", source)) as database:
        progress("reading the schema")
        sights = _sights(database, progress)
        trial = Trial(database, seconds)
        held = list(_held(sights, trial, progress))
        keys = dict(_keys(sights, trial))
        identity, hidden = database.identity, database.schema.hidden
    sides = _sides(set(sights), target) if target else Sides()
    by_table = {id: list[Guess]() for id in sights}
    for each in held:
        by_table[each.table].append(each)
    return Draft(identity, datetime.now(UTC), sights, by_table, keys, trial.late, hidden, sides)


def _sides(source: set[str], address: Address) -> Sides:
    """How the tables of a target differ; not at all where it is still empty."""
    with Database("target", address.url, shown=address.shown) as database:
        target = set(database.schema.tables)
    if not target:
        return Sides()
    added, dropped = target - source, source - target
    alike = [(new, old) for new in sorted(added) for old in dropped if new.lower() == old.lower()]
    counts = Counter(name for pair in alike for name in pair)
    renamed = tuple(pair for pair in alike if counts[pair[0]] == counts[pair[1]] == 1)
    for new, old in renamed:
        added.remove(new)
        dropped.remove(old)
    return Sides(tuple(sorted(added)), tuple(sorted(dropped)), renamed)


def _sights(database: Held, progress: Progress) -> dict[str, Sight]:
    sizes, tables = dict[str, int](), database.schema.tables
    with suppress(DatabaseError):  # a lock on one table keeps PostgreSQL from telling the size of any
        sizes = database.table_sizes()

    def looked(id: str) -> Sight:
        with database.session() as session:
            return look(database, session, tables[id], sizes.get(id))

    return dict(
        zip(tables, _told(database.spread(looked, tables), tables, "looking at", progress), strict=True)
    )


def _told(found: Iterable[T], names: Collection[str], words: str, progress: Progress) -> Iterator[T]:
    """What is found, and word of how far that is."""
    for number, (name, each) in enumerate(zip(names, found, strict=True), start=1):
        progress(f"{words} {name}: {100 * number // len(names)} %, {number:,} of {len(names):,} tables")
        yield each


def _held(sights: dict[str, Sight], trial: Trial, progress: Progress) -> Iterator[Guess]:
    """The guesses that hold; references first, for others rest on them."""
    progress("trying references")
    spread = trial.database.spread
    by_column = groupby(related.references(sights), key=lambda each: (each.table, each.column))
    firsts = spread(partial(_first, trial), [list(found) for _, found in by_column])
    references = [each for found in firsts for each in found]
    trial.accept(references)
    yield from references
    found = spread(lambda sight: [*_of_one(sight, trial)], sights.values())
    yield from chain.from_iterable(_told(found, sights, "trying what may hold in", progress))
    progress("trying totals")
    links = related.links(sights, references)
    yield from _once(chain.from_iterable(spread(lambda link: [*_of_two(link, trial)], links)))


def _first(trial: Trial, guesses: Iterable[Guess]) -> list[Guess]:
    """The first that holds, if one does."""
    return [*islice(filter(trial.holds, guesses), 1)]


def _once(found: Iterable[Guess]) -> Iterator[Guess]:
    """Of the rules of one word on one column the first."""
    taken = set[tuple[str, str, str]]()
    for each in found:
        name = (each.table, each.word, each.column)
        if not each.column or name not in taken:
            taken.add(name)
            yield each


def _of_one(sight: Sight, trial: Trial) -> Iterator[Guess]:
    yield from filter(trial.holds, _likely(sight, trial))
    yield from _calculated(sight, trial)


def _likely(sight: Sight, trial: Trial) -> Iterator[Guess]:
    yield from guesses.changed(sight)
    for name in guesses.of_few(sight):
        values = trial.all_values(sight, name)
        if values:
            yield Guess(sight.table.id, "accepted", values, name)
    yield from guesses.not_negative(sight)
    yield from guesses.in_order(sight)
    yield from guesses.past(sight)


def _of_two(link: related.Link, trial: Trial) -> Iterator[Guess]:
    family = trial.family(link)
    yield from filter(trial.holds, related.children(link, family))
    for likely in [*related.later(link, family), *_spelled_totals(link, family, trial)]:
        yield from _first(trial, likely)


def _spelled_totals(link: related.Link, family: Family, trial: Trial) -> Iterator[list[Guess]]:
    """The totals, each with names as they are and then with names in quotes."""
    plain, quoted = (list(related.totals(link, family, spell)) for spell in _spellings(trial.database))
    for one, other in zip(plain, quoted, strict=True):
        yield list(dict.fromkeys(each for pair in zip(one, other, strict=True) for each in pair))


def _calculated(sight: Sight, trial: Trial) -> Iterator[Guess]:
    """Of each formula the first spelling that holds."""
    plain, quoted = (guesses.calculated(sight, spell) for spell in _spellings(trial.database))
    for pair in zip(plain, quoted, strict=True):
        yield from _first(trial, dict.fromkeys(pair))


def _spellings(database: Database) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Names in SQL: as they are where they are plain words, and always in quotes."""

    def quoted(name: str) -> str:
        return unescaped(database.quote(name))

    return lambda name: name if re.fullmatch(r"[A-Za-z_]\w*", name, re.A) else quoted(name), quoted


def _keys(sights: dict[str, Sight], trial: Trial) -> Iterator[tuple[str, str]]:
    """A column that tells the rows of a table without a key apart."""
    for id, sight in sights.items():
        for name in guesses.identifying(sight):
            if all(trial.holds(Guess(id, word, name)) for word in ("not_null", "unique")):
                yield id, name
                break
