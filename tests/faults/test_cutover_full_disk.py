"""A migration that fills the disk of its database: the watch says so, and ends it before it is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_visionforge.cutover.migrate import migrate
from tests.cutover.project import TABLES, Project, execute


def test_a_disk_that_fills_up_ends_the_migration(tmp_path: Path, small_disk: Callable[[int], Path]) -> None:
    """The volume is named with what is left of it, and the migration is ended before it is full."""
    disk = small_disk(20_000_000)
    (disk / "test.db").touch()
    url = f"sqlite:///{disk / 'test.db'}"
    execute(url, *TABLES)
    plan = Project(tmp_path, url).write(
        f'[backup]\ndirectory = "{disk}/backups"\n[limits]\ndisk = "60%"\n[alerts]\nabort = ["disk"]\n'
        f"[migration]\ncommand = \"head -c 15000000 /dev/zero > '{disk}/filler'; sleep 60\"\n"
    )
    done = migrate(plan, echo=lambda _: None)
    assert f"ended by an alert: disk: {disk}" in done.failure
    assert "MB left" in done.failure
