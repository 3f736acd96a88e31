"""Which backups are kept, and why: rules of the plan, and what no rule may touch.

Each rule keeps what it names, a backup goes only if none does. Rules count backups that are proved by a
restore: newer garbage must not push out what works. Of several in one hour, day, week, month or year
(UTC) the newest stands for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_visionforge.backup import files, lock, stores
from pytest_visionforge.backup.catalogue import JOURNAL, LEFT, UNFINISHED, Backup, catalogue
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.grammar import duration
from pytest_visionforge.plan.values.sections import Store

PRUNE = "backup prune"
_PERIODS: Mapping[str, Callable[[datetime], str]] = {
    "hourly": lambda when: f"{when:%Y-%m-%d %H:00}",
    "daily": lambda when: f"{when:%Y-%m-%d}",
    "weekly": lambda when: f"{when:%G-W%V}",
    "monthly": lambda when: f"{when:%Y-%m}",
    "yearly": lambda when: f"{when:%Y}",
}
_SLACK = timedelta(minutes=5)  # by which clocks may differ


@dataclass(frozen=True, slots=True)
class Policy:
    """`[backup] keep`: how many of each kind of period, how many at all, which age, which tags."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: str = ""
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, keep: Mapping[str, int | str | tuple[str, ...]]) -> Policy:
        """The policy that a plan writes."""
        return cls(**dict(keep))  # type: ignore[arg-type]

    @property
    def age(self) -> timedelta:
        """What `within` says."""
        return timedelta(seconds=duration(self.within)) if self.within else timedelta()

    def __bool__(self) -> bool:
        """Does it say anything?"""
        return any(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Decision:
    """A backup and why it is kept: () where it goes; `until` (UTC) where only time decides."""

    backup: Backup
    reasons: tuple[str, ...]
    until: datetime | None = None

    @property
    def kept(self) -> bool:
        """Does it stay?"""
        return bool(self.reasons)


def decide(
    backups: Sequence[Backup],
    policy: Policy,
    *,
    now: datetime | None = None,
    needed: Mapping[str, str] | None = None,
) -> tuple[Decision, ...]:
    """What becomes of each backup of one database, newest first; each kind is counted by itself.

    `needed` maps ids to what needs them. A policy that says nothing keeps everything.
    """
    at, found = now or datetime.now(UTC), []
    for kind in ("full", "schema", "data"):
        ours = sorted((each for each in backups if each.kind == kind), key=lambda each: each.id, reverse=True)
        proved = [each for each in ours if each.verified and not _is_future(each, at)]
        counted = _counted(proved, policy)
        newest = proved[0] if proved else None
        for backup in ours:
            reasons = [
                *_always(backup, newest, at, needed or {}),
                *_by_rule(backup, policy, at),
                *counted.get(backup.id, ()),
            ]
            found.append(_decision(backup, policy, reasons))
    return tuple(sorted(found, key=lambda each: each.backup.id, reverse=True))


def _decision(backup: Backup, policy: Policy, reasons: Sequence[str]) -> Decision:
    if not policy:
        return Decision(backup, (*reasons, "the plan has no [backup] keep"))
    only_time = reasons and all(reason.startswith("within ") for reason in reasons)
    until = backup.when + policy.age if only_time else None
    return Decision(backup, tuple(reasons), until)


def _always(backup: Backup, newest: Backup | None, now: datetime, needed: Mapping[str, str]) -> Iterator[str]:
    """What no rule may touch."""
    if _is_future(backup, now):
        yield "it is from the future: is the clock right?"
    if backup.hold:
        yield f"held by {backup.hold.by}: {backup.hold.reason}"
    if backup.id in needed:
        yield needed[backup.id]
    if newest is None:
        yield "none is proved yet"
    elif backup.id == newest.id:
        yield "the newest that is proved"
    elif backup.id > newest.id and not backup.disproved:
        yield "newer than the newest that is proved"


def _by_rule(backup: Backup, policy: Policy, now: datetime) -> Iterator[str]:
    if policy.within and backup.when > now - policy.age:
        yield f"within {policy.within}"
    tags = {f"{name}={value}" if value else name for name, value in backup.manifest.tags.items()}
    for tag in policy.tags:
        if tag in tags or tag in backup.manifest.tags:
            yield f"tagged {tag}"


def _is_future(backup: Backup, now: datetime) -> bool:
    return backup.when > now + _SLACK


def _counted(proved: Sequence[Backup], policy: Policy) -> dict[str, list[str]]:
    """The reasons of the rules that count, by id."""
    reasons: dict[str, list[str]] = {}
    for number, backup in enumerate(proved[: policy.last], start=1):
        reasons.setdefault(backup.id, []).append(f"last {number} of {policy.last}")
    for rule, period in _PERIODS.items():
        newest: dict[str, Backup] = {}
        for backup in proved:
            newest.setdefault(period(backup.when), backup)
        allowed = getattr(policy, rule)
        for number, (name, backup) in enumerate(list(newest.items())[:allowed], start=1):
            reasons.setdefault(backup.id, []).append(f"{rule} {number} of {allowed} ({name})")
    return reasons


def prune(
    directory: Path,
    policy: Policy,
    *,
    place: str,
    store: Store = Store(),  # noqa: B008
    needed: Mapping[str, str] | None = None,
    really: bool = False,
    now: datetime | None = None,
) -> tuple[Decision, ...]:
    """What becomes of the backups of the database at `place`; `really` removes those that nothing keeps.

    Refused after a backup that failed: then what there is may be all that there will be. Raises
    BackupError; RecordError where the journal does not hold.
    """
    if not really:
        return decide(_ours(directory, place, store), policy, now=now, needed=needed)
    with lock.held(directory, PRUNE, alone=True):
        refuse_after_failure(directory, place)
        found = decide(_ours(directory, place, store), policy, now=now, needed=needed)
        for decision in found:
            if not decision.kept:
                _remove(decision.backup)
    return found


def sweep(directory: Path) -> tuple[str, ...]:
    """Removes backups that runs which died have left unfinished, whole or in part; their names.

    Nobody backs up or removes meanwhile: whoever has the directory alone knows that their makers are dead.
    """
    if not _unfinished(directory):
        return ()
    with lock.held(directory, PRUNE, alone=True):
        left = _unfinished(directory)
        for path in left:
            with journal.Journal(directory / JOURNAL).step(PRUNE, str(path), unfinished=path.name):
                try:
                    shutil.rmtree(path)
                except OSError as error:
                    raise BackupError(f"{path} cannot be removed: {files.why(error)}") from None
    return tuple(path.name for path in left)


def _unfinished(directory: Path) -> list[Path]:
    found = sorted(directory.glob(f"{UNFINISHED}*"))
    return [path for path in found if LEFT.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _ours(directory: Path, place: str, store: Store) -> list[Backup]:
    return [backup for backup in catalogue(directory, store) if backup.manifest.place == place]


def refuse_after_failure(directory: Path, place: str) -> None:
    """The last backup of the database at `place` must be one; else BackupError."""
    last = _last_create(directory, place)
    if last and last.result != "ok":
        says = str(last.facts.get("says") or "it never ended")[:200]
        raise BackupError(
            f"the last backup failed ({last.time[:16]}Z: {says}):"
            " nothing is removed before there is a new one: visionforge backup create"
        )
    newest = next(iter(_ours(directory, place, Store())), None)
    if newest and newest.disproved:
        raise BackupError(
            f"{newest.id}, the newest backup, is not what it says ({newest.proofs[0].says[:200]}):"
            " nothing is removed before there is a new one: visionforge backup create"
        )


def _last_create(directory: Path, place: str) -> journal.Entry | None:
    """The end of the last backup of this database; its begin, where it died."""
    last, path = None, directory / JOURNAL
    for entry in journal.read(path) if path.exists() else ():
        begins = entry.phase == "begin" and entry.action.startswith("backup create ")
        if (begins and entry.facts.get("of", place) == place) or (last and entry.run == last.run):
            last = entry
    return last


def _remove(backup: Backup) -> None:
    """First its name, then its files: a list never shows a half."""
    shown = backup.manifest.shown
    with journal.Journal(backup.journal).step(PRUNE, shown, backup=backup.id, sha256=backup.manifest.sha256):
        gone = backup.path.with_name(f"{UNFINISHED}pruned-{backup.id}")
        try:
            backup.path.rename(gone)
            files.sync_directory(gone.parent)
            stores.forget(backup.store, backup.manifest.files, backup.id)
            shutil.rmtree(gone)
        except OSError as error:
            raise BackupError(f"{backup.id} cannot be removed: {files.why(error)}") from None
