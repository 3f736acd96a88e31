"""Which tables and columns of two databases belong together, where no plan says so.

By name; where names differ only in case (`Invoice` and `invoice`), by that, if it is unambiguous.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_visionforge.database import Database, Table
from pytest_visionforge.errors import PlanError
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, TableChange
from pytest_visionforge.plan.values.plan import Plan
from pytest_visionforge.plan.values.rules import TablePlan
from pytest_visionforge.plan.values.sections import Address, BackupPlan, Limits, RecordPlan


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the asker says of an ad-hoc comparison.

    `tables` maps tables of the target to those of the source, {} for all of the same name; `keys`
    names the columns that identify a row, `excluded` columns of each table (as in the target) that
    are not compared, `conditions` SQL over the source's rows.
    """

    tables: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    excluded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    sample: int = 20
    connections: int = 4
    load: float = 1.0


@dataclass(frozen=True, slots=True)
class Matched:
    """The plan of an ad-hoc comparison: the tables to compare, and those that only one side has."""

    plan: Plan
    tables: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    added: tuple[str, ...]  # columns of the target that the source does not have, as table.column


def match(source: Database, target: Database, wishes: Wishes) -> Matched:
    """Pairs the tables of two databases; PlanError where a named one is not there."""
    before, after = source.schema.tables, target.schema.tables
    pairs = _named(wishes, before, after) if wishes.tables else _pairs(after, before)
    pairs = {new: old for new, old in pairs.items() if new not in wishes.without}
    _known(wishes, pairs)
    changes = [_change(after[new], before[old], wishes) for new, old in pairs.items()]
    whole = not wishes.tables
    plan = Plan(
        name="ad hoc",
        path=Path("visionforge.toml").absolute(),
        sha256="",
        source=Address(source.url.render_as_string(hide_password=False), source.shown),
        target=Address(target.url.render_as_string(hide_password=False), target.shown),
        backup=BackupPlan(Path()),
        record=RecordPlan(Path(), sample=wishes.sample),
        limits=Limits(connections=wishes.connections),
        tables={name: TablePlan(name, key=key) for name, key in wishes.keys.items()},
        changes=Changes({change.name: change for change in changes}),
    )
    gone = {*pairs.values(), *wishes.without}
    return Matched(
        plan,
        tuple(pairs),
        tuple(id for id in before if whole and id not in gone),
        tuple(id for id in after if whole and id not in {*pairs, *wishes.without}),
        tuple(name for new, old in pairs.items() for name in _added(after[new], before[old], wishes)),
    )


def _added(new: Table, old: Table, wishes: Wishes) -> list[str]:
    names = [column.name for column in new.columns]
    known = {*_pairs(names, [column.name for column in old.columns]), *wishes.excluded.get(new.id, ())}
    return [f"{new.id}.{name}" for name in names if name not in known]


def _named(wishes: Wishes, before: Collection[str], after: Collection[str]) -> dict[str, str]:
    found = {}
    for new, old in wishes.tables.items():
        found[_one_of(new, after, "target")] = _one_of(old, before, "source")
    return found


def _one_of(name: str, known: Collection[str], side: str) -> str:
    pair = _pairs([name], known)
    if not pair:
        raise PlanError(f"the {side} has no table {name}{_meant(name, known)}")
    return pair[name]


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f'; did you mean "{close[0]}"?' if close else f"; it has {', '.join(sorted(known)) or 'none'}"


def _known(wishes: Wishes, tables: Collection[str]) -> None:
    for name in (*wishes.keys, *wishes.excluded, *wishes.conditions):
        if name not in tables:
            raise PlanError(f"{name} is no table that is compared; those are {', '.join(sorted(tables))}")


def _change(new: Table, old: Table, wishes: Wishes) -> TableChange:
    """Renamed columns, and columns of one side alone, as a plan would declare them."""
    names_after = [column.name for column in new.columns]
    names_before = [column.name for column in old.columns]
    pairs = _pairs(names_after, names_before)
    excluded = wishes.excluded.get(new.id, ())
    unknown = sorted(set(excluded) - set(names_after))
    if unknown:
        raise PlanError(f"{new.id} has no column {', '.join(unknown)}; it has {', '.join(names_after)}")
    return TableChange(
        name=new.id,
        renamed_from=old.id if old.id != new.id else "",
        columns=ColumnChanges(
            renamed={a: b for a, b in pairs.items() if a != b and a not in excluded},
            added=tuple(name for name in names_after if name in excluded),
            dropped=tuple(pairs[name] for name in excluded if name in pairs),
        ),
        rows=wishes.conditions.get(new.id, "unchanged"),
    )


def _pairs(wanted: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Pairs wanted names with known ones: by the same name, else by the only one that differs in case alone."""
    wanted, known = list(wanted), list(known)
    exact = set(wanted) & set(known)
    new, old = ([name for name in names if name not in exact] for names in (wanted, known))
    times = Counter(map(str.casefold, new)), Counter(map(str.casefold, old))
    folded = {name.casefold(): name for name in old}
    found = {}
    for name in wanted:
        case = name.casefold()
        if name in exact:
            found[name] = name
        elif times[0][case] == times[1][case] == 1:
            found[name] = folded[case]
    return found
