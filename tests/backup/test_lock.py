"""Several runs in one directory: side by side where they may be, one after the other where they must."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_visionforge.backup import Backup, Policy, prune, restore
from pytest_visionforge.backup.lock import LOCK, held
from pytest_visionforge.errors import BackupError

ROOT = Path(__file__).parents[2]


@contextmanager
def _other(directory: Path, action: str, options: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it is told to stop."""
    script = (
        "import sys; from pathlib import Path; from pytest_visionforge.backup.lock import held\n"
        f"with held(Path(sys.argv[1]), {action!r}{options}): print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process


def test_runs_work_side_by_side(tmp_path: Path) -> None:
    """Two backups at once do not wait for each other."""
    with _other(tmp_path, "backup create"), held(tmp_path, "backup create", patience=0):
        pass


def test_who_wants_all_waits_and_is_told_for_whom(tmp_path: Path) -> None:
    """What removes backups does not begin while others are at work, and names them; nor they while it works."""
    with (
        _other(tmp_path, "backup verify") as process,
        pytest.raises(BackupError, match=rf"in use by backup verify \(process {process.pid} on .*, since"),
        held(tmp_path, "backup prune", alone=True, patience=0),
    ):
        pass
    with (
        _other(tmp_path, "backup prune", ", alone=True") as process,
        pytest.raises(BackupError, match=rf"in use by backup prune \(process {process.pid} "),
        held(tmp_path, "backup create", patience=0.2),
    ):
        pass
    with held(tmp_path, "backup prune", alone=True, patience=0):
        pass


def test_the_dead_hold_nothing(tmp_path: Path) -> None:
    """The lock of a run that was killed is free at once, and nobody waits for it by name."""
    with _other(tmp_path, "backup prune", ", alone=True") as process:
        process.kill()
        process.wait()
        assert str(process.pid) in (tmp_path / LOCK).read_text()
        with held(tmp_path, "backup prune", alone=True, patience=0):
            assert str(process.pid) not in (tmp_path / LOCK).read_text()
    with _other(tmp_path, "backup verify") as dead, _other(tmp_path, "backup create") as alive:
        dead.kill()
        dead.wait()
        with (
            pytest.raises(BackupError) as told,
            held(tmp_path, "backup prune", alone=True, patience=0),
        ):
            pass
        assert f"process {alive.pid} " in str(told.value)
        assert f"process {dead.pid} " not in str(told.value)


@pytest.mark.parametrize("line", ["{", '{"pid": "x"}', "\0" * 100])
def test_a_damaged_line_tells_nothing(tmp_path: Path, line: str) -> None:
    """What is written in the lock is for people; whatever it is, the lock works."""
    with _other(tmp_path, "backup verify"):
        (tmp_path / LOCK).write_text(line + "\n")
        with (
            pytest.raises(BackupError, match="in use by another run"),
            held(tmp_path, "backup prune", alone=True, patience=0),
        ):
            pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """Nobody's file is emptied through a link in the place of the lock."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(BackupError, match="cannot be locked"), held(tmp_path, "backup create"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_one_place_is_restored_by_one_run(made: Backup, sqlite_shop: str, backups: Path) -> None:
    """Two restores over one database do not mix; and nothing is removed meanwhile."""

    def tell(word: str) -> None:
        if word.startswith("comparing"):
            with pytest.raises(BackupError, match="in use by backup restore"):
                restore(made, sqlite_shop, replace=True)
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr("pytest_visionforge.backup.lock.PATIENCE", 0)
                with pytest.raises(BackupError, match="in use by backup restore"):
                    prune(backups, Policy(last=1), place=made.manifest.place, really=True)

    assert restore(made, sqlite_shop, replace=True, progress=tell).kept
