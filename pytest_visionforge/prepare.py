"""Before the checks of premigration: the baseline, the backup, and the proof that it restores.

Done once, in the process that owns the session; the checks of `recovery` and `baseline` judge it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.outcome import CannotTell
from pytest_visionforge.run import BASELINE, Prepared, Run

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.plan.values.plan import Plan

UNFINISHED = ".baseline.unfinished"  # beside the runs' directories
SNAPSHOT_SECONDS = 6 * 3600.0  # per statement: reading a whole table may take longer than a check


def prepare(run: Run, tell: Callable[[str], None]) -> None:
    """Takes baseline and backup from one snapshot, proves the backup, and leaves word of all three."""
    _prepared(run, tell).write(run.directory)


def _prepared(run: Run, tell: Callable[[str], None]) -> Prepared:
    from pytest_visionforge import backup, compare

    plan = run.plan
    run.directory.mkdir(parents=True, exist_ok=True)
    try:
        source = run.reachable("source")
        schema = source.schema  # a session of its own: the snapshot takes all there are
        identity, state = source.identity.id, source.state()
        with source.snapshot(seconds=SNAPSHOT_SECONDS) as snapshot:
            if state != source.dialect.session.state(snapshot.main):
                state = ""  # somebody wrote meanwhile: which of both the snapshot sees is not known
            try:
                with compare.going_on(run.directory.parent / UNFINISHED, identity, state) as kept:
                    baseline = compare.take(snapshot, plan, schema, run.directory / BASELINE, tell, kept)
            except (VisionForgeError, CannotTell) as error:
                return Prepared(baseline_error=str(error), backup_error="there is no baseline to prove it by")
            made = backup.create(
                snapshot.main,
                plan.backup.directory,
                kind=plan.backup.kind,
                url=source.url,
                digests={id: table.whole for id, table in baseline.tables.items() if table.whole},
                shown=plan.source.shown,
                progress=tell,
                store=plan.backup.store,
            )
    except (VisionForgeError, CannotTell) as error:
        return Prepared(backup_error=str(error))
    return _proved(plan, made, tell)


def _proved(plan: Plan, made: Backup, tell: Callable[[str], None]) -> Prepared:
    from pytest_visionforge import backup

    try:
        proof = backup.verify(made, level=plan.backup.verify, progress=tell, scratch_url=plan.source.url)
    except VisionForgeError as error:
        return Prepared(backup=made.id, proof_error=str(error))
    return Prepared(backup=made.id, proof=proof.says)
