"""How PostgreSQL is opened: read-only by the server, limited by the server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine

from pytest_visionforge.database.session import Session

APPLICATION = "visionforge"
CONNECT_SECONDS = 5
CANCEL_SECONDS = 5
LOCK_SECONDS = 2
QUERY_CANCELED = "57014"
SAVEPOINT = "visionforge"
_OPTIONS = (
    f"-c default_transaction_read_only=on -c lock_timeout={LOCK_SECONDS * 1000} -c TimeZone=UTC"
    " -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex"
    " -c row_security=off -c client_encoding=UTF8 -c standard_conforming_strings=on"
)


def engine(url: URL, connections: int) -> Engine:
    """A pool of connections that start every transaction read-only."""
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": APPLICATION,
            "options": " ".join((str(url.query.get("options", "")), _OPTIONS)),
        },
    )


def begin(connection: Connection, seconds: float) -> None:
    """Starts a read-only transaction on one snapshot; the server cancels what takes longer."""
    _begin(connection, seconds)


def _begin(connection: Connection, seconds: float, snapshot: str = "") -> None:
    connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    if snapshot:
        connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
    connection.exec_driver_sql(f"SAVEPOINT {SAVEPOINT}")


def begin_all(connections: Sequence[Connection], seconds: float) -> bool:
    """Starts one on each; the others see the snapshot that the first exports."""
    first, *others = connections
    begin(first, seconds)
    snapshot = _exported(first) if others else ""
    for connection in others:
        _begin(connection, seconds, snapshot)
    return True


def state(session: Session) -> str:
    """The timeline, and which transactions the snapshot sees: without a new one there is nothing new."""
    return str(
        session.value(
            "SELECT CASE WHEN pg_is_in_recovery() THEN ''"
            " ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) || ' ' || txid_current_snapshot() END"
        )
    )


def cancel(connection: Connection) -> None:
    """Asks the server to cancel what runs on a connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.cancel_safe(timeout=CANCEL_SECONDS)


def active(session: Session, ours: int) -> int:
    """The sessions of others that run a statement, as far as the role may see them."""
    session.value("SELECT pg_stat_clear_snapshot()")  # else it stays as the transaction saw it first
    return int(
        session.value(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend'"
            f" AND application_name <> '{APPLICATION}'"
        )
    )


def recover(connection: Connection) -> None:
    """A statement that fails spoils the transaction, up to the savepoint that `begin` made."""
    connection.exec_driver_sql(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")


def export_snapshot(session: Session) -> str:
    """The name by which other connections (`pg_dump --snapshot`) see this session's state, while it lasts."""
    return _exported(session.connection)


def _exported(connection: Connection) -> str:
    connection.exec_driver_sql(f"RELEASE SAVEPOINT {SAVEPOINT}")  # none is exported from within one
    name = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())
    connection.exec_driver_sql(f"SAVEPOINT {SAVEPOINT}")
    return name


def is_time_limit(error: BaseException | None) -> bool:
    """Did the server cancel a statement?"""
    return getattr(error, "sqlstate", None) == QUERY_CANCELED


def read_only(session: Session) -> bool:
    """Does the server say that this transaction cannot write?"""
    return bool(session.value("SELECT current_setting('transaction_read_only')") == "on")


def product(session: Session) -> str:
    """PostgreSQL."""
    return "PostgreSQL"


def version(session: Session) -> tuple[int, ...]:
    """Major and minor version."""
    return divmod(int(session.value("SELECT current_setting('server_version_num')")), 10_000)


def identity(session: Session, url: URL) -> str:
    """The cluster's own number and the database's name, which every road to it shares.

    Not its OID: a backup that was put back by renaming has another one, and is the same database.
    """
    row = session.row("SELECT system_identifier, current_database() FROM pg_control_system()")
    return f"postgresql:{row[0]}:{row[1]}"


def now(session: Session) -> datetime:
    """The server's clock."""
    value: datetime = session.value("SELECT clock_timestamp()")
    return value
