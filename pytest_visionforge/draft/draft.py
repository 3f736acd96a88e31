"""A draft: every table of a database as it is seen, and the guesses that hold in it today."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from pytest_visionforge.database import Database, Identity
from pytest_visionforge.draft import guess as guesses
from pytest_visionforge.draft import related
from pytest_visionforge.draft.guess import Guess
from pytest_visionforge.draft.sight import Sight, look
from pytest_visionforge.draft.trial import Held, Trial
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values import Address

SECONDS = 60.0  # for trying guesses; what is not tried by then is not suggested
Progress = Callable[[str], None]


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
    every guess was tried. `hidden` are sentences: what the role may not see, so what is not in here.
    """

    identity: Identity
    at: datetime
    sights: dict[str, Sight]
    held: dict[str, list[Guess]]
    keys: dict[str, str]
    late: bool = False
    hidden: tuple[str, ...] = ()
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
    with Held("source", source) as database:
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


def _sights(database: Database, progress: Progress) -> dict[str, Sight]:
    sizes, found = dict[str, int](), dict[str, Sight]()
    with suppress(DatabaseError):  # a lock on one table keeps PostgreSQL from telling the size of any
        sizes = database.table_sizes()
    with database.session() as session:
        for number, (id, table) in enumerate(database.schema.tables.items(), start=1):
            progress(f"looking at {id} ({number} of {len(database.schema.tables)})")
            found[id] = look(database, session, table, sizes.get(id))
    return found


def _held(sights: dict[str, Sight], trial: Trial, progress: Progress) -> Iterator[Guess]:
    """The guesses that hold; references first, for others rest on them."""
    progress("trying references")
    taken = dict[tuple[str, str], Guess]()
    for each in related.references(sights):
        if (each.table, each.column) not in taken and trial.holds(each):
            taken[each.table, each.column] = each
    references = list(taken.values())
    trial.accept(references)
    yield from references
    for id, sight in sights.items():
        progress(f"trying what may hold in {id}")
        yield from filter(trial.holds, _of_one(sight, trial))
        yield from _calculated(sight, trial)
    progress("trying totals")
    yield from _of_two(related.links(sights, references), trial)


def _of_one(sight: Sight, trial: Trial) -> Iterator[Guess]:
    yield from guesses.changed(sight)
    for name in guesses.of_few(sight):
        values = trial.all_values(sight.table.id, name)
        if values:
            yield Guess(sight.table.id, "accepted", values, name)
    yield from guesses.not_negative(sight)
    yield from guesses.in_order(sight)
    yield from guesses.past(sight)


def _of_two(links: list[related.Link], trial: Trial) -> Iterator[Guess]:
    taken = set[tuple[str, str, str]]()
    for link in links:
        yield from filter(trial.holds, related.children(link))
        for each in chain.from_iterable([*related.later(link), *_spelled_totals(link, trial)]):
            name = (each.table, each.word, each.column)
            if name not in taken and trial.holds(each):
                taken.add(name)
                yield each


def _spelled_totals(link: related.Link, trial: Trial) -> Iterator[list[Guess]]:
    """The totals, each with names as they are and then with names in quotes."""
    plain, quoted = (list(related.totals(link, spell)) for spell in _spellings(trial.database))
    for one, other in zip(plain, quoted, strict=True):
        yield list(dict.fromkeys(each for pair in zip(one, other, strict=True) for each in pair))


def _calculated(sight: Sight, trial: Trial) -> Iterator[Guess]:
    """Of each formula the first spelling that holds."""
    plain, quoted = (guesses.calculated(sight, spell) for spell in _spellings(trial.database))
    for pair in zip(plain, quoted, strict=True):
        yield from [each for each in dict.fromkeys(pair) if trial.holds(each)][:1]


def _spellings(database: Database) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Names in SQL: as they are where they are plain words, and always in quotes."""

    def quoted(name: str) -> str:
        return database.quote(name).replace(r"\:", ":")

    return lambda name: name if re.fullmatch(r"[A-Za-z_]\w*", name, re.A) else quoted(name), quoted


def _keys(sights: dict[str, Sight], trial: Trial) -> Iterator[tuple[str, str]]:
    """A column that tells the rows of a table without a key apart."""
    for id, sight in sights.items():
        for name in guesses.identifying(sight):
            if all(trial.holds(Guess(id, word, name)) for word in ("not_null", "unique")):
                yield id, name
                break
