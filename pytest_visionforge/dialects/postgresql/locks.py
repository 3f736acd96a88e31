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


def refuse_many(session: Session, dumps: int, readers: int) -> None:
    """BackupError where these, at work at once, surely ask for more locks than there is room for.

    A `dump` locks each table, a reader of rows its indexes as well.
    """
    each, slots = map(int, session.row(_ROOM))
    tables, indexes = map(int, session.row(_OBJECTS))
    wanted = (dumps + readers) * tables + readers * indexes
    if wanted > STRETCH * each * slots:
        raise BackupError(
            f"a backup of {tables:,} tables with {indexes:,} indexes holds {wanted:,} locks at once, and the server"
            f" has room for about {each * slots:,}: ALTER SYSTEM SET max_locks_per_transaction ="
            f" {-(-2 * wanted // slots)}, restart the server, then try again"
        )
