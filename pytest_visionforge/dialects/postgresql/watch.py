"""What PostgreSQL says of itself while others work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import URL

from pytest_visionforge.database.session import AnyRow, Session
from pytest_visionforge.dialects.postgresql.session import APPLICATION
from pytest_visionforge.dialects.pulse import Activity, Pulse, Replica, Slot, Wait, anonymous

_SETTINGS = """
SELECT name, setting || CASE WHEN unit IS NULL THEN '' ELSE ' x ' || unit END FROM pg_settings
WHERE source NOT IN ('default', 'override', 'client', 'session') AND name !~ 'conninfo|command|pass'
ORDER BY name
"""
_SESSIONS = f"""
SELECT pid, coalesce(usename, '?') || coalesce(' ' || nullif(application_name, ''), ''),
  extract(epoch FROM clock_timestamp() - xact_start), query, query = '<insufficient privilege>',
  CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) END, application_name
FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> '{APPLICATION}'
"""
_WANTED = (
    "SELECT pid, relation\\:\\:regclass\\:\\:text FROM pg_locks WHERE NOT granted AND relation IS NOT NULL"
)
_PREPARED = """
SELECT gid, owner, extract(epoch FROM clock_timestamp() - prepared) FROM pg_prepared_xacts
WHERE database = current_database() ORDER BY prepared
"""
_TOTALS = """
SELECT count(*), current_setting('max_connections')\\:\\:int FROM pg_stat_activity
WHERE backend_type = 'client backend'
"""
# Two replicas of one name count as one, the slower; what takes a base backup is none.
_REPLICAS = """
SELECT 'the replica ' || coalesce(nullif(application_name, ''), '?') || coalesce(' at ' || host(client_addr), ''),
  max(extract(epoch FROM replay_lag)), bool_or(replay_lsn < written), min(replay_lsn)\\:\\:text
FROM pg_stat_replication, (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
  ELSE pg_current_wal_flush_lsn() END AS written) AS log
WHERE replay_lsn IS NOT NULL AND state <> 'backup' GROUP BY 1 ORDER BY 1
"""
_SLOTS = """
SELECT slot_name, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)\\:\\:bigint, active,
  wal_status = 'lost' FROM pg_replication_slots
WHERE NOT pg_is_in_recovery() AND (restart_lsn IS NOT NULL OR wal_status = 'lost') ORDER BY 1
"""
# view -> the version that has it first, how much is done and how much there is
_PROGRESS = {
    "vacuum": (13, "heap_blks_scanned", "heap_blks_total"),
    "create_index": (13, "blocks_done", "blocks_total"),
    "cluster": (13, "heap_blks_scanned", "heap_blks_total"),
    "analyze": (13, "sample_blks_scanned", "sample_blks_total"),
    "copy": (14, "bytes_processed", "bytes_total"),
}
_DUMPS = ("pg_dump", "pg_dumpall", "pg_basebackup")


def settings(session: Session) -> Mapping[str, str]:
    """The settings that are not the default, but those that may hold a secret."""
    return {row[0]: row[1] for row in session.all(_SETTINGS)}


def pulse(session: Session, url: URL) -> Pulse:
    """One look; what others' sessions do is hidden from a role that is no member of pg_monitor."""
    rows = session.all(_SESSIONS)
    found = {row[0]: _activity(row) for row in rows}
    total = session.row(_TOTALS)
    return Pulse(
        connections=total[0],
        most=total[1],
        transactions=_oldest_first(found.values()),
        waits=tuple(_waits(session, rows, found)),
        replicas=tuple(map(_replica, session.all(_REPLICAS))),
        slots=tuple(Slot(row[0], row[1], row[2], bool(row[3])) for row in session.all(_SLOTS)),
        progress=tuple(_progress(session)),
        note="what other roles do is hidden: GRANT pg_monitor to this one"
        if any(row[4] for row in rows)
        else "",
    )


def environment(mark: str) -> Mapping[str, str]:
    """The name that libpq gives its sessions, unless the program names them itself."""
    return {"PGAPPNAME": _name(mark)}


def _name(mark: str) -> str:
    return f"migration-{mark}"


def disconnect(session: Session, mark: str, ports: frozenset[int]) -> int:
    """A session that waits for a lock does not see that its client is gone, and everybody waits behind it."""
    found = session.all(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND"
        " (application_name = :name OR client_addr = inet_client_addr() AND client_port = ANY (:ports))",
        name=_name(mark),
        ports=sorted(ports),
    )
    return len(found)


def blockers(session: Session, url: URL, seconds: float) -> tuple[Activity, ...]:
    """Dumps, transactions older than `seconds`, and prepared ones: a lock of the migration's queues behind."""
    rows = session.all(_SESSIONS)
    old = [
        _activity(row)
        for row in rows
        if row[6].startswith(_DUMPS) or (row[2] is not None and row[2] > seconds)
    ]
    return (*sorted(old, key=_age, reverse=True), *_prepared(session))


def _prepared(session: Session) -> tuple[Activity, ...]:
    """Transactions that wait for COMMIT PREPARED: nobody is connected, and their locks stay."""
    return tuple(
        Activity(
            f"prepared transaction '{row[0]}'; COMMIT PREPARED or ROLLBACK PREPARED ends it",
            row[1],
            max(0.0, float(row[2])),
        )
        for row in session.all(_PREPARED)
    )


def _oldest_first(found: Iterable[Activity]) -> tuple[Activity, ...]:
    return tuple(sorted((each for each in found if each.seconds is not None), key=_age, reverse=True))


def _age(activity: Activity) -> float:
    return activity.seconds or 0.0


def _activity(row: AnyRow) -> Activity:
    age = None if row[2] is None else max(0.0, float(row[2]))
    return Activity(f"process {row[0]} of the server", row[1], age, "" if row[4] else anonymous(row[3]))


def _waits(session: Session, rows: list[AnyRow], found: Mapping[int, Activity]) -> Iterator[Wait]:
    if not any(row[5] for row in rows):
        return
    wanted = dict(tuple(row) for row in session.all(_WANTED))
    for row in rows:
        for pid in row[5] or ():
            for blocker in _blocker(session, pid, found):
                yield Wait(found[row[0]], blocker, wanted.get(row[0]) or "")


def _blocker(session: Session, pid: int, found: Mapping[int, Activity]) -> tuple[Activity, ...]:
    """Who a process of the server is; 0 stands for a prepared transaction, which has none."""
    if pid in found:
        return (found[pid],)
    unknown = Activity(f"process {pid} of the server", "a session of another kind")
    return (unknown,) if pid else _prepared(session) or (unknown,)


def _replica(row: AnyRow) -> Replica:
    """The server's measure of the lag stays for a while once all is applied: then there is none."""
    return Replica(row[0], float(row[1] or 0) if row[2] else 0.0, row[2], row[3])


def _progress(session: Session) -> Iterator[str]:
    major = session.dialect.session.version(session)[0]
    parts = [
        f"SELECT '{name}', relid\\:\\:regclass\\:\\:text, {done}, {total}"
        f" FROM pg_stat_progress_{name} WHERE datname = current_database()"
        for name, (since, done, total) in _PROGRESS.items()
        if major >= since
    ]
    for what, table, done, total in session.all(" UNION ALL ".join(parts)):
        share = f", {done / total:.0%}" if done is not None and total else ""
        yield f"{what.replace('_', ' ')} of {table or '?'}{share}"
