"""May the migration start, as far as machine, programs and databases are concerned?"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_visionforge import (
    POSTMIGRATION,
    PREMIGRATION,
    ROLLBACK,
    CannotTell,
    Evidence,
    Finding,
    Offender,
    Severity,
    rule,
)
from pytest_visionforge.errors import DatabaseError

from .machine import Denied, prove
from .queries import checks_of
from .readiness_environment import check_packages as check_packages
from .readiness_environment import check_placeholders as check_placeholders
from .readiness_environment import check_programs as check_programs
from .readiness_environment import check_variable_format as check_variable_format
from .readiness_environment import check_variables as check_variables
from .readiness_linters import check_migration_lint as check_migration_lint
from .readiness_machine import check_cpu as check_cpu
from .readiness_machine import check_disk as check_disk
from .readiness_machine import check_exported_passwords as check_exported_passwords
from .readiness_machine import check_inodes as check_inodes
from .readiness_machine import check_memory as check_memory
from .readiness_machine import check_mounted as check_mounted
from .readiness_machine import check_open_files as check_open_files
from .readiness_machine import check_paths as check_paths
from .readiness_machine import check_private_files as check_private_files
from .readiness_machine import check_temporary as check_temporary
from .readiness_machine import check_user as check_user
from .readiness_migrations import check_alembic_heads as check_alembic_heads
from .readiness_migrations import check_alembic_state as check_alembic_state
from .readiness_migrations import check_django_graph as check_django_graph
from .readiness_migrations import check_django_models as check_django_models
from .readiness_migrations import check_django_pending as check_django_pending
from .sight import tell_hidden

if TYPE_CHECKING:
    from pytest_visionforge.database import Database

CLOCKS_APART = timedelta(seconds=5)
REPLICA_SECONDS = 10
ALWAYS = (PREMIGRATION, POSTMIGRATION, ROLLBACK)

# The oldest version of each DBMS that is tested; as many of its parts count as are written here.
OLDEST = {"SQLite": (3, 40), "PostgreSQL": (13,), "MariaDB": (10, 6), "MySQL": (8, 0)}


@rule(*ALWAYS)
def check_connect(unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
    """The database answers.

    SQLite's file must be there already: a mere connect would create an empty one.

    Remedy: See that the server runs and listens there, that firewall and pg_hba.conf (or the grants to
    user@host) let this machine in, and that the role may log in. For SQLite: that the path is right.
    """
    database = unopened(role)
    try:
        identity = database.identity
    except DatabaseError as error:
        return Finding(f"{role} does not answer: {error}")
    return Evidence(f"{identity.dbms} {identity.version} at {database.shown}")


@rule(*ALWAYS)
def check_read_only(unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
    """Our own sessions cannot write: the server says so, and refuses when it is tried.

    Checks that can write are a danger to what they protect.

    Remedy: Connect to the server itself: a pooler that resets sessions loses the setting.
    """
    database = unopened(role)
    table = f"vf_probe_{secrets.token_hex(6)}"
    with database.session() as session:
        if not session.dialect.session.read_only(session):
            return Finding(f"the server says that our session at {database.shown} can write")
        try:
            session.value(f"CREATE TABLE {table} (a integer)")
        except DatabaseError as refusal:
            return Evidence(f"refused: {refusal}")
        session.value(f"DROP TABLE {table}")
    return Finding(f"our session at {database.shown} could create a table ({table}, dropped again)")


@rule(*ALWAYS)
def check_version(unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
    """The DBMS is of a supported version, and the target's is not older than the source's.

    What a newer server writes, an older one may not read.

    Remedy: Upgrade the server.
    """
    database = unopened(role)
    product, version = database.identity.dbms, database.version
    oldest = OLDEST.get(product)
    if oldest is None:
        raise CannotTell(f"{product} {_dotted(version)} was never tried")
    if _first(database, oldest) < oldest:
        return Finding(f"{role} is {product} {_dotted(version)}, older than {_dotted(oldest)}")
    source = unopened("source")
    if (
        role == "target"
        and source.identity.dbms == product
        and _first(database, oldest) < _first(source, oldest)
    ):
        return Finding(f"target is {product} {_dotted(version)}, source is {_dotted(source.version)}")
    return Evidence(f"{product} {_dotted(version)}")


def _first(database: Database, like: tuple[int, ...]) -> tuple[int, ...]:
    """As many parts of a database's version as another one has."""
    return database.version[: len(like)]


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


@rule(*ALWAYS)
def check_privileges(unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
    """Our role may read every table and view, and every row of them.

    What a role may not see is hidden, not absent: its rows would be missing from every count and proof.

    Remedy: GRANT SELECT on what is named; in PostgreSQL also GRANT pg_read_all_data, and BYPASSRLS.
    """
    database = unopened(role)
    with database.session() as session:
        unreadable = session.dialect.catalog.unreadable(session)
    if unreadable:
        of = len(database.schema.tables) + len(database.schema.views)
        return Finding(
            says=f"{len(unreadable)} tables or views cannot be read in whole: {', '.join(unreadable[:5])}",
            count=len(unreadable),
            of=max(of, len(unreadable)),
            sample=tuple(Offender({"table": id}) for id in unreadable[:20]),
            remedy=f"as their owner: GRANT SELECT ON {', '.join(unreadable[:5])} TO {database.url.username}",
        )
    tell_hidden(database)
    return Evidence(f"{len(database.schema.tables)} tables, {len(database.schema.views)} views")


@rule(PREMIGRATION, POSTMIGRATION)
def check_source_is_not_target(
    unopened: Callable[[str], Database], pair: tuple[str, str]
) -> Evidence | Finding:
    """Source and target are two databases.

    Otherwise the proof would compare a thing with itself, and a restore would overwrite the source. The
    servers say who they are, whatever the addresses look like.

    Remedy: Correct [source] or [target]; for a migration in place write [database] instead.
    """
    source, target = map(unopened, pair)
    if source.identity.id == target.identity.id:
        return Finding(f"{source.shown} and {target.shown} are the same database ({source.identity.id})")
    return Evidence(f"{source.shown} and {target.shown}")


@rule(PREMIGRATION, severity=Severity.WARN)
def check_clock(unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
    """The server's clock and this machine's agree to within 5 seconds.

    What was changed last, and what lies in the future, is said by the one clock and read by the other.

    Remedy: Let chrony or ntpd keep both clocks.
    """
    before = datetime.now(UTC)
    theirs = unopened(role).now()
    after = datetime.now(UTC)
    apart = max(before - theirs, theirs - after, timedelta())
    says = f"{apart.total_seconds():.1f} s apart"
    return Finding(says) if apart > CLOCKS_APART else Evidence(says)


@rule(PREMIGRATION, dialects=("sqlite",))
def check_file_writable(unopened: Callable[[str], Database], written: str) -> Evidence | Finding:
    """The file of the database that is migrated can be written, and its directory too.

    SQLite keeps its journal beside the file: without rights in the directory no write begins.

    Remedy: chmod or chown file and directory.
    """
    path = Path(unopened(written).url.database or "")
    try:
        prove(path, "rw")
        prove(path.parent, "rwx")
    except Denied as denied:
        return Finding(str(denied), remedy=denied.remedy)
    return Evidence(str(path))


@rule(PREMIGRATION, severity=Severity.WARN, dialects=("mysql",))
def check_replica(unopened: Callable[[str], Database], role: str) -> Evidence | Finding:
    """The server, if it is a replica, has applied everything that its source wrote.

    A replica that stands still looks like any other database; what has not arrived there is missed later.

    Remedy: START REPLICA, look at its last error, and wait until nothing is left to apply.
    """
    database = unopened(role)
    try:
        with database.session() as session:
            rows = [dict(row._mapping) for row in session.all("SHOW REPLICA STATUS")]
    except DatabaseError as error:
        grant = f"GRANT REPLICA MONITOR (MySQL: REPLICATION CLIENT) ON *.* TO {database.url.username}"
        raise CannotTell(str(error), grant) from None
    late = [row for row in rows if _behind(row) is None or _behind(row) > REPLICA_SECONDS]
    if late:
        return Finding("; ".join(map(_replica_said, late)), len(late))
    return Evidence("it is up to date" if rows else "it is no replica")


def _behind(row: Mapping[str, Any]) -> Any:
    """Seconds behind its source; None where replication stands still."""
    return next((row[name] for name in row if name.startswith("Seconds_Behind_")), None)


def _replica_said(row: Mapping[str, Any]) -> str:
    behind, error = _behind(row), row.get("Last_Error") or row.get("Last_IO_Error") or ""
    state = "replication stands still" if behind is None else f"{behind} s behind its source"
    return f"{state}{f': {error}' if error else ''}"


globals().update(checks_of("readiness"))
