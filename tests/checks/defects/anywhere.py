"""Defects of the machine, and those that are the same SQL on every DBMS."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import psutil

from checks import readiness_machine
from pytest_visionforge.database import Database
from tests.checks.defects.planting import Defect, patched
from tests.checks.field import Field


class _Mount:
    """What statvfs says of a volume in a bad state."""

    f_flag, f_files, f_favail = os.ST_RDONLY, 1000, 10
    f_blocks = f_bfree = f_bavail = f_frsize = 1024


@contextmanager
def _exported(field: Field) -> Iterator[None]:
    with field.patch.context() as patch:
        patch.setenv("PGPASSWORD", "hunter2")
        yield


@contextmanager
def _open_backups(field: Field) -> Iterator[None]:
    backups = field.folder / "backups"
    backups.mkdir(mode=0o755, exist_ok=True)
    (backups / "full.dump").write_text("rows")
    (backups / "full.dump").chmod(0o644)
    yield
    shutil.rmtree(backups)


@contextmanager
def _late(field: Field) -> Iterator[None]:
    now = Database.now
    with field.patch.context() as patch:
        patch.setattr(Database, "now", lambda self: now(self) + timedelta(seconds=7))
        yield


ANYWHERE: Mapping[str, Defect] = {
    "readiness.exported_passwords": Defect(_exported),
    "readiness.mounted": Defect(patched(os, "statvfs", lambda _: _Mount)),
    "readiness.inodes": Defect(patched(os, "statvfs", lambda _: _Mount)),
    "readiness.memory": Defect(
        patched(readiness_machine, "_container_memory", lambda: 0.97),
        clean=patched(readiness_machine, "_container_memory", lambda: 0.5),
    ),
    "readiness.cpu": Defect(
        patched(psutil, "cpu_percent", lambda interval: 99.0),
        clean=patched(psutil, "cpu_percent", lambda interval: 7.0),
    ),
    "readiness.private_files": Defect(_open_backups),
    "readiness.user": Defect(
        patched(os, "geteuid", lambda: 0),
        clean=patched(os, "geteuid", lambda: 1000),
    ),
    "readiness.open_files": Defect(patched(resource, "getrlimit", lambda _: (256, 4096))),
    "readiness.temporary": Defect(
        patched(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    ),
    "readiness.clock": Defect(_late),
    "readiness.migrate_dirty": Defect(
        "UPDATE schema_migrations SET dirty = TRUE",
        "DROP TABLE schema_migrations",
        "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);"
        "INSERT INTO schema_migrations VALUES (7, FALSE)",
    ),
    "readiness.flyway_failed": Defect(
        "UPDATE flyway_schema_history SET success = FALSE",
        "DROP TABLE flyway_schema_history",
        "CREATE TABLE flyway_schema_history (version integer NOT NULL PRIMARY KEY, description varchar(20),"
        " success boolean NOT NULL); INSERT INTO flyway_schema_history VALUES (1, 'init', TRUE)",
    ),
    "readiness.liquibase_locked": Defect(
        "UPDATE DATABASECHANGELOGLOCK SET locked = TRUE, lockedby = 'ci'",
        "DROP TABLE DATABASECHANGELOGLOCK",
        "CREATE TABLE DATABASECHANGELOGLOCK (id integer NOT NULL PRIMARY KEY, locked boolean NOT NULL,"
        " lockedby varchar(20)); INSERT INTO DATABASECHANGELOGLOCK VALUES (1, FALSE, NULL)",
    ),
    "integrity.partial_keys": Defect(
        "INSERT INTO pc VALUES (2, 1, NULL)",
        "DROP TABLE pc; DROP TABLE pp",
        "CREATE TABLE pp (a integer NOT NULL, b integer NOT NULL, PRIMARY KEY (a, b)); INSERT INTO pp VALUES (1, 1);"
        "CREATE TABLE pc (id integer NOT NULL PRIMARY KEY, a integer, b integer,"
        " FOREIGN KEY (a, b) REFERENCES pp (a, b)); INSERT INTO pc VALUES (1, 1, 1), (3, NULL, NULL)",
    ),
    "integrity.cycles": Defect(
        "UPDATE tree SET up = 3 WHERE id = 1",
        "UPDATE tree SET up = NULL; DROP TABLE tree",
        "CREATE TABLE tree (id integer NOT NULL PRIMARY KEY, up integer, FOREIGN KEY (up) REFERENCES tree (id));"
        "INSERT INTO tree VALUES (1, NULL); INSERT INTO tree VALUES (2, 1); INSERT INTO tree VALUES (3, 2)",
    ),
    "integrity.undeclared_keys": Defect(
        "CREATE TABLE visits (id integer NOT NULL PRIMARY KEY, customer_id integer)", "DROP TABLE visits"
    ),
    "integrity.trimmed": Defect(
        "INSERT INTO words VALUES (2, ' a'), (3, 'b ')",
        "DROP TABLE words",
        "CREATE TABLE words (id integer NOT NULL PRIMARY KEY, word varchar(20));"
        "INSERT INTO words VALUES (1, 'a b'), (4, NULL)",
    ),
    "integrity.text_damage": Defect(
        "INSERT INTO words VALUES (2, 'MÃ¼ller')",
        "DROP TABLE words",
        "CREATE TABLE words (id integer NOT NULL PRIMARY KEY, word varchar(20));"
        "INSERT INTO words VALUES (1, 'Müller Ãô São Â'), (4, NULL)",
    ),
    "integrity.date_window": Defect(
        "INSERT INTO days VALUES (2, '9999-12-31')",
        "DROP TABLE days",
        "CREATE TABLE days (id integer NOT NULL PRIMARY KEY, d date);"
        "INSERT INTO days VALUES (1, '2024-02-29'), (3, NULL)",
    ),
}
