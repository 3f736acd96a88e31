"""Backups that are not what they say: with another payload or another claim, and whole in themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_visionforge.backup import Backup, stores
from pytest_visionforge.backup.catalogue import read
from pytest_visionforge.backup.manifest import MANIFEST, sealed, written
from pytest_visionforge.backup.payload import File


def claims(made: Backup, **facts: Any) -> Backup:
    """The backup with a manifest that says something else."""
    (made.path / MANIFEST).write_bytes(written(sealed(replace(made.manifest, **facts))))
    return read(made.path, made.store)


def payload_of(made: Backup, name: str = "") -> File:
    """The largest stored payload, or the one of a name."""
    if not name:
        return max(made.manifest.files, key=lambda file: file.raw_size)
    return next(file for file in made.manifest.files if stores.name_of(file) == name)


def content(made: Backup, file: File) -> bytes:
    """The bytes that a payload was made of."""
    with stores.reading(made.store, made.path, file) as raw:
        return b"".join(iter(raw.read, b""))


def with_content(made: Backup, file: File, content: bytes) -> Backup:
    """The backup with other bytes as a payload, hashes and all: what only decoding can refuse."""
    (made.path / file.name).unlink()
    stored: list[File] = []
    with stores.writing(made.store, made.path, made.id, stores.name_of(file), stored) as sink:
        sink.write(content)
    files = [stored[0] if each.name == file.name else each for each in made.manifest.files]
    return claims(made, files=tuple(files))
