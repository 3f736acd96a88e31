"""Manifests and proofs: what is not ours, whole and unaltered, is refused with a message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_visionforge.backup import Backup, catalogue, find, incomplete, manifest
from pytest_visionforge.backup.manifest import MANIFEST, read_manifest
from pytest_visionforge.errors import BackupError
from tests.soak import examples


def test_a_manifest_reads_as_it_was_written(made: Backup) -> None:
    """A manifest comes back equal, with every number and digest."""
    again = read_manifest(made.path)
    assert again == made.manifest
    assert again.tables == made.manifest.tables
    assert manifest.written(again) == (made.path / MANIFEST).read_bytes()


@settings(
    max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_hides_in_a_manifest(made: Backup, place: float, bit: int) -> None:
    """One flipped bit anywhere in a manifest, be it in white space, makes the backup unusable."""
    path = made.path / MANIFEST
    whole = path.read_bytes()
    content = bytearray(whole)
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        with pytest.raises(BackupError):
            read_manifest(made.path)
    finally:
        path.write_bytes(whole)


def _edited(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def edit(content: bytes) -> bytes:
        data = json.loads(content)
        change(data)
        return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()

    return edit


HOSTILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "not a manifest"),
    "cut": (lambda content: content[:-20], "not a manifest"),
    "text": (lambda content: b"hello", "not a manifest"),
    "a list": (lambda content: b"[1, 2]", "not a manifest"),
    "nested": (lambda content: b'{"format": ' + b"[" * 100_000, "not a manifest"),
    "not a number": (lambda content: content.replace(b'"format": 1', b'"format": NaN'), "format"),
    "a huge number": (
        lambda content: content.replace(b'"format": 1', b'"format": ' + b"9" * 5000),
        "not a manifest",
    ),
    "newer": (_edited(lambda data: data.update(format=99, novelty=1)), "upgrade pytest-visionforge"),
    "a key twice": (lambda content: content.replace(b"{\n", b'{\n "kind": "data",\n', 1), "altered"),
    "an unknown key": (_edited(lambda data: data.update(evil=1)), "evil"),
    "a missing key": (_edited(lambda data: data.pop("files")), "files"),
    "a wrong type": (_edited(lambda data: data.update(tables=[1])), "tables"),
    "a wrong kind": (_edited(lambda data: data.update(kind="everything")), "kind"),
    "an edited count": (_edited(lambda data: data["tables"]["log"].update(rows=7)), "SHA-256"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_manifest_is_refused(made: Backup, backups: Path, name: str) -> None:
    """A manifest that is cut, nested, doubled, mistyped, newer or edited is refused, named and not listed."""
    edit, says = HOSTILE[name]
    path = made.path / MANIFEST
    path.write_bytes(edit(path.read_bytes()))
    with pytest.raises(BackupError, match=says):
        read_manifest(made.path)
    assert catalogue(backups) == ()
    assert made.id in incomplete(backups)[0]
    with pytest.raises(BackupError, match=made.id):
        find(backups, made.id)


def test_a_huge_manifest_is_not_read(made: Backup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest beyond all reason is refused before it is parsed."""
    monkeypatch.setattr(manifest, "LARGEST", 1000)
    with pytest.raises(BackupError, match="larger than"):
        read_manifest(made.path)


def _signed(made: Backup, change: Callable[[dict[str, Any]], object]) -> None:
    """Edits a manifest as somebody would who knows how it is written."""
    data = json.loads((made.path / MANIFEST).read_bytes())
    change(data)
    data["sha256"] = ""
    blank = (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()
    data["sha256"] = hashlib.sha256(blank).hexdigest()
    (made.path / MANIFEST).write_bytes((json.dumps(data, indent=1, sort_keys=True) + "\n").encode())


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b.zst", "", "-rf", "x" * 200, "a\nb"])
def test_a_manifest_cannot_name_files_elsewhere(made: Backup, name: str) -> None:
    """Even a manifest whose hash is right names only plain files in its own directory."""
    _signed(made, lambda data: data["files"][0].update(name=name))
    with pytest.raises(BackupError, match="names a file that a backup cannot have"):
        read_manifest(made.path)


def test_the_manifest_of_another_backup_is_refused(made: Backup, backups: Path) -> None:
    """A manifest belongs to the directory that is called after it."""
    other = backups / made.id.replace(made.tag, "0" * 8)
    made.path.rename(other)
    with pytest.raises(BackupError, match=f"is the manifest of {made.id}"):
        read_manifest(other)
