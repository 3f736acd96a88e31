"""No space, anywhere: one clear message, nothing half, everything as it was."""

from __future__ import annotations

import re
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyrage
import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import catalogue, find, incomplete, restore, verify
from pytest_visionforge.errors import VisionForgeError
from pytest_visionforge.plan.values.sections import Store
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


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_disk_of_any_size_has_a_whole_backup_or_none(
    sqlite: str, small_disk: Callable[[int], Path], encrypted: bool
) -> None:
    """From a disk that is too small for anything to one that is large enough: nothing half, and it is said."""
    fill(sqlite)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    store = Store(recipients=(recipient,) if encrypted else ())
    whole, said = 0, list[str]()
    for size in range(8_000, 280_000, 16_000):
        directory = small_disk(size) / "backups"
        try:
            verify(back_up(sqlite, directory, store=store), "hashed")
            whole += 1
        except VisionForgeError as error:
            said.append(str(error))
        assert len(catalogue(directory)) <= 1
        assert incomplete(directory) == ()
        assert all(verify(made, "hashed").holds for made in catalogue(directory) if not made.proofs)
    assert whole > 0
    assert said
    assert [words for words in said if not re.search("[Nn]o space left|full|cannot be written", words)] == []


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


def test_a_full_disk_says_nothing_of_a_backup(sqlite: str, small_disk: Callable[[int], Path]) -> None:
    """What cannot be looked at for want of space is not disproved by that."""
    fill(sqlite)
    directory = small_disk(400_000) / "backups"
    made = back_up(sqlite, directory)
    verify(made, "decoded")
    filler = directory / "filler"
    filler.write_bytes(b"x" * (shutil.disk_usage(directory).free - 20_000))
    with pytest.raises(VisionForgeError, match=r"[Nn]o space left.*free some space"):
        verify(made, "decoded")
    filler.unlink()
    assert find(directory, made.id).level == "decoded"
