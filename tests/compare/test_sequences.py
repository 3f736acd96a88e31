"""A sequence gives numbers that are free, and never goes back."""

from __future__ import annotations

from pytest_visionforge.compare import behind, went_back
from pytest_visionforge.plan.values.changes import Changes, Declared
from tests.compare.conftest import Migration

KEY = {
    "sqlite": "integer PRIMARY KEY AUTOINCREMENT",
    "postgresql": "serial PRIMARY KEY",
    "mysql": "integer PRIMARY KEY AUTO_INCREMENT",
}
SET = {
    "sqlite": "UPDATE sqlite_sequence SET seq = {last}",
    "postgresql": "SELECT setval('t_id_seq', {last})",
    "mysql": "ALTER TABLE t AUTO_INCREMENT = {next}",
}


def make(migration: Migration) -> str:
    """A table with a sequence that has given three numbers, on both sides; gives the DBMS."""
    dbms = migration.database(migration.before_url).dialect.name
    migration.both(f"CREATE TABLE t (id {KEY[dbms]}, v integer)", "INSERT INTO t (v) VALUES (1), (2), (3)")
    return dbms


def test_a_sequence_that_goes_on(migration: Migration) -> None:
    """A sequence above the highest number, which did not go back, is none of the findings."""
    make(migration)
    database = migration.database(migration.after_url)
    with database.session() as session:
        assert behind(session, database.schema) == []
    assert went_back(migration.baseline(migration.plan()), database.schema, Changes()) == []


def test_a_sequence_behind_its_column(migration: Migration) -> None:
    """A sequence whose next number is taken is found, with the number."""
    dbms = make(migration)
    if dbms == "mysql":
        return  # InnoDB sets AUTO_INCREMENT above the highest number by itself
    migration.after(SET[dbms].format(last=1, next=2))
    database = migration.database(migration.after_url)
    with database.session() as session:
        found = behind(session, database.schema)
    assert [(state.table, state.column, state.next, state.highest) for state in found] == [("t", "id", 2, 3)]
    assert "next insert fails" in str(found[0])


def test_a_sequence_that_went_back(migration: Migration) -> None:
    """A sequence that gives lower numbers than before is found, unless the plan changes it."""
    dbms = make(migration)
    migration.both("DELETE FROM t WHERE id = 3")
    baseline = migration.baseline(migration.plan())
    migration.after(SET[dbms].format(last=2, next=3))
    schema = migration.database(migration.after_url).schema
    found = went_back(baseline, schema, Changes())
    assert [(state.before, state.after) for state in found] == [(4, 3)]
    names = tuple(baseline.sequences)
    assert went_back(baseline, schema, Changes(sequences=Declared(changed=names))) == []
