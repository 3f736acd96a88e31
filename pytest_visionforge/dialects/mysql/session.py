"""How MariaDB and MySQL are opened: read-only by the server, limited by the server."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import URL, Connection, Engine, create_engine

from pytest_visionforge.database.session import Session

CONNECT_SECONDS = 5
LOCK_SECONDS = 2
CANCELLED = {1969, 3024}  # MariaDB's max_statement_time, MySQL's max_execution_time


def engine(url: URL, connections: int) -> Engine:
    """A pool of connections whose transactions are read-only."""
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "charset": "utf8mb4",
            "program_name": "visionforge",
            "init_command": f"SET SESSION time_zone = '+00:00', lock_wait_timeout = {LOCK_SECONDS}",
        },
    )


def begin(connection: Connection, seconds: float) -> None:
    """Starts a read-only transaction on one snapshot; the server cancels what takes longer."""
    run = connection.exec_driver_sql
    run("SET SESSION TRANSACTION READ ONLY")
    run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    if _is_mariadb(connection):
        run(f"SET SESSION max_statement_time = {seconds:.3f}")
    else:
        run(f"SET SESSION max_execution_time = {int(seconds * 1000)}")
        run("SET SESSION information_schema_stats_expiry = 0")
    run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _is_mariadb(connection: Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))


def recover(connection: Connection) -> None:
    """A statement that fails leaves the transaction as it was."""


def is_time_limit(error: BaseException | None) -> bool:
    """Did the server cancel a statement?"""
    return bool(error and error.args and error.args[0] in CANCELLED)


def read_only(session: Session) -> bool:
    """Does the server say that this session's transactions cannot write?"""
    name = "tx_read_only" if product(session) == "MariaDB" else "transaction_read_only"
    return bool(session.value(f"SELECT @@session.{name}") == 1)


def product(session: Session) -> str:
    """MySQL or MariaDB."""
    return "MariaDB" if "mariadb" in str(session.value("SELECT VERSION()")).lower() else "MySQL"


def version(session: Session) -> tuple[int, ...]:
    """The server's version, without the distribution's additions."""
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\.(\d+)", str(session.value("SELECT VERSION()")))
    return tuple(int(part) for part in found.groups()) if found else ()


def identity(session: Session, url: URL) -> str:
    """Host, port, data directory and schema as the server names them (MariaDB has no server UUID)."""
    row = session.row("SELECT @@hostname, @@port, @@datadir, DATABASE()")
    return "mysql:" + ":".join(str(part) for part in row)


def now(session: Session) -> datetime:
    """The server's clock."""
    value: datetime = session.value("SELECT UTC_TIMESTAMP(6)")
    return value.replace(tzinfo=UTC)
