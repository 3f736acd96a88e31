"""Proofs: green only for what restores to what was there; each way of being otherwise is found."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from pytest_visionforge.backup import (
    Backup,
    Disproved,
    find,
    payload,
    restore_tables,
    scratch,
    stores,
    verify,
)
from pytest_visionforge.backup.catalogue import read
from pytest_visionforge.backup.manifest import MANIFEST, Held, Manifest, sealed, written
from pytest_visionforge.errors import BackupError
from tests.backup.shop import ROWS, back_up, change, databases, digests, fill, writing


def _claims(made: Backup, **facts: Any) -> Backup:
    """The backup with a manifest that says something else, and is whole in itself."""
    (made.path / MANIFEST).write_bytes(written(sealed(replace(made.manifest, **facts))))
    return read(made.path)


def _other_state(made: Backup, url: str) -> Backup:
    """The manifest of one state with the payload of another, hashes and all."""
    change(url)
    other = back_up(url, made.path.parent)
    for file in other.manifest.files:
        shutil.copy(other.path / file.name, made.path / file.name)
    return _claims(made, files=other.manifest.files)


def test_the_payload_of_another_state_is_disproved(shop: str, backups: Path) -> None:
    """Lost rows, a changed value, a lost view and a new table are each found by the restore."""
    made = _other_state(back_up(shop, backups), shop)
    assert verify(made, "hashed").holds
    assert verify(made, "decoded").holds
    with pytest.raises(Disproved) as caught:
        verify(made, scratch_url=shop)
    for says in ("view big is missing", "table extra was not in the original", "orders: 500 rows, then 100"):
        assert says in str(caught.value)
    assert not find(backups, made.id).level
    assert databases(shop) == []


def _rows(manifest: Manifest, table: str, **facts: Any) -> dict[str, Held]:
    return {**manifest.tables, table: replace(manifest.tables[table], **facts)}


CLAIMS: dict[str, tuple[Callable[[Manifest], dict[str, Any]], str]] = {
    "a view": (lambda m: {"objects": {**m.objects, "view other": "0"}}, "view other is missing"),
    "a definition": (
        lambda m: {"objects": {**m.objects, "table log": "0"}},
        "table log is not defined as it was",
    ),
    "a sequence": (
        lambda m: {"sequences": {**m.sequences, "customers": 7}},
        "sequence customers would give 501",
    ),
    "a table": (
        lambda m: {"tables": {**m.tables, "lost": m.tables["log"]}},
        "lost is only in the first",
    ),
    "a count": (
        lambda m: {"tables": _rows(m, "log", digests=None, digest=None, rows=7)},
        "log: 7 rows, then 500",
    ),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_of_a_manifest_is_proved(made: Backup, name: str) -> None:
    """A manifest that claims another object, definition, sequence, table or count is disproved."""
    claims, says = CLAIMS[name]
    with pytest.raises(Disproved, match=says):
        verify(_claims(made, **claims(made.manifest)))


def test_a_digest_is_proved(made: Backup) -> None:
    """One wrong digit in the digest of one segment is found."""
    held = made.manifest.tables["orders"]
    assert held.digests is not None
    wrong = {**held.digests, "segments": [{**held.digests["segments"][0], "sha256": "0" * 64}]}
    with pytest.raises(Disproved, match="orders: 500 rows, then 500; 1 segments differ"):
        verify(_claims(made, tables=_rows(made.manifest, "orders", digests=wrong)))


def test_a_damaged_payload_is_disproved_at_every_level(made: Backup, backups: Path) -> None:
    """A flipped bit is found at each level, and undoes the proofs before it, once and for all."""
    assert verify(made).holds
    path = made.path / made.manifest.files[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for level in ("hashed", "decoded", "restored"):
        with pytest.raises(Disproved, match="was altered"):
            verify(made, level)
        assert find(backups, made.id).level is None
        assert "was altered" in find(backups, made.id).as_json()["says"]


def test_a_missing_payload_is_disproved(made: Backup) -> None:
    """A payload that is gone is named."""
    (made.path / made.manifest.files[0].name).unlink()
    with pytest.raises(Disproved, match=r"full\.sqlite\.zst: cannot be read: No such file"):
        verify(made, "hashed")


def test_swapped_payloads_are_disproved(shop: str, backups: Path) -> None:
    """The payload of another backup, though sound in itself, is found by its hash."""
    one = back_up(shop, backups)
    change(shop)
    other = back_up(shop, backups)
    name = one.manifest.files[0].name
    (one.path / name).rename(backups / "aside")
    (other.path / name).rename(one.path / name)
    (backups / "aside").rename(other.path / name)
    for made in (one, other):
        with pytest.raises(Disproved, match=r"was altered|bytes, the manifest says"):
            verify(made, scratch_url=shop)


def _payload(made: Backup, content: bytes) -> Backup:
    """The backup with another payload, hashes and all: what only decoding can refuse."""
    first = made.manifest.files[0]
    (made.path / first.name).unlink()
    stored: list[payload.File] = []
    with stores.writing(made.store, made.path, made.id, stores.name_of(first), stored) as writer:
        writer.write(content)
    return _claims(made, files=(*stored, *made.manifest.files[1:]))


def _content(made: Backup) -> bytes:
    with stores.reading(made.store, made.path, made.manifest.files[0]) as raw:
        return b"".join(iter(raw.read, b""))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_dump_that_was_cut_before_it_was_stored_is_refused_by_decoding(
    shop: str, backups: Path, share: float
) -> None:
    """The output of a program that died in the middle does not decode, on any DBMS."""
    made = back_up(shop, backups)
    content = _content(made)
    if share == 0.0 and made.manifest.dialect == "sqlite":
        return  # no bytes are SQLite's way to write an empty database: the restore finds that
    cut = _payload(made, content[: int(len(content) * share)])
    with pytest.raises(BackupError):
        verify(cut, "decoded")


def test_a_vacuum_that_was_killed_is_found(made: Backup, tmp_path: Path) -> None:
    """An empty database that opens cleanly, as a killed VACUUM INTO leaves it, is no backup of a full one."""
    path = tmp_path / "empty.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 1")
    db.close()
    empty = _payload(made, path.read_bytes())
    assert verify(empty, "decoded").holds
    with pytest.raises(Disproved, match="is missing"):
        verify(empty)


def test_orphans_of_the_original_are_told_and_no_fault(sqlite: str, backups: Path) -> None:
    """A foreign key that did not hold in the original is told; the restored copy is as it was."""
    with writing(sqlite) as run:
        run("CREATE TABLE p (id INTEGER PRIMARY KEY)")
        run("CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))")
        run("INSERT INTO c VALUES (1, 7), (2, NULL)")
    proof = verify(back_up(sqlite, backups))
    assert proof.notes == ("1 rows of c refer through p to rows that p has not, as in the original",)


def test_orphans_that_nothing_proves_to_be_old_are_a_fault(sqlite: str, backups: Path) -> None:
    """Where a table was only counted, a foreign key that does not hold disproves the backup."""
    with writing(sqlite) as run:
        run("CREATE TABLE p (id INTEGER PRIMARY KEY)")
        run("CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id))")
        run("INSERT INTO c VALUES (1, 7)")
    made = back_up(sqlite, backups, digests={})
    with pytest.raises(Disproved, match="1 rows of c refer through p"):
        verify(made)


def test_scratch_is_the_state_before(shop: str, backups: Path) -> None:
    """The state before a change can be read from its backup, and is gone afterwards."""
    before = digests(shop)
    made = back_up(shop, backups)
    change(shop)
    with scratch(made, url=shop) as database:
        assert database.value("SELECT count(*) FROM orders") == ROWS
        assert digests(database.url.render_as_string(hide_password=False)) == before
    assert databases(shop) == []
    assert [path.name for path in backups.iterdir() if path.name.startswith(".tmp")] == []


def test_scratch_is_dropped_after_an_error(shop: str, backups: Path) -> None:
    """A scratch database is gone after whatever happens in it."""
    made = back_up(shop, backups)
    with pytest.raises(RuntimeError, match="on purpose"), scratch(made, url=shop):
        raise RuntimeError("on purpose")
    assert databases(shop) == []
    assert list(backups.glob(".tmp*")) == []


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_server_is_needed_for_its_backups(
    name: str, request: pytest.FixtureRequest, backups: Path, sqlite: str
) -> None:
    """Without a URL, or with that of another DBMS, the message says what is needed."""
    made = back_up(request.getfixturevalue(name), backups)
    with pytest.raises(BackupError, match="name the URL of a database"):
        verify(made)
    with pytest.raises(BackupError, match="cannot be restored into sqlite"):
        verify(made, scratch_url=sqlite)
    assert find(backups, made.id).proofs == ()  # it was not looked at, so nothing is proved against it


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_scratch_that_a_dead_run_left_is_used_again(
    name: str, request: pytest.FixtureRequest, backups: Path
) -> None:
    """A scratch database that was left by a killed run is in nobody's way; one in use is."""
    url = request.getfixturevalue(name)
    made = back_up(url, backups)
    with writing(url) as run:
        run(f"CREATE DATABASE vf_scratch_{made.tag}")
    assert verify(made, scratch_url=url).holds
    with scratch(made, url=url), pytest.raises(BackupError, match="another run is using"):
        verify(made, scratch_url=url)


def test_two_scratches_of_one_file_are_apart(made: Backup) -> None:
    """Two proofs of one backup of a file may run at once."""
    with scratch(made) as one, scratch(made) as two:
        assert make_url(one.url).database != make_url(two.url).database
        assert one.value("SELECT count(*) FROM orders") == two.value("SELECT count(*) FROM orders")


def test_a_proof_reads_in_the_segments_of_its_manifest(
    shop: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However rows would be cut into segments today, they are compared in those that were written down."""
    with monkeypatch.context() as patch:
        patch.setattr("pytest_visionforge.compare.segments.ROWS", 100)
        made = back_up(shop, backups)
    written_down = made.manifest.tables["customers"].digests
    assert written_down
    assert len(written_down["segments"]) > ROWS / 100
    assert verify(made, scratch_url=shop).holds
    restore_tables(made, shop, ["customers"])
    other = _other_state(made, shop)
    with pytest.raises(Disproved, match="orders: 500 rows, then 100; 5 segments differ"):
        verify(other, scratch_url=shop)


def test_a_proof_is_read_by_several_sessions(postgresql: str, backups: Path) -> None:
    """The rows of a scratch database are read by several sessions at once, on one snapshot."""
    seen: list[int] = []
    made = back_up(fill(postgresql), backups)
    with writing(postgresql) as run:

        def look(word: str) -> None:
            if word == "comparing every row":
                query = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'vf\\_scratch\\_%'"
                seen.append(int(run(query).scalar()))

        assert verify(made, scratch_url=postgresql, progress=look).holds
    assert seen[0] > 1


def test_what_is_missing_here_proves_nothing(
    postgresql: str, backups: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that is missing, too old or killed says nothing of a backup: it stays as proved as it was."""
    made = back_up(fill(postgresql), backups)
    assert verify(made, scratch_url=postgresql).holds
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/nonexistent")
        patch.setattr("pytest_visionforge.dialects.postgresql.programs.PLACES", ())
        with pytest.raises(BackupError, match="pg_restore is not installed"):
            verify(made, "decoded")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(backups))
        patch.setattr("pytest_visionforge.dialects.postgresql.programs.PLACES", ())
        script = "#!/bin/sh\n[ $1 = --version ] && echo 15.1 && exit; kill -9 $$\n"
        (backups / "pg_restore").write_text(script)
        (backups / "pg_restore").chmod(0o755)
        with pytest.raises(BackupError, match="pg_restore ended with status -9"):
            verify(made, "decoded")
    assert find(backups, made.id).level == "restored"
    newer = bytearray(_content(made))
    newer[6] = 99  # the minor version of the archive's format
    other = _payload(made, bytes(newer))
    with pytest.raises(BackupError, match=r"unsupported version .*install postgresql-client"):
        verify(other, "decoded")
    assert not find(backups, made.id).disproved
