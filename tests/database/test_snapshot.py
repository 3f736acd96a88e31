"""Several sessions see one state, and leave nothing running behind."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from pytest_visionforge.database import Database, Session
from pytest_visionforge.dialects.mysql import session as mysql_room
from pytest_visionforge.dialects.sqlite import session as sqlite_room
from tests.compare.conftest import run

SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
    "mysql": "SELECT sleep(60)",
}
RUNNING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%'"
    " AND state = 'active' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE info = 'SELECT sleep(60)'",
}


@pytest.fixture
def one(url: str) -> str:
    """A database with one row."""
    run(url, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)")
    return url


def count(session: Session) -> int:
    """The rows of the table."""
    return int(session.value("SELECT count(*) FROM t"))


def test_all_sessions_see_one_state(one: str) -> None:
    """What is committed while a snapshot is open is in none of its sessions."""
    with Database("source", one) as database:
        with database.snapshot(connections=3) as snapshot:
            assert len(snapshot.sessions) == 3
            writer = threading.Thread(target=run, args=(one, "INSERT INTO t VALUES (2)"))
            if database.dialect.name != "sqlite":  # where a reader keeps writers out
                writer.start()
                writer.join()
            assert [future.result() for future in [snapshot.start(count) for _ in range(9)]] == [1] * 9
            assert snapshot.main is snapshot.sessions[0]
        assert database.dialect.name == "sqlite" or database.value("SELECT count(*) FROM t") == 2


def test_a_file_in_wal_mode_has_a_snapshot(tmp_path: Path, sqlite: str) -> None:
    """Readers of a SQLite file that is written meanwhile see one state."""
    run(sqlite, "PRAGMA journal_mode = WAL", "CREATE TABLE t (a int)")
    with Database("source", sqlite) as database, database.snapshot() as snapshot:
        run(sqlite, "INSERT INTO t VALUES (2)")
        assert [snapshot.run(count) for _ in range(4)] == [0] * 4


@pytest.mark.parametrize("dbms", ["sqlite", "mariadb"])
def test_where_writers_never_rest_there_is_one_session(
    request: pytest.FixtureRequest, dbms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions that cannot be proved to see the same state are not used together."""
    url = str(request.getfixturevalue(dbms))
    run(url, *(["PRAGMA journal_mode = WAL"] if dbms == "sqlite" else []), "CREATE TABLE t (a int)")
    room = sqlite_room if dbms == "sqlite" else mysql_room
    begin = room.begin

    def written_between(connection: Connection, seconds: float) -> None:
        begin(connection, seconds)
        if dbms == "sqlite":
            connection.exec_driver_sql("SELECT count(*) FROM t")
        run(url, "INSERT INTO t VALUES (1)")

    monkeypatch.setattr(room, "begin", written_between)
    with Database("source", url) as database, database.snapshot() as snapshot:
        assert len(snapshot.sessions) == 1
        rows = snapshot.run(count)
        run(url, "INSERT INTO t VALUES (1)")
        assert snapshot.run(count) == rows


def test_fewer_sessions_where_the_server_has_no_more(postgresql: str) -> None:
    """A server that refuses more connections is read with those that it gives."""
    run(postgresql, "CREATE ROLE few LOGIN CONNECTION LIMIT 2")
    url = postgresql.replace("postgres@", "few@")
    try:
        with Database("source", url) as database, database.snapshot(connections=4) as snapshot:
            assert len(snapshot.sessions) == 2
    finally:
        run(postgresql, "DROP ROLE few")


def test_nothing_runs_on_at_the_server(one: str) -> None:
    """Whoever leaves a snapshot, by Ctrl-C too, leaves no statement running, and no work waiting."""
    with Database("source", one) as database:
        name = database.dialect.name
        futures = []
        with suppress(KeyboardInterrupt), database.snapshot() as snapshot:
            futures = [snapshot.start(lambda session: session.value(SLOW[name])) for _ in range(8)]
            while not all(future.running() for future in futures[:4]):
                threading.Event().wait(0.01)
            raise KeyboardInterrupt
        assert all(future.done() for future in futures)
        with pytest.raises(CancelledError):
            futures[-1].result()
        assert name == "sqlite" or database.value(RUNNING[name]) == 0


def test_ctrl_c_in_a_single_session(one: str) -> None:
    """A session that is left by Ctrl-C leaves no statement running either."""
    with Database("source", one) as database:
        name = database.dialect.name
        started = threading.Event()
        found: list[object] = []

        def run(session: Session) -> None:
            started.set()
            with suppress(Exception):
                found.append(session.value(SLOW[name]))

        with suppress(KeyboardInterrupt), database.session() as session:
            thread = threading.Thread(target=run, args=(session,))
            thread.start()
            started.wait()
            while name != "sqlite" and not database.value(RUNNING[name]):
                threading.Event().wait(0.01)
            threading.Event().wait(0.3)
            raise KeyboardInterrupt
        thread.join(30)
        assert not thread.is_alive()
        assert name == "sqlite" or database.value(RUNNING[name]) == 0


@pytest.mark.parametrize("dbms", ["postgresql", "mariadb"])
def test_others_at_work_are_counted(request: pytest.FixtureRequest, dbms: str) -> None:
    """A server tells how many sessions of others it works for, and ours are none of them."""
    url = str(request.getfixturevalue(dbms))
    with Database("source", url) as database, database.snapshot(connections=2) as snapshot:
        room, name = database.dialect.session, database.dialect.name
        before = snapshot.run(room.active, 2)
        engine = create_engine(url)
        with engine.connect() as other:
            thread = threading.Thread(target=other.exec_driver_sql, args=(SLOW[name].replace("60", "3"),))
            thread.start()
            while snapshot.run(room.active, 1) <= before:
                threading.Event().wait(0.05)
            thread.join()
        engine.dispose()
