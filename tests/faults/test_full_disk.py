"""No space, anywhere: one clear message, nothing half, everything as it was."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import catalogue, incomplete, restore, verify
from pytest_visionforge.errors import VisionForgeError
from tests.backup.shop import back_up, change, digests, fill


@contextmanager
def _largest(size: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 100, 1000, 3000, 10_000, 50_000])
def test_a_backup_that_does_not_fit_leaves_nothing(shop: str, backups: Path, size: int) -> None:
    """Whichever file it is that cannot grow, no backup is listed, and the next one works."""
    fits = False
    with _largest(size), suppress(VisionForgeError):
        back_up(shop, backups)
        fits = True
    assert len(catalogue(backups)) == fits
    assert incomplete(backups) == ()
    assert verify(back_up(shop, backups), scratch_url=shop).holds


def test_a_disk_that_is_full_is_named(sqlite: str, small_disk: Callable[[int], Path]) -> None:
    """A full file system in the middle of a backup is said with the remedy, and nothing is left on it."""
    fill(sqlite)
    disk = small_disk(60_000)
    with pytest.raises(VisionForgeError, match=r"[Nn]o space left|full"):
        back_up(sqlite, disk / "backups")
    assert catalogue(disk / "backups") == ()
    assert incomplete(disk / "backups") == ()


def test_a_restore_that_does_not_fit_changes_nothing(
    sqlite: str, backups: Path, small_disk: Callable[[int], Path]
) -> None:
    """Where the restored file finds no space beside the old one, the old one stays what it is."""
    fill(sqlite)
    made = back_up(sqlite, backups)
    disk = small_disk(Path(str(make_url(sqlite).database)).stat().st_size * 3 // 2)
    shutil.copy(str(make_url(sqlite).database), disk / "test.db")
    url = f"sqlite:///{disk / 'test.db'}"
    change(url)
    before = digests(url)
    with pytest.raises(VisionForgeError, match=r"[Nn]o space left|full"):
        restore(made, url, replace=True)
    assert digests(url) == before
    assert [path.name for path in disk.iterdir()] == ["test.db"]
