"""Defects on SQLite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from checks import readiness
from checks.machine import Denied
from tests.checks.defects.planting import CHILD, WORDS, Defect
from tests.checks.field import BASE, Field


@contextmanager
def _locked_folder(field: Field) -> Iterator[None]:
    """Root may write everywhere, so the folder is taken away from the check's hands."""

    def prove(path: Path, rights: str) -> None:
        if path.is_dir():
            raise Denied(f"{path} is not writable", "")

    with field.patch.context() as patch:
        patch.setattr(readiness, "prove", prove)
        yield


SQLITE: Mapping[str, Defect] = {
    "readiness.extensions": Defect(
        "INSERT INTO sqlite_schema VALUES ('table', 'vf_v', 'vf_v', 0, 'CREATE VIRTUAL TABLE vf_v USING nosuch(a)')",
        "DELETE FROM sqlite_schema WHERE name = 'vf_v'",
    ),
    "readiness.file_writable": Defect(_locked_folder),
    "integrity.keys_without_index": Defect(
        "DROP INDEX on_parent",
        "DROP TABLE child",
        f"{CHILD.format(type='integer')}; CREATE INDEX on_parent ON child (parent)",
    ),
    "integrity.key_types": Defect(CHILD.format(type="text"), "DROP TABLE child"),
    "integrity.parent_keys": Defect(
        "CREATE TABLE child (id integer PRIMARY KEY, email text REFERENCES customers (email))",
        "DROP TABLE child",
    ),
    "integrity.sequence_headroom": Defect(
        "INSERT INTO numbered VALUES (9000000000000000000)",
        "DROP TABLE numbered",
        "CREATE TABLE numbered (id integer PRIMARY KEY AUTOINCREMENT); INSERT INTO numbered VALUES (7)",
    ),
    "integrity.collations": Defect("CREATE INDEX i ON customers (email COLLATE NOCASE)", "DROP INDEX i"),
    "integrity.duplicate_indexes": Defect(
        "CREATE INDEX j ON customers (email)",
        "DROP INDEX i; DROP INDEX j",
        "CREATE INDEX i ON customers (email)",
    ),
    "integrity.untyped_columns": Defect(
        "CREATE TABLE any_ (id integer PRIMARY KEY, x)", "DROP TABLE any_", target="mysql"
    ),
    "integrity.generated_columns": Defect(
        "CREATE TABLE g (id integer PRIMARY KEY, b integer AS (id + 1) STORED)", "DROP TABLE g"
    ),
    "integrity.strict_tables": Defect(
        "CREATE TABLE lax (id integer PRIMARY KEY)",
        "DROP TABLE lax; DROP TABLE customers; " + BASE,
        "DROP TABLE customers; CREATE TABLE customers (id integer PRIMARY KEY, email text) STRICT",
    ),
    "integrity.name_length": Defect(
        f"CREATE TABLE {'n' * 64} (id integer PRIMARY KEY)", f"DROP TABLE {'n' * 64}", target="postgresql"
    ),
    "integrity.stored_type": Defect(
        "INSERT INTO kinds VALUES (2, 'x', 'y', x'00', 2, '2024-02-30', '{', 'no')",
        "DROP TABLE kinds",
        "CREATE TABLE kinds (id integer PRIMARY KEY, i integer, n numeric(8, 2), t varchar(9), b boolean, d date,"
        " j json, u uuid); INSERT INTO kinds VALUES (1, 1, 1.5, 'a', 1, '2024-02-29', '{}',"
        " '5f0c1c8e-1111-4222-8333-444455556666'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ),
    "integrity.special_numbers": Defect(
        "INSERT INTO numbers VALUES (2, 9e999)",
        "DROP TABLE numbers",
        "CREATE TABLE numbers (id integer PRIMARY KEY, n real); INSERT INTO numbers VALUES (1, 1e300), (3, NULL)",
        target="mysql",
    ),
    "integrity.fits": Defect(
        "INSERT INTO words VALUES (2, 'four')",
        "DROP TABLE words",
        f"{WORDS.format(type='varchar(3)')}; INSERT INTO words VALUES (1, 'äöü'), (3, NULL)",
        target="postgresql",
    ),
    "integrity.decimals": Defect(
        "INSERT INTO numbers VALUES (2, 0.125)",
        "DROP TABLE numbers",
        "CREATE TABLE numbers (id integer PRIMARY KEY, n numeric(8, 2));"
        "INSERT INTO numbers VALUES (1, 0.1), (3, 1234567.89)",
        target="postgresql",
    ),
    "integrity.nul": Defect(
        "INSERT INTO words VALUES (2, 'a' || char(0) || 'b')",
        "DROP TABLE words",
        f"{WORDS.format(type='text')}; INSERT INTO words VALUES (1, 'ab')",
        target="postgresql",
    ),
    "integrity.value_size": Defect(
        "INSERT INTO words VALUES (2, '123456')",
        "DROP TABLE words",
        f"{WORDS.format(type='text')}; INSERT INTO words VALUES (1, '12345')",
        limits={"bytes": 5},
        target="mysql",
    ),
    "integrity.unique_on_target": Defect(
        "INSERT INTO words VALUES (2, 'Anna ')",
        "DROP TABLE words",
        f"{WORDS.format(type='text UNIQUE')}; INSERT INTO words VALUES (1, 'anna')",
        target="mysql",
    ),
    "integrity.views": Defect(
        "CREATE VIEW broken AS SELECT gone FROM customers",
        "DROP VIEW broken; DROP VIEW whole",
        "CREATE VIEW whole AS SELECT email FROM customers",
    ),
    "consistency.generated": Defect(
        "UPDATE sqlite_schema SET sql = replace(sql, 'id + 1', 'id + 2') WHERE name = 'g'",
        "DROP TABLE g",
        "CREATE TABLE g (id integer PRIMARY KEY, b integer AS (id + 1) STORED); INSERT INTO g VALUES (1)",
    ),
}
