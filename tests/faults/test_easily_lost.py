"""What backups easily lose: it comes back, on each DBMS, while others write."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError

from pytest_visionforge.backup import Backup, outlook, scratch, stores, verify
from pytest_visionforge.backup.manifest import Kind
from pytest_visionforge.database import Database
from tests.backup.shop import back_up, fill, writing

KINDS: tuple[Kind, ...] = ("full", "data")
_CYCLE = (
    "CREATE TABLE chicken (id int PRIMARY KEY, egg int)",
    "CREATE TABLE egg (id int PRIMARY KEY, chicken int REFERENCES chicken (id))",
    "INSERT INTO chicken VALUES (1, NULL)",
    "INSERT INTO egg VALUES (7, 1)",
    "UPDATE chicken SET egg = 7",
)
_POSTGRESQL = (
    *_CYCLE,
    "ALTER TABLE chicken ADD FOREIGN KEY (egg) REFERENCES egg (id) DEFERRABLE INITIALLY DEFERRED",
    "CREATE TABLE made (id int GENERATED ALWAYS AS IDENTITY (START 5 INCREMENT 5) PRIMARY KEY, a int,"
    " twice int GENERATED ALWAYS AS (a * 2) STORED)",
    "INSERT INTO made (a) VALUES (1), (2), (3)",
    "CREATE SEQUENCE alone MAXVALUE 1000 START 100 INCREMENT -3",
    "SELECT nextval('alone')",
    "CREATE TABLE parts (id int, what text) PARTITION BY RANGE (id)",
    "CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100)",
    "CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200)",
    "INSERT INTO parts SELECT g, 'part ' || g FROM generate_series(0, 199) g",
    "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM parts",
    "CREATE MATERIALIZED VIEW on_top AS SELECT n + 1 AS n FROM counted",
    "CREATE MATERIALIZED VIEW never AS SELECT 1 AS one WITH NO DATA",
    "CREATE UNIQUE INDEX ON counted (n)",
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    "CREATE DOMAIN small AS int CHECK (VALUE < 10)",
    "CREATE TABLE typed (m mood, s small, f float8, at timestamptz, r int4range)",
    "INSERT INTO typed VALUES ('glad', 3, 'NaN', 'infinity', '[1,5)'), (NULL, NULL, '-0', '-infinity', 'empty')",
    "CREATE UNLOGGED TABLE quick (id int)",
    "INSERT INTO quick VALUES (1)",
    "SELECT lo_from_bytea(4711, decode(repeat('00ff', 3000), 'hex'))",
    "COMMENT ON LARGE OBJECT 4711 IS 'large'",
    'CREATE TABLE base (id int PRIMARY KEY, note text COLLATE "C")',
    "CREATE TABLE heir (more money) INHERITS (base)",
    "INSERT INTO base VALUES (1, 'of the base')",
    "INSERT INTO heir VALUES (2, 'of the heir', 12.34)",
    "CREATE TABLE booked (span int4range, lasts interval, EXCLUDE USING gist (span WITH &&))",
    "INSERT INTO booked VALUES ('[1,5)', '1 mon 2 days 03:04:05.6'), ('[5,9)', '-1 day')",
    "ALTER TABLE booked ADD CONSTRAINT positive CHECK (lasts > '0') NOT VALID",
    "ALTER TABLE typed ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY own ON typed USING (s = 3)",
    "CREATE TRIGGER asleep BEFORE UPDATE ON booked FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "ALTER TABLE booked DISABLE TRIGGER asleep",
    "CREATE EVENT TRIGGER vf_test_seen ON ddl_command_end EXECUTE FUNCTION seen()",
)
_SEEN = "CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$"
_MARIADB = (
    *_CYCLE,
    "ALTER TABLE chicken ADD FOREIGN KEY (egg) REFERENCES egg (id)",
    "CREATE TABLE made (id int AUTO_INCREMENT PRIMARY KEY, a int, twice int AS (a * 2) VIRTUAL, bits bit(9),"
    " js json, raw varbinary(9), at datetime(6), zero date) AUTO_INCREMENT = 500",
    "SET SESSION sql_mode = ''",
    "INSERT INTO made (a, bits, js, raw, at, zero) VALUES"
    " (1, b'101', '{\"a\": 1}', x'00ff5c27', '2020-01-01 00:00:00.123456', '0000-00-00')",
    "CREATE SEQUENCE alone START WITH 100 INCREMENT BY -3 MAXVALUE 1000",
    "DO NEXTVAL(alone)",
    "CREATE TABLE parts (id int) PARTITION BY HASH (id) PARTITIONS 3",
    "INSERT INTO parts SELECT seq FROM seq_1_to_50",
    "CREATE TABLE zero (id int AUTO_INCREMENT PRIMARY KEY, a int)",
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "INSERT INTO zero VALUES (0, 0), (7, 7)",
    "CREATE TABLE old (word varchar(20)) CHARACTER SET latin1",
    "INSERT INTO old VALUES ('Zo\u00eb \u20ac'), ('')",
    "CREATE TABLE wide (word varchar(20) CHARACTER SET utf8mb4, place point)",
    "INSERT INTO wide VALUES ('\U0001f600', ST_GeomFromText('POINT(1 2)')), (NULL, NULL)",
    "CREATE TABLE past (id int PRIMARY KEY, a int) WITH SYSTEM VERSIONING",
    "INSERT INTO past VALUES (1, 1)",
    "SET SESSION sql_mode = 'ANSI_QUOTES'",
    'CREATE TRIGGER "ansi" BEFORE INSERT ON "old" FOR EACH ROW SET NEW."word" = NEW."word"',
    "SET SESSION sql_mode = ''",
    "CREATE PROCEDURE twice () SELECT 2",
    "CREATE TRIGGER quoted BEFORE INSERT ON parts FOR EACH ROW SET NEW.id = NEW.id + 0",
    "CREATE DEFINER = vf_test_ghost@localhost EVENT tidy ON SCHEDULE EVERY 1 SECOND ENABLE DO DELETE FROM parts",
    "CREATE DEFINER = vf_test_ghost@localhost PROCEDURE ghostly () SELECT 3",
)
_SQLITE = (
    "CREATE TABLE chicken (id INTEGER PRIMARY KEY, egg int REFERENCES egg (id))",
    "CREATE TABLE egg (id INTEGER PRIMARY KEY, chicken int REFERENCES chicken (id))",
    "INSERT INTO chicken VALUES (1, 7)",
    "INSERT INTO egg VALUES (7, 1)",
    "CREATE TABLE made (id INTEGER PRIMARY KEY AUTOINCREMENT, a int, twice int AS (a * 2) STORED)",
    "INSERT INTO made (a) VALUES (1), (2), (3)",
    "DELETE FROM made WHERE id = 3",
    "CREATE TABLE strict (a ANY, b TEXT) STRICT",
    "INSERT INTO strict VALUES (1, 'a'), (x'00ff', 'b')",
    "CREATE VIRTUAL TABLE words USING fts5(word, tokenize = 'porter')",
    "INSERT INTO words VALUES ('running'), ('runner')",
    "CREATE VIRTUAL TABLE places USING rtree(id, low, high)",
    "INSERT INTO places VALUES (1, 0.5, 1.5)",
    "CREATE TABLE sums (a)",
    "INSERT INTO sums VALUES (9e999), (-9e999), (0.1)",
    "CREATE INDEX by_sum ON sums (a * 2) WHERE a > 0",
    "PRAGMA application_id = 4711",
)
STATEMENTS = {"sqlite": _SQLITE, "postgresql": (_SEEN, *_POSTGRESQL), "mysql": _MARIADB}


def _made(url: str) -> None:
    with writing(url) as run:
        for statement in STATEMENTS[make_url(url).get_backend_name()]:
            run(statement)


def _lost(database: Database) -> dict[str, Any]:
    """What no digest of a table shows."""
    asked = {
        "sqlite": {
            "words": "SELECT group_concat(word) FROM words WHERE words MATCH 'run'",
            "places": "SELECT count(*) FROM places WHERE low < 1 AND high > 1",
            "application": "SELECT application_id FROM pragma_application_id",
            "number": "SELECT seq FROM sqlite_sequence",
        },
        "postgresql": {
            "large": "SELECT md5(lo_get(4711)) || obj_description(4711, 'pg_largeobject')",
            "views": "SELECT (SELECT n FROM counted) + (SELECT n FROM on_top)",
            "unfilled": "SELECT relispopulated FROM pg_class WHERE relname = 'never'",
            "quick": "SELECT relpersistence FROM pg_class WHERE relname = 'quick'",
            "events": "SELECT count(*) FROM pg_event_trigger WHERE evtname = 'vf_test_seen'",
            "invalid": "SELECT count(*) FROM pg_constraint WHERE NOT convalidated",
            "asleep": "SELECT tgenabled FROM pg_trigger WHERE tgname = 'asleep'",
            "policies": "SELECT count(*) FROM pg_policy",
            "bounds": "SELECT count(*) FROM pg_constraint WHERE contype = 'x'",
            "heirs": "SELECT (SELECT count(*) FROM ONLY base) || ' ' || (SELECT count(*) FROM base)",
            "deferred": "SELECT count(*) FROM pg_constraint WHERE condeferred",
        },
        "mysql": {
            "modes": "SELECT group_concat(concat(TRIGGER_NAME, ' ', SQL_MODE) ORDER BY 1)"
            " FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
            "old": "SELECT group_concat(hex(word) ORDER BY 1) FROM old",
            "wide": "SELECT group_concat(concat(hex(word), ' ', ST_AsText(place))) FROM wide",
            "zero": "SELECT group_concat(id ORDER BY id) FROM zero",
            "versions": "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
            " AND TABLE_TYPE = 'SYSTEM VERSIONED'",
            "routines": "SELECT group_concat(ROUTINE_NAME ORDER BY 1) FROM information_schema.ROUTINES"
            " WHERE ROUTINE_SCHEMA = DATABASE()",
            "parts": "SELECT count(*) FROM information_schema.PARTITIONS"
            " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'parts'",
        },
    }[database.dialect.name]
    return {name: database.value(sql) for name, sql in asked.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_easily_lost_comes_back(url: str, backups: Path, kind: Kind) -> None:
    """Circular keys, own numbers, generated columns, large objects, views, virtual tables: all of it comes back."""
    _made(url)
    with Database("source", url) as database:
        before = _lost(database)
    made = back_up(url, backups, kind=kind)
    proof = verify(made, scratch_url=url)
    assert proof.holds
    assert proof.inserted >= 1  # `made` took a row: its number is free, its generated column is made
    with scratch(made, url=url) as database:
        assert _lost(database) == before
        if database.dialect.name == "mysql":
            assert (
                database.value(
                    "SELECT count(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()"
                )
                == 0
            )


def test_postgresql_is_dumped_and_loaded_by_several_at_once(
    postgresql: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dealt out to several pg_dumps, each row is in one payload, and all of them are of one state."""
    from pytest_visionforge.dialects.postgresql import archive

    monkeypatch.setattr(archive, "JOBS", 3)
    fill(postgresql)
    _made(postgresql)
    with Database("source", postgresql) as database:
        before = _lost(database)
    made = back_up(postgresql, backups)
    names = [stores.name_of(file) for file in made.manifest.files]
    assert sorted(names) == ["data-2.dump", "data-3.dump", "data.dump", "schema.dump"]
    assert verify(made, "decoded").holds
    assert verify(made, scratch_url=postgresql).holds
    with scratch(made, url=postgresql) as database:
        assert _lost(database) == before


@contextmanager
def _going_on(write: Callable[[], object]) -> Iterator[None]:
    """Does something again and again, beside the block."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            write()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_numbers_that_are_drawn_meanwhile_disprove_nothing(postgresql: str, backups: Path) -> None:
    """No snapshot holds a sequence still: any number between those before and after the dump is right."""
    with writing(postgresql) as run, writing(postgresql) as other:
        run("CREATE TABLE t (id serial PRIMARY KEY, at timestamptz DEFAULT now())")
        run("INSERT INTO t DEFAULT VALUES")
        with _going_on(lambda: other("INSERT INTO t DEFAULT VALUES")):
            made = back_up(postgresql, backups)
    first, last = made.manifest.sequences["t_id_seq"], made.manifest.moved["t_id_seq"]
    assert first is not None
    assert last > first
    proof = verify(made, scratch_url=postgresql)
    assert proof.holds
    assert not [note for note in proof.notes if "next insert fails" in note]
    with scratch(made, url=postgresql) as database:
        assert first <= database.schema.sequences["t_id_seq"].next <= last  # type: ignore[operator]


def _left_over(tmp_path: Path) -> Path:
    """A SQLite database whose writer died: its last rows are only in the log."""
    path, left = tmp_path / "running.db", tmp_path / "left.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("INSERT INTO t VALUES (1), (2)")
        shutil.copy(path, left)
        shutil.copy(f"{path}-wal", f"{left}-wal")
    return left


def test_rows_that_are_only_in_a_log_are_backed_up(tmp_path: Path, backups: Path) -> None:
    """What a dead writer has committed into a write-ahead log is in the backup, which has no log itself."""
    made: Backup = back_up(f"sqlite:///{_left_over(tmp_path)}", backups)
    assert made.rows == 2
    assert verify(made).rows == 2
    with scratch(made) as database:
        assert not Path(f"{database.url.database}-wal").exists()


def test_an_index_that_failed_disproves_nothing(postgresql: str, backups: Path) -> None:
    """What a CREATE INDEX CONCURRENTLY that failed has left is in no dump: its table is backed up all the same."""
    with writing(postgresql) as run:
        run("CREATE TABLE t (id int PRIMARY KEY, a int)")
        run("INSERT INTO t VALUES (1, 7), (2, 7)")
        run("CREATE INDEX sound ON t (a)")
        with pytest.raises(IntegrityError):
            run("CREATE UNIQUE INDEX CONCURRENTLY failed ON t (a)")
        made = back_up(postgresql, backups)
        assert verify(made, scratch_url=postgresql).holds
        run("DROP INDEX sound")
    assert outlook(made, postgresql, replace=True).changes == ("table t would be defined as it was",)
