"""Backups that were made to do harm: they are read, and do none."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_visionforge.backup import Backup, find, verify
from pytest_visionforge.backup.payload import LEVEL, zstd
from pytest_visionforge.errors import BackupError
from tests.backup import forging
from tests.backup.shop import back_up, databases, fill, writing

COMMANDS = (
    "\\! touch {0}",
    "system touch {0}",
    "\\T {0}",
    "tee {0}",
    "SELECT 1; \\! touch {0}",
    "pager touch {0}",
)


@pytest.fixture
def dump(mariadb: str, backups: Path) -> Backup:
    """A backup of a small MariaDB database."""
    with writing(mariadb) as run:
        run("CREATE TABLE t (id int PRIMARY KEY, what text)")
        run("INSERT INTO t VALUES (1, 'one')")
    return back_up(mariadb, backups)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_of_the_client_is_run(dump: Backup, mariadb: str, tmp_path: Path, command: str) -> None:
    """A dump that holds a command of the client's own (a shell, a file to write) does not run it."""
    file, touched = forging.payload_of(dump, "full.sql"), tmp_path / "touched"
    text = forging.content(dump, file)
    line = command.format(touched).encode() + b"\n"
    hostile = forging.with_content(dump, file, text.replace(b"\nINSERT", b"\n" + line + b"INSERT", 1))
    with pytest.raises(BackupError):
        verify(hostile, scratch_url=mariadb)
    assert not touched.exists()
    assert databases(mariadb) == []


def test_no_file_of_the_client_is_read(dump: Backup, mariadb: str, tmp_path: Path) -> None:
    """A dump cannot make the client send one of its files to the server."""
    file, secret = forging.payload_of(dump, "full.sql"), tmp_path / "secret"
    secret.write_text("7\tprivate\n")
    text = forging.content(dump, file)
    line = f"LOAD DATA LOCAL INFILE '{secret}' INTO TABLE t;\n".encode()
    hostile = forging.with_content(dump, file, text.replace(b"\nINSERT", b"\n" + line + b"INSERT", 1))
    with pytest.raises(BackupError) as caught:
        verify(hostile, scratch_url=mariadb)
    assert "private" not in str(caught.value)
    assert "not what was backed up" not in str(caught.value)  # it was stopped, not only found out


def test_rows_are_in_no_message(dump: Backup, mariadb: str) -> None:
    """What the client says of a statement that fails shows no row."""
    file = forging.payload_of(dump, "full.sql")
    text = forging.content(dump, file).replace(b"'one'", b"'private'), (1, 'private'")
    with pytest.raises(BackupError, match="mariadb ended with status") as caught:
        verify(forging.with_content(dump, file, text), scratch_url=mariadb)
    assert "private" not in str(caught.value)


def test_a_bomb_is_stopped_at_every_level(sqlite: str, backups: Path) -> None:
    """A payload of a few bytes that would become gigabytes is given up at the size that the manifest names."""
    made = back_up(fill(sqlite), backups)
    bomb = forging.with_content(made, forging.payload_of(made), b"\0" * (300 << 20))
    file = forging.payload_of(bomb)
    assert file.size < 100_000
    small = forging.claims(bomb, files=(replace(file, raw_size=1 << 20),))
    for level in ("decoded", "restored"):
        with pytest.raises(BackupError, match="holds more than the 1,048,576 bytes"):
            verify(small, level)
    assert sum(path.stat().st_size for path in backups.rglob("*") if path.is_file()) < 5 << 20


def test_a_window_that_wants_gigabytes_is_refused(sqlite: str, backups: Path) -> None:
    """A stream that asks for more memory than any of ours needs is not decompressed."""
    made = back_up(fill(sqlite), backups)
    file = forging.payload_of(made)
    parameter = zstd.CompressionParameter
    options = {int(parameter.compression_level): LEVEL, int(parameter.window_log): 31}
    compressor = zstd.ZstdCompressor(options=options)
    hostile = compressor.compress(forging.content(made, file)) + compressor.flush()
    (made.path / file.name).write_bytes(hostile)
    changed = replace(file, size=len(hostile), sha256=hashlib.sha256(hostile).hexdigest())
    with pytest.raises(BackupError, match="cannot be decompressed"):
        verify(forging.claims(made, files=(changed,)), "decoded")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.zst", "/etc/passwd", "a\nb.zst", "-rf", "x" * 200, "ü.zst"]
)
def test_a_payload_lies_in_its_backup_alone(sqlite: str, backups: Path, name: str) -> None:
    """A manifest cannot lead to a file outside, nor to a name that means something to anybody."""
    made = back_up(sqlite, backups)
    files = (replace(made.manifest.files[0], name=name),)
    with pytest.raises(BackupError, match="names a file that a backup cannot have"):
        forging.claims(made, files=files)
    with pytest.raises(BackupError):
        find(backups, made.id)


def test_a_hostile_database_file_is_read_and_does_nothing(sqlite: str, backups: Path) -> None:
    """A SQLite schema that was written over by hand is refused, not run."""
    made = back_up(fill(sqlite), backups)
    file = forging.payload_of(made)
    whole = forging.content(made, file)
    hostile = whole.replace(b"CREATE TABLE log", b"CREATE TABLE \0og")
    assert hostile != whole
    with pytest.raises(BackupError):
        verify(forging.with_content(made, file, hostile))
