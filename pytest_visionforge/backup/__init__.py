"""Backups that have proved they restore, and the way back."""

from pytest_visionforge.backup.catalogue import Backup, catalogue, find, incomplete
from pytest_visionforge.backup.create import create
from pytest_visionforge.backup.manifest import Manifest, Proof
from pytest_visionforge.backup.restore import Restored, restore
from pytest_visionforge.backup.verify import Disproved, scratch, verify

__all__ = [
    "Backup",
    "Disproved",
    "Manifest",
    "Proof",
    "Restored",
    "catalogue",
    "create",
    "find",
    "incomplete",
    "restore",
    "scratch",
    "verify",
]
