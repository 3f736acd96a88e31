"""What MariaDB and MySQL say of themselves while others work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import URL

from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.pulse import Activity, Pulse, Replica, Wait, anonymous
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
WHERE (p.db = DATABASE() OR p.db IS NULL AND t.trx_id IS NOT NULL) AND p.id <> CONNECTION_ID()
"""
_LOCKS = {
    "MariaDB": "SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, l.lock_table"
    " FROM information_schema.innodb_lock_waits w"
    " JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id"
    " JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id"
    " JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id",
    "MySQL": "SELECT waiting_pid, blocking_pid, locked_table FROM sys.innodb_lock_waits",
}
_READERS = """
SELECT DISTINCT user, SUBSTRING_INDEX(host, '\\:', 1) FROM information_schema.processlist
WHERE command LIKE 'Binlog Dump%'
"""
_PREPARED = {"MariaDB": "XA RECOVER FORMAT = 'SQL'", "MySQL": "XA RECOVER CONVERT XID"}
_METADATA = "Waiting for table metadata lock"
_PREPARING = "preparing for alter table"  # ALTER may wait in it for a transaction without a session
_DEFINITION = "the table's definition"
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
        replicas=(*_sources(session), *_readers(session)),
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
    """Dumps, transactions older than `seconds`, prepared ones, locked tables: a metadata lock queues behind each.

    Of which database a prepared transaction is the server does not tell.
    """
    rows, _ = _rows(session)
    dumps = [row for row in rows if _DUMP in (row[3] or "")]
    old = [row for row in rows if row not in dumps and row[2] is not None and row[2] > seconds]
    found = [*(replace(_activity(row), who=f"{row[1]}, a dump") for row in dumps), *map(_activity, old)]
    return (*sorted(found, key=_age, reverse=True), *_prepared(session), *_locked(session, rows))


def _locked(session: Session, rows: list[AnyRow]) -> Iterator[Activity]:
    """Tables that are in use though nobody does anything with them: LOCK TABLES, of a session that is idle."""
    if any(row[5] != "Sleep" and row[4] != _METADATA for row in rows):
        return
    tables = ", ".join(
        row[1] for row in session.all("SHOW OPEN TABLES WHERE `Database` = DATABASE() AND In_use")
    )
    idle = " or ".join(str(row[0]) for row in rows if row[5] == "Sleep")
    if tables:
        yield Activity(f"connection {idle or 'unknown'}", f"LOCK TABLES on {tables}")


def _prepared(session: Session) -> Iterator[Activity]:
    """Transactions that wait for XA COMMIT, also those whose session is gone."""
    rows: list[AnyRow] = []
    with suppress(DatabaseError):  # MySQL asks for XA_RECOVER_ADMIN
        rows = session.all(_PREPARED[_product(session)])
    for row in rows:
        yield Activity(f"prepared transaction {row[3]}; XA COMMIT or XA ROLLBACK ends it", "XA")


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
            elsewhere = Activity(f"connection {blocker}", "a session elsewhere")
            by = found.get(blocker) or (elsewhere if blocker else _nobody(session))
            yield Wait(found[waiter], by, (table or "").replace("`", ""))
    yield from _metadata_waits(session, rows, found)


def _metadata_waits(session: Session, rows: list[AnyRow], found: Mapping[int, Activity]) -> Iterator[Wait]:
    """Who holds a metadata lock is not told; whoever has a transaction open, and waits for none, may."""
    holding = [row for row in rows if row[2] is not None and row[4] != _METADATA]
    oldest = max(holding, key=lambda row: float(row[2]), default=None)
    for row in rows:
        if row[4] == _METADATA:
            yield Wait(found[row[0]], found[oldest[0]] if oldest else _nobody(session, rows), _DEFINITION)
        elif row[4] == _PREPARING and (prepared := next(_prepared(session), None)):
            yield Wait(found[row[0]], prepared, _DEFINITION)


def _nobody(session: Session, rows: list[AnyRow] | None = None) -> Activity:
    """Who blocks others without a transaction of a session: a prepared one, or LOCK TABLES."""
    found = (*_prepared(session), *_locked(session, rows or []))
    return next(iter(found), Activity("", "a session that the server does not name"))


def _sources(session: Session) -> Iterator[Replica]:
    """The server itself as the replica of others; how far it is behind is not told where it stands still."""
    try:
        rows = session.all(
            "SHOW ALL SLAVES STATUS" if _product(session) == "MariaDB" else "SHOW REPLICA STATUS"
        )
    except DatabaseError:
        return
    for row in rows:
        facts = row._mapping
        word = "Master" if "Master_Host" in facts else "Source"
        lag = facts[f"Seconds_Behind_{word}"]
        place = f"{facts[f'Relay_{word}_Log_File']} {facts[f'Exec_{word}_Log_Pos']}"
        yield Replica(
            f"this replica of {facts[f'{word}_Host']}", None if lag is None else float(lag), lag != 0, place
        )


def _readers(session: Session) -> Iterator[Replica]:
    """The replicas of this server; how far they are behind, only they know."""
    with suppress(DatabaseError):
        for user, host in session.all(_READERS):
            yield Replica(f"the replica {user} at {host}")
