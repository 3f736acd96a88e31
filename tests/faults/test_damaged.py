"""Damaged on the disk: every damage to every file of a backup is found, and undamaged ones are not accused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_visionforge.backup import Backup, Disproved, verify
from pytest_visionforge.backup.catalogue import catalogue, incomplete, read
from pytest_visionforge.backup.manifest import MANIFEST
from pytest_visionforge.errors import BackupError
from tests.backup import forging
from tests.backup.shop import back_up


def _flip(place: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[min(int(place * len(content)), len(content) - 1)] ^= 4
        path.write_bytes(content)

    return damage


def _cut(count: int | float) -> Callable[[Path], None]:
    """Takes off so many bytes, or that share of them."""

    def damage(path: Path) -> None:
        size = path.stat().st_size
        os.truncate(path, max(0, size - (count if isinstance(count, int) else int(count * size))))

    return damage


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _linked(path: Path) -> None:
    path.rename(path.with_name("aside"))
    path.symlink_to(path.with_name("aside"))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a bit of the first byte": _flip(0.0),
    "a bit in the middle": _flip(0.5),
    "a bit of the last byte": _flip(1.0),
    "a byte cut off": _cut(1),
    "ten bytes cut off": _cut(10),
    "half cut off": _cut(0.5),
    "all cut off": _cut(1.0),
    "a byte more": _longer,
    "a deleted file": lambda path: path.unlink(),
    "a link": _linked,
}


def test_every_damage_to_every_file_is_found(shop: str, backups: Path, tmp_path: Path) -> None:
    """One flipped bit, a byte too few or too many, a link or a missing file: hashing finds it, in each file."""
    made = back_up(shop, backups)
    for number, (name, damage) in enumerate(DAMAGES.items()):
        for file in sorted(path.name for path in made.path.iterdir()):
            place = tmp_path / str(number) / file
            damaged = Path(shutil.copytree(made.path, place / made.id))
            damage(damaged / file)
            with pytest.raises(BackupError) as caught:
                verify(read(damaged), "hashed")
            assert isinstance(caught.value, Disproved) == (file != MANIFEST), (name, file)
            assert file != MANIFEST or (catalogue(place), len(incomplete(place))) == ((), 1), (name, file)
    assert verify(made, "hashed").holds


def test_times_are_no_damage(shop: str, backups: Path) -> None:
    """A backup whose files have only other times, and which lies elsewhere, is still proved."""
    made = back_up(shop, backups)
    moved = Path(shutil.move(made.path, backups / "elsewhere" / made.id))
    for path in moved.iterdir():
        os.utime(path, (1, 1))
    assert verify(read(moved), scratch_url=shop).holds


def test_the_manifest_of_another_backup_is_refused(shop: str, backups: Path) -> None:
    """A manifest, though whole, proves nothing of files that it does not belong to."""
    one, other = back_up(shop, backups), back_up(shop, backups)
    shutil.copy(other.path / MANIFEST, one.path / MANIFEST)
    with pytest.raises(BackupError, match=f"is the manifest of {other.id}"):
        read(one.path)
    assert [made.id for made in catalogue(backups)] == [other.id]


def _decoded(made: Backup) -> None:
    with pytest.raises(BackupError):
        verify(made, "decoded")


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_dump_cut_at_any_boundary_does_not_decode(
    name: str, request: pytest.FixtureRequest, backups: Path
) -> None:
    """Cut at a line's end, within a table's rows or a byte before its end, a dump that is sound so far is refused."""
    from tests.backup import shop as shops

    made = back_up(shops.fill(request.getfixturevalue(name)), backups)
    file = forging.payload_of(made)
    whole = forging.content(made, file)
    lines = [place + 1 for place, byte in enumerate(whole) if byte == 10][:-1]
    places = {len(whole) - 2, len(whole) - 10, len(whole) - 1000, *lines[:: len(lines) // 8 + 1], lines[-1]}
    for place in sorted(places):
        made = forging.with_content(
            made, forging.payload_of(made, file.name.removesuffix(".zst")), whole[:place]
        )
        _decoded(made)
    whole_again = forging.payload_of(made, file.name.removesuffix(".zst"))
    assert verify(forging.with_content(made, whole_again, whole), "decoded").holds


def test_a_file_cut_at_any_page_does_not_decode(sqlite: str, backups: Path) -> None:
    """A SQLite database that lost its last pages is refused, at whichever page it was cut."""
    from tests.backup import shop as shops

    made = back_up(shops.fill(sqlite), backups)
    file = forging.payload_of(made)
    whole = forging.content(made, file)
    for place in range(4096, len(whole) - 1, 8 * 4096):
        made = forging.with_content(made, forging.payload_of(made), whole[:place])
        _decoded(made)
