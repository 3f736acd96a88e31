"""Holding a backup and releasing it, each with its entry in the journal."""

from __future__ import annotations

from pytest_visionforge.backup import lock
from pytest_visionforge.backup.catalogue import Backup
from pytest_visionforge.backup.holds import Hold, remove, write

HOLD, RELEASE = "backup hold", "backup release"


def hold(backup: Backup, reason: str) -> Hold:
    """Keeps a backup, whatever the plan says, until it is released; BackupError where it is held already."""
    shown = backup.manifest.shown
    with lock.step(backup.path.parent, HOLD, shown, backup=backup.id, reason=reason):
        return write(backup.path, reason)


def release(backup: Backup) -> Hold:
    """Leaves a backup to the plan's rules again; gives the hold that it had."""
    shown = backup.manifest.shown
    with lock.step(backup.path.parent, RELEASE, shown, backup=backup.id):
        return remove(backup.path)
