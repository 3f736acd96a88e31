"""Any table, any rows, on any DBMS and any two of them: one change is found and named, equal is equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from pytest_visionforge.compare import TableComparison, between, compare_table, take
from pytest_visionforge.database import Database
from pytest_visionforge.outcome import Offender
from tests import servers
from tests.compare.conftest import plan_of
from tests.compare.kinds import ENUM_TYPE, KEYS, KINDS, Kind, Pair, written
from tests.damages.places import PLACES
from tests.damages.sample import writer
from tests.soak import examples

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A table as it was and as it became: `change` is "altered", "lost", "added", "copied" or "none"."""

    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    before: tuple[Row, ...]
    after: tuple[Row, ...]
    change: str
    row: Row  # the one that is concerned, as it was; the new one where it was added
    column: str = ""  # the one whose value is another

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many rows must be found lost, added and altered."""
        if self.change == "altered" and (self.column in self.key or not self.key):
            return 1, 1, 0
        return (
            int(self.change == "lost"),
            int(self.change in ("added", "copied")),
            int(self.change == "altered"),
        )


def _value(kind: Kind, pair: Pair, *, key: bool) -> st.SearchStrategy[Any]:
    return kind.values(pair) if key else st.none() | kind.values(pair)


def _identity(columns: Mapping[str, Kind], key: tuple[str, ...], row: Row) -> object:
    return tuple(columns[name].same(row[name]) for name in key)


@st.composite
def tables(draw: st.DrawFn, pair: Pair) -> Case:
    """A table of a pair of DBMS, with its rows, and one change to them."""
    known = {name: kind for name, kind in KINDS.items() if kind.fits(pair)}
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=3))
    others = draw(st.lists(st.sampled_from(list(known)), min_size=not keys, max_size=6 - len(keys)))
    columns = {f"c{place}": known[name] for place, name in enumerate([*keys, *others])}
    key = tuple(columns)[: len(keys)]
    row = st.fixed_dictionaries({n: _value(kind, pair, key=n in key) for n, kind in columns.items()})
    unique: Any = (lambda each: _identity(columns, key, each)) if key else None
    rows = draw(st.lists(row, min_size=1, max_size=8, unique_by=unique))
    return draw(_changed(columns, key, tuple(rows), row, pair))


@st.composite
def _changed(
    draw: st.DrawFn,
    columns: Mapping[str, Kind],
    key: tuple[str, ...],
    rows: tuple[Row, ...],
    row: st.SearchStrategy[Row],
    pair: Pair,
) -> Case:
    change = draw(st.sampled_from(("altered", "altered", "lost", "added", "none" if key else "copied")))
    victim = draw(st.sampled_from(rows))
    others = tuple(each for each in rows if each is not victim)
    taken = {_identity(columns, key, each) for each in rows} if key else set()
    if change in ("none", "lost", "copied"):
        after = {"none": rows, "lost": others, "copied": (*rows, victim)}[change]
        return Case(columns, key, rows, after, change, victim)
    if change == "added":
        new = draw(row.filter(lambda each: _identity(columns, key, each) not in taken))
        return Case(columns, key, rows, (*rows, new), change, new)
    name = draw(st.sampled_from(list(columns)))
    kind = columns[name]
    value = draw(
        _value(kind, pair, key=name in key).filter(
            lambda value: (
                _differs(kind, victim[name], value)
                and (name not in key or _identity(columns, key, {**victim, name: value}) not in taken)
            )
        )
    )
    return Case(columns, key, rows, (*others, {**victim, name: value}), change, victim, name)


def _differs(kind: Kind, old: Any, new: Any) -> bool:
    if old is None or new is None:
        return old is not new
    return kind.same(old) != kind.same(new)


@dataclass
class Side:
    """One database, in which a table is made again for each case."""

    dbms: str
    url: str
    engine: Engine

    def write(self, case: Case, rows: tuple[Row, ...]) -> None:
        """Makes the table, with rows."""
        columns = [f"{n} {kind.type(self.dbms, key=n in case.key)}" for n, kind in case.columns.items()]
        if case.key:
            columns.append(f"PRIMARY KEY ({', '.join(case.key)})")
        with self.engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS t"))
            connection.execute(text(f"CREATE TABLE t ({', '.join(columns)})"))
        self.fill(case, rows)

    def fill(self, case: Case, rows: tuple[Row, ...]) -> None:
        """Makes the rows those of the table."""
        values = [{name: written(value, self.dbms) for name, value in row.items()} for row in rows]
        places = ", ".join(f":{name}" for name in case.columns)
        with self.engine.begin() as connection:
            connection.execute(text("DELETE FROM t"))
            if values:
                connection.execute(text(f"INSERT INTO t VALUES ({places})"), values)


@pytest.fixture(scope="module")
def sides(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_server: servers.Server,
    mariadb_server: servers.Server,
) -> Iterator[dict[tuple[str, str], Side]]:
    """Two databases of each DBMS."""
    folder = tmp_path_factory.mktemp("properties")
    made: dict[tuple[str, str], Side] = {}
    for when in ("before", "after"):
        urls = {
            "sqlite": f"sqlite:///{folder}/{when}.db",
            "postgresql": postgresql_server.create(),
            "mariadb": mariadb_server.create("CHARACTER SET utf8mb4"),
        }
        made |= {(dbms, when): Side(dbms, url, writer(url)) for dbms, url in urls.items()}
        with made["postgresql", when].engine.begin() as connection:
            connection.execute(text(ENUM_TYPE))
    yield made
    for side in made.values():
        side.engine.dispose()
        server = {"postgresql": postgresql_server, "mariadb": mariadb_server}.get(side.dbms)
        if server:
            server.drop(side.url)


@pytest.mark.parametrize("pair", PLACES, ids="-".join)
@settings(
    max_examples=examples(5),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_one_change_in_any_table(
    sides: dict[tuple[str, str], Side], tmp_path: Path, pair: Pair, data: st.DataObject
) -> None:
    """What was written alike is equal; a value changed, a row lost, added or copied is found and named."""
    case = data.draw(tables(pair))
    first, second = sides[pair[0], "before"], sides[pair[1], "after"]
    first.write(case, case.before)
    second.write(case, case.before)
    with closing(Database("source", first.url)) as before, closing(Database("target", second.url)) as after:
        plan = plan_of(tmp_path, first.url, second.url)
        with before.session() as session:
            baseline = take(session, plan, before.schema, tmp_path / "baseline.zst")
        for change in ("none", case.change):
            second.fill(case, case.before if change == "none" else case.after)
            asked = (
                compare_table(baseline, "t", plan, after, lambda: before),
                *between(before, after, plan, ("t",)),
            )
            for found in asked:
                _check(case, change, found)


def _check(case: Case, change: str, found: TableComparison) -> None:
    """Asserts that a comparison tells of the change, and of nothing else."""
    assert found.rows_before == len(case.before)
    assert found.equal == (change == "none"), found
    counts = (0, 0, 0) if change == "none" else case.counts
    assert (found.lost, found.added, found.altered) == counts, found
    assert len(found.offenders) == sum(counts)
    for offender in found.offenders:
        _check_named(case, offender)


def _check_named(case: Case, offender: Offender) -> None:
    assert tuple(offender.key) == (case.key or tuple(case.columns))
    if offender.says == "altered":
        assert set(offender.before) == set(offender.after) == {case.column}
    if case.key and not (offender.says == "added" and case.change == "altered"):
        for name, shown in offender.key.items():
            kind, value = case.columns[name], case.row[name]
            assert shown in (kind.shown(value), str(written(value, "sqlite")))
