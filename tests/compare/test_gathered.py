"""What MariaDB cuts while it gathers the rows of a segment, or leaves out, is never taken for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from pytest_visionforge.compare import take
from pytest_visionforge.database import Database
from pytest_visionforge.dialects.mysql import canonical
from pytest_visionforge.errors import DatabaseError
from tests.compare.conftest import plan_of, run

PACKET = 16_384


@contextmanager
def small_packets(url: str) -> Iterator[None]:
    """No answer of the server, and no text that it puts together, may be longer than `PACKET` bytes."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        usual = connection.exec_driver_sql("SELECT @@GLOBAL.max_allowed_packet").scalar()
        connection.exec_driver_sql(f"SET GLOBAL max_allowed_packet = {PACKET}")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SET GLOBAL max_allowed_packet = {usual}")
    engine.dispose()


def _digest(folder: Path, url: str) -> object:
    """The digests of the table t."""
    with Database("source", url) as database, database.session() as session:
        return take(session, plan_of(folder, url), database.schema, folder / "baseline").tables["t"].whole


def _table(url: str, columns: int, rows: int) -> None:
    names = [f"c{number}" for number in range(columns)]
    run(
        url,
        f"CREATE TABLE t (id INT PRIMARY KEY, {', '.join(f'{name} TEXT NOT NULL' for name in names)})",
        f"INSERT INTO t SELECT seq, {', '.join(['REPEAT(seq % 7, 1000)'] * columns)} FROM seq_1_to_{rows}",
    )


def test_rows_longer_than_a_packet_together(mariadb: str, tmp_path: Path) -> None:
    """All rows of a segment are hashed, however much longer than a packet they are together."""
    _table(mariadb, columns=1, rows=200)
    usual = _digest(tmp_path, mariadb)
    with small_packets(mariadb):
        assert _digest(tmp_path, mariadb) == usual
        run(mariadb, "UPDATE t SET c0 = CONCAT(c0, 'x') WHERE id = 200")
        assert _digest(tmp_path, mariadb) != usual


def test_a_row_longer_than_a_packet(mariadb: str, tmp_path: Path) -> None:
    """The server makes NULL of its text, and the comparison stops with the setting that mends it."""
    _table(mariadb, columns=20, rows=3)
    assert _digest(tmp_path, mariadb)
    with small_packets(mariadb), pytest.raises(DatabaseError, match="raise max_allowed_packet"):
        _digest(tmp_path, mariadb)


def test_rows_that_are_cut(mariadb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server cuts what it gathers, the client hashes the rows: the digest is the same."""
    _table(mariadb, columns=1, rows=50)
    usual = _digest(tmp_path, mariadb)
    for gathered in (50 * 1_010, 50 * 1_004, 5_000):
        monkeypatch.setattr(canonical, "GATHERED", gathered)
        assert _digest(tmp_path, mariadb) == usual


def test_another_warning_stops_nothing(mariadb: str, tmp_path: Path) -> None:
    """The server warns of a number that DECIMAL cannot hold: all rows are there all the same."""
    run(
        mariadb,
        "CREATE TABLE t (id INT PRIMARY KEY, v DOUBLE)",
        "INSERT INTO t VALUES (1, 1e300), (2, 1e-300), (3, NULL)",
    )
    with Database("source", mariadb) as database, database.session() as session:
        room = database.dialect.canonical
        room.prepare(session)
        text = room.joined(["id", f"COALESCE({room.text('v', 'number', 'double')}, '~')"])
        found = room.digests(session, ["FROM t"], text, "id", limit=9, packed=False)
        assert session.value(f"SELECT COUNT({text}) FROM t") == 3
        assert session.value("SELECT @@warning_count") > 0
        whole = "\n".join(row[0] for row in session.all(f"SELECT CAST({text} AS CHAR) FROM t ORDER BY id"))
    assert found == [(3, sha256(whole.encode()).hexdigest())]
