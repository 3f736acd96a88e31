"""Which tables and columns belong together, where no plan says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_visionforge.compare.matching import Wishes, match
from pytest_visionforge.database import Database
from pytest_visionforge.errors import PlanError
from tests.compare.conftest import run

BEFORE = (
    "CREATE TABLE Invoice (Id INTEGER PRIMARY KEY, Total INTEGER, Fax TEXT)",
    "CREATE TABLE note (id INTEGER PRIMARY KEY, said TEXT)",
    "CREATE TABLE old (id INTEGER)",
)
AFTER = (
    "CREATE TABLE invoice (id INTEGER PRIMARY KEY, total INTEGER, fax TEXT, extra TEXT)",
    "CREATE TABLE note (id INTEGER PRIMARY KEY, said TEXT)",
    "CREATE TABLE new (id INTEGER)",
)


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two databases whose names differ in case."""
    found = []
    for name, statements in (("before", BEFORE), ("after", AFTER)):
        run(f"sqlite:///{tmp_path / name}.db", *statements)
        found.append(Database(name, f"sqlite:///{tmp_path / name}.db"))
    yield found[0], found[1]
    for database in found:
        database.close()


def test_names_that_differ_in_case_alone_belong_together(sides: tuple[Database, Database]) -> None:
    """Tables and columns are paired by name, else by the only name that differs in case."""
    matched = match(*sides, Wishes())
    change = matched.plan.changes.of("invoice")
    assert matched.tables == ("invoice", "note")
    assert change.renamed_from == "Invoice"
    assert change.columns.renamed == {"id": "Id", "total": "Total", "fax": "Fax"}


def test_what_one_side_alone_has_is_told(sides: tuple[Database, Database]) -> None:
    """Tables of one side and columns of the target alone are no silent loss."""
    matched = match(*sides, Wishes())
    assert (matched.only_before, matched.only_after) == (("old",), ("new",))
    assert matched.added == ("invoice.extra",)


def test_named_tables_are_compared_alone(sides: tuple[Database, Database]) -> None:
    """`NEW=OLD` pairs what no name would pair, and nothing else is looked at."""
    matched = match(*sides, Wishes(tables={"new": "old"}))
    assert matched.tables == ("new",)
    assert matched.plan.changes.of("new").renamed_from == "old"
    assert (matched.only_before, matched.only_after) == ((), ())


def test_skipped_columns_and_tables_are_left_out(sides: tuple[Database, Database]) -> None:
    """A skipped column counts neither as lost nor as new, and so does a table."""
    matched = match(*sides, Wishes(without=("note", "old", "new"), excluded={"invoice": ("extra", "fax")}))
    columns = matched.plan.changes.of("invoice").columns
    assert matched.tables == ("invoice",)
    assert (columns.added, columns.dropped) == (("fax", "extra"), ("Fax",))
    assert (matched.only_before, matched.only_after, matched.added) == ((), (), ())


def test_two_names_of_one_spelling_are_not_guessed(tmp_path: Path) -> None:
    """Where several names differ in case alone, none is taken."""
    for name, tables in (("a", ("t",)), ("b", ("T",))):
        run(f"sqlite:///{tmp_path / name}.db", *(f'CREATE TABLE "{table}" (x, "X ")' for table in tables))
    run(f"sqlite:///{tmp_path / 'c'}.db", "CREATE TABLE t (Ab INTEGER)")
    with (
        Database("a", f"sqlite:///{tmp_path / 'a'}.db") as a,
        Database("b", f"sqlite:///{tmp_path / 'b'}.db") as b,
    ):
        assert match(a, b, Wishes()).tables == ("T",)


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        (Wishes(tables={"notes": "note"}), 'did you mean "note"?'),
        (Wishes(tables={"note": "zzz"}), "the source has no table zzz; it has Invoice, note, old"),
        (Wishes(excluded={"note": ("nope",)}), "note has no column nope; it has id, said"),
        (Wishes(keys={"nope": ("id",)}), "nope is no table that is compared"),
    ],
)
def test_a_name_that_is_not_there_is_told(
    sides: tuple[Database, Database], wishes: Wishes, says: str
) -> None:
    """A name that nobody has is an error that names what there is."""
    with pytest.raises(PlanError, match=says.replace("?", r"\?")):
        match(*sides, wishes)
