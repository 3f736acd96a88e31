"""Before the checks of premigration: the baseline, the backup, and the proof that it restores.

Done once, in the process that owns the session; the checks of `recovery` and `baseline` judge it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.outcome import CannotTell
from pytest_visionforge.run import BASELINE, REFUSED, Prepared, Run

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.compare import TableDigests
    from pytest_visionforge.database import Database, Snapshot
    from pytest_visionforge.plan.values.plan import Plan

UNFINISHED = ".baseline.unfinished"  # beside the runs' directories
SNAPSHOT_SECONDS = 6 * 3600.0  # per statement: reading a whole table may take longer than a check


def prepare(run: Run, tell: Callable[[str], None], *, due: bool = True) -> Prepared:
    """Takes baseline and backup from one snapshot, proves the backup, and leaves word of all three.

    A baseline takes its time, so that none is taken where a backup is `due` and cannot be made.
    """
    prepared = _prepared(run, tell)
    if prepared.baseline_error == REFUSED and not due:
        prepared = replace(_baseline_alone(run, tell), backup_error=prepared.backup_error)
    prepared.write(run.directory)
    return prepared


class _Untaken(VisionForgeError):
    """There is no baseline."""


def _prepared(run: Run, tell: Callable[[str], None]) -> Prepared:
    from pytest_visionforge import backup
    from pytest_visionforge.cutover.way_back import wanted_level

    plan = run.plan
    try:
        with _seen(run, tell) as (source, snapshot, baseline):
            made = backup.create(
                snapshot,
                plan.backup.directory,
                kind=plan.backup.kind,
                url=source.url,
                digests=baseline,
                shown=plan.source.shown,
                progress=tell,
                store=plan.backup.store,
                level=wanted_level(plan),
            )
            if not (run.directory / BASELINE).is_file():
                baseline()  # a backup of the schema asks for no rows
    except _Untaken as error:
        return Prepared(baseline_error=str(error), backup_error="there is no baseline to prove it by")
    except (VisionForgeError, CannotTell) as error:
        taken = (run.directory / BASELINE).is_file()
        return Prepared(baseline_error="" if taken else REFUSED, backup_error=str(error))
    return _proved(plan, made, tell)


def _baseline_alone(run: Run, tell: Callable[[str], None]) -> Prepared:
    try:
        with _seen(run, tell) as (_, _, baseline):
            baseline()
    except (VisionForgeError, CannotTell) as error:
        return Prepared(baseline_error=str(error))
    return Prepared()


@contextmanager
def _seen(
    run: Run, tell: Callable[[str], None]
) -> Iterator[tuple[Database, Snapshot, Callable[[], dict[str, TableDigests]]]]:
    """The source, a snapshot of it, and what takes the baseline of that, and gives its digests."""
    from pytest_visionforge import compare

    run.directory.mkdir(parents=True, exist_ok=True)
    source = run.reachable("source")
    schema = source.schema  # a session of its own: the snapshot takes all there are
    identity, before = source.identity.id, source.state()
    with source.snapshot(seconds=SNAPSHOT_SECONDS) as snapshot:
        # Where somebody wrote meanwhile, it is not known which of both states the snapshot sees.
        state = before if before == source.dialect.session.state(snapshot.main) else ""

        def baseline() -> dict[str, TableDigests]:
            try:
                with compare.going_on(run.directory.parent / UNFINISHED, identity, state) as kept:
                    taken = compare.take(snapshot, run.plan, schema, run.directory / BASELINE, tell, kept)
            except (VisionForgeError, CannotTell) as error:
                raise _Untaken(str(error)) from None
            return {id: table.whole for id, table in taken.tables.items() if table.whole}

        yield source, snapshot, baseline


def _proved(plan: Plan, made: Backup, tell: Callable[[str], None]) -> Prepared:
    from pytest_visionforge import backup

    try:
        proof = backup.verify(made, level=plan.backup.verify, progress=tell, scratch_url=plan.source.url)
    except VisionForgeError as error:
        return Prepared(backup=made.id, proof_error=str(error))
    return Prepared(backup=made.id, proof=proof.says)
