"""Backups that have proved they restore, and the way back."""

from pytest_visionforge.backup.catalogue import Backup, catalogue, find, incomplete
from pytest_visionforge.backup.create import create
from pytest_visionforge.backup.foreign import Examined, examine
from pytest_visionforge.backup.guarded import unguarded
from pytest_visionforge.backup.hindrances import prepare
from pytest_visionforge.backup.holding import hold, release
from pytest_visionforge.backup.kept import Kept, Returned, discard, instant, kept, kept_state, put_back
from pytest_visionforge.backup.manifest import Manifest, Proof
from pytest_visionforge.backup.outlook import Outlook, outlook, outlook_of_tables
from pytest_visionforge.backup.partial import TablesRestored, restore_tables
from pytest_visionforge.backup.restore import Restored, restore
from pytest_visionforge.backup.retention import Decision, Policy, decide, prune, sweep
from pytest_visionforge.backup.verify import Disproved, scratch, verify

__all__ = [
    "Backup",
    "Decision",
    "Disproved",
    "Examined",
    "Kept",
    "Manifest",
    "Outlook",
    "Policy",
    "Proof",
    "Restored",
    "Returned",
    "TablesRestored",
    "catalogue",
    "create",
    "decide",
    "discard",
    "examine",
    "find",
    "hold",
    "incomplete",
    "instant",
    "kept",
    "kept_state",
    "outlook",
    "outlook_of_tables",
    "prepare",
    "prune",
    "put_back",
    "release",
    "restore",
    "restore_tables",
    "scratch",
    "sweep",
    "unguarded",
    "verify",
]
