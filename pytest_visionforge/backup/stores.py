"""Where payloads lie: as files in the backup's directory, encrypted or not, or in a restic repository."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pytest_visionforge.backup import age, files, payload, restic
from pytest_visionforge.backup.payload import SUFFIX, Counted, File, Raw, Sink, Source
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store

ENCRYPTED = ".age"


def kind(store: Store) -> str:
    """What a manifest says of a store: "" for the directory, "age", or "restic:" and the repository."""
    if store.own:
        return "own"
    if store.repository:
        return f"restic:{restic.shown(store.repository)}"
    return "age" if store.recipients else ""


def name_of(file: File) -> str:
    """What the archive room calls a stored payload."""
    return file.name.removesuffix(ENCRYPTED).removesuffix(SUFFIX)


def prepare(store: Store) -> None:
    """Raises BackupError, before anything is dumped, where nothing can be stored."""
    if store.repository:
        restic.prepare(store)
    elif store.recipients:
        age.recipients(store.recipients)


@contextmanager
def writing(store: Store, directory: Path, id: str, name: str, stored: list[File]) -> Iterator[Sink]:
    """A new payload of the backup `id`; its facts are added to `stored` once it is safe."""
    if store.repository:
        with restic.writing(store, id, name) as added:
            sink = Counted(added.input)
            yield sink
        stored.append(File(name, sink.sha256, added.size, sink.size, added.snapshot))
        return
    stored_as = name + SUFFIX + (ENCRYPTED if store.recipients else "")
    with files.created(directory / stored_as) as file:
        lowest = Counted(file)
        with age.encrypting(lowest, store.recipients) as upper:
            compressor = payload.Compressor(upper)
            yield compressor
            compressor.finish()
    stored.append(File(stored_as, lowest.sha256, lowest.size, compressor.raw_size))


@contextmanager
def reading(store: Store, directory: Path, file: File) -> Iterator[Raw]:
    """A payload as the bytes that it was made of; its end is proved where the block ends well."""
    with _source(store, directory, file) as source:
        raw = Raw(source, file)
        yield raw
        raw.drain()


@contextmanager
def _source(store: Store, directory: Path, file: File) -> Iterator[Source]:
    if file.snapshot:
        with restic.reading(store, file) as source:
            yield source
        return
    with files.opened(directory / file.name) as stored:
        if not file.name.endswith(ENCRYPTED):
            yield payload.decompressed(stored, file.name)
            return
        with age.decrypting(stored, store.identity, file.name) as plain:
            yield payload.decompressed(plain, file.name)


def refuse_locked(store: Store, directory: Path, stored: Sequence[File]) -> None:
    """Raises BackupError where the keys are missing or wrong: that is no fault of the payloads."""
    for file in stored[:1]:
        if file.snapshot:
            restic.open_up(store)
        elif file.name.endswith(ENCRYPTED):
            with (
                files.opened(directory / file.name) as lying,
                age.decrypting(lying, store.identity, file.name) as plain,
            ):
                plain.read(1)


def check_hash(store: Store, directory: Path, file: File) -> None:
    """Raises BackupError where a payload is not the bytes that the manifest names."""
    if file.snapshot:
        with restic.reading(store, file) as source:
            found = payload.sha256_of(source)
        _compare(file, *found, file.raw_size)  # if restic itself has no complaint
        return
    with files.opened(directory / file.name) as stored:
        size = os.fstat(stored.fileno()).st_size  # before it is read: it may be gigabytes too long
        _compare(file, file.sha256 if size != file.size else payload.sha256_of(stored)[0], size, file.size)


def _compare(file: File, sha256: str, size: int, expected: int) -> None:
    if size != expected:
        raise BackupError(f"{file.name} has {size:,} bytes, the manifest says {expected:,}")
    if sha256 != file.sha256:
        raise BackupError(
            f"{file.name} was altered: SHA-256 {sha256[:12]}…, the manifest says {file.sha256[:12]}…"
        )


def keep(store: Store, id: str, path: Path) -> None:
    """Puts a file of a backup beside its payloads, where these are elsewhere: the directory may be lost."""
    if store.repository:
        with restic.writing(store, id, path.name) as added:
            added.input.write(path.read_bytes())


def forget(store: Store, stored: Sequence[File], id: str) -> None:
    """Removes what a backup has outside its directory."""
    if store.repository and any(file.snapshot for file in stored):
        restic.forget(store, id)
