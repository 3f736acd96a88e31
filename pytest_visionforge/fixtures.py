"""What a check may ask for; also in tests of one's own that are marked with a phase.

They are registered twice: for everybody, and again below the plan file, where a `database` fixture
of the user's own conftest must not take the place of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.compare import Baseline, SchemaDifference
    from pytest_visionforge.compare.sequences import Behind
    from pytest_visionforge.database import Database
    from pytest_visionforge.expectations import Batches
    from pytest_visionforge.names import Names
    from pytest_visionforge.plan.values.plan import Plan
    from pytest_visionforge.run import Run


def run(pytestconfig: pytest.Config) -> Run:
    """The run: its id, its record's directory, and how the databases are reached."""
    from pytest_visionforge.session import run_in

    return run_in(pytestconfig)


def plan(run: Run) -> Plan:
    """The plan: what is migrated and what must hold."""
    return run.plan


def phase(run: Run) -> str:
    """The phase that runs: premigration, postmigration or rollback."""
    return run.phase


def source(run: Run) -> Database:
    """The database before the migration, read-only."""
    return run.reachable("source")


def target(run: Run) -> Database:
    """The database after the migration, read-only; in place it is the source."""
    return run.reachable(run.plan.migrated)


def database(run: Run) -> Database:
    """The database that the phase is about: the source before, the target after."""
    return run.reachable(run.role(run.phase))


def unopened(run: Run) -> Callable[[str], Database]:
    """Gives the "source" or the "target" without asking whether it answers."""
    return run.database


def names(run: Run) -> Names:
    """What the plan's names are called in the database of this phase."""
    from pytest_visionforge.names import Names

    return Names(run.plan, run.reachable(run.role(run.phase)).schema, run.phase)


def baseline(run: Run) -> Baseline:
    """The facts of every table before the migration."""
    return run.baseline


def backup(run: Run) -> Backup:
    """The backup that premigration took."""
    return run.backup


def before(run: Run) -> Callable[[], Database]:
    """Gives the database as it was before the migration (from the backup, where it is in place)."""
    return run.before


def schema_differences(
    run: Run, baseline: Baseline, database: Database
) -> Mapping[str, Sequence[SchemaDifference]]:
    """What differs from the baseline's schema and is not declared, by table id, "views" or "sequences"."""
    from pytest_visionforge import compare

    by_owner: dict[str, list[SchemaDifference]] = {}
    for each in compare.differences(
        baseline.schema, database.schema, run.changes, baseline.dialect, database.dialect
    ):
        by_owner.setdefault(each.owner, []).append(each)
    return by_owner


def sequences_behind(database: Database) -> Mapping[str, Behind]:
    """The sequences whose next number is taken already, by id."""
    from pytest_visionforge import compare

    with database.session() as session:
        return {each.sequence: each for each in compare.behind(session, database.schema)}


def batches(plan: Plan, database: Database, names: Names) -> Batches:
    """What great_expectations says of the plan's expectations, table by table."""
    from pytest_visionforge.expectations import Batches

    return Batches(plan, database, names)


ALL: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        run,
        plan,
        phase,
        source,
        target,
        database,
        unopened,
        names,
        baseline,
        backup,
        before,
        schema_differences,
        sequences_behind,
        batches,
    )
}
