"""Who else may write where backups lie."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_visionforge import Evidence, Finding
from pytest_visionforge.backup import Backup, find, unguarded, verify
from pytest_visionforge.checks.readiness_machine import check_private_files

NOBODY = 65534


def _ways(made: Backup) -> str:
    return "; ".join(unguarded(made.path.parent, made.path))


def test_a_directory_of_our_own_is_guarded(made: Backup, backups: Path) -> None:
    """Where only we can write, nothing is said, of one backup, of all, or of what is not there."""
    assert verify(made).notes == ()
    assert unguarded(backups) == ()
    assert unguarded(backups / "none") == ()


def test_a_directory_in_which_others_write_is_told(made: Backup, backups: Path) -> None:
    """Open to everybody or to a group: each is told with what mends it, and stands in the proof."""
    for mode, who in ((0o777, "everybody"), (0o1777, "everybody"), (0o770, "the group")):
        backups.chmod(mode)
        if who == "the group":
            _to_another_group(backups)
        assert f"{backups} can be written by {who}" in _ways(made), oct(mode)
        assert f"chmod -R go-w '{backups}'" in _ways(made)
        assert who in verify(made, "hashed").notes[0]
    proof = find(backups, made.id).proof
    assert proof
    assert "could put other backups in the place" in proof.notes[0]
    backups.chmod(0o700)
    assert _ways(made) == ""


def _to_another_group(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may give a file to any group")
    os.chown(path, -1, NOBODY)


def test_a_directory_above_counts_too(made: Backup, backups: Path) -> None:
    """Who may rename the directory itself may replace it; in a sticky one only its owner may."""
    above = backups.parent
    above.chmod(0o777)
    assert f"{above} can be written by everybody" in _ways(made)
    above.chmod(0o1777)
    assert _ways(made) == ""


def test_what_lies_within_counts_where_others_come_in(made: Backup, backups: Path) -> None:
    """A file that others may write is told, but not behind a door that is closed to them."""
    payload = made.path / made.manifest.files[0].name
    payload.chmod(0o666)
    assert _ways(made) == ""
    made.path.chmod(0o755)
    assert f"{payload} can be written by everybody" in _ways(made)
    (backups / "link").symlink_to("/dev/null")  # writable by everybody, and never read
    assert "link" not in " ".join(unguarded(backups))


def test_a_backup_that_somebody_else_has_made_is_told(made: Backup, backups: Path) -> None:
    """What belongs to another user than the directory and us may be of their making."""
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    os.chown(made.path / "manifest.json", NOBODY, -1)
    assert "manifest.json belongs to nobody" in _ways(made)
    assert "manifest.json belongs to nobody" in unguarded(backups)[0]
    os.chown(backups, NOBODY, -1)  # a directory of theirs: then it is they who back up
    assert _ways(made) == ""


def test_many_ways_are_told_shortly(made: Backup, backups: Path) -> None:
    """A directory that was given away as a whole does not fill the screen."""
    for number in range(9):
        path = backups / f"file{number}"
        path.touch()
        path.chmod(0o666)
    backups.chmod(0o755)
    assert unguarded(backups)[-1] == "and 4 more like these"


def test_premigration_tells_it(made: Backup, backups: Path) -> None:
    """The check of private files finds a directory in which others can write, though they cannot read it."""
    plan: Any = SimpleNamespace(backup=SimpleNamespace(directory=backups))
    assert isinstance(check_private_files(plan), Evidence)
    backups.chmod(0o722)
    found = check_private_files(plan)
    assert isinstance(found, Finding)
    assert "can be written by everybody" in found.says
