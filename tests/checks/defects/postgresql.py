"""Defects on PostgreSQL."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import make_url

from checks import queries
from pytest_visionforge.database import Database
from tests.checks.defects.planting import CHILD, WORDS, Defect, admin, held, patched, waiting
from tests.checks.field import Field
from tests.servers import _newest


@contextmanager
def _unread_log(field: Field) -> Iterator[None]:
    """A client that receives the log and never says that it replayed it."""
    url = make_url(field.url)
    program = _newest("pg_receivewal", "/usr/lib/postgresql/*/bin/pg_receivewal")
    place = field.folder / "log"
    place.mkdir()
    command = [
        str(program),
        "-D",
        str(place),
        "-h",
        str(url.host),
        "-p",
        str(url.port),
        "-U",
        str(url.username),
    ]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _until(field, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'", 1)
        yield
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(place)


def _until(field: Field, query: str, value: object) -> None:
    """Waits until a query gives a value; a server does some things in its own time."""
    with Database("source", field.url) as database:
        for _ in range(100):
            if database.value(query) == value:
                return
            time.sleep(0.1)
    raise AssertionError(f"{query} does not give {value}")


@contextmanager
def _unsafe(field: Field) -> Iterator[None]:
    setting = "SELECT current_setting('full_page_writes')"
    field.admin("ALTER SYSTEM SET full_page_writes = off")
    field.admin("SELECT pg_reload_conf()")
    _until(field, setting, "off")
    yield
    field.admin("ALTER SYSTEM RESET full_page_writes")
    field.admin("SELECT pg_reload_conf()")
    _until(field, setting, "on")


_FUNCTION = "CREATE OR REPLACE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS '{}'"

POSTGRESQL: Mapping[str, Defect] = {
    "readiness.target_writable": Defect(
        admin(
            "ALTER DATABASE {db} SET default_transaction_read_only = on",
            "ALTER DATABASE {db} RESET default_transaction_read_only",
        )
    ),
    "readiness.encoding": Defect(
        admin(
            "UPDATE pg_database SET encoding = 8 WHERE datname = '{db}'",
            "UPDATE pg_database SET encoding = 6 WHERE datname = '{db}'",
        )
    ),
    "readiness.collation_version": Defect(
        "UPDATE pg_collation SET collversion = '1' WHERE collname = 'vf'",
        "DROP TABLE german; DROP COLLATION vf",
        "CREATE COLLATION vf (provider = icu, locale = 'de');"
        "CREATE TABLE german (id integer PRIMARY KEY, t text COLLATE vf)",
    ),
    "readiness.database_collation": Defect(
        admin(
            "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = '{db}'",
            "UPDATE pg_database SET datcollversion = NULL WHERE datname = '{db}'",
        )
    ),
    "readiness.extensions": Defect(
        "INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)"
        " VALUES (99999, 'vf_gone', 10, 2200, false, '1')",
        "DELETE FROM pg_extension WHERE extname = 'vf_gone'",
    ),
    "readiness.extension_updates": Defect(
        "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'",
        "UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'plpgsql'",
    ),
    "readiness.name_case": Defect(
        'CREATE TABLE "Customers" (id integer PRIMARY KEY)', 'DROP TABLE "Customers"'
    ),
    "readiness.connections": Defect(held("SELECT 1"), limits={"share": 0.0}),
    "readiness.long_transactions": Defect(held("SELECT 1"), limits={"seconds": 0}),
    "readiness.idle_transactions": Defect(held("SELECT 1"), limits={"seconds": 0}),
    "readiness.lock_waits": Defect(waiting("UPDATE customers SET email = 'b'")),
    "readiness.prepared_transactions": Defect(
        "INSERT INTO customers VALUES (9, 'z'); PREPARE TRANSACTION 'vf'", "!ROLLBACK PREPARED 'vf'"
    ),
    "readiness.replication_lag": Defect(_unread_log, limits={"bytes": -1}),
    "readiness.replication_slots": Defect(
        "SELECT pg_create_physical_replication_slot('vf')", "SELECT pg_drop_replication_slot('vf')"
    ),
    "readiness.subscriptions": Defect(
        "CREATE SUBSCRIPTION vf CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false)",
        "ALTER SUBSCRIPTION vf SET (slot_name = NONE); DROP SUBSCRIPTION vf",
    ),
    "readiness.wraparound": Defect("SELECT 1", limits={"age": -1}),
    "readiness.scheduled_jobs": Defect(
        "INSERT INTO cron.job VALUES (1, '* * * * *', true)",
        "DROP SCHEMA cron CASCADE",
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid integer PRIMARY KEY, schedule text, active boolean)",
    ),
    "readiness.durability": Defect(_unsafe),
    "readiness.passwords": Defect(f"CREATE ROLE vf_old LOGIN PASSWORD 'md5{'0' * 32}'", "DROP ROLE vf_old"),
    "readiness.broken_databases": Defect(
        admin(
            "CREATE DATABASE vf_broken;;UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'vf_broken'",
            "DROP DATABASE vf_broken",
        )
    ),
    "readiness.encryption": Defect(patched(queries, "is_here", lambda _: False)),
    "integrity.enforced_keys": Defect(
        "ALTER TABLE child DISABLE TRIGGER ALL", "DROP TABLE child", CHILD.format(type="integer")
    ),
    "integrity.disabled_triggers": Defect(
        "ALTER TABLE customers DISABLE TRIGGER t",
        "DROP TRIGGER t ON customers;; DROP FUNCTION g",
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';;"
        "CREATE TRIGGER t BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION g()",
    ),
    "integrity.keys_without_index": Defect(
        "DROP INDEX on_parent",
        "DROP TABLE child",
        f"{CHILD.format(type='integer')}; CREATE INDEX on_parent ON child (parent)",
    ),
    "integrity.key_types": Defect(CHILD.format(type="bigint"), "DROP TABLE child"),
    "integrity.sequence_headroom": Defect(
        "SELECT setval('numbered_id_seq', 30000)",
        "DROP TABLE numbered",
        "CREATE TABLE numbered (id smallserial PRIMARY KEY); SELECT setval('numbered_id_seq', 7)",
    ),
    "integrity.collations": Defect(WORDS.format(type='text COLLATE "C"'), "DROP TABLE words"),
    "integrity.duplicate_indexes": Defect(
        "CREATE INDEX j ON customers (email)",
        "DROP INDEX i; DROP INDEX j",
        "CREATE INDEX i ON customers (email)",
    ),
    "integrity.reserved_words": Defect('CREATE TABLE "order" (id integer PRIMARY KEY)', 'DROP TABLE "order"'),
    "integrity.upgrade_types": Defect("CREATE TABLE r (id integer PRIMARY KEY, f regproc)", "DROP TABLE r"),
    "integrity.generated_columns": Defect(
        "CREATE TABLE g (id integer PRIMARY KEY, b integer GENERATED ALWAYS AS (id + 1) STORED)",
        "DROP TABLE g",
    ),
    "integrity.default_partition": Defect(
        "INSERT INTO parts VALUES (2)",
        "DROP TABLE parts",
        "CREATE TABLE parts (a integer PRIMARY KEY) PARTITION BY LIST (a);"
        "CREATE TABLE one PARTITION OF parts FOR VALUES IN (1);"
        "CREATE TABLE rest PARTITION OF parts DEFAULT; INSERT INTO parts VALUES (1)",
    ),
    "integrity.inherited_not_null": Defect(
        "ALTER TABLE heir ALTER a DROP NOT NULL",
        "DROP TABLE heir; DROP TABLE elder",
        "CREATE TABLE elder (a integer NOT NULL); CREATE TABLE heir () INHERITS (elder)",
    ),
    "integrity.unlogged_tables": Defect("CREATE UNLOGGED TABLE u (id integer PRIMARY KEY)", "DROP TABLE u"),
    "integrity.replica_identity": Defect("CREATE TABLE k (a integer)", "DROP TABLE k"),
    "integrity.large_objects": Defect("SELECT lo_create(4711)", "SELECT lo_unlink(4711)"),
    "integrity.foreign_tables": Defect(
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
        "CREATE FOREIGN TABLE ft (a text) SERVER files OPTIONS (filename '/dev/null')",
        "DROP EXTENSION file_fdw CASCADE",
    ),
    "integrity.special_numbers": Defect(
        "INSERT INTO numbers VALUES (2, 'NaN')",
        "DROP TABLE numbers",
        "CREATE TABLE numbers (id integer PRIMARY KEY, n double precision);"
        "INSERT INTO numbers VALUES (1, 1e300), (3, NULL)",
        target="mysql",
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
        "SET check_function_bodies = off;;" + _FUNCTION.format("SELECT gone FROM nowhere"),
        "DROP VIEW whole;; DROP FUNCTION f",
        _FUNCTION.format("SELECT $1") + ";; CREATE VIEW whole AS SELECT f(id) FROM customers",
    ),
    "integrity.sequences": Defect(
        "INSERT INTO numbered VALUES (99)",
        "DROP TABLE numbered",
        "CREATE TABLE numbered (id serial PRIMARY KEY); SELECT setval('numbered_id_seq', 7)",
    ),
    "integrity.check_constraints": Defect(
        "INSERT INTO words VALUES (2, ''); ALTER TABLE words ADD CONSTRAINT filled CHECK (word <> '') NOT VALID",
        "DROP TABLE words",
        f"{WORDS.format(type='text CHECK (length(word) < 9)')}; INSERT INTO words VALUES (1, 'a')",
    ),
    "consistency.zones": Defect("CREATE TABLE z (id integer PRIMARY KEY, at timestamp)", "DROP TABLE z"),
    "consistency.populated": Defect(
        "CREATE MATERIALIZED VIEW mv AS SELECT 1 WITH NO DATA", "DROP MATERIALIZED VIEW mv"
    ),
    "consistency.generated": Defect(
        _FUNCTION.format("SELECT $1 + 2"),
        "DROP TABLE g;; DROP FUNCTION f",
        _FUNCTION.format("SELECT $1 + 1")
        + ";; CREATE TABLE g (id integer PRIMARY KEY, b integer GENERATED ALWAYS AS (f(id)) STORED);;"
        "INSERT INTO g VALUES (1)",
    ),
}
