"""The list of backups: only whole ones, newest first, with what is proved of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_visionforge import backup
from pytest_visionforge.backup import Backup, Proof, catalogue, find, incomplete, verify
from pytest_visionforge.backup.catalogue import ID, new_id
from pytest_visionforge.backup.manifest import LEVELS
from pytest_visionforge.errors import BackupError
from tests.backup.shop import back_up


def test_an_empty_or_missing_directory_has_no_backups(tmp_path: Path) -> None:
    """Where there is nothing, there is nothing, and no error."""
    assert catalogue(tmp_path) == catalogue(tmp_path / "missing") == ()
    assert incomplete(tmp_path / "missing") == ()


def test_ids_are_new_and_tell_when(made: Backup) -> None:
    """Ids are unique however fast they are made, match their form, and hold the time in UTC."""
    ids = {new_id("full") for _ in range(500)}
    assert len(ids) == 500
    assert all(ID.fullmatch(id) for id in ids)
    assert abs(made.when - datetime.now(UTC)) < timedelta(minutes=10)
    assert made.manifest.created == made.when.isoformat(timespec="milliseconds")


def test_the_newest_comes_first(sqlite_shop: str, backups: Path) -> None:
    """Backups are listed newest first, of every kind."""
    made = [back_up(sqlite_shop, backups, kind=kind) for kind in ("full", "schema", "data")]
    assert [found.id for found in catalogue(backups)] == [one.id for one in reversed(made)]


def test_what_is_no_backup_is_not_listed(made: Backup, backups: Path) -> None:
    """Left-overs, links, files and strangers are not listed; left-overs are named."""
    (backups / ".tmp-20200101T000000000Z-00000000-full").mkdir()
    (backups / "20200101T000000000Z-00000000-full").symlink_to(made.path)
    (backups / "20200101T000000000Z-00000001-full").write_text("a file")
    (backups / "holiday-photos").mkdir()
    assert [found.id for found in catalogue(backups)] == [made.id]
    said = "\n".join(incomplete(backups))
    assert ".tmp-20200101T000000000Z-00000000-full" in said
    assert "00000001-full: is not the directory of a backup" in said
    assert "holiday" not in said


@pytest.mark.parametrize(
    "name", ["../x", "/etc", "..", ".", "", "a/b", "-rf", "x" * 300, "a\0b", "a\nb", "%2e%2e", "CON ", "é"]
)
def test_hostile_names_find_nothing(made: Backup, backups: Path, name: str) -> None:
    """No name leads out of the directory; each gets one message."""
    with pytest.raises(BackupError, match=r"cannot be the id|no backup"):
        find(backups, name)


@given(st.text())
def test_any_text_is_an_id_or_an_error(name: str) -> None:
    """Looking for any text ends in BackupError where there is no backup."""
    with pytest.raises(BackupError):
        find(Path("/nonexistent"), name)


def test_a_backup_is_found_by_part_of_its_id(made: Backup, backups: Path, sqlite_shop: str) -> None:
    """The beginning of an id or of its random part is enough, as long as it is the only one."""
    assert find(backups, made.id).id == find(backups, made.tag[:6]).id == find(backups, made.id[:20]).id
    back_up(sqlite_shop, backups)
    with pytest.raises(BackupError, match="write more of it"):
        find(backups, made.id[:2])


def _proof(made: Backup, level: str, *, holds: bool) -> Proof:
    return Proof(made.manifest.sha256, level, "2026-01-01T00:00:00+00:00", 0.1, holds, "says")  # type: ignore[arg-type]


@given(seen=st.lists(st.tuples(st.sampled_from(LEVELS), st.booleans()), max_size=6))
def test_a_failed_proof_undoes_all_before_it(seen: list[tuple[str, bool]]) -> None:
    """A backup is as proved as the strongest proof since the last failed one."""
    made = Backup(Path("x"), _MANIFEST)
    proved = replace(made, proofs=tuple(_proof(made, level, holds=holds) for level, holds in seen))
    standing = []
    for level, holds in seen:  # newest first
        if not holds:
            break
        standing.append(level)
    assert proved.level == max(standing, key=LEVELS.index, default=None)
    assert proved.verified == ("restored" in standing)


_MANIFEST = backup.Manifest(
    id="20260101T000000000Z-0a1b2c3d-full",
    created="2026-01-01T00:00:00.000+00:00",
    kind="full",
    dialect="sqlite",
    dbms="SQLite",
    server="3",
    identity="i",
    place="p",
    shown="s",
    snapshot="shared",
    tools={},
    options=(),
    tables={},
    objects={},
    sequences={},
    files=(),
    sha256="abc",
)


def test_proofs_are_kept_and_shown(made: Backup, backups: Path) -> None:
    """Each proof is kept beside the manifest and shown in the list."""
    assert find(backups, made.id).level is None
    assert find(backups, made.id).as_json()["says"] == "not proved"
    verify(made, "hashed")
    assert find(backups, made.id).level == "hashed"
    verify(made, "restored")
    verify(made, "decoded")
    found = find(backups, made.id)
    assert found.verified
    assert "identical" in found.as_json()["says"]


def test_a_damaged_proof_counts_as_none(made: Backup, backups: Path) -> None:
    """A proof that was altered, or belongs to another backup, proves nothing."""
    verify(made, "restored")
    [path] = made.path.glob("proof-*.json")
    content = path.read_text()
    path.write_text(content.replace('"rows": ', '"rows": 1'))
    assert not find(backups, made.id).verified
    path.write_text(content[:-5])
    assert not find(backups, made.id).verified
    path.write_text(content.replace(made.manifest.sha256, "0" * 64))
    assert not find(backups, made.id).verified
    path.write_text(content)
    assert find(backups, made.id).verified
