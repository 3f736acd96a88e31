"""The server's table of locks: whoever reads a whole database holds a lock on each table until the end.

Where it is full nobody gets a lock any more, the application neither: so it is not tried.
"""

from __future__ import annotations

from pytest_visionforge.database.session import Session
from pytest_visionforge.errors import BackupError

# The server takes more than its settings say as long as memory is left over: 1.5 to 1.7 times, measured.
STRETCH = 2
_SLOTS = " + ".join(
    f"current_setting('{name}')::bigint"
    for name in (
        "max_connections",
        "max_prepared_transactions",
        "autovacuum_max_workers",
        "max_worker_processes",
        "max_wal_senders",
    )
)
_ROOM = f"SELECT current_setting('max_locks_per_transaction')::bigint, 1 + {_SLOTS}"
_OBJECTS = (
    "SELECT count(*) FILTER (WHERE c.relkind IN ('r', 'p', 'm')), count(*) FILTER (WHERE c.relkind IN ('i', 'I'))"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
)


def refuse_many(session: Session, dumps: int) -> None:
    """BackupError where so many dumps at once, and what reads the digests, surely ask for more locks than fit."""
    each, slots = map(int, session.row(_ROOM))
    tables, indexes = map(int, session.row(_OBJECTS))
    wanted = dumps * tables + tables + indexes
    if wanted > STRETCH * each * slots:
        raise BackupError(
            f"a backup holds a lock on each of {tables:,} tables, {dumps + 1} times, and on {indexes:,} indexes, and"
            f" the server has room for about {each * slots:,} locks in all: ALTER SYSTEM SET"
            f" max_locks_per_transaction = {-(-2 * wanted // slots)}, restart the server, then try again"
        )
