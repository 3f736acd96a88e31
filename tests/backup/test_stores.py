"""Payloads elsewhere than plain in the directory: encrypted to recipients of age, or in a restic repository."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyrage
import pytest

from pytest_visionforge import backup
from pytest_visionforge.backup import Backup, Disproved, catalogue, incomplete, stores, verify
from pytest_visionforge.backup.catalogue import read
from pytest_visionforge.backup.manifest import MANIFEST
from pytest_visionforge.backup.payload import File
from pytest_visionforge.database import Database
from pytest_visionforge.errors import BackupError
from pytest_visionforge.plan.values.sections import Store
from tests import servers
from tests.backup.shop import ROWS, back_up, watched
from tests.soak import SOAK

PASSWORD = "r3st1c-p4ss"


def _secret(path: Path, content: str) -> Path:
    path.write_text(content)
    path.chmod(0o600)
    return path


@pytest.fixture
def encrypted(tmp_path: Path) -> Store:
    """A store to one recipient, with its identity."""
    identity = pyrage.x25519.Identity.generate()
    file = _secret(tmp_path / "identity", f"# made for a test\n{identity}\n")
    return Store(recipients=(str(identity.to_public()),), identity=file)


@pytest.fixture
def repository(tmp_path: Path) -> Store:
    """A store in a restic repository that is not there yet."""
    try:
        servers.program("restic")
    except servers.Missing as missing:
        pytest.skip(str(missing))
    return Store(repository=str(tmp_path / "repository"), password_file=_secret(tmp_path / "pass", PASSWORD))


def test_encrypted_backups_prove_that_they_restore(shop: str, backups: Path, encrypted: Store) -> None:
    """Encrypted to recipients, a backup of each DBMS is proved at every level with the identity."""
    made = back_up(shop, backups, store=encrypted)
    assert made.manifest.store == "age"
    assert all(file.name.endswith(".zst.age") for file in made.manifest.files)
    for level in ("hashed", "decoded", "restored"):
        assert verify(made, level, scratch_url=shop).holds


def _blind(made: Backup, **keys: Path | None) -> Backup:
    """The backup as whoever has other keys reads it."""
    return read(made.path, Store(identity=keys.get("identity")))


def test_without_its_identity_an_encrypted_backup_says_nothing(
    sqlite_shop: str, backups: Path, encrypted: Store, tmp_path: Path
) -> None:
    """Without an identity, with another or with one that others can read, nothing is read, and it is said why."""
    made = back_up(sqlite_shop, backups, store=encrypted)
    assert verify(_blind(made), "hashed").holds
    other = _secret(tmp_path / "other", str(pyrage.x25519.Identity.generate()))
    empty = _secret(tmp_path / "empty", "nothing")
    shared = _secret(tmp_path / "shared", str(pyrage.x25519.Identity.generate()))
    shared.chmod(0o644)
    for identity, says in (
        (None, r"is encrypted: name the file with its key: \[backup\] identity"),
        (other, "cannot be decrypted: No matching keys"),
        (empty, "holds no identity of age"),
        (shared, "holds a secret that others can read"),
        (tmp_path / "none", "the secret cannot be read"),
    ):
        with pytest.raises(BackupError, match=says):
            verify(_blind(made, identity=identity), "decoded")
    assert verify(made, "decoded").holds
    assert len(read(made.path).proofs) == 2  # who has not the key proves nothing against it
    stored = b"".join(path.read_bytes() for path in made.path.glob("*.age"))
    assert b"SQLite format" not in stored
    assert b"\x28\xb5\x2f\xfd" not in stored[:1000]  # zstd's first bytes


@pytest.mark.parametrize("place", [0.1, 0.5, 0.999])
def test_encrypted_payloads_that_were_altered_do_not_decode(
    sqlite_shop: str, backups: Path, encrypted: Store, place: float
) -> None:
    """A flipped bit or a lost end of an encrypted payload is refused by decryption itself, hashes or not."""
    made = back_up(sqlite_shop, backups, store=encrypted)
    path = made.path / made.manifest.files[0].name
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[int(place * len(whole))] ^= 1
    for damaged in (bytes(flipped), whole[: int(place * len(whole))]):
        path.write_bytes(damaged)
        with pytest.raises(Disproved):
            verify(made, "hashed")
        with (
            pytest.raises(BackupError, match=r"cannot be decrypted|cannot be decompressed"),
            stores.reading(made.store, made.path, made.manifest.files[0]) as raw,
        ):
            raw.drain()


def test_a_reader_that_stops_early_does_not_wait_for_ever(tmp_path: Path, encrypted: Store) -> None:
    """A payload of which only the beginning is read, because something else failed, is let go."""
    stored: list[File] = []
    with stores.writing(encrypted, tmp_path, "id", "full", stored) as sink:
        for _ in range(8):
            sink.write(os.urandom(1 << 20))
    with (
        pytest.raises(RuntimeError, match="on purpose"),
        stores.reading(encrypted, tmp_path, stored[0]) as raw,
    ):
        raise RuntimeError(f"on purpose, after {len(raw.read(10))} bytes")


def test_a_wrong_recipient_stops_the_backup(sqlite_shop: str, backups: Path) -> None:
    """A recipient that is none is named before anything is dumped."""
    with pytest.raises(BackupError, match=r"recipient 1 of .* is none of age's.*age1"):
        back_up(sqlite_shop, backups, store=Store(recipients=("age1nobody",)))
    assert (catalogue(backups), incomplete(backups)) == ((), ())


def test_a_repository_holds_whole_backups(shop: str, backups: Path, repository: Store) -> None:
    """In a restic repository a backup of each DBMS is proved at every level; its directory has no payload."""
    if "postgresql" in shop and not SOAK:
        pytest.skip("only under VISIONFORGE_SOAK=1: it takes its time")
    made = back_up(shop, backups, store=repository)
    assert made.manifest.store == f"restic:{repository.repository}"
    assert {path.name for path in made.path.iterdir()} == {MANIFEST}
    assert made.rows > 2 * ROWS
    assert verify(made, "decoded").holds
    assert verify(made, scratch_url=shop).holds
    listed = read(made.path, repository).as_json()
    assert (listed["store"], listed["level"]) == (made.manifest.store, "restored")


def _restic(store: Store, *arguments: str) -> str:
    environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": store.repository}
    command = ["restic", "--no-cache", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def _snapshots(store: Store) -> list[dict[str, object]]:
    return list(json.loads(_restic(store, "snapshots", "--json")) or ())


def test_a_manifest_is_in_the_repository_too(sqlite_shop: str, backups: Path, repository: Store) -> None:
    """Whoever has lost the directory finds the manifest in the repository; forgetting removes all of a backup."""
    made = back_up(sqlite_shop, backups, store=repository)
    other = back_up(sqlite_shop, backups, store=repository)
    [kept] = [
        s for s in _snapshots(repository) if s["paths"] == [f"/{MANIFEST}"] and made.id in str(s["tags"])
    ]
    assert _restic(repository, "dump", str(kept["id"]), f"/{MANIFEST}") == (made.path / MANIFEST).read_text()
    stores.forget(repository, made.manifest.files, made.id)
    assert {made.id in str(s["tags"]) for s in _snapshots(repository)} == {False}
    assert verify(other).holds


@dataclass(frozen=True)
class _Big:
    url: str
    path: Path

    def update(self) -> None:
        """Changes 0.1 % of the rows, side by side."""
        with closing(sqlite3.connect(self.path)) as db:
            db.execute("UPDATE t SET what = zeroblob(1000) WHERE id BETWEEN 5000 AND 5020")
            db.commit()


@pytest.fixture
def big(tmp_path: Path) -> _Big:
    """A SQLite database of 20 MB that cannot be compressed."""
    path, chance = tmp_path / "big.db", random.Random(7)  # noqa: S311
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, what BLOB)")
        db.executemany("INSERT INTO t (what) VALUES (?)", ((chance.randbytes(1000),) for _ in range(20_000)))
        db.commit()
    return _Big(f"sqlite:///{path}", path)


def test_a_second_backup_adds_little(big: _Big, backups: Path, repository: Store) -> None:
    """After 0.1 % clustered updates a second backup adds a piece or two (up to 8 MB each), and is whole."""
    first = back_up(big.url, backups, store=repository)
    big.update()
    second = back_up(big.url, backups, store=repository)
    assert first.size > 15 << 20
    assert second.raw_size == first.raw_size
    assert second.size * 2 <= first.size
    assert verify(second).holds
    assert verify(first).holds


def test_a_dump_that_fails_leaves_no_snapshot(postgresql: str, backups: Path, repository: Store) -> None:
    """A repository has nothing of a backup whose dump or whose manifest failed."""
    back_up(postgresql, backups, store=repository)
    before = _snapshots(repository)

    def fail(word: str) -> None:
        if word == "writing the manifest":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(postgresql, backups, store=repository, progress=fail)
    with (
        Database("source", postgresql) as database,
        database.session() as session,
        pytest.raises(BackupError, match="pg_dump ended with status"),
    ):
        backup.create(session, backups, url=database.url.set(database="vf_none"), store=repository)
    assert _snapshots(repository) == before
    assert len(catalogue(backups)) == 1
    assert incomplete(backups) == ()


def test_a_damaged_repository_disproves(big: _Big, backups: Path, repository: Store) -> None:
    """One flipped bit in each of the repository's large files is found by hashing."""
    made = back_up(big.url, backups, store=repository)
    path = max(Path(repository.repository).rglob("data/*/*"), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    with pytest.raises(Disproved, match=r"restic ended with status \d: .*(decrypting|ciphertext)"):
        verify(made, "hashed")
    assert read(made.path, repository).level is None


@pytest.fixture
def no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """No word of a password in restic's environment."""
    for name in ("RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_password")
def test_what_a_repository_refuses_is_one_clear_message(
    sqlite_shop: str, backups: Path, repository: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No password, a wrong one, one that others can read, a directory of something else, no restic: each is said."""
    back_up(sqlite_shop, backups, store=repository)
    wrong = _secret(tmp_path / "wrong", "wr0ng-pa55")
    shared = _secret(tmp_path / "shared", PASSWORD)
    shared.chmod(0o644)
    path = repository.repository
    for store, says in (
        (Store(repository=path), "needs its password: name a file as .*password_file"),
        (Store(repository=path, password_file=wrong), "restic ended with status 1: .*wrong password"),
        (Store(repository=path, password_file=shared), "holds a secret that others can read"),
        (Store(repository=str(tmp_path), password_file=wrong), "is not empty and no restic repository"),
    ):
        with pytest.raises(BackupError, match=says) as caught:
            back_up(sqlite_shop, backups, store=store)
        assert "wr0ng" not in str(caught.value)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(BackupError, match="restic is not installed; install it: apt-get install restic"):
        back_up(sqlite_shop, backups, store=repository)
    assert len(catalogue(backups)) == 1
    assert incomplete(backups) == ()


@pytest.mark.usefixtures("no_password")
def test_a_repositorys_password_is_seen_nowhere(
    sqlite_shop: str, backups: Path, repository: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the password nor the repository's address is in an argument, a journal or a manifest."""
    monkeypatch.setenv("RESTIC_PASSWORD", PASSWORD)
    store = Store(repository=repository.repository)
    with watched() as arguments:
        verify(back_up(sqlite_shop, backups, store=store), "hashed")
    assert any(argument.endswith("restic") for argument in arguments)
    assert not any(PASSWORD in argument or store.repository in argument for argument in arguments)
    assert not any(PASSWORD in path.read_text() for path in backups.rglob("*.json*"))
