"""The way back: the newest proved backup in the place of the database, and the proof that it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from pytest_visionforge import backup, dialects, record
from pytest_visionforge.backup import Backup, Restored, Returned
from pytest_visionforge.backup.catalogue import JOURNAL
from pytest_visionforge.backup.kept import INSTANT
from pytest_visionforge.backup.partial import Dangling, TablesRestored
from pytest_visionforge.backup.verify import prove
from pytest_visionforge.cutover.journal import Journal, unfinished
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError, DatabaseError
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.plan.values.plan import Plan

SECONDS = 6 * 3600.0  # per statement: a whole table may be read


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What came back: the backup, where the state before is kept, and what the proof says."""

    backup: str
    kept: str
    seconds: float
    says: str


def rollback(
    plan: Plan, *, backup_id: str | None = None, echo: Callable[[str], None] | None = None
) -> RolledBack:
    """Puts the state before the migration back, and proves it there.

    That is the backup of the plan's last premigration run; without one, the newest backup of the
    plan's database that has proved it restores. `backup_id` names another one, which must be proved
    as well. Raises BackupError: where none is proved, nothing was changed.
    """
    say = echo or _silent
    if not plan.in_place:
        raise BackupError(
            "source and target are two databases: the source is as it was; point the application to it"
        )
    journal = Journal(plan.backup.directory / JOURNAL)
    chosen = _chosen(plan, backup_id)
    with journal.step("rollback", plan.target.shown, backup=chosen.id) as end:
        say(f"putting back {chosen.id} of {chosen.manifest.created}")
        restored = backup.restore(chosen, plan.target.url, replace=True, progress=say)
        says = _prove(plan, chosen, restored, say)
        end |= {"says": says, "kept": restored.kept}
    return RolledBack(chosen.id, restored.kept, restored.seconds, says)


def rollback_tables(
    plan: Plan,
    tables: Collection[str],
    *,
    backup_id: str | None = None,
    dangling: Dangling = "refuse",
    echo: Callable[[str], None] | None = None,
) -> TablesRestored:
    """Puts the rows of some tables back, from the backup that `rollback` would take; all else stays.

    Raises BackupError, and nothing was changed, where rows would then refer to nothing (`dangling`).
    """
    if not plan.in_place:
        raise BackupError(
            "source and target are two databases: the source is as it was; point the application to it"
        )
    chosen = _chosen(plan, backup_id)
    return backup.restore_tables(chosen, plan.target.url, tables, dangling=dangling, progress=echo or _silent)


def _chosen(plan: Plan, backup_id: str | None) -> Backup:
    """The backup meant; else that of the last premigration run, since a later one may hold the damage."""
    directory = plan.backup.directory
    wanted = backup_id or _of_premigration(plan)
    if wanted:
        named = backup.find(directory, wanted, plan.backup.store)
        if not _fits(named):
            raise BackupError(f"{named.id} {_why_not(named)}: visionforge backup verify {named.id}")
        return named
    ours = tuple(of_plan(plan, backup.catalogue(directory, plan.backup.store)))
    fitting = next((found for found in ours if _fits(found)), None)
    if fitting is None:
        raise BackupError(_none(plan, ours))
    return fitting


def _of_premigration(plan: Plan) -> str:
    """The id of the backup that the newest premigration record of this plan names; "" where there is none."""
    before = record.newest(plan.record.directory, phase="premigration", plan=plan.name)
    return str(before.backup.get("id", "")) if before else ""


def swap_back(plan: Plan, *, echo: Callable[[str], None] | None = None) -> RolledBack:
    """Puts the newest instant copy back in about a second, then proves it by the premigration backup.

    The proof reads everything, but the database is there meanwhile. Without a premigration run there is
    nothing to compare with, and `says` tells so.
    """
    say = echo or _silent
    directory = plan.backup.directory
    copies = (one for one in backup.kept(directory, plan.target.url) if one.action == INSTANT)
    copy = next(copies, None)
    if copy is None:
        raise BackupError(
            f"no instant copy stands beside {plan.target.shown}: it is made before the migration,"
            " with visionforge backup create --instant; visionforge rollback puts a backup back"
        )
    with Journal(directory / JOURNAL).step("rollback", plan.target.shown, copy=copy.name) as end:
        say(f"putting back {copy.name}")
        done = backup.put_back(directory, plan.target.url, copy.name, progress=say)
        end["kept"] = done.kept
        end["says"] = says = _compared(plan, done, say)
    return RolledBack(copy.name, done.kept, done.seconds, says)


def _compared(plan: Plan, done: Returned, say: Callable[[str], None]) -> str:
    wanted = _of_premigration(plan)
    if not wanted:
        return "nothing was compared: no premigration run has left a backup to compare it with"
    return _prove(plan, backup.find(plan.backup.directory, wanted, plan.backup.store), done, say)


def needed(plan: Plan) -> dict[str, str]:
    """The backups that something may still need, by id: of a migration that is not over, of a run that is not."""
    path = plan.backup.directory / JOURNAL
    found = {
        str(entry.facts["backup"]): f"a {entry.action} that has not ended names it"
        for entry in unfinished(path)
        if "backup" in entry.facts
    }
    before = record.newest(plan.record.directory, phase="premigration", plan=plan.name)
    after = record.newest(plan.record.directory, phase="postmigration", plan=plan.name)
    over = before and after and after.started > before.started and after.verdict is Verdict.GO
    if before and before.backup.get("id") and not over:
        found[str(before.backup["id"])] = f"the way back of {before.id}, which no GO has followed"
    return found


def _fits(found: Backup) -> bool:
    return found.kind == "full" and found.verified


def _why_not(found: Backup) -> str:
    return "is not a full backup" if found.kind != "full" else "has not proved that it restores"


def _none(plan: Plan, ours: tuple[Backup, ...]) -> str:
    seen = "; ".join(f"{found.id} {_why_not(found)}" for found in ours[:5])
    return f"no backup of {plan.source.shown} in {plan.backup.directory} has proved that it restores" + (
        f" ({seen}); visionforge backup verify {ours[0].id}" if ours else "; nothing was changed"
    )


def of_plan(plan: Plan, found: Sequence[Backup]) -> Iterator[Backup]:
    """The backups of the plan's database: its identity, or its place, for putting back changes identities."""
    url = dialects.parse_url(plan.source.url)
    place, identity = dialects.of(url).archive.place(url), _identity(plan)
    return (one for one in found if one.manifest.place == place or one.manifest.identity == identity)


def _identity(plan: Plan) -> str | None:
    """None where the database cannot be opened: that may be the very reason for going back."""
    try:
        with Database("source", plan.source.url, shown=plan.source.shown) as database:
            return database.identity.id
    except DatabaseError:
        return None


def _prove(plan: Plan, chosen: Backup, restored: Restored | Returned, say: Callable[[str], None]) -> str:
    """Reads the database in its place: what people will use, not what was prepared."""
    try:
        with Database("target", plan.target.url, shown=plan.target.shown, seconds=SECONDS) as database:
            return prove(chosen.manifest, database, say).says
    except (BackupError, DatabaseError) as error:
        kept = f"; the state before is kept in {restored.kept}" if restored.kept else ""
        raise BackupError(f"{chosen.id} was put back, but the proof failed: {error}{kept}") from None


def _silent(_: str) -> None:
    """Nobody listens."""
