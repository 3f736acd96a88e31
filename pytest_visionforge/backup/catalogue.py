"""The backups of a directory, and how far each is proved."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_visionforge.backup import holds
from pytest_visionforge.backup.holds import Hold
from pytest_visionforge.backup.manifest import LEVELS, Kind, Level, Manifest, Proof, read_manifest, read_proof
from pytest_visionforge.cutover import journal
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store

ID = re.compile(r"\d{8}T\d{9}Z-([0-9a-f]{8})-(full|schema|data)")
UNFINISHED = ".tmp-"
LEFT = re.compile(rf"{re.escape(UNFINISHED)}(pruned-)?{ID.pattern}")  # a backup that is made, or removed
JOURNAL = "journal.jsonl"
_DIRECTORY = Store()


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup: its directory, its manifest, its proofs (newest first), how its payloads are read.

    `hold` says why it must stay, where somebody says so.
    """

    path: Path
    manifest: Manifest
    proofs: tuple[Proof, ...] = ()
    store: Store = _DIRECTORY
    hold: Hold | None = None

    @property
    def id(self) -> str:
        """`YYYYMMDDTHHMMSSmmmZ-<8 hex>-<kind>`: when it was begun (UTC), a random part, what it holds."""
        return self.manifest.id

    @property
    def tag(self) -> str:
        """The random part of the id: what scratch databases are called after."""
        found = ID.fullmatch(self.id)
        assert found
        return found[1]

    @property
    def kind(self) -> Kind:
        """What it holds: all ("full"), the definitions ("schema") or the rows ("data")."""
        return self.manifest.kind

    @property
    def when(self) -> datetime:
        """When it was begun, UTC."""
        return moment_of(self.id)

    @property
    def size(self) -> int:
        """Bytes that its payloads take."""
        return sum(file.size for file in self.manifest.files)

    @property
    def raw_size(self) -> int:
        """Bytes that its payloads were, before they were compressed or deduplicated."""
        return sum(file.raw_size for file in self.manifest.files)

    @property
    def rows(self) -> int:
        """Rows that it holds, as far as they were counted."""
        return sum(held.rows or 0 for held in self.manifest.tables.values())

    @property
    def journal(self) -> Path:
        """The journal beside it."""
        return self.path.parent / JOURNAL

    @property
    def proof(self) -> Proof | None:
        """The strongest proof since the last one that failed; None where there is none."""
        standing: list[Proof] = []
        for proof in self.proofs:
            if not proof.holds:
                break
            standing.append(proof)
        return max(standing, key=lambda proof: LEVELS.index(proof.level), default=None)

    @property
    def disproved(self) -> bool:
        """Was it looked at last, and is not what it says?"""
        return bool(self.proofs) and not self.proofs[0].holds

    @property
    def level(self) -> Level | None:
        """How far it is proved; None: not at all, or it failed since."""
        return self.proof.level if self.proof else None

    @property
    def verified(self) -> bool:
        """Has it been restored into a scratch database and found equal?"""
        return self.level == "restored"

    def as_json(self) -> dict[str, Any]:
        """What a list or a record says of it: plain values, no digests of segments."""
        proof = self.proof
        return {
            "id": self.id,
            "created": self.manifest.created,
            "kind": self.kind,
            "dbms": self.manifest.dbms,
            "server": self.manifest.server,
            "identity": self.manifest.identity,
            "shown": self.manifest.shown,
            "snapshot": self.manifest.snapshot,
            "path": str(self.path),
            "size": self.size,
            "raw_size": self.raw_size,
            "store": self.manifest.store,
            "tables": len(self.manifest.tables),
            "rows": self.rows,
            "sha256": self.manifest.sha256,
            "tags": dict(self.manifest.tags),
            "held": self.hold.reason if self.hold else None,
            "level": self.level,
            "disproved": self.disproved,
            "proved": proof.when if proof else None,
            "proof_seconds": proof.seconds if proof else None,
            "says": proof.says if proof else next((p.says for p in self.proofs), "not proved"),
        }


def new_id(kind: Kind) -> str:
    """An id that no other backup has."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03}Z-{secrets.token_hex(4)}-{kind}"


def moment_of(id: str) -> datetime:
    """When a backup was begun, UTC."""
    return datetime.strptime(id.partition("Z")[0] + "000+0000", "%Y%m%dT%H%M%S%f%z")


def read(path: Path, store: Store = _DIRECTORY) -> Backup:
    """The backup in a directory; BackupError where it is not a whole one."""
    if not ID.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
        raise BackupError(f"{path}: is not the directory of a backup")
    manifest = read_manifest(path)
    return Backup(path, manifest, tuple(_proofs(path, manifest)), store, holds.read(path))


def catalogue(directory: Path, store: Store = _DIRECTORY) -> tuple[Backup, ...]:
    """The whole backups of a directory, newest first; what is not one, `incomplete` names.

    `store` says how payloads that are encrypted or elsewhere are read: the plan's `backup.store`.
    """
    found = (_try(directory / name, store) for name in _names(directory))
    return tuple(backup for backup in found if isinstance(backup, Backup))


def makers(directory: Path) -> dict[str, str]:
    """Who made each backup (user@host), by id, as the journal says; RecordError where it does not hold."""
    path = directory / JOURNAL
    entries = journal.read(path) if path.exists() else ()
    return {
        str(entry.facts.get("backup")): entry.actor
        for entry in entries
        if entry.phase == "begin" and entry.action.startswith("backup create ")
    }


def incomplete(directory: Path) -> tuple[str, ...]:
    """What lies in a directory and is no whole backup: a sentence each, with the remedy."""
    left = [
        f"{directory / name}: left by a run that has not finished;"
        f" {'visionforge backup prune --yes removes' if LEFT.fullmatch(name) else 'remove'} it once none is running"
        for name in _entries(directory)
        if name.startswith(UNFINISHED)
    ]
    broken = [found for name in _names(directory) if isinstance(found := _try(directory / name), str)]
    return tuple(sorted(left) + broken)


def find(directory: Path, text: str, store: Store = _DIRECTORY) -> Backup:
    """The backup whose id is, or begins with, a text (or whose random part does)."""
    if not re.fullmatch(r"[0-9A-Za-z-]{1,60}", text):
        raise BackupError(f"{text[:80]!r} cannot be the id of a backup; `visionforge backup list` shows them")
    names = _names(directory)
    wanted = [name for name in names if name == text] or [
        name for name in names if name.startswith(text) or name.split("-")[1].startswith(text)
    ]
    if not wanted:
        raise BackupError(f"no backup {text} in {directory}; there are: {', '.join(names[:5]) or 'none'}")
    if len(wanted) > 1:
        raise BackupError(f"{text} may be any of {', '.join(wanted[:5])}: write more of it")
    return read(directory / wanted[0], store)


def _entries(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BackupError(f"{directory}: the backups cannot be listed: {error.strerror}") from None


def _names(directory: Path) -> list[str]:
    """Ids, newest first."""
    return sorted(filter(ID.fullmatch, _entries(directory)), reverse=True)


def _try(path: Path, store: Store = _DIRECTORY) -> Backup | str:
    try:
        return read(path, store)
    except BackupError as error:
        return str(error)


def _proofs(path: Path, manifest: Manifest) -> list[Proof]:
    """The proofs of this very manifest, newest first; one that cannot be read counts as failed."""
    proofs = []
    for name in sorted(filter(re.compile(r"proof-.*\.json").fullmatch, _entries(path)), reverse=True):
        try:
            proof = read_proof(path / name)
        except BackupError as error:
            proof = Proof(manifest.sha256, "hashed", name, 0.0, False, str(error))
        if proof.manifest == manifest.sha256:
            proofs.append(proof)
    return proofs
