"""A cutover that is killed (-9): the database is as before or as after, the journal says so, one command goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_visionforge.cutover import past
from pytest_visionforge.cutover.process import tree
from pytest_visionforge.errors import RecordError
from tests.backup import shop as shops
from tests.cutover.project import PYTHON, TABLES, Project, engine, execute
from tests.soak import SOAK

WAIT = """
import pathlib, sys, time
def wait(name):
    if pathlib.Path("hold-" + name).exists():
        pathlib.Path("here").touch()
        time.sleep(120)
"""
MIGRATE = """
import os
from hold import wait
from tests.cutover.project import engine
with engine(os.environ["SHOP_DB"]).begin() as connection:
    connection.exec_driver_sql("INSERT INTO items VALUES (4, 4)")
    if os.path.exists("broken"):
        connection.exec_driver_sql("DELETE FROM orders WHERE id = 1")
    wait("before-commit")
wait("after-commit")
"""
SERVICE = """
import sys
from hold import wait
wait(sys.argv[1])
with open("services", "a") as file:
    file.write(sys.argv[1] + " ")
"""
PLAN = f"""
[limits]
cpu = "100%"
memory = "100%"
[backup]
rollback = "on-failure"
[migration]
command = "{PYTHON} migrate.py"
stop = "{PYTHON} service.py stop"
start = "{PYTHON} service.py start"
start_previous = "{PYTHON} service.py previous"
[changes.tables.items]
rows = "appended"
"""
# Each way has every kill; by default SQLite goes forward and the servers go back, in a soak all go both.
FORWARD = ("sqlite", "postgresql", "mariadb") if SOAK else ("sqlite",)
BACK = ("sqlite", "postgresql", "mariadb") if SOAK else ("postgresql", "mariadb")
SWAPPING = ("swapping", "moving", "replacing")  # what is said then, on each DBMS


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """A small shop, its plan and its migration; a step waits where a file `hold-<step>` lies."""
    url = str(request.getfixturevalue(request.param))
    execute(url, *TABLES)
    made = Project(tmp_path, url, {"PYTHONPATH": str(Path(__file__).parents[2])})
    made.write(PLAN, migrate__py=MIGRATE, service__py=SERVICE, hold__py=WAIT)
    yield made
    shops.drop_kept(url)


def _killed(project: Project, *arguments: str, now: Callable[[], bool]) -> None:
    """Runs the tool, and kills it and nothing else once it is time; its children must end by themselves."""
    process = project.start(*arguments, "--yes")
    end = time.monotonic() + 120
    while not now():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    marks = [entry.facts["mark"] for entry in project.entries("migrate") if entry.phase == "begin"]
    while any(map(tree, marks)):
        assert time.monotonic() < end
        time.sleep(0.05)


def _held(project: Project, name: str, *arguments: str) -> None:
    """Killed while a command of the plan is at `name`."""
    hold, here = project.folder / f"hold-{name}", project.folder / "here"
    hold.touch()
    _killed(project, *arguments, now=here.exists)
    hold.unlink()
    here.unlink()


def _journalled(project: Project, action: str, *arguments: str) -> None:
    """Killed as soon as the journal has the begin of an action, of this run."""

    def begun() -> int:
        try:
            return sum(entry.phase == "begin" for entry in project.entries(action))
        except RecordError:  # a line that is being written
            return 0

    before = begun()
    _killed(project, *arguments, now=lambda: begun() > before)


def _said(project: Project, words: tuple[str, ...], *arguments: str) -> None:
    """Killed as soon as it has printed a line that begins with one of the words."""
    process = project.start(*arguments, "--yes")
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(words):
            break
    else:
        pytest.fail(f"it said none of {words}:\n{''.join(lines)}")
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _rows(project: Project) -> dict[str, list[tuple[int, ...]]]:
    made = engine(project.url)
    with made.connect() as connection:
        found = {
            name: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2")]
            for name in ("orders", "items")
        }
    made.dispose()
    return found


def _past(project: Project) -> past.Past:
    found = past.last(project.write(PLAN), project.folder / "backups" / "journal.jsonl")
    assert found is not None
    return found


def _migrations(project: Project) -> int:
    return sum(entry.phase == "begin" for entry in project.entries("migrate"))


@pytest.mark.parametrize("project", FORWARD, indirect=True)
def test_killed_at_each_step_it_goes_on(project: Project) -> None:
    """Killed in step after step, it is as before up to the commit and as after from there; `--resume` ends it."""
    before = _rows(project)
    after = {**before, "items": [*before["items"], (4, 4)]}
    _held(project, "stop", "cutover")
    assert (_past(project).stopped_in, _past(project).ending) == ("stop", "")
    _journalled(project, "cutover premigration", "cutover", "--resume")
    assert _past(project).stopped_in == "premigration"
    _held(project, "before-commit", "cutover", "--resume")
    assert _past(project).stopped_in == "migrate"
    assert _rows(project) == before
    code, output = project.run("cutover", "--yes")
    assert code == 1
    assert "was interrupted (step migrate): go on with visionforge cutover --resume" in output
    _held(project, "after-commit", "cutover", "--resume")  # all is as before, so it was run again
    assert _rows(project) == after
    _journalled(project, "cutover postmigration", "cutover", "--resume")
    _held(project, "start", "cutover", "--resume")
    assert _past(project).stopped_in == "start"
    assert _rows(project) == after
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 0, output
    assert _past(project).ending == "done"
    assert _rows(project) == after
    assert _migrations(project) == 2  # what was committed is proved, not done again
    assert (project.folder / "services").read_text("utf-8").split() == ["stop", "start"]


@pytest.mark.parametrize("project", BACK, indirect=True)
def test_killed_at_each_step_of_the_way_back_it_goes_on_going_back(project: Project) -> None:
    """Killed before and after the commit, in the restore, the swap, the proof: one command, all is as before."""
    before = _rows(project)
    (project.folder / "broken").touch()
    _held(project, "before-commit", "cutover")
    assert _rows(project) == before
    _held(project, "after-commit", "cutover", "--resume")
    broken = _rows(project)
    assert broken != before
    for words in (*([("comparing every row",)] if SOAK else []), SWAPPING):
        _said(project, words, "cutover", "--rollback")
        assert _past(project).stopped_in == "rollback"
        assert _rows(project) in (before, broken)
    if SOAK:
        _journalled(project, "cutover rollback proof", "cutover", "--resume")
        assert _rows(project) == before
        _held(project, "previous", "cutover", "--resume")
        assert _past(project).stopped_in == "start previous"
    code, output = project.run("cutover", "--resume", "--yes")
    assert code == 1, output  # the way back is no GO
    assert _past(project).ending == "back"
    assert '"verdict": "GO"' in project.read("*-rollback-*/record.json")
    assert _rows(project) == before
    assert (project.folder / "services").read_text("utf-8").split()[-1] == "previous"
