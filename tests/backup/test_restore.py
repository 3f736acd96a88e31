"""Putting backups back: what comes back is what was; until then nothing is changed."""

from __future__ import annotations

import json
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

from pytest_visionforge.backup import Backup, Disproved, find, outlook, restore, verify
from pytest_visionforge.cutover import journal
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.sqlite import overwriting
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
    restored = restore(made, shop, replace=True)
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
    assert restore(made, shop, keep_old=False, replace=True).kept == ""
    assert databases(shop) == []
    if make_url(shop).get_backend_name() == "sqlite":
        assert sorted(path.name for path in _file(shop).parent.iterdir()) == ["backups", "test.db"]


def test_triggers_routines_and_events_come_back(mariadb: str, backups: Path) -> None:
    """On MariaDB the programs that cannot move with the tables work again afterwards."""
    made = back_up(fill(mariadb), backups)
    change(mariadb)
    restored = restore(made, mariadb, replace=True)
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
    restored = restore(back_up(postgresql, backups), postgresql, keep_old=False, replace=True)
    with writing(postgresql) as run:
        after = run(facts).one()
        run(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        run("DROP OWNED BY vf_test_owner")
        run("DROP ROLE vf_test_owner")
    assert restored.kept == ""
    assert after == before


def test_a_database_that_is_gone_comes_back_with_its_settings(postgresql: str, backups: Path) -> None:
    """On PostgreSQL a dropped database is made again as it was: owner, rights, settings, comment, rows."""
    name, server = make_url(fill(postgresql)).database, _at(postgresql, "postgres")
    facts = (
        "SELECT pg_get_userbyid(datdba), datacl::text, datconnlimit, shobj_description(d.oid, 'pg_database'),"
        " datcollate, (SELECT array_agg(setconfig::text) FROM pg_db_role_setting WHERE setdatabase = d.oid)"
        f" FROM pg_database d WHERE datname = '{name}'"
    )
    with writing(server) as run:
        run(f"ALTER DATABASE {name} CONNECTION LIMIT 41")
        run(f"ALTER DATABASE {name} SET work_mem = '7MB'")
        run(f"COMMENT ON DATABASE {name} IS 'it''s ours'")
        run(f"GRANT CREATE ON DATABASE {name} TO pg_monitor")
        settings, before = run(facts).one(), digests(postgresql)
        made = back_up(postgresql, backups)
        run(f"DROP DATABASE {name} WITH (FORCE)")
        with pytest.raises(BackupError, match="on purpose"):
            restore(made, postgresql, progress=_failing)
        assert not run(facts).all()  # nor is an empty one left
        assert restore(made, postgresql).kept == ""
        assert run(facts).one() == settings
    assert digests(postgresql) == before
    assert databases(postgresql) == []


def _failing(word: str) -> None:
    if word.startswith("comparing"):
        raise BackupError("on purpose")


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
        restored = restore(made, postgresql, replace=True)
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
            restore(made, mariadb, replace=True)
    assert digests(mariadb) == before
    assert databases(mariadb) == []
    with writing(mariadb) as run:
        run("INSERT INTO orders (id) VALUES (9001)")  # the trigger is back
        assert run("SELECT what FROM log WHERE what = 'order 9001'").all()
        assert run("SELECT twice(4)").scalar() == 8
        assert [row[1] for row in run("SHOW EVENTS")] == ["tidy"]


def test_a_swap_that_fails_late_goes_back(mariadb: str, backups: Path) -> None:
    """On MariaDB a failure after the tables have moved brings tables, views and programs back."""
    made = back_up(fill(mariadb), backups)
    change(mariadb)
    with Database("source", mariadb) as database:
        schema, before = database.schema, digests(mariadb)

    def fails(word: str) -> None:
        if word.startswith("putting back triggers"):
            raise BackupError("on purpose")

    with pytest.raises(BackupError, match="on purpose"):
        restore(made, mariadb, replace=True, progress=fails)
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
            restore(made, mariadb, replace=True)
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
    assert restore(made, shop, replace=True).kept == ""
    assert digests(shop) == before


def test_rows_come_back_into_the_same_schema_only(shop: str, backups: Path) -> None:
    """A data backup restores the rows where the schema is the same, and refuses where it is not."""
    before = digests(shop)
    made = back_up(shop, backups, kind="data")
    with writing(shop) as run:
        run("DELETE FROM log")
    restore(made, shop, keep_old=False, replace=True)
    assert digests(shop) == before
    change(shop)
    between = digests(shop)
    with pytest.raises(BackupError, match="holds rows for another schema: table extra"):
        restore(made, shop, replace=True)
    assert digests(shop) == between


def test_a_schema_is_never_put_over_rows(shop: str, backups: Path) -> None:
    """A schema backup holds no rows, so it is refused where there are tables."""
    made = back_up(shop, backups, kind="schema")
    before = digests(shop)
    with pytest.raises(BackupError, match="holds no rows"):
        restore(made, shop, replace=True)
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
        restore(made, shop, replace=True)
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
    restored = restore(made, sqlite_shop, replace=True)
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
    restore(made, sqlite_shop, replace=True)
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
    restore(made, sqlite_shop, replace=True)
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
    restore(made, f"sqlite:///{link}", replace=True)
    assert link.is_symlink()
    assert digests(sqlite_shop) == before


class Elsewhere:
    """Another process that has a file open; called with a statement, it runs it there and gives the rows."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process

    def __call__(self, sql: str) -> list[list[object]]:
        """Runs it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(sql) + "\n")
        self._process.stdin.flush()
        found: list[list[object]] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def _elsewhere(path: Path, *statements: str) -> Iterator[Elsewhere]:
    """Another process that has run statements on the file and holds it open."""
    script = (
        "import json, sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for line in sys.stdin: print(json.dumps(db.execute(json.loads(line)).fetchall()), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        ask = Elsewhere(process)
        for statement in ("SELECT count(*) FROM sqlite_schema", *statements):
            ask(statement)
        yield ask


@pytest.mark.parametrize(
    "statements",
    [
        ("SELECT count(*) FROM orders",),
        ("PRAGMA journal_mode = WAL", "SELECT count(*) FROM orders"),
        ("PRAGMA journal_mode = WAL", "BEGIN", "SELECT count(*) FROM orders"),
    ],
)
def test_a_file_that_somebody_has_open_is_written_into(
    sqlite_shop: str, backups: Path, statements: tuple[str, ...]
) -> None:
    """A running application is not cut off: it reads the old state, and after its transaction the new one."""
    made, before, path = back_up(sqlite_shop, backups), digests(sqlite_shop), _file(sqlite_shop)
    change(sqlite_shop)
    between, inode = digests(sqlite_shop), path.stat().st_ino
    with _elsewhere(path, *statements) as ask:
        assert ask("SELECT count(*) FROM orders") == [[100]]
        restored = restore(made, sqlite_shop, replace=True)
        assert ask("SELECT count(*) FROM orders") == [[100 if "BEGIN" in statements else 500]]
        if "BEGIN" in statements:
            ask("COMMIT")
        assert ask("SELECT count(*) FROM orders") == [[500]]
        assert ask("INSERT INTO customers (name) VALUES ('new') RETURNING id") == [[501]]
        ask("DELETE FROM customers WHERE name = 'new'")
        ask("UPDATE sqlite_sequence SET seq = 500 WHERE name = 'customers'")
    assert path.stat().st_ino == inode
    assert digests(sqlite_shop) == before
    assert digests(f"sqlite:///{restored.kept}") == between


@pytest.mark.parametrize(
    "statements",
    [
        ("BEGIN IMMEDIATE", "DELETE FROM log"),
        ("BEGIN", "SELECT * FROM log"),
        ("PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE", "DELETE FROM log"),
    ],
)
def test_a_transaction_that_stands_in_the_way_stops_a_restore(
    sqlite_shop: str, backups: Path, statements: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that holds a transaction is named, and the file stays as it is to the byte."""
    monkeypatch.setattr("pytest_visionforge.dialects.sqlite.overwriting.LOCK_SECONDS", 0.5)
    made, path = back_up(sqlite_shop, backups), _file(sqlite_shop)
    with _elsewhere(path, *statements) as ask:
        before = path.read_bytes()
        with pytest.raises(BackupError, match=f"in use by process {ask.pid} "):
            restore(made, sqlite_shop, replace=True)
        assert path.read_bytes() == before
    assert sorted(found.name for found in path.parent.iterdir()) == ["backups", "test.db"]
    assert restore(made, sqlite_shop, replace=True).kept  # and once nobody does, it works


def test_what_is_written_while_the_old_state_is_copied_is_in_the_copy(
    sqlite_shop: str, backups: Path
) -> None:
    """Whoever commits between the copy of the old state and the swap finds it in what is kept."""
    made, path = back_up(sqlite_shop, backups), _file(sqlite_shop)
    for mode in ("DELETE", "WAL"):
        with _elsewhere(path, f"PRAGMA journal_mode = {mode}") as ask:
            copied = 0

            def write(word: str, ask: Elsewhere = ask) -> None:
                nonlocal copied
                copied += word.startswith("keeping")
                if word.startswith("writing") and copied == 0:
                    raise AssertionError("written before the old state was kept")
                if word.startswith("keeping") and copied == 1:
                    copy = overwriting.copied

                    def slow(live: Path, aside: Path) -> None:
                        copy(live, aside)
                        ask("INSERT INTO log VALUES ('late')")
                        patched.undo()

                    patched.setattr(overwriting, "copied", slow)

            with pytest.MonkeyPatch.context() as patched:
                restored = restore(made, sqlite_shop, replace=True, progress=write)
        assert copied == 2
        with closing(sqlite3.connect(restored.kept)) as db:
            assert db.execute("SELECT count(*) FROM log WHERE what = 'late'").fetchone() == (1,)


@pytest.mark.parametrize(
    "statements",
    [("BEGIN IMMEDIATE", "DELETE FROM log"), ("PRAGMA journal_mode = WAL", "BEGIN", "SELECT * FROM log")],
)
def test_locks_alone_stop_a_restore(
    sqlite_shop: str, backups: Path, statements: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where other processes cannot be looked at, SQLite's own locks still stop a restore."""
    monkeypatch.setattr("pytest_visionforge.dialects.sqlite.swapping.holders", lambda path, *, ours=0: [])
    made, path = back_up(sqlite_shop, backups), _file(sqlite_shop)
    inode = path.stat().st_ino
    with _elsewhere(path, *statements), pytest.raises(BackupError, match="is in use"):
        restore(made, sqlite_shop, replace=True)
    assert path.stat().st_ino == inode


def test_this_very_process_is_told_too(sqlite_shop: str, backups: Path) -> None:
    """A connection that the caller forgot to close is found as well."""
    made = back_up(sqlite_shop, backups)
    with closing(sqlite3.connect(_file(sqlite_shop))) as db:
        db.execute("SELECT count(*) FROM orders").fetchone()
        with pytest.raises(BackupError, match="held by this very process"):
            restore(made, sqlite_shop, replace=True)


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
        restore(back_up(sqlite, backups, kind=kind), sqlite, keep_old=False, replace=True)
        with closing(sqlite3.connect(path)) as db:
            assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
            assert db.execute("SELECT group_concat(typeof(a)) FROM t").fetchone()[0].count("text") == 2


def test_a_backup_can_go_to_another_place(made: Backup, sqlite_shop: str, tmp_path: Path) -> None:
    """A backup can be restored where there was nothing."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    restore(made, other)
    assert digests(other) == digests(sqlite_shop)
    assert find(made.path.parent, made.id)


def test_what_holds_something_is_not_replaced_unless_told(shop: str, backups: Path) -> None:
    """A database that is not empty stays as it is to the row, and what it holds is named."""
    made = back_up(shop, backups)
    change(shop)
    before = digests(shop)
    with pytest.raises(BackupError, match=r"is not empty, it holds .*customers.*replace"):
        restore(made, shop)
    assert digests(shop) == before
    assert databases(shop) == []


def test_what_cannot_be_read_is_not_replaced_unless_told(made: Backup, tmp_path: Path) -> None:
    """A file that is no database may be one that somebody has locked away."""
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database at all, but long enough to be one" * 50)
    with pytest.raises(BackupError, match="holds something that cannot be read"):
        restore(made, f"sqlite:///{other}")
    assert other.read_bytes().startswith(b"not a database")


def test_a_migration_that_runs_meanwhile_stops_a_restore(shop: str, backups: Path) -> None:
    """Definitions that change while the backup is loaded are somebody's work: nothing is put back."""
    made = back_up(shop, backups)

    def migrate(word: str) -> None:
        if word.startswith("comparing"):
            with writing(shop) as run:
                run("CREATE TABLE meanwhile (a int)")

    with pytest.raises(BackupError, match="was changed while the backup was loaded: table meanwhile"):
        restore(made, shop, replace=True, progress=migrate)
    assert "meanwhile" in digests(shop)
    assert databases(shop) == []


def test_a_missing_role_changes_nothing(postgresql: str, backups: Path) -> None:
    """A role that the backup needs and the server has not is named before anything is changed."""
    with writing(fill(postgresql)) as run:
        run("DROP ROLE IF EXISTS vf_test_gone")
        run("CREATE ROLE vf_test_gone")
        run("GRANT SELECT ON orders TO vf_test_gone")
    made = back_up(postgresql, backups)
    with writing(postgresql) as run:
        run("DROP OWNED BY vf_test_gone")
        run("DROP ROLE vf_test_gone")
    before = digests(postgresql)
    with pytest.raises(BackupError, match="vf_test_gone"):
        restore(made, postgresql, replace=True)
    assert digests(postgresql) == before
    assert databases(postgresql) == []


def test_what_is_tied_to_the_old_database_stops_a_swap(postgresql: str, backups: Path) -> None:
    """A subscription would stay with the old state, unseen: it is named; its backup proves itself all the same."""
    with writing(fill(postgresql)) as run:
        run("CREATE SUBSCRIPTION vf_test CONNECTION '' PUBLICATION p WITH (connect = false)")
        made = back_up(postgresql, backups)
        assert verify(made, scratch_url=postgresql).holds
        with pytest.raises(BackupError, match="subscription vf_test would stay"):
            restore(made, postgresql, replace=True)
        run("ALTER SUBSCRIPTION vf_test SET (slot_name = NONE)")
        run("DROP SUBSCRIPTION vf_test")
    assert databases(postgresql) == []
    assert restore(made, postgresql, replace=True, keep_old=False).says


def test_statistics_are_there_again(mariadb: str, backups: Path) -> None:
    """On MariaDB the optimizer knows the restored tables as it knew the old ones."""
    restore(back_up(fill(mariadb), backups), mariadb, replace=True)
    with writing(mariadb) as run:
        name = make_url(mariadb).database
        sql = f"SELECT n_rows FROM mysql.innodb_table_stats WHERE database_name = '{name}'"
        assert run(f"{sql} AND table_name = 'orders'").scalar() == 500


def test_the_outlook_changes_nothing_and_tells_all(shop: str, backups: Path) -> None:
    """A dry run names each table that would come, go, or have other rows, and how long it took last time."""
    made = back_up(shop, backups)
    assert outlook(made, shop, replace=True).changes == ()
    assert outlook(made, shop).refused.endswith("(replace)")
    verify(made, scratch_url=shop)
    change(shop)
    before = digests(shop)
    seen = outlook(find(backups, made.id), shop, replace=True)
    assert "table extra would go aside: the backup has none" in seen.changes
    assert "view big would come back" in seen.changes
    assert "orders: 100 rows would become 500" in seen.changes
    assert (seen.refused, seen.level) == ("", "restored")
    assert seen.seconds == find(backups, made.id).proof.seconds  # type: ignore[union-attr]
    assert digests(shop) == before
    restore(made, shop, replace=True)
    [(begin, end)] = [step for step in journal.steps(made.journal) if step[0].action == "backup restore"]
    assert outlook(made, shop, replace=True).seconds == journal.seconds(begin, end)
