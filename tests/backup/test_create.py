"""Making backups: whole, private, of one state, on each DBMS."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge import backup
from pytest_visionforge.backup import Backup, catalogue, incomplete, verify
from pytest_visionforge.backup.manifest import MANIFEST, Kind
from pytest_visionforge.compare import identity_digests
from pytest_visionforge.cutover import journal
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.postgresql import programs
from pytest_visionforge.errors import BackupError, VisionForgeError
from tests.backup.shop import ROWS, back_up, fill, watched, writing

KINDS: tuple[Kind, ...] = ("full", "schema", "data")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_on_every_dbms_proves_that_it_restores(shop: str, backups: Path, kind: Kind) -> None:
    """Full, schema and data backups of each DBMS are restored into scratch and found equal."""
    made = back_up(shop, backups, kind=kind, tags={"plan": "shop"})
    assert made.kind == kind
    assert made.manifest.tags == {"plan": "shop"}
    assert all(found.size > 0 and found.raw_size > 0 for found in made.manifest.files)
    for level in ("hashed", "decoded", "restored"):
        proof = verify(made, level, scratch_url=shop)
        assert proof.holds
    if kind == "schema":
        assert "are defined as they were" in proof.says
    else:
        assert proof.tables == len(made.manifest.tables)
        assert proof.rows == made.rows > 2 * ROWS


def test_a_manifest_says_what_was_backed_up(shop: str, backups: Path) -> None:
    """A manifest names the database, the versions, the tools, each table's rows and digest, the sequences."""
    with Database("source", shop) as database:
        identity = database.identity
    made = back_up(shop, backups).manifest
    assert (made.identity, made.dbms, made.server) == (identity.id, identity.dbms, identity.version)
    assert made.tools
    assert made.tables["customers"].rows == ROWS
    assert len(made.tables["customers"].digest or "") == 64
    assert {"table orders", "view big"} <= set(made.objects)
    routines = {"postgresql": "function note()", "mysql": "function twice"}
    assert routines.get(made.dialect, "table orders") in made.objects
    assert made.bytes > 0
    assert any(number and number > ROWS for number in made.sequences.values())
    assert made.snapshot == ("own" if made.dialect == "mysql" else "shared")


def test_files_are_private(made: Backup, backups: Path) -> None:
    """Nobody but the owner can read a backup, its directory or its journal."""
    for path in (backups, made.path, *made.path.iterdir(), *backups.glob("*.jsonl")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert {path.name for path in made.path.iterdir()} == {MANIFEST, "full.sqlite.zst"}


def test_digests_of_the_callers_session_are_kept(sqlite_shop: str, backups: Path) -> None:
    """Digests that were taken already are not taken again; a table without them is counted."""
    with Database("source", sqlite_shop) as database, database.session() as session:
        digests = identity_digests(session, database.schema, exclude=["log"])
        made = backup.create(session, backups, url=database.url, digests=digests)
    assert made.manifest.tables["orders"].digest == digests["orders"].digest
    assert (made.manifest.tables["log"].rows, made.manifest.tables["log"].digest) == (ROWS, None)
    assert verify(made).notes == ("only counted, not compared: log",)


def test_begin_and_end_are_in_the_journal(made: Backup, backups: Path) -> None:
    """The journal holds the begin of each backup before it was made, and its end."""
    begin, end = journal.read(backups / "journal.jsonl")
    assert (begin.phase, end.phase, end.result) == ("begin", "end", "ok")
    assert begin.facts["backup"] == made.id
    assert end.facts["manifest"] == made.manifest.sha256


@contextmanager
def _writer(path: Path) -> Iterator[None]:
    """Writes without pause, several tables in each transaction."""
    going = threading.Event()

    def write() -> None:
        db = sqlite3.connect(path, timeout=30, isolation_level=None)
        while not going.is_set():
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE customers SET note = note || 'x' WHERE id = 1")
            db.execute("DELETE FROM pairs WHERE a LIKE 'w%'")
            db.execute(f"INSERT INTO pairs VALUES ('w', '{time.monotonic_ns()}')")
            db.execute("COMMIT")
        db.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        going.set()
        thread.join()


def test_sqlite_is_backed_up_in_the_state_whose_digests_were_taken(sqlite_shop: str, backups: Path) -> None:
    """While another process writes all the time, payload and digests are of one state."""
    path = Path(str(make_url(sqlite_shop).database))
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode = WAL")
    db.close()
    with _writer(path):
        for _ in range(3):
            with Database("source", sqlite_shop) as database, database.session() as session:
                digests = identity_digests(session, database.schema)
                time.sleep(0.05)  # the writer goes on
                made = backup.create(session, backups, url=database.url, digests=digests)
            assert verify(made).holds
    with Database("source", sqlite_shop) as database, database.session() as session:
        now = identity_digests(session, database.schema)
    assert now["customers"].digest != made.manifest.tables["customers"].digest  # it did write


def test_postgresql_is_backed_up_in_the_state_whose_digests_were_taken(
    postgresql: str, backups: Path, request: pytest.FixtureRequest
) -> None:
    """Rows that come between the digests and the dump are in neither."""
    with writing(postgresql) as run:
        run("CREATE TABLE t (id int PRIMARY KEY)")
        run("INSERT INTO t VALUES (1)")
        with Database("source", postgresql) as database, database.session() as session:
            digests = identity_digests(session, database.schema)
            run("INSERT INTO t VALUES (2)")
            made = backup.create(session, backups, url=database.url, digests=digests)
    assert made.rows == 1
    assert verify(made, scratch_url=postgresql).holds


def test_mariadb_says_when_its_dump_is_of_another_state(mariadb: str, backups: Path) -> None:
    """Rows that come between the digests and the dump make the proof fail: nothing passes unseen."""
    with writing(mariadb) as run:
        run("CREATE TABLE t (id int PRIMARY KEY)")
        with Database("source", mariadb) as database, database.session() as session:
            digests = identity_digests(session, database.schema)
            run("INSERT INTO t VALUES (2)")
            made = backup.create(session, backups, url=database.url, digests=digests)
    assert made.manifest.snapshot == "own"
    with pytest.raises(backup.Disproved, match="t: 0 rows, then 1"):
        verify(made, scratch_url=mariadb)


def test_mariadb_tables_without_transactions_are_refused(mariadb: str, backups: Path) -> None:
    """A table that has no snapshot is named, with the remedy, and nothing is left."""
    with writing(mariadb) as run:
        run("CREATE TABLE old (id int) ENGINE = MyISAM")
    with pytest.raises(BackupError, match=r"old \(MyISAM\).*ENGINE = InnoDB"):
        back_up(mariadb, backups)
    _nothing_is_left(backups)


def test_a_role_that_does_not_see_all_makes_no_backup(postgresql: str, backups: Path, tmp_path: Path) -> None:
    """What a role may not read would be missing from its backup: it is refused."""
    with writing(postgresql) as run:
        run("CREATE TABLE secrets (id int)")
        run("DROP ROLE IF EXISTS vf_test_clerk")
        run("CREATE ROLE vf_test_clerk LOGIN")
    clerk = make_url(postgresql).set(username="vf_test_clerk").render_as_string(hide_password=False)
    try:
        with pytest.raises(VisionForgeError, match=r"secrets|permission denied"):
            back_up(clerk, backups)
        _nothing_is_left(backups)
    finally:
        with writing(postgresql) as run:
            run("DROP OWNED BY vf_test_clerk")
            run("DROP ROLE vf_test_clerk")


def _nothing_is_left(backups: Path) -> None:
    assert catalogue(backups) == ()
    assert incomplete(backups) == ()
    last = list(journal.read(backups / "journal.jsonl"))[-1]
    assert (last.phase, last.result) == ("end", "failed")


@pytest.mark.parametrize("name", ["pg_dump", "mariadb-dump"])
def test_a_missing_program_is_named_with_its_package(
    name: str, request: pytest.FixtureRequest, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the DBMS's program is not installed, the message says which package has it."""
    url = request.getfixturevalue({"pg_dump": "postgresql", "mariadb-dump": "mariadb"}[name])
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("pytest_visionforge.dialects.postgresql.programs.PLACES", ())
    with pytest.raises(BackupError, match=f"{name}.* is not installed; install it: apt-get install"):
        back_up(url, backups)
    _nothing_is_left(backups)


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore"])
def test_a_program_older_than_the_server_stops_before_a_row_is_read(
    name: str, postgresql: str, backups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the programs cannot read the server, it is said at once: which are there, and which is needed."""
    fill(postgresql)
    for each in ("pg_dump", "pg_restore"):
        (tmp_path / each).symlink_to(programs.newest(each).path)
    (tmp_path / name).unlink()
    (tmp_path / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 9.6.24'\n")
    (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(programs, "PLACES", ())
    said: list[str] = []
    with pytest.raises(
        BackupError,
        match=rf"{name} \d+ or newer is not installed \(found only 9\.6\.24\).*postgresql-client-\d+",
    ):
        back_up(postgresql, backups, progress=said.append)
    assert said == []
    _nothing_is_left(backups)


SECRET = "hu'nt\"er2 #\\x"


@pytest.fixture
def guarded(mariadb: str) -> Iterator[str]:
    """The URL of a MariaDB database with a user whose password is as awkward as can be."""
    quoted = SECRET.replace("\\", "\\\\").replace("'", "''")
    name = make_url(mariadb).database
    with writing(mariadb) as run:
        run("CREATE TABLE t (id int PRIMARY KEY)")
        run("DROP USER IF EXISTS vf_test_clerk@'%'")
        run(f"CREATE USER vf_test_clerk@'%' IDENTIFIED BY '{quoted}'")
        run(f"GRANT ALL ON `{name}`.* TO vf_test_clerk@'%'")
        run("GRANT ALL ON `vf\\_scratch\\_%`.* TO vf_test_clerk@'%'")
    url = make_url(mariadb).set(username="vf_test_clerk", password=SECRET)
    yield url.render_as_string(hide_password=False)
    with writing(mariadb) as run:
        run("DROP USER vf_test_clerk@'%'")


def test_a_password_is_seen_nowhere(guarded: str, backups: Path) -> None:
    """A password is in no argument of a child, no file of a backup, no journal."""
    said: list[str] = []
    with watched() as arguments:
        made = back_up(guarded, backups, progress=said.append)
        verify(made, scratch_url=guarded, progress=said.append)
    assert any("mariadb" in argument for argument in arguments)
    everything = [*arguments, *said, str(made), str(made.as_json())]
    everything += [path.read_text(errors="replace") for path in backups.rglob("*.json*")]
    for text in everything:
        assert SECRET not in text
        assert "hu%27nt" not in text


def test_postgresql_passwords_are_seen_nowhere(postgresql: str, backups: Path) -> None:
    """pg_dump and pg_restore get a password without anybody seeing it."""
    url = make_url(postgresql).set(password=SECRET).render_as_string(hide_password=False)
    with watched() as arguments:
        made = back_up(url, backups)
        verify(made, scratch_url=url)
    assert any("pg_dump" in argument for argument in arguments)
    files = [path.read_text(errors="replace") for path in backups.rglob("*.json*")]
    assert not any(SECRET in text for text in (*arguments, *files))


def test_a_wrong_password_is_one_clear_message(guarded: str, backups: Path) -> None:
    """A wrong password fails before anything is written, without being shown."""
    wrong = make_url(guarded).set(password="wr0ng-pa55").render_as_string(hide_password=False)
    with pytest.raises(VisionForgeError, match="Access denied") as caught:
        back_up(wrong, backups)
    assert "wr0ng" not in str(caught.value)
    assert not backups.exists()


def test_a_password_that_turns_wrong_is_not_shown(guarded: str, mariadb: str, backups: Path) -> None:
    """What the dump program says of a wrong password names no password, and nothing is left."""
    with Database("source", guarded) as database, database.session() as session:
        with writing(mariadb) as run:
            run("SET PASSWORD FOR vf_test_clerk@'%' = PASSWORD('another')")
        with pytest.raises(BackupError, match=r"mariadb-dump ended with status .*Access denied") as caught:
            backup.create(session, backups, url=database.url)
    assert SECRET not in str(caught.value)
    _nothing_is_left(backups)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_named(sqlite_shop: str, tmp_path: Path) -> None:
    """A directory without rights is named, with the remedy."""
    tmp_path.chmod(0o500)
    with pytest.raises(BackupError, match="must be yours to write"):
        back_up(sqlite_shop, tmp_path / "backups")
    tmp_path.chmod(0o700)


def test_a_file_in_the_way_is_named(sqlite_shop: str, tmp_path: Path) -> None:
    """A file where the directory should be is one clear message."""
    (tmp_path / "backups").write_text("here")
    with pytest.raises(BackupError, match="backups: File exists"):
        back_up(sqlite_shop, tmp_path / "backups")
