"""Opening a database: who it is, and one clear message where it cannot be opened."""

from __future__ import annotations

import socket
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_visionforge import dialects
from pytest_visionforge.database import Database
from pytest_visionforge.errors import CannotConnect, DatabaseError, PlanError
from tests import samples
from tests.servers import Server

SECRET = "s3cr3t-pa55"


def message(url: str) -> str:
    """The message of a database that cannot be opened; no password is anywhere in its traceback."""
    with Database("source", url) as database, pytest.raises(CannotConnect) as caught:
        database.value("SELECT 1")
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(database)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
def test_nobody_listens(scheme: str) -> None:
    """A server that does not run is named, with its role."""
    said = message(f"{scheme}://me:{SECRET}@127.0.0.1:{closed_port()}/shop")
    assert said.startswith("source ")
    assert "127.0.0.1" in said
    assert "check the URL" in said


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_unknown_host(scheme: str) -> None:
    """A host that does not exist is named."""
    assert "nowhere.invalid" in message(f"{scheme}://me:{SECRET}@nowhere.invalid/shop")


def test_wrong_password(mariadb_server: Server, mariadb: str) -> None:
    """A wrong password is refused without being shown."""
    mariadb_server.run("CREATE OR REPLACE USER vf_test_user@'%' IDENTIFIED BY 'right'")
    url = dialects.parse_url(mariadb).set(username="vf_test_user", password=SECRET)
    try:
        assert "vf_test_user" in message(url.render_as_string(hide_password=False))
    finally:
        mariadb_server.run("DROP USER vf_test_user@'%'")


def test_wrong_role(postgresql: str) -> None:
    """A role that does not exist is named without its password."""
    url = dialects.parse_url(postgresql).set(username="vf_nobody", password=SECRET)
    assert "vf_nobody" in message(url.render_as_string(hide_password=False))


def test_unknown_database(postgresql: str, mariadb: str) -> None:
    """A database that does not exist is named."""
    for url in (postgresql, mariadb):
        wrong = dialects.parse_url(url).set(database="vf_absent")
        assert "vf_absent" in message(wrong.render_as_string(hide_password=False))


def test_unknown_option(postgresql: str, mariadb: str) -> None:
    """An option that the driver does not know is an error of the URL, not a crash."""
    for url in (postgresql, mariadb):
        wrong = dialects.parse_url(url).update_query_dict({"colour": "blue"})
        assert "colour" in message(wrong.render_as_string(hide_password=False))


def test_driver_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the driver is not installed, the message says how to install it."""
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'pytest-visionforge[postgresql]'" in message("postgresql://me@127.0.0.1/shop")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "empty (0 bytes)"),
        (b"This is no database, it is a text. " * 100, "not a SQLite database"),
        (b"SQLite format 3\0" + b"\xff" * 4000, "not a SQLite database"),
    ],
    ids=["missing", "empty", "garbage", "garbage with a header"],
)
def test_no_sqlite_database(tmp_path: Path, content: bytes | None, said: str) -> None:
    """A path that holds no SQLite database is refused, and no file is made there."""
    path = tmp_path / "shop.db"
    if content is not None:
        path.write_bytes(content)
    found = message(f"sqlite:///{path}")
    assert said in found
    assert str(path) in found
    assert path.exists() == (content is not None)


def test_sqlite_directory(tmp_path: Path) -> None:
    """A directory is not a database, and neither is a URL without a path."""
    assert "is a directory" in message(f"sqlite:///{tmp_path}")
    assert "is a directory" in message("sqlite://")


@pytest.mark.parametrize("text", ["shop.db", "", "oracle://host/shop", "postgresql://host:port/shop", "://"])
def test_no_url(text: str) -> None:
    """What is not a URL of a known DBMS is refused when the plan is read."""
    with pytest.raises(PlanError):
        Database("source", text)


def test_nothing_is_opened_early() -> None:
    """A database that is never asked anything is never connected to."""
    database = Database("source", f"postgresql://me:{SECRET}@127.0.0.1:{closed_port()}/shop")
    assert database.shown == database.shown.replace(SECRET, "***")
    database.close()


def test_identity_by_two_roads(postgresql: str, mariadb: str, sqlite: str, tmp_path: Path) -> None:
    """Two roads to one database give one identity."""
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "test.db")
    roads = [(sqlite, f"sqlite:///{link}")]
    for url in (postgresql, mariadb):
        if dialects.parse_url(url).host == "127.0.0.1":
            other = dialects.parse_url(url).set(host="localhost")
            roads.append((url, other.render_as_string(hide_password=False)))
    for one, two in roads:
        with Database("source", one) as source, Database("target", two) as target:
            assert source.identity.id == target.identity.id
            assert source.shown != target.shown


def test_identities_differ(
    postgresql_server: Server, mariadb_server: Server, sqlite: str, tmp_path: Path
) -> None:
    """Two databases of one server, or two files, have two identities."""
    samples.execute(f"sqlite:///{tmp_path}/other.db", "CREATE TABLE t (a)")
    pairs = [(sqlite, f"sqlite:///{tmp_path}/other.db")]
    pairs.extend((server.create(), server.create()) for server in (postgresql_server, mariadb_server))
    try:
        for one, two in pairs:
            with Database("source", one) as source, Database("target", two) as target:
                assert source.identity.id != target.identity.id
    finally:
        for server, urls in zip((postgresql_server, mariadb_server), pairs[1:], strict=True):
            for url in urls:
                server.drop(url)


def test_identity_tells_the_dbms(url: str) -> None:
    """The identity names the product and its version."""
    with Database("source", url) as database:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
        assert database.identity.dbms == names[database.dialect.name]
        assert database.version >= (3, 20)
        assert database.identity.version == ".".join(map(str, database.version))


def test_clock(url: str) -> None:
    """The server's clock is told in UTC, with its zone."""
    with Database("source", url) as database:
        assert database.now().utcoffset() == timedelta(0)
        assert abs(database.now() - datetime.now(UTC)) < timedelta(hours=1)  # not off by a time zone


def test_size_grows(url: str) -> None:
    """The size on disk counts a new table with its rows."""
    with Database("source", url) as database:
        before = database.size()
        filler = "'" + "x" * 1000 + "'"
        rows = ", ".join([f"({filler})"] * 1000)
        samples.execute(url, "CREATE TABLE t (a text)", f"INSERT INTO t VALUES {rows}")
        if database.dialect.name == "mysql":
            samples.execute(url, "ANALYZE TABLE t")
        assert database.size() >= before + 900_000


def test_count_and_table(url: str) -> None:
    """A table is found by its id and counted; one that is not there is named."""
    samples.execute(url, "CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (2)")
    with Database("source", url) as database:
        assert database.count(database.table("t")) == 2
        with pytest.raises(DatabaseError, match="has no table u"):
            database.table("u")


def test_used_again_after_close(url: str) -> None:
    """A database that was closed opens again when it is asked."""
    with Database("source", url) as database:
        assert database.value("SELECT 1") == 1
        database.close()
        assert database.value("SELECT 1") == 1


def test_connection_that_was_lost(postgresql: str, mariadb: str) -> None:
    """A connection that the server ended while it lay idle is replaced without a word."""
    kill = {
        "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'visionforge' AND datname = current_database()",
        "mysql": "KILL {}",
    }
    for url in (postgresql, mariadb):
        with Database("source", url) as database:
            backend = "SELECT connection_id()" if database.dialect.name == "mysql" else "SELECT 1"
            number = database.value(backend)
            samples.execute(url, kill[database.dialect.name].format(number))
            assert database.value("SELECT 1") == 1


def test_tables_have_sizes(url: str) -> None:
    """A table with rows takes room, more than an empty one, under whatever name."""
    samples.execute(url, "CREATE TABLE small (a INT)", "CREATE TABLE large (a INT, b VARCHAR(200))")
    samples.execute(url, *["INSERT INTO large VALUES (1, '" + "x" * 200 + "')"] * 5)
    doubled = "INSERT INTO large SELECT a, b FROM large"
    samples.execute(url, *[doubled] * 10)
    if "mysql" in url:
        samples.execute(url, "ANALYZE TABLE large", "ANALYZE TABLE small")
    with Database("source", url) as database:
        sizes = database.table_sizes()
    assert set(sizes) == {"small", "large"}
    assert sizes["large"] > 500_000 > sizes["small"]
