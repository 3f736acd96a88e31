"""Putting backups back: what comes back is what was; until then nothing is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import Backup, Disproved, find, restore
from pytest_visionforge.cutover import journal
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError
from tests.backup.shop import back_up, change, databases, digests, fill, writing


def _file(url: str) -> Path:
    return Path(str(make_url(url).database))


def _at(url: str, name: str) -> str:
    """The URL of what a restore has kept."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def test_what_comes_back_is_what_was(shop: str, backups: Path) -> None:
    """A restored database has every table, view and row that it had; the state between is kept."""
    with Database("source", shop) as database:
        schema = database.schema
    before = digests(shop)
    made = back_up(shop, backups)
    change(shop)
    between = digests(shop)
    restored = restore(made, shop)
    assert digests(shop) == before
    with Database("source", shop) as database:
        assert database.schema == schema
    assert "identical" in restored.says
    assert digests(_at(shop, restored.kept)) == between
    assert databases(shop) == ([restored.kept] if make_url(shop).get_backend_name() != "sqlite" else [])


def test_the_old_state_need_not_be_kept(shop: str, backups: Path) -> None:
    """Without the old state nothing but the restored database is left."""
    made = back_up(shop, backups)
    change(shop)
    assert restore(made, shop, keep_old=False).kept == ""
    assert databases(shop) == []
    if make_url(shop).get_backend_name() == "sqlite":
        assert sorted(path.name for path in _file(shop).parent.iterdir()) == ["backups", "test.db"]


def test_triggers_routines_and_events_come_back(mariadb: str, backups: Path) -> None:
    """On MariaDB the programs that cannot move with the tables work again afterwards."""
    made = back_up(fill(mariadb), backups)
    change(mariadb)
    restored = restore(made, mariadb)
    with writing(mariadb) as run:
        run("INSERT INTO orders (id) VALUES (9001)")
        assert run("SELECT what FROM log WHERE what = 'order 9001'").all()
        assert run("SELECT twice(4)").scalar() == 8
        assert [row[1] for row in run("SHOW EVENTS")] == ["tidy"]
        assert not run(f"SHOW EVENTS FROM {restored.kept}").all()  # a kept copy does not act
        run(f"DROP DATABASE {restored.kept}")


def test_database_settings_come_back(postgresql: str, backups: Path) -> None:
    """On PostgreSQL owner, rights, limit, comment and settings of the database are those of the old one."""
    name = make_url(postgresql).database
    facts = (
        "SELECT pg_get_userbyid(datdba), datacl::text, datconnlimit, shobj_description(d.oid, 'pg_database'),"
        " (SELECT array_agg(s.setconfig::text ORDER BY s.setrole) FROM pg_db_role_setting s"
        " WHERE s.setdatabase = d.oid)"
        f" FROM pg_database d WHERE datname = '{name}'"
    )
    with writing(postgresql) as run:
        run("DROP ROLE IF EXISTS vf_test_owner")
        run("CREATE ROLE vf_test_owner")
        run(f"ALTER DATABASE {name} OWNER TO vf_test_owner")
        run(f"ALTER DATABASE {name} CONNECTION LIMIT 41")
        run(f"ALTER DATABASE {name} SET search_path = \"$user\", public, 'we ird'")
        run(f"ALTER DATABASE {name} SET work_mem = '7MB'")
        run(f"ALTER ROLE vf_test_owner IN DATABASE {name} SET statement_timeout = '9s'")
        run(f"COMMENT ON DATABASE {name} IS 'it''s: 100% \\ \"ours\"'")
        run(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        run(f"GRANT CONNECT ON DATABASE {name} TO vf_test_owner WITH GRANT OPTION")
        before = run(facts).one()
    restored = restore(back_up(postgresql, backups), postgresql, keep_old=False)
    with writing(postgresql) as run:
        after = run(facts).one()
        run(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        run("DROP OWNED BY vf_test_owner")
        run("DROP ROLE vf_test_owner")
    assert restored.kept == ""
    assert after == before


def test_clients_that_come_again_do_not_stop_a_swap(postgresql: str, backups: Path) -> None:
    """On PostgreSQL connections are ended, and ones that come again at once do not get in the way."""
    made = back_up(fill(postgresql), backups)
    before = digests(postgresql)
    change(postgresql)
    script = (
        "import psycopg, sys\nwhile True:\n try:\n  c = psycopg.connect(sys.argv[1])\n"
        "  c.execute('SELECT pg_sleep(60)')\n except psycopg.Error:\n  pass\n"
    )
    plain = make_url(postgresql).set(drivername="postgresql").render_as_string(hide_password=False)
    clients = [subprocess.Popen([sys.executable, "-c", script, plain]) for _ in range(3)]
    try:
        restored = restore(made, postgresql)
    finally:
        for client in clients:
            client.kill()
            client.wait()
    assert digests(postgresql) == before
    with writing(_at(postgresql, "postgres")) as run:
        run(f"DROP DATABASE {restored.kept} WITH (FORCE)")


def test_an_open_transaction_stops_a_swap_and_nothing_is_changed(
    mariadb: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On MariaDB a transaction that holds a table makes the restore fail, with everything as it was."""
    monkeypatch.setattr("pytest_visionforge.dialects.mysql.swapping.LOCK_SECONDS", 1)
    made = back_up(fill(mariadb), backups)
    with writing(mariadb) as run:
        run("DELETE FROM orders WHERE id = 5")
    before = digests(mariadb)
    with writing(mariadb) as holder:
        holder("BEGIN")
        holder("SELECT count(*) FROM orders").all()
        with pytest.raises(BackupError, match="stop what uses the database"):
            restore(made, mariadb)
    assert digests(mariadb) == before
    assert databases(mariadb) == []
    with writing(mariadb) as run:
        run("INSERT INTO orders (id) VALUES (9001)")  # the trigger is back
        assert run("SELECT what FROM log WHERE what = 'order 9001'").all()
        assert run("SELECT twice(4)").scalar() == 8
        assert [row[1] for row in run("SHOW EVENTS")] == ["tidy"]


def test_a_swap_that_fails_late_goes_back(
    mariadb: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On MariaDB a failure after the tables have moved brings tables, views and programs back."""
    made = back_up(fill(mariadb), backups)
    change(mariadb)
    with Database("source", mariadb) as database:
        schema, before = database.schema, digests(mariadb)

    def fails(*_: object) -> None:
        raise BackupError("on purpose")

    monkeypatch.setattr("pytest_visionforge.dialects.mysql.swapping._load_rest", fails)
    with pytest.raises(BackupError, match="on purpose"):
        restore(made, mariadb)
    assert digests(mariadb) == before
    assert databases(mariadb) == []
    with Database("source", mariadb) as database:
        assert database.schema == schema


def test_references_from_other_databases_stop_a_swap(
    mariadb: str, mariadb_server: object, backups: Path
) -> None:
    """On MariaDB a foreign key from another database would follow the old tables: the restore says so."""
    made = back_up(fill(mariadb), backups)
    name = make_url(mariadb).database
    with writing(mariadb) as run:
        run(f"CREATE DATABASE {name}_b")
        run(f"CREATE TABLE {name}_b.c (id int, FOREIGN KEY (id) REFERENCES {name}.customers (id))")
        with pytest.raises(BackupError, match=f"tables of other databases refer to {name}: {name}_b.c"):
            restore(made, mariadb)
        run(f"DROP DATABASE {name}_b")


def test_a_database_that_is_gone_comes_back(shop: str, backups: Path) -> None:
    """A database that was dropped is there again."""
    before = digests(shop)
    made = back_up(shop, backups)
    url = make_url(shop)
    if url.get_backend_name() == "sqlite":
        _file(shop).unlink()
    else:
        other = url.set(database="postgres" if url.get_backend_name() == "postgresql" else "mysql")
        with writing(other.render_as_string(hide_password=False)) as run:
            run(f"DROP DATABASE {url.database}")
    assert restore(made, shop).kept == ""
    assert digests(shop) == before


def test_rows_come_back_into_the_same_schema_only(shop: str, backups: Path) -> None:
    """A data backup restores the rows where the schema is the same, and refuses where it is not."""
    before = digests(shop)
    made = back_up(shop, backups, kind="data")
    with writing(shop) as run:
        run("DELETE FROM log")
    restore(made, shop, keep_old=False)
    assert digests(shop) == before
    change(shop)
    between = digests(shop)
    with pytest.raises(BackupError, match="holds rows for another schema: table extra"):
        restore(made, shop)
    assert digests(shop) == between


def test_a_schema_is_never_put_over_rows(shop: str, backups: Path) -> None:
    """A schema backup holds no rows, so it is refused where there are tables."""
    made = back_up(shop, backups, kind="schema")
    before = digests(shop)
    with pytest.raises(BackupError, match="holds no rows"):
        restore(made, shop)
    assert digests(shop) == before


def test_a_damaged_backup_is_never_put_back(shop: str, backups: Path) -> None:
    """A backup that fails its proof changes nothing, on any DBMS, and the journal tells."""
    made = back_up(shop, backups)
    change(shop)
    before = digests(shop)
    path = made.path / made.manifest.files[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(Disproved, match="was altered"):
        restore(made, shop)
    assert digests(shop) == before
    assert databases(shop) == []
    *_, begin, end = journal.read(made.journal)
    assert (begin.action, end.result, end.facts["error"]) == ("backup restore", "failed", "Disproved")


def _sides(path: Path) -> list[str]:
    return [end for end in ("-wal", "-shm", "-journal") if path.with_name(path.name + end).exists()]


def test_a_stale_log_is_not_played_into_the_restored_file(
    sqlite_shop: str, backups: Path, tmp_path: Path
) -> None:
    """A log that a crash left beside the file never blends into what is put back."""
    made, before, path = back_up(sqlite_shop, backups), digests(sqlite_shop), _file(sqlite_shop)
    saved = tmp_path / "saved"
    saved.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:  # a database that crashed with its log
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE orders SET amount = -1")
        db.execute("DELETE FROM log")
        for name in ("test.db", "test.db-wal"):
            shutil.copy(path.with_name(name), saved / name)
    for name in ("test.db", "test.db-wal"):
        shutil.copy(saved / name, path.with_name(name))
    restored = restore(made, sqlite_shop)
    assert _sides(path) == []
    assert digests(sqlite_shop) == before
    with closing(sqlite3.connect(restored.kept)) as db:
        assert db.execute("SELECT count(*) FROM log").fetchone() == (0,)  # and the old state is whole, too


@pytest.mark.parametrize("what", [b"not a database at all, but long enough to be one" * 50, b"", None])
def test_a_broken_or_missing_file_is_replaced_with_its_logs_set_aside(
    sqlite_shop: str, backups: Path, what: bytes | None
) -> None:
    """A file that is no database any more can be replaced; what lay beside it cannot spoil the new one."""
    made, before, path = back_up(sqlite_shop, backups), digests(sqlite_shop), _file(sqlite_shop)
    path.unlink()
    if what is not None:
        path.write_bytes(what)
    path.with_name("test.db-wal").write_bytes(b"stale" * 1000)
    path.with_name("test.db-journal").write_bytes(b"stale" * 1000)
    restore(made, sqlite_shop)
    assert _sides(path) == []
    assert digests(sqlite_shop) == before


def test_mode_and_owner_are_those_of_the_old_file(sqlite_shop: str, backups: Path) -> None:
    """The restored file can be used by whom the old one could."""
    path = _file(sqlite_shop)
    made = back_up(sqlite_shop, backups)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    before = path.stat()
    restore(made, sqlite_shop)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_a_link_stays_a_link(sqlite_shop: str, backups: Path, tmp_path: Path) -> None:
    """Through a symbolic link the file that it leads to is replaced, and the link is still one."""
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(_file(sqlite_shop))
    made, before = back_up(sqlite_shop, backups), digests(sqlite_shop)
    change(sqlite_shop)
    restore(made, f"sqlite:///{link}")
    assert link.is_symlink()
    assert digests(sqlite_shop) == before


@contextmanager
def _elsewhere(path: Path, *statements: str) -> Iterator[int]:
    """Another process that has run statements on the file and holds it open."""
    script = (
        "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]: db.execute(statement).fetchall()\n"
        "print('ready', flush=True)\nsys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), *statements],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


@pytest.mark.parametrize(
    "statements",
    [
        ("SELECT count(*) FROM orders",),
        ("BEGIN IMMEDIATE", "DELETE FROM log"),
        ("BEGIN", "SELECT * FROM log"),
        ("PRAGMA journal_mode = WAL", "SELECT count(*) FROM orders"),
    ],
)
def test_a_file_that_somebody_holds_is_not_replaced(
    sqlite_shop: str, backups: Path, statements: tuple[str, ...]
) -> None:
    """Writers, readers and those who merely have the file open stop a restore; they are named."""
    made, path = back_up(sqlite_shop, backups), _file(sqlite_shop)
    inode = path.stat().st_ino
    with _elsewhere(path, *statements) as pid, pytest.raises(BackupError, match=f"held by process {pid}"):
        restore(made, sqlite_shop)
    assert path.stat().st_ino == inode
    assert restore(made, sqlite_shop).kept  # and once nobody does, it works


@pytest.mark.parametrize(
    "statements",
    [("BEGIN IMMEDIATE", "DELETE FROM log"), ("PRAGMA journal_mode = WAL", "BEGIN", "SELECT * FROM log")],
)
def test_locks_alone_stop_a_restore(
    sqlite_shop: str, backups: Path, statements: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where other processes cannot be looked at, SQLite's own locks still stop a restore."""
    swapping = "pytest_visionforge.dialects.sqlite.swapping.refuse_holders"
    monkeypatch.setattr(swapping, lambda path, *, ours: None)
    made, path = back_up(sqlite_shop, backups), _file(sqlite_shop)
    inode = path.stat().st_ino
    with _elsewhere(path, *statements), pytest.raises(BackupError, match="is in use"):
        restore(made, sqlite_shop)
    assert path.stat().st_ino == inode


def test_this_very_process_is_told_too(sqlite_shop: str, backups: Path) -> None:
    """A connection that the caller forgot to close is found as well."""
    made = back_up(sqlite_shop, backups)
    with closing(sqlite3.connect(_file(sqlite_shop))) as db:
        db.execute("SELECT count(*) FROM orders").fetchone()
        with pytest.raises(BackupError, match="held by this very process"):
            restore(made, sqlite_shop)


def test_settings_of_the_file_come_back(sqlite: str, backups: Path) -> None:
    """Page size, encoding and version numbers of a SQLite file are kept, by every kind."""
    path = _file(sqlite)
    path.unlink()
    wanted = {"page_size": 8192, "encoding": "UTF-16le", "user_version": 42, "application_id": 7}
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name, value in {**wanted, "auto_vacuum": 1}.items():
            db.execute(f"PRAGMA {name} = '{value}'")
        db.execute("CREATE TABLE t (a)")
        db.execute("INSERT INTO t VALUES ('é'), (1), (1.5), (x'00'), (NULL), (CAST(x'3dd8' AS TEXT))")
        db.execute("PRAGMA journal_mode = WAL")
    for kind in ("full", "data"):
        restore(back_up(sqlite, backups, kind=kind), sqlite, keep_old=False)
        with closing(sqlite3.connect(path)) as db:
            assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
            assert db.execute("SELECT group_concat(typeof(a)) FROM t").fetchone()[0].count("text") == 2


def test_a_backup_can_go_to_another_place(made: Backup, sqlite_shop: str, tmp_path: Path) -> None:
    """A backup can be restored where there was nothing."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    restore(made, other)
    assert digests(other) == digests(sqlite_shop)
    assert find(made.path.parent, made.id)
