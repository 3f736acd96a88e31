"""Where damages are planted: two databases with the same rows, one as it was, one that is damaged."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, TextClause, text

from pytest_visionforge.compare import Baseline, TableComparison, between, compare_table, read, take
from pytest_visionforge.database import Database
from pytest_visionforge.plan.values.plan import Plan
from tests.compare.conftest import plan_of
from tests.damages import sample
from tests.damages.damage import KEYS, Damage, Key
from tests.damages.harmless import Harmless

PLACES = (
    ("sqlite", "sqlite"),
    ("postgresql", "postgresql"),
    ("mariadb", "mariadb"),
    ("sqlite", "postgresql"),
    ("sqlite", "mariadb"),
    ("mariadb", "postgresql"),
    ("postgresql", "mariadb"),
    ("postgresql", "sqlite"),
    ("mariadb", "sqlite"),
)


@dataclass
class Side:
    """One database with the sample: `database` reads it, `engine` writes."""

    dbms: str
    url: str
    database: Database = field(init=False)
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database("source", self.url)
        self.engine = sample.writer(self.url)
        with self.engine.begin() as connection:
            sample.build(connection, self.dbms)

    def close(self) -> None:
        """Closes what reads and what writes."""
        self.database.close()
        self.engine.dispose()

    @contextmanager
    def damaged(self, damage: Damage) -> Iterator[None]:
        """The damage is there; afterwards the table is as it was."""
        with self.engine.begin() as connection:
            if damage.statement(self.dbms):
                connection.execute(_as_is(damage.statement(self.dbms)))
            else:
                _write(connection, damage)
        try:
            yield
        finally:
            with self.engine.begin() as connection:
                connection.execute(text(f"DELETE FROM {damage.table}"))
                sample.fill(connection, damage.table)

    @contextmanager
    def changed(self, change: Harmless) -> Iterator[None]:
        """The change is made; afterwards the table is made anew."""
        level = "AUTOCOMMIT" if change.alone else self.engine.dialect.default_isolation_level
        with self.engine.connect().execution_options(isolation_level=level) as connection:
            for statement in change.sql[self.dbms]:
                connection.execute(_as_is(statement))
            connection.commit()
        self._reopen()
        try:
            yield
        finally:
            with self.engine.begin() as connection:
                connection.execute(text(f"DROP TABLE {change.table}"))
                sample.make(connection, self.dbms, change.table)
            self._reopen()

    def _reopen(self) -> None:
        """Facts of the schema are read once: another database object reads them again."""
        self.database.close()
        self.database = Database("source", self.url)


def _as_is(sql: str) -> TextClause:
    """A statement in which a colon is a colon."""
    return text(sql.replace(":", "\\:"))


def _write(connection: Connection, damage: Damage) -> None:
    """Writes what the damage leaves, value by value."""
    table, names = damage.table, KEYS[damage.table]
    where = " AND ".join(f"{name} = :key_{name}" for name in names)
    for key, columns in damage.altered.items():
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        values = {name: after for name, (_, after) in columns.items()}
        connection.execute(text(f"UPDATE {table} SET {sets} WHERE {where}"), {**values, **_bound(names, key)})
    for key in damage.lost:
        connection.execute(text(f"DELETE FROM {table} WHERE {where}"), _bound(names, key))
    for row in damage.added:
        connection.execute(sample.insert(table), dict(row))


def _bound(names: Collection[str], key: Key) -> dict[str, str | bytes | None]:
    return {f"key_{name}": value for name, value in zip(names, key, strict=True)}


@dataclass
class Place:
    """A database as it was, and one of the same or another DBMS that is damaged."""

    before: Side
    after: Side
    folder: Path

    def __post_init__(self) -> None:
        self.plan: Plan = plan_of(self.folder, self.before.url, self.after.url, sample=100)
        path = self.folder / f"{self.before.dbms}-{self.after.dbms}.zst"
        with self.before.database.session() as session:
            take(session, self.plan, self.before.database.schema, path)
        self.baseline: Baseline = read(path)

    def with_baseline(self, table: str) -> TableComparison:
        """What the table is against the baseline of the one before."""
        after = self.after.database
        return compare_table(self.baseline, table, self.plan, after, lambda: self.before.database)

    def directly(self, table: str) -> TableComparison:
        """What the table is against the database before, where both are at hand."""
        (found,) = between(self.before.database, self.after.database, self.plan, (table,))
        return found
