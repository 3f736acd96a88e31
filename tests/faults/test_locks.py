"""Locks that a backup cannot get: somebody holds them, or the server has too few."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.dialects.postgresql import locks
from pytest_visionforge.errors import BackupError, CannotConnect, DatabaseError
from tests import servers
from tests.backup.shop import back_up, fill, writing
from tests.faults.aftermath import nothing_is_left, the_next_run_works

SMALL = ("max_locks_per_transaction=10", "max_connections=20")
TABLES = 900


def test_too_many_tables_for_its_locks_are_told_with_the_setting(
    backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a row is read where it is certain, else by pg_dump's own words; the statement that is named mends it."""
    with servers._folder("locks") as home:
        with servers.postgresql(home, *SMALL) as server:
            if server.admin.host != "127.0.0.1":
                pytest.skip("only a server of our own has few locks")
            url = server.create()
            with writing(url) as run:
                for first in range(0, TABLES, 100):
                    numbers = range(first, first + 100)
                    run("; ".join(f"CREATE TABLE t{number} (id int PRIMARY KEY)" for number in numbers))
            said: list[str] = []
            with pytest.raises(BackupError, match=rf"a backup of {TABLES} tables") as caught:
                back_up(url, backups, progress=said.append)
            assert said == []
            nothing_is_left(backups)
            monkeypatch.setattr(locks, "STRETCH", TABLES)
            says = r"pg_dump ended .*out of shared memory.*; its table of locks is full: ALTER SYSTEM"
            with pytest.raises(BackupError, match=says):
                back_up(url, backups, kind="schema")
            nothing_is_left(backups)
            monkeypatch.undo()
            mends = re.search(r"ALTER SYSTEM SET max_locks_per_transaction = \d+", str(caught.value))
            assert mends
            server.run(mends[0])
        with servers.postgresql(home, SMALL[1]) as server:
            the_next_run_works(
                make_url(url).set(port=server.admin.port).render_as_string(hide_password=False), backups
            )


HELD = {
    "postgresql": ("BEGIN; LOCK TABLE log IN ACCESS EXCLUSIVE MODE", "ROLLBACK", "pg_stat_activity"),
    "mariadb": ("LOCK TABLES log WRITE", "UNLOCK TABLES", "SHOW FULL PROCESSLIST"),
}


@pytest.mark.parametrize("dbms", HELD)
def test_who_holds_a_lock_can_be_found(dbms: str, request: pytest.FixtureRequest, backups: Path) -> None:
    """A table that another transaction holds stops a backup in seconds, and how to see who it is is said."""
    url, (lock, unlock, shows) = fill(request.getfixturevalue(dbms)), HELD[dbms]
    with writing(url) as run:
        run(lock)
        with pytest.raises(DatabaseError, match=rf"another transaction holds a lock .*{shows}.* shows who"):
            back_up(url, backups)
        run(unlock)
    nothing_is_left(backups)
    the_next_run_works(url, backups)


def test_who_locks_a_file_is_named(sqlite: str, backups: Path) -> None:
    """A SQLite file that another process has for itself stops a backup, and the process is named."""
    path = make_url(fill(sqlite)).database
    begin = f"import sqlite3; c = sqlite3.connect({path!r}); c.execute('BEGIN EXCLUSIVE')"
    code = f"{begin}; print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(CannotConnect, match=rf"locked: process {other.pid} .* holds a transaction; wait"):
            back_up(sqlite, backups)
        other.kill()
    the_next_run_works(sqlite, backups)
