"""The chain of evidence: what a record's files were when the run ended, and whether they still are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_visionforge.errors import RecordError
from pytest_visionforge.record.record import NAME, read, record_files, stamp, write_whole
from pytest_visionforge.record.shape import shaped

MANIFEST = "manifest.json"
SIGNATURES = "signatures"  # come after the seal: what they sign is the manifest


def seal(directory: Path) -> Path:
    """Write `manifest.json` with the size and SHA-256 of each file of a record, and return its path.

    It is the last thing that a run writes: whatever changes afterwards, `verify` tells.
    """
    path = directory / MANIFEST
    try:
        write_whole(path, _manifest(directory, _artefacts(directory)))
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _manifest(directory: Path, found: Mapping[str, tuple[int, str]]) -> bytes:
    """The manifest's very bytes: one that was altered anywhere is not what these say."""
    artefacts = {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in found.items()}
    manifest = {"format": 1, "record": directory.resolve().name, "artefacts": artefacts}
    return (json.dumps(manifest, indent=1) + "\n").encode()


def verify(directory: Path) -> tuple[str, ...]:
    """What differs from the manifest, one sentence for each file; empty where nothing does.

    Raises `RecordError` where there is no manifest that can be read.
    """
    sealed = sealed_artefacts(directory)
    found = _artefacts(directory)
    differs = [f"{name}: is missing" for name in sealed if name not in found]
    differs += [f"{name}: was added after the record was sealed" for name in found if name not in sealed]
    differs += [
        f"{name}: was altered: SHA-256 {found[name][1][:12]}…, manifest.json says {sha256[:12]}…"
        for name, sha256 in sealed.items()
        if name in found and found[name][1] != sha256
    ]
    if NAME not in sealed:
        differs.append(f"{NAME}: is not in the manifest")
    elif (
        NAME in found
        and found[NAME][1] == sealed[NAME]
        and (says := read(directory).id) != directory.resolve().name
    ):
        differs.append(f"{NAME}: is the record {says}, not {directory.resolve().name}")
    if not differs and (directory / MANIFEST).read_bytes() != _manifest(directory, found):
        differs.append(f"{MANIFEST}: was altered: it is not what its own files say")
    return tuple(sorted(differs))


def sealed_artefacts(directory: Path) -> dict[str, str]:
    """The manifest's artefacts: name -> SHA-256."""
    path = directory / MANIFEST
    try:
        data = json.loads(path.read_bytes())
        artefacts = shaped(Mapping[str, Mapping[str, Any]], data.get("artefacts"), "artefacts")
        sealed = {name: str(facts["sha256"]) for name, facts in artefacts.items()}
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}; the record was not sealed"
        raise RecordError(f"{path}: {why}") from error
    except (AttributeError, KeyError, ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not a manifest: {error}") from error
    if outside := [name for name in sealed if _leaves(name)]:
        raise RecordError(f"{path}: names a file outside the record: {outside[0]!r}")
    return sealed


def broken_chain(directory: Path) -> tuple[str, ...]:
    """Where the chain of records does not hold, one sentence for each; empty where it does.

    Each record holds the SHA-256 of the one before it. The oldest one's may be gone (records are
    retired oldest first); any other must be there, unaltered.
    """
    files = record_files(directory)
    known = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    broken = []
    for path in files:
        try:
            record = read(path)
        except RecordError as error:
            broken.append(str(error))
            continue
        if record.previous not in known and stamp(path) != stamp(files[0]):
            broken.append(f"{record.id}: the record before it was altered or taken away")
    return tuple(broken)


def _artefacts(directory: Path) -> dict[str, tuple[int, str]]:
    """Each file below the directory but the manifest: name -> (bytes, SHA-256)."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and name != MANIFEST and not name.startswith(f"{SIGNATURES}/"):
            with path.open("rb") as file:
                found[name] = (path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
    return found


def _leaves(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts
