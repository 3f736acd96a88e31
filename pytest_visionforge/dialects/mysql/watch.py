"""What MariaDB and MySQL say of themselves while others work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from sqlalchemy import URL

from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.pulse import Activity, Pulse, Wait, anonymous
from pytest_visionforge.errors import DatabaseError

_SETTINGS = {
    "MariaDB": "SELECT LOWER(variable_name), global_value FROM information_schema.system_variables"
    " WHERE global_value_origin NOT IN ('COMPILE-TIME', 'AUTO') AND variable_name NOT LIKE '%PASS%' ORDER BY 1",
    "MySQL": "SELECT variable_name, variable_value FROM performance_schema.variables_info"
    " JOIN performance_schema.global_variables USING (variable_name)"
    " WHERE variable_source <> 'COMPILED' AND variable_name NOT LIKE '%pass%' ORDER BY 1",
}
_SESSIONS = """
SELECT p.id, p.user, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.info, p.state, p.command
FROM information_schema.processlist p LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID()
"""
_LOCKS = {
    "MariaDB": "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, l.lock_table"
    " FROM information_schema.innodb_lock_waits w"
    " JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id"
    " JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id"
    " JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id",
    "MySQL": "SELECT waiting_pid, blocking_pid, locked_table FROM sys.innodb_lock_waits",
}
_METADATA = "Waiting for table metadata lock"
_DUMP = "SQL_NO_CACHE"  # as the dump programs read tables


def settings(session: Session) -> Mapping[str, str]:
    """The settings that are not the default; {} where the role may not know."""
    try:
        return {row[0]: str(row[1]) for row in session.all(_SETTINGS[_product(session)])}
    except DatabaseError:
        return {}


def _product(session: Session) -> str:
    return session.dialect.session.product(session)


def pulse(session: Session, url: URL) -> Pulse:
    """One look; a role without PROCESS sees no sessions but its own user's."""
    rows, note = _rows(session)
    found = {row[0]: _activity(row) for row in rows}
    return Pulse(
        connections=int(session.row("SHOW GLOBAL STATUS LIKE 'Threads_connected'")[1]),
        most=int(session.value("SELECT @@max_connections")),
        transactions=_oldest_first(found.values()),
        waits=tuple(_waits(session, rows, found)),
        lag=_lag(session),
        note=note,
    )


def _rows(session: Session) -> tuple[list[AnyRow], str]:
    try:
        return session.all(_SESSIONS), ""
    except DatabaseError:
        return [], "what others do is hidden: GRANT PROCESS ON *.* to this user"


def environment(mark: str) -> Mapping[str, str]:
    """Its clients have no variable for their names."""
    return {}


def disconnect(session: Session, mark: str, ports: frozenset[int]) -> int:
    """The sessions that come from the same host as ours, by one of the ports."""
    hosts = dict(tuple(row) for row in session.all("SELECT id, host FROM information_schema.processlist"))
    ours = str(hosts.get(session.value("SELECT CONNECTION_ID()"), "")).rpartition(":")[0]
    named = {f"{ours}:{port}" for port in ports}
    found = [id for id, host in hosts.items() if host in named]
    for id in found:
        with suppress(DatabaseError):  # it has ended by itself meanwhile
            session.all(f"KILL CONNECTION {int(id)}")
    return len(found)


def blockers(session: Session, url: URL, seconds: float) -> tuple[Activity, ...]:
    """Dumps and transactions older than `seconds`: a metadata lock of the migration's queues behind them."""
    rows, _ = _rows(session)
    old = (row for row in rows if _DUMP in (row[3] or "") or (row[2] is not None and row[2] > seconds))
    return tuple(sorted(map(_activity, old), key=_age, reverse=True))


def _oldest_first(found: Iterable[Activity]) -> tuple[Activity, ...]:
    return tuple(sorted((each for each in found if each.seconds is not None), key=_age, reverse=True))


def _age(activity: Activity) -> float:
    return activity.seconds or 0.0


def _activity(row: AnyRow) -> Activity:
    age = None if row[2] is None else max(0.0, float(row[2]))
    return Activity(f"connection {row[0]}", row[1], age, anonymous(row[3]))


def _waits(session: Session, rows: list[AnyRow], found: Mapping[int, Activity]) -> Iterator[Wait]:
    waiting = [row for row in rows if row[2] is not None or row[4]]
    if not waiting:
        return
    for waiter, blocker, table in session.all(_LOCKS[_product(session)]):
        if waiter in found:
            by = found.get(blocker, Activity(f"connection {blocker}", "a session elsewhere"))
            yield Wait(found[waiter], by, (table or "").replace("`", ""))
    yield from _metadata_waits(rows, found)


def _metadata_waits(rows: list[AnyRow], found: Mapping[int, Activity]) -> Iterator[Wait]:
    """Who holds a metadata lock is not told; whoever has a transaction open, and waits for none, may."""
    waiters = [row for row in rows if row[4] == _METADATA]
    holding = [row for row in rows if row[2] is not None and row[4] != _METADATA]
    oldest = max(holding, key=lambda row: float(row[2]), default=None)
    for row in waiters:
        unknown = Activity("", "a session that the server does not name")
        yield Wait(found[row[0]], found[oldest[0]] if oldest else unknown, "the table's definition")


def _lag(session: Session) -> float | None:
    """Seconds that this server is behind its own source; None where it has none, or may not say."""
    try:
        rows = session.all("SHOW SLAVE STATUS" if _product(session) == "MariaDB" else "SHOW REPLICA STATUS")
    except DatabaseError:
        return None
    behind = [
        value
        for row in rows
        for name, value in row._mapping.items()
        if name in ("Seconds_Behind_Master", "Seconds_Behind_Source") and value is not None
    ]
    return float(max(behind)) if behind else None
