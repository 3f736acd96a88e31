"""Defects on MariaDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import make_url

from checks import queries
from tests.checks.defects.planting import WORDS, Defect, admin, held, patched, waiting
from tests.checks.field import Field


@contextmanager
def _prepared(field: Field) -> Iterator[None]:
    field.alone("XA START 'vf'", "INSERT INTO customers VALUES (9, 'z')", "XA END 'vf'", "XA PREPARE 'vf'")
    yield
    field.alone("XA ROLLBACK 'vf'")


@contextmanager
def _federated(field: Field) -> Iterator[None]:
    url = make_url(field.url)
    field.admin("INSTALL SONAME 'ha_federatedx'")
    where = f"mysql://{url.username}@{url.host}:{url.port}/{url.database}/customers"
    field.run(f"CREATE TABLE far (id integer NOT NULL PRIMARY KEY) ENGINE = FEDERATED CONNECTION = '{where}'")
    yield
    field.run("DROP TABLE far")
    field.admin("UNINSTALL SONAME 'ha_federatedx'")


MYSQL: Mapping[str, Defect] = {
    "readiness.target_writable": Defect(admin("SET GLOBAL read_only = ON", "SET GLOBAL read_only = OFF")),
    "readiness.encoding": Defect(
        "ALTER DATABASE CHARACTER SET latin1", "ALTER DATABASE CHARACTER SET utf8mb4"
    ),
    "readiness.strict_mode": Defect(
        admin("SET GLOBAL sql_mode = 'NO_ENGINE_SUBSTITUTION'", "SET GLOBAL sql_mode = DEFAULT")
    ),
    "readiness.name_case": Defect("CREATE TABLE Customers (id integer PRIMARY KEY)", "DROP TABLE Customers"),
    "readiness.connections": Defect(held("SELECT 1"), limits={"share": 0.0}),
    "readiness.long_transactions": Defect(held("SELECT * FROM customers FOR UPDATE"), limits={"seconds": -1}),
    "readiness.idle_transactions": Defect(held("SELECT * FROM customers FOR UPDATE"), limits={"seconds": -1}),
    "readiness.lock_waits": Defect(waiting("UPDATE customers SET email = 'b'")),
    "readiness.prepared_transactions": Defect(_prepared),
    "readiness.scheduled_jobs": Defect(
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
        "DROP EVENT e;; SET GLOBAL event_scheduler = OFF",
        "SET GLOBAL event_scheduler = ON",
    ),
    "readiness.durability": Defect(
        admin(
            "SET GLOBAL innodb_flush_log_at_trx_commit = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 1"
        )
    ),
    "readiness.definers": Defect(
        "CREATE DEFINER = 'nobody'@'nowhere' VIEW v AS SELECT 1",
        "DROP VIEW IF EXISTS v, w",
        "CREATE VIEW w AS SELECT 1",
    ),
    "readiness.encryption": Defect(patched(queries, "is_here", lambda _: False)),
    "readiness.replica": Defect(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'x'", "RESET SLAVE ALL"
    ),
    "integrity.enforced_keys": Defect(
        admin("SET GLOBAL foreign_key_checks = OFF", "SET GLOBAL foreign_key_checks = ON")
    ),
    "integrity.key_types": Defect(
        "CREATE TABLE child (id integer PRIMARY KEY,"
        " parent varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci,"
        " FOREIGN KEY (parent) REFERENCES named (name))",
        "DROP TABLE child; DROP TABLE named",
        "CREATE TABLE named (name varchar(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY)",
    ),
    "integrity.parent_keys": Defect(
        "CREATE TABLE child (id integer PRIMARY KEY, email varchar(60),"
        " FOREIGN KEY (email) REFERENCES customers (email))",
        "DROP TABLE child; DROP INDEX i ON customers",
        "CREATE INDEX i ON customers (email)",
    ),
    "integrity.sequence_headroom": Defect(
        "ALTER TABLE numbered AUTO_INCREMENT = 120",
        "DROP TABLE numbered",
        "CREATE TABLE numbered (id tinyint PRIMARY KEY AUTO_INCREMENT)",
    ),
    "integrity.storage_engine": Defect(
        "CREATE TABLE old (id integer PRIMARY KEY) ENGINE = MyISAM", "DROP TABLE old"
    ),
    "integrity.character_set": Defect(
        WORDS.format(type="varchar(9) CHARACTER SET latin1"), "DROP TABLE words"
    ),
    "integrity.collations": Defect(WORDS.format(type="varchar(9) COLLATE utf8mb4_bin"), "DROP TABLE words"),
    "integrity.duplicate_indexes": Defect(
        "CREATE INDEX j ON customers (email)",
        "DROP INDEX i ON customers; DROP INDEX j ON customers",
        "CREATE INDEX i ON customers (email)",
    ),
    "integrity.upgrade_types": Defect(
        "CREATE TABLE r (id double PRIMARY KEY AUTO_INCREMENT)", "DROP TABLE r"
    ),
    "integrity.generated_columns": Defect(
        "CREATE TABLE g (id integer PRIMARY KEY, b integer AS (id + 1) STORED)", "DROP TABLE g"
    ),
    "integrity.unlogged_tables": Defect(
        "CREATE TABLE m (id integer PRIMARY KEY) ENGINE = MEMORY", "DROP TABLE m"
    ),
    "integrity.foreign_tables": Defect(_federated),
    "integrity.name_length": Defect(
        f"CREATE TABLE {'n' * 64} (id integer PRIMARY KEY)", f"DROP TABLE {'n' * 64}", target="postgresql"
    ),
    "integrity.key_engines": Defect(
        "SET SESSION foreign_key_checks = 0;"
        "CREATE TABLE child (id integer PRIMARY KEY, FOREIGN KEY (id) REFERENCES parent (id));"
        "CREATE TABLE parent (id integer PRIMARY KEY) ENGINE = MyISAM",
        "SET SESSION foreign_key_checks = 0; DROP TABLE IF EXISTS child, parent",
    ),
    "integrity.stored_type": Defect(
        "SET SESSION sql_mode = ''; INSERT INTO kinds VALUES (2, '2024-02-00', 'nothing')",
        "DROP TABLE kinds",
        "CREATE TABLE kinds (id integer PRIMARY KEY, d date, e enum('a', 'b'));"
        "INSERT INTO kinds VALUES (1, '2024-02-29', 'a')",
    ),
    "integrity.truth_values": Defect(
        "INSERT INTO flags VALUES (2, 2)",
        "DROP TABLE flags",
        "CREATE TABLE flags (id integer PRIMARY KEY, f boolean); INSERT INTO flags VALUES (1, 1), (3, NULL)",
        target="postgresql",
    ),
    "integrity.nul": Defect(
        "INSERT INTO words VALUES (2, CONCAT('a', CHAR(0), 'b'))",
        "DROP TABLE words",
        f"{WORDS.format(type='text')}; INSERT INTO words VALUES (1, 'ab')",
        target="postgresql",
    ),
    "integrity.views": Defect(
        "DROP TABLE seen", "DROP VIEW v", "CREATE TABLE seen (a integer); CREATE VIEW v AS SELECT a FROM seen"
    ),
    "integrity.check_constraints": Defect(
        "SET SESSION check_constraint_checks = 0; INSERT INTO words VALUES (2, '')",
        "DROP TABLE words",
        f"{WORDS.format(type='varchar(9)')}; ALTER TABLE words ADD CONSTRAINT filled CHECK (word <> '');"
        "INSERT INTO words VALUES (1, 'a')",
    ),
    "consistency.zones": Defect("CREATE TABLE z (id integer PRIMARY KEY, at datetime)", "DROP TABLE z"),
}
