"""What a MariaDB or MySQL server has as its sql_mode changes no canonical text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from pytest_visionforge.compare import take
from pytest_visionforge.database import Database
from tests.compare.conftest import plan_of, run

MODES = "TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES"


@pytest.fixture
def table(mariadb: str) -> Iterator[str]:
    """A table with dates that are none, and a CHAR that is not full; its server gets its modes back."""
    run(
        mariadb,
        "SET SESSION sql_mode = ''",
        "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(9) NOT NULL, d DATE NOT NULL, m DATETIME(6), s VARCHAR(9))",
        "INSERT INTO t VALUES (1, 'a', '0000-00-00', '2024-00-00', 'a'), (2, '', '2024-02-00', NULL, '\\\\')",
    )
    engine = create_engine(mariadb, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        usual = connection.exec_driver_sql("SELECT @@GLOBAL.sql_mode").scalar()
        yield mariadb
        connection.exec_driver_sql(f"SET GLOBAL sql_mode = '{usual}'")
    engine.dispose()


def _seen(folder: Path, url: str) -> tuple[object, list[tuple[str | None, ...]]]:
    """The digests of the table, and its dates as moments of an expression, whose type tells no fraction."""
    with Database("source", url) as database, database.session() as session:
        digests = take(session, plan_of(folder, url), database.schema, folder / "baseline").tables["t"].whole
        room = database.dialect.canonical
        room.prepare(session)
        texts = [room.text(name, "timestamp", "datetime of any fraction") for name in ("d", "m")]
        return digests, [tuple(row) for row in session.all(f"SELECT {', '.join(texts)} FROM t ORDER BY id")]


def test_modes_change_nothing(table: str, tmp_path: Path) -> None:
    """Digests are the same, and a date that is none keeps its text: it is not taken for NULL."""
    usual = _seen(tmp_path, table)
    assert usual[1] == [("0000-00-00 00:00:00", "2024-00-00 00:00:00"), ("2024-02-00 00:00:00", None)]
    run(table, f"SET GLOBAL sql_mode = '{MODES}'")
    assert _seen(tmp_path, table) == usual
