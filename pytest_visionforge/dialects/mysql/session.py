"""How MariaDB and MySQL are opened: read-only by the server, limited by the server."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pymysql
from sqlalchemy import URL, Connection, Engine, create_engine

from pytest_visionforge.database.session import Session

CONNECT_SECONDS = 5
LOCK_SECONDS = 2
TRIES = 5  # to begin several transactions between two writes of others
PAUSE = 0.05  # seconds in which a commit that is logged becomes visible
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


def begin_all(connections: Sequence[Connection], seconds: float) -> bool:
    """Starts one on each. There are no shared snapshots: that they are one is proved by InnoDB's log.

    Each commit moves the log on. Where it stood still while all transactions began, they see the same.
    """
    if len(connections) == 1:
        begin(connections[0], seconds)
        return True
    for _ in range(TRIES):
        before = _log_position(connections[0])
        time.sleep(PAUSE)
        for connection in connections:
            begin(connection, seconds)
        if before and before == _log_position(connections[0]):
            return True
    return False


def _log_position(connection: Connection) -> int:
    """The end of InnoDB's log; 0 where the server does not tell."""
    found = connection.exec_driver_sql(
        "SHOW GLOBAL STATUS WHERE variable_name IN ('Innodb_lsn_current', 'Innodb_redo_log_current_lsn')"
    ).first()
    return int(found[1]) if found else 0


def state(session: Session) -> str:
    """The end of InnoDB's log, which each commit moves; "" where other engines keep tables, too."""
    others = session.value(
        "SELECT count(*) FROM information_schema.tables"
        " WHERE table_schema = database() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'"
    )
    position = _log_position(session.connection)
    return f"log {position}" if position and not others else ""


def cancel(connection: Connection) -> None:
    """Kills what runs on a connection, through another one."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, pymysql.Connection)
    number = int(driver.thread_id())  # type: ignore[no-untyped-call]
    other = engine(connection.engine.url, 1)
    try:
        with other.connect() as killer:
            killer.exec_driver_sql(f"KILL QUERY {number}")
    finally:
        other.dispose()


def active(session: Session, ours: int) -> int:
    """The sessions that run a statement, without ours and those of replication that never end."""
    found = session.row("SHOW GLOBAL STATUS LIKE 'Threads_running'")
    return max(0, int(found[1]) - ours)


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
