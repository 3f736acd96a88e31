"""Killed at any step: a list never shows a half, a database is what it was or what it should be."""

from __future__ import annotations

import random
import signal
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import catalogue, incomplete, restore, verify
from pytest_visionforge.cutover import journal
from pytest_visionforge.database import Database
from tests import apart
from tests.backup.shop import back_up, change, databases, digests, fill
from tests.faults import killed
from tests.soak import SOAK


def _start(action: str, url: str, directory: Path, number: int = -1) -> ForkServerProcess:
    return apart.start(killed.main, action, url, directory, number)


def _killed(action: str, url: str, directory: Path, number: int) -> bool:
    """Runs it; False where it came to its end before that word of progress."""
    status = apart.run(killed.main, action, url, directory, number)
    assert status in (0, -signal.SIGKILL)
    return status != 0


def _sound(directory: Path) -> None:
    """All that is listed is whole, all that is not is named, and the journal's chain holds."""
    for made in catalogue(directory):
        assert verify(made, "decoded").holds
    left = {path.name for path in directory.iterdir()} - {made.id for made in catalogue(directory)}
    named = "\n".join(incomplete(directory))
    assert all(name in named for name in left - {"journal.jsonl"} if not name.startswith(".lock"))
    journal.verify(directory / "journal.jsonl")


def test_a_backup_killed_at_any_step_is_not_listed(sqlite: str, backups: Path) -> None:
    """Killed at each word of progress, a backup is either not there or whole; the next one works."""
    fill(sqlite)
    number = 0
    while _killed("create", sqlite, backups, number):
        _sound(backups)
        open_now = journal.unfinished(backups / "journal.jsonl")
        assert len(open_now) + len(catalogue(backups)) == number + 1
        number += 1
    assert number >= 5  # it has several steps, and was killed at each
    assert verify(catalogue(backups)[0]).holds


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_backup_of_a_server_killed_at_any_step_is_not_listed(
    name: str, request: pytest.FixtureRequest, backups: Path
) -> None:
    """Killed at each word of progress, a backup of a server is either not there or whole."""
    url = fill(request.getfixturevalue(name))
    number = 0
    while _killed("create", url, backups, number):
        _sound(backups)
        number += 1 if SOAK else 3  # SQLite is killed at each
    assert number >= 3
    assert verify(catalogue(backups)[0], scratch_url=url).holds


def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new_state(shop: str, backups: Path) -> None:
    """Killed at each word of progress, the database is as before or as restored, and the next restore works."""
    wanted = digests(shop)
    with Database("target", shop) as database:
        schema = database.schema
    made = back_up(shop, backups)
    number, seen = 0, set()
    step = 1 if SOAK or make_url(shop).get_backend_name() == "sqlite" else 4  # a swap's are in test_swaps
    while True:
        change(shop)
        between = digests(shop)
        going = _killed("restore", shop, backups, number)
        now = digests(shop)
        assert now in (wanted, between)
        seen.add(now == wanted)
        _sound(backups)
        restore(made, shop, keep_old=False, replace=True)  # by itself, whatever the dead run has left
        assert digests(shop) == wanted
        with Database("target", shop) as database:
            assert database.schema == schema
        if not going:
            break
        number += step
    assert seen == {True, False}
    assert number >= 4
    assert not [name for name in databases(shop) if "scratch" in name]
    if make_url(shop).get_backend_name() == "sqlite":
        assert not list(Path(str(make_url(shop).database)).parent.glob(".tmp*"))


def test_a_restore_killed_at_any_moment_leaves_the_old_or_the_new_state(sqlite: str, backups: Path) -> None:
    """Killed at random moments, a SQLite database is as before or as restored, with no log beside it."""
    path = Path(str(make_url(fill(sqlite)).database))
    wanted = digests(sqlite)
    back_up(sqlite, backups)
    started = time.monotonic()
    assert not _killed("restore", sqlite, backups, -1)
    whole = time.monotonic() - started
    choice = random.Random(7)  # noqa: S311
    for _ in range(10):
        change(sqlite)
        between = digests(sqlite)
        process = _start("restore", sqlite, backups)
        time.sleep(whole * choice.uniform(0.0, 1.05))
        process.kill()
        process.join()
        assert digests(sqlite) in (wanted, between)
        assert not path.with_name("test.db-wal").exists()
        restore(catalogue(backups)[-1], sqlite, keep_old=False, replace=True)
        assert digests(sqlite) == wanted


def test_two_runs_at_once_make_two_backups(sqlite: str, backups: Path) -> None:
    """Two processes that back one database up into one directory at once: both are whole, the chain holds."""
    fill(sqlite)
    for process in [_start("create", sqlite, backups) for _ in range(2)]:
        process.join()
        assert process.exitcode == 0
    assert [verify(made).holds for made in catalogue(backups)] == [True, True]
    _sound(backups)
    assert journal.unfinished(backups / "journal.jsonl") == ()


def test_a_proof_killed_at_any_step_proves_nothing(sqlite: str, backups: Path) -> None:
    """Killed at each word of progress, a proof is not there; what it left is gone after the next."""
    fill(sqlite)
    back_up(sqlite, backups)
    number = 0
    while _killed("verify", sqlite, backups, number):
        assert catalogue(backups)[0].level is None
        number += 1
    assert number >= 3
    assert catalogue(backups)[0].verified
    assert incomplete(backups) == ()
