"""How long records stay: the plan's `[record] keep`, and what no plan may take away.

Each record holds the hash of the one before, so they go oldest first: one that must stay keeps all
that came after it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_visionforge.errors import RecordError
from pytest_visionforge.outcome import Verdict
from pytest_visionforge.record.around import cutovers
from pytest_visionforge.record.beside import migrations
from pytest_visionforge.record.heads import Head, head
from pytest_visionforge.record.record import record_files, unfinished

PRUNED = "journal.jsonl"  # in the directory of records: what was pruned, by whom, when
_GOING = ".pruned-"  # so is called what is on its way out: no list takes it for a record
_UNREADABLE = "it cannot be read: look at it first"


@dataclass(frozen=True, slots=True)
class Keep:
    """What the plan keeps: the `last` records of each phase, and those `within` an age; None: not asked."""

    last: int | None = None
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one run's directory: why it stays, or () where it goes."""

    id: str
    reasons: tuple[str, ...] = ()

    @property
    def stays(self) -> bool:
        """Does something keep it?"""
        return bool(self.reasons)


def decide(records: Path, keep: Keep, now: datetime | None = None) -> tuple[Fate, ...]:
    """What becomes of each run in a directory of records, oldest first; nothing is removed here."""
    at = now or datetime.now(UTC)
    heads = [_head(path) for path in record_files(records)]
    known = [each for each in heads if isinstance(each, Head)]
    together, counted = _of_cutovers(records, known), _counted(known, keep)
    fates = [_fate(each, keep, at, (together, counted)) for each in heads]
    others = [Fate(each) for each in (*unfinished(records), *(m.id for m in migrations(records)))]
    return tuple(_oldest_first([*fates, *others], {fate.id for fate in fates}))


def remove(records: Path, fate: Fate) -> None:
    """Removes the directory of a run that nothing keeps: first its name, then its files."""
    if fate.stays:
        raise RecordError(f"{fate.id} stays: {'; '.join(fate.reasons)}")
    gone = records / f"{_GOING}{fate.id}"
    try:
        (records / fate.id).rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise RecordError(f"{fate.id} cannot be removed: {error.strerror or error}") from None


def _head(path: Path) -> Head | str:
    """The head; the id of a record that cannot be read."""
    try:
        return head(path)
    except RecordError:
        return path.parent.name


def _fate(each: Head | str, keep: Keep, now: datetime, rules: Sequence[Mapping[str, list[str]]]) -> Fate:
    if isinstance(each, str):
        return Fate(each, (_UNREADABLE,))
    record = each.record
    found = [reason for rule in rules for reason in rule.get(record.id, ())]
    if keep.within is not None and record.finished > now - keep.within:
        found.append(f"younger than {_days(keep.within)}")
    path = str(record.backup.get("path") or "")
    if path and Path(path).is_dir():
        found.append("its backup is still there")
    return Fate(record.id, tuple(found))


def _days(age: timedelta) -> str:
    return f"{age.days} days" if age.days else f"{age.total_seconds() / 3600:g} hours"


def _counted(known: Sequence[Head], keep: Keep) -> dict[str, list[str]]:
    """The reasons that count back from the newest of each plan and phase."""
    kinds: dict[tuple[str, str], list[Head]] = {}
    for each in reversed(known):
        kinds.setdefault((each.record.plan, each.record.phase), []).append(each)
    found: dict[str, list[str]] = {}
    for (_, phase), runs in kinds.items():
        for number, run in enumerate(runs[: keep.last or 0], start=1):
            found.setdefault(run.record.id, []).append(f"{phase} {number} of the last {keep.last}")
        found.setdefault(runs[0].record.id, []).append(f"the newest {phase}")
        go = next((run for run in runs if run.record.verdict is Verdict.GO), None)
        if go:
            found.setdefault(go.record.id, []).append(f"the newest {phase} that is a GO")
    return found


def _of_cutovers(records: Path, known: Sequence[Head]) -> dict[str, list[str]]:
    """The records of each plan's newest cutover stay together."""
    found = {}
    for plan in dict.fromkeys(each.record.plan for each in known):
        own = [each for each in known if each.record.plan == plan]
        for run in cutovers(own, migrations(records))[-1].runs:
            found[run.id] = ["of the newest cutover"]
    return found


def _oldest_first(fates: Sequence[Fate], recorded: set[str]) -> Iterator[Fate]:
    """In their order; after the first record that stays, everything stays."""
    first = ""
    for fate in sorted(fates, key=lambda fate: fate.id):
        if not first and fate.stays and fate.id in recorded:
            first = fate.id
        if first and not fate.stays:
            yield replace(fate, reasons=(f"newer than {first}, which stays",))
        elif not recorded:
            yield replace(fate, reasons=("there is no record yet",))
        else:
            yield fate
