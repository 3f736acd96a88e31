"""Is there a way back that has been walked once?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_visionforge import POSTMIGRATION, PREMIGRATION, CannotTell, Evidence, Finding, Severity, rule

if TYPE_CHECKING:
    from pytest_visionforge.backup import Backup
    from pytest_visionforge.plan.values.plan import Plan
    from pytest_visionforge.run import Run

LEVELS = ("hashed", "decoded", "restored")


@rule(PREMIGRATION)
def check_backup(run: Run, plan: Plan) -> Evidence | Finding:
    """There is a backup of the source as it is now.

    Whatever the migration does, this is what leads back.

    Remedy: Mend what the message names (space, rights, the backup program), and run again.
    """
    try:
        backup = run.backup
    except CannotTell as error:
        return Finding(str(error))
    facts = backup.as_json()
    if facts["kind"] == "schema":
        return Finding("the backup holds the schema alone", remedy='set [backup] kind = "full"')
    return Evidence(f"{backup.id}: {facts['tables']} tables, {facts['size']:,} bytes in {backup.path}")


@rule(PREMIGRATION)
def check_verifies(backup: Backup) -> Evidence | Finding:
    """The backup can be read from its first byte to its last, and each byte is the one that was written.

    A backup that was cut off by a full disk lists like a whole one.

    Remedy: Look at the disk, and take another: visionforge backup create.
    """
    from pytest_visionforge import backup as room
    from pytest_visionforge.errors import BackupError

    try:
        proof = room.verify(backup, level="decoded")
    except BackupError as error:
        return Finding(str(error))
    return Evidence(proof.says)


@rule(PREMIGRATION)
def check_restores(run: Run, plan: Plan, backup: Backup) -> Evidence | Finding:
    """The backup has been restored into a scratch database, and every table there equals the baseline.

    Only a restore proves that a backup restores; only digests prove that it restored everything.

    Remedy: Read what differs; if rows differ, somebody wrote meanwhile: stop the writers, run again.
    """
    from pytest_visionforge.run import Prepared

    prepared = Prepared.read(run.directory)
    if prepared.proof_error:
        return Finding(prepared.proof_error)
    level = backup.as_json()["level"]
    if level != "restored":
        return Finding(
            f'the backup is only {level or "not"} proved: the plan says [backup] verify = "{plan.backup.verify}"',
            remedy='set [backup] verify = "restored"',
        )
    return Evidence(prepared.proof, backup.as_json()["rows"])


@rule(POSTMIGRATION, severity=Severity.WARN)
def check_recent(backup: Backup, plan: Plan) -> Evidence | Finding:
    """The backup is not older than the plan allows: [backup] max_age.

    The older the way back, the more is lost on it: what was written since is not in the backup.

    Remedy: Go back soon or not at all; for another cutover run premigration again.
    """
    age = datetime.now(UTC) - backup.when
    said = f"{backup.id} is {age.total_seconds() / 3600:.1f} hours old"
    allowed = timedelta(seconds=plan.backup.max_age)
    return Evidence(said) if age <= allowed else Finding(f"{said}, allowed are {allowed}")


@rule(PREMIGRATION)
def check_automatic(plan: Plan, automatic_rollback: str) -> Evidence | Finding:
    """The backup is put back by itself if postmigration fails: [backup] rollback.

    Who relies on it must be able to.

    Only visionforge cutover goes back by itself; pytest alone never does.

    Remedy: Set [backup] rollback = "never", and go back with visionforge rollback.
    """
    if not plan.migration.all_steps:
        return Finding(
            "the plan names no migration to run, so nobody is there when it fails: write [migration] command"
        )
    if plan.backup.kind != "full":
        return Finding(f'a backup of kind "{plan.backup.kind}" is not what a database is put back from')
    return Evidence(f"visionforge cutover goes back by itself ({automatic_rollback})")


@rule(PREMIGRATION, severity=Severity.WARN)
def check_retention(plan: Plan, retention: str) -> Evidence | Finding:
    """Backups are kept as long as the plan says, and no longer: [backup] keep.

    What nobody needs any more takes the room of the next backup.

    Remedy: Look at what would go, visionforge backup prune, and let it go: --yes.
    """
    from pytest_visionforge import backup as room
    from pytest_visionforge import dialects
    from pytest_visionforge.cutover.rollback import needed

    url = dialects.parse_url(plan.source.url)
    place = dialects.of(url).archive.place(url)
    policy, store = room.Policy.of(plan.backup.keep), plan.backup.store
    found = room.prune(plan.backup.directory, policy, place=place, store=store, needed=needed(plan))
    going = [decision.backup.id for decision in found if not decision.kept]
    if going:
        return Finding(f"{len(going)} of {len(found)} backups are kept by nothing: {', '.join(going[:5])}")
    word = "tagged" if retention == "tags" else retention
    by_it = sum(any(reason.startswith(word) for reason in decision.reasons) for decision in found)
    return Evidence(f"of {len(found)} backups none is to go; {retention} keeps {by_it}")
