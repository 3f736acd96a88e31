"""What a backup is, written beside it: `manifest.json`, and the proofs that were made of it since.

Both are written in one exact form, and read only if they are in that form to the byte: a flipped bit,
a key that stands there twice or a number that is none cannot hide. The manifest is what is trusted:
whoever can write it can write another backup.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pytest_visionforge.backup import files
from pytest_visionforge.backup.payload import File
from pytest_visionforge.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST = 64 << 20  # bytes of a manifest: about a billion rows in segments
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

Kind = Literal["full", "schema", "data"]
Level = Literal["hashed", "decoded", "restored"]
LEVELS: tuple[Level, ...] = ("hashed", "decoded", "restored")


T = TypeVar("T", "Manifest", "Proof")


@dataclass(frozen=True, slots=True)
class Held:
    """What a backup holds of one table: None where it was not counted or not digested.

    `digests` is `compare.TableDigests.as_json()`, `digest` the one number of them.
    """

    rows: int | None = None
    digest: str | None = None
    digests: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of a backup.

    `identity` is the database's own, `place` where it was (host and name, or path), `shown` its
    address as people see it. `snapshot` is "shared" where digests and payload come from one state of
    the database, else "own". `objects` maps each table and view to the SHA-256 of its definition,
    `sequences` each sequence to its next number, `moved` those that others drew from meanwhile to the
    number at the end. `needs` names what the server must have (roles, extensions ...), `bytes` is the
    database's size on disk. `store` is "" where the payloads lie beside the manifest, else "age" or
    "restic:<repository>", or "own": then `name` is what the other tool calls the backup. Sizes in bytes,
    times in UTC.
    """

    id: str
    created: str
    kind: Kind
    dialect: str
    dbms: str
    server: str
    identity: str
    place: str
    shown: str
    snapshot: Literal["shared", "own"]
    tools: Mapping[str, str] = field(hash=False)
    options: tuple[str, ...]
    tables: Mapping[str, Held] = field(hash=False)
    objects: Mapping[str, str] = field(hash=False)
    sequences: Mapping[str, int | None] = field(hash=False)
    files: tuple[File, ...]
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    moved: Mapping[str, int] = field(default_factory=dict, hash=False)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    bytes: int = 0
    store: str = ""
    name: str = ""
    format: int = FORMAT
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found when a backup was proved; `manifest` is the `sha256` of what it was made of.

    `holds` False: it was looked at and it is not what it says. `seconds` it took, `rows` compared in
    `tables` tables, `inserted` tables that took a row (it was taken back); `notes` say what is worth
    knowing and no fault.
    """

    manifest: str
    level: Level
    when: str
    seconds: float
    holds: bool
    says: str
    tables: int = 0
    rows: int = 0
    inserted: int = 0
    notes: tuple[str, ...] = ()
    sha256: str = ""


def sealed(value: T) -> T:
    """The manifest or proof with the `sha256` that covers all the rest of it."""
    blank = replace(value, sha256="")
    return replace(blank, sha256=hashlib.sha256(_json(asdict(blank))).hexdigest())


def written(value: Manifest | Proof) -> bytes:
    """The bytes of its file."""
    return _json(asdict(value))


def read_manifest(directory: Path) -> Manifest:
    """The manifest of a backup's directory; BackupError where it is not one of ours, whole and unaltered."""
    path = directory / MANIFEST
    content = _content(path)
    _refuse_newer(content, path)
    manifest = _shaped(Manifest, content, path)
    if manifest.id != directory.name:
        raise BackupError(f"{path}: is the manifest of {manifest.id}, not of {directory.name}")
    for file in manifest.files:
        if not SAFE.fullmatch(file.name) or file.size < 0 or file.raw_size < 0:
            raise BackupError(f"{path}: names a file that a backup cannot have: {file.name[:80]!r}")
    return manifest


def read_proof(path: Path) -> Proof:
    """A proof beside a manifest; BackupError where it is not one."""
    return _shaped(Proof, _content(path), path)


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _content(path: Path) -> bytes:
    with files.opened(path) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BackupError(f"{path}: is larger than {LARGEST >> 20} MiB, which is no manifest of ours")
    return content


def _refuse_newer(content: bytes, path: Path) -> None:
    try:
        found = json.loads(content)["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BackupError(f"{path}: is not a manifest (cut off or altered)") from None
    if isinstance(found, int) and found > FORMAT:
        raise BackupError(
            f"{path}: has format {found}, this version reads {FORMAT}: upgrade pytest-visionforge"
        )


def _shaped(shape: type[T], content: bytes, path: Path) -> T:
    """The value, if the content is exactly what we would write for it."""
    from pydantic import ValidationError

    try:
        value: T = _adapter(shape.__name__).validate_json(content, strict=True, extra="forbid")
        exact = _json(asdict(value)) == content
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][:4])
        raise BackupError(f"{path}: {where[:200] or 'it'}: {first['msg'][:200]}") from None
    except (ValueError, RecursionError):
        exact = False
    if not exact:
        raise BackupError(f"{path}: was altered: it is not written as we write it")
    if value != sealed(value):
        raise BackupError(f"{path}: was altered: its SHA-256 is not that of its content")
    return value


@cache
def _adapter(name: str) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter({"Manifest": Manifest, "Proof": Proof}[name])
