"""A migration that fills the disk of its database: the watch says so, and ends it before it is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_visionforge.cutover.migrate import migrate
from tests.cutover.project import PYTHON, TABLES, Project, engine, execute
from tests.soak import SOAK


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


@pytest.mark.skipif(not SOAK, reason="only under VISIONFORGE_SOAK=1: it takes its time")
def test_a_disk_that_is_full_leaves_one_message_and_a_way_back(small_disk: Callable[[int], Path]) -> None:
    """Database, backups, journal and records on a full volume: it is said; with room, all goes back."""
    disk = small_disk(3_000_000)
    (disk / "test.db").touch()
    execute(f"sqlite:///{disk / 'test.db'}", *TABLES)
    project = Project(disk, f"sqlite:///{disk / 'test.db'}")
    project.write(
        '[limits]\ncpu = "100%"\nmemory = "100%"\n[system]\ndisk_factor = 0.0001\n'
        f'[migration]\ncommand = "{PYTHON} change.py; cat /dev/zero > filler; echo done"\n',
        change__py="import sqlite3; c = sqlite3.connect('test.db'); c.execute('DELETE FROM items'); c.commit()",
    )
    code, output = project.run("cutover", "--yes")
    assert code in (1, 3), output
    assert "No space left on device" in output
    assert "visionforge cutover --rollback" in output
    (disk / "filler").unlink()
    code, output = project.run("cutover", "--rollback", "--yes")
    assert code == 0, output
    made = engine(project.url)
    with made.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM items").scalar() == 3
    made.dispose()
