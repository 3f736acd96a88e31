"""What must hold after a backup has failed, whatever the reason."""

from __future__ import annotations

from pathlib import Path

from pytest_visionforge.backup import catalogue, incomplete, verify
from pytest_visionforge.cutover import journal
from tests.backup.shop import back_up


def nothing_is_left(backups: Path) -> None:
    """No backup is listed, whole or half, and the journal has the failure."""
    assert catalogue(backups) == ()
    assert incomplete(backups) == ()
    begin, end = list(journal.read(backups / "journal.jsonl"))[-2:]
    assert (begin.phase, end.phase, end.result) == ("begin", "end", "failed")
    assert begin.run == end.run
    assert end.facts["error"]


def the_next_run_works(url: str, backups: Path) -> None:
    """The next backup is made and proved by itself."""
    assert verify(back_up(url, backups), scratch_url=url).holds
