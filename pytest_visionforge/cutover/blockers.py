"""Who is at work in a database, so that everybody would wait behind the locks of a migration."""

from __future__ import annotations

from pytest_visionforge.database import Database
from pytest_visionforge.dialects.pulse import Activity
from pytest_visionforge.errors import DatabaseError, MigrationError
from pytest_visionforge.plan.values.plan import Plan


def refuse_blockers(plan: Plan, *, despite: bool = False) -> None:
    """MigrationError, with names, where a lock of the migration would make everybody wait behind somebody."""
    try:
        found = in_the_way(plan)
    except DatabaseError as error:
        raise MigrationError(f"the migration was not started: {error}") from None
    if found and not despite:
        names = "; ".join(str(each) for each in found)
        refusal = MigrationError(
            f"the migration was not started: its locks would queue behind {names}. "
            "Wait for it, or end it, and start again (--despite-blockers starts all the same)"
        )
        refusal.exit_code = 3
        raise refusal


def in_the_way(plan: Plan) -> tuple[Activity, ...]:
    """Who is at work in the database now, so that everybody would wait behind the migration's locks."""
    database = Database("target", plan.target.url, shown=plan.target.shown)
    with database, database.session() as session:
        return tuple(database.dialect.watch.blockers(session, database.url, plan.limits.transaction))
