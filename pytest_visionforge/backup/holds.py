"""Holds: a backup that must stay, with the reason, until somebody releases it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_visionforge.backup import files
from pytest_visionforge.cutover.journal import actor
from pytest_visionforge.errors import BackupError

HOLD = "hold.json"
LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a backup must stay, who says so, and since when (UTC)."""

    reason: str
    by: str
    when: str


def write(directory: Path, reason: str) -> Hold:
    """Puts a hold beside a backup; BackupError where there is one."""
    found = read(directory)
    if found:
        raise BackupError(f"{directory.name} is held already, by {found.by}: {found.reason}")
    made = Hold(reason, actor(), datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        files.write_new(directory / HOLD, (json.dumps(asdict(made), indent=1) + "\n").encode())
    except OSError as error:
        raise BackupError(f"{directory.name} cannot be held: {files.why(error)}") from None
    return made


def remove(directory: Path) -> Hold:
    """Takes the hold of a backup away; BackupError where there is none."""
    found = read(directory)
    if not found:
        raise BackupError(f"{directory.name} is not held")
    try:
        (directory / HOLD).unlink()
        files.sync_directory(directory)
    except OSError as error:
        raise BackupError(f"{directory.name} cannot be released: {files.why(error)}") from None
    return found


def read(directory: Path) -> Hold | None:
    """The hold of a backup. One that cannot be read holds all the same: the doubt is for the backup."""
    path = directory / HOLD
    if not path.exists() and not path.is_symlink():
        return None
    try:
        with files.opened(path) as file:
            facts = json.loads(file.read(LARGEST))
        return Hold(str(facts["reason"]), str(facts["by"]), str(facts["when"]))
    except (BackupError, OSError, ValueError, KeyError, TypeError, RecursionError):
        return Hold("its hold cannot be read", "?", "")
