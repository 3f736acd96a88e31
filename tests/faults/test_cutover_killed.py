"""A cutover that is killed (-9): the database is as before or as after, the journal says so, one command goes on."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_visionforge.cutover import past
from pytest_visionforge.cutover.process import tree
from pytest_visionforge.errors import RecordError
from tests.cutover.project import PYTHON, TABLES, Project, execute
from tests.soak import SOAK

MIGRATE = """
import pathlib, sqlite3, time
connection = sqlite3.connect("test.db", isolation_level=None)
connection.execute("BEGIN")
connection.execute("INSERT INTO items VALUES (4, 4)")
if pathlib.Path("broken").exists():
    connection.execute("DELETE FROM orders WHERE id = 1")
def wait(name):
    if pathlib.Path(name).exists():
        pathlib.Path("here").touch()
        time.sleep(120)
wait("before-commit")
connection.execute("COMMIT")
wait("after-commit")
"""
PLAN = f"""
[limits]
cpu = "100%"
memory = "100%"
[backup]
rollback = "on-failure"
[migration]
command = "{PYTHON} migrate.py"
stop = "echo stop >> services"
start = "echo start >> services"
start_previous = "echo previous >> services"
[changes.tables.items]
rows = "appended"
"""
EXTRA = pytest.mark.skipif(not SOAK, reason="only under VISIONFORGE_SOAK=1: it takes its time")


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A cutover that was killed while its migration had a transaction open, and a copy of its folder."""
    folder = tmp_path_factory.mktemp("killed") / "shop"
    folder.mkdir()
    project = Project(folder, f"sqlite:///{folder / 'test.db'}")
    (folder / "test.db").touch()
    execute(project.url, *TABLES)
    project.write(PLAN, migrate__py=MIGRATE)
    (folder / "before-commit").touch()
    _kill(project, project.start("cutover", "--yes"), (folder / "here").exists)
    (folder / "before-commit").unlink()
    (folder / "here").unlink()
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    return project, copy


@pytest.fixture
def project(killed: tuple[Project, Path]) -> Project:
    """The folder as the kill has left it."""
    made, copy = killed
    shutil.rmtree(made.folder)
    shutil.copytree(copy, made.folder)
    return made


def _kill(project: Project, process: subprocess.Popen[str], now: Callable[[], bool]) -> None:
    """Kills the tool, and nothing else, once it is time."""
    end = time.monotonic() + 120
    while not now():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for entry in project.entries("migrate"):
        if entry.phase == "begin":
            _until(lambda mark=entry.facts["mark"]: not tree(mark))  # type: ignore[misc]


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _rows(project: Project) -> list[str]:
    connection = sqlite3.connect(project.folder / "test.db")
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def _has_begun(project: Project, step: str) -> Callable[[], bool]:
    """Whether a step of the cutover has begun; a line that is being written is no entry yet."""

    def look() -> bool:
        try:
            return bool(project.entries(f"cutover {step}"))
        except RecordError:
            return False

    return look


def _ending(project: Project) -> str:
    plan = project.write(PLAN)
    found = past.last(plan, project.folder / "backups" / "journal.jsonl")
    assert found is not None
    return found.ending


BEFORE = 'INSERT INTO "items" VALUES(3,3);'
AFTER = 'INSERT INTO "items" VALUES(4,4);'


def test_killed_before_the_commit_it_is_as_before(project: Project) -> None:
    """The migration's processes end with the tool, the journal tells the step, and `--resume` runs it again."""
    rows = _rows(project)
    assert BEFORE in rows
    assert AFTER not in rows
    assert _ending(project) == ""
    code, output = project.run("cutover", "--yes")
    assert code == 1
    assert "was interrupted (step migrate): go on with visionforge cutover --resume" in output
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 0, output
    assert "the database is as before" in output
    assert _ending(project) == "done"
    assert AFTER in _rows(project)


def test_killed_after_the_commit_it_is_as_after(project: Project) -> None:
    """What the migration has committed is proved, not done twice."""
    (project.folder / "after-commit").touch()
    _kill(project, project.start("cutover", "--resume", "--yes"), (project.folder / "here").exists)
    assert AFTER in _rows(project)
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 0, output
    assert "the database is not as before" in output
    assert _ending(project) == "done"
    assert len([entry for entry in project.entries("migrate") if entry.phase == "begin"]) == 2


def test_whatever_it_was_killed_in_one_command_goes_back(project: Project) -> None:
    """Killed after the commit, `--rollback` brings the database to what it was, proved."""
    before = _rows(project)
    (project.folder / "after-commit").touch()
    _kill(project, project.start("cutover", "--resume", "--yes"), (project.folder / "here").exists)
    code, output = project.run("cutover", "--rollback", "--yes")
    assert code == 0, output
    assert _rows(project) == before
    assert _ending(project) == "back"


@pytest.mark.parametrize(
    "step", [pytest.param("postmigration", marks=EXTRA), pytest.param("start", marks=EXTRA)]
)
def test_killed_on_the_way_forward_it_goes_on(project: Project, step: str) -> None:
    """Killed in a later step, the cutover is taken up there, and the migration is not run again."""
    _kill(project, project.start("cutover", "--resume", "--yes"), _has_begun(project, step))
    code, output = project.run("cutover", "--resume", "--yes")
    assert code in (0, 1), output  # 1: it was over before the kill came
    assert _ending(project) == "done"
    assert _rows(project).count(AFTER) == 1


@pytest.mark.parametrize("step", ["rollback", pytest.param("rollback proof", marks=EXTRA)])
def test_killed_on_the_way_back_it_goes_on_going_back(project: Project, step: str) -> None:
    """Killed while the backup is put back, `--resume` completes the way back, and its proof."""
    before = _rows(project)
    (project.folder / "broken").touch()
    _kill(project, project.start("cutover", "--resume", "--yes"), _has_begun(project, step))
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 1, output
    assert _ending(project) == "back"
    assert _rows(project) == before
    assert (project.folder / "services").read_text("utf-8").split()[-1] == "previous"
