"""A session reads only, in time, one state of the database, and not more than it holds."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil
import pytest

from pytest_visionforge import dialects
from pytest_visionforge.database import Database
from pytest_visionforge.errors import DatabaseError, TimeLimit
from tests import samples

SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(30)",
    "mysql": "SELECT sleep(30)",
}
MANY = {  # 200,000 rows of 1,000 characters
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 200000)"
    " SELECT x, hex(zeroblob(500)) FROM n",
    "postgresql": "SELECT x, repeat('x', 1000) FROM generate_series(1, 200000) x",
    "mysql": "SELECT seq, repeat('x', 1000) FROM seq_1_to_200000",
}
WRITES = {
    "all": (
        "INSERT INTO t VALUES (2)",
        "UPDATE t SET a = 5",
        "DELETE FROM t",
        "DROP TABLE t",
        "ALTER TABLE t ADD COLUMN b int",
        "CREATE TABLE u (a int)",
        "CREATE TEMPORARY TABLE u (a int)",
        "CREATE INDEX i ON t (a)",
        "CREATE VIEW w AS SELECT 1 AS a",
    ),
    "sqlite": (
        "PRAGMA user_version = 7",
        "PRAGMA journal_mode = WAL",
        "PRAGMA query_only = 0",
        "INSERT INTO t VALUES (2)",
        "VACUUM",
    ),
    "postgresql": (
        "SELECT nextval('s')",
        "TRUNCATE t",
        "SELECT lo_create(0)",
        "COMMIT; DELETE FROM t",
        "DELETE FROM t",
    ),
    "mysql": ("SELECT nextval(s)", "TRUNCATE t", "COMMIT", "DELETE FROM t"),
}
# These may go through without an error, and still nothing changes (large objects: PostgreSQL 16 refuses).
HARMLESS = ("PRAGMA", "COMMIT", "SELECT lo_create")


def dbms(url: str) -> str:
    """The name of a URL's dialect."""
    return dialects.parse_url(url).get_backend_name()


def prepared(url: str) -> str:
    """A database with a table `t` of one row, and a sequence."""
    sequence = () if dbms(url) == "sqlite" else ("CREATE SEQUENCE s",)
    samples.execute(url, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", *sequence)
    return url


def test_writes_are_refused(url: str) -> None:
    """Whatever writes is refused by the DBMS, and the database stays what it was."""
    with Database("source", prepared(url)) as database:
        schema, rows = database.schema, database.all("SELECT a FROM t")
        for statement in (*WRITES["all"], *WRITES[dbms(url)]):
            with database.session() as session:
                try:
                    session.all(statement)
                except DatabaseError:
                    continue
                assert statement.startswith(HARMLESS), f"{statement} was let through"
    with Database("source", url) as database:
        assert database.schema == schema
        assert database.all("SELECT a FROM t") == rows


def test_writes_are_refused_later_too(url: str) -> None:
    """A session that ends its own transaction, or lifts a limit, still cannot write."""
    unlock = {"sqlite": "PRAGMA query_only = 0", "postgresql": "COMMIT", "mysql": "COMMIT"}
    with Database("source", prepared(url)) as database, database.session() as session:
        session.connection.exec_driver_sql(unlock[dbms(url)])
        with pytest.raises(DatabaseError):
            session.all("INSERT INTO t VALUES (2)")


def test_sqlite_file_is_untouched(sqlite: str, tmp_path: Path) -> None:
    """Reading SQLite, and failing to write, changes no byte and leaves no file behind."""
    path = tmp_path / "test.db"
    before = prepared(sqlite) and path.read_bytes()
    with Database("source", sqlite) as database:
        for statement in (*WRITES["all"], *WRITES["sqlite"], f"ATTACH '{tmp_path}/other.db' AS other"):
            with database.session() as session:
                try:
                    session.all(statement)
                except DatabaseError:
                    continue
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["test.db"]


def test_server_says_read_only(url: str) -> None:
    """The DBMS itself says that the session cannot write."""
    with Database("source", url) as database, database.session() as session:
        assert database.dialect.session.read_only(session)


def test_time_limit(url: str) -> None:
    """A statement that takes too long is cancelled, and the session goes on."""
    with Database("source", url) as database, database.session(seconds=0.3) as session:
        with pytest.raises(TimeLimit, match=r"0\.3 s"):
            session.value(SLOW[dbms(url)])
        assert session.value("SELECT 1") == 1


def test_time_limit_in_a_stream(sqlite: str) -> None:
    """A stream is cancelled as well."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0"
    with Database("source", sqlite) as database, database.session(seconds=0.2) as session:
        with pytest.raises(TimeLimit):
            list(session.rows(endless))
        assert session.value("SELECT 1") == 1


def test_one_snapshot(url: str) -> None:
    """A session sees one state, whatever is written meanwhile; the next one sees the new state."""
    prepared(url)
    if dbms(url) == "sqlite":
        samples.pragma(url, "journal_mode = WAL")  # else a reader keeps the writer waiting
    with Database("source", url) as database:
        with database.session() as session:
            assert session.value("SELECT count(*) FROM t") == 1
            samples.execute(url, "INSERT INTO t VALUES (2)")
            assert session.value("SELECT count(*) FROM t") == 1
        assert database.value("SELECT count(*) FROM t") == 2


def test_one_snapshot_after_an_error(url: str) -> None:
    """A statement that fails spoils neither the session nor its snapshot."""
    prepared(url)
    if dbms(url) == "sqlite":
        samples.pragma(url, "journal_mode = WAL")
    with Database("source", url) as database, database.session() as session:
        assert session.value("SELECT count(*) FROM t") == 1
        samples.execute(url, "INSERT INTO t VALUES (2)")
        with pytest.raises(DatabaseError):
            session.all("SELECT absent FROM nowhere")
        assert session.value("SELECT count(*) FROM t") == 1


def test_exported_snapshot(postgresql: str) -> None:
    """PostgreSQL's snapshot is exported for `pg_dump`, and the session still recovers from an error."""
    from pytest_visionforge.dialects.postgresql.session import export_snapshot

    prepared(postgresql)
    source = Database("source", postgresql)
    with source, source.session() as session, source.session() as other:
        name = export_snapshot(session)
        samples.execute(postgresql, "INSERT INTO t VALUES (2)")
        other.connection.exec_driver_sql("ROLLBACK")
        other.connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        other.connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        assert other.value("SELECT count(*) FROM t") == 1
        with pytest.raises(DatabaseError):
            session.all("SELECT 1 / 0")
        assert session.value("SELECT count(*) FROM t") == 1


def test_streaming_holds_few_rows(url: str) -> None:
    """200 MB of rows pass through a session that never holds more than a part of them."""
    process = psutil.Process()
    with Database("source", url, seconds=300) as database, database.session() as session:
        gc.collect()
        before, count, most = process.memory_info().rss, 0, 0
        for row in session.rows(MANY[dbms(url)]):
            count += 1
            assert len(row[1]) == 1000
            if count % 10_000 == 0:
                most = max(most, process.memory_info().rss - before)
    assert count == 200_000
    assert most < 60_000_000


def test_streaming_holds_the_session(url: str) -> None:
    """A statement amid a stream is refused (MariaDB would lose the stream's rest); after it, it runs."""
    with Database("source", url) as database, database.session() as session:
        stream = session.rows(MANY[dbms(url)])
        next(stream)
        with pytest.raises(RuntimeError, match="still streams"):
            session.value("SELECT 1")
        stream.close()  # type: ignore[attr-defined]
        assert session.value("SELECT 1") == 1


def test_statements_after_a_stream(url: str) -> None:
    """After a stream the session is what it was: any statement runs, not only queries."""
    with Database("source", prepared(url)) as database, database.session() as session:
        assert [row.a for row in session.rows("SELECT a FROM t")] == [1]
        utterance = {"sqlite": "PRAGMA encoding", "postgresql": "SHOW server_version", "mysql": "SHOW TABLES"}
        assert session.value(utterance[dbms(url)])


def test_values(url: str) -> None:
    """Rows, one row, one value, groups: as asked, with parameters bound and `%` and colons left alone."""
    with Database("source", prepared(url)) as database, database.session() as session:
        joined = "concat('50%', :x)" if dbms(url) == "mysql" else "'50%' || :x"
        assert session.value(f"SELECT {joined}", x="a:b") == "50%a:b"
        assert session.value(r"SELECT 'a\:b'") == "a:b"
        assert session.value("SELECT a FROM t WHERE a = 9") is None
        with pytest.raises(DatabaseError, match="gave none"):
            session.row("SELECT a FROM t WHERE a = 9")
        groups = session.grouped("SELECT a, 1 FROM t UNION ALL SELECT a, 2 FROM t")
        assert [tuple(row) for row in groups[1]] == [(1, 1), (1, 2)]
        assert groups[7] == []


def test_error_without_parameters(url: str) -> None:
    """An error shows what the server says, but neither the statement nor the values in it."""
    source = Database("source", url)
    with source, source.session() as session, pytest.raises(DatabaseError) as caught:
        session.all("SELECT absent FROM nowhere WHERE a = :secret", secret="hunter2")
    assert "nowhere" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
