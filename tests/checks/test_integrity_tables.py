"""integrity: tables, their rows, and their relatives."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from checks import integrity
from checks.queries import checks_of
from pytest_visionforge import Evidence, dialects
from pytest_visionforge.objects import ForeignKeyOf
from pytest_visionforge.plan.values import rules
from pytest_visionforge.plan.values.changes import Changes, ColumnChanges, TableChange
from tests import samples
from tests.checks.conftest import Bench, Make

check_stored_type = checks_of("integrity")["check_stored_type"]

UNENFORCED = {
    "sqlite": "INSERT INTO {t} VALUES {v}",
    "mysql": "SET foreign_key_checks = 0; INSERT INTO {t} VALUES {v}",
    "postgresql": "SET session_replication_role = replica; INSERT INTO {t} VALUES {v}",
}
FAMILY = """
CREATE TABLE places (country varchar(2) NOT NULL, city integer NOT NULL, PRIMARY KEY (country, city));
CREATE TABLE people (
    id integer NOT NULL PRIMARY KEY, mother integer, country varchar(2), city integer,
    FOREIGN KEY (mother) REFERENCES people (id),
    FOREIGN KEY (country, city) REFERENCES places (country, city)
);
INSERT INTO places VALUES ('NO', 1), ('NO', 2);
INSERT INTO people VALUES (1, NULL, 'NO', 1), (2, 1, 'NO', NULL), (3, 2, NULL, 7);
"""


def _keys(bench: Bench, table: str) -> dict[str, ForeignKeyOf]:
    facts = bench.table(table)
    return {"+".join(key.columns): ForeignKeyOf(facts, key) for key in facts.foreign_keys}


@pytest.mark.parametrize(
    ("low", "high", "count"), [(1, None, 0), (3, 3, 0), (4, None, 1), (None, 1, 2), (0, 0, 3)]
)
def test_rows(shop: Make, low: int | None, high: int | None, count: int) -> None:
    """The exact number of rows lies within the bounds, or the finding says by how many it does not."""
    said = shop().run(integrity.check_rows, rows=rules.Rows(table="customers", low=low, high=high))
    assert getattr(said, "count", 0) == count
    assert "3 rows" in said.says if count else said.rows == 3


def test_an_empty_table_is_found(bench: Make) -> None:
    """An empty table does not pass where rows are expected."""
    made = bench("CREATE TABLE t (id integer PRIMARY KEY)")
    finding = made.found(integrity.check_rows, rows=rules.Rows(table="t", low=1))
    assert finding.says == "t has 0 rows, 1.. were expected"


def test_foreign_keys(bench: Make) -> None:
    """Orphans of a composite and of a self-referencing key are found; a key that is partly NULL passes."""
    made = bench(FAMILY)
    clean = _keys(made, "people")
    assert set(clean) == {"mother", "country+city"}
    for key in clean.values():
        assert made.passes(integrity.check_foreign_keys, foreign_key=key).rows == 3
    script = UNENFORCED[made.dbms].format(t="people", v="(4, 99, 'NO', 3), (5, 5, 'SE', 1)")
    samples.run(made.plan.source.url, script)
    place = made.found(integrity.check_foreign_keys, foreign_key=clean["country+city"])
    assert place.says.startswith("2 of 5 rows: country, city is not in places.country, city")
    assert "2 with NULL passed over" in place.says
    mother = made.found(integrity.check_foreign_keys, foreign_key=clean["mother"])
    assert [row.key for row in mother.sample] == [{"id": "4"}]


def test_a_foreign_key_to_nowhere(sqlite_bench: Make) -> None:
    """SQLite lets a key refer to a table that is not there: that is a finding."""
    made = sqlite_bench("CREATE TABLE t (id integer PRIMARY KEY, x integer REFERENCES gone (id))")
    finding = made.found(integrity.check_foreign_keys, foreign_key=_keys(made, "t")["x"])
    assert "gone, which is not there" in finding.says


def test_references(shop: Make) -> None:
    """Orphans of a relation that only the plan declares are found; NULL names no parent."""
    made = shop()
    rule = rules.Reference(table="orders", column="customer_id", parent="customers", parent_column="id")
    assert made.passes(integrity.check_references, reference=rule).says == "1 with NULL passed over"
    samples.run(made.plan.source.url, "INSERT INTO orders (id, customer_id) VALUES (5, 9), (6, 3)")
    finding = made.found(integrity.check_references, reference=rule)
    assert (finding.count, finding.of, finding.sample[0].key) == (1, 6, {"id": "5"})
    assert made.passes(integrity.check_references, reference=replace(rule, where="id < 5"))


def test_has(shop: Make) -> None:
    """A row without a child is found, by the relation that the plan names."""
    made = shop()
    rule = rules.Has(table="orders", child="order_lines", child_column="order_id")
    finding = made.found(integrity.check_has, has=rule)
    assert (finding.count, finding.of) == (2, 4)
    assert [row.key["id"] for row in finding.sample] == ["3", "4"]
    assert made.passes(integrity.check_has, has=replace(rule, where="line_count > 0")).rows == 2


def test_has_by_a_declared_composite_key(bench: Make) -> None:
    """Where the schema declares the relation, all its columns count."""
    made = bench(FAMILY)
    finding = made.found(
        integrity.check_has, has=rules.Has(table="places", child="people", child_column="city")
    )
    assert [row.key for row in finding.sample] == [{"country": "NO", "city": "2"}]


def test_has_without_a_relation(bench: Make) -> None:
    """Where nobody says how two tables belong together, the check cannot tell and says what to declare."""
    made = bench("CREATE TABLE a (x integer, y integer, PRIMARY KEY (x, y)); CREATE TABLE b (z integer)")
    said = made.cannot_tell(integrity.check_has, has=rules.Has(table="a", child="b", child_column="z"))
    assert "references" in said.remedy


def test_primary_key(bench: Make) -> None:
    """A primary key or a unique one without NULL, as constraint or index, tells the rows apart."""
    made = bench(
        """
        CREATE TABLE a (x integer NOT NULL PRIMARY KEY);
        CREATE TABLE b (x integer NOT NULL, y integer NOT NULL, UNIQUE (x, y));
        CREATE TABLE c (x integer NOT NULL); CREATE UNIQUE INDEX c_x ON c (x);
        CREATE TABLE d (x integer UNIQUE);
        CREATE TABLE e (x integer NOT NULL)
        """
    )
    said = {name: made.run(integrity.check_primary_key, table=made.table(name)) for name in "abcde"}
    assert {name: isinstance(each, Evidence) for name, each in said.items()} == {
        "a": True, "b": True, "c": True, "d": False, "e": False,
    }  # fmt: skip


def test_a_key_of_the_plan_is_tried(bench: Make) -> None:
    """A key that the plan names must tell the rows apart: neither twice the same nor NULL."""
    made = bench("CREATE TABLE t (x integer, y integer); INSERT INTO t VALUES (1, 1), (1, 2)")
    made.plan = replace(made.plan, tables={"t": rules.TablePlan("t", key=("x", "y"))})
    assert made.passes(integrity.check_primary_key, table=made.table("t")).rows == 2
    samples.run(made.plan.source.url, "INSERT INTO t VALUES (1, 2), (1, NULL)")
    finding = made.run(integrity.check_primary_key, table=made.table("t"))
    assert (finding.count, finding.of) == (3, 4)
    assert finding.says == "3 of 4 rows: the same x, y as another one (in 1 group); NULL in x, y (1)"


def test_null_in_a_primary_key_of_sqlite(sqlite_bench: Make) -> None:
    """SQLite keeps NULL in a primary key that is not an integer, which then tells no rows apart."""
    made = sqlite_bench("CREATE TABLE t (x text PRIMARY KEY); INSERT INTO t VALUES ('a'), (NULL)")
    finding = made.run(integrity.check_primary_key, table=made.table("t"))
    assert "NULL in x (1)" in finding.says


def test_validated(shop: Make) -> None:
    """Constraints and indexes that are valid pass."""
    made = shop("CREATE UNIQUE INDEX customers_email ON customers (email)")
    assert made.passes(integrity.check_validated, table=made.table("customers"))


def test_what_was_never_validated(postgresql_bench: Make) -> None:
    """A constraint that old rows were not tested against, and an index that is not finished, are found."""
    made = postgresql_bench(
        """
        CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id integer PRIMARY KEY, a_id integer);
        ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a_id) REFERENCES a (id) NOT VALID;
        CREATE INDEX b_x ON b (a_id);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'b_x'::regclass
        """
    )
    finding = made.found(integrity.check_validated, table=made.table("b"))
    assert [dict(row.key) for row in finding.sample] == [{"index": "b_x"}, {"constraint": "b_a"}]


def test_physical_passes_what_is_whole(shop: Make) -> None:
    """A table that is whole passes, by the DBMS's own check or by being read."""
    made = shop()
    for table in made.database.schema.tables.values():
        assert made.passes(integrity.check_physical, table=table).says


def _without_the_index(path: str, change: str) -> None:
    """Changes a SQLite database while it does not know of its index `t_x`."""
    update = (
        "UPDATE sqlite_schema SET type = '{}', name = '{}', tbl_name = '{}', sql = '{}' WHERE name = '{}'"
    )
    hide = update.format("table", "hidden", "hidden", "CREATE TABLE hidden (y)", "t_x")
    show = update.format("index", "t_x", "t", "CREATE INDEX t_x ON t (x)", "hidden")
    steps = (hide, change, show)
    for step in steps:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA writable_schema = 1")
        connection.execute(step)
        connection.close()


def test_physical_finds_a_damaged_index(sqlite_bench: Make) -> None:
    """An index that lacks a row of its table is found."""
    made = sqlite_bench("CREATE TABLE t (id integer PRIMARY KEY, x text); CREATE INDEX t_x ON t (x)")
    assert made.database.url.database
    _without_the_index(made.database.url.database, "INSERT INTO t VALUES (1, 'a')")
    finding = made.found(integrity.check_physical, table=made.table("t"))
    assert "row 1 missing from index t_x" in finding.says


def test_physical_finds_a_damaged_page(sqlite_bench: Make) -> None:
    """A page that was written over is found."""
    made = sqlite_bench("CREATE TABLE t (id integer PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'a')")
    assert made.database.url.database
    made.table("t")
    with Path(made.database.url.database).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 64)
    made.database.close()
    assert made.found(integrity.check_physical, table=made.table("t")).count >= 1


def test_physical_reads_where_it_cannot_check(bench: Make) -> None:
    """Where the DBMS's own check cannot be run every value is read, and one rule warns that it was not."""
    made = bench("CREATE TABLE t (id integer PRIMARY KEY, x text); INSERT INTO t VALUES (1, 'a')")
    said = made.passes(integrity.check_physical, table=made.table("t"))
    if said.rows is None:
        assert made.passes(integrity.check_physical_check)
    else:
        assert said.rows == 1
        assert "indexes were not checked" in said.says
        assert made.cannot_tell(integrity.check_physical_check).remedy


def test_physical_check_of_postgresql(postgresql_bench: Make) -> None:
    """PostgreSQL's own check is run where its extension is there."""
    made = postgresql_bench("CREATE EXTENSION amcheck; CREATE TABLE t (id integer PRIMARY KEY, x text)")
    assert made.passes(integrity.check_physical, table=made.table("t")).rows is None
    assert made.passes(integrity.check_physical_check).says == "it was run"


HOSTILE = ['ta"b; DROP TABLE x --', "so:me %s %(x)s :y", "sélect`ion's", "{q} \\ back"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(url: str, bench: Make, name: str) -> None:
    """A table and columns of any name are looked at like all others."""
    quote = dialects.of(dialects.parse_url(url)).language.quote
    table, column = (quote(each).replace(r"\:", ":") for each in (name, f"c {name}"))
    made = bench()
    statements = [
        f"CREATE TABLE {table} (id integer PRIMARY KEY, {column} varchar(20))",
        f"INSERT INTO {table} VALUES (1, 'a'), (2, NULL), (3, 'a'), (4, 'é')",
    ]
    _execute(made, statements)
    rule = rules.NotNull(table=name, column=f"c {name}")
    rule = replace(rule, table=next(iter(made.database.schema.tables)))
    assert made.found(integrity.check_not_null, not_null=rule).sample[0].key == {"id": "2"}
    unique = rules.Unique(table=rule.table, columns=(f"c {name}",))
    assert made.found(integrity.check_unique, unique=unique).count == 2
    pattern = rules.Pattern(table=rule.table, column=f"c {name}", regex="[a-z]")
    assert made.found(integrity.check_pattern, pattern=pattern).sample[0].key == {"id": "4"}
    accepted = rules.Accepted(table=rule.table, column=f"c {name}", values=("é", "x:y"))
    assert made.found(integrity.check_accepted, accepted=accepted).count == 2
    parent = rules.Reference(table=rule.table, column="id", parent=rule.table, parent_column="id")
    assert made.passes(integrity.check_references, reference=parent).rows == 4
    assert made.passes(integrity.check_physical, table=made.table(rule.table))
    assert made.passes(check_stored_type, table=made.table(rule.table))


def _execute(bench: Bench, statements: list[str]) -> None:
    engine = create_engine(bench.database.url)
    with engine.begin() as connection:
        for statement in statements:
            cursor = connection.connection.cursor()
            cursor.execute(statement)
    engine.dispose()


def test_names_lead_through_the_migration(bench: Make) -> None:
    """Before the migration a rule looks at the old table and the old column, and shows the old key."""
    made = bench(
        "CREATE TABLE customer (nr integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, NULL)"
    )
    columns = ColumnChanges(renamed={"full_name": "name", "id": "nr"})
    change = TableChange("customers", renamed_from="customer", columns=columns)
    made.plan = replace(made.plan, changes=Changes({"customers": change}))
    rule = rules.NotNull(table="customers", column="full_name", sample=("id", "full_name"))
    finding = made.found(integrity.check_not_null, not_null=rule)
    assert str(finding.sample[0]) == "nr=1   name=NULL"


def test_a_table_without_a_key(bench: Make) -> None:
    """Rows that nothing names are counted and reproduced; the columns that the plan names are shown."""
    made = bench(
        "CREATE TABLE t (x integer, y varchar(9)); INSERT INTO t VALUES (NULL, 'a'), (NULL, 'a'), (1, 'b')"
    )
    rule = rules.NotNull(table="t", column="x")
    finding = made.found(integrity.check_not_null, not_null=rule)
    assert (finding.count, finding.sample) == (2, ())
    shown = made.found(integrity.check_not_null, not_null=replace(rule, sample=("y",)))
    assert [str(row) for row in shown.sample] == ["y=a", "y=a"]


def test_tables_of_several_schemas(postgresql_bench: Make) -> None:
    """A table outside the default schema is looked at, and so is its parent in another one."""
    made = postgresql_bench(
        """
        CREATE SCHEMA sales; CREATE TABLE places (id integer PRIMARY KEY);
        CREATE TABLE sales.orders (id integer PRIMARY KEY, place integer);
        INSERT INTO sales.orders VALUES (1, 2)
        """
    )
    rule = rules.Reference(table="sales.orders", column="place", parent="places", parent_column="id")
    assert made.found(integrity.check_references, reference=rule).count == 1


def test_references_to_a_column_without_an_index(bench: Make) -> None:
    """Where no index leads to the parent, its values are gathered; doubles and NULL do no harm."""
    made = bench(
        """
        CREATE TABLE codes (code varchar(9)); INSERT INTO codes VALUES ('a'), ('a'), (NULL);
        CREATE TABLE t (id integer PRIMARY KEY, code varchar(9));
        INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)
        """
    )
    rule = rules.Reference(table="t", column="code", parent="codes", parent_column="code")
    finding = made.found(integrity.check_references, reference=rule)
    assert finding.says == "1 of 3 rows: code is not in codes.code (1 with NULL passed over)"
    assert finding.sample[0].key == {"id": "2"}
