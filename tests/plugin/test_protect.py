"""`--visionforge-protect`: whatever one's own tests do, the database is what it was."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from pytest_visionforge.cutover import journal
from tests.cutover.project import PYTHON, Project, execute
from tests.cutover.project import TABLES as SHOP

TESTS = """
import sqlite3, time, pathlib, pytest
def write(number):
    connection = sqlite3.connect("test.db", timeout=30)
    connection.execute("INSERT INTO items VALUES (?, 1)", (number,))
    connection.commit()
    connection.close()
def test_one():
    write(100)
def test_two():
    write(101)
def test_failing():
    assert not pathlib.Path("fail").exists()
def test_slow():
    if pathlib.Path("slow").exists():
        pathlib.Path("here").touch()
        time.sleep(60)
"""


@pytest.fixture
def project(tmp_path: Path, sqlite: str) -> Project:
    """A shop, a plan, and tests that write into the shop."""
    execute(sqlite, *SHOP)
    made = Project(tmp_path, sqlite)
    made.write("", test_own__py=TESTS, pytest__ini="[pytest]\n")
    return made


def _items(project: Project) -> int:
    connection = sqlite3.connect(project.folder / "test.db")
    try:
        return int(connection.execute("SELECT count(*) FROM items").fetchone()[0])
    finally:
        connection.close()


def test_it_is_put_back_always_also_under_xdist(project: Project) -> None:
    """One backup a session, put back once, with workers too; nothing is left beside the database."""
    assert project.pytest("test_own.py", "--visionforge-protect", "-n", "2") == 0
    assert _items(project) == 3
    actions = [entry.action for entry in project.entries() if entry.phase == "begin"]
    found = [
        sum(each.startswith(word) for each in actions) for word in ("backup create", "rollback", "protect")
    ]
    assert found == [1, 1, 1], actions
    assert journal.unfinished(project.folder / "backups" / "journal.jsonl") == ()
    assert not list(project.folder.glob("test.db.*"))


def test_on_failure_and_never(project: Project) -> None:
    """`on-failure` puts back only what failed; `never` leaves the backup and the database."""
    assert project.pytest("test_own.py", "--visionforge-protect=on-failure") == 0
    assert _items(project) == 5
    execute(project.url, "DELETE FROM items WHERE id > 99")
    (project.folder / "fail").touch()
    assert project.pytest("test_own.py", "--visionforge-protect=never") == 1
    assert _items(project) == 5
    execute(project.url, "DELETE FROM items WHERE id > 99")
    assert project.pytest("test_own.py", "--visionforge-protect=on-failure") == 1
    assert _items(project) == 3


def _slow(project: Project, sign: signal.Signals) -> int:
    (project.folder / "slow").touch()
    command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "test_own.py", "--visionforge-protect"]
    process = subprocess.Popen(command, cwd=project.folder, env=project.environ, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (project.folder / "here").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(sign)
    return process.wait(60)


def test_ctrl_c_puts_it_back(project: Project) -> None:
    """An interrupted session puts the database back before it ends."""
    assert _slow(project, signal.SIGINT) == 2
    assert _items(project) == 3


def test_a_kill_is_known_to_the_next_start(project: Project) -> None:
    """After a kill the next session refuses to begin, says the command, and begins once that was done."""
    assert _slow(project, signal.SIGKILL) == -9
    assert _items(project) == 5
    (project.folder / "slow").unlink()
    assert project.pytest("test_own.py", "--visionforge-protect") == 4
    (opened,) = journal.unfinished(project.folder / "backups" / "journal.jsonl")
    code, output = project.run("rollback", "--backup", str(opened.facts["backup"]), "--yes")
    assert code == 0, output
    assert _items(project) == 3
    assert project.pytest("test_own.py", "--visionforge-protect") == 0
    assert journal.unfinished(project.folder / "backups" / "journal.jsonl") == ()
