"""What a plan declares decides which columns of which table are compared, and in which form."""

from __future__ import annotations

import pytest

from pytest_visionforge import dialects
from pytest_visionforge.compare.canonical import form_of
from pytest_visionforge.compare.projecting import identity, project
from pytest_visionforge.compare.projection import Projection
from pytest_visionforge.database import Column, Key, Table
from pytest_visionforge.errors import DatabaseError
from pytest_visionforge.plan.values.changes import ColumnChanges, TableChange
from pytest_visionforge.plan.values.rules import TablePlan
from tests.compare.conftest import Migration

PEOPLE = Table(
    "people",
    columns=(
        Column("id", "integer"),
        Column("name", "text"),
        Column("fax", "text"),
        Column("age", "integer"),
    ),
    primary_key=Key("", ("id",)),
)
HERE = dialects.named("postgresql")


def projected(change: TableChange, known: TablePlan | None = None) -> Projection:
    """The projection of the people."""
    return project(change, known or TablePlan("people"), PEOPLE, None, HERE, HERE)


def test_nothing_declared_is_every_column() -> None:
    """Without a word in the plan every column is compared as it is: the identity."""
    found = projected(TableChange("people"))
    assert [column.name for column in found.columns] == ["id", "name", "fax", "age"]
    assert (found.key, found.unique) == (("id",), True)
    assert found.fingerprint == identity(PEOPLE, HERE).fingerprint


def test_declared_changes() -> None:
    """Renamed, dropped, added and computed columns are each compared as declared."""
    columns = ColumnChanges(
        renamed={"number": "id", "years": "age"},
        added=("vip",),
        dropped=("name", "fax"),
        values={"first": "split_part(name, ' ', 1)", "years": "age + 1"},
    )
    found = projected(TableChange("persons", renamed_from="people", columns=columns, rows="age > 0"))
    assert (found.table_before, found.table_after, found.condition) == ("people", "persons", "age > 0")
    assert [(column.name, column.before, column.expression) for column in found.columns] == [
        ("number", "id", ""),
        ("years", "", "age + 1"),
        ("first", "", "split_part(name, ' ', 1)"),
    ]
    assert found.key == ("number",)


@pytest.mark.parametrize("key", ["name", "full_name"])
def test_the_plans_key_by_either_name(key: str) -> None:
    """A key of the plan may name a renamed column as it was or as it is; no constraint vouches for it."""
    change = TableChange("people", columns=ColumnChanges(renamed={"full_name": "name"}))
    found = projected(change, TablePlan("people", key=(key,)))
    assert (found.key, found.unique) == (("full_name",), False)


def test_a_dropped_key_is_none() -> None:
    """A table whose key is dropped is compared as a multiset of its other columns."""
    assert projected(TableChange("people", columns=ColumnChanges(dropped=("id",)))).key == ()


@pytest.mark.parametrize(
    "other",
    [
        TableChange("people", rows="age > 0"),
        TableChange("people", columns=ColumnChanges(values={"name": "upper(name)"})),
        TableChange("people", columns=ColumnChanges(dropped=("fax",))),
        TableChange("people", columns=ColumnChanges(renamed={"fullname": "name"})),
    ],
)
def test_an_edited_plan_has_another_fingerprint(other: TableChange) -> None:
    """Whatever changes the digests changes the fingerprint."""
    assert projected(other).fingerprint != projected(TableChange("people")).fingerprint


def test_it_survives_json() -> None:
    """A projection is plain values."""
    found = projected(TableChange("people", rows="age > 0"))
    assert Projection.from_json(found.as_json()) == found


@pytest.mark.parametrize(
    ("before", "after", "family"),
    [
        (("sqlite", "INTEGER"), ("sqlite", "INTEGER"), "stored"),
        (("sqlite", "TEXT"), ("sqlite", "INTEGER"), "text"),
        (("sqlite", "NUMERIC(10,2)"), ("postgresql", "numeric(10,2)"), "number"),
        (("sqlite", "TEXT"), ("postgresql", "numeric(10,2)"), "number"),
        (("sqlite", "TEXT"), ("postgresql", "uuid"), "uuid"),
        (("sqlite", "TEXT"), ("postgresql", "jsonb"), "json"),
        (("sqlite", "BOOLEAN"), ("postgresql", "boolean"), "number"),
        (("postgresql", "numeric(12,4)"), ("postgresql", "double precision"), "number"),
        (("postgresql", "date"), ("postgresql", "timestamp with time zone"), "timestamp"),
        (("postgresql", "integer"), ("postgresql", "text"), "text"),
        (("postgresql", "jsonb"), ("postgresql", "jsonb"), "text"),
        (("postgresql", "json"), ("postgresql", "jsonb"), "json"),
        (("postgresql", "inet"), ("postgresql", "inet"), "other"),
        (("mysql", "tinyint(1)"), ("postgresql", "boolean"), "number"),
        (("mysql", "binary(16)"), ("postgresql", "uuid"), "uuid"),
        (("mysql", "enum('a','b')"), ("postgresql", "mood"), "text"),
        (("mysql", "bigint(20) unsigned"), ("postgresql", "numeric(20,0)"), "number"),
        (("mysql", "datetime(6)"), ("postgresql", "timestamp without time zone"), "timestamp"),
    ],
)
def test_the_form_is_chosen_for_the_pair(
    before: tuple[str, str], after: tuple[str, str], family: str
) -> None:
    """Both sides of a column are given one form, chosen by both types."""
    first, second = dialects.named(before[0]), dialects.named(after[0])
    assert form_of(first, before[1], second, after[1]).family == family


def test_less_than_exact_is_said() -> None:
    """Where a form is weaker than exact, the note says it."""
    sqlite, postgresql = dialects.named("sqlite"), dialects.named("postgresql")
    assert "15 significant" in form_of(sqlite, "NUMERIC", postgresql, "numeric").note
    assert "by its text" in form_of(postgresql, "inet", postgresql, "inet").note
    assert form_of(postgresql, "integer", postgresql, "bigint").note == ""


def test_an_expression_that_fails_names_its_table(migration: Migration) -> None:
    """SQL of the plan that the server refuses is one clear error, which names the table."""
    migration.both("CREATE TABLE t (id integer PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    change = TableChange("t", columns=ColumnChanges(values={"v": "no_such_column + 1"}))
    with pytest.raises(DatabaseError, match=r"^t: .*no_such_column"):
        migration.baseline(migration.plan(change))
